"""Arrays whose elements follow from their positions: ranges and triangles.

Each block is computed from where it lies, inside of the task that uses it.
"""

from __future__ import annotations

import math
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from dsarray import _elementwise
from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import BlockSize, check_dtype, check_is_dtype, check_is_scalar, filled, from_function
from dsarray._grid import block_shape, check_shape, offsets

__all__ = ["arange", "empty", "geomspace", "linspace", "logspace", "tri"]


def arange(
    start: Any, stop: Any = None, step: Any = 1, dtype: npt.DTypeLike | None = None, *, block_size: BlockSize = None
) -> Array:
    """Return evenly spaced values from ``start`` up to, and without, ``stop``, as `numpy.arange`.

    Parameters
    ----------
    start : scalar
        The first value; where it is the only one given, it is ``stop`` and the first is 0.
    stop, step : scalar, optional
    dtype : dtype, optional
        Type of the elements, by default that of the scalars.
    block_size : int or tuple of int, optional
        See `array`.

    Raises
    ------
    ValueError
        When there would be too many, or a scalar is not finite.
    ZeroDivisionError
        When ``step`` is 0.

    Examples
    --------
    >>> import dsarray as ds
    >>> ds.arange(1, 10, 3).collect()
    array([1, 4, 7])
    """
    check_is_dtype(dtype, "arange")
    if stop is None:
        start, stop = np.asarray(start).dtype.type(0) if isinstance(start, np.generic) else 0, start
    if any(np.ndim(each) for each in (start, stop, step)):
        raise TypeError("arange: an array is no start, stop or step; give scalars.")
    if any(np.asarray(each).dtype.kind not in "biuf" for each in (start, stop, step)):
        raise TypeError("arange: only real numbers are supported; make the numbers, and convert them with astype().")
    known = _range_dtype(start, stop, step, dtype)
    check_dtype(known, "arange")
    length = (stop - start) / step
    if not math.isfinite(length):
        raise ValueError(f"arange: from {start} to {stop} by {step} are too many values; give finite numbers.")
    n = max(0, math.ceil(length))
    chunks = default_chunks((n,), known.itemsize, block_size, "arange")
    if known.kind == "b":
        return _few_bools(n, start, stop, step, known)
    first = np.array(start if n else 0, dtype=known)
    second = np.array(start + step, dtype=known) if n > 1 else first
    ends = offsets(chunks[0])
    return from_function(_range, chunks, known, lambda index: (first, second, ends[index[0]], ends[index[0] + 1]))


def _range_dtype(start: Any, stop: Any, step: Any, dtype: Any) -> np.dtype[Any]:
    """Ask NumPy for the type of a range; it depends on the types of the scalars alone."""
    kinds: list[Any] = [
        np.full((), i, np.result_type(each, np.int8))[()] for i, each in ((0, start), (0, stop), (1, step))
    ]
    known: np.dtype[Any] = np.arange(*kinds, dtype=dtype).dtype
    return known


def _few_bools(n: int, start: Any, stop: Any, step: Any, dtype: np.dtype[Any]) -> Array:
    if n > 2:
        raise TypeError("arange: a range of dtype bool has at most 2 values; give another dtype.")
    return _elementwise.as_array(np.arange(start, stop, step, dtype=dtype))


def _range(first: Any, second: Any, start: int, stop: int) -> Any:
    """Return some of the values that NumPy counts up from the first two."""
    with np.errstate(over="ignore"):
        counted = first + np.arange(start, stop).astype(first.dtype) * (second - first)
    values = counted.astype(first.dtype, copy=False)
    if start <= 1 < stop:
        values[1 - start] = second  # which rounding may have changed
    return values


def linspace(
    start: Any,
    stop: Any,
    num: SupportsIndex = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: npt.DTypeLike | None = None,
    *,
    block_size: BlockSize = None,
) -> Any:
    """Return evenly spaced numbers over an interval, as `numpy.linspace`.

    Parameters
    ----------
    start, stop : scalar
        The interval.
    num : int
        How many.
    endpoint : bool
        True if ``stop`` is the last of them.
    retstep : bool
        True to return the spacing, too.
    dtype : dtype, optional
        Type of the elements, by default of floating point; integers are rounded down.
    block_size : int or tuple of int, optional
        See `array`.

    Raises
    ------
    TypeError
        When ``start`` or ``stop`` is an array.
    ValueError
        When ``num`` is negative.
    """
    n, made = _spaced(start, stop, num, endpoint, block_size, dtype, None, "linspace")
    n_steps = n - 1 if endpoint else n
    step = (np.subtract(stop, start) * 1.0) / n_steps if n_steps > 0 else np.nan
    return (made, step) if retstep else made


def logspace(
    start: Any,
    stop: Any,
    num: SupportsIndex = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: npt.DTypeLike | None = None,
    *,
    block_size: BlockSize = None,
) -> Array:
    """Return numbers evenly spaced on a log scale, from ``base ** start`` to ``base ** stop``; see `linspace`."""
    if np.ndim(base):
        raise TypeError("logspace: base= is an array, which is not supported; give a scalar.")
    return _spaced(start, stop, num, endpoint, block_size, dtype, base, "logspace")[1]


def geomspace(
    start: Any,
    stop: Any,
    num: SupportsIndex = 50,
    endpoint: bool = True,
    dtype: npt.DTypeLike | None = None,
    *,
    block_size: BlockSize = None,
) -> Array:
    """Return a geometric sequence from ``start`` to ``stop``; see `linspace`.

    Raises
    ------
    ValueError
        When ``start`` or ``stop`` is 0.
    """
    check_is_dtype(dtype, "geomspace")
    if not np.all(start) or not np.all(stop):
        raise ValueError("geomspace: a geometric sequence cannot include 0; give other ends.")
    kind = np.result_type(start, stop, float(int(num)), np.zeros((), dtype))
    _check_ends(start, stop, "geomspace")
    first, last = np.asarray(start).astype(kind), np.asarray(stop).astype(kind)
    sign = np.sign(first)
    low, high = np.log10(first / sign), np.log10(last / sign)
    _, made = _spaced(low, high, num, endpoint, block_size, kind, 10.0, "geomspace", (first, last, sign))
    return made.astype(kind if dtype is None else dtype)


def _check_ends(start: Any, stop: Any, where: str) -> None:
    if np.ndim(start) or np.ndim(stop):
        raise TypeError(f"{where}: start= or stop= is an array, which is not supported; give scalars.")


def _spaced(
    start: Any,
    stop: Any,
    num: Any,
    endpoint: bool,
    block_size: Any,
    dtype: Any,
    base: Any,
    where: str,
    ends: Any = None,
) -> tuple[int, Array]:
    """Return how many numbers there are, and an Array of them."""
    check_is_dtype(dtype, where)
    _check_ends(start, stop, where)
    n = num.__index__()
    if n < 0:
        raise ValueError(f"{where}: num={n} is negative; give at least 0.")
    kind = np.result_type(start, stop, float(n))
    sample = np.linspace(start, stop, 0, dtype=dtype)
    known = sample.dtype if base is None else np.logspace(start, stop, 0, base=base, dtype=dtype).dtype
    check_dtype(known, where)
    chunks = default_chunks((n,), known.itemsize, block_size, where)
    about = (np.asarray(start).astype(kind)[()], np.asarray(stop).astype(kind)[()], n, endpoint, base, known, ends)
    bounds = offsets(chunks[0])
    return n, from_function(_spaced_block, chunks, known, lambda index: (about, bounds[index[0]], bounds[index[0] + 1]))


def _spaced_block(about: tuple[Any, ...], first: int, end: int) -> Any:
    start, stop, n, endpoint, base, dtype, ends = about
    values = _interpolate(start, stop, n, endpoint, first, end)
    if base is not None:
        values = np.power(base, values)
    elif np.issubdtype(dtype, np.integer):
        values = np.floor(values)
    values = values.astype(dtype, copy=False)
    if ends is not None and first < end:
        values = _pinned(values, ends, n, endpoint, first, end)
    return values


def _interpolate(start: Any, stop: Any, n: int, endpoint: bool, first: int, end: int) -> Any:
    """Return some of the numbers of `numpy.linspace`, in its own steps."""
    n_steps = n - 1 if endpoint else n
    delta = np.subtract(stop, start)
    values = np.arange(first, end, dtype=delta.real.dtype).astype(delta.dtype)
    if n_steps > 0:
        step = delta / n_steps
        values = values / n_steps * delta if step == 0 else values * step
    else:
        values = values * delta
    values = values + start
    if endpoint and n > 1 and end == n and first < end:
        values[-1] = stop
    return values


def _pinned(values: Any, ends: tuple[Any, Any, Any], n: int, endpoint: bool, first: int, end: int) -> Any:
    """Put the exact ends into a geometric sequence, and the sign that logarithms cannot hold."""
    low, high, sign = ends
    if first == 0:
        values[0] = low / sign
    if endpoint and n > 1 and end == n:
        values[-1] = high / sign
    return values * sign


def empty(shape: Any, dtype: npt.DTypeLike = float, *, block_size: BlockSize = None) -> Array:
    """Make an array to be filled: of zeros, so that two runs give the same; see `zeros`."""
    return filled(np.zeros, shape, dtype, block_size, "empty")


def tri(
    N: SupportsIndex,  # noqa: N803 - NumPy's names
    M: SupportsIndex | None = None,  # noqa: N803 - NumPy's names
    k: int = 0,
    dtype: npt.DTypeLike = float,
    *,
    block_size: BlockSize = None,
) -> Array:
    """Make a matrix with ones at and below the diagonal ``k``, and zeros above; see `eye`."""
    check_is_dtype(dtype, "tri")
    check_is_scalar(M, "M", "tri")
    check_is_scalar(k, "k", "tri")
    shape = check_shape((N, N if M is None else M), "tri")
    known: np.dtype[Any] = np.dtype(dtype)
    chunks = default_chunks(shape, known.itemsize, block_size, "tri")
    rows, columns = map(offsets, chunks)
    return from_function(
        np.tri,
        chunks,
        known,
        lambda index: (*block_shape(chunks, index), k + rows[index[0]] - columns[index[1]], known),
    )
