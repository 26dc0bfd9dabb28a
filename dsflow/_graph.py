"""What a graph is made of: versions of data, and the nodes that make them. Plain data; see `_ordering` for the order.

An edge exists only where a node reads a version that another node makes. A node that changes an object makes a new
version and leaves the old one alone, so writers never wait for readers.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from dsflow._freeze import Frozen, Stored
from dsflow._options import Options
from dsflow._resources import Grant, Needs

__all__ = ["NO_CALL", "REMOTE", "Call", "Failure", "FileSlot", "Node", "Outcome", "Run", "Version", "raise_failure_of"]


class _Remote:
    def __repr__(self) -> str:
        return "<on a worker>"


REMOTE = _Remote()
"""Stored in place of a value that lies with the engine."""


class Failure:
    """Why a value will never come.

    Parameters
    ----------
    exception : BaseException
        The user's own exception, with the user's frames.
    key : str
        Key of the node that raised it.
    seen : bool
        True once it has been raised at a wait.
    """

    __slots__ = ("_traceback", "cover", "exception", "key", "seen")

    def __init__(self, exception: BaseException, key: str, *, seen: bool = False) -> None:
        self.exception = exception
        self.key = key
        self.seen = seen
        self.cover: Failure | None = None
        """The failure of a node that was to read the same value: who has seen that one need not see this one."""
        self._traceback = exception.__traceback__

    @property
    def reported(self) -> bool:
        """Whether it, or one that stands for it, has been raised at a wait."""
        looked_at: set[Failure] = set()
        failure: Failure | None = self
        while failure is not None and failure not in looked_at:
            if failure.seen:
                return True
            looked_at.add(failure)
            failure = failure.cover
        return False

    def throw(self) -> NoReturn:
        """Raise the exception, with the frames it had when the task failed."""
        self.seen = True
        try:
            raise self.exception.with_traceback(self._traceback)
        finally:
            del self  # this frame becomes part of the traceback, and must not hold what holds the exception


@dataclass(frozen=True, slots=True)
class FileSlot:
    """A file or directory that a task gets a path of its own for."""

    name: str
    """Last part of the user's path; the task's path ends with it."""
    source: int | None
    """Which input has the content, or None if nothing is read."""
    is_directory: bool
    writes: bool
    stream: str | None
    """The standard stream that the file stands for."""
    shared: bool
    """True if the input is the path of a file that tasks change at the same time, in place."""


@dataclass(slots=True, eq=False)
class Call:
    """The arguments of one call, frozen."""

    values: tuple[Any, ...]
    """One entry a parameter: an atom, or a reference ``(kind, position)``."""
    names: tuple[str, ...] = ()
    """Names of the last ``len(names)`` values, which are passed by keyword."""
    shared: Frozen | None = None
    """Arguments that are only read, frozen together."""
    private: Frozen | None = None
    """Arguments of which the task gets a writable copy, frozen together."""
    writable: tuple[int, ...] = ()
    """Which inputs are thawed as writable copies."""
    collections: tuple[tuple[Any, ...] | dict[Any, Any], ...] = ()
    """Lists and dicts that are taken apart: an entry for each element."""
    changed: tuple[tuple[int | None, Any], ...] = ()
    """Where the task's changes are found, stored after the returned values: a collection and a place in it, or None
    and the position of an argument."""
    parameters: tuple[str, ...] = ()
    """For each of ``changed``, the name of the parameter."""
    files: tuple[FileSlot, ...] = ()

    def entry_changed(self, nth: int) -> tuple[str, Any]:
        """What is written for the ``nth`` of the data that the task changes."""
        collection, place = self.changed[nth]
        entry = (self.values if collection is None else self.collections[collection])[place]
        return entry if type(entry) is tuple else ("atom", entry)


@dataclass(slots=True)
class Run:
    """Where and when a node ran. Times are seconds since the epoch."""

    worker: str
    start: float
    end: float
    bytes_in: int
    bytes_out: int


@dataclass(slots=True)
class Outcome:
    """What came of a node: either stored values, one for each output, or a failure."""

    stored: Sequence[Stored | Version] = ()
    """One entry for each output; a version stands for what it has."""
    failure: Failure | None = None
    run: Run | None = None


class Version:
    """One value: an output of a node, or a value of the main program."""

    __slots__ = ("__weakref__", "before", "commuters", "depth", "failure", "handle", "maker", "node", "stored")

    def __init__(self, node: Node | None = None, stored: Stored = REMOTE) -> None:
        self.node = node
        """The node that makes it, as long as that is not settled."""
        self.maker = None if node is None else node.key
        """Key of the node that makes it, or has made it."""
        self.stored = stored
        self.failure: Failure | None = None
        self.handle: Any = None
        """What the engine keeps to find the value; dropping it frees the value."""
        self.before: Version | None = None
        """After a failure: the last version that is whole. Until then: the one it replaces, if it is not read."""
        self.commuters: Any = None
        """The commutative calls that this is the end of."""
        self.depth = 0
        """How many nodes in a row an engine that forgets values would have to run again to make this one."""

    @property
    def settled(self) -> bool:
        """Whether the value, or the reason why there is none, is known."""
        return self.node is None

    @property
    def whole(self) -> Version | None:
        """Itself, or the last version before it that did not fail."""
        return self if self.failure is None else self.before

    @property
    def is_foreign(self) -> bool:
        """Whether a node of another session makes the value, so that only the engine knows of it."""
        return self.maker is None and self.stored is REMOTE and self.failure is None


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class Node:
    """One call of a task: what to run, on which versions, making which versions."""

    key: str
    function: Any
    """The task."""
    call: Call
    inputs: tuple[Version, ...]
    """Versions the task gets the value of."""
    handles: tuple[Version, ...]
    """Versions the task gets a Future of; it does not wait for them."""
    site: str
    """File and line of the call."""
    parent: Node | None
    name: str
    options: Options
    outputs: tuple[weakref.ref[Version], ...] = ()
    dependents: list[Node] = field(default_factory=list)
    """Nodes that read what it makes, as long as it is not settled."""
    callbacks: list[Callable[[Node], object]] = field(default_factory=list)
    needs: Needs | None = None
    """What it needs of the machine, if its task has a constraint."""
    grant: Grant | None = None
    """What it has been given of the machine, while it runs."""
    is_nested: bool = False
    """Whether a task has called it, which is told then if it fails."""
    groups: tuple[Any, ...] = ()
    """The groups it was called in."""
    attempt: int = 0
    """How often it has failed and was to run again."""
    waiting: int = 0
    """How many inputs are not there yet."""
    unsent: int = 0
    """How many of its inputs and handles an engine that orders nodes does not know of yet."""
    followers: list[Node] = field(default_factory=list)
    """Nodes that an engine which orders nodes may have once it has this one."""
    awaits: Callable[[], list[Node]] | None = None
    """Returns the nodes that it waits for, if these are not the makers of its inputs."""
    claimed: bool = False
    """Whether it has everything it needs, or is about to be given to the engine."""
    sent: bool = False
    """Whether the engine has it, and may have those that read its outputs."""
    opaque: bool = False
    """Whether those that read its outputs have to wait until it is settled."""
    pickled: bytes | None = None
    """The task as it was at the call, for engines that send it."""
    alone: bool = False
    """Whether it must not share a unit of work with others: one it shared was lost."""
    commuting: bool = False
    """Whether it has inputs that are chosen when all others are there."""
    started: float | None = None
    settled: bool = False
    failure: Failure | None = None
    run: Run | None = None
    handle: Any = None
    """What the engine keeps while the node is not settled."""

    def input_changed(self, nth: int) -> Version | None:
        """The input that the ``nth`` of its changes changes, or None if that is not one."""
        kind, position = self.call.entry_changed(nth)
        if kind in ("file", "path"):
            position = self.call.files[position].source
        return self.inputs[position] if kind in ("value", "file", "path") and position is not None else None

    def slot_changed(self, nth: int) -> FileSlot | None:
        """The file that the ``nth`` of its changes changes, or None if that is an object."""
        kind, position = self.call.entry_changed(nth)
        return self.call.files[position] if kind in ("file", "path") else None

    def awaited(self) -> list[Node]:
        """The nodes that it waits for."""
        if self.awaits is not None:
            return self.awaits()
        return [version.node for version in self.inputs if version.node is not None and not version.node.settled]

    @property
    def run_key(self) -> str:
        """The key of this attempt to run it."""
        return f"{self.key}-try{self.attempt + 1}" if self.attempt else self.key

    def __repr__(self) -> str:
        return f"<Node {self.key} {'settled' if self.settled else 'pending'}>"


NO_CALL = Call(())
"""What a settled node has for a call: its caller may hold the node, and need not hold the arguments."""


def raise_failure_of(nodes: Iterable[Node]) -> None:
    """Raise the first failure of nodes that was not raised before."""
    for node in nodes:
        if node.failure is not None and not node.failure.reported:
            node.failure.throw()
