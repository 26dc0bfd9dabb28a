"""Evenly spaced numbers between arrays: `numpy.linspace` and `numpy.logspace` of Arrays.

Each block is computed from its part of the ends; nothing else moves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _elementwise, _join, _reshape
from dsarray._array import Array
from dsarray._ranges import arange
from dsarray._registry import implements

__all__ = ["span"]


def span(start: Any, stop: Any, num: Any, endpoint: bool, dtype: Any, axis: int) -> tuple[Array, Array]:
    """Return ``num`` numbers between the elements of two arrays, along a new axis, and their spacing.

    As in NumPy, one spacing of 0 changes how all are rounded; whether there is one is found out at once.
    """
    n = num.__index__()
    if n < 0:
        raise ValueError(f"linspace: num={n} is negative; give at least 0.")
    low, high = (_elementwise.as_array(each) for each in (start, stop))
    kind = np.result_type(_type_of(start), _type_of(stop), 0.0)
    known: np.dtype[Any] = kind if dtype is None else np.dtype(dtype)
    low, high = low.astype(kind), high.astype(kind)
    delta = high - low
    n_steps = n - 1 if endpoint else n
    counted = arange(n, dtype=kind.type(0).real.dtype).reshape((n,) + (1,) * delta.ndim)
    if n_steps > 0:
        step = delta / n_steps
        values = counted / n_steps * delta if bool((step == 0).any()) else counted * step
    else:
        step = delta * np.nan
        values = counted * delta
    values = values + low
    if endpoint and n > 1:
        last = _join.broadcast_to(high, delta.shape)
        values = _join.concatenate([values[:-1], _reshape.expand_dims(last, 0)])
    if known.kind in "iu":
        values = _elementwise.elementwise(np.floor, values)
    return _reshape.move_axis(values.astype(known), 0, normalize_axis_index(axis, values.ndim)), step


def _type_of(end: Any) -> Any:
    """What an end says about the type of the result: a Python scalar only whether it is complex."""
    if isinstance(end, (int, float, complex)) and not isinstance(end, np.generic):
        return end
    return end.dtype if isinstance(end, Array) else np.asarray(end).dtype


@implements(np.linspace)
def _linspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
              axis: int = 0, *, device: Any = None) -> Any:  # fmt: skip
    if device not in (None, "cpu"):
        raise ValueError(f"linspace: device={device!r} is unknown; use map_blocks(to_device, a).")
    values, step = span(start, stop, num, endpoint, dtype, axis)
    return (values, step) if retstep else values


@implements(np.logspace)
def _logspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None,
              axis: int = 0) -> Any:  # fmt: skip
    if np.ndim(base):
        raise TypeError("logspace: base= is an array, which is not supported; give a scalar.")
    values = _elementwise.elementwise(np.power, base, span(start, stop, num, endpoint, None, axis)[0])
    return values if dtype is None else values.astype(dtype)
