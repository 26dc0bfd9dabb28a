"""The user's functions on blocks and along axes. Their results are computed once, and remembered if they fit memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _elementwise, _rechunk
from dsarray._cell import Cell, Cells, make_cells, start_cells
from dsarray._grid import Chunks, block_indices, block_shape, grid_of
from dsarray._namespace import as_array, leaving_library, native
from dsarray._registry import implements
from dsarray._sparse import densify, is_sparse
from dsflow import Task, wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["apply_along_axis", "map_blocks"]


def map_blocks(
    function: Callable[..., Any],
    *args: Any,
    dtype: npt.DTypeLike | None = None,
    block_shape: tuple[int, ...] | str | None = None,
    **keywords: Any,
) -> Array:
    """Call a function on each block, in one task each.

    Parameters
    ----------
    function : callable
        Takes blocks (read-only) and returns an ndarray or CSR matrix with as many axes as the grid.
    *args
        Its arguments. Arrays give one block at a time; several Arrays are cut alike and broadcast. Anything else,
        ndarrays and Futures too, is passed whole to each call.
    dtype : dtype, optional
        Type of the elements of the result, which is converted to it.
    block_shape : tuple of int or "same", optional
        Shape of each block of the result; "same" if it is that of the blocks given.
    **keywords
        Passed on.

    Returns
    -------
    Array
        If both ``dtype`` and ``block_shape`` are given, nothing runs yet; else the blocks are computed at once,
        where they stay, to learn their shapes. What comes of a streamed array is computed anew by each task that
        needs it, unless it was computed at once.

    Raises
    ------
    ValueError
        When the blocks returned do not form a grid, or (in the task) when a block is not as declared.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.array(np.arange(4.0), block_size=2)
    >>> ds.map_blocks(np.cumsum, x).collect()
    array([0., 1., 2., 5.])
    """
    arrays = [arg for arg in args if isinstance(arg, _array.Array)]
    if not arrays:
        raise ValueError("map_blocks: none of the arguments is an Array; call the function itself.")
    function = function.__wrapped__ if isinstance(function, Task) else function
    chunks, aligned = _elementwise.align(arrays)
    grid = grid_of(chunks)
    columns = iter([_elementwise.broadcast_cells(a, grid).flat for a in aligned])
    sources = [next(columns) if isinstance(arg, _array.Array) else itertools.repeat(arg) for arg in args]
    declared = _declared(chunks, block_shape)
    expected = (
        itertools.repeat(None) if declared is None else (_block_shape(declared, i) for i in block_indices(chunks))
    )
    wanted = None if dtype is None else np.dtype(dtype)
    kept = not any(a.streamed for a in arrays)
    cells = [
        Cell.of(_call, function, keywords, shape, wanted, *values, anchor=kept)
        for shape, values in zip(expected, zip(*sources, strict=False), strict=False)
    ][: math.prod(grid)]
    if declared is None or wanted is None:
        return _described(make_cells(grid, cells), "map_blocks")
    return _array.Array(make_cells(grid, cells), declared, wanted)


def _block_shape(chunks: Chunks, index: tuple[int, ...]) -> tuple[int, ...]:
    return block_shape(chunks, index)


def _declared(chunks: Chunks, shape: tuple[int, ...] | str | None) -> Chunks | None:
    if shape is None:
        return None
    if shape == "same":
        return chunks
    if not isinstance(shape, (tuple, list)) or len(shape) != len(chunks):
        raise ValueError(
            f"map_blocks: block_shape={shape!r} is not 'same', nor {len(chunks)} lengths; give one an axis."
        )
    return tuple((int(length),) * len(lengths) for length, lengths in zip(shape, chunks, strict=True))


@leaving_library
def _call(
    function: Callable[..., Any],
    keywords: dict[str, Any],
    shape: tuple[int, ...] | None,
    dtype: np.dtype[Any] | None,
    *values: Any,
) -> Any:
    """Call the user's function and check what it returns."""
    result = function(*map(native, values), **keywords)
    result = result.tocsr() if is_sparse(result) else as_array(result)
    if shape is not None and result.shape != shape:
        raise ValueError(
            f"map_blocks: {getattr(function, '__name__', function)} returned a block of shape {result.shape}, "
            f"not {shape} as declared; correct block_shape or leave it away."
        )
    if result.dtype.kind in "OV":
        raise TypeError(f"map_blocks: a block of dtype {result.dtype} is not supported; return numbers.")
    return result if dtype is None else result.astype(dtype, copy=False)


def _describe(block: Any) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    return tuple(block.shape), block.dtype, is_sparse(block)


def _described(cells: Cells, where: str) -> Array:
    """Compute the blocks, where they are, and return the array that they form."""
    start_cells(cells.flat)
    found = wait_on(start_cells(Cell.of(_describe, cell) for cell in cells.flat))
    chunks = _chunks_of(cells.shape, [shape for shape, _, _ in found], where)
    dtype = np.result_type(*[dtype for _, dtype, _ in found])
    sparse = {kind for _, _, kind in found}
    if len(sparse) > 1:
        raise ValueError(f"{where}: some blocks are sparse and some are not; return one kind.")
    if any(each != dtype for _, each, _ in found):
        cells = make_cells(cells.shape, [Cell.of(_cast, cell, dtype) for cell in cells.flat])
    return _array.Array(cells, chunks, dtype, sparse=sparse.pop())


def _cast(block: Any, dtype: np.dtype[Any]) -> Any:
    return block.astype(dtype, copy=False)


def _chunks_of(grid: tuple[int, ...], shapes: Sequence[tuple[int, ...]], where: str) -> Chunks:
    """Return the lengths of blocks along each axis, if they agree; ``shapes`` are those of the blocks in C order."""
    lengths: list[list[set[int]]] = [[set() for _ in range(n_blocks)] for n_blocks in grid]
    for index, shape in zip(np.ndindex(grid), shapes, strict=True):
        if len(shape) != len(grid):
            raise ValueError(
                f"{where}: a block has shape {shape}, but the grid has {len(grid)} axes; "
                "keep the axes (keepdims=True), or use map_row_blocks for other results."
            )
        for axis, (i, length) in enumerate(zip(index, shape, strict=True)):
            lengths[axis][i].add(length)
    for axis, found in enumerate(lengths):
        wrong = [sorted(each) for each in found if len(each) > 1]
        if wrong:
            raise ValueError(
                f"{where}: blocks side by side have lengths {wrong[0]} along axis {axis}; make them equal."
            )
    return tuple(tuple(each.pop() for each in found) for found in lengths)


# --- along an axis ---------------------------------------------------------------------------------------------------


@implements(np.apply_along_axis)
def apply_along_axis(function: Callable[..., Any], axis: int, arr: Any, *args: Any, **keywords: Any) -> Array:
    """Call a function on each 1-D slice along an axis, as `numpy.apply_along_axis`.

    Parameters
    ----------
    function : callable
        Takes a 1-D ndarray and returns a scalar or an ndarray of any shape.
    axis : int
        The axis along which slices are taken.
    arr : Array or array_like
        The array; a sparse one is made dense block by block.
    *args, **keywords
        Passed on to ``function``.

    Returns
    -------
    Array
        As in NumPy, of the shape and type that the function gives for the first slice, which is computed at once.

    Raises
    ------
    ValueError
        When there is no slice.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> ds.apply_along_axis(np.mean, 0, ds.random_array((100, 100), block_size=(25, 25))).shape
    (100,)
    """
    a = arr if isinstance(arr, _array.Array) else _elementwise.as_array(arr)
    axis = normalize_axis_index(axis, a.ndim)
    others = [length for i, length in enumerate(a.shape) if i != axis]
    if 0 in others:
        raise ValueError("apply_along_axis: there is no slice, because an axis other than the one named has length 0.")
    lanes = _rechunk.to_chunks(a, (*a.chunks[:axis], (a.shape[axis],), *a.chunks[axis + 1 :]))
    function = function.__wrapped__ if isinstance(function, Task) else function
    call = (function, axis, args, keywords)
    kept = not a.streamed
    first = _first_full(lanes)
    first.anchor = kept
    shape, dtype = wait_on(Cell.of(_first_result, first, call).future)
    chunks = (*lanes.chunks[:axis], *((length,) for length in shape), *lanes.chunks[axis + 1 :])
    cells = [
        Cell.of(_along, cell, call, block_shape(chunks, index), len(shape), dtype, anchor=kept)
        for cell, index in zip(lanes._cells.flat, block_indices(chunks), strict=True)
    ]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, dtype)


def _first_full(a: Array) -> Cell:
    """The first cell that is not empty, but along the only axis that may be."""
    index = tuple(next((i for i, length in enumerate(lengths) if length), 0) for lengths in a.chunks)
    cell: Cell = a._cells[index]
    return cell


Call = tuple[Callable[..., Any], int, tuple[Any, ...], dict[str, Any]]
"""The user's function, the axis, and further arguments."""


def _first_result(block: Any, call: Call) -> tuple[tuple[int, ...], np.dtype[Any]]:
    function, axis, args, keywords = call
    lane = np.moveaxis(densify(block), axis, -1)[(0,) * (block.ndim - 1)]
    result = np.asanyarray(function(lane, *args, **keywords))
    if result.dtype.kind in "OV":
        raise TypeError(f"apply_along_axis: a result of dtype {result.dtype} is not supported; return numbers.")
    return result.shape, result.dtype


def _along(block: Any, call: Call, shape: Sequence[int], n_new: int, dtype: np.dtype[Any]) -> Any:
    function, axis, args, keywords = call
    if 0 in block.shape[:axis] + block.shape[axis + 1 :]:
        return np.empty(shape, dtype=dtype)
    wanted = tuple(shape[axis : axis + n_new])

    def as_the_first(lane: Any) -> Any:
        result = np.asarray(function(lane, *args, **keywords))
        if result.shape != wanted:
            raise ValueError(
                f"apply_along_axis: {getattr(function, '__name__', function)} returned shape {result.shape} for one "
                f"slice and {wanted} for the first; return one shape."
            )
        return result.astype(dtype)

    return np.apply_along_axis(as_the_first, axis, densify(block))
