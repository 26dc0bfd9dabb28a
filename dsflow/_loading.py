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
    collections: dict[int, Any]
    """Lists and dicts that were taken apart, by position in the call."""
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
        if self.collections:
            self._find_replaced()
        return [self._changed(nth, parameter) for nth, parameter in enumerate(self.call.parameters)]

    def _changed(self, nth: int, parameter: str) -> Any:
        collection, place = self.call.changed[nth]
        kind, position = self.call.entry_changed(nth)
        if kind in ("file", "path"):
            assert self.workplace is not None
            return self.workplace.taken(position, parameter)
        return (self.arguments if collection is None else self.collections[collection])[place]

    def _find_replaced(self) -> None:
        """Check the sizes of collections, and find those that the task has put in the place of inner ones."""
        names = {
            collection: name for (collection, _), name in zip(self.call.changed, self.call.parameters, strict=True)
        }
        for position in range(len(self.call.collections) - 1, -1, -1):  # inner ones come after those they are in
            entries = self.call.collections[position]
            for entry in entries.values() if isinstance(entries, dict) else entries:
                if type(entry) is tuple and entry[0] == "collection" and entry[1] in names:
                    names.setdefault(position, names[entry[1]])
        seen: set[int] = set()
        outer: list[tuple[Any, Any]] = [(self.arguments, self.call.values)]
        while outer:
            values, entries = outer.pop()
            for place in entries if isinstance(entries, dict) else range(len(entries)):
                entry = entries[place]
                if type(entry) is tuple and entry[0] == "collection" and entry[1] not in seen:
                    position = entry[1]
                    seen.add(position)
                    if position in names:
                        _check_size(values[place], self.call.collections[position], names[position])
                        self.collections[position] = values[place]
                    outer.append((self.collections[position], self.call.collections[position]))


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


class _Builder:
    """Makes the arguments of one call."""

    def __init__(
        self, call: Call, inputs: Sequence[Stored], handles: Sequence[Future[Any]], workplace: Workplace | None
    ) -> None:
        self._call = call
        self._workplace = workplace
        self._values = [thaw(stored, writable=i in call.writable) for i, stored in enumerate(inputs)]
        self._packs: dict[str, Sequence[Any]] = {"value": self._values, "handle": handles}
        self._blanks: dict[int, Any] = {}
        self.collections: dict[int, Any] = {}
        if call.private is not None:
            self._packs["private"] = thaw(call.private, writable=True, lookup=self._lookup)
        if call.shared is not None:
            self._packs["shared"] = thaw(call.shared, lookup=self._lookup)

    def _lookup(self, reference: Any) -> Any:
        kind, position = reference
        return self._packs[kind][position]

    def build(self, entry: Any) -> Any:
        """The value for what is written in the call."""
        if type(entry) is not tuple:
            return entry
        kind, position = entry
        if kind in self._packs:
            return self._packs[kind][position]
        if kind == "blank":
            if position not in self._blanks:
                self._blanks[position] = self._packs["shared"][position]()
            return self._blanks[position]
        if kind in ("file", "path"):
            path = None if self._workplace is None else self._workplace.path_of(position, self._values)
            return path if kind == "path" else str(path)
        if position not in self.collections:
            self.collections[position] = self._collection(self._call.collections[position])
        return self.collections[position]

    def _collection(self, entries: Any) -> Any:
        if isinstance(entries, dict):
            return {key: self.build(entry) for key, entry in entries.items()}
        return list(map(self.build, entries))


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
    builder = _Builder(call, inputs, handles, workplace)
    return Loaded(call, list(map(builder.build, call.values)), builder.collections, workplace)
