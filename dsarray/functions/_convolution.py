"""Convolutions and correlations of vectors.

Each task reads one block of the longer one, and as many elements beside it as the shorter one has, which goes whole to
each task.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _rechunk, _reshape
from dsarray._cell import Cell, make_cells
from dsarray._grid import Lengths, offsets
from dsarray._registry import implements
from dsarray.functions._windows import shortened, windows

if TYPE_CHECKING:
    from dsarray._array import Array

__all__: list[str] = []


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Array:
    left, right = (
        _reshape.reshape(each, (1,)) if not each.ndim else each for each in map(_elementwise.as_array, (a, v))
    )
    if left.ndim != 1 or right.ndim != 1:
        raise ValueError(f"np.convolve: arrays of {left.ndim} and {right.ndim} axes; give vectors.")
    if not left.size or not right.size:
        raise ValueError("np.convolve: a and v cannot be empty; give at least one element each.")
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"np.convolve: mode={mode!r}; give 'full', 'same' or 'valid'.")
    if right.shape[0] > left.shape[0]:
        left, right = right, left
    n, m = left.shape[0], right.shape[0]
    first, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    whole = _rechunk.to_chunks(right, ((m,),))._cells[0]
    whole.anchor = True
    lengths = _stretched(left.chunks[0], length)
    bounds, pads = [], []
    for start, stop in itertools.pairwise(offsets(lengths)):
        low, high = first + start - m + 1, first + stop
        bounds.append((max(0, low), min(n, high)))
        pads.append((max(0, -low), max(0, high - n)))
    parts = windows(left, 0, bounds)
    cells = [Cell.of(_slide, part[0], whole, pad) for part, pad in zip(parts, pads, strict=True)]
    dtype = np.convolve(np.ones(1, left.dtype), np.ones(1, right.dtype)).dtype
    return _array.Array(make_cells((len(cells),), cells), (lengths,), dtype)


def _stretched(lengths: Lengths, total: int) -> Lengths:
    """Blocks of an axis of another length, none of them empty; what is more goes to the last one."""
    lengths = tuple(length for length in lengths if length)
    if total <= sum(lengths):
        return shortened(lengths, total)
    return (*lengths[:-1], lengths[-1] + total - sum(lengths))


def _slide(part: Any, weights: Any, pad: tuple[int, int]) -> Any:
    """Return what lies within a padded part; padding is left out, not added up, as 0 times infinity is not 0."""
    if pad == (0, 0):
        return np.convolve(part, weights, "valid")
    n, m = len(part), len(weights)
    return np.convolve(part, weights, "full")[m - 1 - pad[0] : n + pad[1]]


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Array:
    left, right = _elementwise.as_array(a), _elementwise.as_array(v)
    if left.ndim != 1 or right.ndim != 1 or 0 in (left.size, right.size):
        raise ValueError(f"np.correlate: shapes {left.shape}, {right.shape} do not fit; give two vectors, not empty.")
    if right.shape[0] > left.shape[0]:  # as if the shorter one passed along the longer one, seen from behind
        return _correlate(right.conj(), left.conj(), mode)[::-1]
    turned: Any = right[::-1]
    return _convolve(left, turned.conj(), mode)
