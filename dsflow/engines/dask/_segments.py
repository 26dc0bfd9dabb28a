"""Segments: on one machine, large buffers lie in memory that processes share, and only their place is sent.

The processes of a cluster on this machine have a folder in memory. Whoever sends a large value to another of them
writes its buffers there, once, and uses them from there itself; whoever gets it maps them. A segment goes with the
value in the process that has written it; that of a value of the main program goes when the scheduler forgets the
value, which until then may be needed again.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
import uuid
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask

from dsflow._freeze import Frozen, Stored

__all__ = ["Parked", "load", "park", "shared_folder"]

SEGMENT_BYTES = 1 << 22
"""Values whose large buffers have fewer bytes are sent."""

BUFFER_BYTES = 1 << 16
"""Smaller buffers are sent."""

MAX_BUFFERS = 16
"""Values of more large buffers are sent."""

MAX_MAPS = 256
"""Buffers mapped at a time; each takes a file descriptor. Further ones are read."""

_PAGE = mmap.ALLOCATIONGRANULARITY


@dataclass(frozen=True, slots=True)
class Parked:
    """A frozen value whose large buffers are in a segment."""

    path: str
    """Where the segment is."""
    lengths: tuple[int, ...]
    """Bytes of each buffer; in the segment each begins on a page."""
    rest: tuple[Any, ...]
    """The pickle stream, and the buffers that are not in the segment."""
    order: tuple[bool, ...]
    """For each buffer of the value, whether it is in the segment."""
    has_references: bool


_parked: weakref.WeakKeyDictionary[Frozen, Parked] = weakref.WeakKeyDictionary()
_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
_lock = threading.Lock()


def shared_folder() -> str | None:
    """Return the folder in memory that this process shares with the others of its cluster, or None."""
    folder: str | None = dask.config.get("dsflow.segments", None)
    return folder


def park(stored: Stored, folder: str, name: str | None = None) -> Parked | None:
    """Put the large buffers of a value in a segment, unless they are in one; None if it is to be sent as it is.

    Parameters
    ----------
    stored
        The value, which then uses the segment, too.
    folder : str
        Where segments are.
    name : str, optional
        Name of the segment, which is then for somebody else to remove. By default it goes with the value.
    """
    if type(stored) is not Frozen or stored.nbytes < SEGMENT_BYTES:
        return None
    with _lock:
        known = _parked.get(stored)
        if name is None and known is not None and Path(known.path).exists():
            return known
        views = stored.views
        order = tuple(view.nbytes >= BUFFER_BYTES for view in views)
        large = [view for view, is_large in zip(views, order, strict=True) if is_large]
        path = Path(folder, name or f"{os.getpid()}-{uuid.uuid4().hex}")
        if len(large) > MAX_BUFFERS or not _has_written(path, large):
            return None
        if name is None:
            weakref.finalize(stored, _remove, path)
        rest = tuple(bytes(view) for view, is_large in zip(views, order, strict=True) if not is_large)
        lengths = tuple(view.nbytes for view in large)
        parked = Parked(str(path), lengths, (stored.payload, *rest), order, stored.has_references)
        stored.buffers = _buffers(parked)
        _parked[stored] = parked
        return parked


def load(parked: Parked) -> Frozen:
    """Return the value, over the memory of the segment.

    Raises
    ------
    FileNotFoundError
        When the process that has written it has let go of it. Dask takes that for a failure of the connection.
    """
    frozen = Frozen(bytes(parked.rest[0]), _buffers(parked), parked.has_references)
    with _lock:
        _parked[frozen] = parked
    return frozen


def _buffers(parked: Parked) -> tuple[Any, ...]:
    fd = os.open(parked.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        starts = _starts(parked.lengths)
        mapped = iter([_map(fd, start, length) for start, length in zip(starts, parked.lengths, strict=True)])
    finally:
        os.close(fd)
    rest = iter(parked.rest[1:])
    return tuple(next(mapped) if is_large else next(rest) for is_large in parked.order)


def _map(fd: int, start: int, length: int) -> Any:
    if len(_maps) >= MAX_MAPS:
        with open(fd, "rb", closefd=False) as file:
            file.seek(start)
            return file.read(length)
    mapped = mmap.mmap(fd, length, access=mmap.ACCESS_READ, offset=start)
    _maps.add(mapped)
    return mapped


def _starts(lengths: Sequence[int]) -> list[int]:
    starts, end = [], 0
    for length in lengths:
        starts.append(end)
        end += -(-length // _PAGE) * _PAGE
    return starts


def _has_written(path: Path, views: Sequence[memoryview]) -> bool:
    """Write buffers to a new file; return False if there is no room. Later, that would be a signal, not an error."""
    n_bytes = sum(view.nbytes for view in views)
    try:
        found = os.statvfs(path.parent)
        if n_bytes < SEGMENT_BYTES or found.f_bavail * found.f_frsize < 2 * n_bytes:
            return False
        _write(path, views)
    except OSError:  # it is full all the same, or the cluster has gone
        _remove(path)
        return False
    return True


def _write(path: Path, views: Sequence[memoryview]) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for view, start in zip(views, _starts([view.nbytes for view in views]), strict=True):
            done = 0
            while done < view.nbytes:
                done += os.pwrite(fd, view[done:], start + done)
    finally:
        os.close(fd)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
