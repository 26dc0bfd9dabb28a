"""What comes back of packs: an outcome for each call, calls that were not begun, and what is learned of their tasks."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dsflow._graph import Node, Outcome, Run
from dsflow._ordering import Graph
from dsflow.engines.dask._lane import Lane
from dsflow.engines.dask._outbox import Flights, Outbox
from dsflow.engines.dask._packing import Pack, Packer
from dsflow.engines.dask._profiles import SMALL_S, Profile
from dsflow.engines.dask._reports import Measures, read_failure

__all__ = ["Unpacker"]

Settle = Callable[[Node, Outcome], None]
Route = Callable[[Iterable[Node]], None]


class Unpacker:
    """Settles the calls of packs, as reports come in.

    Parameters
    ----------
    graph, packer, outbox, flights, lane
        Of the engine.
    settle : callable
        Takes what came of a node.
    route : callable
        Takes nodes that may be able to go to the engine now.
    """

    def __init__(
        self, graph: Graph, packer: Packer, outbox: Outbox, flights: Flights, lane: Lane, settle: Settle, route: Route
    ) -> None:
        self._graph = graph
        self._packer = packer
        self._outbox = outbox
        self._flights = flights
        self._lane = lane
        self._settle = settle
        self._route = route
        outbox.expose = self.expose
        self._noted: set[str] = set()
        """Keys of nodes of which it was noted while they ran that they take long."""
        self._late: set[str] = set()
        """Keys of packs that the last sweep found ended, without a report that said so."""

    def expose(self, nodes: Iterable[Node]) -> None:
        """Let nodes follow others that are sent each for itself, though they were to be sent with others."""
        followers: list[Node] = []
        for node in nodes:
            node.opaque = node.options.is_opaque
            followers += self._graph.mark_sent(node)
        if followers:
            self._route(followers)

    def learn(self, node: Node, seconds: float, nbytes: int) -> None:
        """Note how long a node took and what it gave; the first time that it was much, let others of its task go."""
        self._packer.counted.discard(node.run_key)
        is_news = node.key not in self._noted
        self._noted.discard(node.key)
        self._note(node.function, lambda profile: profile.note(seconds, nbytes, is_news=is_news))

    def note_long(self, node: Node, seconds: float) -> None:
        """Note that a node has been running for so long, or waits since then."""
        self._packer.counted.discard(node.run_key)
        if seconds >= SMALL_S:
            self._noted.add(node.key)
            self._note(node.function, Profile.note_long)

    def _note(self, task: Any, note: Callable[[Profile], None]) -> None:
        profile, capacity = self._packer.profiles.of(task), self._packer.capacity
        was_large = profile.is_large(capacity)
        note(profile)
        if profile.is_large(capacity) and not was_large:
            self._let_go_of_large(task)

    def _let_go_of_large(self, task: Any) -> None:
        """Send nodes that were held back as if they were small each for itself, and those that wait for them."""
        self.send_apart()
        with self._graph.lock:
            held = [node for node in self._graph.pending.values() if node.function is task and not node.claimed]
        self._route(held)

    def send_apart(self) -> None:
        """Send nodes each for itself that wait to be sent with others, and are not to be any more."""
        with self._outbox.lock:
            large = self._packer.take_large()
            self._outbox.window.add(large)
        self.expose(large)

    def receive(self, message: dict[str, Any], measures: Measures) -> None:
        """Settle the calls that a report tells of."""
        pack = self._packer.in_flight.get(message["pack"])
        measures.note(*message["measures"])
        if pack is None:  # it ran a second time, after its worker had died
            return
        entries, too_large, returned, running, ended = pickle.loads(message["blob"])
        if running is not None:
            self._packer.counted.discard(pack.key)
            if running[0] >= 0:
                self.note_long(pack.members[running[0]], running[1])
        self._lane.note(message["measures"][0])
        self._take_back(pack, returned)
        self._take_back(pack, too_large, alone=True)
        self._settle_all(pack, entries, message["place"])
        if ended:
            self.give_back(pack, alone=True)  # nothing, unless a report was lost

    def _settle_all(self, pack: Pack, entries: Sequence[tuple[Any, ...]], place: str) -> None:
        for position, start, end, bytes_in, bytes_out, stored, packed in entries:
            node = self._take(pack, position)
            if node is None:
                continue
            run = Run(place, start, end, bytes_in, bytes_out)
            if packed is not None:
                self._settle(node, Outcome([], read_failure(packed, node), run))
                continue
            self.learn(node, end - start, bytes_out)
            self._settle(node, Outcome(stored, None, run))

    def _take(self, pack: Pack, position: int) -> Node | None:
        """Return a member that is in flight no longer; None if it was settled, or is in another pack by now."""
        if position not in pack.left:
            return None
        pack.left.discard(position)
        node = pack.members[position]
        if node.handle is not pack:
            return None
        return self._flights.let_go(node.run_key)

    def give_back(self, pack: Pack, *, alone: bool = False) -> None:
        """Have all members sent again of which no one has heard."""
        self._packer.forget(pack)
        self._take_back(pack, list(pack.left), alone=alone)

    def _take_back(self, pack: Pack, positions: Sequence[int], *, alone: bool = False) -> None:
        """Have members that were not begun sent again; some of them wait for others first."""
        nodes = [node for node in (self._take(pack, position) for position in positions) if node is not None]
        for node in nodes:
            node.started = None
            node.alone |= alone
        if nodes:
            self._route(self._graph.unclaim(nodes))

    # --- packs without a report --------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Send the calls of packs that were lost each for itself: only one of them may have been to blame."""
        packer, nodes, pending = self._packer, self._flights.nodes, self._graph.pending
        packer.counted -= {key for key in list(packer.counted) if key not in nodes and key not in packer.in_flight}
        self._noted -= {key for key in self._noted if key not in pending}
        late = set()
        for key, pack in list(self._packer.in_flight.items()):
            if pack.future is None or pack.future.status == "pending":
                continue
            if key not in self._late:
                late.add(key)  # its report may be on its way
                continue
            self.give_back(pack, alone=True)
        self._late = late
