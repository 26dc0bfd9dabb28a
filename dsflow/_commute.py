"""Commutative calls: which of them changes the datum first is decided when they can run, not when they are called.

The calls of one task on one datum form a group. Each has a `Slot` among its inputs, in place of the version it will
read. When all of its other inputs are there, it is bound: it reads what the last bound call makes. So they form a
chain in the order in which they became ready, and never run at the same time. What comes after the group reads its
``end``, a version that has what the last call of the chain makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsflow._graph import NO_CALL, Failure, Node, Outcome, Version
from dsflow._options import DEFAULT_OPTIONS

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["Commuters", "Slot", "bind_commuting"]


_NAME = "commutative"
"""Of the node that stands for the end of a group; it never runs."""


class Slot(Version):
    """An input that will be what another call of the group makes."""

    __slots__ = ("group",)

    def __init__(self, group: Commuters) -> None:
        super().__init__()
        self.group = group

    def join(self, node: Node, output: Version) -> Version:
        """Add a call to the group, of which ``output`` is the changed datum; return the end of the group."""
        if not self.group.add(node, output):  # something has read its end since the slot was made
            self.group = self.group.successor()
            self.group.add(node, output)
        return self.group.end


class Commuters:
    """The commutative calls of one task on one datum, until something else reads the datum.

    Parameters
    ----------
    function : Task
        The task; calls of another do not belong to the group.
    base : Version
        What the first call changes.
    session : Session
        Whose graph gets the node that makes the end.
    """

    def __init__(self, function: Any, base: Version, session: Session, site: str) -> None:
        self.function = function
        self._tail = base
        self._whole = base
        """What the last call that succeeded has made."""
        self._session = session
        self._site = site
        self._members: dict[str, Node] = {}
        """Calls that are not settled, by key."""
        self._failure: Failure | None = None
        self._outputs: dict[str, Version] = {}
        """What calls that are not settled will make, by the key of their node."""
        self._unbound: dict[str, Version] = {}
        """What the calls that are not bound yet will make, by the key of their node."""
        self.closed = False
        """True when something else reads the end, so that no more calls can be added."""
        key = session.new_key(_NAME)
        self.join = Node(key, None, NO_CALL, (), (), site, None, _NAME, DEFAULT_OPTIONS)
        self.join.awaits = lambda: list(self._members.values())
        self.end = Version(self.join)
        self.end.commuters = self

    def takes(self, function: Any) -> bool:
        """Whether a call of a task can be added."""
        return not self.closed and function is self.function

    def add(self, node: Node, output: Version) -> bool:
        """Add a call, of which ``output`` is the changed datum; return False if it is too late."""
        graph = self._session.graph
        with graph.lock:
            if self.closed:
                return False
            is_first = not self._members
            self._members[node.key] = node
            self._outputs[node.key] = output
            self._unbound[node.key] = output
        if is_first:  # not before: a group without calls would be waited for
            graph.add(self.join, [self.end], follow=False)
        graph.on_settled(node, self._member_settled)
        return True

    def successor(self) -> Commuters:
        """Return a group for calls that come after what has read the end of this one."""
        return Commuters(self.function, self.end, self._session, self._site)

    def advance(self, node: Node) -> Version:
        """Make a call the last one of the chain; return what it reads (with the graph's lock held)."""
        before, self._tail = self._tail, self._unbound.pop(node.key)
        return before

    def _member_settled(self, node: Node) -> tuple[Node, Outcome] | None:
        """Note the end of a call; after the last one, return what has come of the group."""
        with self._session.graph.lock:
            del self._members[node.key]
            self._unbound.pop(node.key, None)
            output = self._outputs.pop(node.key)
            if node.failure is None:
                self._whole = output
            self._failure = self._failure or node.failure
            if self._members:
                return None
            self.closed = True
            self.end.commuters = self.join.awaits = None  # they have this group: no cycle is to hold its values
        self.end.before = self._whole.whole
        outcome = Outcome([self._tail]) if self._failure is None else Outcome(failure=self._failure)
        return self.join, outcome


def bind_commuting(node: Node, session: Session) -> bool:
    """Choose what a node reads whose other inputs are there; return whether it has no slot any more."""

    def choose(version: Version) -> Version:
        # for all of its data at once: two nodes come in the same order in each group, so that there is no cycle
        return version.group.advance(node) if type(version) is Slot else version

    failure = session.graph.bind(node, choose, follow=session.engine.orders)
    if failure is not None:
        session.settle(node, Outcome(failure=failure))
        return False
    return not node.commuting
