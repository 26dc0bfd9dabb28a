"""Running a node on this machine: in the calling thread, or in a process of its own that can be killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from dsflow._execution import run_node
from dsflow._interrupt import run_interruptible, where
from dsflow._session import inherited_environment

if TYPE_CHECKING:
    from dsflow._children import ChildPool
    from dsflow._graph import Node, Outcome
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["Runner"]

Emit = Callable[[str, str], None]


class Runner:
    """Runs nodes for one engine, each so that `interrupt` with its key ends it.

    Parameters
    ----------
    session : Session
        The session of the nodes.
    n_threads : int
        How many threads a library may use inside of a task without a constraint.
    """

    def __init__(self, session: Session, n_threads: int) -> None:
        self._session = session
        self._n_threads = n_threads
        self._lock = threading.Lock()
        self._pool: ChildPool | None = None

    def accept(self, task: Task[Any]) -> None:
        """Raise TypeError if a task is to run in a process of its own, and cannot be sent there."""
        if task.options.isolated:
            self._children().accept(task)

    def run(self, node: Node, worker: str, emit: Emit | None = None) -> Outcome | None:
        """Run a node; return what came of it, or None if it was cancelled.

        Parameters
        ----------
        node : Node
            All of its inputs are there.
        worker : str
            Where it runs, for messages.
        emit : callable, optional
            Takes what the task prints.
        """
        if node.options.isolated:
            run_apart = partial(self._run_apart, node, worker, emit)
            return run_interruptible(node.key, run_apart, stop=partial(self._kill, node))
        return run_interruptible(node.key, partial(self._run_here, node, worker, emit))

    def _run_here(self, node: Node, worker: str, emit: Emit | None) -> Outcome | None:
        if node.settled:  # who cancels it from now on interrupts it
            return None
        return run_node(node, self._session, worker, emit)

    def _run_apart(self, node: Node, worker: str, emit: Emit | None) -> Outcome | None:
        call, inputs, handles = node.call, node.inputs, node.handles
        self._session.wait([version.node for version in handles if version.node is not None])
        if node.settled:
            return None
        node.started = time.time()
        return self._children().run(
            node.function,
            call,
            [version.stored for version in inputs],
            [version.failure or version.stored for version in handles],
            key=node.key,
            site=node.site,
            worker=worker,
            time_out_s=node.options.time_out_s,
            environment=self._environment_of(node),
            emit=emit,
        )

    def _kill(self, node: Node) -> None:
        if self._pool is not None:
            self._pool.kill(node.key, f"{node.key} was cancelled.")

    def _environment_of(self, node: Node) -> dict[str, str]:
        """What tells libraries in a process of its own how many threads and which GPUs are the task's."""
        if node.needs is None or node.grant is None:
            given = "OMP_NUM_THREADS" in inherited_environment()
            return {} if given else {"OMP_NUM_THREADS": str(self._n_threads)}
        environment = {"OMP_NUM_THREADS": str(node.needs.cpus)}
        if node.grant.place.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(node.grant.gpus)
        return environment

    def explain(self, node: Node) -> str | None:
        """Say for how long a node has been running and where that is now; None if it does not run."""
        place = where(node.key)
        if place is None:
            return None
        if node.started is None:
            return "about to start"
        if node.options.isolated:
            place = "in a process of its own"
        return f"running for {max(0.0, time.time() - node.started):.1f} s {place}"

    def _children(self) -> ChildPool:
        """The processes; there are none until the first task that needs one is called."""
        with self._lock:
            if self._pool is None:
                from dsflow._children import ChildPool

                self._pool = ChildPool()
            return self._pool

    def close(self) -> None:
        """Kill what runs in processes of its own, and end them."""
        with self._lock:
            pool = self._pool
        if pool is not None:
            pool.close()
