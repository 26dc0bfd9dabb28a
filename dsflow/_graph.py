"""The graph: versions of data, the nodes that make them, and the order between the two. No engine in here.

An edge exists only where a node reads a version that another node makes. A node that changes an object makes a new
version and leaves the old one alone, so writers never wait for readers.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from dsflow._freeze import Frozen, Stored
from dsflow._options import Options
from dsflow._resources import Grant, Needs

__all__ = ["NO_CALL", "REMOTE", "Call", "Failure", "FileSlot", "Graph", "Node", "Outcome", "Run", "Version"]


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
        raise self.exception.with_traceback(self._traceback)


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
    as_path: bool
    """True if the user gave a ``pathlib.Path``, so that the task gets one."""


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
    changed: tuple[tuple[Any, ...], ...] = ()
    """Where the task's changes are found, stored after the returned values: the position of an argument, and the
    indices and keys of collections that lead to an element of it."""
    parameters: tuple[str, ...] = ()
    """For each of ``changed``, the name of the parameter."""
    files: tuple[FileSlot, ...] = ()


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
        """After a failure: the last version that is whole."""
        self.commuters: Any = None
        """The commutative calls that this is the end of."""
        self.depth = 0
        """How many nodes in a row an engine that forgets values would have to run again to make this one."""

    @property
    def settled(self) -> bool:
        """Whether the value, or the reason why there is none, is known."""
        return self.node is None

    @property
    def is_foreign(self) -> bool:
        """Whether a node of another session makes the value, so that only the engine knows of it."""
        return self.maker is None and self.stored is REMOTE and self.failure is None


class Node:
    """One call of a task: what to run, on which versions, making which versions."""

    __slots__ = (
        "__weakref__", "attempt", "awaits", "call", "callbacks", "children", "claimed", "commuting", "dependents",
        "failure", "followers", "function", "grant", "groups", "handle", "handles", "inputs", "key", "name", "needs",
        "options", "outputs", "parent", "run", "sent", "settled", "site", "started", "unsent", "waiting",
    )  # fmt: skip

    def __init__(  # noqa: PLR0915 - one statement a field
        self,
        key: str,
        function: Any,
        call: Call,
        inputs: tuple[Version, ...],
        handles: tuple[Version, ...],
        site: str,
        parent: Node | None,
    ) -> None:
        self.key = key
        self.name: str = function.name
        self.function = function
        self.call = call
        self.inputs = inputs
        """Versions the task gets the value of."""
        self.handles = handles
        """Versions the task gets a Future of; it does not wait for them."""
        self.site = site
        """File and line of the call."""
        self.parent = parent
        self.outputs: tuple[weakref.ref[Version], ...] = ()
        self.dependents: list[Node] = []
        self.callbacks: list[Callable[[Node], object]] = []
        self.children: list[Node] | None = None
        self.options: Options = function.options
        self.needs: Needs | None = None
        """What it needs of the machine, if its task has a constraint."""
        self.grant: Grant | None = None
        """What it has been given of the machine, while it runs."""
        self.groups: tuple[Any, ...] = ()
        """The groups it was called in."""
        self.attempt = 0
        """How often it has failed and was to run again."""
        self.waiting = 0
        """How many inputs are not there yet."""
        self.unsent = 0
        """How many of its inputs and handles an engine that orders nodes does not know of yet."""
        self.followers: list[Node] = []
        """Nodes that an engine which orders nodes may have once it has this one."""
        self.awaits: Callable[[], list[Node]] | None = None
        """Returns the nodes that it waits for, if these are not the makers of its inputs."""
        self.claimed = False
        """Whether it has everything it needs, or is about to be given to the engine."""
        self.sent = False
        """Whether the engine has it, and may have those that read its outputs."""
        self.commuting = False
        """Whether it has inputs that are chosen when all others are there."""
        self.started: float | None = None
        self.settled = False
        self.failure: Failure | None = None
        self.run: Run | None = None
        self.handle: Any = None
        """What the engine keeps while the node is not settled."""

    def input_changed(self, nth: int) -> Version | None:
        """The input that the ``nth`` of its changes changes, or None if that is not one."""
        entry: Any = ("", self.call.values)
        for step in self.call.changed[nth]:
            entry = entry[1][step]
        kind, position, *_ = entry if type(entry) is tuple else ("", 0)
        if kind == "file":
            position = self.call.files[position].source
        return self.inputs[position] if kind == "value" or (kind == "file" and position is not None) else None

    def slot_changed(self, nth: int) -> FileSlot | None:
        """The file that the ``nth`` of its changes changes, or None if that is an object."""
        entry: Any = ("", self.call.values)
        for step in self.call.changed[nth]:
            entry = entry[1][step]
        return self.call.files[entry[1]] if type(entry) is tuple and entry[0] == "file" else None

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

    def bind(self, node: Node, old: Version, new: Version, *, follow: bool) -> Failure | None:
        """Let a node that is not claimed read another version; return why there is none, or None."""
        with self.lock:
            node.inputs = tuple(new if version is old else version for version in node.inputs)
            self._wait_for(node, new, follow)
        return new.failure

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
            if node.options.is_opaque:
                return []
            followers, node.followers = node.followers, []
            return _freed(followers)

    def settle(self, node: Node, outcome: Outcome) -> tuple[list[Node], list[Node]]:
        """Record what came of a node; return the nodes that are settled by it, and those that may be able to run."""
        settled: list[Node] = []
        ready: list[Node] = []
        stack = [(node, outcome)]
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
        for node in settled:
            callbacks, node.callbacks = node.callbacks, []
            for callback in callbacks:
                callback(node)
        return settled, ready

    def on_settled(self, node: Node, callback: Callable[[Node], object]) -> None:
        """Call ``callback(node)`` once the node is settled, at once if it is."""
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
    if not maker.sent or maker.options.is_opaque:
        maker.followers.append(node)
        node.unsent += 1


def _freed(followers: list[Node]) -> list[Node]:
    """Return those of the nodes that follow no other (with the lock held)."""
    for follower in followers:
        follower.unsent -= 1
    return [follower for follower in followers if follower.unsent == 0 and not follower.settled]


NO_CALL = Call(())
"""What a settled node has for a call: its caller may hold the node, and need not hold the arguments."""


def _conclude(node: Node, outcome: Outcome) -> None:
    """Give the outputs their values, and let go of what the node held."""
    node.settled = True
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
        else:
            version.failure = outcome.failure
            version.handle = None
            if position >= len(outputs) - n_changed:
                version.before = _version_before(node, position - (len(outputs) - n_changed))
        version.node = None
    node.inputs = node.handles = ()
    node.call = NO_CALL
    node.handle = None


def _version_before(node: Node, nth_changed: int) -> Version | None:
    """The version that the node was to change, if it was one of an earlier node."""
    version = node.input_changed(nth_changed)
    return version if version is None or version.failure is None else version.before
