"""Discrete Fourier transforms: `numpy.fft` of an Array.

A transform needs the whole of each lane along its axis, so the array is cut along other axes first and each task
transforms the lanes of a block. In several axes it is one axis after the other, and never the whole array. The pieces
of the blocks along an axis travel once. A lane must fit in the memory of one task, as must an array of one axis.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dsarray import _array, _elementwise, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._config import default_chunks
from dsarray._creation import from_function
from dsarray._grid import grid_of, offsets
from dsarray._registry import implements
from dsarray.functions._lanes import whole_lanes

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["frequencies", "shift", "transform", "transform_axes"]


def transform(function: Callable[..., Any], a: Any, n: Any, axis: Any, norm: Any) -> Array:
    """Transform an array along one axis.

    Parameters
    ----------
    function : callable
        A transform of `numpy.fft` along one axis.
    a : Array
    n : int or None
        The length along the axis, to which it is cut or filled up with zeros; of the result, for those that give real
        numbers.
    axis : int
    norm : {"backward", "ortho", "forward"} or None
    """
    a = _elementwise.as_array(a)
    name = f"np.fft.{function.__name__}"
    if a.sparse:
        raise _sparse.refuse(name)
    axis = normalize_axis_index(axis, a.ndim)
    sample = function(np.zeros((0, a.shape[axis]), a.dtype), n, -1, norm)
    lanes = whole_lanes(a, (axis,))
    chunks = (*lanes.chunks[:axis], (sample.shape[1],), *lanes.chunks[axis + 1 :])
    cells = [Cell.of(function, cell, n, axis, norm, anchor=not a.streamed) for cell in lanes._cells.flat]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, sample.dtype)


def transform_axes(function: Callable[..., Any], a: Any, s: Any, axes: Any, norm: Any) -> Array:
    """Transform an array along several axes, in NumPy's order.

    Parameters
    ----------
    function : callable
        A transform of `numpy.fft` along one axis; of those of real numbers, it is for the last axis.
    a : Array
    s : sequence of int or None
        The lengths along the axes; -1 is the array's own.
    axes : sequence of int or None
        By default all, or the last ones if ``s`` is given.
    norm : {"backward", "ortho", "forward"} or None
    """
    a = _elementwise.as_array(a)
    lengths, along = _lengths_along(a, s, axes, to_real=function is np.fft.irfft)
    steps = list(zip(lengths, along, strict=True))
    if not steps and function in (np.fft.rfft, np.fft.irfft):
        raise IndexError("np.fft: a transform of real numbers needs an axis; name one.")
    plain = np.fft.ifft if function in (np.fft.ifft, np.fft.irfft) else np.fft.fft
    if function is np.fft.irfft:
        for n, axis in steps[:-1]:
            a = transform(plain, a, n, axis, norm)
        return transform(function, a, *steps[-1], norm)
    if function is np.fft.rfft:
        a = transform(function, a, *steps.pop(), norm)
    for n, axis in reversed(steps):
        a = transform(plain, a, n, axis, norm)
    result: Array = a
    return result


def _lengths_along(a: Array, s: Any, axes: Any, *, to_real: bool) -> tuple[list[int], list[int]]:
    """Return the length along each axis, and the axes, as NumPy understands them."""
    if axes is None:
        axes = range(-len(s), 0) if s is not None else range(a.ndim)
    along = [normalize_axis_index(operator.index(axis), a.ndim) for axis in axes]
    if s is None:
        lengths = [a.shape[axis] for axis in along]
        if to_real and lengths:
            lengths[-1] = (lengths[-1] - 1) * 2
        return lengths, along
    if len(s) != len(along):
        raise ValueError(f"np.fft: s={s!r} and axes={axes!r} have different lengths; give one length for each axis.")
    if any(n is None for n in s):
        raise TypeError(f"np.fft: s={s!r} holds None, which is not supported; give -1 for the array's own length.")
    return [a.shape[axis] if n == -1 else n for n, axis in zip(s, along, strict=True)], along


def shift(a: Any, axes: Any, sign: int) -> Any:
    """Move the zero frequency to the middle, or back if ``sign`` is -1."""
    a = _elementwise.as_array(a)
    along = tuple(range(a.ndim)) if axes is None else normalize_axis_tuple(axes, a.ndim, allow_duplicate=True)
    return np.roll(a, tuple(sign * (a.shape[axis] // 2) for axis in along), along)


def frequencies(n: Any, d: Any, dtype: Any, *, only_positive: bool, where: str) -> Array:
    """Make the frequencies of a transform of ``n`` samples that are ``d`` apart."""
    n = operator.index(n)
    scale = 1.0 / (n * d)
    length = n // 2 + 1 if only_positive else n
    first_negative = length if only_positive else (n - 1) // 2 + 1
    chunks = default_chunks((length,), dtype.itemsize, None, where)
    ends = offsets(chunks[0])
    return from_function(
        _frequencies,
        chunks,
        dtype,
        lambda index: (ends[index[0]], ends[index[0] + 1], first_negative, n, scale, dtype),
    )


def _frequencies(start: int, stop: int, first_negative: int, n: int, scale: Any, dtype: np.dtype[Any]) -> Any:
    positions = np.arange(start, stop)
    return (np.where(positions < first_negative, positions, positions - n) * scale).astype(dtype)


# --- NumPy's functions -----------------------------------------------------------------------------------------------


def _along_one(function: Callable[..., Any]) -> None:
    @implements(function)
    def call(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        return _elementwise.store(transform(function, a, n, axis, norm), out, f"np.fft.{function.__name__}")


for _function in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft):
    _along_one(_function)


def _along_many(numpys: Callable[..., Any], function: Callable[..., Any], default: Sequence[int] | None) -> None:
    @implements(numpys)
    def call(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        return _elementwise.store(transform_axes(function, a, s, axes, norm), out, f"np.fft.{numpys.__name__}")


for _function, _of_two, _of_many in (
    (np.fft.fft, np.fft.fft2, np.fft.fftn),
    (np.fft.ifft, np.fft.ifft2, np.fft.ifftn),
    (np.fft.rfft, np.fft.rfft2, np.fft.rfftn),
    (np.fft.irfft, np.fft.irfft2, np.fft.irfftn),
):
    _along_many(_of_two, _function, (-2, -1))
    _along_many(_of_many, _function, None)


@implements(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return shift(x, axes, 1)


@implements(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return shift(x, axes, -1)
