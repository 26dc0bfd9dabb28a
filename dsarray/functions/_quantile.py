"""Medians, quantiles and percentiles, without NaN or with it.

Over axes that leave others, blocks are made to hold whole lanes, and NumPy does each block. Over all elements, or
along lanes that are too long for one task, each block is sorted by itself, and only the few elements between which a
quantile lies are brought to one task: the same two that NumPy takes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from dsarray import _array, _elementwise, _reshape, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import Chunks, block_indices, block_shape, grid_of
from dsarray._namespace import namespace
from dsarray._registry import implements
from dsarray.functions import _exchange, _lanes
from dsarray.functions._exchange import Runs
from dsarray.functions._sort import element_counts

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["quantiles"]


def quantiles(
    function: Callable[..., Any],
    a: Array,
    select: Callable[[Array], Cell],
    *,
    axis: Any,
    keepdims: bool,
    q_shape: tuple[int, ...] = (),
    **options: Any,
) -> Array:
    """Compute what one of NumPy's functions gives over axes.

    Parameters
    ----------
    function : callable
        NumPy's function; it says of what type the result is, and what is an error.
    a : Array
    select : callable
        Returns the cell of the result over all elements of an Array, of shape ``q_shape``.
    axis : int, tuple of int or None
        The axes to reduce; None means all.
    keepdims : bool
        True to keep the reduced axes, with length 1.
    q_shape : tuple of int
        What the shape of the result starts with.
    **options
        Passed to ``function``.
    """
    if a.sparse:
        raise _sparse.refuse(f"np.{function.__name__}")
    if a.size == 0:
        return _elementwise.as_array(function(np.empty(a.shape, a.dtype), axis=axis, keepdims=keepdims, **options))
    dtype = np.asarray(function(np.ones(2, dtype=a.dtype), axis=0, **options)).dtype
    dtype = a.dtype if dtype.kind in "SU" else dtype  # of a scalar, NumPy has measured the text
    axes = tuple(range(a.ndim)) if axis is None else tuple(sorted(normalize_axis_tuple(axis, a.ndim)))
    if axes == tuple(range(a.ndim)):
        shape = (*q_shape, *(1,) * a.ndim * keepdims)
        cell = Cell.of(_shaped, select(a), shape, dtype, anchor=True)
        return _array.Array(make_cells((1,) * len(shape), [cell]), tuple((n,) for n in shape), dtype)
    if len(axes) == 1 and _lanes.are_long(a, axes[0]):
        return _long_lanes(a, axes[0], select, keepdims, q_shape, dtype)
    lanes = _lanes.whole_lanes(a, axes)
    kept: Chunks = tuple((1,) if i in axes else lengths for i, lengths in enumerate(lanes.chunks))
    chunks = kept if keepdims else tuple(lengths for i, lengths in enumerate(kept) if i not in axes)
    whole = tuple((n,) for n in q_shape)
    cells = [
        Cell.of(_reduced, function, cell, axes, block_shape((*whole, *chunks), (*(0,) * len(whole), *index)), dtype,
                options, anchor=True)
        for cell, index in zip(lanes._cells.flat, block_indices(chunks), strict=True)
    ]  # fmt: skip
    return _array.Array(make_cells(grid_of((*whole, *chunks)), cells), (*whole, *chunks), dtype)


def _shaped(result: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    return namespace(result).asarray(result).reshape(shape).astype(dtype, copy=False)


def _reduced(
    function: Callable[..., Any],
    block: Any,
    axes: tuple[int, ...],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    options: dict[str, Any],
) -> Any:
    if block.size == 0:  # of lanes; none of them is empty
        return np.empty_like(block, shape=shape, dtype=dtype)
    return function(block, axis=axes, **options).reshape(shape).astype(dtype, copy=False)


def _long_lanes(
    a: Array,
    axis: int,
    select: Callable[[Array], Cell],
    keepdims: bool,
    q_shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> Array:
    """Select from each lane by itself."""
    n_q = int(np.prod(q_shape))

    def selected(lane: Array) -> Array:
        cell = Cell.of(_shaped, select(lane), (n_q,), dtype, anchor=True)
        return _array.Array(make_cells((1,), [cell]), ((n_q,),), dtype)

    found = _reshape.move_axis(_lanes.each_lane(a, axis, selected), axis, 0)
    others = found.shape[1:]
    if keepdims:
        others = (*others[:axis], 1, *others[axis:])
    return found.reshape((*q_shape, *others))


def _runs(a: Array) -> Runs:
    sizes = element_counts(a)
    return _exchange.sort_runs(list(a._cells.flat), sizes, a.itemsize, kind=None, positions=False)


def _valid_runs(a: Array) -> tuple[Runs, Cell]:
    """Sort the elements, and count those that are not NaN."""
    runs = _runs(a)
    counts = [Cell.of(_n_valid, cell, anchor=True) for cell in runs.cells]
    return runs, Cell.of(_total, *counts, anchor=True)


def _n_valid(run: tuple[Any, ...]) -> int:
    return int(np.count_nonzero(np.equal(run[0], run[0])))


def _total(*counts: int) -> int:
    return sum(counts)


def _chosen(runs: Runs, ranks: Any, n_ranks: int) -> list[Cell]:
    """Return cells of the elements of single ranks."""
    ranges = Cell.of(_single, ranks, sum(runs.lengths))
    return [_exchange.take_array(cell) for cell in _exchange.select_ranks(runs, ranges, n_ranks)]


def _single(ranks: Any, n: int) -> Any:
    """Return the ranges of single ranks, counted from the end if negative."""
    found = np.asarray(ranks, dtype=np.int64).ravel() % n
    return np.stack([found, found + 1], axis=1)


# --- medians ---------------------------------------------------------------------------------------------------------


def _select_median(a: Array) -> Cell:
    """Return the cell of the median of all elements, or NaN if one is."""
    return Cell.of(_middle, *_chosen(_runs(a), _middle_ranks(a.size), 3))


def _select_valid_median(a: Array) -> Cell:
    """Return the cell of the median of all elements but NaN."""
    runs, n = _valid_runs(a)
    return Cell.of(_middle_if_any, n, *_chosen(runs, Cell.of(_middle_ranks, n), 3))


def _middle_ranks(n: int) -> tuple[int, int, int]:
    """Return the ranks of the elements in the middle, and of the last."""
    return max(0, (n - 1) // 2), n // 2 if n else 0, n - 1


def _middle(low: Any, high: Any, last: Any) -> Any:
    if np.not_equal(last, last).any():
        return last[0]
    return np.mean(np.concatenate([low, high]))


def _middle_if_any(n: int, low: Any, high: Any, last: Any) -> Any:
    if n == 0:
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
        return last[0]
    return _middle(low, high, last)


# --- quantiles -------------------------------------------------------------------------------------------------------


def _linear_rule(low: float, high: float) -> Callable[[int, Any], Any]:
    """Return one of the continuous rules of Hyndman and Fan (1996), in their parameters alpha and beta."""
    return lambda n, q: n * q + (low + q * (1 - low - high)) - 1


def _step_rule(offset: float, *, to_even: bool) -> Callable[[int, Any], Any]:
    """Return one of their rules that take a single element."""

    def place(n: int, q: Any) -> Any:
        position = n * q - 1 - offset
        below = np.floor(position)
        stays = (position == below) & ((below % 2 == 1) | (not to_even))
        return np.maximum(np.where(stays, below, below + 1).astype(np.intp), 0)

    return place


_STEPS: dict[str, Callable[[int, Any], Any]] = {
    "inverted_cdf": _step_rule(0, to_even=False),
    "closest_observation": _step_rule(0.5, to_even=True),
    "lower": lambda n, q: np.floor((n - 1) * q).astype(np.intp),
    "higher": lambda n, q: np.ceil((n - 1) * q).astype(np.intp),
    "nearest": lambda n, q: np.around((n - 1) * q).astype(np.intp),
}
"""Methods that take a single element; where it is among n in order, for the quantile q."""

_RULES: dict[str, Callable[[int, Any], Any]] = {
    "averaged_inverted_cdf": lambda n, q: n * q - 1,
    "interpolated_inverted_cdf": _linear_rule(0, 1),
    "hazen": _linear_rule(0.5, 0.5),
    "weibull": _linear_rule(0, 0),
    "linear": lambda n, q: (n - 1) * q,
    "median_unbiased": _linear_rule(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _linear_rule(3 / 8.0, 3 / 8.0),
    "midpoint": lambda n, q: 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q)),
}
"""Methods that take something between two elements, with NumPy's order of operations, so that rounding is the same."""


@dataclass(frozen=True, slots=True)
class _Quantiles:
    """Which quantiles to select of all elements of an array, and how."""

    q: Any
    """Between 0 and 1; a Python scalar, whose type does not count for that of the result, or an ndarray."""
    method: str
    """NumPy's name of the method."""
    skips_nan: bool
    """True to leave NaN out; else one NaN makes the result NaN."""

    def __call__(self, a: Array) -> Cell:
        n_ranks = 2 * np.size(self.q) + 1
        if not self.skips_nan:
            return Cell.of(_finish, self, a.size, *_chosen(_runs(a), _ranks(self, a.size), n_ranks))
        runs, n = _valid_runs(a)
        return Cell.of(_finish, self, n, *_chosen(runs, Cell.of(_ranks, self, n), n_ranks))


def _position(wanted: _Quantiles, n: int) -> Any:
    """Return where the quantiles lie among n elements in order; ints where that is at one of them."""
    rule = _STEPS.get(wanted.method) or _RULES[wanted.method]
    return np.asanyarray(rule(n, np.asanyarray(wanted.q)))


def _ranks(wanted: _Quantiles, n: int) -> Any:
    """Return the ranks of the elements below and above each quantile, and of the last one that counts."""
    position = _position(wanted, max(n, 1))
    below = np.floor(position)
    above = below if position.dtype.kind in "iu" else below + 1
    ranks = [np.where(position >= n - 1, n - 1, np.where(position < 0, 0, each)) for each in (below, above)]
    return np.maximum(np.concatenate([*map(np.ravel, ranks), [n - 1]]), 0)


def _finish(wanted: _Quantiles, n: int, *found: Any) -> Any:
    """Interpolate between the elements found."""
    values = np.concatenate(found)
    shape = np.shape(wanted.q)
    if n == 0:
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
    if n == 0 or np.not_equal(values[-1], values[-1]):
        return np.broadcast_to(values[-1:].reshape((1,) * len(shape)), shape)
    below, above = values[:-1].reshape(2, *shape)
    position = _position(wanted, n)
    if position.dtype.kind in "iu" and (wanted.method in _STEPS or wanted.method == "linear"):
        return below
    share = position - np.floor(position)
    if wanted.method == "averaged_inverted_cdf":
        share = np.where(share == 0, 0.5, 1.0)
    elif wanted.method == "midpoint":
        share = np.where(share == 0, 0.0, 0.5)
    share = share.astype(position.dtype)
    is_weak = type(wanted.q) in (int, float)
    return _interpolate(below, above, float(share) if is_weak else namespace(values).asarray(share))


def _interpolate(below: Any, above: Any, share: Any) -> Any:
    """Return what lies between, computed from the nearer of both as in NumPy, so that rounding is the same."""
    difference = above - below
    result = below + difference * share
    from_above = above - difference * (1 - share)
    return np.where(np.greater_equal(share, 0.5), from_above.astype(result.dtype), result)


# --- NumPy's functions -----------------------------------------------------------------------------------------------


def _check(name: str, q: Any = 0, weights: Any = None) -> None:
    if weights is not None:
        raise TypeError(f"np.{name}: weights= is not supported for an Array; use np.bincount or a histogram of them.")
    if isinstance(q, _array.Array):
        raise TypeError(f"np.{name}: q= as an Array is not supported; give numbers or an ndarray.")


def _stored(result: Array, out: Any, function: Any) -> Array:
    put = _elementwise.store if function in (np.median, np.nanmedian) else _elementwise.store_broadcast
    return result if out is None else put(result, out, f"np.{function.__name__}")


def _median_function(function: Any, select: Callable[[Array], Cell]) -> Callable[..., Array]:
    def call(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Array:
        del overwrite_input  # it is allowed to, but need not
        array = _elementwise.as_array(a)
        return _stored(quantiles(function, array, select, axis=axis, keepdims=keepdims is True), out, function)

    return call


def _quantile_function(function: Any, *, scale: int, skips_nan: bool) -> Callable[..., Array]:
    def call(a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
             method: str = "linear", keepdims: Any = False, *, weights: Any = None) -> Array:  # fmt: skip
        del overwrite_input
        _check(function.__name__, q, weights)
        is_plain = type(q) in (int, float)
        given = q if is_plain else np.asanyarray(q)
        fractions = (
            given if scale == 1 else float(np.true_divide(q, scale)) if is_plain else np.true_divide(given, scale)
        )
        wanted = _Quantiles(fractions, method, skips_nan)
        result = quantiles(function, _elementwise.as_array(a), wanted, axis=axis, keepdims=keepdims is True,
                           q_shape=np.shape(q), q=given, method=method)  # fmt: skip
        return _stored(result, out, function)

    return call


implements(np.median)(_median_function(np.median, _select_median))
implements(np.nanmedian)(_median_function(np.nanmedian, _select_valid_median))
implements(np.quantile)(_quantile_function(np.quantile, scale=1, skips_nan=False))
implements(np.nanquantile)(_quantile_function(np.nanquantile, scale=1, skips_nan=True))
implements(np.percentile)(_quantile_function(np.percentile, scale=100, skips_nan=False))
implements(np.nanpercentile)(_quantile_function(np.nanpercentile, scale=100, skips_nan=True))
