"""The serial engine: each call runs at once, in the thread that makes it. The reference, and the debugger's friend."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dsflow._execution import run_node

if TYPE_CHECKING:
    from dsflow._freeze import Stored
    from dsflow._graph import Node, Version
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["SerialEngine"]

_DEPTH_PER_STACK = 20
"""Nested tasks on one stack; the next one starts a stack of its own, so that nesting is not bounded by Python's."""


class SerialEngine:
    """Runs nodes in the order of the calls, in the calling thread."""

    name = "serial"
    remote = False
    orders = False
    n_slots = 1

    def __init__(self, session: Session) -> None:
        self._session = session
        self._depth = threading.local()

    def accept(self, task: Task[Any]) -> None:
        """Do nothing: any function can run here."""

    def submit(self, nodes: Sequence[Node]) -> None:
        """Run the nodes now."""
        for node in nodes:
            depth = getattr(self._depth, "value", 0)
            if depth < _DEPTH_PER_STACK:
                self._depth.value = depth + 1
                try:
                    self._run(node)
                except BaseException:  # the user has interrupted it
                    self._session.cancel([node], "the program was interrupted")
                    raise
                finally:
                    self._depth.value = depth
            else:
                stack = threading.Thread(target=self.submit, args=([node],), name=f"dsflow-{node.key}")
                stack.start()
                stack.join()

    def _run(self, node: Node) -> None:
        self._session.settle(node, run_node(node, self._session, "main"))

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Do nothing: whatever could run has run."""
        yield

    def fetch(self, versions: Sequence[Version]) -> list[Stored]:
        """Return the values, which are all here."""
        return [version.stored for version in versions]

    def holds(self, _: Version) -> bool:
        """Return True: there is no other session."""
        return True

    def cancel(self, nodes: Sequence[Node]) -> None:
        """Do nothing: no node is waiting to start."""

    def explain(self, _: Node) -> str:
        """Say that the node is running."""
        return "running in the thread that called it"

    def peak_memory_bytes(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def bytes_moved(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def close(self, *, abandon: bool) -> None:
        """Do nothing: there are no threads."""
