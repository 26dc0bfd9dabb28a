"""The Dask engine: a window of calls becomes one graph for the scheduler; values stay on the workers.

What moves: to the scheduler, the calls of a window with their small arguments, and large arguments once; to the main
program, a report for each task, and the values that it asks for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import cloudpickle
from distributed import Client, KilledWorker, get_worker, rejoin, secede

from dsflow._context import active_context
from dsflow._errors import SessionError, TaskLostError
from dsflow._failure import unpack_failure
from dsflow._freeze import freezing
from dsflow._functions import stamp_of
from dsflow._graph import Node, Version
from dsflow._interrupt import TaskInterrupted, checkpoint
from dsflow.engines.dask import _transport  # noqa: F401 - it tells Dask about stored values
from dsflow.engines.dask._collections import adopt
from dsflow.engines.dask._departure import leave_cluster
from dsflow.engines.dask._inbox import Inbox
from dsflow.engines.dask._lane import Lane, Ride
from dsflow.engines.dask._modules import Courier
from dsflow.engines.dask._outbox import Flights, Outbox, drop_handles
from dsflow.engines.dask._packing import Pack, Packer
from dsflow.engines.dask._places import Places
from dsflow.engines.dask._reports import lost_text
from dsflow.engines.dask._segments import shared_folder
from dsflow.engines.dask._stopping import Stopper
from dsflow.engines.dask._supervision import hand_over
from dsflow.engines.dask._unpacking import Unpacker
from dsflow.engines.dask._visit import look_at_task, root_of
from dsflow.engines.dask._worker import TaskFailed

if TYPE_CHECKING:
    from dsflow._freeze import Stored
    from dsflow._resources import Place
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["DaskEngine"]

ANSWER_S = 2.0
"""A worker has so long to say what it does."""

_N_NESTED = 4
"""How many slots the calls of tasks on a worker are packed for, which does not know how many there are."""

SLICE_S = 0.25
"""Longest wait of a task without a look whether it is to stop."""


class DaskEngine:
    """Runs nodes on the workers of a Dask cluster.

    Parameters
    ----------
    session : Session
        Told what comes of nodes.
    client : Client
        The client of the cluster.
    cluster : LocalCluster, optional
        The cluster, if it goes with this engine.
    here : Place, optional
        What the cluster has of this machine, if it goes with this engine.
    root : str, optional
        For the calls that tasks make on a worker: the topic of the main program.
    """

    name = "dask"
    remote = True
    orders = True

    def __init__(
        self,
        session: Session,
        client: Client,
        cluster: Any = None,
        *,
        here: Place | None = None,
        root: str | None = None,
    ) -> None:
        self.client = client
        self._cluster = cluster
        self._session = session
        self._is_nested = root is not None
        own_topic = f"dsflow-{uuid.uuid4().hex[:12]}-{client.id}"
        self.topic = own_topic if root is None else f"{root}/{own_topic}"
        self._flights = Flights()
        self._courier = Courier(client, self.topic, all_import=cluster is not None)
        prepare = _nothing if self._is_nested else self._courier.bring
        self.n_slots = _N_NESTED if self._is_nested else sum(client.nthreads().values())
        self._packer = Packer(session.graph, self.n_slots, lambda: not session.dispatcher.is_holding)
        segments = shared_folder() if cluster is None else cluster.segments
        self._lane = Lane(client, self.call, is_ours=cluster is not None)
        self._outbox = Outbox(client, self.topic, self._flights, self._packer, prepare, segments, self._lane)
        self._unpacker = Unpacker(
            *(session.graph, self._packer, self._outbox, self._flights, self._lane),
            settle=session.settle,
            route=session.dispatcher.route,
        )
        self._inbox = Inbox(client, cluster, self.topic, self._flights, self._outbox, session.settle, self._unpacker)
        self._lane.receive = partial(self._unpacker.receive, measures=self._inbox.measures)
        self._lane.give_back = self._unpacker.give_back
        self._stopper = Stopper(client, cluster, root_of(self.topic))
        self.places: Callable[[], Sequence[Place]] = Places(client, here)

    # --- the protocol ------------------------------------------------------------------------------------------------

    def accept(self, task: Task[Any]) -> None:
        """Pickle the task, unless that has been done and nothing it refers to has changed."""
        stamp = stamp_of(task)
        if task.pickled is not None and stamp is not None and stamp == task.stamp:
            return
        try:
            with freezing:
                task.pickled, task.stamp = cloudpickle.dumps(task), stamp
        except Exception as error:
            raise TypeError(
                f"{task.name}: the function cannot be sent to the workers: {error}; "
                "it, or a global or closure it uses, holds something that cannot be pickled."
            ) from error

    def submit(self, nodes: Sequence[Node]) -> None:
        """Put nodes in the window, or among those that are sent together."""
        packer, window = self._packer, self._outbox.window
        is_new = not packer
        apart = []
        for node in nodes:
            node.handle = node.pickled
            if not node.waiting and packer.takes(node):
                node.opaque = True
                packer.put(node)
            else:
                apart.append(node)
        is_new &= bool(packer)
        if apart:
            is_new |= window.add(apart)
            for node in apart:  # not before they are in the window: those that follow them come after them
                node.opaque = node.options.is_opaque
        if is_new:
            self._inbox.flush()

    def takes_early(self, node: Node) -> bool:
        """Return whether a node is sent before its inputs are there: not if it may be sent with others then.

        What reads something that takes long is sent with it, so that it follows at once, on the same worker.
        """
        takes = self._packer.takes
        if node.handles:
            self._expose([version.node for version in node.handles if version.node is not None])
        if not takes(node):
            return True
        makers = [version.node for version in node.inputs if version.node is not None]
        return any(maker.sent and not maker.opaque and not takes(maker) for maker in makers)

    def may_wait(self) -> bool:
        """Return whether the calling thread is not the one that receives reports."""
        return not self._inbox.is_current()

    def adopt(self, value: Any, where: str) -> Version:
        """Return a version of a Dask collection, which the cluster computes, or of a Future of Dask's."""
        return adopt(value, self.client, where)

    def _expose(self, nodes: Sequence[Node]) -> None:
        """Have nodes sent each for itself, with what they wait for: a task that gets Futures of them is to run now."""
        found: dict[Node, None] = {}
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node.awaits is not None:
                waiting += node.awaits()
            elif node not in found and not node.alone and (node.opaque or not node.sent) and not node.settled:
                found[node] = None
                waiting += [version.node for version in node.inputs if version.node is not None]
        if not found:
            return
        for node in found:
            node.alone = True
        self._unpacker.send_apart()
        self._session.dispatcher.route([node for node in reversed(found) if not node.claimed])

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Send the window, and give the worker's slot to another task if the caller is one."""
        if self._inbox.is_current():
            raise SessionError(
                "a callback waits for a task, in the thread that would be told that it has ended; "
                "have the callback start a thread, or put what is to be done in a queue."
            )
        self._outbox.flush()
        if active_context() is None or _worker_of_task() is None:
            yield
            return
        hand_over()
        checkpoint()
        secede()
        try:
            yield
        except TaskInterrupted:  # it is about to end, and needs no slot for that
            raise
        except BaseException:
            rejoin()
            raise
        rejoin()
        checkpoint()

    def fetch(self, versions: Sequence[Version]) -> list[Stored]:
        """Bring values here from the workers."""
        handles = self._outbox.handles_of(versions)
        try:
            with self.waiting():
                values: list[Stored] = self._gather(handles)
        except KilledWorker as error:
            error.__traceback__ = None  # the client keeps the error, which must not keep what these frames hold
            raise TaskLostError(lost_text(error)) from None
        except TaskFailed as error:
            error.__traceback__ = None
            unpack_failure(error.packed).throw()
        return values

    def _gather(self, handles: list[Any]) -> Any:
        worker = _worker_of_task()
        if worker is None or active_context() is None:
            return self.client.gather(handles)
        work = self.client._gather(handles, local_worker=worker)
        fetched = asyncio.run_coroutine_threadsafe(work, self.client.loop.asyncio_loop)
        while True:  # a task that is to stop does so while it waits, too
            try:
                return fetched.result(SLICE_S)
            except TimeoutError:
                if fetched.done():  # it is what was raised there
                    raise
                checkpoint()

    def holds(self, version: Version) -> bool:
        """Return whether Dask is done with a value."""
        done: bool = version.handle.done()
        return done

    def on_held(self, version: Version, callback: Callable[[], object]) -> None:
        """Call ``callback()``, from another thread, once Dask is done with a value of another session."""
        handle, inbox = version.handle, self._inbox

        async def wait() -> None:
            await handle._state.wait()
            inbox.call(callback)

        asyncio.run_coroutine_threadsafe(wait(), self.client.loop.asyncio_loop)

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called soon, by the thread that receives reports."""
        self._inbox.call(function)

    def cancel(self, nodes: Sequence[Node]) -> None:
        """Let go of nodes, and stop those that run."""
        released = False
        to_stop: dict[str, tuple[str, Any]] = {}
        packs: dict[Node, Pack] | None = None
        for node in nodes:
            held = self._flights.held.get(node.run_key)
            was_in_flight = self._flights.let_go(node.run_key) is not None
            if was_in_flight and node.waiting == 0:
                if held is None and packs is None:
                    packs = self._packer.packs()
                pack = None if packs is None else packs.get(node)
                to_stop[node.run_key] = (node.run_key, held) if pack is None else (pack.key, pack.future)
            released |= self._outbox.window.release(node.key)
            drop_handles(node)
        if packs is not None:
            self._packer.drop_settled()
        if to_stop:
            self._stopper.stop(to_stop)
        if released:
            self._inbox.flush()

    def explain(self, node: Node) -> str:
        """Say which worker has the node, or what it waits for."""
        handle, key = node.handle, node.run_key
        if isinstance(handle, bytes):
            return f"held back here with {len(self._outbox.window) + len(self._packer) - 1} others"
        if isinstance(handle, Pack):
            handle, key = handle.future, handle.key
        if isinstance(handle, Ride) and handle.status == "pending":
            return self._explain_there(node.run_key, handle.address, 0)
        if handle is None or handle.status == "finished":
            return "it has ended; the report is on its way"
        workers = self.client.processing()
        if not workers:
            return "there are no workers; the cluster has none, or they are still starting"
        for address, keys in workers.items():
            if key in keys:
                return self._explain_there(node.run_key, address, len(keys) - 1)
        busy = sum(map(len, workers.values()))
        return f"not started; {len(workers)} workers have {busy} other tasks"

    def _explain_there(self, key: str, address: str, n_others: int) -> str:
        """Ask a worker what one of its tasks does."""
        look = self.client._run(look_at_task, root_of(self.topic), key, workers=[address], on_error="ignore")
        asked = asyncio.run_coroutine_threadsafe(look, self.client.loop.asyncio_loop)
        try:
            doing = asked.result(ANSWER_S).get(address)
        except TimeoutError:
            asked.cancel()
            return f"running or next in line on worker {address}, which does not answer"
        beside = f"{n_others} other task{'s' * (n_others != 1)}"
        if doing is None:
            return f"next in line on worker {address}, which has {beside}"
        return f"running {doing} on worker {address}"

    def close(self, *, abandon: bool) -> None:  # noqa: ARG002 - what runs on a cluster is cancelled, never waited for
        """End the thread, and the cluster if it was started here; leave nothing on any other."""
        self._outbox.closed = True
        self._lane.close()
        self._inbox.close()
        self._flights.clear()
        self._packer.clear()
        self._stopper.close()
        if self._cluster is not None:
            self.client.close()
            self._cluster.close()
        elif not self._is_nested and self.client.status == "running":
            leave_cluster(self.client, self.topic, [self._outbox.binding.end, self._courier.end])

    # --- for reports and tests ---------------------------------------------------------------------------------------

    def peak_memory_bytes(self) -> int:
        """Return the sum of the largest memory of each worker process, as its tasks have reported it."""
        return self._inbox.measures.peak_bytes

    def bytes_moved(self) -> int:
        """Return the bytes sent from here, and by workers to each other and here, as their tasks have reported it."""
        return self._outbox.bytes_sent + self._inbox.measures.bytes_moved

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""
        if self._cluster is not None:
            pids: list[int] = self._cluster.worker_pids()
            return pids
        return list(self.client.run(os.getpid).values())


def _nothing() -> None:
    """Do nothing: the main program has brought its modules."""


def _worker_of_task() -> Any:
    """The worker that the calling thread belongs to, or None."""
    try:
        return get_worker()
    except ValueError:
        return None
