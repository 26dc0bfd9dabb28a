"""Arrays joined to one, cut into several, and repeated to a larger shape.

Nothing moves: the blocks of the parts are the blocks of the whole, cut where their partners are.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import SMALL_BYTES, Chunks, Lengths, block_indices, block_shape, common_lengths, cut, grid_of
from dsarray._registry import implements
from dsarray._reshape import expand_dims

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["broadcast_to", "concatenate"]


def concatenate(
    arrays: Any, axis: int | None = 0, *, dtype: npt.DTypeLike | None = None, casting: str = "same_kind"
) -> Array:
    """Join arrays along an axis.

    Parameters
    ----------
    arrays : sequence of Array or array_like
        Their shapes may differ along ``axis`` only.
    axis : int or None
        The axis to join along; None joins the elements of all arrays in one axis.
    dtype : dtype, optional
        Type of the elements, by default one that holds those of all arrays.
    casting : str
        Which conversions to ``dtype`` are allowed, as `numpy.can_cast`.

    Raises
    ------
    TypeError
        When elements cannot be converted to ``dtype``.
    ValueError
        When there are no arrays or their shapes do not fit.
    """
    return _concatenate([_elementwise.as_array(each) for each in arrays], axis, dtype, casting, "concatenate")


def _concatenate(parts: list[Array], axis: int | None, dtype: Any, casting: str, where: str) -> Array:
    if not parts:
        raise ValueError(f"{where}: need at least one array; give a sequence of them.")
    if axis is None:
        parts, axis = [a.ravel() for a in parts], 0
    if not parts[0].ndim:
        raise ValueError(f"{where}: 0-dimensional arrays cannot be joined; reshape them to (1,).")
    axis = normalize_axis_index(axis, parts[0].ndim)
    rest = {(*a.shape[:axis], *a.shape[axis + 1 :]) for a in parts}
    if len({a.ndim for a in parts}) > 1 or len(rest) > 1:
        shapes = ", ".join(str(a.shape) for a in parts)
        raise ValueError(f"{where}: shapes {shapes} differ in more than axis {axis}; make the other axes equal.")
    if len({a.sparse for a in parts}) > 1:
        parts = [a.to_dense() for a in parts]
    known = np.result_type(*[a.dtype for a in parts]) if dtype is None else _checked_cast(parts, dtype, casting, where)
    common = [common_lengths([a.chunks[i] for a in parts]) for i in range(parts[0].ndim)]
    aligned = [
        _rechunk.to_chunks(a, tuple(a.chunks[i] if i == axis else common[i] for i in range(a.ndim))).astype(known)
        for a in parts
    ]
    joined = tuple(length for a in aligned for length in a.chunks[axis])
    chunks = (*common[:axis], joined, *common[axis + 1 :])
    cells = np.concatenate([a._cells for a in aligned], axis=axis)
    return _array.Array(cells, chunks, aligned[0].dtype, sparse=parts[0].sparse)


def _checked_cast(parts: Sequence[Array], dtype: Any, casting: Any, where: str) -> np.dtype[Any]:
    target: np.dtype[Any] = np.dtype(dtype)
    for a in parts:
        if not np.can_cast(a.dtype, target, casting=casting):
            raise TypeError(f"{where}: cannot convert {a.dtype} to {target} with casting={casting!r}; use astype().")
    return target


def broadcast_to(a: Array, shape: Any) -> Array:
    """Return an array whose axes of length 1, and new ones in front, are repeated to a shape.

    Axes that are not repeated stay cut as they are; the others are cut into blocks of a moderate size.

    Raises
    ------
    ValueError
        When the shape does not fit.
    """
    if a.sparse:
        raise _sparse.refuse("broadcast_to")
    wanted = tuple(map(int, shape if isinstance(shape, (tuple, list)) else (shape,)))
    fits = len(wanted) >= a.ndim and min(wanted, default=0) >= 0
    if not fits or any(n not in (1, there) for n, there in zip(a.shape[::-1], wanted[::-1], strict=False)):
        raise ValueError(f"broadcast_to: shape {a.shape} cannot be repeated to {wanted}; only axes of length 1 can.")
    n_new = len(wanted) - a.ndim
    a = _rechunk.to_chunks(a, tuple((1,) if sum(lengths) == 1 else lengths for lengths in a.chunks))
    own: list[Lengths | None] = [None] * n_new
    own += [None if sum(lengths) == 1 else lengths for lengths in a.chunks]
    left = SMALL_BYTES // max(1, a.itemsize)
    for lengths in own:
        left //= max(1, *lengths) if lengths else 1
    for axis in reversed(range(len(wanted))):
        if own[axis] is None:
            own[axis] = cut(wanted[axis], max(1, left))
            left //= max(1, *(own[axis] or ()))
    chunks: Chunks = tuple(lengths or (0,) for lengths in own)
    cells = [
        a._cells[tuple(0 if sum(a.chunks[i]) == 1 else index[n_new + i] for i in range(a.ndim))]
        for index in block_indices(chunks)
    ]
    _rechunk.keep_shared(cells)
    repeated = [
        Cell.of(np.broadcast_to, cell, block_shape(chunks, index))
        for cell, index in zip(cells, block_indices(chunks), strict=True)
    ]
    return _array.Array(make_cells(grid_of(chunks), repeated), chunks, a.dtype)


# --- NumPy's functions: joining --------------------------------------------------------------------------------------


@implements(np.concatenate)
def _concatenate_function(
    arrays: Any, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    if out is not None and dtype is not None:
        raise TypeError("np.concatenate: out= and dtype= exclude each other; give one of them.")
    return _elementwise.store(concatenate(arrays, axis, dtype=dtype, casting=casting), out, "np.concatenate")


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    parts = [_elementwise.as_array(each) for each in arrays]
    if not parts:
        raise ValueError("stack: need at least one array; give a sequence of them.")
    if len({a.shape for a in parts}) > 1:
        raise ValueError(f"stack: shapes {', '.join(str(a.shape) for a in parts)} differ; make them equal.")
    if any(a.sparse for a in parts):
        raise _sparse.refuse("stack")
    place = normalize_axis_index(axis, parts[0].ndim + 1)
    parts = [expand_dims(a, place) for a in parts]
    return _elementwise.store(_concatenate(parts, place, dtype, casting, "stack"), out, "np.stack")


def _at_least(parts: Any, function: Any, where: str) -> list[Array]:
    """Make arrays of the parts; ``function`` gives them new axes where they have too few."""
    found = function(*[_elementwise.as_array(each) for each in parts])
    if not isinstance(found, tuple):
        found = (found,)
    if not found:
        raise ValueError(f"{where}: need at least one array; give a sequence of them.")
    return list(found)


@implements(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Array:
    return _concatenate(_at_least(tup, np.atleast_2d, "vstack"), 0, dtype, casting, "vstack")


@implements(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Array:
    parts = _at_least(tup, np.atleast_1d, "hstack")
    return _concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype, casting, "hstack")


@implements(np.dstack)
def _dstack(tup: Any) -> Array:
    return _concatenate(_at_least(tup, np.atleast_3d, "dstack"), 2, None, "same_kind", "dstack")


@implements(np.column_stack)
def _column_stack(tup: Any) -> Array:
    parts = [_elementwise.as_array(each) for each in tup]
    columns = [a if a.ndim > 1 else a.reshape(a.size, 1) for a in parts]
    return _concatenate(columns, 1, None, "same_kind", "column_stack")


@implements(np.block)
def _block(arrays: Any) -> Array:
    depth = _depth(arrays)
    leaves = [_elementwise.as_array(leaf) for leaf in _leaves(arrays)]
    ndim = max(depth, *(a.ndim for a in leaves))
    padded = iter([a.reshape((1,) * (ndim - a.ndim) + a.shape) if a.ndim < ndim else a for a in leaves])

    def join(nested: Any, level: int) -> Array:
        if not isinstance(nested, list):
            return next(padded)
        return _concatenate([join(each, level + 1) for each in nested], level - depth, None, "same_kind", "block")

    return join(arrays, 0).copy()


def _depth(nested: Any) -> int:
    if isinstance(nested, tuple):
        raise TypeError("block: tuples are not taken for blocks; nest lists.")
    if not isinstance(nested, list):
        return 0
    depths = {_depth(each) for each in nested}
    if len(depths) != 1:
        raise ValueError("block: lists are empty or nested to different depths; nest all blocks alike.")
    return 1 + depths.pop()


def _leaves(nested: Any) -> Any:
    return itertools.chain.from_iterable(map(_leaves, nested)) if isinstance(nested, list) else [nested]


@implements(np.broadcast_to)
def _broadcast_to(array: Array, shape: Any, subok: bool = False) -> Array:
    if subok:
        raise TypeError("broadcast_to: subok=True is not supported for an Array; leave it away.")
    return broadcast_to(array, shape)


# --- NumPy's functions: splitting ------------------------------------------------------------------------------------


@implements(np.array_split)
def _array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    axis = normalize_axis_index(axis, ary.ndim)
    if np.ndim(indices_or_sections):
        ends = [0, *map(int, indices_or_sections), ary.shape[axis]]
    else:
        n = int(indices_or_sections)
        if n <= 0:
            raise ValueError(f"array_split: number of sections {n} must be larger than 0.")
        small, n_larger = divmod(ary.shape[axis], n)
        ends = [i * small + min(i, n_larger) for i in range(n + 1)]
    before = (slice(None),) * axis
    return [ary[(*before, slice(start, stop))] for start, stop in itertools.pairwise(ends)]


@implements(np.split)
def _split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    if not np.ndim(indices_or_sections):
        n = ary.shape[axis] if ary.ndim else 0
        if n % int(indices_or_sections):
            raise ValueError(
                f"split: {n} elements do not fall into {indices_or_sections} equal parts; use array_split."
            )
    return _array_split(ary, indices_or_sections, axis)


@implements(np.hsplit)
def _hsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    _check_axes(ary, 1, "hsplit")
    return _split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


@implements(np.vsplit)
def _vsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    _check_axes(ary, 2, "vsplit")
    return _split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def _dsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    _check_axes(ary, 3, "dsplit")
    return _split(ary, indices_or_sections, 2)


def _check_axes(a: Array, least: int, where: str) -> None:
    if a.ndim < least:
        raise ValueError(f"{where}: an array of {a.ndim} dimensions has too few; give at least {least}.")


@implements(np.unstack)
def _unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    if not x.ndim:
        raise ValueError("unstack: a 0-dimensional array has no axis; give at least 1.")
    axis = normalize_axis_index(axis, x.ndim)
    return tuple(x[(*(slice(None),) * axis, i)] for i in range(x.shape[axis]))
