"""Which object or path is at which version: the only place where data are tracked by identity.

The first time a task changes an object of the caller's, the object is tracked: from then on its name stands for the
newest version, wherever it is passed. ``wait_on`` brings the object up to date in place and ends the tracking. Files
are tracked by their absolute path in the same way.
"""

from __future__ import annotations

import collections
import datetime as dt
import inspect
import numbers
import os
import sys
import types
import weakref
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from dsflow._freeze import ATOMS, is_array
from dsflow._future import Future

if TYPE_CHECKING:
    from dsflow._graph import Version

__all__ = ["Tracker", "blank_of", "check_changeable", "has_identity", "update_in_place"]

_IMMUTABLE = ATOMS | {
    tuple, frozenset, type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType,
}  # fmt: skip


_IMMUTABLE_KINDS = (type, Enum, numbers.Number, dt.date, dt.time, dt.timedelta)


def _is_array_scalar(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic)


class Tracker:
    """The objects and files of one caller (the main program, or one task) that tasks are changing."""

    __slots__ = ("_entries", "paths")

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Callable[[], Any], Future[Any]]] = {}
        self.paths: dict[str, Any] = {}
        """For each file or directory that tasks are changing, by absolute path, what stands for it."""

    def __bool__(self) -> bool:
        return bool(self._entries)

    def find(self, value: object) -> Future[Any] | None:
        """Return the Future that stands for ``value``, or None if no task is changing it."""
        entry = self._entries.get(id(value))
        if entry is None or entry[0]() is not value:
            return None
        return entry[1]

    def clear(self) -> None:
        """Stop tracking everything."""
        self._entries.clear()
        self.paths.clear()

    def items(self) -> list[tuple[Any, Future[Any]]]:
        """Return the objects that are still there, and the Futures that stand for them."""
        found = [(reference(), future) for reference, future in list(self._entries.values())]
        return [(value, future) for value, future in found if value is not None]

    def track(self, value: object, future: Future[Any]) -> None:
        """Let ``future`` stand for ``value`` from now on."""
        identity = id(value)
        entries = self._entries
        try:
            reference = weakref.ref(value, lambda _: entries.pop(identity, None))
        except TypeError:  # a list or dict, say, cannot be weakly referenced: it is held until it is forgotten
            entries[identity] = (lambda: value, future)
        else:
            entries[identity] = (reference, future)

    def forget(self, value: object, version: Version | None = None) -> None:
        """Stop tracking ``value``, unless it has changed since ``version``; its next use is taken as it is then."""
        future = self.find(value)
        if future is not None and (version is None or future._version is version):
            self._entries.pop(id(value), None)

    def overlapping(self, path: str) -> list[str]:
        """Return the tracked paths that are inside of ``path``, or have it inside, other than itself."""
        return [
            other
            for other in list(self.paths)
            if other != path and (other.startswith(path + os.sep) or path.startswith(other + os.sep))
        ]


def has_identity(value: object) -> bool:
    """Whether ``value`` is an object of its own that can change, rather than a number or another constant."""
    return not (type(value) in _IMMUTABLE or isinstance(value, _IMMUTABLE_KINDS) or _is_array_scalar(value))


def blank_of(value: Any, where: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return what makes an empty object of the type of ``value``, and the arguments for it.

    Raises
    ------
    TypeError
        When the class needs arguments.
    """
    kind: type | None = type(value)
    if type(value) is Future:
        kind = value._kind() if value._kind is not None else None
        if kind is None:
            return _nothing, ()
    elif is_array(value):
        return sys.modules["numpy"].zeros, (value.shape, value.dtype)
    elif not has_identity(value):
        return _nothing, ()
    assert kind is not None
    try:
        inspect.signature(kind).bind()
    except ValueError:  # written in C, and does not tell
        pass
    except TypeError:
        raise TypeError(
            f"{where}: a task that is to fill it gets an empty one, but {kind.__name__}() needs arguments; "
            "give them defaults, or declare the parameter INOUT."
        ) from None
    return kind, ()


def _nothing() -> None:
    return None


def check_changeable(value: Any, where: str) -> None:
    """Raise TypeError unless a task can change ``value`` for its owner to see."""
    if not has_identity(value):
        raise TypeError(
            f"{where}: a {type(value).__name__} cannot be changed in place; "
            "return the new value from the task instead of declaring the parameter INOUT."
        )
    if not is_array(value):
        return
    if not value.flags.writeable:
        raise TypeError(f"{where}: the array is read-only; pass a copy of it (array.copy()).")
    base = value.base
    if base is not None and sys.getrefcount(base) > 3:  # the view, `base` and the argument of getrefcount
        raise TypeError(
            f"{where}: the array of shape {value.shape} is a view of another array, which would not see the change; "
            "pass the whole array, or a copy of the view (view.copy())."
        )


_KNOWN_MAKERS: set[Any] = {kind.__new__ for kind in (object, list, dict, set, bytearray, collections.deque)}
"""How objects are made whose state `update_in_place` knows; others may hide theirs in C, as ``random.Random`` does."""


def _state_is_visible(kind: type) -> bool:
    return isinstance(kind.__new__, types.FunctionType) or kind.__new__ in _KNOWN_MAKERS


def update_in_place(old: Any, new: Any) -> bool:
    """Make ``old`` equal to ``new`` without making a new object; return False if its type does not allow it."""
    if type(old) is not type(new):
        return False
    if is_array(old):
        if old.shape != new.shape or old.dtype != new.dtype:
            return False
        old[...] = new
        if hasattr(old, "__dict__"):
            old.__dict__.update(new.__dict__)
        return True
    if not _state_is_visible(type(old)):
        return False
    updated = False
    if isinstance(old, (list, bytearray)):
        old[:] = new
        updated = True
    elif isinstance(old, (dict, set, collections.deque)):
        _refill(old, new)
        updated = True
    return _update_attributes(old, new) or updated


def _refill(old: Any, new: Any) -> None:
    old.clear()
    extend = old.extend if isinstance(old, collections.deque) else old.update
    extend(new)


def _update_attributes(old: Any, new: Any) -> bool:
    updated = False
    if hasattr(old, "__dict__"):
        old.__dict__.clear()
        old.__dict__.update(new.__dict__)
        updated = True
    for name in _slots_of(type(old)):
        updated = True
        if hasattr(new, name):
            object.__setattr__(old, name, getattr(new, name))
        elif hasattr(old, name):
            object.__delattr__(old, name)
    return updated


def _slots_of(kind: type) -> list[str]:
    names: list[str] = []
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        own = [slots] if isinstance(slots, str) else list(slots)
        private = f"_{base.__name__.lstrip('_')}"
        names += [private + name if name.startswith("__") and not name.endswith("__") else name for name in own]
    return [name for name in names if name not in ("__dict__", "__weakref__")]
