"""Other shapes of the same elements: axes in another order, added and dropped, and other lengths.

Axes move by transposing each block. Where blocks have to be cut anew, a task gathers the pieces of its new block.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, gives_view, make_cells
from dsarray._grid import Chunks, block_indices, block_shape, grid_of, offsets
from dsarray._registry import implements
from dsarray._reshape_plan import box_pieces, find_groups, flat_boxes

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["expand_dims", "move_axis", "reshape", "squeeze", "transpose"]


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


@gives_view
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


def reshape(a: Array, shape: Any, order: str = "C") -> Array:
    """Return the elements of an array in another shape.

    Axes that stay are cut as before. The others are cut where rows of old blocks end, if blocks stay of a moderate
    size, and else into blocks of about the old size; a task gathers the pieces of each from the old blocks.

    Parameters
    ----------
    a : Array
    shape : int or tuple of int
        One length may be -1.
    order : {"C", "F", "A"}
        The order in which elements are counted. An Array has no order of its own, so "A" means "C".

    Raises
    ------
    ValueError
        When the number of elements is another.
    """
    if a.sparse:
        raise _sparse.refuse("reshape")
    if order not in ("C", "F", "A"):
        error = TypeError if order == "K" else ValueError
        raise error(f"reshape: order={order!r} is not supported for an Array; give 'C', 'F' or 'A'.")
    wanted = _resolve(a, shape)
    if order == "F":
        return transpose(reshape(transpose(a, None), wanted[::-1]), None)
    if wanted == a.shape:
        return a.copy()
    return _gather(a, wanted) if a.size else _in_one_block(a, wanted)


def _resolve(a: Array, shape: Any) -> tuple[int, ...]:
    wanted = [operator.index(n) for n in (shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,))]
    known = math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and known > 0 and a.size % known == 0:
        wanted[wanted.index(-1)] = a.size // known
    if min(wanted, default=0) < 0 or math.prod(wanted) != a.size:
        raise ValueError(f"reshape: {a.size} elements do not fit into shape {shape!r}; give a shape of as many.")
    return tuple(wanted)


def _in_one_block(a: Array, shape: tuple[int, ...]) -> Array:
    whole = _rechunk.to_chunks(a, tuple((n,) for n in a.shape))
    chunks = tuple((n,) for n in shape)
    return _array.Array(
        make_cells(grid_of(chunks), [Cell.of(np.reshape, whole._cells.flat[0], shape)]), chunks, a.dtype
    )


Pieces = list[tuple[Cell, tuple[slice, ...] | None]]
"""Cells, and what is taken of each; None is all of it."""


def _gather(a: Array, shape: tuple[int, ...]) -> Array:
    groups = find_groups(a.chunks, shape, a.itemsize)
    cut = {axis: lengths for group in groups for axis, lengths in zip(group.new, group.chunks, strict=True)}
    chunks: Chunks = tuple(cut.get(axis, (1,)) for axis in range(len(shape)))
    boxes = []
    for group in groups:
        old = [a.shape[axis] for axis in group.old]
        ends = offsets(tuple(math.prod(block_shape(group.chunks, index)) for index in block_indices(group.chunks)))
        boxes.append([flat_boxes(old, start, stop) for start, stop in itertools.pairwise(ends)])
    starts = [offsets(lengths) for lengths in a.chunks]
    axes = [axis for group in groups for axis in group.old]
    plans = []
    for index in block_indices(chunks):
        chosen = [
            of[int(np.ravel_multi_index([index[axis] for axis in group.new], grid_of(group.chunks)))]
            for group, of in zip(groups, boxes, strict=True)
        ]
        lengths = tuple(tuple(math.prod(part.stop - part.start for part in box) for box in each) for each in chosen)
        found = []
        for choice in itertools.product(*chosen):
            parts = dict(zip(axes, itertools.chain(*choice), strict=True))
            found.append(_pieces(a, [parts.get(axis, slice(0, 1)) for axis in range(a.ndim)], starts))
        plans.append((lengths, found, block_shape(chunks, index)))
    _rechunk.keep_shared(cell for _, found, _ in plans for pieces, _ in found for cell, key in pieces if key)
    return _array.Array(make_cells(grid_of(chunks), [_build(*plan) for plan in plans]), chunks, a.dtype)


def _pieces(a: Array, box: Sequence[slice], starts: Sequence[Sequence[int]]) -> tuple[Pieces, Chunks]:
    """What a box takes of which cells, in C order, and the chunks that these pieces form."""
    per_axis = [box_pieces(ends, part) for ends, part in zip(starts, box, strict=True)]
    pieces: Pieces = []
    for choice in itertools.product(*per_axis):
        index = tuple(block for block, _ in choice)
        if all(part is None for _, part in choice):
            pieces.append((a._cells[index], None))
        else:
            extent = zip(choice, a.chunks, strict=True)
            key = tuple(slice(0, lengths[block], 1) if part is None else part for (block, part), lengths in extent)
            pieces.append((a._cells[index], key))
    lengths = tuple(
        tuple(ends[block + 1] - ends[block] if part is None else part.stop - part.start for block, part in along)
        for along, ends in zip(per_axis, starts, strict=True)
    )
    return pieces, lengths


def _build(lengths: Chunks, boxes: list[tuple[Pieces, Chunks]], shape: tuple[int, ...]) -> Cell:
    """The cell of a new block; ``lengths`` are the elements of its boxes, in C order, in each group of axes."""
    cells = []
    for pieces, chunks in boxes:
        parts = [cell if key is None else cell.part(key) for cell, key in pieces]
        cells.append(parts[0] if len(parts) == 1 else Cell.of(_rechunk.assemble, chunks, *parts))
    if len(cells) > 1:
        extents = itertools.product(*lengths)
        flat = [Cell.of(np.reshape, cell, extent) for cell, extent in zip(cells, extents, strict=True)]
        return Cell.of(np.reshape, Cell.of(_rechunk.assemble, lengths, *flat), shape)
    return Cell.of(np.reshape, cells[0], shape)


# --- NumPy's functions -----------------------------------------------------------------------------------------------


@implements(np.transpose)
def _transpose(a: Any, axes: Any = None) -> Array:
    return transpose(_elementwise.as_array(a), axes)


@implements(np.swapaxes)
def _swapaxes(a: Array, axis1: Any, axis2: Any) -> Array:
    order = list(range(a.ndim))
    first, second = normalize_axis_index(axis1, a.ndim), normalize_axis_index(axis2, a.ndim)
    order[first], order[second] = second, first
    return transpose(a, order)


@implements(np.moveaxis)
def _moveaxis(a: Array, source: Any, destination: Any) -> Array:
    sources = normalize_axis_tuple(source, a.ndim, "source")
    targets = normalize_axis_tuple(destination, a.ndim, "destination")
    if len(sources) != len(targets):
        raise ValueError(f"moveaxis: source={source} and destination={destination} differ in number; give as many.")
    order = [axis for axis in range(a.ndim) if axis not in sources]
    for target, moved in sorted(zip(targets, sources, strict=True)):
        order.insert(target, moved)
    return transpose(a, order)


@implements(np.rollaxis)
def _rollaxis(a: Array, axis: Any, start: int = 0) -> Array:
    axis = normalize_axis_index(axis, a.ndim)
    target = start + a.ndim if start < 0 else start
    if not 0 <= target <= a.ndim:
        raise np.exceptions.AxisError(f"rollaxis: start={start} is out of bounds for {a.ndim} axes.")
    return move_axis(a, axis, target - 1 if axis < target else target)


@implements(np.matrix_transpose)
def _matrix_transpose(x: Array, /) -> Array:
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: an array of {x.ndim} dimensions is no stack of matrices; give at least 2.")
    return _swapaxes(x, -1, -2)


@implements(np.reshape)
def _reshape(a: Any, /, shape: Any = None, order: str = "C", *, copy: bool | None = None) -> Array:
    if copy is False:
        raise ValueError("reshape: copy=False is not supported for an Array, which has no views; leave it away.")
    reshaped = reshape(_elementwise.as_array(a), shape, order)
    reshaped.is_scalar = False  # even of no axes it is an array
    return reshaped


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Array:
    return reshape(_elementwise.as_array(a), (-1,) if a.size else (0,), order)


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Array:
    squeezed = squeeze(_elementwise.as_array(a), axis)
    squeezed.is_scalar = False
    return squeezed


implements(np.expand_dims)(expand_dims)


@implements(np.atleast_1d)
def _at_least_one(*arys: Any) -> Any:
    return _each_with(arys, lambda a: a if a.ndim else a[None])


@implements(np.atleast_2d)
def _at_least_two(*arys: Any) -> Any:
    return _each_with(arys, lambda a: a if a.ndim > 1 else reshape(a, (1, a.size)))


@implements(np.atleast_3d)
def _at_least_three(*arys: Any) -> Any:
    return _each_with(arys, lambda a: a if a.ndim > 2 else reshape(a, ((1,) * (a.ndim < 2) + a.shape + (1, 1))[:3]))


def _each_with(arys: Sequence[Any], function: Any) -> Any:
    results = tuple(function(_elementwise.as_array(each)) for each in arys)
    return results[0] if len(results) == 1 else results
