"""Making arrays: of values, of Futures, of functions."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from dsarray import _rechunk
from dsarray._array import Array
from dsarray._cell import Cell, Reading, Value, make_cells
from dsarray._config import default_chunks
from dsarray._grid import (
    Chunks,
    as_sizes,
    block_indices,
    block_shape,
    check_chunks,
    check_shape,
    grid_of,
    is_size,
    offsets,
)
from dsarray._namespace import adopt, as_array, at_rest, native
from dsarray._sparse import is_sparse, to_csr
from dsflow import Future

__all__ = [
    "array",
    "check_dtype",
    "check_is_dtype",
    "check_is_scalar",
    "eye",
    "filled",
    "from_blocks",
    "from_function",
    "from_stored",
    "full",
    "identity",
    "ones",
    "rebuild",
    "restore",
    "zeros",
]

BlockSize = int | tuple[int, ...] | None


def array(x: Any, dtype: npt.DTypeLike | None = None, *, block_size: BlockSize = None) -> Array:
    """Make a blocked array of a value.

    Parameters
    ----------
    x : array_like, scipy.sparse matrix or Array
        It is copied: later changes of ``x`` are not seen. Sparse matrices stay sparse, as CSR.
    dtype : dtype, optional
        Type of the elements. A size in its place is that of the blocks.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis. By default a small
        array stays whole and a larger one is cut into rows, unless `dsarray.config` says otherwise.

    Returns
    -------
    Array
        Where ``x`` is an Array, the same in other blocks.

    Raises
    ------
    TypeError
        When the elements are Python objects or records.
    ValueError
        When ``block_size`` makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.array(np.arange(6.0).reshape(3, 2), block_size=2)
    >>> (x.sum(axis=0) / 3).collect()
    array([2., 3.])
    """
    if block_size is None and is_size(dtype):
        dtype, block_size = None, dtype
    check_is_dtype(dtype, "array")
    if isinstance(x, Array):
        x = x.copy() if dtype is None else x.astype(dtype)
        x.is_scalar = False
        return x if block_size is None else _rechunk.to_block_size(x, block_size)
    if is_sparse(x):
        return _from_sparse(x if dtype is None else x.astype(dtype), block_size)
    if isinstance(x, Future):
        raise TypeError("array: a Future is not the value yet; wait_on() it, or give from_blocks() those of blocks.")
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError("array: a masked array is not supported; fill it first, as in x.filled(0).")
    values = np.asarray(x, dtype=dtype)
    check_dtype(values.dtype, "array")
    return _cut_value(values, default_chunks(values.shape, values.itemsize, block_size, "array"))


def check_is_dtype(dtype: Any, where: str) -> None:
    """Raise TypeError for a block size in the place where NumPy's functions take the type of the elements."""
    if is_size(dtype):
        raise TypeError(f"{where}: {dtype} is no dtype; {_by_name(dtype)}.")


def _by_name(block_size: Any) -> str:
    return f"the size of blocks is given by name, as block_size={as_sizes(block_size)}"


def check_is_scalar(value: Any, name: str, where: str) -> None:
    """Raise TypeError for a block size in the place of another argument, which is a scalar."""
    if isinstance(value, (tuple, list, np.ndarray)) and is_size(value):
        raise TypeError(f"{where}: {name}={value} is not an int; {_by_name(value)}.")


def check_dtype(dtype: np.dtype[Any], where: str) -> None:
    """Raise TypeError for elements that are Python objects or records."""
    if dtype.kind == "O":
        raise TypeError(f"{where}: elements are Python objects (dtype object); convert them with astype() first.")
    if dtype.kind == "V":
        raise TypeError(f"{where}: structured dtype {dtype} is not supported; make one array of each field.")


def _cut_value(values: Any, chunks: Chunks, *, sparse: bool = False) -> Array:
    """Copy the blocks of a value of the user's."""
    starts = tuple(map(offsets, chunks))
    cells = []
    for index in block_indices(chunks):
        key = tuple(slice(s[i], s[i + 1]) for s, i in zip(starts, index, strict=True))
        cells.append(Cell(Value(values[key] if sparse else _frozen_copy(values[(*key, ...)]))))
    return _made(cells, chunks, values.dtype, sparse=sparse)


def _made(cells: Iterable[Cell], chunks: Chunks, dtype: np.dtype[Any], *, sparse: bool = False) -> Array:
    """Make an array of its cells in C order; of no axes, it is an array and no scalar, as in NumPy."""
    made = Array(make_cells(grid_of(chunks), cells), chunks, dtype, sparse=sparse)
    made.is_scalar = False
    return made


def _frozen_copy(part: Any) -> Any:
    block = np.array(part, order="C")  # contiguous, so that it travels without another copy
    block.flags.writeable = False
    return block


def _from_sparse(matrix: Any, block_size: BlockSize) -> Array:
    if matrix.ndim != 2:
        raise ValueError(f"array: a sparse array of {matrix.ndim} dimensions is not supported; reshape it to 2.")
    check_dtype(np.dtype(matrix.dtype), "array")
    bytes_per_element = max(
        1, round(matrix.nnz * (matrix.dtype.itemsize + 4) / max(1, matrix.shape[0] * matrix.shape[1]))
    )
    chunks = default_chunks(matrix.shape, bytes_per_element, block_size, "array")
    return _cut_value(to_csr(matrix), chunks, sparse=True)


def from_blocks(blocks: Any, chunks: Chunks, dtype: npt.DTypeLike, *, sparse: bool = False) -> Array:
    """Make an array of blocks that exist, or that tasks are making.

    Parameters
    ----------
    blocks : Future, array, or nested sequence of them
        One level of nesting an axis. Values are not copied: they must not change any more. What NumPy can make an
        ndarray of, such as a tensor of PyTorch, becomes one.
    chunks : tuple of tuple of int
        Lengths of the blocks along each axis.
    dtype : dtype
        Type of the elements of every block.
    sparse : bool
        True if the blocks are CSR matrices.

    Raises
    ------
    ValueError
        When the number of blocks is not that of ``chunks``.
    TypeError
        When a block is no array, or not of the type declared.
    """
    chunks = check_chunks(chunks, "from_blocks")
    flat = list(map(_as_block, _flatten(blocks, grid_of(chunks))))
    dtype = np.dtype(dtype)
    check_dtype(dtype, "from_blocks")
    for block, index in zip(flat, block_indices(chunks), strict=True):
        if not isinstance(block, Future):
            _rechunk.check_block(block, block_shape(chunks, index), dtype, sparse=sparse)
    return _made(map(_cell_of, flat), chunks, dtype, sparse=sparse)


def _as_block(block: Any) -> Any:
    """Return a block as it is, or as an ndarray where kernels know no more of it than NumPy does."""
    if isinstance(block, Future) or not hasattr(block, "__array__"):
        return block
    return native(as_array(block))


def _flatten(blocks: Any, grid: Sequence[int]) -> list[Any]:
    if not grid:
        return [blocks[()] if isinstance(blocks, np.ndarray) and blocks.dtype == object else blocks]
    if not hasattr(blocks, "__len__"):
        raise TypeError(
            f"from_blocks: {type(blocks).__name__} is no sequence of blocks; nest lists, one level for each axis."
        )
    n_found = len(blocks)
    if n_found != grid[0]:
        raise ValueError(
            f"from_blocks: {n_found} blocks along an axis that has {grid[0]} in chunks; give one for each."
        )
    return [leaf for inner in blocks for leaf in _flatten(inner, grid[1:])]


def _cell_of(block: Any, *, embedded: bool = False) -> Cell:
    if isinstance(block, Future):  # what tasks make of it later is not for the Array
        return Cell(copy.copy(block))
    return Cell(block if isinstance(block, Reading) else Value(at_rest(adopt(block)), embedded))


def rebuild(blocks: Sequence[Any], chunks: Chunks, dtype: np.dtype[Any], sparse: bool, is_scalar: bool) -> Array:
    """Make an Array again of what its pickle holds: its blocks in C order."""
    made = _made([_cell_of(block, embedded=True) for block in blocks], chunks, dtype, sparse=sparse)
    made.is_scalar = is_scalar
    return made


def restore(blocks: Sequence[Any], chunks: Chunks, dtype: np.dtype[Any], sparse: bool, is_scalar: bool) -> Array:
    """Make an Array again of what the user's own pickle holds: the values of its blocks in C order."""
    made = _made(map(_cell_of, blocks), chunks, dtype, sparse=sparse)
    made.is_scalar = is_scalar
    return made


def from_function(
    function: Callable[..., Any],
    chunks: Chunks,
    dtype: npt.DTypeLike,
    args_of: Callable[[tuple[int, ...]], tuple[Any, ...]],
    *,
    sparse: bool = False,
) -> Array:
    """Make an array whose blocks are made by a function, inside the tasks that use them.

    Parameters
    ----------
    function : callable
        Returns a block. It is called anew for each use of a block that has not been started, until it has been.
    chunks : tuple of tuple of int
        Lengths of the blocks along each axis.
    dtype : dtype
        Type of the elements of every block.
    args_of : callable
        Gives the arguments of ``function`` for the position of a block in the grid. Futures among them arrive as
        values.
    sparse : bool
        True if the blocks are CSR matrices.
    """
    chunks = check_chunks(chunks, "from_function")
    dtype = np.dtype(dtype)
    check_dtype(dtype, "from_function")
    cells = [Cell.of(function, *args_of(index)) for index in block_indices(chunks)]
    return _made(cells, chunks, dtype, sparse=sparse)


def from_stored(
    read: Callable[[Any, tuple[slice, ...]], Any], source: Any, chunks: Chunks, dtype: npt.DTypeLike
) -> Array:
    """Make an array of what is stored elsewhere, and may be larger than memory: no block is remembered.

    Parameters
    ----------
    read : callable
        Called as ``read(source, part)``, with a slice of step 1 for each axis; returns an ndarray. It is called anew
        by each task that needs a block or a part of one.
    source : object
        Says where it is; it travels with each block.
    chunks : tuple of tuple of int
        Lengths of the blocks along each axis.
    dtype : dtype
        Type of the elements.
    """
    starts = [offsets(lengths) for lengths in chunks]
    parts = [
        tuple(slice(ends[i], ends[i + 1]) for ends, i in zip(starts, index, strict=True))
        for index in block_indices(chunks)
    ]
    return _made([Cell(Reading(read, (source, part))) for part in parts], chunks, np.dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: npt.DTypeLike | None = None, *, block_size: BlockSize = None) -> Array:
    """Make an array of one value, which takes no memory until it is needed.

    Parameters
    ----------
    shape : int or tuple of int
    fill_value : scalar or array_like
        The value of all elements, or what broadcasts to the shape.
    dtype : dtype, optional
        Type of the elements, by default that of ``fill_value``.
    block_size : int or tuple of int, optional
        See `array`.
    """
    if is_size(dtype) and isinstance(fill_value, (tuple, list)):
        raise TypeError(
            f"full: {dtype} is no dtype, beside fill_value={fill_value}; the size of blocks is given by name, as "
            "block_size=."
        )
    check_is_dtype(dtype, "full")
    lengths = check_shape(shape, "full")
    if np.ndim(fill_value):
        return _full_of_many(lengths, fill_value, block_size, dtype)
    fill_value = fill_value.collect() if isinstance(fill_value, Array) else fill_value
    return _full(lengths, np.full((), fill_value, dtype=dtype), block_size, "full")


def _full(shape: tuple[int, ...], sample: Any, block_size: BlockSize, where: str) -> Array:
    check_dtype(sample.dtype, where)
    chunks = default_chunks(shape, sample.itemsize, block_size, where)
    return from_function(
        np.full, chunks, sample.dtype, lambda index: (block_shape(chunks, index), sample[()], sample.dtype)
    )


def _full_of_many(shape: tuple[int, ...], values: Any, block_size: BlockSize, dtype: Any) -> Array:
    from dsarray._join import broadcast_to

    source = array(values, dtype=dtype)
    return broadcast_to(source, shape).rechunk(default_chunks(shape, source.itemsize, block_size, "full"))


def zeros(shape: Any, dtype: npt.DTypeLike = float, *, block_size: BlockSize = None) -> Array:
    """Make an array of zeros, which takes no memory until it is needed; see `full`."""
    return filled(np.zeros, shape, dtype, block_size, "zeros")


def ones(shape: Any, dtype: npt.DTypeLike = float, *, block_size: BlockSize = None) -> Array:
    """Make an array of ones, which takes no memory until it is needed; see `full`."""
    return filled(np.ones, shape, dtype, block_size, "ones")


def filled(numpys: Callable[..., Any], shape: Any, dtype: Any, block_size: BlockSize, where: str) -> Array:
    """Make an array of the one value that a function of NumPy's makes; ``where`` says who asks, for messages."""
    check_is_dtype(dtype, where)
    return _full(check_shape(shape, where), numpys((), dtype), block_size, where)


def eye(
    N: SupportsIndex,  # noqa: N803 - NumPy's names
    M: SupportsIndex | None = None,  # noqa: N803 - NumPy's names
    k: SupportsIndex = 0,
    dtype: npt.DTypeLike = float,
    *,
    block_size: BlockSize = None,
) -> Array:
    """Make a matrix with ones on a diagonal and zeros elsewhere.

    Parameters
    ----------
    N : int
        Number of rows.
    M : int, optional
        Number of columns; by default, as many as rows.
    k : int
        Which diagonal: 0 is the main one, positive ones lie above it, negative ones below.
    dtype : dtype
        Type of the elements.
    block_size : int or tuple of int, optional
        See `array`.
    """
    check_is_scalar(M, "M", "eye")
    check_is_scalar(k, "k", "eye")
    return _eye((N, N if M is None else M), k, dtype, block_size, "eye")


def _eye(lengths: tuple[Any, Any], k: SupportsIndex, dtype: Any, block_size: BlockSize, where: str) -> Array:
    check_is_dtype(dtype, where)
    shape = check_shape(lengths, where)
    diagonal = operator.index(k)
    dtype = np.dtype(dtype)
    chunks = default_chunks(shape, dtype.itemsize, block_size, where)
    rows, columns = map(offsets, chunks)
    return from_function(
        np.eye,
        chunks,
        dtype,
        lambda index: (*block_shape(chunks, index), diagonal + rows[index[0]] - columns[index[1]], dtype),
    )


def identity(n: SupportsIndex, dtype: npt.DTypeLike = float, *, block_size: BlockSize = None) -> Array:
    """Make a square matrix with ones on its diagonal and zeros elsewhere."""
    return _eye((n, n), 0, dtype, block_size, "identity")
