"""The Dask engine: a window of calls becomes one graph for the scheduler; values stay on the workers.

What moves: to the scheduler, the calls of a window with their small arguments, and large arguments once; to the main
program, a report for each task, and the values that it asks for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import cloudpickle
import dask
from distributed import Client, KilledWorker, get_worker, rejoin, secede

from dsflow._context import active_context
from dsflow._errors import EngineError, TaskCancelledError, TaskLostError
from dsflow._failure import unpack_failure
from dsflow._functions import stamp_of
from dsflow._graph import REMOTE, Failure, Node, Outcome, Run, Version
from dsflow._output import write_tagged
from dsflow.engines.dask._sending import LargeTasks, Window, build_graph, cut_lineage
from dsflow.engines.dask._worker import TaskFailed

if TYPE_CHECKING:
    from dsflow._freeze import Stored
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["DaskEngine"]

logger = logging.getLogger("dsflow")

WINDOW_S = 0.002
"""Calls are collected for so long at most before they are sent together."""

MAX_TRIES = 3
"""How often a node whose workers were killed from outside runs again: it may be for memory that they were."""

SWEEP_S = 0.5
"""Time between two looks for tasks that ended without a report."""

MAX_IN_FLIGHT = 10_000
"""Nodes the scheduler is given at a time; more wait here, in order."""


class DaskEngine:
    """Runs nodes on the workers of a Dask cluster."""

    name = "dask"
    remote = True
    orders = True

    def __init__(self, session: Session, client: Client, cluster: Any = None, *, nested: bool = False) -> None:
        self._session = session
        self.client = client
        self._cluster = cluster
        self._window = Window()
        self._flushing = threading.Lock()
        self._in_flight: dict[str, Node] = {}
        self._lent: dict[str, list[Any]] = {}
        """Dask Futures of the values that nodes in flight have been given Futures of."""
        self._tries: dict[str, int] = {}
        """How often nodes were run again because their workers had been killed."""
        self._late: set[str] = set()
        """Keys that were found ended, without a report, by the last sweep."""
        self._peak_bytes: dict[str, int] = {}
        self._bytes_of_workers: dict[str, int] = {}
        self._bytes_sent = 0
        self._large_tasks: LargeTasks = weakref.WeakKeyDictionary()
        self._closed = False
        self.topic = f"dsflow-{id(self):x}-{client.id}"
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        messages = self._messages  # the client keeps the handler, which must not keep this engine
        client.subscribe_topic(self.topic, lambda event: messages.put(event[1]))
        self.n_slots = sum(client.nthreads().values()) if not nested else 1
        self._thread = threading.Thread(target=self._pump, name="dsflow-dask", daemon=True)
        self._thread.start()

    # --- the protocol ------------------------------------------------------------------------------------------------

    def accept(self, task: Task[Any]) -> None:
        """Pickle the task, unless that has been done and nothing it refers to has changed."""
        stamp = stamp_of(task)
        if task.pickled is not None and stamp is not None and stamp == task.stamp:
            return
        try:
            task.pickled, task.stamp = cloudpickle.dumps(task), stamp
        except Exception as error:
            raise TypeError(
                f"{task.name}: the function cannot be sent to the workers: {error}; "
                "it, or a global or closure it uses, holds something that cannot be pickled."
            ) from error

    def submit(self, nodes: Sequence[Node]) -> None:
        """Put nodes in the window."""
        for node in nodes:
            node.handle = node.function.pickled
        if self._window.add(nodes):
            self._messages.put({"flush": True})

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Send the window, and give the worker's slot to another task if the caller is one."""
        self._flush()
        if active_context() is None or not _in_worker_task():
            yield
            return
        secede()
        try:
            yield
        finally:
            rejoin()

    def fetch(self, versions: Sequence[Version]) -> list[Stored]:
        """Bring values here from the workers."""
        with self._flushing:  # handles are set there
            handles = [version.handle for version in versions]
        try:
            with self.waiting():
                values: list[Stored] = self.client.gather(handles)
        except KilledWorker as error:
            raise TaskLostError(_lost(handles[0].key, error)) from None
        except TaskFailed as error:
            unpack_failure(error.packed).throw()
        return values

    def holds(self, version: Version) -> bool:
        """Return whether Dask is done with a value."""
        done: bool = version.handle.done()
        return done

    def cancel(self, nodes: Sequence[Node]) -> None:
        """Let go of nodes: the scheduler stops what nobody wants any more."""
        released = False
        for node in nodes:
            self._let_go(node.key)
            released |= self._window.release(node.key)
            if node.failure is not None and isinstance(node.failure.exception, TaskCancelledError):
                _drop_handles(node)
        if released:
            self._messages.put({"flush": True})

    def explain(self, node: Node) -> str:
        """Say which worker has the node, or what it waits for."""
        if isinstance(node.handle, bytes):
            return f"held back here with {len(self._window)} others"
        if node.handle.status == "finished":
            return "it has ended; the report is on its way"
        workers = self.client.processing()
        if not workers:
            return "there are no workers; the cluster has none, or they are still starting"
        for address, keys in workers.items():
            if node.key in keys:
                return f"running or next in line on {address}, which has {len(keys)} tasks"
        busy = sum(map(len, workers.values()))
        return f"not started; {len(workers)} workers have {busy} other tasks"

    def close(self, *, abandon: bool) -> None:  # noqa: ARG002 - what runs on a cluster is cancelled, never waited for
        """End the thread, and the cluster if it was started here."""
        self._closed = True
        self._messages.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._in_flight.clear()
        if self.client.status == "running":
            self.client.unsubscribe_topic(self.topic)
        if self._cluster is not None:
            self.client.close()
            self._cluster.close()

    # --- for reports and tests ---------------------------------------------------------------------------------------

    def peak_memory_bytes(self) -> int:
        """Return the sum of the largest memory of each worker process, as its tasks have reported it."""
        return sum(self._peak_bytes.values())

    def bytes_moved(self) -> int:
        """Return the bytes sent from here, and by workers to each other and here, as their tasks have reported it."""
        return self._bytes_sent + sum(self._bytes_of_workers.values())

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""
        if self._cluster is not None:
            pids: list[int] = self._cluster.worker_pids()
            return pids
        return list(self.client.run(os.getpid).values())

    # --- sending -----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Send what is in the window, as far as the scheduler may have more."""
        with self._flushing:
            nodes = self._window.take(MAX_IN_FLIGHT - len(self._in_flight))
            if not nodes:
                return
            if self._closed:
                self._fail(nodes, EngineError("it is closed"))
                return
            try:
                self._send(nodes)
            except Exception as error:  # noqa: BLE001 - the client is closed, say: every wait has to end
                self._fail(nodes, error)

    def _let_go(self, key: str) -> Node | None:
        """Return a node that is in flight no longer, or None if it was not."""
        self._lent.pop(key, None)
        return self._in_flight.pop(key, None)

    def _fail(self, nodes: Sequence[Node], error: Exception) -> None:
        """Settle nodes that can never run."""
        for node in nodes:
            self._let_go(node.key)
            reason = EngineError(
                f"{node.key}: the Dask engine cannot run it: {error}; call dsflow.stop() and start anew."
            )
            self._settle(node, None, Failure(reason, node.key))

    def _send(self, nodes: list[Node]) -> None:
        cut_lineage(nodes, self.client)
        for node in nodes:
            self._in_flight[node.key] = node
        graph, keys, n_bytes = build_graph(nodes, self.topic, self._large_tasks)
        self._bytes_sent += n_bytes
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            handles = self.client.get(graph, [key for _, key in keys], sync=False)
        for (owner, _), handle in zip(keys, handles, strict=True):
            owner.handle = handle
        for node in nodes:
            if node.settled:
                node.handle = None
                _drop_handles(node)
            elif node.handles:
                self._lent[node.key] = [version.handle for version in node.handles]

    # --- receiving ---------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Pass reports on to the session, send windows that no one waits for, and look for tasks lost on the way."""
        try:
            self._pump_until_closed()
        except Exception as error:  # every wait has to end, whatever happened to the connection
            self._closed = True
            logger.exception("the connection to the Dask cluster failed")
            self._fail([*self._in_flight.values(), *self._window], error)

    def _pump_until_closed(self) -> None:
        next_sweep = time.monotonic() + SWEEP_S
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, next_sweep - time.monotonic()))
            except queue.Empty:
                next_sweep = time.monotonic() + SWEEP_S
                self._sweep()
                continue
            if message is None:
                return
            if "flush" in message:
                time.sleep(WINDOW_S)
                self._flush()
            elif "text" in message:
                _show(message)
            else:
                self._receive(message)

    def _receive(self, message: dict[str, Any]) -> None:
        node = self._let_go(message["key"])
        *measures, address, pid, peak_bytes, moved_bytes = message["run"]
        if pid != os.getpid():
            self._peak_bytes[address] = max(peak_bytes, self._peak_bytes.get(address, 0))
        self._bytes_of_workers[address] = max(moved_bytes, self._bytes_of_workers.get(address, 0))
        if node is None:  # it ran a second time, after its worker had died
            return
        failure = None if message["failure"] is None else _read_failure(message["failure"], node)
        self._settle(node, Run(*measures), failure)

    def _settle(self, node: Node, run: Run | None, failure: Failure | None) -> None:
        stored = [] if failure is not None else [REMOTE] * len(node.outputs)
        self._session.settle(node, Outcome(stored, failure, run))
        if self._window.release(node.key) or (self._window and len(self._in_flight) < MAX_IN_FLIGHT // 2):
            self._flush()

    def _sweep(self) -> None:
        """Settle tasks that Dask knows to have ended, but that sent no report."""
        late = set()
        for key, node in list(self._in_flight.items()):
            handle = node.handle
            if handle is None:  # it is being settled in another thread
                continue
            status = "pending" if isinstance(handle, bytes) else handle.status
            if status == "pending":
                continue
            if key not in self._late:
                late.add(key)  # its report may be on its way
                continue
            if status == "error" and self._try_again(node):
                continue
            if self._let_go(key) is not None:
                self._settle(node, None, None if status == "finished" else _failure_of(node, status))
        self._late = late

    def _try_again(self, node: Node) -> bool:
        """Run a task once more whose workers died, if they were killed from outside."""
        error = node.handle.exception()
        if not isinstance(error, KilledWorker) or self._cluster is None:
            return False
        tries = self._tries[node.key] = self._tries.get(node.key, 0) + 1
        if tries > MAX_TRIES or not self._cluster.was_killed(error.last_worker.address):
            return False
        logger.warning("%s runs again: its workers were killed from outside", node.key)
        self.client.retry([node.handle])
        return True


def _show(message: dict[str, Any]) -> None:
    """Show what a task has printed or logged."""
    stream, key, place, text = message["stream"], message["key"], message["place"], message["text"]
    if stream.startswith("log:"):
        _, level, name = stream.split(":", 2)
        logging.getLogger(name).log(int(level), "[%s %s] %s", key, place, text)
    else:
        write_tagged(key, place, stream, text)


def _read_failure(packed: bytes, node: Node) -> Failure:
    try:
        return unpack_failure(packed)
    except Exception as error:  # noqa: BLE001 - its class may be one that only the worker can import
        reason = EngineError(
            f"{node.key} failed, called at {node.site}, but its exception cannot be read here: {error}"
        )
        return Failure(reason, node.key)


def _drop_handles(node: Node) -> None:
    """Let go of the values that a node will never give."""
    for reference in node.outputs:
        version = reference()
        if version is not None and version.failure is not None:
            version.handle = None


def _in_worker_task() -> bool:
    try:
        get_worker()
    except ValueError:
        return False
    return True


def _lost(key: str, error: KilledWorker) -> str:
    return (
        f"{key}: {error.allowed_failures + 1} workers died while they ran it, the last one at "
        f"{error.last_worker.address}; it may use too much memory, or crash in C code."
    )


def _failure_of(node: Node, status: str) -> Failure:
    error = node.handle.exception() if status == "error" else None
    if isinstance(error, TaskFailed):
        return unpack_failure(error.packed)
    if isinstance(error, KilledWorker):
        error = TaskLostError(_lost(node.key, error))
    elif error is None:
        error = EngineError(f"{node.key}: the cluster lost the task (it is {status!r}); was the scheduler restarted?")
    error.add_note(f"In task {node.name}, called at {node.site}.")
    return Failure(error, node.key)
