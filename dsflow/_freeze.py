"""Values at rest: what crosses from one task to another is frozen, so that nobody's changes are seen by accident.

A value is *stored* either as itself, when its type cannot change (``ATOMS``), or as a `Frozen`: a pickle whose large
buffers stay outside (protocol 5). Thawing makes a new object over the same buffers, read-only unless asked otherwise;
so arrays are shared without copying and everything else is copied.
"""

from __future__ import annotations

import io
import pickle
import sys
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import cloudpickle

from dsflow._blobs import StoredDirectory, StoredFile

__all__ = [
    "ATOMS",
    "LOCAL_ATOMS",
    "Frozen",
    "HandleFound",
    "Stored",
    "freeze",
    "freezing",
    "is_array",
    "is_freezing",
    "nbytes_of",
    "thaw",
]

ATOMS = frozenset(
    {int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented), range, slice}
    | {StoredFile, StoredDirectory}
)
"""Types whose values cannot change and hold nothing that can: they are stored as themselves."""

LOCAL_ATOMS = ATOMS | {type, types.ModuleType}
"""`ATOMS`, and what need not be copied as long as it stays in this process."""

Stored = Any
"""An atom, or a `Frozen`."""

PersistentId = Callable[[Any], Any]
"""Gives a reference to write in place of an object, or None to write the object itself."""


class HandleFound(Exception):  # noqa: N818 - a signal between the pickler and its caller, never seen by a user
    """Raised while pickling by an object that has to be written as a reference."""

    def __init__(self) -> None:
        super().__init__(
            "a Future belongs to its session and cannot be pickled; "
            "pass it to a task as an argument, or use its value: wait_on(future)"
        )


@dataclass(slots=True, weakref_slot=True, eq=False)
class Frozen:
    """A pickled value whose large buffers lie outside of the pickle."""

    payload: bytes
    """The pickle stream, protocol 5."""
    buffers: tuple[Any, ...]
    """The out-of-band buffers, in order: bytes, PickleBuffers, or what a transport or a disk made of them.

    Not memoryviews: the garbage collector may clear one while it is exported, which crashes the interpreter.
    """
    has_references: bool = False
    """True if the stream names objects that thawing has to look up."""

    @property
    def nbytes(self) -> int:
        """Size of the stream and the buffers, in bytes."""
        return len(self.payload) + sum(self.sizes)

    @property
    def sizes(self) -> list[int]:
        """Bytes of each buffer."""
        return list(map(_size, self.buffers))

    @property
    def views(self) -> list[memoryview]:
        """The buffers as bytes in a row, without copying."""
        return list(map(_view, self.buffers))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        if protocol.__index__() < 5:
            return Frozen, (self.payload, tuple(map(bytes, self.views)), self.has_references)
        buffers = [b if type(b) is pickle.PickleBuffer else pickle.PickleBuffer(_view(b)) for b in self.buffers]
        return Frozen, (self.payload, tuple(buffers), self.has_references)


class _Freezing(threading.local):
    """A context in which this thread pickles for tasks; it may be entered again inside of itself."""

    depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


freezing = _Freezing()
"""Entered wherever dsflow pickles what goes to a task or comes from one."""


def is_freezing() -> bool:
    """Return whether dsflow pickles in this thread, where a Future is a reference; else the user does."""
    return freezing.depth > 0


class _Freezer(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no annotations
    def __init__(self, file: io.BytesIO, reference: PersistentId, keep: Callable[[pickle.PickleBuffer], None]) -> None:
        super().__init__(file, protocol=5, buffer_callback=keep)
        self.persistent_id = reference


class _Thawer(pickle.Unpickler):
    def __init__(self, frozen: Frozen, buffers: Sequence[Any], lookup: Callable[[Any], Any]) -> None:
        super().__init__(io.BytesIO(frozen.payload), buffers=buffers)
        self._lookup = lookup

    def persistent_load(self, pid: Any) -> Any:
        return self._lookup(pid)


class _OwningThawer(_Thawer):
    """Makes arrays writable, those too that were not when they were frozen."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        return _own_array(found) if name == "_frombuffer" and module.startswith("numpy") else found


def _own_array(from_buffer: Callable[..., Any]) -> Callable[..., Any]:
    def build(*args: Any) -> Any:
        array = from_buffer(*args)
        return array if array.flags.writeable else array.copy(order="K")

    return build


def freeze(value: Any, *, portable: bool, snapshot: bool = False, reference: PersistentId | None = None) -> Stored:
    """Freeze a value.

    Parameters
    ----------
    value
        What to store.
    portable : bool
        True if another process has to thaw it: what is defined in ``__main__`` is then written by value.
    snapshot : bool
        True to copy the buffers that their owner may still change; False when the owner has given them up.
    reference : callable, optional
        Gives a reference to write in place of an object, or None.

    Raises
    ------
    HandleFound
        When the value holds a Future and no ``reference`` is given to write it with.
    Exception
        Whatever pickling raises for a value that cannot be pickled.
    """
    if type(value) in ATOMS:
        return value
    buffers: list[pickle.PickleBuffer] = []
    with freezing:
        payload = _pickled(value, buffers, portable) if reference is None else None
        if payload is None:
            buffers.clear()
            file = io.BytesIO()
            _Freezer(file, reference or _no_reference, buffers.append).dump(value)
            payload = file.getvalue()
    kept: list[Any] = [bytes(b.raw()) if snapshot and not _is_immutable(b.raw()) else b for b in buffers]
    return Frozen(payload, tuple(kept), reference is not None)


def thaw(stored: Stored, *, writable: bool = False, lookup: Callable[[Any], Any] | None = None) -> Any:
    """Make a value from its stored form.

    Parameters
    ----------
    stored
        What `freeze` gave.
    writable : bool
        True for arrays of the caller's own; False for read-only arrays over the stored buffers.
    lookup : callable, optional
        Gives the object for a reference that `freeze` was told to write.
    """
    if type(stored) is not Frozen:
        return stored
    buffers: list[Any] = [bytearray(view) if writable else view.toreadonly() for view in stored.views]
    if not stored.has_references and not (writable and buffers):
        return pickle.loads(stored.payload, buffers=buffers)
    thawer = _OwningThawer if writable and buffers else _Thawer
    return thawer(stored, buffers, lookup or _no_lookup).load()


def nbytes_of(stored: Stored) -> int:
    """Size of a stored value in bytes."""
    if type(stored) is Frozen:
        return stored.nbytes
    if isinstance(stored, (StoredFile, StoredDirectory)):
        return stored.nbytes
    return len(stored) if isinstance(stored, (bytes, str)) else 8


def is_array(value: Any) -> bool:
    """Whether ``value`` is a NumPy array."""
    numpy = sys.modules.get("numpy")  # whoever has an array has imported NumPy; dsflow itself does not need it
    return numpy is not None and isinstance(value, numpy.ndarray)


def _view(buffer: Any) -> memoryview:
    view: memoryview = buffer.raw() if hasattr(buffer, "raw") else memoryview(buffer)
    return view


def _size(buffer: Any) -> int:
    n_bytes: int = buffer.nbytes if hasattr(buffer, "nbytes") else _view(buffer).nbytes
    return n_bytes


def _no_lookup(reference: Any) -> Any:
    raise pickle.UnpicklingError(f"the reference {reference!r} is to nothing")


def _no_reference(_: Any) -> None:
    return None


def _pickled(value: Any, buffers: list[pickle.PickleBuffer], portable: bool) -> bytes | None:
    """Pickle the fast way; None if only cloudpickle can do it."""
    try:
        payload = pickle.dumps(value, 5, buffer_callback=buffers.append)
    except HandleFound:
        raise
    except (pickle.PicklingError, AttributeError, TypeError):
        return None  # cloudpickle writes lambdas and local classes; for the rest it raises the error to show
    return None if portable and b"__main__" in payload else payload


def _is_immutable(view: memoryview) -> bool:
    """Whether no one can change the memory under ``view``: every owner up to the last one is read-only."""
    if not view.readonly:
        return False
    owner: Any = view.obj
    while owner is not None:
        if isinstance(owner, bytes):
            return True
        if isinstance(owner, memoryview):
            return _is_immutable(owner)
        if not hasattr(owner, "base") or owner.flags.writeable:
            return False
        owner = owner.base
    return False
