"""Functions that change an array: `put` and its like are assignments, written in another way.

Short values are repeated as often as needed; where each element has one of them, they come whole to each task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _assignment, _elementwise, _lookup, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import block_indices, offsets
from dsarray._namespace import namespace
from dsarray._registry import implements
from dsarray.functions._selection import as_positions, limited

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["put_flat"]


def _changes(function: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a function called in place of one of NumPy's; an ndarray is changed by NumPy, with Arrays brought here."""

    def register(ours: Callable[..., None]) -> Callable[..., None]:
        def call(target: Any, *args: Any, **keywords: Any) -> None:
            if isinstance(target, _array.Array):
                if target.sparse:
                    raise _sparse.refuse(f"np.{function.__name__}")
                ours(target, *args, **keywords)
            else:
                function(target, *map(_here, args), **{name: _here(value) for name, value in keywords.items()})

        return implements(function)(call)

    return register


def _here(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, _array.Array) else value


# --- at positions ----------------------------------------------------------------------------------------------------


def put_flat(a: Array, positions: Any, values: Any) -> None:
    """Set elements at flat positions, an ndarray of ints that are not out of bounds; values are repeated as needed."""
    known = _assignment.as_values(a, values).ravel()
    if not known.size or not positions.size:
        return
    if known.size != 1:
        known = (
            known[: positions.size] if known.size >= positions.size else known[np.arange(positions.size) % known.size]
        )
    if not a.ndim:
        a[()] = known[known.size - 1]
        return
    positions = np.where(positions < 0, positions + a.size, positions)
    a[np.unravel_index(positions, a.shape)] = known


@_changes(np.put)
def _put(a: Array, ind: Any, v: Any, mode: str = "raise") -> None:
    positions = np.asarray(limited(as_positions(ind, "np.put"), a.size, mode, "np.put")).ravel()
    if not np.size(v):
        return
    if positions.size and not (-a.size <= positions.min() and positions.max() < a.size):
        raise IndexError(
            f"np.put: positions reach beyond the {a.size} elements of the array; give mode='wrap' or 'clip'."
        )
    put_flat(a, positions, v)


@_changes(np.put_along_axis)
def _put_along_axis(arr: Array, indices: Any, values: Any, axis: Any) -> None:
    _lookup.put_along_axis(arr, indices, values, axis)


@_changes(np.fill_diagonal)
def _fill_diagonal(a: Array, val: Any, wrap: bool = False) -> None:
    if a.ndim < 2:
        raise ValueError(f"np.fill_diagonal: array must be at least 2-d, not {a.ndim}-d.")
    end = a.size
    if a.ndim == 2:
        step = a.shape[1] + 1
        end = end if wrap else min(end, a.shape[1] ** 2)
    elif len(set(a.shape)) > 1:
        raise ValueError(f"np.fill_diagonal: all dimensions must be of equal length, but the shape is {a.shape}.")
    else:
        step = 1 + int(np.cumprod(a.shape[:-1]).sum())
    put_flat(a, np.arange(0, end, step), val)


# --- where a mask holds ----------------------------------------------------------------------------------------------


def _as_mask(a: Array, mask: Any, where: str) -> Any:
    """Return a mask in the shape of the array, of whose size it must be."""
    known = mask if isinstance(mask, _array.Array) else np.asarray(mask)
    if known.size != a.size:
        raise ValueError(f"{where}: mask and data must be the same size, but have {known.size} and {a.size} elements.")
    return known.astype(bool).reshape(a.shape)


def _safely(a: Array, values: Any, where: str) -> Any:
    """Return values that the array can hold without loss; NumPy converts lists, and refuses arrays of others."""
    if not isinstance(values, (_array.Array, np.ndarray)):
        return np.array(values).astype(a.dtype)
    if not np.can_cast(values.dtype, a.dtype, "safe"):
        raise TypeError(f"{where}: cannot put {values.dtype} into an Array of {a.dtype}; use astype() first.")
    return values


@_changes(np.putmask)
def _putmask(a: Array, mask: Any, values: Any) -> None:
    known = _assignment.as_values(a, _safely(a, values, "np.putmask")).ravel()
    chosen = _as_mask(a, mask, "np.putmask")
    if known.size == 1:
        a[chosen] = known
    elif known.size:
        whole = _rechunk.to_chunks(known, ((known.size,),))._cells.item()
        whole.anchor = True
        masks = _rechunk.to_chunks(_elementwise.as_array(chosen), a.chunks)._cells
        starts = [offsets(lengths) for lengths in a.chunks]
        cells = [
            Cell.of(_put_cycled, cell, of, whole, [s[i] for s, i in zip(starts, index, strict=True)], a.shape)
            for cell, of, index in zip(a._cells.flat, masks.flat, block_indices(a.chunks), strict=True)
        ]
        a.become(_array.Array(make_cells(a.grid, cells), a.chunks, a.dtype))


def _put_cycled(block: Any, mask: Any, values: Any, start: list[int], shape: tuple[int, ...]) -> Any:
    xp = namespace(block)
    flat = xp.zeros(block.shape, dtype=np.int64)
    for axis, (first, length) in enumerate(zip(start, block.shape, strict=True)):
        along = xp.arange(first, first + length) * int(np.prod(shape[axis + 1 :], dtype=np.int64))
        flat += along.reshape(-1, *(1,) * (block.ndim - axis - 1))
    return xp.where(mask, values[flat % values.size], block)


@_changes(np.place)
def _place(arr: Array, mask: Any, vals: Any) -> None:
    vals = _safely(arr, vals, "np.place")
    chosen = _as_mask(arr, mask, "np.place")
    n = int(chosen.sum()) if vals.size != 1 else 1
    if n and not vals.size:
        raise ValueError("np.place: there is nothing to insert; give at least one value.")
    if vals.size == 1:
        arr[chosen] = vals.ravel()
    elif n:
        flat = vals.ravel()
        arr[chosen] = flat[:n] if flat.size >= n else flat[np.arange(n) % flat.size]


@_changes(np.copyto)
def _copyto(dst: Array, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    sample = _elementwise.sample_of(src)
    if isinstance(src, (list, tuple, np.ndarray)):
        sample = np.asarray(src).ravel()[:0]
    mask = where if isinstance(where, _array.Array) else np.asarray(where)
    np.copyto(np.empty((0,) * max(1, np.ndim(sample)), dst.dtype), sample, casting)
    known = _assignment.fit(_assignment.as_values(dst, src), dst.shape)
    if mask.ndim > dst.ndim or np.broadcast_shapes(mask.shape, dst.shape) != dst.shape:
        raise ValueError(f"np.copyto: where= of shape {mask.shape} does not broadcast to shape {dst.shape}.")
    if mask.dtype != bool:
        mask = mask.astype(bool)
    if not mask.ndim and isinstance(mask, np.ndarray):
        if mask:
            dst[...] = known
        return
    dst.become(_rechunk.to_chunks(_elementwise.elementwise(_where_kept, mask, known, dst), dst.chunks))


def _where_kept(mask: Any, new: Any, old: Any) -> Any:
    return np.where(mask, new, old)
