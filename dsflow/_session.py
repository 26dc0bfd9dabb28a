"""The session: an engine at work, and all that waits for it.

This is also the only module that reads the environment.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Protocol

from dsflow._arguments import Arguments
from dsflow._context import Context
from dsflow._errors import SessionError, TaskCancelledError
from dsflow._freeze import ATOMS, LOCAL_ATOMS, Stored, freeze, thaw
from dsflow._future import Future
from dsflow._graph import REMOTE, Failure, Graph, Node, Outcome, Version
from dsflow._versions import update_in_place
from dsflow.engines.protocol import Engine

__all__ = ["Gate", "Listener", "Session", "inherited_environment"]

logger = logging.getLogger("dsflow")

PATIENCE_S = 30.0
"""A wait that lasts this long says what it waits for, and again after each such time."""

FOREIGN_S = 0.01
"""Time between two looks for a value that another session makes."""

SLICE_S = 0.25
"""Longest wait without a look at signals."""

MAX_PENDING = 200_000
"""Calls of the main program wait while this many nodes are pending."""


class Listener(Protocol):
    """Something that is told what happens in a session, from any thread; it must be quick."""

    def submitted(self, node: Node) -> None:
        """A node was called."""

    def settled(self, node: Node) -> None:
        """A node has ended, failed or was cancelled."""


class Gate(Protocol):
    """Something to wait at."""

    def wait(self, timeout: float) -> bool:
        """Wait for so many seconds at most; return whether it is open."""


class Session:
    """An engine at work, from `dsflow.start` to `dsflow.stop`."""

    def __init__(self, make_engine: Callable[[Session], Engine], memory_bytes: int | None = None) -> None:
        self.graph = Graph()
        self.main = Context(self)
        self.closed = False
        self.memory_bytes = memory_bytes
        """Bytes that blocks may take over all workers, or None if no budget was given."""
        self.listeners: list[Listener] = []
        self._failures: list[Failure] = []
        self._snapshots: weakref.WeakValueDictionary[bytes, Version] = weakref.WeakValueDictionary()
        """Versions of large arrays, by the hash of their content."""
        self.prefix = uuid.uuid4().hex[:8]
        self._numbers = itertools.count()
        self.engine = make_engine(self)
        self.atoms = ATOMS if self.engine.remote else LOCAL_ATOMS

    # --- calls -------------------------------------------------------------------------------------------------------

    def submit(self, task: Any, arguments: Arguments, context: Context, site: str) -> list[Future[Any]]:
        """Record a call, pass it to the engine, and return its Futures."""
        if self.closed:
            raise SessionError(f"{task.name}: the session has ended; dsflow.start() begins another.")
        if len(self.graph.pending) >= MAX_PENDING and not context.is_task:
            self._hold_back()
        self.engine.accept(task)
        node = Node(
            f"{task.name}-{self.prefix}-{next(self._numbers)}",
            task,
            arguments.call,
            arguments.inputs,
            arguments.handles,
            site,
            context.node,
        )
        n_returns = task.returns or 1
        for listener in self.listeners:
            listener.submitted(node)
        versions, ready, failure = self.graph.add(node, n_returns + len(arguments.changed))
        if context.is_task:
            context.children.append(node)
        futures: list[Future[Any]] = [Future(version, self, task.kind) for version in versions]
        for value, future in zip(arguments.changed, futures[n_returns:], strict=True):
            _advance(value, future, context)
        if failure is not None:
            self.settle(node, Outcome(failure=failure))
        elif ready or self.engine.orders:
            self.engine.submit([node])
        return futures[:n_returns]

    def settle(self, node: Node, outcome: Outcome) -> None:
        """Record what came of a node (called by the engine)."""
        if outcome.failure is not None and outcome.failure.key == node.key and not node.settled:
            self._failures.append(outcome.failure)
        settled, ready = self.graph.settle(node, outcome)
        if len(settled) > 1:
            self.engine.cancel([each for each in settled if each is not node])
        for listener in self.listeners:
            for each in settled:
                listener.settled(each)
        if ready and not self.engine.orders:
            self.engine.submit(ready)

    def put(self, value: Any) -> Future[Any]:
        """Place a value in the session without copying its arrays."""
        return Future(Version(stored=freeze(value, portable=self.engine.remote)), self)

    def snapshot(self, array: Any) -> Version:
        """Return a version that holds a large array as it is now; on a remote engine, one for all equal arrays."""
        if not self.engine.remote:
            return Version(stored=freeze(array, portable=False, snapshot=True))
        stored = freeze(array, portable=True)
        digest = hashlib.sha256(stored.payload)
        for buffer in stored.buffers:
            digest.update(buffer)
        version = self._snapshots.get(digest.digest())
        if version is None:
            version = Version(stored=freeze(array, portable=True, snapshot=True))
            self._snapshots[digest.digest()] = version
        return version

    def adopt(self, future: Future[Any], where: str) -> Future[Any]:
        """Return a Future of this session for one that came from elsewhere."""
        raise SessionError(
            f"{where}: {future!r} belongs to a session that has ended or to another process; "
            "pass its value instead: wait_on(future) in its own session."
        )

    # --- waiting -----------------------------------------------------------------------------------------------------

    def wait(self, nodes: Iterable[Node], timeout: float | None = None) -> None:
        """Wait until the nodes are settled, whatever came of them.

        Raises
        ------
        TimeoutError
            When they are not settled after ``timeout`` seconds.
        """
        pending = [node for node in nodes if not node.settled]
        if not pending:
            return
        gate = _Countdown(len(pending))
        for node in pending:
            self.graph.on_settled(node, gate.count)
        try:
            self.wait_at(gate, pending, timeout)
        finally:
            for node in pending:
                self.graph.off_settled(node, gate.count)

    def wait_at(self, gate: Gate, nodes: Sequence[Node], timeout: float | None = None) -> None:
        """Wait until a gate opens; ``nodes`` are those that it waits for, to say so if it takes long."""
        if gate.wait(0.0):
            return
        try:
            with self.engine.waiting():
                self._wait_at(gate, nodes, timeout)
        except KeyboardInterrupt:
            self.cancel(list(self.graph.pending.values()), "the program was interrupted")
            raise

    def _wait_at(self, gate: Gate, nodes: Sequence[Node], timeout: float | None) -> None:
        start = time.monotonic()
        deadline = None if timeout is None else start + timeout
        while True:
            left = PATIENCE_S if deadline is None else min(PATIENCE_S, deadline - time.monotonic())
            if _wait_in_slices(gate, max(left, 0.0)):
                return
            waited = time.monotonic() - start
            reasons = self._reasons(nodes)
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"not there after {waited:.3g} s; waiting for {reasons}.")
            logger.warning("waiting for %s (since %.0f s)", reasons, waited)

    def _reasons(self, nodes: Sequence[Node]) -> str:
        """Say why nodes are not settled: each by the first node it waits for that could run."""
        lines = []
        unsettled = [node for node in nodes if not node.settled]
        for node in unsettled[:3]:
            cause = node
            while blocking := [v.node for v in cause.inputs if v.node is not None and not v.node.settled]:
                cause = blocking[0]
            text = f"{node.key} (called at {node.site})"
            if cause is not node:
                text += f", which needs {cause.key}"
            lines.append(f"{text}: {self.engine.explain(cause)}")
        more = f"; and {len(unsettled) - 3} more" if len(unsettled) > 3 else ""
        return "; ".join(lines) + more

    def value_of(self, version: Version, timeout: float | None = None) -> Any:
        """Wait for a version and return its value, an object of the caller's own."""
        return thaw(self.stored_of(version, timeout), writable=True)

    def stored_of(self, version: Version, timeout: float | None = None) -> Stored:
        """Wait for a version and return what is stored, or raise why there is nothing."""
        node = version.node
        if node is not None:
            self.wait([node], timeout)
        if version.failure is not None:
            self.note_seen(version.failure)
            version.failure.throw()
        if version.is_foreign and timeout is not None:
            self._wait_for_foreign(version, timeout)
        if version.stored is REMOTE:
            return self.engine.fetch([version])[0]
        return version.stored

    def _wait_for_foreign(self, version: Version, timeout: float) -> None:
        """Wait for a value that another session makes, of which no report comes here."""
        deadline = time.monotonic() + timeout
        with self.engine.waiting():
            while not self.engine.holds(version):
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"not there after {timeout:g} s; a task that another program called makes it.")
                time.sleep(FOREIGN_S)

    def values_of(self, versions: Sequence[Version]) -> list[Any]:
        """Wait for versions and return their values; those that lie with the engine come together."""
        for version in versions:
            node = version.node
            if node is not None:
                self.wait([node])
            if version.failure is not None:
                self.note_seen(version.failure)
                version.failure.throw()
        remote = [version for version in versions if version.stored is REMOTE]
        fetched = dict(zip(remote, self.engine.fetch(remote), strict=True)) if remote else {}
        return [thaw(fetched.get(version, version.stored), writable=True) for version in versions]

    def bring_up_to_date(self, value: Any, context: Context) -> Any:
        """Give an object that tasks are changing its newest state, in place if its type allows; return it."""
        future = context.tracker.find(value)
        assert future is not None
        version = future._version
        try:
            new = self.value_of(version)
        except BaseException:
            if version.before is not None and version.settled:
                update_in_place(value, self.value_of(version.before))
            context.tracker.forget(value, version)
            raise
        updated = update_in_place(value, new)
        context.tracker.forget(value, version)
        return value if updated else new

    def barrier(self, context: Context, timeout: float | None = None) -> None:
        """Wait for all calls of ``context``; raise the first failure that no one has seen."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while pending := [n for n in self._called_by(context) if not n.settled]:
            self.wait(pending, None if deadline is None else deadline - time.monotonic())
        self.raise_unseen()

    def _called_by(self, context: Context) -> list[Node]:
        return context.children if context.is_task else list(self.graph.pending.values())

    def note_seen(self, failure: Failure) -> None:
        """Let go of a failure that a wait is about to raise, and of those it stands for."""
        failure.seen = True
        self._failures = [each for each in self._failures if not each.reported]

    def raise_unseen(self) -> None:
        """Raise the first failure that was not raised at a wait yet."""
        unseen = [failure for failure in self._failures if not failure.reported]
        self._failures.clear()
        if not unseen:
            return
        for failure in unseen:
            failure.seen = True
        if len(unseen) > 1:
            unseen[0].exception.add_note(f"{len(unseen) - 1} more tasks failed.")
        unseen[0].throw()

    def _hold_back(self) -> None:
        logger.info("%d calls are pending; the next one waits until half of them have ended", MAX_PENDING)
        nodes = list(self.graph.pending.values())
        self.wait(nodes[: len(nodes) // 2])

    # --- the end -----------------------------------------------------------------------------------------------------

    def cancel(self, nodes: Sequence[Node], reason: str) -> None:
        """Settle nodes, and what depends on them, as cancelled."""
        for node in nodes:
            error = TaskCancelledError(f"{node.key} (called at {node.site}) was cancelled: {reason}.")
            self.settle(node, Outcome(failure=Failure(error, node.key, seen=True)))
        self.engine.cancel(nodes)

    def close(self, *, abandon: bool = False) -> None:
        """Wait for all calls (or cancel them), then let go of everything."""
        if self.closed:
            return
        try:
            if not abandon:
                self.wait(list(self.graph.pending.values()))
                self._bring_all_up_to_date()
        except KeyboardInterrupt:
            abandon = True
            raise
        finally:
            if abandon:
                self.cancel(list(self.graph.pending.values()), "the session was stopped")
            self.closed = True
            self.engine.close(abandon=abandon)
            self.cancel(list(self.graph.pending.values()), "the session was stopped")
            self.main.tracker.clear()

    def _bring_all_up_to_date(self) -> None:
        """Let the main program's objects have what tasks have changed; failures are left for it to see."""
        for value, future in self.main.tracker.items():
            version: Version | None = future._version
            if version is not None and version.failure is not None:
                version = version.before
            if version is not None:
                update_in_place(value, self.value_of(version))

    def __repr__(self) -> str:
        state = "ended" if self.closed else f"{len(self.graph.pending)} tasks pending"
        return f"<Session: engine {self.engine.name!r}, {self.engine.n_slots} slots, {state}>"

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        from dsflow._active import end_session

        end_session(self, abandon=kind is not None)


def _wait_in_slices(gate: Gate, timeout: float) -> bool:
    """Wait at a gate; the main thread looks up now and then, since it misses a signal that comes as a wait begins."""
    if threading.current_thread() is not threading.main_thread():
        return gate.wait(timeout)
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        if gate.wait(max(0.0, min(left, SLICE_S))):
            return True
        if left <= SLICE_S:
            return False


class _Countdown:
    """A gate that opens when it has counted so many nodes."""

    __slots__ = ("_left", "_lock", "_opened")

    def __init__(self, left: int) -> None:
        self._left = left
        self._lock = threading.Lock()
        self._opened = threading.Lock()
        self._opened.acquire()

    def count(self, _: Node) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._opened.release()

    def wait(self, timeout: float) -> bool:
        return self._opened.acquire(timeout=timeout)


def _advance(value: Any, future: Future[Any], context: Context) -> None:
    """Let the name of a changed object stand for its new version."""
    existing = value if type(value) is Future else context.tracker.find(value)
    if existing is None:
        context.tracker.track(value, future)
    else:
        existing._version = future._version


def inherited_environment(**changes: str) -> dict[str, str]:
    """Return the environment for a process of ours: this one's, with changes."""
    return {**os.environ, **changes}
