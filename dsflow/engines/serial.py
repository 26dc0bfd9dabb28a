"""The serial engine: each call runs at once, in the thread that makes it. The reference, and the debugger's friend."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dsflow._interrupt import PATIENCE_S, checkpoint, give_up, interrupt, nested
from dsflow.engines._adoption import adopt_here
from dsflow.engines._machine import this_machine
from dsflow.engines._runner import Runner

if TYPE_CHECKING:
    from dsflow._freeze import Stored
    from dsflow._graph import Node, Version
    from dsflow._resources import Place
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["SerialEngine"]

logger = logging.getLogger("dsflow")

_DEPTH_PER_STACK = 20
"""Nested tasks on one stack; the next one starts a stack of its own, so that nesting is not bounded by Python's."""

_ABANDON_S = 1.0
"""How long an interrupted session waits for its stacks before it leaves them behind."""


class _Depth(threading.local):
    value = 0
    """How many tasks the stack of the thread holds."""


class SerialEngine:
    """Runs nodes in the order of the calls, in the calling thread."""

    name = "serial"
    remote = False
    orders = False
    n_slots = 1

    def __init__(self, session: Session) -> None:
        self._session = session
        self._runner = Runner(session, os.cpu_count() or 1)
        self._place = this_machine(os.cpu_count() or 1, session.memory_bytes, session.labels, session.n_gpus)
        self._depth = _Depth()
        self._stacks: dict[threading.Thread, Node] = {}
        """Threads that are there for want of stack, and what they run."""

    def accept(self, task: Task[Any]) -> None:
        """Raise TypeError if the task is to run in a process of its own, and cannot be sent there."""
        if task.options.isolated:
            self._runner.accept(task)

    def submit(self, nodes: Sequence[Node]) -> None:
        """Run the nodes now."""
        for position, node in enumerate(nodes):
            try:
                if self._depth.value < _DEPTH_PER_STACK:
                    self._run(node)
                else:
                    self._run_in_new_stack(node)
            except BaseException as error:  # the user, or who has cancelled the task that calls, has interrupted it
                by_user = isinstance(error, KeyboardInterrupt)
                reason = "the program was interrupted" if by_user else "the task that called it was cancelled"
                self._session.cancel(nodes[position:], reason)
                raise

    def _run(self, node: Node) -> None:
        self._depth.value += 1
        try:
            outcome = self._runner.run(node, "main")
            if outcome is not None:
                self._session.settle(node, outcome)
        finally:
            self._depth.value -= 1

    def _run_in_new_stack(self, node: Node) -> None:
        stack = threading.Thread(target=nested(functools.partial(self._run_in_stack, node)), daemon=True)
        stack.name = f"dsflow-{node.key}"
        self._stacks[stack] = node
        stack.start()
        stack.join()
        checkpoint()

    def _run_in_stack(self, node: Node) -> None:
        try:
            self._run(node)
        finally:
            del self._stacks[threading.current_thread()]

    def may_wait(self) -> bool:
        """Return True: no thread is but for reports."""
        return True

    def takes_early(self, _: Node) -> bool:
        """Return False: a node runs when its inputs are there."""
        return False

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Do nothing: whatever could run has run, but for what other threads run."""
        checkpoint()
        yield
        checkpoint()

    def fetch(self, versions: Sequence[Version]) -> list[Stored]:
        """Return the values, which are all here."""
        return [version.stored for version in versions]

    def holds(self, _: Version) -> bool:
        """Return True: there is no other session."""
        return True

    def on_held(self, _: Version, callback: Callable[[], object]) -> None:
        """Call back at once: there is no other session."""
        callback()

    def adopt(self, value: Any, where: str) -> Version:
        """Return a version of a Dask collection or Future, which a task of its own computes here."""
        return adopt_here(value, where)

    def places(self) -> Sequence[Place]:
        """Return this machine; one task at a time has all of it."""
        return [self._place]

    def cancel(self, nodes: Sequence[Node]) -> None:
        """Interrupt those of the nodes that run; nothing else can be done about one that runs C code."""
        for node in nodes:
            interrupt(node.key, stuck=functools.partial(self._report, node))

    def _report(self, node: Node) -> None:
        doing = self._runner.explain(node)
        if doing is not None:
            logger.warning("%s was cancelled, but cannot be stopped: it is %s", node.key, doing)

    def explain(self, node: Node) -> str:
        """Say where the node runs."""
        return self._runner.explain(node) or "about to start in the thread that called it"

    def peak_memory_bytes(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def bytes_moved(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def close(self, *, abandon: bool) -> None:
        """End the threads and processes of tasks; threads that do not end in time are left behind."""
        self._runner.close()
        deadline = time.monotonic() + (_ABANDON_S if abandon else PATIENCE_S)
        for stack, node in list(self._stacks.items()):
            stack.join(max(0.0, deadline - time.monotonic()))
            if stack.is_alive():
                give_up(node.key)
                logger.warning("thread %s is left behind with a task that did not end", stack.name)
