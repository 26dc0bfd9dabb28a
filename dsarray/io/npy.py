"""Load a ``.npy`` file: only the header is read at once, each block by the task that uses it.

What travels to a task is the path and the place of its block; the file has to be within reach of all workers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import from_function
from dsarray._grid import offsets
from dsarray.io._paths import find_file

__all__ = ["load_npy_file"]

_WHERE = "load_npy_file"
_MAGIC = b"\x93NUMPY"


def load_npy_file(path: str | os.PathLike[str], block_size: int | tuple[int, ...] | None = None) -> Array:
    """Make an Array of a file written by `numpy.save`.

    Parameters
    ----------
    path : str or PathLike
        An array of any number of axes and any dtype but object, in C or Fortran order.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis. By default the size of
        the array decides.

    Returns
    -------
    Array
        Its blocks are read by the tasks that use them: don't change the file meanwhile.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is not a ``.npy`` file or cut short, or holds Python objects.

    Examples
    --------
    >>> import numpy as np
    >>> np.save("/tmp/example.npy", np.arange(6).reshape(3, 2))
    >>> load_npy_file("/tmp/example.npy", block_size=2).collect()
    array([[0, 1],
           [2, 3],
           [4, 5]])
    """
    found = find_file(path, _WHERE)
    whole = _map_file(found)
    chunks = default_chunks(whole.shape, whole.dtype.itemsize, block_size, _WHERE)
    starts = [offsets(lengths) for lengths in chunks]

    def place_of(index: tuple[int, ...]) -> tuple[Any, ...]:
        part = tuple(slice(ends[i], ends[i + 1]) for ends, i in zip(starts, index, strict=True))
        return str(found), part, whole.shape, whole.dtype

    return from_function(_read_block, chunks, whole.dtype, place_of)


def _read_block(path: str, part: tuple[slice, ...], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Read one block; no other part of the file is touched, as far as its order allows."""
    whole = _map_file(find_file(path, _WHERE, "put it in a folder that all workers share, under the same path"))
    if whole.shape != shape or whole.dtype != dtype:
        raise ValueError(
            f"{_WHERE}: {path} has changed from shape {shape}, {dtype} to shape {whole.shape}, {whole.dtype} "
            "since it was loaded; load it again."
        )
    return np.array(whole[part], order="C")


def _map_file(path: Path) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the file as a memory map."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{_WHERE}: {path} is not a .npy file; write it with numpy.save.")
    try:
        whole: np.ndarray[Any, np.dtype[Any]] = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ValueError(
            f"{_WHERE}: {path} cannot be read in blocks: {error} Save a plain array, whole, with numpy.save."
        ) from error
    return whole
