"""Means and variances by blocks.

Variances are combined from counts, means and sums of squared deviations, as in T. F. Chan, G. H. Golub and R. J.
LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979): no large squares cancel.
What rounding takes from a mean is kept beside it, since differences of means far from 0 would otherwise be wrong.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dsarray._namespace import namespace
from dsarray._sparse import is_sparse, reduce_sparse

if TYPE_CHECKING:
    from dsarray._reductions import Block

__all__ = [
    "Moments",
    "Total",
    "combine_moments",
    "combine_totals",
    "finish_moments",
    "mean_of_total",
    "partial_moments",
    "partial_total",
    "root",
]


class Total(NamedTuple):
    """What is known of some elements, for their mean."""

    n: Any
    """How many there are: an int, or one for each lane if some are left out."""
    total: Any
    """Their sum."""


class Moments(NamedTuple):
    """What is known of some elements, for their variance."""

    n: Any
    """How many there are: an int, or one for each lane if some are left out."""
    mean: Any
    """Their mean; 0 if the user has given a mean."""
    rest: Any
    """By how much their mean is larger than the number that stands for it."""
    squares: Any
    """The sum of their squared distances from their mean."""


def _accumulator(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The type in which elements are summed, where that is not their own."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype == np.float16 else None


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which what comes of blocks is combined."""
    return np.result_type(dtype, np.complex128 if dtype.kind == "c" else np.float64) if dtype.kind in "fc" else dtype


def _count(block: Any, axes: tuple[int, ...], where: Any) -> Any:
    if where is None:
        return math.prod(block.shape[axis] for axis in axes)
    xp = namespace(block)
    return xp.sum(xp.broadcast_to(xp.asarray(where), block.shape), axis=axes, keepdims=True, dtype=np.intp)


def _sum(block: Any, axes: tuple[int, ...], dtype: Any, where: Any) -> Any:
    options = {} if where is None else {"where": where}
    return np.sum(block, axis=axes, keepdims=True, dtype=dtype, **options)


def partial_total(block: Any, about: Block, where: Any = None) -> Total:
    """Return the number of elements of a block, and their sum."""
    dtype = about.dtype or _accumulator(block.dtype)
    n = _count(block, about.axes, where)
    if is_sparse(block):
        return Total(n, reduce_sparse("sum", block, about.axes, dtype))
    total = _sum(block, about.axes, dtype, where)
    return Total(n, total.astype(_wide(total.dtype), copy=False))


def combine_totals(left: Total, right: Total) -> Total:
    """Return the number and sum of the elements of two groups together."""
    return Total(left.n + right.n, left.total + right.total)


def mean_of_total(total: Total) -> Any:
    """Return the mean."""
    with np.errstate(all="ignore"):
        return np.true_divide(total.total, total.n)


def partial_moments(block: Any, about: Block, where: Any = None, given_mean: Any = None) -> Moments:
    """Return the moments of a block; about the mean that the user has given, if any."""
    dtype = about.dtype or _accumulator(block.dtype)
    n = _count(block, about.axes, where)
    with np.errstate(all="ignore"):
        mean = np.true_divide(_sum(block, about.axes, dtype, where), np.maximum(n, 1))
        deviations = block - (mean if given_mean is None else given_mean)
        squares = deviations.real**2 + deviations.imag**2 if deviations.dtype.kind == "c" else deviations**2
        total = _sum(squares, about.axes, None, where)
        total = total.astype(_wide(total.dtype))
        if given_mean is not None:
            return Moments(n, 0.0, 0.0, total)
        rest = _sum(deviations, about.axes, None, where).astype(_wide(mean.dtype)) / np.maximum(n, 1)
        return Moments(n, mean.astype(_wide(mean.dtype)), rest, total - n * (rest * np.conjugate(rest)).real)


def combine_moments(left: Moments, right: Moments) -> Moments:
    """Return the moments of the elements of two groups together."""
    n = left.n + right.n
    share = np.true_divide(right.n, np.maximum(n, 1))
    with np.errstate(all="ignore"):
        shift = np.subtract(right.mean, left.mean) + np.subtract(right.rest, left.rest)
        between = (shift * np.conjugate(shift)).real * (left.n * share)
        mean = np.where(left.n == 0, right.mean, left.mean)
        rest = np.subtract(left.mean, mean) + left.rest + shift * share
        return Moments(n, mean, rest, left.squares + right.squares + between)


def finish_moments(moments: Moments, ddof: float) -> Any:
    """Return the variance."""
    with np.errstate(all="ignore"):
        return np.true_divide(moments.squares, np.maximum(moments.n - ddof, 0))


def root(moments: Moments, ddof: float) -> Any:
    """Return the standard deviation."""
    return np.sqrt(finish_moments(moments, ddof))
