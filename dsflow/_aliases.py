"""One datum under several names in one call: what the call does with it, taken together (law 3)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from dsflow._directions import Access, Content, Direction
from dsflow._errors import ArgumentError
from dsflow._future import Future
from dsflow._versions import Tracker, has_identity

__all__ = ["Leaf", "leaves_of", "path_of", "shared_accesses"]

Leaf = tuple[Any, str, Direction, bool]
"""A datum of a call, the parameter it is passed by, and whether it is an element of a collection."""


def path_of(path: Any, where: str) -> str:
    """Return what a path is known by: two names for one file are one file.

    Raises
    ------
    TypeError
        When it is not a path.
    """
    if not isinstance(path, (str, os.PathLike)):
        kind = type(path).__name__
        raise TypeError(f"{where}: a {kind} is not the path of a file; pass a str or Path that is known at the call.")
    return os.path.realpath(path)


def leaves_of(where: str, values: Iterable[tuple[Any, str, Direction]], tracker: Tracker) -> Iterator[Leaf]:
    """The data of a call: its arguments, and the elements of those that are taken apart."""
    for value, name, direction in values:
        if direction.depth and type(value) not in (list, dict):
            continue  # it is refused later, with better words
        for leaf in _elements(where, value, direction.depth, tracker, ()):
            yield leaf, name, direction, leaf is not value


def _elements(where: str, value: Any, depth: int, tracker: Tracker, path: tuple[int, ...]) -> Iterator[Any]:
    """What a collection is taken apart into, so many levels deep."""
    if depth > 0 and type(value) in (list, dict) and tracker.find(value) is None:
        if id(value) in path:
            raise ArgumentError(f"{where}: a collection contains itself; pass its parts instead.")
        for item in value if type(value) is list else value.values():
            yield from _elements(where, item, depth - 1, tracker, (*path, id(value)))
    else:
        yield value


def shared_accesses(where: str, leaves: Iterable[Leaf]) -> set[Any]:
    """Return what identifies the data that a call accesses in several ways, one of them writing: it changes them.

    Raises
    ------
    ArgumentError
        When the ways do not go together.
    """
    accesses: dict[Any, set[Access]] = {}
    streams: dict[Any, list[str | None]] = {}
    for value, name, direction, _ in leaves:
        if direction.content is not Content.OBJECT:
            if value is None:
                continue
            identity: Any = path_of(value, f"{where}: argument {name!r}")
            streams.setdefault(identity, []).append(direction.stream)
        elif type(value) is Future or has_identity(value):
            identity = id(value)
        else:
            continue
        accesses.setdefault(identity, set()).add(direction.access)
    _check_files(where, accesses, streams)
    return {identity for identity, kinds in accesses.items() if len(kinds) > 1 and not kinds <= _READING}


_READING = {Access.READ, Access.DELETE}


def _check_files(where: str, accesses: dict[Any, set[Access]], streams: dict[Any, list[str | None]]) -> None:
    for path, kinds in streams.items():
        if len(kinds) > 1 and (any(kinds) or Access.SHARE in accesses[path]):
            raise ArgumentError(
                f"{where}: {path!r} is passed twice, and one of the parameters is a standard stream or "
                "FILE_CONCURRENT; pass it once."
            )
        for other in streams:
            if other.startswith(path + os.sep) and not (accesses[path] | accesses[other]) <= _READING:
                raise ArgumentError(
                    f"{where}: {other!r} is inside of {path!r}, and the task is to write to one of the two; "
                    "pass the directory alone."
                )
