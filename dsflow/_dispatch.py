"""When a node goes to the engine: the one place where nodes are held back for resources, or for what they follow.

Without constraints nothing is held: a node goes to the engine as soon as the engine can take it. As long as a node
with a constraint is pending, every node is admitted by the ledger first, so that what one was promised is not used by
another.
"""

from __future__ import annotations

import bisect
import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dsflow._commute import bind_commuting
from dsflow._resources import Ledger, Needs

if TYPE_CHECKING:
    from dsflow._graph import Node
    from dsflow._session import Session

__all__ = ["Dispatcher"]

_MODEST = Needs()
"""What a node without a constraint needs."""

MAX_OVERTAKEN = 64
"""A node that does not fit is overtaken by so many smaller ones at most; then room is kept free for it."""


class Dispatcher:
    """Gives the nodes of a session to its engine."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._ledger = Ledger()
        self._n_constrained = 0
        """Nodes with a constraint that are not settled."""
        self._queue: list[tuple[int, int, Node]] = []
        """Nodes that could run and wait for room: by priority, then in order."""
        self._overtaken: dict[str, int] = {}
        """How often nodes of the queue were overtaken."""
        self._numbers = itertools.count()
        self._unaccounted: set[str] = set()
        """Keys of nodes that the engine got before the ledger was in use."""
        self._waiting: set[str] = set()
        """Keys of tasks that wait for others, and so use no cpu."""

    def check(self, node: Node, needs: Needs) -> None:
        """Raise ConstraintError if no worker could ever satisfy what a node needs."""
        places = self._session.engine.places()
        with self._lock:
            self._ledger.places = places
            self._ledger.check(f"{node.name} (called at {node.site})", needs)

    def expect(self, node: Node, needs: Needs) -> None:
        """Note, before a node is added to the graph, what it needs."""
        with self._lock:
            node.needs = needs
            self._n_constrained += 1
            if self._n_constrained == 1:
                self._account_for_the_past()

    def _account_for_the_past(self) -> None:
        with self._session.graph.lock:
            pending = list(self._session.graph.pending.values())
        sent = {node.key for node in pending if node.claimed and node.grant is None and not node.waiting}
        self._unaccounted = sent - self._waiting

    @property
    def is_holding(self) -> bool:
        """Whether nodes are admitted by the ledger now."""
        return self._n_constrained > 0

    def route(self, nodes: Iterable[Node]) -> None:
        """Give to the engine those of the nodes that it can have, and what follows them."""
        engine, graph = self._session.engine, self._session.graph
        while sendable := [each for node in nodes for each in self._passing(node)]:
            engine.submit(sendable)
            nodes = [follower for node in sendable for follower in graph.mark_sent(node)] if engine.orders else ()

    def _passing(self, node: Node) -> Sequence[Node]:
        """The nodes that may go to the engine now that one may be able to run: usually that one, or none."""
        session = self._session
        if node.commuting and not bind_commuting(node, session):
            return ()
        held = node.needs is not None or self._n_constrained > 0
        early = not held and (node.waiting > 0 or node.unsent > 0) and session.engine.takes_early(node)
        if not session.graph.claim(node, early=early):
            if held and node.sent and not node.waiting and node.grant is None and not node.settled:
                with self._lock:  # it was sent before, and begins to run now
                    self._unaccounted.add(node.key)
            return ()
        return self._admitted(node) if held else (node,)

    def _admitted(self, node: Node) -> list[Node]:
        """Put a node in the queue; return those that can leave it."""
        with self._lock:
            self._unaccounted.discard(node.key)  # it may have been sent before, and come back
            bisect.insort(self._queue, (-node.options.priority, next(self._numbers), node))
        return self._admit()

    def _admit(self) -> list[Node]:
        places = self._session.engine.places()
        with self._lock:
            if not self._n_constrained:
                admitted = [node for _, _, node in self._queue]
                self._queue.clear()
                self._overtaken.clear()
                return admitted
            self._ledger.places = places
            return self._fitting()

    def _fitting(self) -> list[Node]:
        admitted: list[Node] = []
        blocked: list[Node] = []
        for entry in list(self._queue):
            node = entry[2]
            if not node.settled:
                if self._ledger.is_full(len(self._unaccounted)) or any(map(self._has_waited, blocked)):
                    break
                node.grant = self._ledger.take(node.needs or _MODEST, len(self._unaccounted))
                if node.grant is None:
                    blocked.append(node)
                    continue
                admitted.append(node)
                for each in blocked:
                    self._overtaken[each.key] = self._overtaken.get(each.key, 0) + 1
            self._overtaken.pop(node.key, None)
            self._queue.remove(entry)
        return admitted

    def _has_waited(self, node: Node) -> bool:
        return self._overtaken.get(node.key, 0) >= MAX_OVERTAKEN

    def settled(self, nodes: Sequence[Node]) -> None:
        """Take back what settled nodes had, and give it to others."""
        if not self._n_constrained and all(node.grant is None for node in nodes):
            return
        with self._lock:
            for node in nodes:
                self._n_constrained -= node.needs is not None
                self._unaccounted.discard(node.key)
                grant, node.grant = node.grant, None
                if grant is not None:
                    self._ledger.give_back(grant)
            if not self._queue:
                return
        self._submit(self._admit())

    def _submit(self, nodes: list[Node]) -> None:
        if nodes:
            engine, graph = self._session.engine, self._session.graph
            engine.submit(nodes)
            if engine.orders:
                self.route([follower for node in nodes for follower in graph.mark_sent(node)])

    @contextmanager
    def suspended(self, key: str) -> Iterator[None]:
        """Let others use the cpus of a task that waits."""
        node = self._session.graph.pending.get(key)
        with self._lock:
            self._waiting.add(key)
            was_unaccounted = key in self._unaccounted
            self._unaccounted.discard(key)
            grant = None if node is None else node.grant
            if grant is not None:
                self._ledger.lend(grant)
            held = bool(self._queue)
        if held:
            self._submit(self._admit())
        try:
            yield
        finally:
            with self._lock:
                self._waiting.discard(key)
                if was_unaccounted:
                    self._unaccounted.add(key)
                if grant is not None:
                    self._ledger.take_again(grant)

    def explain(self, node: Node) -> str | None:
        """Say what a node is held back for, or None if it is not."""
        with self._lock:
            position = next((i for i, entry in enumerate(self._queue) if entry[2] is node), None)
            if position is None:
                return None
            ahead = f", behind {position} others" if position else ""
            return f"waits for {node.needs or _MODEST}{ahead}; {self._ledger.in_use()}"
