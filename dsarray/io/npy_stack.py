"""Folders of ``.npy`` files that follow each other along an axis, as Dask writes them: one file for each block.

What travels to a task is the path of its file; blocks that are read are not kept.
"""

from __future__ import annotations

import io
import os
import pickle
import re
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import check_dtype
from dsarray._rechunk import to_chunks
from dsarray.io._parts import dense_array, from_readings, refuse_to_replace, write_parts
from dsarray.io._paths import SHARED, File, find_file, place_of
from dsarray.io.npy import Header, read_header, read_part

__all__ = ["from_npy_stack", "to_npy_stack"]


def from_npy_stack(
    folder: str | os.PathLike[str], axis: int | None = None, *, block_size: int | tuple[int, ...] | None = None
) -> Array:
    """Make an Array of a folder of ``.npy`` files, which may be larger than memory; see `to_npy_stack`.

    Parameters
    ----------
    folder : str or PathLike
        Path or URL of a folder within reach of all workers. Its files are taken in the order of the numbers in their
        names.
    axis : int, optional
        The axis along which they follow each other; by default the one that the file ``info`` names, else 0.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis. By default each file is a
        block.

    Returns
    -------
    Array
        Each task that needs a block reads it, and no block is kept: don't change the files meanwhile.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When a file is no ``.npy`` file, or its shape or type do not fit the others.
    """
    where = "from_npy_stack"
    place = place_of(folder, where)
    files = sorted(place.child("*.npy").glob(), key=_number_of)
    if not files:
        raise FileNotFoundError(f"{where}: there is no .npy file in {place}; check the path.")
    headers = [read_header(file, where) for file in files]
    first = headers[0]
    check_dtype(first.dtype, where)
    along = _axis_of(place) if axis is None else axis
    if not -len(first.shape) <= along < len(first.shape):
        raise ValueError(f"{where}: axis={along} for arrays of {len(first.shape)} axes; give one of them.")
    along %= len(first.shape)
    for file, header in zip(files, headers, strict=True):
        if _fixed(header, along) != _fixed(first, along):
            raise ValueError(
                f"{where}: {file} has shape {header.shape}, {header.dtype}, and {files[0]} shape {first.shape}, "
                f"{first.dtype}; they have to be alike but along axis {along}."
            )
    chunks = tuple(
        tuple(header.shape[i] for header in headers) if i == along else (length,)
        for i, length in enumerate(first.shape)
    )
    sources = iter(zip(files, headers, strict=True))
    a = from_readings(_read_block, lambda part: (*next(sources), along, part[along].start), chunks, first.dtype)
    return to_chunks(a, default_chunks(a.shape, first.dtype.itemsize, block_size, where, lambda *_: a.chunks))


def to_npy_stack(folder: str | os.PathLike[str], array: Any, axis: int = 0, *, overwrite: bool = False) -> None:
    """Write an array to a folder, a ``.npy`` file for each block along an axis, which `dask.array` reads, too.

    Parameters
    ----------
    folder : str or PathLike
        Path or URL of a folder within reach of all workers. Its files are called ``0.npy``, ``1.npy`` and so on, and
        ``info``.
    array : Array or array_like
        Blocks are joined along all other axes.
    axis : int, default 0
    overwrite : bool
        True to remove the ``*.npy`` of the folder first.

    Raises
    ------
    FileExistsError
        When the folder has such files, and ``overwrite`` is False.
    TypeError
        When the array is sparse.
    ValueError
        When there is no such axis, or the array is read from the folder.
    """
    a = dense_array(array, "to_npy_stack")
    if not -a.ndim <= axis < a.ndim:
        raise ValueError(f"to_npy_stack: axis={axis} for an array of {a.ndim} axes; give one of them.")
    axis %= a.ndim
    place = place_of(folder, "to_npy_stack")
    old = place.child("*.npy").glob() if place.exists else []
    for file in old:
        refuse_to_replace(a, file, "to_npy_stack")
    if old and not overwrite:
        raise FileExistsError(f"to_npy_stack: {place} has {len(old)} .npy files; give another, or overwrite=True.")
    place.make_folder()
    for file in old:
        file.remove()
    joined = to_chunks(a, tuple(a.chunks[i] if i == axis else (length,) for i, length in enumerate(a.shape)))
    with place.child("info").open("wb") as opened:
        opened.write(pickle.dumps({"chunks": joined.chunks, "dtype": a.dtype, "axis": axis}))
    write_parts(_write_block, joined, lambda number, _: (place.child(f"{number}.npy"),))


def _number_of(file: File) -> tuple[list[int], str]:
    name = file.text.rpartition("/")[2]
    return [int(number) for number in re.findall(r"\d+", name)], name


def _fixed(header: Header, axis: int) -> tuple[Any, ...]:
    """Return what the files of a stack have in common."""
    return header.dtype, header.shape[:axis], header.shape[axis + 1 :]


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain data and dtypes, and runs nothing."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _axis_of(place: File) -> int:
    info = place.child("info")
    if not info.exists:
        return 0
    with info.open() as opened:
        content = opened.read()
    try:
        return int(_PlainUnpickler(io.BytesIO(content)).load()["axis"])
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"from_npy_stack: {info} is not what Dask writes ({error}); give axis=.") from error


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_block(source: tuple[File, Header, int, int], part: tuple[slice, ...]) -> Any:
    file, header, axis, first = source
    if read_header(find_file(file, "from_npy_stack", SHARED), "from_npy_stack") != header:
        raise ValueError(f"from_npy_stack: {file} has changed since it was loaded; load it again.")
    own = list(part)
    own[axis] = slice(part[axis].start - first, part[axis].stop - first)
    return read_part(file, header, tuple(own))


def _write_block(block: Any, file: File) -> None:
    with file.open("wb") as opened:
        np.save(opened, block, allow_pickle=False)
