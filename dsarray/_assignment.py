"""Assignment to parts of an array: everyone who holds the array sees it, what was sliced from it before does not.

A block that is written to becomes a new cell, which copies the old block and sets the part; other blocks stay what they
are. Nothing runs, but for a mask that is an Array and is given more than one value along the axis that it selects:
then what it selects of each block is counted. The values stay where they are.
"""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _fancy, _index, _indexing, _rechunk, _reshape, _sparse
from dsarray._cell import Cell, Cells, Value
from dsarray._grid import Chunks, Lengths, grid_of, shape_of
from dsarray._namespace import namespace
from dsflow import Future

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["apply_at", "as_values", "assign", "fit"]


def assign(a: Array, key: Any, value: Any) -> None:
    """Do what ``a[key] = value`` means.

    Of positions that come more than once, the last value counts, as in NumPy.

    Raises
    ------
    IndexError
        When the index does not fit.
    ValueError
        When the shape of the value does not fit to what is indexed.
    TypeError
        When the array is sparse and the index has positions or masks, or the value is nothing that it can hold.
    """
    index = _index.read(key, a.shape)
    if a.sparse and index.chosen:
        raise TypeError(
            "Array: positions and masks are not supported in assignment to a sparse array; assign to integers and "
            "slices, or to d = a.to_dense(), which d.map_blocks(scipy.sparse.csr_array) makes sparse again."
        )
    mask = index.mask
    values = as_values(a, value) if index.chosen else _finite(a, as_values(a, value), value)
    if not index.chosen:
        is_element = index.parts and all(isinstance(part, int) for part in index.parts) and not _index.is_open(key)
        if values.ndim and is_element:
            raise ValueError(f"Array: setting an element with an array of shape {values.shape}; give one value.")
        a.become(_assign_basic(a, index.parts, values))
    elif mask is not None and mask.ndim:
        if mask.ndim == a.ndim and values.ndim > 1 and (not isinstance(key, tuple) or len(key) == 1):
            raise TypeError(
                f"Array: assignment to a mask of all axes takes values of 0 or 1 axes, not {values.ndim}; ravel() them."
            )
        a.become(_assign_masked(a, index, mask, values))
    else:
        a.become(_assign_points(a, index, values))


def apply_at(ufunc: np.ufunc, a: Array, key: Any, values: Any = 0) -> None:
    """Do what ``ufunc.at(a, key, values)`` means: positions that come more than once are changed as often.

    Raises
    ------
    IndexError, ValueError
        As `assign` does.
    TypeError
        When the array is sparse, or cannot hold what the function gives.
    """
    if a.sparse:
        raise _sparse.refuse(f"np.{ufunc.__name__}.at")
    others = [_elementwise.as_array(values)] if ufunc.nin == 2 else []
    ufunc.at(np.ones(1, a.dtype), [0], *[np.ones(1, each.dtype) for each in others])  # which raises what is an error
    index = _index.read(key, a.shape)
    if not index.chosen or index.mask is not None:
        assign(a, key, ufunc(a[key], *others).astype(a.dtype))
    else:
        put = functools.partial(_apply_first, ufunc)
        a.become(_assign_points(a, index, others[0] if others else as_values(a, 0), put, _all_by_block))


# --- values ----------------------------------------------------------------------------------------------------------


def as_values(a: Array, value: Any) -> Array:
    """Return what is assigned as an Array of the type of the array, dense if it is; NumPy casts, warns and refuses."""
    if _sparse.is_sparse(value):
        value = _elementwise.as_array(value)
    if isinstance(value, _array.Array):
        value = value if a.sparse else value.to_dense()
        if value.dtype.kind == "c" and a.dtype.kind in "iuf":
            warnings.warn(
                "Casting complex values to real discards the imaginary part", np.exceptions.ComplexWarning, stacklevel=4
            )
            value = np.real(value)
        return value if value.dtype == a.dtype else _elementwise.astype(value, a.dtype)
    if isinstance(value, Future):
        raise TypeError("Array: a Future cannot be assigned; wait_on() it, or make an Array of it with from_blocks().")
    known = np.empty(np.shape(value), dtype=a.dtype)
    known[...] = value
    return _elementwise.as_array(known)


def _finite(a: Array, values: Array, value: Any) -> Array:
    """Return values, for an index of integers and slices: a scalar that is not finite is no integer for NumPy then."""
    if isinstance(value, _array.Array) and value.is_scalar and value.dtype.kind in "fc" and a.dtype.kind in "iu":
        return _elementwise.elementwise(_integer_of, np.real(value), dtype=a.dtype)
    return values


def _integer_of(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a floating point number as an integer, as NumPy assigns it: what is not finite is an error."""
    is_numpys = isinstance(value, (np.ndarray, np.generic))
    if value.ndim or not is_numpys:
        return value.astype(dtype)
    known = np.empty((), dtype)
    known[()] = value[()]
    return known


def fit(values: Array, shape: Sequence[int]) -> Array:
    """Return values with one axis for each of a shape to which they broadcast."""
    n_more = values.ndim - len(shape)
    if n_more > 0 and set(values.shape[:n_more]) == {1}:
        values = _indexing.basic(values, [0] * n_more + [slice(None)] * len(shape))
    fits = values.ndim <= len(shape) and all(
        n in (1, wanted) for n, wanted in zip(values.shape[::-1], shape[::-1], strict=False)
    )
    if not fits:
        raise ValueError(
            f"Array: values of shape {values.shape} do not broadcast to what is indexed, of shape {tuple(shape)}."
        )
    n_new = len(shape) - values.ndim
    return _indexing.basic(values, [None] * n_new + [slice(None)] * values.ndim) if n_new else values


def _spread(values: Array, chunks: Chunks) -> Cells:
    """Return one cell of values for each place of a grid."""
    own = tuple((1,) if n == 1 else lengths for n, lengths in zip(values.shape, chunks, strict=True))
    return _elementwise.broadcast_cells(_rechunk.to_chunks(values, own), grid_of(chunks))


# --- integers and slices ---------------------------------------------------------------------------------------------


class _Rest:
    """What integers, slices and new axes take of blocks, part by part."""

    def __init__(self, chunks: Chunks, parts: Sequence[Any]) -> None:
        """Cut parts as the axes are that they are of."""
        axis = itertools.count()
        taken = [None if part is None else _indexing.pieces(chunks[i := next(axis)], part, i) for part in parts]
        self.taken: list[list[_indexing.Piece | None]] = [[None] if each is None else [*each] for each in taken]
        self.lengths: list[Lengths | None] = [(1,) if each is None else _indexing.lengths_of(each) for each in taken]

    def chunks(self) -> Chunks:
        """How the part is cut."""
        return tuple(lengths for lengths in self.lengths if lengths is not None)

    def choices(self) -> Any:
        """Yield (block index, key in the block, block index of the result), in C order."""
        for numbered in itertools.product(*map(enumerate, self.taken)):
            block = tuple(piece.block for _, piece in numbered if piece is not None)
            key = tuple(None if piece is None else piece.key for _, piece in numbered)
            place = tuple(n for (n, _), lengths in zip(numbered, self.lengths, strict=True) if lengths is not None)
            yield block, key, place


def _assign_basic(a: Array, parts: list[Any], values: Array) -> Array:
    rest = _Rest(a.chunks, parts)
    chunks = rest.chunks()
    fitted = fit(values, shape_of(chunks))
    everything = fitted.shape == a.shape and all(isinstance(part, slice) and part == slice(None) for part in parts)
    if everything and not a.sparse and not any(isinstance(cell.state, Value) for cell in fitted._cells.flat):
        return _rechunk.to_chunks(fitted, a.chunks)  # nothing of the old blocks is left
    columns = _spread(fitted, chunks)
    cells = a._cells.copy()
    put = _sparse.put if a.sparse else _put
    if 0 not in shape_of(chunks):
        for block, key, place in rest.choices():
            chosen = columns[place] if fitted.sparse else _fancy.operand(columns[place])
            cells[block] = Cell.of(put, a._cells[block], key, chosen, a.dtype)
    return _array.Array(cells, a.chunks, a.dtype, sparse=a.sparse)


def _put(block: Any, key: tuple[Any, ...], values: Any, dtype: np.dtype[Any]) -> Any:
    changed = namespace(block).array(block, dtype=dtype)
    changed[key] = namespace(block).asarray(values)
    return changed


# --- arrays of positions and masks -----------------------------------------------------------------------------------


def _last_by_block(a: Array, axes: Sequence[int], positions: Sequence[Any]) -> tuple[Any, list[_fancy.Group]]:
    """Return which positions count, and the groups of them by the block that holds them, in order."""
    flat = np.ravel_multi_index(positions, [max(1, a.shape[axis]) for axis in axes]).ravel()
    _, from_behind = np.unique(flat[::-1], return_index=True)
    kept = flat.size - 1 - from_behind
    members, groups = _all_by_block(a, axes, [each.ravel()[kept] for each in positions])
    return kept[members], groups


def _all_by_block(a: Array, axes: Sequence[int], positions: Sequence[Any]) -> tuple[Any, list[_fancy.Group]]:
    groups = _fancy.group_by_block([a.chunks[axis] for axis in axes], [each.ravel() for each in positions])
    return np.concatenate([group.members for group in groups]), groups


def _put_first(block: Any, axes: tuple[int, ...], key: tuple[Any, ...], values: Any, dtype: np.dtype[Any]) -> Any:
    """Set what a key selects when the axes named are the first ones, and so is that of what is chosen."""
    changed = namespace(block).array(block, dtype=dtype)
    _with_first(changed, axes)[key] = namespace(block).asarray(values)
    return changed


def _apply_first(
    ufunc: np.ufunc, block: Any, axes: tuple[int, ...], key: tuple[Any, ...], values: Any, dtype: np.dtype[Any]
) -> Any:
    """Change what a key selects, as `_put_first` does, by a ufunc, as often as it is selected."""
    changed = namespace(block).array(block, dtype=dtype)
    ufunc.at(_with_first(changed, axes), key, *[values][: ufunc.nin - 1])
    return changed


def _with_first(block: Any, axes: tuple[int, ...]) -> Any:
    return block.transpose(*axes, *[axis for axis in range(block.ndim) if axis not in axes])


def _assign_points(
    a: Array,
    index: _index.Index,
    values: Array,
    put: Callable[..., Any] = _put_first,
    group: Callable[..., tuple[Any, list[_fancy.Group]]] = _last_by_block,
) -> Array:
    """Set elements at positions, or change them by another kernel: those in one block all at once."""
    axes, positions = _index.positions_of(index, a.shape)
    if not axes:
        parts = index.with_axis_for_chosen().parts
        if positions[0].size:
            return _assign_basic(a, parts, values)
        shape = list(shape_of(_Rest(a.chunks, parts).chunks()))
        shape[index.place] = 0
        fit(values, shape)
        return a
    others = [part for part in index.parts if not _index.is_array(part)]
    rest = _Rest(_without(a.chunks, axes), others)
    at = index.place
    kept = rest.chunks()
    fitted = fit(values, (*shape_of(kept[:at]), *positions[0].shape, *shape_of(kept[at:])))
    members, groups = group(a, axes, positions)
    first = _values_at(fitted, at, positions[0].shape, members, tuple(len(each.members) for each in groups))
    columns = _spread(first, (tuple(len(each.members) for each in groups), *kept))
    cells = a._cells.copy()
    if not len(members) or 0 in shape_of(kept):
        return a
    remaining = [axis for axis in range(a.ndim) if axis not in axes]
    for n, (owner, _, local) in enumerate(groups):
        for block, key, place in rest.choices():
            where = _fancy.place_of(a.ndim, axes, owner, remaining, block)
            chosen = _fancy.operand(columns[(n, *place)])
            cells[where] = Cell.of(put, a._cells[where], axes, (*local, *key), chosen, a.dtype)
    return _array.Array(cells, a.chunks, a.dtype)


def _without(chunks: Chunks, axes: Sequence[int]) -> Chunks:
    return tuple(lengths for axis, lengths in enumerate(chunks) if axis not in axes)


def _values_at(values: Array, at: int, shape: Sequence[int], members: Any, lengths: Lengths) -> Array:
    """Return the values of chosen positions, which are the first axis: of length 1 if all have the same."""
    n = len(shape)
    own = range(at, at + n)
    varying = [axis for axis in own if values.shape[axis] != 1 or shape[axis - at] == 0]
    flat = _indexing.basic(
        values, [0 if axis in own and axis not in varying else slice(None) for axis in range(values.ndim)]
    )
    if not varying:
        return _indexing.basic(flat, [None] + [slice(None)] * flat.ndim)
    along = np.unravel_index(members, shape)
    chosen = [along[axis - at] for axis in varying]
    return _fancy.pick(flat, tuple(range(at, at + len(varying))), chosen, 0, (lengths,))


# --- one mask --------------------------------------------------------------------------------------------------------


def _assign_masked(a: Array, index: _index.Index, mask: Any, values: Array) -> Array:
    """Set what a mask selects: block by block, and counted if there is more than one value for it."""
    at = index.place
    first_axis = sum(map(_index.n_axes_of, index.parts[: index.chosen[0]]))
    axes = tuple(range(first_axis, first_axis + mask.ndim))
    others = [part for part in index.parts if not _index.is_array(part)]
    rest = _Rest(_without(a.chunks, axes), others)
    kept = rest.chunks()
    n_after = len(kept) - at
    varies = values.ndim > n_after and values.shape[values.ndim - 1 - n_after] != 1
    cut = _fancy.cut_for_mask(a, first_axis, mask.ndim) if varies else a
    of_mask = cut.chunks[first_axis : first_axis + mask.ndim]
    masks = _fancy.mask_cells(mask, of_mask, shared=varies or math.prod(map(len, rest.taken)) > 1)
    counts = _fancy.count_selected(mask, cut.chunks[first_axis], masks) if varies else (1,)
    fitted = fit(values, (*shape_of(kept[:at]), sum(counts), *shape_of(kept[at:])))
    first = _reshape.move_axis(fitted, at, 0) if at else fitted
    columns = _spread(first, (counts, *kept))
    changed = _put_masks(cut, axes, masks, others, columns, counts if varies else None)
    return _rechunk.to_chunks(changed, a.chunks)


def _put_masks(
    a: Array, axes: tuple[int, ...], masks: list[Cell], others: list[Any], columns: Cells, counts: Lengths | None
) -> Array:
    rest = _Rest(_without(a.chunks, axes), others)
    remaining = [axis for axis in range(a.ndim) if axis not in axes]
    cells = a._cells.copy()
    for n, block in enumerate(np.ndindex(*[a.grid[axis] for axis in axes])):
        if counts[n] == 0 if counts else _selects_nothing(masks[n]):
            continue
        chosen = _fancy.operand(masks[n])
        for other, key, place in rest.choices():
            where = _fancy.place_of(a.ndim, axes, block, remaining, other)
            values = _fancy.operand(columns[(n if counts else 0, *place)])
            cells[where] = Cell.of(_put_masked, a._cells[where], axes, chosen, key, values, a.dtype)
    return _array.Array(cells, a.chunks, a.dtype)


def _selects_nothing(mask: Cell) -> bool:
    return isinstance(mask.state, Value) and not mask.state.value.any()


def _put_masked(
    block: Any, axes: tuple[int, ...], mask: Any, key: tuple[Any, ...], values: Any, dtype: np.dtype[Any]
) -> Any:
    return _put_first(block, axes, (mask, *key), values, dtype)
