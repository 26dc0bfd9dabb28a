"""The order of the graph: which nodes wait for which, and which of them can run. No engine in here."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Collection, Sequence

from dsflow._graph import NO_CALL, Failure, Node, Outcome, Version

__all__ = ["Graph"]

logger = logging.getLogger("dsflow")


class Graph:
    """Nodes that are not settled, and what waits for them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pending: dict[str, Node] = {}

    def add(self, node: Node, outputs: Sequence[Version], *, follow: bool) -> Failure | None:
        """Add a node that makes ``outputs``; return why one of its inputs never will be, or None.

        Parameters
        ----------
        node, outputs
            The node, and the versions it makes.
        follow : bool
            True if the engine takes nodes before their inputs exist, but not before it knows who makes them.
        """
        node.outputs = tuple(map(weakref.ref, outputs))
        failure = None
        with self.lock:
            for version in set(node.inputs):
                if failure is None:
                    failure = version.failure
                elif version.failure is not None and version.failure is not failure:
                    version.failure.cover = failure
                self._wait_for(node, version, follow)
            if follow and node.handles:
                for version in node.handles:
                    if version.node is not None:
                        _follow(node, version.node)
            self.pending[node.key] = node
        return failure

    def _wait_for(self, node: Node, version: Version, follow: bool) -> None:
        maker = version.node
        if maker is not None:
            maker.dependents.append(node)
            node.waiting += 1
            if follow:
                _follow(node, maker)

    def bind(self, node: Node, choose: Callable[[Version], Version], *, follow: bool) -> Failure | None:
        """Let a node that commutes, and whose other inputs are there, read the versions that are chosen now.

        Return why one of them never will be, or None.
        """
        with self.lock:  # all at once: no one else may take the node for one that can run
            if node.waiting or node.settled or not node.commuting:
                return None
            old = node.inputs
            node.inputs = tuple(map(choose, old))
            chosen = [new for before, new in zip(old, node.inputs, strict=True) if new is not before]
            for version in chosen:
                self._wait_for(node, version, follow)
            node.commuting = False
            return next((version.failure for version in chosen if version.failure is not None), None)

    def claim(self, node: Node, *, early: bool) -> bool:
        """Return True, once, when a node has everything it needs; ``early`` is enough if the makers have been sent."""
        with self.lock:
            if node.claimed or node.settled or (node.waiting and not early) or node.unsent:
                return False
            node.claimed = True
            return True

    def mark_sent(self, node: Node) -> list[Node]:
        """Note that the engine has a node; return those that it may now have too, as far as this one goes."""
        with self.lock:
            node.sent = True
            if node.opaque:
                return []
            followers, node.followers = node.followers, []
            return _freed(followers)

    def unclaim(self, nodes: Collection[Node]) -> list[Node]:
        """Note that an engine has not begun nodes it had; return those of them that could run."""
        with self.lock:
            for node in nodes:
                node.claimed = node.sent = False
            return [node for node in nodes if not node.waiting and not node.settled]

    def settle(self, node: Node, outcome: Outcome) -> tuple[list[Node], list[Node]]:
        """Record what came of a node; return the nodes that are settled by it, and those that may be able to run."""
        settled: list[Node] = []
        ready: list[Node] = []
        stack = [(node, outcome)]
        n_told = 0
        while stack:
            self._settle_all(stack, settled, ready)
            for each in settled[n_told:]:
                callbacks, each.callbacks = each.callbacks, []
                for callback in callbacks:
                    try:
                        consequence = callback(each)
                    except Exception:  # whoever settles nodes goes on: a thread of the engine, say
                        logger.exception("what follows the end of %s failed", each.key)
                        continue
                    if type(consequence) is tuple:
                        stack.append(consequence)
                n_told += 1
        return settled, ready

    def _settle_all(self, stack: list[tuple[Node, Outcome]], settled: list[Node], ready: list[Node]) -> None:
        """Settle the nodes of the stack, and those that fail with them."""
        while stack:
            node, outcome = stack.pop()
            with self.lock:
                if node.settled:
                    continue
                _conclude(node, outcome)
                del self.pending[node.key]
                dependents, node.dependents = node.dependents, []
                followers, node.followers = node.followers, []
                ready += _freed(followers)
            settled.append(node)
            for dependent in dependents:
                if outcome.failure is not None:
                    if dependent.failure is not None and dependent.failure is not outcome.failure:
                        outcome.failure.cover = dependent.failure
                    stack.append((dependent, Outcome(failure=outcome.failure)))
                    continue
                with self.lock:
                    dependent.waiting -= 1
                    if dependent.waiting == 0 and not dependent.settled:
                        ready.append(dependent)

    def on_settled(self, node: Node, callback: Callable[[Node], object]) -> None:
        """Call ``callback(node)`` once the node is settled, at once if it is.

        It may return another node and its outcome, to be settled too.
        """
        with self.lock:
            if not node.settled:
                node.callbacks.append(callback)
                return
        callback(node)

    def off_settled(self, node: Node, callback: Callable[[Node], object]) -> None:
        """Take back what `on_settled` asked for."""
        with self.lock:
            if callback in node.callbacks:
                node.callbacks.remove(callback)


def _follow(node: Node, maker: Node) -> None:
    """Have a node wait until the engine knows of another (with the lock held)."""
    if not maker.sent or maker.opaque:
        maker.followers.append(node)
        node.unsent += 1


def _freed(followers: list[Node]) -> list[Node]:
    """Return those of the nodes that follow no other (with the lock held)."""
    for follower in followers:
        follower.unsent -= 1
    return [follower for follower in followers if follower.unsent == 0 and not follower.settled]


def _conclude(node: Node, outcome: Outcome) -> None:
    """Give the outputs their values, and let go of what the node held."""
    node.failure = outcome.failure
    node.run = outcome.run
    outputs = [reference() for reference in node.outputs]
    n_changed = len(node.call.changed)
    for position, version in enumerate(outputs):
        if version is None:
            continue
        if outcome.failure is None:
            stored = outcome.stored[position]
            if type(stored) is Version:
                version.handle, version.depth, stored = stored.handle, stored.depth, stored.stored
            version.stored = stored
            version.before = None
        else:
            version.failure = outcome.failure
            version.handle = None
            if position >= len(outputs) - n_changed:
                before = version.before or node.input_changed(position - (len(outputs) - n_changed))
                version.before = None if before is None else before.whole
        version.node = None
    node.settled = True  # not before its outputs are whole, and not after what it held is gone: others look at it
    node.inputs = node.handles = ()
    node.call = NO_CALL
    node.handle = None
