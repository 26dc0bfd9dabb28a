"""What a program has on a worker, from its first task there to its end: running tasks, a session, child processes.

On a cluster of the program's own it goes with the worker's process. On any other the program's end takes it away.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from distributed import get_client

from dsflow._active import active_session
from dsflow._blobs import set_store_parent
from dsflow._children import ChildPool
from dsflow._context import Context, active_context
from dsflow._interrupt import interrupt, run_interruptible, where
from dsflow._output import TaggedOutput
from dsflow._session import Session
from dsflow.engines.dask._supervision import watch

__all__ = ["Visit", "end_visit", "look_at_task", "note_log_level", "root_of", "stop_tasks", "visit_of"]

T = TypeVar("T")

SENT_S = 1.0
"""The last reports have so long to be sent."""

MAX_CANCELLED = 10_000
"""So many keys of cancelled tasks are remembered."""


class Visit:
    """What one program has on one worker."""

    def __init__(self, worker: Any, root: str) -> None:
        self.worker = worker
        self.root = root
        """What the topics of the program's reports begin with."""
        self.ended = False
        self.n_reports = 0
        self._moved_before = worker.transfer_outgoing_bytes_total
        self._lock = threading.RLock()
        self._running: dict[str, tuple[Context, float]] = {}
        """The tasks that run now, and since when, by the key of the attempt."""
        self.cancelled: set[str] = set()
        """Keys of tasks that were to be stopped, and did not run here then; one of a pack may be next."""
        self._session: Session | None = None
        self._pool: ChildPool | None = None

    @property
    def place(self) -> str:
        """What messages call the worker."""
        return f"worker {self.worker.name}"

    def measures(self) -> list[Any]:
        """What a report says of the worker: address, process, largest memory, and bytes sent in this visit."""
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        moved_bytes = self.worker.transfer_outgoing_bytes_total - self._moved_before
        return [self.worker.address, os.getpid(), peak_bytes, moved_bytes]

    def report(self, topic: str, **message: Any) -> None:
        """Send a message to the program, unless that has gone."""
        if not self.ended:
            self.n_reports += 1
            self.worker.log_event(topic, message)

    def show(self, topic: str, key: str, stream: str, text: str) -> None:
        """Send what a task has printed or logged."""
        text = text.encode("utf-8", "backslashreplace").decode()  # what cannot be encoded cannot be sent either
        self.report(topic, key=key, stream=stream, text=text, place=self.place)

    def run(
        self, run_key: str, context: Context, function: Callable[[], T], stop: Callable[[], object] | None = None
    ) -> T | None:
        """Run a task in this thread, so that it can be stopped; return None if it was."""
        self._running[run_key] = context, time.time()
        try:
            return run_interruptible(run_key, function, stop=stop)
        finally:
            del self._running[run_key]

    def stop(self, keys: Iterable[str]) -> list[str]:
        """Stop tasks and what they have called, as far as that is possible; return those that run still."""
        found = []
        if len(self.cancelled) > MAX_CANCELLED:
            self.cancelled.clear()
        for key in keys:
            context, _ = self._running.get(key, (None, 0.0))
            if context is None:
                self.cancelled.add(key)
            elif interrupt(key):
                found.append(key)
                if context.children:  # it waits for them, perhaps
                    context.session.engine.call(partial(_cancel_children, context))  # type: ignore[attr-defined]  # it is a DaskEngine
        return found

    def look_at(self, key: str) -> str | None:
        """Say for how long a task has been running, and where that is now; None if it does not run."""
        context, start = self._running.get(key, (None, 0.0))
        return None if context is None else f"for {max(0.0, time.time() - start):.1f} s {where(key) or ''}".rstrip()

    def session(self) -> Session:
        """Return the session that calls of the program's tasks go to."""
        from dsflow.engines.dask._engine import DaskEngine

        main = active_session()
        if main is not None and isinstance(main.engine, DaskEngine) and main.engine.topic == self.root:
            return main  # the worker is in the main program's process
        with self._lock:
            if self._session is None:
                self._session = Session(lambda session: DaskEngine(session, get_client(), root=self.root))
            return self._session

    def pool(self) -> ChildPool:
        """Return the child processes of the program's tasks."""
        with self._lock:
            if self._pool is None:
                self._pool = ChildPool()
            return self._pool

    def end(self) -> list[str]:
        """Let go of everything; return the tasks that run still."""
        left = self.stop(list(self._running))
        with self._lock:
            self.ended = True
            session, self._session = self._session, None
            pool, self._pool = self._pool, None
        watch.end()
        if pool is not None:
            pool.close()
        if session is not None:
            session.close(abandon=True)
        return left


def _cancel_children(context: Context) -> None:
    context.session.cancel(context.children, "the task that has called it was cancelled")


_lock = threading.Lock()
_left_by: deque[str] = deque(maxlen=1000)
"""The last programs that have left this worker."""


def root_of(topic: str) -> str:
    """The topic of the main program, for the topic of one of its sessions."""
    return topic.partition("/")[0]


def visit_of(worker: Any, topic: str) -> Visit:
    """Return what the program that ``topic`` belongs to has on a worker."""
    root = root_of(topic)
    try:
        visit: Visit = worker.dsflow_visits[root]
    except (AttributeError, KeyError):
        with _lock:
            if root in _left_by:  # what is late: its program has gone
                visit = Visit(worker, root)
                visit.ended = True
                return visit
            if not hasattr(worker, "dsflow_visits"):
                worker.dsflow_visits = {}
            if root not in worker.dsflow_visits:
                _capture.begin(worker)
                worker.dsflow_visits[root] = Visit(worker, root)
            visit = worker.dsflow_visits[root]
    return visit


def stop_tasks(root: str, keys: Sequence[str], dask_worker: Any) -> list[str]:
    """Stop tasks on a worker, by its event loop; return those that run still."""
    visit = getattr(dask_worker, "dsflow_visits", {}).get(root)
    return [] if visit is None else visit.stop(keys)


def look_at_task(root: str, key: str, dask_worker: Any) -> str | None:
    """Say for how long a task has been running on a worker, and where that is now; None if it does not run."""
    visit = getattr(dask_worker, "dsflow_visits", {}).get(root)
    return None if visit is None else visit.look_at(key)


async def end_visit(root: str, dask_worker: Any) -> list[str]:
    """Take away what a program has on a worker, by its event loop; return the tasks that run still."""
    visits = getattr(dask_worker, "dsflow_visits", {})
    with _lock:
        _left_by.append(root)
        visit: Visit | None = visits.pop(root, None)
    if visit is None:
        return []
    with ThreadPoolExecutor(1, "dsflow-end") as thread:  # it waits for what this event loop does
        left = await asyncio.get_running_loop().run_in_executor(thread, visit.end)
    with _lock:
        _capture.end()
    deadline = time.monotonic() + SENT_S
    while dask_worker.batched_stream.buffer and time.monotonic() < deadline:  # the last reports, on another connection
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.005)
    return left


# --- what tasks print and log ----------------------------------------------------------------------------------------

_log_level = threading.local()


def note_log_level(level: int) -> None:
    """Have what this thread logs from now on forwarded from a level on."""
    _log_level.value = level


class _LogForwarder(logging.Handler):
    """Sends what tasks log to the main program."""

    def emit(self, record: logging.LogRecord) -> None:
        context = active_context()
        if context is None or context.emit is None or record.levelno < getattr(_log_level, "value", logging.WARNING):
            return
        context.emit(f"log:{record.levelno}:{record.name}", record.getMessage())


class _Capture:
    """Catches what tasks print and log in this process while there are visits, unless it is the main program's."""

    def __init__(self) -> None:
        self._n_visits = 0
        self._handler: _LogForwarder | None = None
        self._level = logging.WARNING
        self._output: TaggedOutput | None = None

    def begin(self, worker: Any) -> None:
        self._n_visits += 1
        if self._handler is not None or active_session() is not None:
            return
        if len(type(worker)._instances) == 1:
            set_store_parent(worker.local_directory)
        self._output = TaggedOutput()
        self._handler = _LogForwarder()
        root = logging.getLogger()
        root.addHandler(self._handler)
        self._level = root.level
        root.setLevel(logging.DEBUG)

    def end(self) -> None:
        self._n_visits -= 1
        if self._n_visits == 0 and self._handler is not None and self._output is not None:
            self._output.remove()
            root = logging.getLogger()
            root.removeHandler(self._handler)
            root.setLevel(self._level)
            self._handler = self._output = None
            set_store_parent(None)


_capture = _Capture()
