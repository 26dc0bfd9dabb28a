"""Running a node on this machine: in the calling thread, or in a process of its own that can be killed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from dsflow._errors import EngineError
from dsflow._execution import run_node
from dsflow._graph import Failure, Outcome
from dsflow._interrupt import run_interruptible, where
from dsflow._session import inherited_environment

if TYPE_CHECKING:
    from dsflow._children import ChildPool
    from dsflow._graph import Node
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["Runner"]

logger = logging.getLogger("dsflow")

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
        """Raise TypeError if a task, which is to run in a process of its own, cannot be sent there."""
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
            run, stop = self._run_apart, partial(self._kill, node)
        else:
            run, stop = self._run_here, None
        try:
            return run_interruptible(node.key, run, node, worker, emit, stop=stop)
        except Exception as error:  # not the task's: what it printed cannot be shown, say; every wait has to end
            logger.exception("%s cannot be run", node.key)
            reason = EngineError(f"{node.key} (called at {node.site}) cannot be run: {type(error).__name__}: {error}.")
            return Outcome(failure=Failure(reason, node.key))

    def _run_here(self, node: Node, worker: str, emit: Emit | None) -> Outcome | None:
        return run_node(node, self._session, worker, emit)

    def _run_apart(self, node: Node, worker: str, emit: Emit | None) -> Outcome | None:
        call, inputs, handles = node.call, node.inputs, node.handles
        self._session.wait([version.node for version in handles if version.node is not None])
        if node.settled:
            return None
        node.started = time.time()
        outcome = self._children().run(
            node.function,
            call,
            [version.stored for version in inputs],
            [version.failure or version.stored for version in handles],
            key=node.key,
            site=node.site,
            worker=worker,
            time_out_s=node.options.time_out_s,
            environment=self._environment_of(node),
            grant=node.grant,
            emit=None if emit is None else partial(_show, emit, f"{node.key} {worker}"),
        )
        for version in handles:
            if version.failure is not None:  # the task may have failed by it
                version.failure.cover = version.failure.cover or outcome.failure
        return outcome

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


def _show(emit: Emit, tag: str, stream: str, text: str) -> None:
    """Show what a task in another process has printed or logged (``"log:LEVEL:NAME"``)."""
    if stream.startswith("log:"):
        _, level, name = stream.split(":", 2)
        logging.getLogger(name).log(int(level), "[%s] %s", tag, text)
    else:
        emit(stream, text)
