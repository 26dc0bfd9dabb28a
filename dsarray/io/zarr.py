"""Zarr arrays of any size: read by the tasks that use them, written by the tasks that compute them.

What travels to a task is the place of the array and the bounds of a block. Blocks that are read are never kept, so
that a pass over an array needs the memory of a few blocks for each thread. This file is the only one that names zarr.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import check_dtype, from_stored
from dsarray._grid import chunks_for
from dsarray._rechunk import to_chunks
from dsarray.io._parts import dense_array, refuse_to_replace, whole_chunks, write_parts

__all__ = ["from_zarr", "to_zarr"]


def from_zarr(source: Any, *, block_size: int | tuple[int, ...] | None = None) -> Array:
    """Make an Array of a Zarr array, which is read block by block and may be larger than memory.

    Parameters
    ----------
    source : str, PathLike or zarr.Array
        The path or URL of an array, of format 2 or 3, within reach of all workers; or an open array that is not in
        memory.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis. By default a block is
        made of whole chunks, as many as fit into 32 MB, and of whole rows where that is possible. Blocks that are no
        multiples of the chunks are read more slowly.

    Returns
    -------
    Array
        Each task that needs a block reads it, and no block is kept: don't change the stored array meanwhile.

    Raises
    ------
    ImportError
        When zarr is not installed.
    FileNotFoundError
        When there is no array.
    TypeError
        When it is in memory, or its elements are Python objects or records.

    Examples
    --------
    >>> import dsarray as ds
    >>> x = ds.random_array((1000, 10), block_size=100, random_state=0)
    >>> ds.to_zarr(x, "/tmp/example.zarr", overwrite=True)
    >>> bool((ds.from_zarr("/tmp/example.zarr") == x).all())
    True
    """
    place = _place_of(source)
    stored = _open(place, "check the path")
    dtype = np.dtype(stored.dtype)
    check_dtype(dtype, "from_zarr")
    chunks = default_chunks(stored.shape, dtype.itemsize, block_size, "from_zarr", whole_chunks(stored.chunks))
    return from_stored(_read_block, (place, stored.shape, dtype), chunks, dtype)


def to_zarr(array: Any, path: str | os.PathLike[str], *, overwrite: bool = False, compressors: Any = "auto") -> None:
    """Write an array in Zarr's format 3; each block is a chunk, and is written by the task that computes it.

    Parameters
    ----------
    array : Array or array_like
        Irregular blocks are made regular first; ``array.rechunk()`` says how.
    path : str or PathLike
        Path or URL, within reach of all workers.
    overwrite : bool
        True to replace what is there.
    compressors : object
        As in `zarr.create_array`. By default chunks are compressed with Zstandard; None writes them as they are, which
        is the quickest to read for numbers that do not compress.

    Raises
    ------
    ImportError
        When zarr is not installed.
    FileExistsError
        When there is an array or group, and ``overwrite`` is False.
    TypeError
        When the array is sparse.
    ValueError
        When the array is read from this very path.
    """
    zarr = _import_zarr()
    a = dense_array(array, "to_zarr")
    place = _place_of(path)
    refuse_to_replace(a, place, "to_zarr")
    block_shape = tuple(max(1, length) for length in a.block_shape)
    regular = to_chunks(a, chunks_for(a.shape, block_shape, "to_zarr"))
    try:
        zarr.create_array(
            place, shape=a.shape, chunks=block_shape, dtype=a.dtype, overwrite=overwrite, compressors=compressors
        )
    except (zarr.errors.ContainsArrayError, zarr.errors.ContainsGroupError) as error:
        raise FileExistsError(f"to_zarr: {place} exists; give another path, or overwrite=True.") from error
    write_parts(_write_block, regular, lambda _, part: (place, part))


def _import_zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ImportError("Zarr arrays need the package zarr: pip install 'dsflow[zarr]'.") from error
    return zarr


def _place_of(source: Any) -> Any:
    """Return where an array is: an absolute path, a URL, or a store with a path in it."""
    zarr = _import_zarr()
    if isinstance(source, zarr.Array):
        if isinstance(source.store, zarr.storage.MemoryStore):
            raise TypeError(
                "from_zarr: an array in memory is out of reach of other processes; save it, or use ds.array(source[:])."
            )
        if not isinstance(source.store, zarr.storage.LocalStore):
            return source.store_path
        source = source.store.root / source.path
    if isinstance(source, str) and "://" in source:
        return source
    try:
        return str(Path(source).absolute())
    except TypeError:
        raise TypeError(
            f"from_zarr: source={source!r} is a {type(source).__name__}; give a path, a URL or an open zarr array."
        ) from None


def _open(place: Any, advice: str) -> Any:
    zarr = _import_zarr()
    try:
        return zarr.open_array(place, mode="r")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"from_zarr: there is no Zarr array at {place}; {advice}.") from error


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_block(source: tuple[Any, tuple[int, ...], np.dtype[Any]], part: tuple[slice, ...]) -> Any:
    """Read a part of a stored array, if it is still what it was: where chunks are missing, zarr gives zeros."""
    place, shape, dtype = source
    stored = _open(place, "put it in a folder that all workers share, under the same path")
    if stored.shape != shape or stored.dtype != dtype:
        raise ValueError(
            f"from_zarr: {place} has changed from shape {shape}, {dtype} to shape {stored.shape}, {stored.dtype} "
            "since it was opened; call from_zarr again."
        )
    return np.asarray(stored[part], dtype=dtype)


def _write_block(block: Any, place: Any, part: tuple[slice, ...]) -> None:
    """Write a block into its chunk."""
    stored = _import_zarr().open_array(place, mode="r+")
    stored[part or ...] = block
