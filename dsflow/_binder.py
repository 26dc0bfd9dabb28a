"""One call being bound: for each argument, what to write in the call, and what the task will change.

A Future, or an object that a task is changing, becomes an input of the node. It is found as an argument itself and
inside lists, tuples, dict values and dataclasses; a Future anywhere else is passed on as a Future. All other arguments
are frozen together, so that two names for one object stay two names for one object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from dsflow._commute import Commuters, Slot
from dsflow._context import Context
from dsflow._directions import Access, Content, Direction
from dsflow._errors import ArgumentError
from dsflow._freeze import is_array
from dsflow._future import Future
from dsflow._graph import FileSlot, Node, Version
from dsflow._loading import Blank
from dsflow._options import OnFailure
from dsflow._sources import is_foreign
from dsflow._versions import blank_of, check_changeable, has_identity

__all__ = ["Binder", "Target"]

LARGE = 1 << 20
"""An array of this many bytes becomes a version of its own, so that an engine can hold it apart from the call."""

Target = Callable[[Node, Version], None]
"""Lets what the user has a name for be the version that a node makes."""

Path = tuple[int | None, Any]
"""Where a datum is in the call: a collection and a place in it, or None and the position of an argument."""

Owner = tuple[Any, Any]
"""A list or dict, and the index or key of an element."""


@dataclass(slots=True)
class Binder:
    """State of the binding of one call."""

    task: Any
    context: Context
    session: Any
    site: str
    inputs: list[Version] = field(default_factory=list)
    handles: list[Version] = field(default_factory=list)
    positions: dict[int, int] = field(default_factory=dict)
    """Position of each input, by identity of the version."""
    inline: set[int] = field(default_factory=set)
    """Identities of the nested Futures that the task gets the value of."""
    private: list[Any] = field(default_factory=list)
    """Arguments of which the task gets a writable copy."""
    private_ids: dict[int, int] = field(default_factory=dict)
    """Position in ``private`` of each of them, by identity."""
    shared: list[Any] = field(default_factory=list)
    """Arguments that the task only reads."""
    large: dict[int, Version] = field(default_factory=dict)
    """Versions of the large arrays among the arguments, by identity."""
    adopted: dict[int, Version] = field(default_factory=dict)
    """Versions of the values of other libraries, by identity."""
    writable: set[int] = field(default_factory=set)
    """Inputs that are the task's own."""
    changed: dict[Any, Path] = field(default_factory=dict)
    """Where each changed datum is, by what makes it one."""
    parameters: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    changed_twice: set[Any] = field(default_factory=set)
    """What makes a datum one that is passed by several parameters, and changed by one of them."""
    blanks: dict[Any, int] = field(default_factory=dict)
    """Where what makes an empty object is in ``shared``, by what makes a datum one."""
    slots: dict[Any, Slot] = field(default_factory=dict)
    """The inputs that are chosen later, by what makes a datum one."""
    collections: list[Any] = field(default_factory=list)
    """Lists and dicts that are taken apart."""
    collection_ids: dict[tuple[int, int], int] = field(default_factory=dict)
    """Position in ``collections`` of each of them, by identity and depth."""
    files: list[FileSlot] = field(default_factory=list)
    file_ids: dict[str, int] = field(default_factory=dict)
    """Position in ``files`` of each of them, by absolute path."""
    given_up: list[Any] = field(default_factory=list)

    @property
    def where(self) -> str:
        """Name of the task, for messages."""
        name: str = self.task.name
        return name

    def input(self, version: Version) -> int:
        """Position of a version among the inputs."""
        position = self.positions.get(id(version))
        if position is None:
            position = self.positions[id(version)] = len(self.inputs)
            self.inputs.append(version)
        return position

    def version_of(self, future: Future[Any]) -> Version:
        """The newest version of a Future, about to be read."""
        if future._session is not self.session:
            future = self.session.adopt(future, self.where)
        version = future._current()
        if version.commuters is not None:
            version.commuters.closed = True
        return version

    def refuse_view(self, value: Any) -> None:
        """Raise ArgumentError if ``value`` shows a part of an array that a task is changing, or this call changes."""
        tracker = self.context.tracker
        if not is_array(value) or not (tracker or self.private):
            return
        base = value.base
        while base is not None:
            if id(base) in self.private_ids or tracker.find(base) is not None:
                raise ArgumentError(
                    f"{self.where}: an array of shape {value.shape} is a view of an array that a task is changing; "
                    "call wait_on(the array) first, or pass a copy of the view (view.copy())."
                )
            base = getattr(base, "base", None)

    # --- where a value is found in the call --------------------------------------------------------------------------

    def place(self, value: Any) -> Any:
        """What to write in the call for a value that is read: an atom itself, else where to find it."""
        kind = type(value)
        if kind in self.session.atoms:
            return value
        future = value if kind is Future else self.context.tracker.find(value)
        if future is not None:
            return ("value", self.input(self.version_of(future)))
        if id(value) in self.private_ids:
            return ("private", self.private_ids[id(value)])
        if is_foreign(kind):
            return ("value", self.input(self.adopted_version(value)))
        self.refuse_view(value)
        if is_array(value) and value.nbytes >= LARGE and not value.dtype.hasobject:
            return ("value", self.input(self.large_version(value)))
        return self.place_shared(value)

    def place_shared(self, value: Any) -> tuple[str, int]:
        """Put a value in the pack of those that are only read."""
        self.shared.append(value)
        return ("shared", len(self.shared) - 1)

    def large_version(self, array: Any) -> Version:
        """The version of a large array."""
        version = self.large.get(id(array))
        if version is None:
            version = self.large[id(array)] = self.session.sources.array(array)
        return version

    def adopted_version(self, value: Any) -> Version:
        """The version of a value of another library, a Dask collection say."""
        version = self.adopted.get(id(value))
        if version is None:
            version = self.adopted[id(value)] = self.session.sources.adopted(value, self.where)
        return version

    def reference(self, value: Any) -> tuple[str, int] | None:
        """Reference to write in place of ``value`` in a frozen argument."""
        if type(value) is Future:
            version = self.version_of(value)
            if id(value) in self.inline:
                return ("value", self.input(version))
            self.handles.append(version)
            return ("handle", len(self.handles) - 1)
        position = self.private_ids.get(id(value))
        if position is not None:
            return ("private", position)
        if id(value) in self.adopted:
            return ("value", self.input(self.adopted[id(value)]))
        future = self.context.tracker.find(value)
        if future is None:
            self.refuse_view(value)
        return None if future is None else ("value", self.input(self.version_of(future)))

    # --- what a parameter asks for -----------------------------------------------------------------------------------

    def place_argument(self, value: Any, parameter: str, direction: Direction, position: int) -> Any:
        """What to write in the call for an argument; ``position`` is where that will be."""
        if direction.depth:
            expected = dict if direction.name.startswith("DICTIONARY") else list
            if type(value) is not expected:
                raise TypeError(
                    f"{self.where}: argument {parameter!r} is a {type(value).__name__}, not a {expected.__name__}, and "
                    f"is declared {direction!r}."
                )
            return self.place_collection(value, parameter, direction, direction.depth)
        return self.place_datum(value, parameter, direction, (None, position), None)

    def place_collection(self, value: Any, parameter: str, direction: Direction, depth: int) -> Any:
        """Take a list or dict apart, ``depth`` levels deep."""
        if self.context.tracker.find(value) is not None:
            raise ArgumentError(
                f"{self.where}: argument {parameter!r} is declared {direction!r}, but tasks are changing the "
                f"{type(value).__name__} itself; call wait_on(it) first, so that its elements are known."
            )
        identity = (id(value), depth if direction.is_limited else 0)
        position = self.collection_ids.get(identity)
        if position is not None:
            return ("collection", position)
        position = self.collection_ids[identity] = len(self.collections)
        self.collections.append(())
        entries = {}
        for key, item in list(value.items() if type(value) is dict else enumerate(value)):
            if depth > 1 and type(item) in (list, dict) and self.context.tracker.find(item) is None:
                entries[key] = self.place_collection(item, parameter, direction, depth - 1)
            else:
                entries[key] = self.place_datum(item, parameter, direction, (position, key), (value, key))
        self.collections[position] = entries if type(value) is dict else tuple(entries.values())
        return ("collection", position)

    def place_datum(self, value: Any, parameter: str, direction: Direction, path: Path, owner: Owner | None) -> Any:
        """What to write for one datum: an argument, or an element of a collection."""
        if direction.content is Content.OBJECT:
            direction = self.merged(direction, id(value))
        else:
            from dsflow._files import place_file  # knows tasks of its own, which bind their arguments here

            return None if value is None else place_file(self, value, parameter, direction, path)
        if direction.writes:
            return self.place_changed(value, parameter, direction, path, owner)
        if direction.access is Access.DELETE:
            self.given_up.append(value)
        entry = self.place(value)
        if direction.copy and type(entry) is tuple and entry[0] == "value":
            self.writable.add(entry[1])
        return entry

    def merged(self, direction: Direction, identity: Any) -> Direction:
        """What a call does with a datum, all of its names taken together."""
        if identity not in self.changed_twice:
            return direction
        return replace(direction, access=Access.CHANGE, copy=direction.content is Content.OBJECT)

    def place_changed(self, value: Any, parameter: str, direction: Direction, path: Path, owner: Owner | None) -> Any:
        """What to write for an object that the task changes."""
        if owner is not None and not has_identity(value):  # the element's place in the collection stands for it
            place, session = owner, self.session
            self.change((id(owner[0]), owner[1]), parameter, path, lambda _, version: _put(place, version, session))
        else:
            if type(value) is not Future:
                check_changeable(value, f"{self.where}: argument {parameter!r}")
            self.change(id(value), parameter, path, self.target_of(value, direction))
        if direction.access is Access.WRITE:
            return ("blank", self.blank_for(value, parameter, owner))
        if direction.access is Access.COMMUTE:
            future = value if type(value) is Future else self.context.tracker.find(value)
            return ("value", self.own(self.slot_of(id(value), future, lambda: self.session.sources.copied(value))))
        entry = self.place(value)
        if type(entry) is tuple and entry[0] == "value":
            self.writable.add(entry[1])
        return entry

    def blank_for(self, value: Any, parameter: str, owner: Owner | None) -> int:
        """Position of what makes an empty object for one that the task fills; two names get one object."""
        identity = id(value) if owner is None or has_identity(value) else (id(owner[0]), owner[1])
        if identity not in self.blanks:
            blank = Blank(*blank_of(value, f"{self.where}: argument {parameter!r}"))
            self.blanks[identity] = self.place_shared(blank)[1]
        return self.blanks[identity]

    def own(self, version: Version) -> int:
        """Position of an input that the task gets a writable copy of."""
        position = self.input(version)
        self.writable.add(position)
        return position

    def change(self, identity: Any, parameter: str, path: Path, target: Target) -> None:
        """Note that the task changes a datum, unless another name for it has come before."""
        if identity not in self.changed:
            self.changed[identity] = path
            self.parameters.append(parameter)
            self.targets.append(target)

    def target_of(self, value: Any, direction: Direction) -> Target:
        """What lets an object, or a Future, stand for its new version."""
        context, session, slots = self.context, self.session, self.slots  # not self, which has the target: a cycle
        is_new = type(value) is not Future and context.tracker.find(value) is None
        original = session.sources.copied(value) if is_new and self.may_stay(direction) else None

        def advance(node: Node, version: Version) -> None:
            if direction.access is Access.COMMUTE:
                version = slots[id(value)].join(node, version)
            existing = value if type(value) is Future else context.tracker.find(value)
            if existing is None:
                version.before = original
                context.tracker.track(value, Future(version, session))
                return
            if direction.access is Access.WRITE:
                version.before = existing._version
            existing._version = version

        return advance

    def may_stay(self, direction: Direction) -> bool:
        """Whether what a task replaces may have to stay after all: when its failure is ignored."""
        return direction.access is Access.WRITE and self.task.options.on_failure is OnFailure.IGNORE

    # --- commutative calls -------------------------------------------------------------------------------------------

    def slot_of(self, identity: Any, future: Future[Any] | None, make_base: Callable[[], Version]) -> Slot:
        """The input that will be what another call of the task makes of a datum."""
        slot = self.slots.get(identity)
        if slot is None:
            group = None if future is None else future._current().commuters
            if group is None or not group.takes(self.task):
                base = make_base() if future is None else self.version_of(future)
                group = Commuters(self.task, base, self.session, self.site)
            slot = self.slots[identity] = Slot(group)
        return slot


def _put(owner: Owner, version: Version, session: Any) -> None:
    """Let a Future stand in a collection for an element that has no identity of its own."""
    owner[0][owner[1]] = Future(version, session)
