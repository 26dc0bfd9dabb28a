"""Means and variances by blocks.

Variances are combined from counts, means and sums of squared deviations, as in T. F. Chan, G. H. Golub and R. J.
LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979): no large squares cancel.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dsarray._sparse import is_sparse, reduce_sparse

if TYPE_CHECKING:
    from dsarray._reduce import Block

__all__ = ["Moments", "combine_moments", "finish_moments", "mean_of_sum", "partial_moments", "partial_sum", "root"]


class Moments(NamedTuple):
    """What is known of some elements."""

    n: int
    """How many there are."""
    mean: Any
    """Their mean."""
    squares: Any
    """The sum of their squared distances from it."""


def _accumulator(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The type in which elements are summed, where that is not their own."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype == np.float16 else None


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which what comes of blocks is combined."""
    return np.result_type(dtype, np.complex128 if dtype.kind == "c" else np.float64) if dtype.kind in "fc" else dtype


def partial_sum(block: Any, about: Block) -> Any:
    """Return the sum of a block, for a mean."""
    dtype = about.dtype or _accumulator(block.dtype)
    if is_sparse(block):
        return reduce_sparse("sum", block, about.axes, dtype)
    total = np.sum(block, axis=about.axes, keepdims=True, dtype=dtype)
    return total.astype(_wide(total.dtype), copy=False)


def mean_of_sum(total: Any, n: int) -> Any:
    """Return the mean of ``n`` elements that have a sum."""
    with np.errstate(all="ignore"):
        return np.true_divide(total, n)


def partial_moments(block: Any, about: Block) -> Moments:
    """Return the moments of a block."""
    dtype = about.dtype or _accumulator(block.dtype)
    n = math.prod(block.shape[axis] for axis in about.axes)
    with np.errstate(all="ignore"):
        mean = np.true_divide(np.sum(block, axis=about.axes, keepdims=True, dtype=dtype), n)
        deviations = block - mean
        squares = deviations.real**2 + deviations.imag**2 if deviations.dtype.kind == "c" else deviations**2
        total = np.sum(squares, axis=about.axes, keepdims=True)
    return Moments(n, mean.astype(_wide(mean.dtype)), total.astype(_wide(total.dtype)))


def combine_moments(left: Moments, right: Moments) -> Moments:
    """Return the moments of the elements of two groups together."""
    n = left.n + right.n
    with np.errstate(all="ignore"):
        shift = right.mean - left.mean
        between = (shift * np.conjugate(shift)).real * (left.n * right.n / n)
        return Moments(n, left.mean + shift * (right.n / n), left.squares + right.squares + between)


def finish_moments(moments: Moments, n: int, ddof: float) -> Any:
    """Return the variance."""
    with np.errstate(all="ignore"):
        return np.true_divide(moments.squares, max(n - ddof, 0))


def root(moments: Moments, n: int, ddof: float) -> Any:
    """Return the standard deviation."""
    return np.sqrt(finish_moments(moments, n, ddof))
