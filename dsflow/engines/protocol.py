"""The contract between a session and the engine that runs its nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dsflow._freeze import Stored
    from dsflow._graph import Node, Outcome, Version
    from dsflow._resources import Place
    from dsflow._task import Task

__all__ = ["Engine", "Sink"]


class Sink(Protocol):
    """What an engine sees of its session."""

    def settle(self, node: Node, outcome: Outcome) -> None:
        """Report, from any thread, what came of a node; nodes that can run by now are submitted."""


class Engine(Protocol):
    """Something that runs nodes. It reports each one it was given to its sink, once."""

    name: str
    """The word that ``dsflow.start(engine=…)`` takes."""
    remote: bool
    """True if values travel to other processes."""
    orders: bool
    """True if it takes nodes before their inputs exist, and runs them in an order that fits."""
    n_slots: int
    """How many tasks run at a time."""

    def accept(self, task: Task[Any]) -> None:
        """Raise TypeError if the engine cannot run a task; called before each call of it is recorded."""

    def takes_early(self, node: Node) -> bool:
        """Return whether the engine wants a node before its inputs are there; with ``orders`` only."""

    def submit(self, nodes: Sequence[Node]) -> None:
        """Take nodes, after those they read; with ``orders`` false, all of their inputs are there."""

    def waiting(self) -> AbstractContextManager[None]:
        """Be told that the caller waits: hand over what is held back, and lend out its slot if it is a task."""

    def may_wait(self) -> bool:
        """Return whether the calling thread may wait for nodes: not if it is the one that is told what came of them."""

    def adopt(self, value: Any, where: str) -> Version:
        """Return a version of a Dask collection or Future that was passed to the task called ``where``."""

    def fetch(self, versions: Sequence[Version]) -> list[Stored]:
        """Bring values that lie with the engine to this process."""

    def holds(self, version: Version) -> bool:
        """Return whether a value that another session has asked for is there, or has failed."""

    def on_held(self, version: Version, callback: Callable[[], object]) -> None:
        """Call ``callback()``, from any thread, once a value that another session has asked for is there or failed."""

    def places(self) -> Sequence[Place]:
        """Return what there is to share out: the machines or workers, with what each of them has."""

    def cancel(self, nodes: Sequence[Node]) -> None:
        """Stop nodes, which are settled already, or keep them from starting; what does not end is left behind."""

    def explain(self, node: Node) -> str:
        """Say in a few words why a node that can run has not ended."""

    def peak_memory_bytes(self) -> int:
        """Return the largest memory of processes other than this one, as far as it is known."""

    def bytes_moved(self) -> int:
        """Return how many bytes of data went from one process to another."""

    def close(self, *, abandon: bool) -> None:
        """Let go of every thread, process and file; with ``abandon`` do not wait for running tasks."""
