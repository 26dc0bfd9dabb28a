"""Rows added to arrays and taken away: whole blocks stay as they are where one place is concerned."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _assignment, _elementwise, _index, _reshape
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["append", "delete", "insert"]


def _read_axis(arr: Any, axis: Any) -> tuple[Array, int]:
    a = _elementwise.as_array(arr)
    return (a.ravel(), 0) if axis is None else (a, normalize_axis_index(axis, a.ndim))


def _without_part(a: Array, axis: int, start: int, stop: int) -> Array:
    before = (slice(None),) * axis
    parts = [a[(*before, slice(None, start))], a[(*before, slice(stop, None))]]
    kept = [part for part in parts if part.shape[axis]]
    return _join(kept or parts, axis)


def _join(parts: Any, axis: int) -> Array:
    return cast("Array", np.concatenate(parts, axis=axis))


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Array:
    """Return an array without what is at some positions of an axis; see `numpy.delete`."""
    a, axis = _read_axis(arr, axis)
    n = a.shape[axis]
    if isinstance(obj, slice):
        taken = range(*obj.indices(n))
        if not taken:
            return a.copy()
        if abs(taken.step) == 1:
            return _without_part(a, axis, min(taken), max(taken) + 1)
        obj = np.array(taken)
    else:
        obj = _as_list_of_positions(obj)
    if obj.dtype == bool:
        if obj.shape != (n,):
            raise ValueError(f"np.delete: a mask of shape {obj.shape} does not fit axis {axis} with size {n}.")
        kept = ~obj
    else:
        _index.check_bounds(obj, n, axis)
        if obj.size == 1:
            position = int(obj.item()) % n
            return _without_part(a, axis, position, position + 1)
        kept = np.ones(n, dtype=bool)
        kept[obj] = False
    return a[(*(slice(None),) * axis, kept)]


def _as_list_of_positions(obj: Any) -> Any:
    """Return positions or a mask as an ndarray; of a list that is empty, as ints."""
    given = np.asarray(obj)
    if given.size == 0 and not hasattr(obj, "dtype"):
        return given.astype(np.intp)
    if given.dtype.kind not in "biu":
        raise IndexError(f"Array: positions of dtype {given.dtype} are not ints; convert them with astype(int).")
    return given if given.dtype == bool else np.atleast_1d(given).astype(np.intp)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Array:
    """Return an array with values inserted before some positions of an axis; see `numpy.insert`."""
    a, axis = _read_axis(arr, axis)
    n = a.shape[axis]
    known = _assignment.as_values(a, values)
    before = (slice(None),) * axis
    if isinstance(obj, slice):
        positions = np.arange(*obj.indices(n))
    elif hasattr(obj, "__index__") and not isinstance(obj, (_array.Array, np.ndarray, bool)):
        return _insert_at(a, axis, operator.index(obj), _moved(known, a.ndim, axis))
    else:
        positions = _as_list_of_positions(obj)
        positions = np.flatnonzero(positions) if positions.dtype == bool else positions
        if positions.ndim > 1:
            raise ValueError(f"np.insert: positions of {positions.ndim} axes; give one axis or a scalar.")
        if np.ndim(obj) == 0 and positions.size == 1:
            known = _moved(known, a.ndim, axis)
    if positions.size == 1:
        return _insert_at(a, axis, int(positions.item()), known)
    m = len(positions)
    places = np.where(positions < 0, positions + n, positions)
    places[places.argsort(kind="stable")] += np.arange(m)
    order = np.full(n + m, -1)
    order[places] = n + np.arange(m)
    order[order < 0] = np.arange(n)
    new = _spread(known, (*a.shape[:axis], m, *a.shape[axis + 1 :]))
    return _join([a, new], axis)[(*before, order)]


def _moved(values: Array, ndim: int, axis: int) -> Array:
    """Return values of which the first axis is that of what is inserted, as NumPy has it for a single position."""
    whole = values[(None,) * (ndim - values.ndim)] if values.ndim < ndim else values
    return _reshape.move_axis(whole, 0, axis)


def _insert_at(a: Array, axis: int, position: int, values: Array) -> Array:
    n = a.shape[axis]
    if not -n <= position <= n:
        raise IndexError(f"np.insert: position {position} is out of bounds for axis {axis} with size {n}.")
    position = position + n if position < 0 else position
    values = values[(None,) * (a.ndim - values.ndim)] if values.ndim < a.ndim else values
    new = _spread(values, (*a.shape[:axis], values.shape[axis], *a.shape[axis + 1 :]))
    before = (slice(None),) * axis
    parts = [a[(*before, slice(None, position))], new, a[(*before, slice(position, None))]]
    kept = [part for part in parts if part.shape[axis]] or parts
    return _join(kept, axis)


def _spread(values: Array, shape: tuple[int, ...]) -> Array:
    """Return values broadcast to a shape."""
    fitted = _assignment.fit(values, shape)
    for axis, n in enumerate(shape):
        if fitted.shape[axis] != n:
            fitted = fitted[(*(slice(None),) * axis, np.zeros(n, dtype=np.intp))]
    return fitted


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Array:
    """Return two arrays joined along an axis, or all of their elements in one axis; see `numpy.append`."""
    parts: Any = [_elementwise.as_array(arr), _elementwise.as_array(values)]
    if axis is None:
        parts, axis = [part.ravel() for part in parts], 0
    return _join(parts, axis)
