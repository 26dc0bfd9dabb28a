"""A child process that runs one task at a time: ``python -m dsflow._child``, started by `dsflow._children`.

Over a socket come jobs, and go what the task prints and logs and, at last, its results; large buffers travel as they
are. Standard input is a pipe that nothing is written to: when it is closed, which comes when the parent closes it or
dies, the process and those it has started are killed.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import faulthandler
import fcntl
import functools
import io
import logging
import os
import pickle
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from dsflow._active import end_session
from dsflow._blobs import set_store_parent
from dsflow._channel import Channel, PeerGoneError
from dsflow._context import Context
from dsflow._execution import run_task
from dsflow._failure import pack_failure, unpack_failure
from dsflow._freeze import Stored
from dsflow._future import Future
from dsflow._graph import Failure, Outcome, Run, Version
from dsflow._job import CACHED_TASKS, Job, is_cached
from dsflow._session import Session
from dsflow._start import start

__all__ = ["Server", "main"]


class Server:
    """Runs the jobs that come over a channel, one after the other."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._outbox: collections.deque[tuple[Any, ...]] = collections.deque()
        self._sending = threading.Lock()
        self._tasks: dict[int, bytes] = {}
        self._busy = False
        self.streams: list[tuple[io.TextIOWrapper, _Lines]] = []
        """The standard streams, and what they end in; flushed when a task has ended."""

    def serve(self) -> None:
        """Run jobs until the parent closes the channel."""
        self._post("ready")
        with contextlib.suppress(PeerGoneError):
            while True:
                self._serve(self._channel.receive())

    def show(self, stream: str, text: str) -> None:
        """Let the user see lines that the task of this moment has printed or logged."""
        if self._busy:
            self._post("text", stream, text)
        else:  # a thread that a task has left behind
            os.write(2, f"{text}\n".encode("utf-8", "backslashreplace"))

    def leave(self) -> None:
        """In a forked child: the channel is the parent's."""
        self._busy = False
        self._channel.close()

    def _post(self, *message: Any) -> None:
        """Send a message; or have it sent by who is sending, which may be this very thread when it collects garbage."""
        self._outbox.append(message)
        while self._outbox and self._sending.acquire(blocking=False):
            try:
                while self._outbox:
                    self._channel.send(self._outbox.popleft())
            finally:
                self._sending.release()

    def _serve(self, job: Job) -> None:
        with contextlib.suppress(OSError):  # the folder may be gone
            os.chdir(job.folder)
        self._busy = True
        outcome = self._outcome_of(job)
        for stream, lines in self.streams:
            with contextlib.suppress(ValueError):  # the task has closed it
                stream.flush()
            lines.end()
        self._busy = False
        failure = None if outcome.failure is None else pack_failure(outcome.failure)
        stored = [each.stored if type(each) is Version else each for each in outcome.stored]
        self._post("done", stored, failure, outcome.run)

    def _outcome_of(self, job: Job) -> Outcome:
        start_time = time.time()
        try:
            task = self._task_of(job)
            with _own_session() as session, _log_level(job.log_level):
                context = Context(session, label=job.key)
                context.grant = job.grant
                return run_task(
                    self._announcing(task) if job.announced else task,
                    job.call,
                    job.inputs,
                    [_settled_future(stored, failure, session) for stored, failure in job.handles],
                    context,
                    site=job.site,
                    worker=job.worker,
                    portable=True,
                )
        except (KeyboardInterrupt, TypeError) as error:  # the task raises the first; the second says it is unreadable
            error.add_note(f"In task {job.key}, called at {job.site}, which ran on {job.worker}.")
            return Outcome(failure=Failure(error, job.key), run=Run(job.worker, start_time, time.time(), 0, 0))

    def _task_of(self, job: Job) -> Any:
        pickled = self._tasks[job.task_id] if job.task is None else job.task
        if job.task is not None and is_cached(pickled):
            if len(self._tasks) >= CACHED_TASKS:
                self._tasks.clear()
            self._tasks[job.task_id] = pickled
        try:
            task = _load_small_task(pickled) if is_cached(pickled) else pickle.loads(pickled)
        except Exception as error:
            raise _unreadable(job.key, f"{type(error).__name__}: {error}") from error
        if task is None:
            raise _unreadable(job.key, "its module cannot be imported there")
        return task

    def _announcing(self, task: Any) -> Any:
        """A task that reports the start of its function."""
        announcing = copy.copy(task)

        def function(*args: Any, **kwargs: Any) -> Any:
            self._post("started")
            return task.function(*args, **kwargs)

        announcing.function = function
        return announcing


@functools.lru_cache(maxsize=CACHED_TASKS)
def _load_small_task(pickled: bytes) -> Any:
    return pickle.loads(pickled)


def _unreadable(key: str, why: str) -> TypeError:
    return TypeError(
        f"{key}: the function cannot be read in a process of its own: {why}; "
        "it, or a global or closure it uses, needs something that only the program itself has."
    )


@contextlib.contextmanager
def _own_session() -> Iterator[Session]:
    """Have the tasks that a task calls run in this process, so that they end with it."""
    end_session(abandon=True)  # one that a thread of an earlier task may have started
    try:
        yield start("serial")
    finally:
        end_session(abandon=True)


@contextlib.contextmanager
def _log_level(level: int) -> Iterator[None]:
    root = logging.getLogger()
    before = root.level
    root.setLevel(level)
    try:
        yield
    finally:
        root.setLevel(before)


def _settled_future(stored: Stored, failure: bytes | None, session: Session) -> Future[Any]:
    version = Version(stored=stored)
    if failure is not None:
        version.failure = unpack_failure(failure)
    return Future(version, session)


# --- the process -----------------------------------------------------------------------------------------------------


class _Lines(io.RawIOBase):
    """Passes on what is written, by whole lines."""

    def __init__(self, name: str, descriptor: int, show: Callable[[str, str], None]) -> None:
        self._name = name
        self._descriptor = descriptor
        self._show = show
        self._unfinished = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        *lines, self._unfinished = (self._unfinished + bytes(data)).split(b"\n")
        if lines:
            self._show(self._name, b"\n".join(lines).decode("utf-8", "backslashreplace"))
        return len(data)

    def end(self) -> None:
        """Pass on the last line though it has no end."""
        if self._unfinished:
            self._show(self._name, self._unfinished.decode("utf-8", "backslashreplace"))
        self._unfinished = b""


class _LogForwarder(logging.Handler):
    def __init__(self, show: Callable[[str, str], None]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(f"log:{record.levelno}:{record.name}", self.format(record))


def main() -> None:
    """Be a child process; on the command line are the descriptor of its socket and the folder for its files."""
    _end_with(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a task that asks for input gets none
    with contextlib.suppress(OSError):  # the parent may have no standard error
        os.dup2(2, 1)  # what C code prints
    faulthandler.enable()
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    set_store_parent(sys.argv[2])
    server = Server(Channel(connection))
    os.register_at_fork(after_in_child=server.leave)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        lines = _Lines(name, descriptor, server.show)
        stream = io.TextIOWrapper(io.BufferedWriter(lines), "utf-8", "backslashreplace", line_buffering=True)
        server.streams.append((stream, lines))
        setattr(sys, name, stream)
    logging.getLogger().addHandler(_LogForwarder(server.show))
    server.serve()


def _end_with(pipe: int) -> None:
    """Have this process, and those it has started, killed when the pipe from the parent is closed."""
    if sys.platform != "linux":
        threading.Thread(target=_wait_for_end, args=(pipe,), daemon=True).start()
        return
    # by the system: no thread of ours runs while C code holds the interpreter's lock
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpid())  # the group that this process leads
    fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:  # it was closed before
        os._exit(0)


def _wait_for_end(pipe: int) -> None:
    while os.read(pipe, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    from dsflow._child import main as main_by_its_name  # what is pickled here must not be called __main__ there

    main_by_its_name()
