"""Diagonals and triangles of matrices.

A diagonal reads the blocks that it passes through, and of these what lies around it. Triangles keep the blocks as they
are cut.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _elementwise, _join, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import Chunks, Lengths, block_indices, common_lengths, cut, grid_of, locate, offsets
from dsarray._registry import implements
from dsarray._reshape import transpose
from dsarray._reshape_plan import LARGE_BYTES

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["diag", "diagonal"]


def diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return the elements of diagonals, which become the last axis.

    Raises
    ------
    ValueError
        When the array has fewer than 2 axes, or the axes are the same.
    """
    if a.ndim < 2:
        raise ValueError(f"diagonal: an array of {a.ndim} dimensions has none; give at least 2.")
    first, second = normalize_axis_index(axis1, a.ndim), normalize_axis_index(axis2, a.ndim)
    if first == second:
        raise ValueError(f"diagonal: axis1={axis1} and axis2={axis2} are the same; name two axes.")
    rest = [axis for axis in range(a.ndim) if axis not in (first, second)]
    a = transpose(a.to_dense(), [*rest, first, second])
    row, column = max(0, -offset), max(0, offset)
    n = max(0, min(a.shape[-2] - row, a.shape[-1] - column))
    lengths = common_lengths([_cut_range(a.chunks[-2], row, n), _cut_range(a.chunks[-1], column, n)])
    found = []
    for start, stop in itertools.pairwise(offsets(lengths)):
        along = [_range_in(a.chunks[-2], row, start, stop), _range_in(a.chunks[-1], column, start, stop)]
        found.append(along)
    chunks: Chunks = (*a.chunks[:-2], lengths)
    plans = []
    for index in block_indices(chunks):
        (i, rows), (j, columns) = found[index[-1]]
        plans.append((a._cells[(*index[:-1], i, j)], (*(slice(None),) * (a.ndim - 2), rows, columns)))
    _rechunk.keep_shared(cell for cell, _ in plans)
    cells = [Cell.of(np.diagonal, cell.part(key), 0, -2, -1) for cell, key in plans]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype)


def _cut_range(lengths: Lengths, start: int, n: int) -> Lengths:
    """How a range of an axis is cut by its blocks."""
    inner = [end - start for end in offsets(lengths) if start < end < start + n]
    return tuple(b - a for a, b in itertools.pairwise([0, *inner, n]))


def _range_in(lengths: Lengths, shift: int, start: int, stop: int) -> tuple[int, slice]:
    """The block that holds a range of positions of a diagonal, and where in it they are."""
    if start == stop:
        return 0, slice(0, 0, 1)
    block, local = locate(lengths, start + shift)
    return block, slice(local, local + stop - start, 1)


def diag(v: Array, k: int = 0) -> Array:
    """Return the diagonal of a matrix, or a matrix that is 0 but for its diagonal ``v``.

    Raises
    ------
    ValueError
        When ``v`` has neither 1 nor 2 axes.
    """
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag: an array of {v.ndim} dimensions is neither a vector nor a matrix; give 1 or 2.")
    v = _rechunk.to_chunks(v, (_at_most(v.chunks[0], math.isqrt(LARGE_BYTES // max(1, v.itemsize))),))
    lengths = v.chunks[0]
    gap = _at_most((abs(k),), max(lengths)) if k else ()
    rows = (*gap, *lengths) if k < 0 else (*lengths, *gap)
    columns = (*gap, *lengths) if k > 0 else (*lengths, *gap)
    down, right = (len(gap) if k < 0 else 0), (len(gap) if k > 0 else 0)
    cells = []
    for i, j in block_indices((rows, columns)):
        if i - down == j - right and 0 <= i - down < len(lengths):
            cells.append(Cell.of(np.diag, v._cells[i - down]))
        else:
            cells.append(Cell.of(np.zeros, (rows[i], columns[j]), v.dtype))
    return _array.Array(make_cells((len(rows), len(columns)), cells), (rows, columns), v.dtype)


def _at_most(lengths: Lengths, size: int) -> Lengths:
    """Cut blocks that are longer than a size."""
    return tuple(part for length in lengths for part in cut(length, max(1, size)))


def _triangle(function: Any, m: Any, k: int) -> Array:
    a = _elementwise.as_array(m)
    if a.ndim == 1:
        a = _join.broadcast_to(a, (a.shape[0], a.shape[0]))
    if a.ndim < 1:
        raise TypeError("np.tril: a 0-dimensional array has no triangle; give at least 1 axis.")
    rows, columns = map(offsets, a.chunks[-2:])
    cells = [
        Cell.of(function, a._cells[index], k + rows[index[-2]] - columns[index[-1]])
        for index in block_indices(a.chunks)
    ]
    return _array.Array(make_cells(a.grid, cells), a.chunks, a.dtype, sparse=a.sparse)


def _lower(block: Any, k: int) -> Any:
    return type(block)(scipy.sparse.tril(block, k)) if _sparse.is_sparse(block) else np.tril(block, k)


def _upper(block: Any, k: int) -> Any:
    return type(block)(scipy.sparse.triu(block, k)) if _sparse.is_sparse(block) else np.triu(block, k)


# --- NumPy's functions -----------------------------------------------------------------------------------------------


@implements(np.diagonal)
def _diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    return diagonal(a, offset, axis1, axis2)


@implements(np.linalg.diagonal)
def _last_diagonal(x: Array, /, *, offset: int = 0) -> Array:
    return diagonal(x, offset, -2, -1)


@implements(np.diag)
def _diag(v: Array, k: int = 0) -> Array:
    return diag(v, k)


@implements(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Array:
    return diag(_elementwise.as_array(v).ravel(), k)


@implements(np.trace)
def _trace(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return _elementwise.store(diagonal(a, offset, axis1, axis2).sum(axis=-1, dtype=dtype), out, "np.trace")


@implements(np.linalg.trace)
def _last_trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return diagonal(x, offset, -2, -1).sum(axis=-1, dtype=dtype)


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Array:
    return _triangle(_lower, m, k)


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Array:
    return _triangle(_upper, m, k)


@implements(np.diag_indices_from)
def _diag_indices_from(arr: Array) -> tuple[Any, ...]:
    if arr.ndim < 2 or len(set(arr.shape)) > 1:
        raise ValueError(f"diag_indices_from: shape {arr.shape} is not of equal lengths; give at least 2 of them.")
    return np.diag_indices(arr.shape[0], arr.ndim)


@implements(np.tril_indices_from)
def _tril_indices_from(arr: Array, k: int = 0) -> tuple[Any, ...]:
    _check_matrix(arr, "tril_indices_from")
    return np.tril_indices(arr.shape[0], k, arr.shape[1])


@implements(np.triu_indices_from)
def _triu_indices_from(arr: Array, k: int = 0) -> tuple[Any, ...]:
    _check_matrix(arr, "triu_indices_from")
    return np.triu_indices(arr.shape[0], k, arr.shape[1])


def _check_matrix(a: Array, where: str) -> None:
    if a.ndim != 2:
        raise ValueError(f"{where}: an array of {a.ndim} dimensions is no matrix; give 2.")


@implements(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Array:  # noqa: N803 - NumPy's name
    a = _elementwise.as_array(x)
    if a.ndim != 1:
        raise ValueError(f"vander: x has {a.ndim} dimensions; give a vector.")
    n = len(a) if N is None else int(N)
    if n < 0:
        raise ValueError(f"vander: N={n} is negative; give at least 0.")
    a = _rechunk.to_chunks(a, (_at_most(a.chunks[0], LARGE_BYTES // (8 * max(1, n))),))
    cells = [Cell.of(np.vander, cell, n, increasing) for cell in a._cells.flat]
    return _array.Array(make_cells((a.grid[0], 1), cells), (a.chunks[0], (n,)), np.promote_types(a.dtype, int))
