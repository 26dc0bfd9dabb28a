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
        self._levels: dict[int, deque[Node]] = {}
        """The nodes of each priority that there is."""
        self._heap: list[int] = []
        """The priorities, negated: the highest one comes first. Not empty as long as there are nodes."""
        self._n = 0
        self._n_settled = 0
        """At most so many of the nodes are settled."""

    def __len__(self) -> int:
        return self._n

    def extend(self, nodes: Sequence[Node]) -> None:
        """Put nodes behind those of their priority."""
        for node in nodes:
            self._level(node.options.priority).append(node)
        self._n += len(nodes)

    def put_first(self, node: Node) -> None:
        """Put a node before those of its priority."""
        self._level(node.options.priority).appendleft(node)
        self._n += 1

    def _level(self, priority: int) -> deque[Node]:
        level = self._levels.get(priority)
        if level is None:
            level = self._levels[priority] = deque()
            heapq.heappush(self._heap, -priority)
        return level

    def take(self) -> Node | None:
        """Return the node whose turn it is, or None if there is none."""
        while self._n:
            level = self._levels[-self._heap[0]]
            while level:
                node = level.popleft()
                self._n -= 1
                if not node.settled:
                    return node
            if self._n:
                del self._levels[-heapq.heappop(self._heap)]
        return None

    def goes_before(self, node: Node) -> bool:
        """Return whether there seems to be a node of a higher priority; may be asked without the lock."""
        return self._n > 0 and -self._heap[0] > node.options.priority

    def forget(self, n_settled: int) -> None:
        """Note that so many nodes were settled, some of which may be here; now and then they are thrown out."""
        self._n_settled += n_settled
        if self._n_settled > self._n:
            self._levels = {
                priority: deque(n for n in level if not n.settled) for priority, level in self._levels.items()
            }
            self._n = sum(map(len, self._levels.values()))
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
        self._n = 0
        for level in self._levels.values():
            level.clear()
