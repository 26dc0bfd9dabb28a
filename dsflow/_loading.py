"""The other side of a call: thaw its arguments where the task runs, and find afterwards what the task has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dsflow._freeze import Stored, thaw
from dsflow._future import Future
from dsflow._graph import Call
from dsflow._workplace import Workplace

__all__ = ["Blank", "Loaded", "load_arguments"]


@dataclass(frozen=True, slots=True)
class Blank:
    """What a task gets for an argument that it fills without reading it."""

    make: Any
    """The callable that makes it."""
    arguments: tuple[Any, ...] = ()

    def __call__(self) -> Any:
        return self.make(*self.arguments)


@dataclass(slots=True)
class Loaded:
    """The arguments of a call, ready for the function."""

    call: Call
    arguments: list[Any]
    workplace: Workplace | None

    @property
    def positional(self) -> list[Any]:
        """Arguments that are passed by position."""
        return self.arguments[: -len(self.call.names)] if self.call.names else self.arguments

    @property
    def named(self) -> dict[str, Any]:
        """Arguments that are passed by name."""
        names = self.call.names
        return dict(zip(names, self.arguments[-len(names) :], strict=True)) if names else {}

    def changed(self) -> list[Any]:
        """Return what the task has changed, as it is now: objects, and stored files.

        Raises
        ------
        ValueError
            When a collection has not the elements any more that it had.
        FileNotFoundError
            When a file that the task was to write is not there.
        """
        if not self.call.changed:
            return []
        return [self._changed(*path, parameter=name) for path, name in zip(
            self.call.changed, self.call.parameters, strict=True)]  # fmt: skip

    def _changed(self, position: int, *steps: Any, parameter: str) -> Any:
        value, entry = self.arguments[position], self.call.values[position]
        for step in steps:
            _check_size(value, entry[1], parameter)
            value, entry = value[step], entry[1][step]
        if type(entry) is tuple and entry[0] == "file":
            assert self.workplace is not None
            return self.workplace.taken(entry[1], parameter)
        return value


def _check_size(value: Any, entries: Any, parameter: str) -> None:
    if isinstance(entries, dict):
        if not isinstance(value, dict) or value.keys() != entries.keys():
            raise ValueError(
                f"the dict {parameter!r} has not the keys any more that it had; "
                "a task may change the values of a DICTIONARY_* parameter, not its keys."
            )
    elif not isinstance(value, list) or len(value) != len(entries):
        size = f"{len(value)} elements" if isinstance(value, list) else f"a {type(value).__name__} in its place"
        raise ValueError(
            f"the list {parameter!r} had {len(entries)} elements and has {size} now; "
            "a task may change and replace the elements of a COLLECTION_* parameter, not their number."
        )


def load_arguments(
    call: Call, inputs: Sequence[Stored], handles: Sequence[Future[Any]], workplace: Workplace | None
) -> Loaded:
    """Thaw the arguments of a call.

    Parameters
    ----------
    call
        The call.
    inputs, handles
        The stored values and the Futures that it refers to.
    workplace
        Where the task's files are made; None if it has none, or only its objects are wanted.
    """
    values = [thaw(stored, writable=i in call.writable) for i, stored in enumerate(inputs)]
    packs: dict[str, Sequence[Any]] = {"value": values, "handle": handles, "private": (), "shared": ()}

    def lookup(reference: Any) -> Any:
        kind, position = reference
        return packs[kind][position]

    if call.private is not None:
        packs["private"] = thaw(call.private, writable=True, lookup=lookup)
    if call.shared is not None:
        packs["shared"] = thaw(call.shared, lookup=lookup)

    def build(entry: Any) -> Any:
        kind, what = entry
        if kind in packs:
            return packs[kind][what]
        if kind == "list":
            return [build(each) if type(each) is tuple else each for each in what]
        if kind == "dict":
            return {key: build(each) if type(each) is tuple else each for key, each in what.items()}
        if kind == "blank":
            return packs["shared"][what]()
        return None if workplace is None else workplace.path_of(what, values)

    return Loaded(call, [build(entry) if type(entry) is tuple else entry for entry in call.values], workplace)
