"""HDF5 datasets of any size: read by the tasks that use them, written by the tasks that compute them.

What travels to a task is the path, the name of the dataset and the bounds of a block; blocks that are read are not
kept. A dataset that is not compressed lies in the file as one array, whose parts all tasks write at once; the chunks of
a compressed one are written by one task at a time, behind a lock. This file is the only one that names h5py.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import check_dtype, from_stored
from dsarray._grid import auto_chunks
from dsarray.io._parts import dense_array, refuse_to_replace, whole_chunks, write_parts
from dsarray.io._paths import SHARED, File, find_file, place_of
from dsarray.io.npy import write_runs

__all__ = ["from_hdf5", "to_hdf5"]


def from_hdf5(
    path: str | os.PathLike[str], dataset: str | None = None, *, block_size: int | tuple[int, ...] | None = None
) -> Array:
    """Make an Array of an HDF5 dataset, which is read block by block and may be larger than memory.

    Parameters
    ----------
    path : str or PathLike
        Path or URL of the file, within reach of all workers.
    dataset : str, optional
        Name of the dataset, such as "group/x". It may be left out if the file has only one.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis. By default a block of a
        chunked dataset is made of whole chunks. The threads of one process read one after the other.

    Returns
    -------
    Array
        Each task that needs a block reads it, and no block is kept: don't change the file meanwhile.

    Raises
    ------
    ImportError
        When h5py is not installed.
    FileNotFoundError
        When there is no such file.
    TypeError
        When the elements are Python objects (strings of any length) or records.
    ValueError
        When it is not an HDF5 file, or has no such dataset.

    Examples
    --------
    >>> import dsarray as ds
    >>> ds.to_hdf5(ds.ones((6, 2)), "/tmp/example.h5", "x", overwrite=True)
    >>> ds.from_hdf5("/tmp/example.h5", "x", block_size=2).sum(axis=0).collect()
    array([6., 6.])
    """
    _import_h5py()
    file = find_file(path, "from_hdf5")
    with _opened(file) as opened:
        name = _only_dataset(opened, file) if dataset is None else dataset
        stored = _dataset(opened, file, name)
        shape, dtype, chunk = stored.shape, stored.dtype, stored.chunks
    if shape is None:
        raise ValueError(f"from_hdf5: {file}: dataset {name!r} is empty, without a shape; store an array there.")
    check_dtype(dtype, f"from_hdf5: dataset {name!r}")
    choose = whole_chunks(chunk) if chunk else auto_chunks
    chunks = default_chunks(shape, dtype.itemsize, block_size, "from_hdf5", choose)
    return from_stored(_read_block, (file, name, shape, dtype), chunks, dtype)


def to_hdf5(
    array: Any,
    path: str | os.PathLike[str],
    dataset: str,
    *,
    overwrite: bool = False,
    compression: str | None = None,
    chunks: tuple[int, ...] | None = None,
) -> None:
    """Write an array as a dataset of an HDF5 file, each block by the task that computes it.

    Parameters
    ----------
    array : Array or array_like
    path : str or PathLike
        A local path within reach of all workers. A file that is there keeps what else it holds. Nobody else may have it
        open for writing meanwhile.
    dataset : str
        Name of the dataset, such as "group/x".
    overwrite : bool
        True to replace a dataset of that name.
    compression : str, optional
        As in h5py, "gzip" or "lzf" say. Chunks are compressed and written by one task at a time.
    chunks : tuple of int, optional
        Shape of the chunks; by default that of the blocks if the dataset is compressed. Without compression and chunks
        the dataset is contiguous, and tasks write it at the same time.

    Raises
    ------
    ImportError
        When h5py is not installed.
    FileExistsError
        When there is such a dataset, and ``overwrite`` is False.
    TypeError
        When the array is sparse, or HDF5 has no such type of elements.
    ValueError
        When ``path`` is a URL, or the array is read from this very file.
    """
    _import_h5py()
    a = dense_array(array, "to_hdf5")
    place = place_of(path, "to_hdf5")
    if not place.is_local:
        raise ValueError(f"to_hdf5: {place} is a URL, where HDF5 cannot write; write a local file, or use to_zarr.")
    refuse_to_replace(a, place, "to_hdf5")
    if compression is not None and chunks is None and a.ndim:
        chunks = tuple(max(1, length) for length in a.block_shape)
    start = _create(place, dataset, a, overwrite=overwrite, compression=compression, chunks=chunks)
    if a.size == 0:
        return
    lock = place.text + ".lock"
    try:
        if start is not None:
            write_parts(write_runs, a, lambda _, part: (place, start, a.shape, part))
        else:
            write_parts(_write_block, a, lambda _, part: (place, dataset, part, lock))
    except BaseException:
        _remove(place, dataset)
        raise
    finally:
        Path(lock).unlink(missing_ok=True)


def _create(place: File, name: str, a: Array, *, overwrite: bool, compression: Any, chunks: Any) -> int | None:
    """Make the dataset; return the offset of its first element if it is contiguous, else None."""
    h5py = _import_h5py()
    try:
        kind = h5py.h5t.py_create(a.dtype, logical=True)
    except TypeError as error:
        raise TypeError(
            f"to_hdf5: HDF5 has no type for elements of dtype {a.dtype} ({error}); convert them with astype()."
        ) from error
    with _opened(place, "a") as opened:
        if name in opened:
            if not overwrite:
                raise FileExistsError(f"to_hdf5: {place} has a dataset {name!r}; give another name, or overwrite=True.")
            del opened[name]
        if compression is not None or chunks is not None or opened.userblock_size:
            opened.create_dataset(name, shape=a.shape, dtype=a.dtype, chunks=chunks, compression=compression)
            return None
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple(a.shape) if a.ndim else h5py.h5s.create(h5py.h5s.SCALAR)
        links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        links.set_create_intermediate_group(True)
        made = h5py.h5d.create(opened.id, name.encode(), kind, space, dcpl=layout, lcpl=links)
        offset: int | None = made.get_offset()
        return offset


def _remove(place: File, name: str) -> None:
    with _opened(place, "a") as opened:
        opened.pop(name, None)


def _import_h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError("HDF5 files need the package h5py: pip install 'dsflow[hdf5]'.") from error
    return h5py


@contextlib.contextmanager
def _opened(file: File, mode: str = "r") -> Iterator[Any]:
    """Open a file; a URL is read through fsspec."""
    h5py = _import_h5py()
    with contextlib.ExitStack() as stack:
        source = file.text if file.is_local else stack.enter_context(file.open())
        try:
            opened = h5py.File(source, mode, **({"locking": "best-effort"} if file.is_local else {}))
        except OSError as error:
            if isinstance(error, BlockingIOError):
                raise
            raise ValueError(f"HDF5: {file} cannot be opened as an HDF5 file: {error}.") from error
        yield stack.enter_context(opened)


def _only_dataset(opened: Any, file: File) -> str:
    names = _names(opened)
    if len(names) != 1:
        raise ValueError(f"from_hdf5: {file} has {len(names)} datasets ({', '.join(names[:20])}); give dataset=.")
    return names[0]


def _names(opened: Any) -> list[str]:
    h5py = _import_h5py()
    found: list[str] = []
    opened.visititems(lambda name, each: found.append(name) if isinstance(each, h5py.Dataset) else None)
    return found


def _dataset(opened: Any, file: File, name: str) -> Any:
    stored = opened.get(name)
    if isinstance(stored, _import_h5py().Dataset):
        return stored
    raise ValueError(f"from_hdf5: {file} has no dataset {name!r}; it has {', '.join(_names(opened)[:20]) or 'none'}.")


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_block(source: tuple[File, str, tuple[int, ...], np.dtype[Any]], part: tuple[slice, ...]) -> Any:
    """Read a part of a dataset, if it is still what it was."""
    file, name, shape, dtype = source
    with _opened(find_file(file, "from_hdf5", SHARED)) as opened:
        stored = _dataset(opened, file, name)
        if stored.shape != shape or stored.dtype != dtype:
            raise ValueError(
                f"from_hdf5: {file}: dataset {name!r} has changed from shape {shape}, {dtype} to shape {stored.shape}, "
                f"{stored.dtype} since it was opened; call from_hdf5 again."
            )
        return np.asarray(stored[part or ...], dtype=dtype)


def _write_block(block: Any, file: File, name: str, part: tuple[slice, ...], lock: str) -> None:
    """Write a block into its chunks, when no other task writes."""
    import fcntl

    with Path(lock).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with _opened(file, "r+") as opened:
            opened[name][part or ...] = block
