"""The nodes that could run and have no slot: those of a higher priority go first, within one those that came first."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsflow._graph import Node

__all__ = ["ReadyQueue"]


class ReadyQueue:
    """Not safe for threads: the caller holds a lock. Nodes that are settled while they are in it never come out."""

    def __init__(self) -> None:
        self._first: deque[Node] = deque()
        """The nodes of the highest priority."""
        self._levels = {0: self._first}
        """The nodes of each priority."""
        self._heap = [0]
        """The priorities, negated: the highest one comes first. Never empty."""
        self._n_settled = 0
        """At most so many of the nodes are settled."""

    def __len__(self) -> int:
        return sum(map(len, self._levels.values()))

    def extend(self, nodes: Sequence[Node]) -> None:
        """Put nodes behind those of their priority."""
        for node in nodes:
            level = self._levels.get(node.options.priority)
            if level is None:
                level = self._begin_level(node.options.priority)
            level.append(node)

    def put_first(self, node: Node) -> None:
        """Put a node before those of its priority."""
        level = self._levels.get(node.options.priority)
        if level is None:
            level = self._begin_level(node.options.priority)
        level.appendleft(node)

    def _begin_level(self, priority: int) -> deque[Node]:
        level: deque[Node] = deque()
        self._levels[priority] = level
        heapq.heappush(self._heap, -priority)
        self._first = self._levels[-self._heap[0]]
        return level

    def take(self) -> Node | None:
        """Return the node whose turn it is, or None if there is none."""
        while True:
            while self._first:
                node = self._first.popleft()
                if not node.settled:
                    return node
            if len(self._heap) == 1:
                return None
            del self._levels[-heapq.heappop(self._heap)]
            self._first = self._levels[-self._heap[0]]

    def goes_before(self, node: Node) -> bool:
        """Return whether there may be a node of a higher priority; may be asked without the lock."""
        return -self._heap[0] > node.options.priority

    def forget(self, n_settled: int) -> None:
        """Note that so many nodes were settled, some of which may be here; now and then they are thrown out."""
        self._n_settled += n_settled
        if 2 * self._n_settled >= len(self):
            for level in self._levels.values():
                left = [node for node in level if not node.settled]
                level.clear()
                level.extend(left)
            self._n_settled = 0

    def n_ahead(self, node: Node) -> int | None:
        """Return how many nodes go before one, or None if it is not here."""
        priority = node.options.priority
        level = self._levels.get(priority, ())
        if node not in level:
            return None
        higher = sum(len(others) for each, others in self._levels.items() if each > priority)
        return higher + next(n for n, other in enumerate(level) if other is node)

    def clear(self) -> None:
        """Let go of all nodes."""
        for level in self._levels.values():
            level.clear()
