"""Helpers for tests of programs that use dsflow: count calls, forbid them, kill a worker."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsflow._active import active_session
from dsflow._context import current_context
from dsflow._errors import EngineError, SessionError

if TYPE_CHECKING:
    from dsflow._graph import Node
    from dsflow._listener import Listener
    from dsflow._session import Session

__all__ = ["TaskCount", "count_tasks", "forbid_compute", "kill_a_worker"]

PATIENCE_S = 10.0
"""How long to look for a worker process that is alive."""


class TaskCount:
    """How many tasks were called, in all and by name. Calls that tasks make on remote workers are not seen."""

    def __init__(self) -> None:
        self.by_name: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Number of calls."""
        with self._lock:
            return sum(self.by_name.values())

    def submitted(self, node: Node) -> None:
        """Count a call."""
        with self._lock:
            self.by_name[node.name] += 1

    def settled(self, node: Node) -> None:
        """Do nothing: calls are counted, not results."""

    def __repr__(self) -> str:
        return f"<TaskCount: {self.count} tasks, {dict(self.by_name)}>"


class _Forbidder:
    """Refuses every call."""

    def submitted(self, node: Node) -> None:
        raise AssertionError(f"no task may be called here, but {node.name} was, at {node.site}.")

    def settled(self, node: Node) -> None:
        """Do nothing: a task that was called before may end now."""


@contextlib.contextmanager
def count_tasks() -> Iterator[TaskCount]:
    """Count the tasks that are called inside of the ``with`` block.

    Without a session the default one is started, as a call would do.

    Yields
    ------
    TaskCount
        It goes on to count until the block ends, and keeps its numbers.
    """
    counter = TaskCount()
    with _listening(counter):
        yield counter


@contextlib.contextmanager
def forbid_compute() -> Iterator[None]:
    """Let every call of a task inside of the ``with`` block fail.

    Without a session the default one is started, as a call would do.

    Raises
    ------
    AssertionError
        At the call, naming the task and the line of the call.
    """
    with _listening(_Forbidder()):
        yield


def kill_a_worker(session: Session | None = None, seed: int | None = None) -> int:
    """Kill a worker process, as a machine that fails would (SIGKILL).

    Parameters
    ----------
    session : Session, optional
        The session whose engine has the workers; the active one by default.
    seed : int, optional
        Decides which worker it is; by default it is any.

    Returns
    -------
    int
        The process id that the worker had.

    Raises
    ------
    SessionError
        When there is no session.
    EngineError
        When the engine has no processes that could be killed.
    """
    session = session or active_session()
    if session is None:
        raise SessionError("kill_a_worker: no session is running; dsflow.start('dask') begins one.")
    worker_pids = getattr(session.engine, "worker_pids", None)
    rng = random.Random(seed)  # noqa: S311 - a choice for a test, not a secret
    deadline = time.monotonic() + PATIENCE_S
    while worker_pids is not None and time.monotonic() < deadline:
        pids = sorted(set(worker_pids()) - {os.getpid()})
        if not pids:
            break
        pid: int = rng.choice(pids)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has died a moment ago, and is about to be replaced
            time.sleep(0.01)
        else:
            while pid in worker_pids() and time.monotonic() < deadline:  # until it is known to be dead
                time.sleep(0.01)
            return pid
    raise EngineError(
        f"kill_a_worker: engine {session.engine.name!r} has no worker processes; use dsflow.start('dask')."
    )


@contextlib.contextmanager
def _listening(listener: Listener) -> Iterator[None]:
    listeners = current_context().session.listeners
    listeners.append(listener)
    try:
        yield
    finally:
        listeners.remove(listener)
