"""Tasks in processes of their own, each of which can be killed whatever its task does; the parent's side.

The processes are started from scratch and stay warm for the next task. What travels: the pickled task, once to each
process; the stored inputs and results; what the task prints and logs.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle

from dsflow._channel import PeerGoneError
from dsflow._errors import DsflowError, EngineError, TaskCancelledError, TaskLostError, TaskTimeoutError
from dsflow._failure import unpack_failure
from dsflow._freeze import Stored, freezing
from dsflow._functions import stamp_of
from dsflow._graph import Call, Failure, Outcome, Run
from dsflow._job import Job, describe_call, make_job
from dsflow._process import ChildProcess, Emit, OverdueError, end_all
from dsflow._resources import Grant
from dsflow._session import inherited_environment

if TYPE_CHECKING:
    from dsflow._task import Task

__all__ = ["ChildPool"]

IDLE_S = 30.0
"""A process that has had no work for so long is ended."""

CLOSE_S = 2.0
"""Threads that have run a task have so long to notice that it was killed."""


class ChildPool:
    """Warm child processes, each of which runs one task at a time.

    A process serves only calls with the environment that it was started with, since libraries read theirs once. There
    are never more processes than were busy at one time.
    """

    def __init__(self) -> None:
        self._closed = False
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._busy: dict[str, ChildProcess] = {}
        """By the key of what they run."""
        self._idle: list[ChildProcess] = []
        """The one that has been idle for longest comes first."""
        self._most_busy = 0
        self._timer: threading.Timer | None = None

    def accept(self, task: Task[Any]) -> None:
        """Pickle the task, unless that has been done and nothing it refers to has changed.

        Raises
        ------
        TypeError
            When it cannot be pickled.
        """
        stamp = stamp_of(task)
        if task.pickled is not None and stamp is not None and stamp == task.stamp:
            return
        try:
            with freezing:
                task.pickled, task.stamp = cloudpickle.dumps(task), stamp
        except Exception as error:
            raise TypeError(
                f"{task.name}: the function cannot be sent to a process of its own: {error}; "
                "it, or a global or closure it uses, holds something that cannot be pickled."
            ) from error

    def run(
        self,
        task: Task[Any],
        call: Call,
        inputs: Sequence[Stored],
        handles: Sequence[Stored],
        *,
        key: str,
        site: str,
        worker: str,
        time_out_s: float | None = None,
        environment: dict[str, str] | None = None,
        grant: Grant | None = None,
        emit: Emit | None = None,
    ) -> Outcome:
        """Run a task in a process of its own; return what came of it.

        Parameters
        ----------
        task : Task
            The decorated function.
        call, inputs, handles
            Its arguments, the stored values they refer to, and those that the task gets Futures of; in place of the
            latter a `Failure`, for a Future that has failed.
        key, site, worker : str
            What to call it, where it was called and where it runs, for messages.
        time_out_s : float, optional
            Seconds from the start of the function after which the process is killed.
        environment : dict, optional
            Variables of the process besides those of this one.
        grant : Grant, optional
            What the task has been given of the machine, for `current_task`.
        emit : callable, optional
            Takes what the task prints and logs (stream ``"log:LEVEL:NAME"``); by default it goes to this process's
            own streams and loggers.
        """
        start = time.time()

        def failed(error: Exception) -> Outcome:
            error.add_note(f"In task {describe_call(task, call)}, called at {site}, which ran on {worker}.")
            run = Run(worker, start, time.time(), 0, 0)
            return Outcome(failure=Failure(error.with_traceback(None), key), run=run)

        try:
            self.accept(task)
            job = make_job(task, call, inputs, handles, key, site, worker, time_out_s is not None, grant)
        except TypeError as error:
            return failed(error)
        try:
            stored, packed, run = self._perform(job, environment or {}, time_out_s, emit or _show)
            failure = None if packed is None else _read_failure(packed, job)
        except DsflowError as error:
            return failed(error)
        except pickle.PicklingError as error:
            return failed(TypeError(f"{task.name}: an argument cannot be sent to a process of its own: {error}."))
        return Outcome(stored, failure, run)

    def kill(self, key: str, reason: str) -> bool:
        """Kill the process that runs a task, from any thread; return False if the task is not running here."""
        with self._lock:
            child = self._busy.get(key)
            if child is None or child.ending:
                return False
            child.reason = child.reason or reason
            child.kill()
            return True

    def close(self) -> None:
        """Kill all tasks and end all processes."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            timer, self._timer = self._timer, None
            for key in self._busy:
                self.kill(key, f"{key} was cancelled: the session was stopped.")
        end_all(idle)
        if timer is not None:
            timer.cancel()
            timer.join()
        with self._changed:  # a thread in `run` reaps its own
            self._changed.wait_for(lambda: not self._busy, timeout=CLOSE_S)
            left = list(self._busy.values())
        end_all(left)

    def forget(self) -> None:
        """In a forked process: the children and the thread are the parent's."""
        for child in (*self._idle, *self._busy.values()):
            child.forget()
        self._reset()

    # --- taking and giving back --------------------------------------------------------------------------------------

    def _perform(self, job: Job, extra: dict[str, str], time_out_s: float | None, emit: Emit) -> Any:
        reply, overdue = None, False
        try:
            child, surplus = self._take(job.key, extra)
            end_all(surplus)
            reply = child.perform(job, time_out_s, emit)
        except OverdueError:
            overdue = True  # errors are raised below, since one that is raised here would hold the job
        except PeerGoneError:
            pass
        finally:
            how = self._give_back(job.key, healthy=reply is not None)
        if child.reason is not None:
            raise TaskCancelledError(child.reason)
        if reply is not None:
            return reply
        if not child.is_ready:
            raise EngineError(f"{job.key}: a process of its own did not start; it ended with {how}, see what it wrote.")
        if overdue:
            raise TaskTimeoutError(
                f"{job.key}: not done after {time_out_s:g} s (time_out={time_out_s:g}); its process was killed."
            )
        raise TaskLostError(
            f"{job.key}: the child process of its own in which it ran ended with {how} before the task was done; "
            "the task or a library has ended it, or it was killed from outside, for want of memory perhaps."
        )

    def _take(self, key: str, extra: dict[str, str]) -> tuple[ChildProcess, list[ChildProcess]]:
        """Return a child for a task, and children to end for it."""
        search_path = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        environment = inherited_environment(**{"PYTHONPATH": search_path, **extra})
        with self._lock:
            if self._closed:
                raise TaskCancelledError(f"{key} was cancelled: the session was stopped.")
            surplus = [child for child in self._idle if not child.channel.is_open()]  # it has died
            self._idle = [child for child in self._idle if child not in surplus]
            fitting = [child for child in self._idle if child.environment == environment]
            if fitting:
                self._idle.remove(fitting[-1])
                child = self._busy[key] = fitting[-1]
            else:
                child = self._busy[key] = _started(key, environment)
            self._most_busy = max(self._most_busy, len(self._busy))
            while self._idle and len(self._idle) + len(self._busy) > self._most_busy:
                surplus.append(self._idle.pop(0))
        return child, surplus

    def _give_back(self, key: str, *, healthy: bool) -> str:
        """Keep the child that ran a task for the next one, or end it; return how it ended."""
        with self._lock:
            child = self._busy.get(key)
            if child is None:
                return "nothing"
            if healthy and child.reason is None and not self._closed:
                del self._busy[key]
                child.idle_since = time.monotonic()
                self._idle.append(child)
                self._set_timer()
                return "nothing"
            child.ending = True
        how = child.end()
        with self._changed:
            del self._busy[key]
            self._changed.notify_all()
        return how

    def _set_timer(self) -> None:
        """Have idle children ended in time (with the lock held)."""
        if self._timer is None and self._idle and not self._closed:
            left = self._idle[0].idle_since + IDLE_S - time.monotonic()
            self._timer = threading.Timer(max(left, 0.0), self._end_idle)
            self._timer.name, self._timer.daemon = "dsflow-children", True
            self._timer.start()

    def _end_idle(self) -> None:
        with self._lock:
            limit = time.monotonic() - IDLE_S
            expired = [child for child in self._idle if child.idle_since <= limit]
            self._idle = [child for child in self._idle if child not in expired]
        end_all(expired)
        with self._lock:
            if not self._closed:
                self._timer = None
            self._set_timer()


_pools: weakref.WeakSet[ChildPool] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for pool in _pools:
        pool.forget()


os.register_at_fork(after_in_child=_forget_after_fork)


def _started(key: str, environment: dict[str, str]) -> ChildProcess:
    try:
        return ChildProcess(environment)
    except OSError as error:
        raise EngineError(f"{key}: a process of its own cannot be started: {error}.") from error


def _read_failure(packed: bytes, job: Job) -> Failure:
    try:
        return unpack_failure(packed)
    except Exception as error:
        raise EngineError(f"{job.key} failed, but its exception cannot be read here: {error}") from error


def _show(stream: str, text: str) -> None:
    """Show what a task has printed or logged, as if it had been done here."""
    if stream.startswith("log:"):
        _, level, name = stream.split(":", 2)
        logging.getLogger(name).log(int(level), "%s", text)
    elif getattr(sys, stream) is not None:
        getattr(sys, stream).write(f"{text}\n")
        getattr(sys, stream).flush()
