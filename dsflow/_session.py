"""The session: an engine at work, and all that waits for it.

This is also the only module that reads the environment.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

from dsflow._arguments import Arguments
from dsflow._context import Context, active_context
from dsflow._dispatch import Dispatcher
from dsflow._errors import SessionError, TaskCancelledError, WallClockError
from dsflow._explain import reasons
from dsflow._freeze import ATOMS, LOCAL_ATOMS, Stored, thaw
from dsflow._future import Future
from dsflow._gates import Countdown, Gate, wait_patiently
from dsflow._graph import REMOTE, Failure, Node, Outcome, Version, raise_failure_of
from dsflow._groups import current_groups, join_groups, leave_groups
from dsflow._interrupt import checkpoint
from dsflow._keeper import FailureKeeper
from dsflow._listener import Listener
from dsflow._ordering import Graph
from dsflow._paths import bring_files_home
from dsflow._policy import judge
from dsflow._resources import Needs
from dsflow._sources import Sources
from dsflow._spill import Hoard
from dsflow._versions import update_in_place
from dsflow.engines.protocol import Engine

__all__ = ["Session", "inherited_environment"]

logger = logging.getLogger("dsflow")

FOREIGN_S = 0.01
"""Time between two looks for a value that another session makes."""

MAX_PENDING = 200_000
"""Calls of the main program wait while this many nodes are pending."""


class Session:
    """An engine at work, from `dsflow.start` to `dsflow.stop`."""

    def __init__(
        self,
        make_engine: Callable[[Session], Engine],
        memory_bytes: int | None = None,
        labels: Iterable[str] = (),
        n_gpus: int | None = None,
        keep_failures: str | os.PathLike[str] | None = None,
    ) -> None:
        self.graph = Graph()
        self.main = Context(self)
        self.closed = False
        self.memory_bytes = memory_bytes
        """Bytes that blocks may take over all workers, or None if no budget was given."""
        self.labels = frozenset(labels)
        """What the workers that are started here have."""
        self.n_gpus = n_gpus
        """How many GPUs they may use; None for all."""
        self.keeper = None if keep_failures is None else FailureKeeper(keep_failures)
        """Keeps tasks that have failed, to run them again."""
        self.listeners: list[Listener] = []
        self.before_end: set[Callable[[], object]] = set()
        """Called before the engine is closed, when all calls have ended."""
        self._failures: list[Failure] = []
        self._wall_clock: Failure | None = None
        self.wall_clock_timer: threading.Timer | None = None
        """Ends the session's work in time, if it was given a limit."""
        self.prefix = uuid.uuid4().hex[:8]
        self._numbers = itertools.count()
        self.dispatcher = Dispatcher(self)
        self.engine = make_engine(self)
        self.atoms = ATOMS if self.engine.remote else LOCAL_ATOMS
        self.hoard = Hoard(None if self.engine.remote else self.engine.places()[0].memory_bytes)
        """The values that this process keeps."""
        self.sources = Sources(self)

    # --- calls -------------------------------------------------------------------------------------------------------

    def new_key(self, name: str) -> str:
        """Return a key for a node."""
        return f"{name}-{self.prefix}-{next(self._numbers)}"

    def prepare(self, task: Any, context: Context) -> None:
        """Raise an exception if a task cannot be called now; wait if too many calls are pending."""
        if context.is_task:
            checkpoint()
        if self._wall_clock is not None:
            self._wall_clock.throw()
        if self.closed:
            raise SessionError(f"{task.name}: the session has ended; dsflow.start() begins another.")
        if len(self.graph.pending) >= MAX_PENDING and not context.is_task:
            self._hold_back()
        self.engine.accept(task)

    def record(
        self, task: Any, arguments: Arguments, context: Context, site: str, needs: Needs | None = None
    ) -> tuple[Node, Failure | None, list[Future[Any]]]:
        """Add a call to the graph; return its node, why that will not run (or None), and its Futures."""
        key = self.new_key(task.name)
        call, inputs, handles = arguments.call, arguments.inputs, arguments.handles
        node = Node(key, task, call, inputs, handles, site, context.node, task.name, task.options)
        node.commuting = arguments.commutes
        node.opaque = task.options.is_opaque
        node.pickled = task.pickled
        n_returns = task.returns or 1
        if needs is not None:
            self.dispatcher.check(node, needs)
        for listener in self.listeners:
            listener.submitted(node)
        if needs is not None:
            self.dispatcher.expect(node, needs)
        versions = [Version(node) for _ in range(n_returns + len(arguments.targets))]
        for target, version in zip(arguments.targets, versions[n_returns:], strict=True):
            target(node, version)
        node.groups = current_groups(context)
        node.is_nested = context.is_task
        failure = self.graph.add(node, versions, follow=self.engine.orders)
        cancelled = join_groups(node) if node.groups else None  # not before: a group settles its members when one fails
        if context.is_task:
            context.children.append(node)
        for given_up in arguments.given_up:
            _give_up(given_up, context, node)
        return node, cancelled or failure, [Future(version, self, task.kind) for version in versions[:n_returns]]

    def begin(self, node: Node, failure: Failure | None) -> None:
        """Pass a recorded call to the engine when it can run, or settle it if it never will."""
        if failure is not None:
            self.settle(node, Outcome(failure=failure))
        else:
            self.dispatcher.route((node,))

    def settle(self, node: Node, outcome: Outcome) -> None:
        """Record what came of a node (called by the engine)."""
        failure = outcome.failure
        if failure is not None and failure.key == node.key and not node.settled:
            judged = self._judged(node, outcome)
            if judged is None:
                return
            outcome = judged
        self.hoard.add(outcome.stored)
        settled, ready = self.graph.settle(node, outcome)
        if len(settled) > 1:
            self.engine.cancel([each for each in settled if each is not node])
        for listener in self.listeners:
            for each in settled:
                listener.settled(each)
        self.dispatcher.settled(settled)
        if ready:
            self.dispatcher.route(ready)
        leave_groups(settled, self)

    def _judged(self, node: Node, failed: Outcome) -> Outcome | None:
        judged = judge(node, failed, self)
        if judged is None:
            return None
        judged.run = failed.run
        if judged.failure is not None:
            if not node.is_nested:
                self._failures.append(judged.failure)
            if self.keeper is not None:
                self.keeper.keep(node, judged, self)
        return judged

    def put(self, value: Any) -> Future[Any]:
        """Place a value in the session without copying its arrays."""
        return Future(self.sources.given(value), self)

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
        gate = Countdown(len(pending))
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
            with self.engine.waiting(), self._suspended():
                wait_patiently(gate, timeout, lambda: reasons(nodes, self))
        except KeyboardInterrupt:
            self.cancel(list(self.graph.pending.values()), "the program was interrupted")
            raise

    def _suspended(self) -> AbstractContextManager[None]:
        """Let others have what the caller has been given, if it is a task."""
        context = active_context()
        return nullcontext() if context is None else self.dispatcher.suspended(context.label)

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
        if context.is_task:
            raise_failure_of(context.children)
        else:
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
        """Settle nodes, and what depends on them, as cancelled; those that run are stopped."""
        nodes = [node for node in nodes if not node.settled]
        for node in nodes:
            error = TaskCancelledError(f"{node.key} (called at {node.site}) was cancelled: {reason}.")
            self.settle(node, Outcome(failure=Failure(error, node.key, seen=True)))
        self.engine.cancel(nodes)

    def expire(self, error: WallClockError) -> None:
        """Cancel everything, and refuse what comes."""
        self._wall_clock = Failure(error, "wall clock")
        self._failures.append(self._wall_clock)
        nodes = list(self.graph.pending.values())
        for node in nodes:
            self.settle(node, Outcome(failure=self._wall_clock))
        self.engine.cancel(nodes)

    def close(self, *, abandon: bool = False) -> None:
        """Wait for all calls (or cancel them), then let go of everything."""
        if self.closed:
            return
        try:
            if not abandon:
                while self.graph.pending:
                    self.wait(list(self.graph.pending.values()))
                for finish in list(self.before_end):
                    finish()
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
            self.sources.close()
            self.hoard.close()
            if self.wall_clock_timer is not None:
                self.wall_clock_timer.cancel()
                if threading.current_thread() is not self.wall_clock_timer:
                    self.wall_clock_timer.join()

    def _bring_all_up_to_date(self) -> None:
        """Let the main program's objects and files have what tasks have changed; failures are left for it to see."""
        bring_files_home(self.main, quiet=True)
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


def _give_up(value: Any, context: Context, node: Node) -> None:
    """Let go of what a task was given by IN_DELETE."""
    if type(value) is Future:
        value._delete(f"it was given up to {node.key} (called at {node.site}) by IN_DELETE")
    else:
        context.tracker.forget(value)


def inherited_environment(**changes: str) -> dict[str, str]:
    """Return the environment for a process of ours: this one's, with changes."""
    return {**os.environ, **changes}
