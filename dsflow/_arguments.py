"""From the arguments of a call to what is stored of it; see `dsflow._binder` for what is written for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from dsflow._aliases import Leaf, leaves_of, shared_accesses
from dsflow._binder import Binder, Target
from dsflow._context import Context
from dsflow._directions import IN, Access, Content, Direction
from dsflow._errors import ArgumentError, DsflowError
from dsflow._freeze import ATOMS, Frozen, HandleFound, freeze
from dsflow._future import Future
from dsflow._graph import Call, Version
from dsflow._sources import is_foreign
from dsflow._versions import check_changeable, has_identity

__all__ = ["Arguments", "Parameter", "bind_arguments", "bind_simple"]

Parameter = tuple[str, Direction]
"""Name and direction."""


@dataclass(slots=True)
class Arguments:
    """What `bind_arguments` found."""

    call: Call
    inputs: tuple[Version, ...]
    handles: tuple[Version, ...]
    targets: list[Target]
    """One for each datum that the task changes, in the order of the node's outputs."""
    given_up: list[Any]
    """Futures and objects that are not to be used any more."""
    commutes: bool
    """Whether inputs are chosen later."""


def bind_arguments(
    task: Any,
    values: Sequence[Any],
    names: tuple[str, ...],
    parameters: Sequence[Parameter],
    context: Context,
    site: str,
) -> Arguments:
    """Freeze the arguments of a call.

    Parameters
    ----------
    task : Task
        The task that is called.
    values, names
        The arguments, positional ones first; ``names`` are those of the last ones.
    parameters
        Name and direction of the parameter that each value is for.
    context : Context
        The caller.
    site : str
        File and line of the call.

    Raises
    ------
    TypeError
        When an argument cannot be copied, or cannot be changed though its parameter is INOUT.
    ArgumentError
        When an argument contains itself, or is a view of an array that a task is changing.
    """
    binder = Binder(task, context, context.session, site)
    named = [(value, name, direction) for value, (name, direction) in zip(values, parameters, strict=True)]
    leaves = list(leaves_of(task.name, named, context.tracker))
    binder.changed_twice = shared_accesses(task.name, leaves)
    _refuse_whole_and_parts(binder, named, leaves)
    for value, name, direction, is_element in leaves:
        if direction.content is Content.OBJECT:
            _take_private(binder, value, name, binder.merged(direction, id(value)), is_element=is_element)
    written = [
        binder.place_argument(value, name, direction, position)
        for position, (value, (name, direction)) in enumerate(zip(values, parameters, strict=True))
    ]
    call = Call(
        values=tuple(written),
        names=names,
        shared=_freeze_pack(binder, binder.shared),
        private=_freeze_pack(binder, binder.private),
        writable=tuple(binder.writable),
        collections=tuple(binder.collections),
        changed=tuple(binder.changed.values()),
        parameters=tuple(binder.parameters),
        files=tuple(binder.files),
    )
    return Arguments(
        call, tuple(binder.inputs), tuple(binder.handles), binder.targets, binder.given_up, bool(binder.slots)
    )


def bind_simple(
    values: Sequence[Any], names: tuple[str, ...], parameters: Sequence[Parameter], session: Any
) -> Arguments | None:
    """Bind numbers, strings and Futures that are only read, quickly; None if there is anything else."""
    atoms = session.atoms
    written: list[Any] = []
    positions: dict[Version, int] = {}
    for value, (_, direction) in zip(values, parameters, strict=True):
        if direction is not IN:
            return None
        if type(value) in atoms:
            written.append(value)
            continue
        version = value._current() if type(value) is Future and value._session is session else None
        if version is None or version.commuters is not None:
            return None
        written.append(("value", positions.setdefault(version, len(positions))))
    return Arguments(Call(tuple(written), names), tuple(positions), (), [], [], False)


def _refuse_whole_and_parts(binder: Binder, named: list[tuple[Any, str, Direction]], leaves: list[Leaf]) -> None:
    """Raise ArgumentError if a list is passed both as a datum and as a collection of such."""
    apart = {id(value) for value, _, direction in named if direction.depth}
    for value, name, direction, _ in leaves:
        if apart and id(value) in apart and not direction.depth:
            raise ArgumentError(
                f"{binder.where}: the {type(value).__name__} passed as {name!r} is passed as a collection too; "
                "pass it once, or a copy of it."
            )


def _take_private(binder: Binder, value: Any, name: str, direction: Direction, *, is_element: bool) -> None:
    """Set an object of the caller's apart if the task gets a writable copy of it."""
    if not direction.copy or direction.access not in (Access.READ, Access.DELETE, Access.CHANGE):
        return
    kind = type(value)
    if kind in binder.session.atoms or kind is Future or id(value) in binder.private_ids:
        return
    if binder.context.tracker.find(value) is not None or is_foreign(kind):
        return
    if direction.writes and (not is_element or has_identity(value)):
        check_changeable(value, f"{binder.where}: argument {name!r}")
    binder.private_ids[id(value)] = len(binder.private)
    binder.private.append(value)


def _freeze_pack(binder: Binder, pack: list[Any]) -> Frozen | None:
    """Freeze arguments together; nested Futures and objects that tasks are changing become references.

    In the private pack the values of nested Futures are the task's own too.
    """
    if not pack:
        return None
    looked_at: set[int] = set()
    for value in pack:
        _find_futures(value, binder, (), looked_at)
    is_private = pack is binder.private
    needs_references = bool(
        binder.inline or binder.adopted or binder.context.tracker or (binder.private and not is_private)
    )
    own = {id(value) for value in pack} if is_private else set()

    def reference(value: Any) -> tuple[str, int] | None:
        found = None if id(value) in own else binder.reference(value)
        if found is not None and found[0] == "value" and is_private:
            binder.writable.add(found[1])
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


def _frozen(pack: list[Any], binder: Binder, reference: Any) -> Frozen:
    stored = freeze(pack, portable=binder.session.engine.remote, snapshot=True, reference=reference)
    assert isinstance(stored, Frozen)
    return stored


def _find_futures(value: Any, binder: Binder, path: tuple[int, ...], looked_at: set[int]) -> None:
    """Note the Futures, and values of other libraries, inside lists, tuples, dict values and dataclasses."""
    kind = type(value)
    if kind is Future:
        binder.inline.add(id(value))
        return
    if is_foreign(kind):
        binder.adopted_version(value)
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
