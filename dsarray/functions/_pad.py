"""Arrays made longer at their ends, one axis after the other.

What is added is made of the rows at the ends, in blocks of its own; the blocks of the array stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dsarray import _array, _creation, _elementwise, _join
from dsarray._cell import Cell, make_cells
from dsarray._grid import SMALL_BYTES, grid_of
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["pad"]

_OPTIONS: dict[str, dict[str, Any]] = {
    "constant": {"constant_values": 0},
    "edge": {},
    "empty": {},
    "linear_ramp": {"end_values": 0},
    "maximum": {"stat_length": None},
    "mean": {"stat_length": None},
    "median": {"stat_length": None},
    "minimum": {"stat_length": None},
    "reflect": {"reflect_type": "even"},
    "symmetric": {"reflect_type": "even"},
    "wrap": {},
}
"""The modes, and what each of them takes."""


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Array:
    """Return an array with more elements at its ends, as `numpy.pad`.

    A function as ``mode`` is refused, and so is ``reflect_type="odd"`` for more elements than the axis has to mirror.
    """
    a = _elementwise.as_dense(array, "pad")
    if callable(mode):
        raise TypeError("pad: a function as mode is not supported for an Array; give the name of a mode.")
    if mode not in _OPTIONS:
        raise ValueError(f"pad: mode={mode!r} is unknown; give one of {', '.join(_OPTIONS)}.")
    unknown = set(keywords) - set(_OPTIONS[mode])
    if unknown:
        raise ValueError(f"pad: mode {mode!r} does not take {', '.join(sorted(unknown))}=; leave it away.")
    widths = _widths(a, pad_width)
    options: dict[str, Any] = {**_OPTIONS[mode], **keywords}
    options = {name: value if name == "reflect_type" else _pairs(a, value, name) for name, value in options.items()}
    for axis, (before, after) in enumerate(widths):
        if mode not in ("constant", "empty") and a.shape[axis] == 0 and (before or after):
            raise ValueError(f"pad: axis {axis} is empty and cannot be extended by mode {mode!r}; use 'constant'.")
    if not a.size and mode not in ("constant", "empty"):
        mode, options = "empty", {}
    for axis, (before, after) in enumerate(widths):
        made = {name: value if name == "reflect_type" else value[axis] for name, value in options.items()}
        ends = _ENDS[mode](a, axis, before, after, mode, **made)
        parts = [(before, ends[0]), (None, a), (after, ends[1])]
        a = _join.concatenate([part.astype(a.dtype) for n, part in parts if n is None or n > 0], axis)
    return a.copy()


def _widths(a: Array, pad_width: Any) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        whole: list[Any] = [(0, 0)] * a.ndim
        for axis, width in pad_width.items():
            whole[axis] = width if isinstance(width, (tuple, list)) else (width, width)
        pad_width = whole
    given = np.asarray(pad_width)
    if given.dtype.kind not in "iu" and given.size:
        raise TypeError("pad: pad_width must be of integral type; give ints.")
    if (given < 0).any():
        raise ValueError(f"pad: pad_width={pad_width!r} has a negative number; give at least 0.")
    return [(int(before), int(after)) for before, after in _pairs(a, given, "pad_width")]


def _pairs(a: Array, value: Any, name: str) -> list[tuple[Any, Any]]:
    """What holds before and after each axis: numbers of Python where NumPy's own are given for each, as in NumPy."""
    given = np.asarray(value)
    if given.ndim < 3 and (given.size == 1 or (given.size == 2 and given.shape != (2, 1))):
        before, after = given.ravel()[[0, -1]]
        return [(before, after)] * a.ndim
    try:
        pairs = np.broadcast_to(given, (a.ndim, 2)).tolist()
    except ValueError:
        raise ValueError(f"pad: {name}={value!r} is not one, two, or two for each of {a.ndim} axes.") from None
    return [(before, after) for before, after in pairs]


def _rows(a: Array, axis: int, start: int | None, stop: int | None) -> Array:
    return a[(*(slice(None),) * axis, slice(start, stop))]


Ends = tuple[Any, Any]
"""What comes before and after the array along an axis."""


def _constant(a: Array, axis: int, before: int, after: int, mode: str, *, constant_values: Any = (0, 0)) -> Ends:
    del mode
    found = []
    row_bytes = a.itemsize * math.prod(n for i, n in enumerate(a.block_shape) if i != axis)
    size = max(1, a.block_shape[axis], SMALL_BYTES // max(1, row_bytes))
    for n, value in zip((before, after), constant_values, strict=True):
        shape = tuple(n if i == axis else length for i, length in enumerate(a.shape))
        chunks: Any = tuple(size if i == axis else lengths for i, lengths in enumerate(a.chunks))
        known = np.empty((), a.dtype)
        known[...] = value  # which refuses what full() would wrap around
        found.append(_creation.full(shape, known, a.dtype, block_size=chunks))
    return found[0], found[1]


def _repeated(a: Array, axis: int, n: int, row: Array) -> Array:
    shape = tuple(n if i == axis else length for i, length in enumerate(a.shape))
    return _join.broadcast_to(row, shape)


def _edge(a: Array, axis: int, before: int, after: int, mode: str) -> Ends:
    del mode
    first, last = _rows(a, axis, 0, 1), _rows(a, axis, -1, None)
    return _repeated(a, axis, before, first), _repeated(a, axis, after, last)


def _ramp(a: Array, axis: int, before: int, after: int, mode: str, *, end_values: Any) -> Ends:
    del mode
    found = []
    for n, rows, value, after_it in (
        (before, _rows(a, axis, 0, 1), end_values[0], False),
        (after, _rows(a, axis, -1, None), end_values[1], True),
    ):
        row = rows.rechunk((*rows.chunks[:axis], (1,), *rows.chunks[axis + 1 :]))
        chunks = (*row.chunks[:axis], (n,), *row.chunks[axis + 1 :])
        cells = [Cell.of(_slope, cell, value, n, axis, after_it) for cell in row._cells.flat]
        found.append(_array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype))
    return found[0], found[1]


def _slope(row: Any, end: Any, n: int, axis: int, after: bool) -> Any:
    """Return values from ``end`` to a row, without it; ``after`` it, the other way round."""
    values = np.linspace(end, row.squeeze(axis), n, endpoint=False, dtype=row.dtype, axis=axis)
    return np.flip(values, axis) if after else values


def _statistic(a: Array, axis: int, before: int, after: int, mode: str, *, stat_length: Any) -> Ends:
    names = {"maximum": "max", "minimum": "min", "mean": "mean", "median": "median"}
    function: Callable[..., Any] = getattr(np, names[mode])
    found = []
    for n, length, from_start in ((before, stat_length[0], True), (after, stat_length[1], False)):
        m = a.shape[axis] if length is None else min(int(length), a.shape[axis])
        if m < 0:
            raise ValueError(f"pad: stat_length={length} is negative; give at least 1.")
        if m == 0 and mode in ("maximum", "minimum"):
            raise ValueError("pad: stat_length of 0 yields no value for padding; give at least 1.")
        rows = _rows(a, axis, 0, m) if from_start else _rows(a, axis, a.shape[axis] - m, None)
        value = function(rows, axis=axis, keepdims=True)
        rounded = np.round(value) if a.dtype.kind in "iu" and value.dtype.kind == "f" else value
        found.append(_repeated(a, axis, n, cast("Any", rounded)))
    return found[0], found[1]


def _mirrored(a: Array, axis: int, before: int, after: int, mode: str, *, reflect_type: str = "even") -> Ends:
    n = a.shape[axis]
    if reflect_type not in ("even", "odd"):
        raise ValueError(f"pad: reflect_type={reflect_type!r} is unknown; give 'even' or 'odd'.")
    is_odd = reflect_type == "odd" and mode != "wrap"
    if is_odd and max(before, after) > (n - 1 if mode == "reflect" else n):
        raise TypeError(f"pad: reflect_type='odd' of more than the axis of {n} has to mirror is not supported.")
    low = _at(a, axis, np.arange(-before, 0), mode)
    high = _at(a, axis, np.arange(n, n + after), mode)
    if is_odd:
        return 2 * _rows(a, axis, 0, 1) - low, 2 * _rows(a, axis, -1, None) - high
    return low, high


def _at(a: Array, axis: int, positions: Any, mode: str) -> Array:
    """What is at positions beyond the ends, which are mirrored or start anew there."""
    n = a.shape[axis]
    if mode == "wrap":
        inside = positions % n
    elif mode == "symmetric":
        inside = positions % (2 * n)
        inside = np.where(inside < n, inside, 2 * n - 1 - inside)
    else:
        inside = positions % max(1, 2 * n - 2)
        inside = np.where(inside < n, inside, 2 * n - 2 - inside)
    return a[(*(slice(None),) * axis, inside)]


_ENDS: dict[str, Callable[..., Ends]] = {
    "constant": _constant,
    "edge": _edge,
    "empty": _constant,
    "linear_ramp": _ramp,
    "maximum": _statistic,
    "mean": _statistic,
    "median": _statistic,
    "minimum": _statistic,
    "reflect": _mirrored,
    "symmetric": _mirrored,
    "wrap": _mirrored,
}
