"""What readers and writers of stored arrays share: how blocks are cut, and one task for each part that is written."""

from __future__ import annotations

import contextlib
import math
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._cell import Cell, Reading, find_readings, make_cells, start_cells
from dsarray._config import room_for_blocks
from dsarray._elementwise import as_array
from dsarray._grid import Chunks, block_bytes, block_indices, cut, grid_of, offsets
from dsarray._namespace import to_host
from dsarray._sparse import refuse
from dsarray.io._paths import File
from dsflow import Future, wait_on

__all__ = [
    "block_of_chunks",
    "dense_array",
    "from_readings",
    "joined_parts",
    "parts_of",
    "refuse_to_replace",
    "target_bytes",
    "wait_for_all",
    "whole_chunks",
    "write_parts",
]

BLOCK_BYTES = 32_000_000
"""Size of the largest blocks that we make of smaller chunks. The C library keeps freed memory for the next block up to
32 MiB; above, each block costs as much time again for pages that the system has to clear."""


def target_bytes(n_bytes: int) -> int:
    """Return how large blocks of an array that is read should be, in this session."""
    return block_bytes(n_bytes, *room_for_blocks(), BLOCK_BYTES)


def block_of_chunks(shape: tuple[int, ...], chunk: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the shape of blocks of whole chunks: whole rows if these fit, and as many as fit, but some a core."""
    target = target_bytes(math.prod(shape) * itemsize)
    block = [max(1, min(length, size)) for length, size in zip(shape, chunk, strict=True)]
    for axis in reversed(range(len(shape))):
        n_fitting = max(1, target // max(1, math.prod(block) * itemsize))
        block[axis] = min(max(1, shape[axis]), n_fitting * block[axis])
        if block[axis] < shape[axis]:
            break
    return tuple(block)


def whole_chunks(chunk: tuple[int, ...]) -> Callable[[tuple[int, ...], int], Chunks]:
    """Return how to cut an array that is stored in chunks, for `default_chunks`."""

    def choose(shape: tuple[int, ...], itemsize: int) -> Chunks:
        return tuple(map(cut, shape, block_of_chunks(shape, chunk, itemsize)))

    return choose


def parts_of(chunks: Chunks) -> list[tuple[slice, ...]]:
    """Return where each block lies in the array, in C order."""
    starts = [offsets(lengths) for lengths in chunks]
    return [
        tuple(slice(ends[i], ends[i + 1]) for ends, i in zip(starts, index, strict=True))
        for index in block_indices(chunks)
    ]


def from_readings(
    read: Callable[[Any, tuple[slice, ...]], Any],
    sources: Callable[[tuple[slice, ...]], Any],
    chunks: Chunks,
    dtype: Any,
    *,
    sparse: bool = False,
) -> Array:
    """Make a streamed array, as `from_stored` does, of which each block has a source of its own.

    Parameters
    ----------
    read : callable
        Called as ``read(source, part)``, where ``part`` counts from the start of the array.
    sources : callable
        Called with the part of each block.
    chunks : tuple of tuple of int
    dtype : dtype
    sparse : bool
        True if it returns CSR matrices.
    """
    cells = [Cell(Reading(read, (sources(part), part))) for part in parts_of(chunks)]
    return Array(make_cells(grid_of(chunks), cells), chunks, dtype, sparse=sparse)


def dense_array(array: Any, where: str) -> Array:
    """Return what shall be written as an Array.

    Raises
    ------
    TypeError
        When it is sparse.
    """
    a = as_array(array)
    if a.sparse:
        raise refuse(where)
    return a


def refuse_to_replace(a: Array, place: Any, where: str) -> None:
    """Raise ValueError if an array is read from what it would replace."""
    if any(_names(reading.args[0], place) for reading in find_readings(a._cells.flat)):
        raise ValueError(f"{where}: the array is read from {place}, which it would replace; write to another path.")


def _names(source: Any, place: Any) -> bool:
    """Whether a source of a reading, which may be a nest of tuples, holds a place."""
    if isinstance(source, (tuple, list)):
        return any(_names(each, place) for each in source)
    return type(source) is type(place) and bool(source == place)


def write_parts(write: Callable[..., Any], a: Array, args: Callable[[int, tuple[slice, ...]], tuple[Any, ...]]) -> Any:
    """Call ``write(block, …)`` for each block, in the task that computes it, and wait for all.

    Parameters
    ----------
    write : callable
        What it returns should be small: it comes here.
    a : Array
    args : callable
        Called as ``args(position, part)``; returns its other arguments.

    Returns
    -------
    list
        What the calls return, in C order.
    """
    parts = parts_of(a.chunks)
    return wait_for_all(
        start_cells(
            Cell.of(_write, cell, write, args(position, part))
            for position, (cell, part) in enumerate(zip(a._cells.flat, parts, strict=True))
        )
    )


def wait_for_all(futures: Iterable[Future[Any]]) -> list[Any]:
    """Return the values of Futures; when one fails, its error is raised once no other task runs any more."""
    waited = list(futures)
    try:
        values: list[Any] = wait_on(waited)
    except Exception:
        for future in waited:
            future.exception()
        raise
    return values


@contextlib.contextmanager
def joined_parts(place: File, where: str, n_parts: int, before: bytes = b"", after: bytes = b"") -> Iterator[File]:
    """Give a folder, beside a file, for parts that are called 0, 1, …; then join them, and give the file its name.

    Raises
    ------
    ValueError
        When the file is at a URL.
    """
    if not place.is_local:
        raise ValueError(f"{where}: {place} is the URL of one file, which tasks cannot share; write to a local path.")
    target = Path(place.text)
    folder = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    folder.mkdir()
    try:
        yield File(str(folder))
        with (folder / "all").open("wb") as joined:
            joined.write(before)
            for number in range(n_parts):
                part = folder / str(number)
                with part.open("rb") as opened:
                    shutil.copyfileobj(opened, joined, 1 << 20)
                part.unlink()
            joined.write(after)
        (folder / "all").replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(block: Any, write: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return write(np.asarray(to_host(block)), *args)
