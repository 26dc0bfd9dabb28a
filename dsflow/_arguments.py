"""The arguments of a call: what is passed by reference, what is frozen, and what the task will change.

A Future, or an object that a task is changing, becomes an input of the node. It is found as an argument itself and
inside lists, tuples, dict values and dataclasses; a Future anywhere else is passed on as a Future. All other arguments
are frozen together, so that two names for one object stay two names for one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from dsflow._directions import Direction
from dsflow._errors import ArgumentError, DsflowError
from dsflow._freeze import ATOMS, Frozen, HandleFound, Stored, freeze, is_array, thaw
from dsflow._future import Future
from dsflow._graph import Call, Version
from dsflow._versions import Tracker, check_changeable

__all__ = ["Arguments", "Parameter", "bind_arguments", "load_arguments"]

LARGE = 1 << 20
"""An array of this many bytes becomes a version of its own, so that an engine can hold it apart from the call."""

Parameter = tuple[str, Direction]
"""Name and direction."""


@dataclass(slots=True)
class Arguments:
    """What `bind_arguments` found."""

    call: Call
    inputs: tuple[Version, ...]
    handles: tuple[Version, ...]
    changed: list[Any]
    """The objects, or Futures, that the task changes; in the order of the node's outputs."""


@dataclass(slots=True)
class _Binder:
    """State of the binding of one call."""

    where: str
    tracker: Tracker
    session: Any
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

    def input(self, version: Version) -> int:
        position = self.positions.get(id(version))
        if position is None:
            position = self.positions[id(version)] = len(self.inputs)
            self.inputs.append(version)
        return position

    def version_of(self, future: Future[Any]) -> Version:
        if future._session is not self.session:
            future = self.session.adopt(future, self.where)
        return future._current()

    def refuse_view(self, value: Any) -> None:
        """Raise ValueError if ``value`` shows a part of an array that a task is changing, or that this call changes."""
        if not is_array(value) or not (self.tracker or self.private):
            return
        base = value.base
        while base is not None:
            if id(base) in self.private_ids or self.tracker.find(base) is not None:
                raise ArgumentError(
                    f"{self.where}: an array of shape {value.shape} is a view of an array that a task is changing; "
                    "call wait_on(the array) first, or pass a copy of the view (view.copy())."
                )
            base = getattr(base, "base", None)

    def place(self, value: Any) -> Any:
        """What to write in the call for an argument: an atom itself, else where to find it."""
        kind = type(value)
        if kind in self.session.atoms:
            return value
        future = value if kind is Future else self.tracker.find(value)
        if future is not None:
            return ("value", self.input(self.version_of(future)))
        if id(value) in self.private_ids:
            return ("private", self.private_ids[id(value)])
        self.refuse_view(value)
        if is_array(value) and value.nbytes >= LARGE and not value.dtype.hasobject:
            return ("value", self.input(self.large_version(value)))
        self.shared.append(value)
        return ("shared", len(self.shared) - 1)

    def large_version(self, array: Any) -> Version:
        version = self.large.get(id(array))
        if version is None:
            version = self.large[id(array)] = self.session.snapshot(array)
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
        future = self.tracker.find(value)
        if future is None:
            self.refuse_view(value)
        return None if future is None else ("value", self.input(self.version_of(future)))


def bind_arguments(
    where: str,
    values: Sequence[Any],
    names: tuple[str, ...],
    parameters: Sequence[Parameter],
    tracker: Tracker,
    session: Any,
) -> Arguments:
    """Freeze the arguments of a call.

    Parameters
    ----------
    where : str
        Name of the task, for messages.
    values, names
        The arguments, positional ones first; ``names`` are those of the last ones.
    parameters
        Name and direction of the parameter that each value is for.
    tracker : Tracker
        The caller's objects that tasks are changing.
    session : Session
        The session that the call belongs to.

    Raises
    ------
    TypeError
        When an argument cannot be copied, or cannot be changed though its parameter is INOUT.
    ArgumentError
        When an argument contains itself, or is a view of an array that a task is changing.
    """
    binder = _Binder(where, tracker, session)
    _take_private(binder, values, parameters)
    written: list[Any] = []
    changed: dict[int, int] = {}
    writable: set[int] = set()
    for value, (name, direction) in zip(values, parameters, strict=True):
        if direction.writes:
            if type(value) in session.atoms:
                check_changeable(value, f"{where}: argument {name!r}")
            changed.setdefault(id(value), len(written))
        reference = binder.place(value)
        if direction.copy and type(reference) is tuple and reference[0] == "value":
            writable.add(reference[1])
        written.append(reference)
    call = Call(
        values=tuple(written),
        names=names,
        shared=_freeze_pack(binder, binder.shared, set()),
        private=_freeze_pack(binder, binder.private, writable),
        writable=tuple(writable),
        changed=tuple(changed.values()),
    )
    objects = [values[position] for position in call.changed]
    return Arguments(call, tuple(binder.inputs), tuple(binder.handles), objects)


def _take_private(binder: _Binder, values: Sequence[Any], parameters: Sequence[Parameter]) -> None:
    """Set apart the caller's objects of which the task gets a writable copy."""
    for value, (name, direction) in zip(values, parameters, strict=True):
        if not direction.copy or type(value) in binder.session.atoms or type(value) is Future:
            continue
        if binder.tracker.find(value) is not None or id(value) in binder.private_ids:
            continue
        if direction.writes:
            check_changeable(value, f"{binder.where}: argument {name!r}")
        binder.private_ids[id(value)] = len(binder.private)
        binder.private.append(value)


def _freeze_pack(binder: _Binder, pack: list[Any], writable: set[int]) -> Frozen | None:
    """Freeze arguments together; nested Futures and objects that tasks are changing become references.

    In the private pack the values of nested Futures are the task's own too: they are added to ``writable``.
    """
    if not pack:
        return None
    looked_at: set[int] = set()
    for value in pack:
        _find_futures(value, binder, (), looked_at)
    is_private = pack is binder.private
    needs_references = bool(binder.inline or binder.tracker or (binder.private and not is_private))
    own = {id(value) for value in pack} if is_private else set()

    def reference(value: Any) -> tuple[str, int] | None:
        found = None if id(value) in own else binder.reference(value)
        if found is not None and found[0] == "value" and is_private:
            writable.add(found[1])
        return found

    try:
        try:
            return _frozen(pack, binder, reference if needs_references else None)
        except HandleFound:
            return _frozen(pack, binder, reference)
    except (RecursionError, DsflowError):
        raise
    except Exception as error:
        raise TypeError(
            f"{binder.where}: an argument cannot be copied for the task ({_describe(pack)}): {error}; "
            "pass what it is made from (a path, a configuration) and open it inside the task."
        ) from error


def _frozen(pack: list[Any], binder: _Binder, reference: Any) -> Frozen:
    stored = freeze(pack, portable=binder.session.engine.remote, snapshot=True, reference=reference)
    assert isinstance(stored, Frozen)
    return stored


def _find_futures(value: Any, binder: _Binder, path: tuple[int, ...], looked_at: set[int]) -> None:
    """Note the Futures inside lists, tuples, dict values and dataclasses."""
    kind = type(value)
    if kind is Future:
        binder.inline.add(id(value))
        return
    children = _children(value)
    if children is None:
        return
    if id(value) in path:
        raise ArgumentError(
            f"{binder.where}: an argument of type {kind.__name__} contains itself; pass its parts instead."
        )
    if id(value) in looked_at or ATOMS.issuperset(set(map(type, children))):
        return
    path = (*path, id(value))
    for child in children:
        if type(child) not in ATOMS:
            _find_futures(child, binder, path, looked_at)
    looked_at.add(id(value))


def _children(value: Any) -> Iterable[Any] | None:
    """What a container holds, or None if ``value`` is not one that is looked into."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, dict):
        return value.values()
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, each.name, None) for each in fields(value)]
    return None


def _describe(pack: Sequence[Any]) -> str:
    return ", ".join(type(value).__name__ for value in pack)


def load_arguments(
    call: Call, inputs: Sequence[Stored], handles: Sequence[Future[Any]]
) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """Thaw the arguments of a call.

    Returns
    -------
    positional, named, changed
        The arguments to call the function with, and those among them that it changes.
    """
    values = [thaw(stored, writable=i in call.writable) for i, stored in enumerate(inputs)]
    packs: dict[str, Sequence[Any]] = {"value": values, "handle": handles, "private": (), "shared": ()}

    def lookup(reference: Any) -> Any:
        kind, position = reference
        return packs[kind][position]

    packs["private"] = thaw(call.private, writable=True, lookup=lookup) or ()
    packs["shared"] = thaw(call.shared, lookup=lookup) or ()
    arguments = [lookup(entry) if type(entry) is tuple else entry for entry in call.values]
    changed = [arguments[position] for position in call.changed]
    n_positional = len(arguments) - len(call.names)
    return arguments[:n_positional], dict(zip(call.names, arguments[n_positional:], strict=True)), changed
