"""Packing: small calls are held here until they can run, and are then sent many at a time.

A call whose task is not known yet is sent for itself, which is how the task becomes known. Calls that read what others
of a pack make are in it too, as long as it does not take too long. So the scheduler has one task for hundreds of calls;
and a worker never has more than a few packs waiting, so that what was learned meanwhile is used.
"""

from __future__ import annotations

import itertools
import pickle
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from dsflow._freeze import nbytes_of
from dsflow._graph import REMOTE, Node, Version
from dsflow._ordering import Graph
from dsflow.engines.dask._profiles import BUDGET_S, SMALL_BYTES, Profiles
from dsflow.engines.dask._sending import LARGE_TASK

__all__ = ["Pack", "Packer", "payload_of"]

PACKS_PER_SLOT = 2
"""One runs, one waits."""

SHARE_S = 0.002
"""Work that takes less is not divided among slots."""

MAX_MEMBERS = 1000


class Pack:
    """Small calls that are sent as one task of Dask's."""

    __slots__ = ("future", "key", "left", "members")

    def __init__(self, members: list[Node]) -> None:
        self.key = f"pack-{uuid.uuid4().hex}"
        self.members = members
        self.left = set(range(len(members)))
        """Positions of those of which no one has heard yet."""
        self.future: Any = None
        """Dask's Future of it, once it was sent."""


class Packer:
    """Nodes that can run, are small or may be, and wait to be sent.

    Parameters
    ----------
    graph : Graph
        The session's.
    n_slots : int
        How many packs run at a time.
    may_add : callable
        Whether nodes that were not handed over yet may be added to a pack.
    """

    def __init__(self, graph: Graph, n_slots: int, may_add: Callable[[], bool]) -> None:
        self._graph = graph
        self.n_slots = max(1, n_slots)
        self._may_add = may_add
        self.profiles = Profiles()
        self._ready: deque[Node] = deque()
        self.in_flight: dict[str, Pack] = {}
        self.counted: set[str] = set()
        """Keys of packs on their way, and of nodes that were sent for their tasks to become known; those that have been
        running for long, or wait for others, do not count any more."""

    def __len__(self) -> int:
        return len(self._ready)

    def __iter__(self) -> Any:
        return iter(list(self._ready))

    def takes(self, node: Node) -> bool:
        """Whether a node is to be sent with others, or is not known well enough not to be."""
        profile = self.profiles.of(node.function)
        if not profile.is_plain or profile.is_large(self.capacity) or node.alone or node.handles:
            return False
        call = node.call
        if call.files or node.needs is not None or node.grant is not None:
            return False
        if call.shared is not None and call.shared.nbytes > SMALL_BYTES:
            return False
        if call.private is not None and call.private.nbytes > SMALL_BYTES:
            return False
        return len(node.pickled or b"") <= LARGE_TASK and all(map(_is_small, node.inputs))

    @property
    def capacity(self) -> int:
        """How many packs may be on their way at a time."""
        return PACKS_PER_SLOT * self.n_slots

    def has_room(self) -> bool:
        """Whether there are nodes that could be sent now."""
        return bool(self._ready) and len(self.counted) < self.capacity

    def packs(self) -> dict[Node, Pack]:
        """Return the packs that are on their way, by their members."""
        return {node: pack for pack in list(self.in_flight.values()) for node in pack.members}

    def drop_settled(self) -> None:
        """Let go of packs all of whose members are settled, so that those which wait for a slot are not run."""
        for pack in list(self.in_flight.values()):
            if pack.future is not None and all(node.settled for node in pack.members):
                self.forget(pack)

    def forget(self, pack: Pack) -> None:
        """Note that a pack is not on its way any more."""
        self.in_flight.pop(pack.key, None)
        self.counted.discard(pack.key)

    def clear(self) -> None:
        """Let go of everything."""
        self._ready.clear()
        self.in_flight.clear()
        self.counted.clear()

    @property
    def n_packed(self) -> int:
        """How many nodes are on their way in packs."""
        return sum(len(pack.left) for pack in list(self.in_flight.values()))

    def put(self, node: Node) -> None:
        """Add a node that can run."""
        self._ready.append(node)

    def take_large(self) -> list[Node]:
        """Remove and return the nodes that have turned out not to be small."""
        small: list[Node] = []
        large: list[Node] = []
        for _ in range(len(self._ready)):
            node = self._ready.popleft()
            (small if self.takes(node) else large).append(node)
        self._ready.extendleft(reversed(small))
        return large

    def take(self) -> tuple[list[Pack], list[Node]]:
        """Remove nodes, and some that wait for them: as many as can be on their way.

        Return those that go in packs, and those whose tasks are not known yet.
        """
        packs, probes = [], []
        while self._ready and len(self.counted) < self.capacity:
            node = self._ready.popleft()
            if node.settled:
                continue
            if self.profiles.of(node.function).is_small():
                pack = Pack(self._members_with(node))
                self.in_flight[pack.key] = pack
                self.counted.add(pack.key)
                packs.append(pack)
            else:
                self.counted.add(node.run_key)
                probes.append(node)
        return packs, probes

    def _members_with(self, first: Node) -> list[Node]:
        """Remove and return nodes that are sent together with one."""
        members = [first]
        estimate = self.profiles.of(first.function).estimate_s
        assert estimate is not None
        seconds = estimate
        share = min(BUDGET_S, max(SHARE_S, estimate * (len(self._ready) + 1) / self.n_slots))
        while self._ready and seconds < share and len(members) < MAX_MEMBERS:
            node = self._ready[0]
            profile = self.profiles.of(node.function)
            if not profile.is_small():
                break
            self._ready.popleft()
            if not node.settled:
                members.append(node)
                seconds += profile.estimate_s or 0.0
        if self._may_add():
            self._add_dependents(members, seconds)
        return members

    def _add_dependents(self, members: list[Node], seconds: float) -> None:
        """Add nodes that read what the members make, and nothing else that is not there yet."""
        missing: dict[Node, int] = {}
        with self._graph.lock:
            for maker in members:  # which grows meanwhile
                if seconds >= BUDGET_S or len(members) >= MAX_MEMBERS:
                    return
                for node in maker.dependents:
                    missing[node] = missing.get(node, node.waiting) - 1
                    if missing[node] or node.claimed or node.settled or node.commuting or not self.takes(node):
                        continue
                    profile = self.profiles.of(node.function)
                    if not profile.is_small():
                        continue
                    assert profile.estimate_s is not None
                    node.claimed = node.sent = node.opaque = True
                    node.handle = node.pickled
                    members.append(node)
                    seconds += profile.estimate_s


def _is_small(version: Version) -> bool:
    """Whether a version is here and can be sent along, or will be when it is made."""
    if version.node is not None:
        return True
    return version.stored is not REMOTE and nbytes_of(version.stored) <= SMALL_BYTES


def payload_of(pack: Pack, topic: str, log_level: int) -> bytes:
    """Pickle what a worker needs to run a pack.

    What a call reads is a number: the position of a value among those that are sent along, followed by the outputs of
    all calls of the pack.
    """
    tasks: dict[bytes, int] = {}
    values: list[Any] = []
    positions: dict[Version, int] = {}
    for node in pack.members:
        for version in node.inputs:
            if version.node is None and version not in positions:
                positions[version] = len(values)
                values.append(version.stored)
    number = itertools.count(len(values))
    made: dict[int, int] = {}
    """By identity of the weak reference's version."""
    members = []
    for node in pack.members:
        read = [positions[v] if v in positions else made[id(v)] for v in node.inputs]
        task = tasks.setdefault(node.handle, len(tasks))
        call = node.call
        has_more = call.shared or call.private or call.collections or call.changed or call.writable
        written = call if has_more else (call.values, call.names)
        members.append((node.key, task, written, read, node.site, len(node.outputs)))
        for reference in node.outputs:
            output, position = reference(), next(number)
            if output is not None:
                made[id(output)] = position
    return pickle.dumps((topic, log_level, list(tasks), members, values), 5)
