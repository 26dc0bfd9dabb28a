"""Functions of neighbours along an axis: differences, gradients, integrals.

Each task reads one block and the few elements beside it.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dsarray import _array, _elementwise, _join, _rechunk, _reshape, _sparse
from dsarray._grid import offsets
from dsarray._reduce import NOTHING
from dsarray._registry import implements
from dsarray.functions._windows import from_windows, keep, shortened

if TYPE_CHECKING:
    from dsarray._array import Array

__all__: list[str] = []


# --- differences -----------------------------------------------------------------------------------------------------


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = NOTHING, append: Any = NOTHING) -> Any:
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"np.diff: order n={n} is negative; give at least 0.")
    array = _elementwise.as_array(a)
    if not array.ndim:
        raise ValueError("np.diff: a 0-dimensional Array has no neighbours; give at least one dimension.")
    if array.sparse:
        raise _sparse.refuse("np.diff")
    axis = normalize_axis_index(axis, array.ndim)
    array = _extended(array, axis, prepend, append)
    length = max(array.shape[axis] - n, 0)
    dtype = np.diff(np.ones(n + 1, array.dtype), n).dtype
    lengths = shortened(array.chunks[axis], length)
    bounds = [(start, min(stop + n, array.shape[axis])) for start, stop in itertools.pairwise(offsets(lengths))]
    return from_windows(array, axis, lengths, bounds, _difference, [(n, axis)] * len(lengths), dtype)


def _extended(a: Array, axis: int, prepend: Any, append: Any) -> Array:
    given = [NOTHING if each is NOTHING else _elementwise.as_array(each) for each in (prepend, append)]
    shape = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    before, after = ([] if each is NOTHING else [each if each.ndim else _join.broadcast_to(each, shape)]
                     for each in given)  # fmt: skip
    return _join.concatenate([*before, a, *after], axis=axis) if before or after else a


def _difference(block: Any, how: tuple[int, int]) -> Any:
    return np.diff(block, how[0], how[1])


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    array = _elementwise.as_array(ary)
    result = np.subtract(np.ones(0, array.dtype), np.ones(0, array.dtype)).dtype  # NumPy's error for bool
    differences = _diff(_reshape.reshape(array, (-1,)))
    if to_end is None and to_begin is None:
        return differences
    parts = []
    for name, each in (("to_begin", to_begin), ("to_end", to_end)):
        ends = None if each is None else _elementwise.as_array(each)
        if ends is not None and not np.can_cast(ends.dtype, array.dtype, casting="same_kind"):
            raise TypeError(
                f"np.ediff1d: {name} of {ends.dtype} does not fit differences of {array.dtype}; use astype."
            )
        parts.append([] if ends is None else [_reshape.reshape(ends, (-1,)).astype(result)])
    return _join.concatenate([*parts[0], differences, *parts[1]])


# --- gradients and integrals -----------------------------------------------------------------------------------------


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Coordinates may be ndarrays, or Arrays of one axis, which are brought here."""
    a = _elementwise.as_dense(f, "np.gradient")
    axes = tuple(range(a.ndim)) if axis is None else normalize_axis_tuple(axis, a.ndim)
    spacings = [np.asarray(each) for each in varargs] or [np.asarray(1.0)] * len(axes)
    if len(spacings) == 1 and spacings[0].ndim == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"np.gradient: {len(spacings)} spacings for {len(axes)} axes; give one, or one an axis.")
    results = [_gradient_along(a, each, spacing, edge_order) for each, spacing in zip(axes, spacings, strict=True)]
    return results[0] if len(results) == 1 else tuple(results)


def _gradient_along(a: Array, axis: int, spacing: Any, edge_order: Any) -> Array:
    n = a.shape[axis]
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: edge_order={edge_order} is not supported; give 1 or 2.")
    if n < edge_order + 1:
        raise ValueError(f"np.gradient: axis {axis} has {n} elements, but at least {edge_order + 1} are needed.")
    if spacing.ndim and spacing.shape != (n,):
        raise ValueError(f"np.gradient: coordinates of shape {spacing.shape} do not fit axis {axis} with size {n}.")
    if spacing.ndim and spacing.dtype.kind in "iu":
        spacing = spacing.astype(np.float64)
    if spacing.ndim and (np.diff(spacing) == np.diff(spacing)[0]).all():
        spacing = np.diff(spacing)[0]  # as in NumPy, which has another formula for even spacing
    dtype = np.gradient(np.ones(edge_order + 1, a.dtype), _few(spacing, edge_order + 1), edge_order=edge_order).dtype
    bounds, calls = [], []
    for start, stop in itertools.pairwise(offsets(a.chunks[axis])):
        low, high = max(0, start - 1), min(n, stop + 1)
        if start > 0:
            low = max(0, min(low, high - edge_order - 1))
        if high - low < edge_order + 1:
            high = min(n, low + edge_order + 1)
        bounds.append((low, high))
        local = spacing[low:high] if np.ndim(spacing) else spacing
        calls.append((local, axis, edge_order, slice(start - low, stop - low)))
    return from_windows(a, axis, a.chunks[axis], bounds, _slope, calls, dtype)


def _few(spacing: Any, n: int) -> Any:
    return spacing[:n] if np.ndim(spacing) else spacing


def _slope(block: Any, call: tuple[Any, int, Any, slice]) -> Any:
    spacing, axis, edge_order, kept = call
    return np.gradient(block, spacing, axis=axis, edge_order=edge_order)[(*(slice(None),) * axis, kept)]


@implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    a = _elementwise.as_dense(y, "np.trapezoid")
    axis = normalize_axis_index(axis, a.ndim)
    widths: Any = dx
    if x is not None:
        points = x if isinstance(x, _array.Array) else np.asarray(x)
        widths = np.diff(points) if points.ndim == 1 else np.diff(points, axis=axis)
        if points.ndim == 1:
            widths = widths.reshape([-1 if i == axis else 1 for i in range(a.ndim)])
    if a.grid[axis] > 1:
        keep(a)
    upper = a[(*(slice(None),) * axis, slice(1, None))]
    lower = _rechunk.to_chunks(a[(*(slice(None),) * axis, slice(None, -1))], upper.chunks)
    return np.sum(widths * (upper + lower) / 2.0, axis=axis)


@implements(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    a = _elementwise.as_array(p)
    axis = normalize_axis_index(axis, a.ndim) if a.ndim else 0
    steps = _diff(a, axis=axis)
    corrections = _elementwise.elementwise(
        _correction, steps, discont=period / 2 if discont is None else discont, period=period
    )
    key = (slice(None),) * axis
    dtype = np.result_type(steps.dtype, period)
    first, rest = a[(*key, slice(0, 1))].astype(dtype), a[(*key, slice(1, None))]
    return _join.concatenate([first, (rest + np.cumsum(corrections, axis)).astype(dtype)], axis=axis)


def _correction(steps: Any, discont: Any, period: Any) -> Any:
    """What to add to steps that are too large; the steps of `numpy.unwrap`."""
    is_integer = np.result_type(steps, period).kind in "iu"
    high, rest = divmod(period, 2) if is_integer else (period / 2, 0)
    wrapped = np.mod(steps + high, period) - high
    if rest == 0:
        wrapped = np.where((wrapped == -high) & (steps > 0), high, wrapped).astype(wrapped.dtype, copy=False)
    correction = wrapped - steps
    return np.where(np.abs(steps) < discont, 0, correction).astype(correction.dtype, copy=False)
