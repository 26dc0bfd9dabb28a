"""Other shapes of the same elements: transposed, reshaped, joined."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._functions import implements
from dsarray._grid import Chunks, block_shape, common_lengths, grid_of, offsets

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["concatenate", "expand_dims", "move_axis", "reshape", "squeeze", "transpose"]


def transpose(a: Array, axes: Sequence[int] | None) -> Array:
    """Return an array with its axes in another order, by default reversed.

    Raises
    ------
    ValueError
        When ``axes`` does not name each axis once.
    """
    order = tuple(range(a.ndim))[::-1] if axes is None else tuple(axes)
    if len(order) != a.ndim:
        raise ValueError(f"transpose: axes={axes!r} do not match the {a.ndim} axes of the array; name each once.")
    order = normalize_axis_tuple(order, a.ndim, "axes")
    if order == tuple(range(a.ndim)):
        return a.copy()
    grid = a._cells.transpose(order)
    cells = [Cell.of(_transposed, cell, order) for cell in grid.flat]
    chunks = tuple(a.chunks[axis] for axis in order)
    return _array.Array(make_cells(grid.shape, cells), chunks, a.dtype, sparse=a.sparse)


def _transposed(block: Any, order: tuple[int, ...]) -> Any:
    return _sparse.transpose_sparse(block) if _sparse.is_sparse(block) else block.transpose(order)


def move_axis(a: Array, source: int, target: int) -> Array:
    """Return an array with one axis moved to another place."""
    order = [axis for axis in range(a.ndim) if axis != source]
    order.insert(target, source)
    return transpose(a, order)


def squeeze(a: Array, axis: Any) -> Array:
    """Return an array without its axes of length 1, or without those named."""
    gone = tuple(i for i, n in enumerate(a.shape) if n == 1) if axis is None else normalize_axis_tuple(axis, a.ndim)
    if any(a.shape[i] != 1 for i in gone):
        raise ValueError(f"squeeze: axis={axis!r} of shape {a.shape} is longer than 1; name axes of length 1.")
    return a[tuple(0 if i in gone else slice(None) for i in range(a.ndim))]


def expand_dims(a: Array, axis: Any) -> Array:
    """Return an array with new axes of length 1."""
    n_new = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = normalize_axis_tuple(axis, a.ndim + n_new)
    return a[tuple(None if i in new else slice(None) for i in range(a.ndim + n_new))]


# --- reshape ---------------------------------------------------------------------------------------------------------


def reshape(a: Array, shape: Any) -> Array:
    """Return the elements of an array, in C order, in another shape.

    Rows of blocks are reshaped one by one; they are joined where a row of the result would span two of them.

    Raises
    ------
    ValueError
        When the number of elements is another.
    """
    if a.sparse:
        raise _sparse.refuse("reshape")
    new = _resolve(a, shape)
    if new == a.shape:
        return a.copy()
    if [n for n in new if n != 1] == [n for n in a.shape if n != 1]:
        return _with_unit_axes(a, new)
    if not a.shape or not new or a.size == 0:
        return _in_one_block(a, new)
    old_row, new_row = math.prod(a.shape[1:]), math.prod(new[1:])
    step = math.lcm(old_row, new_row) // old_row
    n_rows = a.shape[0]
    ends = sorted({min(n_rows, -(-end // step) * step) for end in offsets(a.chunks[0])})
    lengths = tuple(b - a for a, b in itertools.pairwise(ends))
    rows = _rechunk.to_chunks(a, (lengths, *((n,) for n in a.shape[1:])))
    chunks: Chunks = (tuple(n * old_row // new_row for n in lengths), *((n,) for n in new[1:]))
    return _reshaped(rows, chunks)


def _resolve(a: Array, shape: Any) -> tuple[int, ...]:
    wanted = [operator.index(n) for n in (shape if isinstance(shape, (tuple, list)) else (shape,))]
    known = math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and known > 0 and a.size % known == 0:
        wanted[wanted.index(-1)] = a.size // known
    if min(wanted, default=0) < 0 or math.prod(wanted) != a.size:
        raise ValueError(f"reshape: {a.size} elements do not fit into shape {shape!r}; give a shape of as many.")
    return tuple(wanted)


def _with_unit_axes(a: Array, shape: tuple[int, ...]) -> Array:
    """Add and remove axes of length 1; blocks stay as they are cut."""
    a = _rechunk.to_chunks(a, tuple((1,) if sum(lengths) == 1 else lengths for lengths in a.chunks))
    lengths = iter([lengths for lengths in a.chunks if lengths != (1,)])
    return _reshaped(a, tuple((1,) if n == 1 else next(lengths) for n in shape))


def _in_one_block(a: Array, shape: tuple[int, ...]) -> Array:
    whole = _rechunk.to_chunks(a, tuple((n,) for n in a.shape))
    return _reshaped(whole, tuple((n,) for n in shape))


def _reshaped(a: Array, chunks: Chunks) -> Array:
    indices = itertools.product(*map(range, grid_of(chunks)))
    cells = [
        Cell.of(np.reshape, cell, block_shape(chunks, index))
        for cell, index in zip(a._cells.flat, indices, strict=True)
    ]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype)


# --- joining ---------------------------------------------------------------------------------------------------------


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Array:
    """Join arrays along an axis.

    Parameters
    ----------
    arrays : sequence of Array or array_like
        Their shapes may differ along ``axis`` only.
    axis : int or None
        The axis to join along; None joins the elements of all arrays in one axis.

    Raises
    ------
    ValueError
        When there are no arrays or their shapes do not fit.
    """
    parts = [_elementwise.as_array(each) for each in arrays]
    if not parts:
        raise ValueError("concatenate: need at least one array; give a sequence of them.")
    if axis is None:
        parts, axis = [a.ravel() for a in parts], 0
    if not parts[0].ndim:
        raise ValueError("concatenate: 0-dimensional arrays cannot be joined; reshape them to (1,).")
    axis = normalize_axis_index(axis, parts[0].ndim)
    rest = {(*a.shape[:axis], *a.shape[axis + 1 :]) for a in parts}
    if len({a.ndim for a in parts}) > 1 or len(rest) > 1:
        shapes = ", ".join(str(a.shape) for a in parts)
        raise ValueError(f"concatenate: shapes {shapes} differ in more than axis {axis}; make the other axes equal.")
    if len({a.sparse for a in parts}) > 1:
        parts = [a.to_dense() for a in parts]
    dtype = np.result_type(*[a.dtype for a in parts])
    common = [common_lengths([a.chunks[i] for a in parts]) for i in range(parts[0].ndim)]
    aligned = [
        _rechunk.to_chunks(a, tuple(a.chunks[i] if i == axis else common[i] for i in range(a.ndim))).astype(dtype)
        for a in parts
    ]
    joined = tuple(length for a in aligned for length in a.chunks[axis])
    chunks = (*common[:axis], joined, *common[axis + 1 :])
    cells = np.concatenate([a._cells for a in aligned], axis=axis)
    return _array.Array(cells, chunks, dtype, sparse=parts[0].sparse)


# --- NumPy's functions -----------------------------------------------------------------------------------------------


@implements(np.transpose)
def _transpose(a: Any, axes: Any = None) -> Array:
    return transpose(_elementwise.as_array(a), axes)


@implements(np.reshape)
def _reshape(a: Any, /, shape: Any = None, order: str = "C", *, copy: bool | None = None) -> Array:  # noqa: ARG001 - NumPy's parameters
    _check_order(order)
    return reshape(_elementwise.as_array(a), shape)


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Array:
    _check_order(order)
    return reshape(_elementwise.as_array(a), (-1,))


def _check_order(order: str) -> None:
    if order != "C":
        raise TypeError(f"order={order!r} is not supported for an Array; transpose it instead.")


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Array:
    return squeeze(_elementwise.as_array(a), axis)


@implements(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0) -> Array:
    return concatenate(arrays, axis)


implements(np.expand_dims)(expand_dims)
