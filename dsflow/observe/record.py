"""What happened in a session: one small record a task for the last ones, and running totals by task name for all.

A `Recorder` is a listener of the session. It holds no value and no node, so it keeps nothing of the program alive, and
what it holds is bounded however many tasks run.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING

from dsflow._active import active_session
from dsflow._errors import SessionError, TaskCancelledError

if TYPE_CHECKING:
    from dsflow._graph import Failure, Node, Run, Version
    from dsflow._session import Session

__all__ = ["Record", "Recorder", "Span", "Totals"]

KEEP = 50_000
"""How many records a recorder keeps unless told otherwise; they take about 30 MB."""


@dataclass(slots=True, eq=False)
class Record:
    """One task: what it read, and where and when it ran."""

    key: str
    """Key of the node."""
    name: str
    """Name of the task's function."""
    site: str
    """File and line of the call."""
    reads: tuple[str, ...]
    """Keys of the tasks whose results it reads, each once."""
    caller: str | None
    """Key of the task that called it; None for the main program."""
    submitted: float
    """When it was called, in seconds since the epoch."""
    state: str = "pending"
    """``"pending"``, ``"done"``, ``"failed"`` or ``"cancelled"``; a task whose input failed is cancelled."""
    run: Run | None = None
    """Where and when it ran; None if it did not."""
    calls: bool = False
    """True if it called tasks itself; its time then includes theirs."""
    shared: tuple[int, ...] = ()
    """Numbers of the values of the main program that it reads, each once; not those that came with the call."""
    priority: int = 0
    """Among tasks that are ready, those of a higher one go first."""
    slots: int = 1
    """How many slots it takes while it runs."""
    caller_cpu: float = 0.0
    """CPU time of the thread that called it, at the call, in seconds."""
    settler_cpu: float = 0.0
    """CPU time of the thread that noted its end, in seconds; with threads it is the one that ran the task."""

    @property
    def seconds(self) -> float:
        """How long it ran, in seconds; 0 if it did not."""
        return 0.0 if self.run is None else self.run.end - self.run.start


@dataclass(slots=True)
class Totals:
    """Sums over all tasks of one name."""

    called: int = 0
    """Number of calls."""
    done: int = 0
    """Number of tasks that gave their result."""
    failed: int = 0
    """Number of tasks that raised an exception."""
    cancelled: int = 0
    """Number of tasks that did not run, or whose result no one waits for."""
    seconds: float = 0.0
    """Time in the tasks, in seconds."""
    bytes_in: int = 0
    """Size of the arguments, in bytes."""
    bytes_out: int = 0
    """Size of the results, in bytes."""

    @property
    def settled(self) -> int:
        """Number of tasks that are over, one way or another."""
        return self.done + self.failed + self.cancelled


@dataclass(slots=True)
class Span:
    """From the first call to the last end of a task."""

    begin: float = 0.0
    """Time of the first call, in seconds since the epoch; 0 before it."""
    end: float = 0.0
    """Time when the last task had ended, in seconds since the epoch."""
    cpu_begin: float = 0.0
    """CPU time of this process at the first call, in seconds."""
    cpu_end: float = 0.0
    """CPU time of this process when the last task had ended, in seconds."""
    busy_s: float = 0.0
    """Time in tasks that call no tasks, in seconds: what kept the slots busy."""


class Recorder:
    """Keeps what happened to the last tasks of a session, and totals over all; iterate over it for the records.

    Parameters
    ----------
    keep : int
        How many records to keep; 0 for totals only.

    Examples
    --------
    >>> import dsflow
    >>> from dsflow.observe import Recorder
    >>> @dsflow.task
    ... def double(x):
    ...     return 2 * x
    >>> with dsflow.start("serial") as session:
    ...     recorder = Recorder.of(session)
    ...     _ = double(double(1))
    >>> [(record.name, record.state) for record in recorder]
    [('double', 'done'), ('double', 'done')]
    >>> recorder.totals()["double"].done
    2
    """

    def __init__(self, keep: int = KEEP) -> None:
        self._records: deque[Record] = deque(maxlen=keep)
        self._pending: dict[str, Record] = {}
        self._totals: dict[str, Totals] = {}
        self._span = Span()
        self._shared: weakref.WeakKeyDictionary[Version, int] = weakref.WeakKeyDictionary()
        """A number for each value of the main program that tasks have read."""
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, session: Session | None = None) -> Recorder:
        """Return the recorder of a session (of the active one by default), attached now if it has none yet.

        A recorder knows the tasks that were called after it was attached. Tasks that are called by tasks in other
        processes are not on record.

        Raises
        ------
        SessionError
            When no session is given and none is active.
        """
        session = session or active_session()
        if session is None:
            raise SessionError("Recorder.of: no session is active; call dsflow.start() first.")
        for listener in session.listeners:
            if isinstance(listener, Recorder):
                return listener
        recorder = cls()
        session.listeners.append(recorder)
        return recorder

    def submitted(self, node: Node) -> None:
        """Note a call."""
        reads = tuple({version.maker: None for version in node.inputs if version.maker is not None})
        given = [version for version in node.inputs if version.maker is None]
        caller = None if node.parent is None else node.parent.key
        record = Record(node.key, node.name, intern(node.site), reads, caller, time.time())
        record.priority = node.options.priority
        record.caller_cpu = time.thread_time()
        with self._lock:
            if given:
                record.shared = tuple({self._number_of(version): None for version in given})
            if not self._span.begin:
                self._span.begin, self._span.cpu_begin = record.submitted, time.process_time()
            if caller in self._pending:
                self._pending[caller].calls = True
            self._records.append(record)
            self._pending[record.key] = record
            totals = self._totals.get(record.name)
            if totals is None:
                totals = self._totals[record.name] = Totals()
            totals.called += 1

    def _number_of(self, version: Version) -> int:
        number = self._shared.get(version)
        if number is None:
            number = self._shared[version] = next(self._numbers)
        return number

    def settled(self, node: Node) -> None:
        """Note the end of a task."""
        state = "done" if node.failure is None else _state_after(node.failure, node.key)
        run = node.run
        now, settler_cpu = time.time(), time.thread_time()
        with self._lock:
            record = self._pending.pop(node.key, None)
            if record is None:  # it was called before this recorder was attached
                return
            record.state = state
            record.settler_cpu = settler_cpu
            if node.needs is not None:
                record.slots = node.needs.cpus
            totals = self._totals[record.name]
            setattr(totals, state, getattr(totals, state) + 1)
            if run is not None:
                record.run = run
                totals.seconds += record.seconds
                totals.bytes_in += run.bytes_in
                totals.bytes_out += run.bytes_out
                if not record.calls:
                    self._span.busy_s += record.seconds
            if not self._pending:
                self._span.end, self._span.cpu_end = now, time.process_time()

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the records of this moment, in the order of the calls."""
        with self._lock:
            return iter(list(self._records))

    def totals(self) -> dict[str, Totals]:
        """Return the totals of this moment by task name, in the order of the first calls; the copy is the caller's."""
        with self._lock:
            return {name: dataclasses.replace(totals) for name, totals in self._totals.items()}

    def span(self) -> Span:
        """Return when the tasks ran, up to now if some are pending; the copy is the caller's."""
        with self._lock:
            span = dataclasses.replace(self._span)
            if self._pending:
                span.end, span.cpu_end = time.time(), time.process_time()
        return span


def _state_after(failure: Failure, key: str) -> str:
    if failure.key != key or isinstance(failure.exception, TaskCancelledError):
        return "cancelled"
    return "failed"
