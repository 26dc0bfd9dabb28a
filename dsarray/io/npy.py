"""``.npy`` files: only the header is read at once, each block by the task that uses it; tasks write at offsets.

What travels to a task is the path and the place of its block; the file has to be within reach of all workers.
"""

from __future__ import annotations

import math
import os
import uuid
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import check_dtype, from_function, from_stored
from dsarray._registry import implements
from dsarray.io._parts import dense_array, parts_of, refuse_to_replace, write_parts
from dsarray.io._paths import SHARED, File, claim_file, find_file

__all__ = ["Header", "from_npy", "load_npy_file", "read_header", "read_part", "to_npy", "write_runs"]

_MAGIC = b"\x93NUMPY"


class Header(NamedTuple):
    """What a ``.npy`` file says of the array in it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    start: int
    """Offset of the first element."""


def load_npy_file(path: str | os.PathLike[str], block_size: int | tuple[int, ...] | None = None) -> Array:
    """Make an Array of a file written by `numpy.save`; blocks that have been read are kept, unlike with `from_npy`.

    Parameters
    ----------
    path : str or PathLike
        Path or URL of an array of any number of axes and any dtype but object, in C or Fortran order.
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
    where = "load_npy_file"
    found = find_file(path, where)
    header = read_header(found, where)
    chunks = default_chunks(header.shape, header.dtype.itemsize, block_size, where)
    parts = dict(zip(np.ndindex(*map(len, chunks)), parts_of(chunks), strict=True))
    return from_function(_read_block, chunks, header.dtype, lambda index: ((found, header, where), parts[index]))


def from_npy(path: str | os.PathLike[str], *, block_size: int | tuple[int, ...] | None = None) -> Array:
    """Make an Array of a ``.npy`` file, which is read block by block and may be larger than memory.

    Parameters
    ----------
    path : str or PathLike
        Path or URL of an array of any number of axes and any dtype but object, in C or Fortran order. Blocks of whole
        rows (in Fortran order: of whole columns) are read quickest.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis. By default the size of
        the array decides.

    Returns
    -------
    Array
        Each task that needs a block reads it, and no block is kept: don't change the file meanwhile.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is not a ``.npy`` file or cut short, or holds Python objects.

    Examples
    --------
    >>> import dsarray as ds
    >>> ds.to_npy(ds.ones((4, 2)), "/tmp/example_ones.npy", overwrite=True)
    >>> ds.from_npy("/tmp/example_ones.npy", block_size=2).sum(axis=0).collect()
    array([4., 4.])
    """
    found = find_file(path, "from_npy")
    header = read_header(found, "from_npy")
    check_dtype(header.dtype, "from_npy")
    chunks = default_chunks(header.shape, header.dtype.itemsize, block_size, "from_npy")
    return from_stored(_read_block, (found, header, "from_npy"), chunks, header.dtype)


def to_npy(array: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write an array to one ``.npy`` file: each block is written at its place, by the task that computes it.

    Parameters
    ----------
    array : Array or array_like
        In any blocks; those of whole rows are written quickest.
    path : str or PathLike
        A local path within reach of all workers. The file takes its name when all of it is written.
    overwrite : bool
        True to replace what is there.

    Raises
    ------
    FileExistsError
        When there is a file, and ``overwrite`` is False.
    TypeError
        When the array is sparse.
    ValueError
        When ``path`` is a URL, or the array is read from this very file.
    """
    a = dense_array(array, "to_npy")
    place = claim_file(path, "to_npy", overwrite=overwrite)
    refuse_to_replace(a, place, "to_npy")
    if not place.is_local:
        raise ValueError(
            f"to_npy: {place} is a URL, where tasks cannot write parts of one file; use to_npy_stack or to_zarr."
        )
    target = Path(place.text)
    growing = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with growing.open("wb") as file:
            _write_header(file, a)
            start = file.tell()
            file.truncate(start + a.nbytes)
        write_parts(write_runs, a, lambda _, part: (File(str(growing)), start, a.shape, part))
        growing.replace(target)
    finally:
        growing.unlink(missing_ok=True)


def _write_header(file: IO[bytes], a: Array) -> None:
    np.lib.format.write_array_header_1_0(file, _describe(a))


def _describe(a: Array) -> dict[str, Any]:
    return {"descr": np.lib.format.dtype_to_descr(a.dtype), "fortran_order": False, "shape": a.shape}


@implements(np.save)
def _save(file: Any, arr: Any, allow_pickle: bool = True, fix_imports: Any = None) -> None:  # noqa: ARG001 - NumPy's
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(f"np.save: tasks cannot write an Array to an open {type(file).__name__}; give a path.")
    name = os.fspath(file)
    to_npy(arr, name if name.endswith(".npy") else name + ".npy", overwrite=True)


def read_header(file: File, where: str, start: int = 0) -> Header:
    """Return what a ``.npy`` file, or one inside of an archive that starts at an offset, says of its array.

    Raises
    ------
    ValueError
        When it is not one, is cut short, or holds Python objects.
    """
    with file.open() as opened:
        opened.seek(start)
        header = parse_header(opened, file, where)
    if file.size < header.start + math.prod(header.shape) * header.dtype.itemsize:
        raise ValueError(
            f"{where}: {file} cannot be read in blocks: it is cut short, for shape {header.shape}, {header.dtype}. "
            "Save a plain array, whole, with numpy.save."
        )
    return header


def parse_header(opened: IO[bytes], file: Any, where: str) -> Header:
    """Read a header from the position of an open file; ``file`` is what messages call it."""
    start = opened.tell()
    if opened.read(len(_MAGIC)) != _MAGIC:
        raise ValueError(f"{where}: {file} is not a .npy file; write it with numpy.save.")
    opened.seek(start)
    try:
        version = np.lib.format.read_magic(opened)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read(opened)
        if dtype.hasobject:
            raise ValueError("its elements are Python objects.")  # noqa: TRY301 - told as the others are
    except ValueError as error:
        raise ValueError(
            f"{where}: {file} cannot be read in blocks: {error} Save a plain array, whole, with numpy.save."
        ) from error
    return Header(shape, dtype, fortran_order, opened.tell())


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_block(source: tuple[File, Header, str], part: tuple[slice, ...]) -> Any:
    """Read one block, if the file is still what it was."""
    file, header, where = source
    found = read_header(find_file(file, where, SHARED), where)
    if found != header:
        raise ValueError(
            f"{where}: {file} has changed from shape {header.shape}, {header.dtype} to shape {found.shape}, "
            f"{found.dtype} since it was loaded; load it again."
        )
    return read_part(file, header, part)


def read_part(file: File, header: Header, part: tuple[slice, ...]) -> Any:
    """Read a part; no other part of the file is touched, as far as its order allows."""
    order: Literal["C", "F"] = "F" if header.fortran_order else "C"
    if 0 in header.shape or not all(each.stop > each.start for each in part):
        return np.empty([each.stop - each.start for each in part], dtype=header.dtype)
    if file.is_local:
        shape = header.shape or (1,)
        whole: Any = np.memmap(file.text, header.dtype, mode="r", offset=header.start, shape=shape, order=order)
        return np.array(whole.reshape(header.shape)[(*part, ...)], order="C", subok=False)
    return _read_slab(file, header, part, order)


def _read_slab(file: File, header: Header, part: tuple[slice, ...], order: Literal["C", "F"]) -> Any:
    """Read from the first to the last of the slowest axis, and take the part of it."""
    shape = list(header.shape)
    inner: list[Any] = list(part)
    n_bytes = [0, header.dtype.itemsize]
    if shape:
        slow = -1 if header.fortran_order else 0
        row_bytes = math.prod(shape) // shape[slow] * header.dtype.itemsize
        n_bytes = [part[slow].start * row_bytes, part[slow].stop * row_bytes]
        shape[slow] = part[slow].stop - part[slow].start
        inner[slow] = slice(None)
    content = file.read(header.start + n_bytes[0], header.start + n_bytes[1])
    slab: Any = np.frombuffer(content, header.dtype).reshape(shape, order=order)
    return np.array(slab[(*inner, ...)], order="C")


def write_runs(block: Any, file: File, start: int, shape: tuple[int, ...], part: tuple[slice, ...]) -> None:
    """Write a block to its place in an array in C order whose first element is at an offset of a file that exists."""
    if block.size == 0:
        return
    block = np.ascontiguousarray(block).reshape(block.shape)
    whole = block.ndim
    while whole and block.shape[whole - 1] == shape[whole - 1]:
        whole -= 1
    outer = max(0, whole - 1)  # axes before this one are walked; from this one on, elements follow each other
    content = memoryview(block.reshape(math.prod(block.shape[:outer]), -1).view(np.uint8).reshape(-1))
    run_bytes = block.nbytes // math.prod(block.shape[:outer])
    strides = [math.prod(shape[axis + 1 :]) * block.itemsize for axis in range(len(shape))]
    base = start + sum(each.start * stride for each, stride in zip(part, strides, strict=True))
    with Path(file.text).open("r+b", buffering=0) as opened:
        for run, index in enumerate(np.ndindex(*block.shape[:outer])):
            opened.seek(base + sum(i * stride for i, stride in zip(index, strides[:outer], strict=True)))
            rest = content[run * run_bytes : (run + 1) * run_bytes]
            while rest:
                rest = rest[opened.write(rest) :]
