"""Sending: a window of calls goes to the scheduler as one graph."""

from __future__ import annotations

import logging
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import dask
from dask._expr import LLGExpr
from dask._task_spec import Task as DaskTask
from distributed import Client
from distributed.spans import SpanMetadata

from dsflow._errors import EngineError
from dsflow._graph import Failure, Node, Run, Version
from dsflow._resources import Grant
from dsflow.engines.dask._lane import Lane
from dsflow.engines.dask._pack import Calls, run_pack
from dsflow.engines.dask._packing import Pack, Packer, payload_of
from dsflow.engines.dask._relocation import Binding
from dsflow.engines.dask._sending import LargeTasks, Window, build_graph, cut_lineage
from dsflow.engines.dask._visit import root_of

__all__ = ["Flights", "Outbox", "drop_handles"]

MAX_IN_FLIGHT = 10_000
"""Nodes the scheduler is given at a time; more wait here, in order."""

Placement = tuple[int, Grant | None]
"""The priority of a node, and what it was given on a worker that it has to run on."""

Settle = Callable[[Node, Run | None, Failure | None], None]


class Flights:
    """Nodes that Dask has, by the key of the attempt to run them."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.held: dict[str, list[Any]] = {}
        """Their Dask Futures, and those of the values that they have been given Futures of."""

    def __len__(self) -> int:
        return len(self.nodes)

    def let_go(self, run_key: str) -> Node | None:
        """Return a node that is in flight no longer, or None if it was not."""
        node = self.nodes.pop(run_key, None)
        self.held.pop(run_key, None)
        return node

    def hold(self, run_key: str, handles: list[Any]) -> None:
        """Keep the scheduler from forgetting a node, and what it reads, as long as the node is in flight."""
        self.held[run_key] = handles
        if run_key not in self.nodes:  # its report was quicker
            self.held.pop(run_key, None)

    def clear(self) -> None:
        """Let go of all."""
        self.nodes.clear()
        self.held.clear()


class Outbox:
    """Sends nodes to the scheduler."""

    def __init__(
        self,
        client: Client,
        topic: str,
        flights: Flights,
        packer: Packer,
        prepare: Callable[[], None],
        segments: str | None,
        lane: Lane,
    ) -> None:
        self._client = client
        self._lane = lane
        self._segments = segments
        """Folder through which large values are shared with the workers."""
        self.packer = packer
        self._topic = topic
        self._flights = flights
        self._prepare = prepare
        """Called before nodes are sent."""
        self.settle: Settle
        """Takes what came of nodes that cannot be sent."""
        self.expose: Callable[[Sequence[Node]], None]
        """Takes nodes that were sent each for itself, though they were to be sent with others."""
        self.lock = threading.RLock()
        """Held while a window is sent and handles are set."""
        self._large_tasks: LargeTasks = weakref.WeakKeyDictionary()
        self.binding = Binding(client, root_of(topic))
        self.window = Window()
        self.closed = False
        self.bytes_sent = 0
        """Bytes of data that went to the scheduler."""

    def flush(self) -> None:
        """Send what is in the window, as far as the scheduler may have more."""
        if not (self.window or self.packer):
            return
        with self.lock:
            packs, probes = self.packer.take()
            nodes = [*probes, *self.window.take(self._room())]
            everything = [*nodes, *(node for pack in packs for node in pack.members)]
            if not everything:
                return
            if self.closed:
                self.fail(everything, EngineError("it is closed"))
                return
            try:
                self._prepare()
                if nodes:
                    self._send(nodes)
                if packs:
                    self._send_packs(packs)
            except Exception as error:  # noqa: BLE001 - the client is closed, say: every wait has to end
                for pack in packs:
                    self.packer.forget(pack)
                self.fail(everything, error)
                return
        if probes:
            self.expose(probes)

    def released(self, key: str) -> bool:
        """Note that a node is settled; return whether there is something to send now."""
        return self.window.release(key) or self.has_work()

    def has_work(self) -> bool:
        """Whether there are nodes that could be sent now."""
        return self.packer.has_room() or (self.window.is_waiting and self._room() > MAX_IN_FLIGHT // 2)

    def _room(self) -> int:
        """How many more nodes the scheduler may have, besides those in packs."""
        return MAX_IN_FLIGHT - len(self._flights) + self.packer.n_packed

    def handles_of(self, versions: Sequence[Version]) -> list[Any]:
        """Return the Dask Futures of versions, which are set while a window is sent."""
        with self.lock:
            return [version.handle for version in versions]

    def fail(self, nodes: Sequence[Node], error: Exception) -> None:
        """Settle nodes that can never run."""
        for node in nodes:
            self._flights.let_go(node.run_key)
            reason = EngineError(
                f"{node.key}: the Dask engine cannot run it: {error}; call dsflow.stop() and start anew."
            )
            self.settle(node, None, Failure(reason, node.key))

    def _send_packs(self, packs: list[Pack]) -> None:
        log_level = logging.getLogger().getEffectiveLevel()
        goes_straight = self._lane and not self._flights and list(self.packer.in_flight) == [packs[0].key]
        graph = {}
        now = time.time()
        for pack in packs:
            payload = payload_of(pack, self._topic, log_level)
            for node in pack.members:
                if node.groups:
                    node.started = now
                node.handle = pack
                self._flights.nodes[node.run_key] = node
            self.bytes_sent += len(payload)
            if goes_straight:
                self._lane.send(pack, payload)
                return
            graph[pack.key] = DaskTask(pack.key, run_pack, pack.key, Calls(payload))
        futures = self._get(graph)
        for pack in packs:
            pack.future = futures[pack.key]

    def _send(self, nodes: list[Node]) -> None:
        cut_lineage(nodes, self._client)
        keys = [node.run_key for node in nodes]  # as they are now: a failed one may be about to run again
        self._flights.nodes.update(zip(keys, nodes, strict=True))
        for placement, group in groupby(nodes, _placement_of):
            self._send_together(list(group), placement)
        for node, run_key in zip(nodes, keys, strict=True):
            handle = node.handle
            if node.settled:
                node.handle = None
                drop_handles(node)
            elif handle is not None and not isinstance(handle, bytes):  # or an input of it has failed meanwhile
                self._flights.hold(run_key, [handle, *[version.handle for version in node.handles]])

    def _send_together(self, nodes: list[Node], placement: Placement) -> None:
        priority, grant = placement
        graph, values, keys, n_bytes = build_graph(
            nodes, self._topic, self._large_tasks, self.packer.counted, self._segments
        )
        self.bytes_sent += n_bytes
        if grant is None:
            handles = self._get({**values, **graph}, priority=priority)
        else:
            handles = self._get(values) if values else {}  # any worker may have them
            with self.binding.annotate(grant.needs):
                handles |= self._get(graph, priority=priority, workers=list(grant.place.workers))
        for owner, key in keys:
            owner.handle = handles[key]

    def _get(self, graph: dict[str, Any], priority: int = 0, workers: list[str] | None = None) -> dict[str, Any]:
        """Send a graph, as `Client.get` does; that has no way to say that tasks are to start in this order."""
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            futures: dict[str, Any] = self._client._graph_to_futures(
                expr=LLGExpr(graph, _determ_token=uuid.uuid4().hex),  # or it hashes all that the graph holds
                keys=set(graph),
                span_metadata=SpanMetadata(collections=[{"type": "low-level-graph"}]),
                workers=workers,
                internal_priority={key: position for position, key in enumerate(graph)},
                user_priority=priority,
                fifo_timeout="60s",
            )
        return futures


def _placement_of(node: Node) -> Placement:
    grant = node.grant
    return node.options.priority, grant if grant is not None and grant.place.workers else None


def drop_handles(node: Node, *, always: bool = False) -> None:
    """Let go of the values that a node will never give."""
    for reference in node.outputs:
        version = reference()
        if version is not None and (always or version.failure is not None):
            version.handle = None
