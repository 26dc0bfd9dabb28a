# ruff: noqa: A001 - the standard's names
"""Reductions, running sums and products, differences: trees and scans of the blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray.xp._arguments import check_arrays, numpys

__all__ = ["all", "any", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod", "std", "sum",
           "var"]  # fmt: skip

Axes = int | tuple[int, ...] | None


def all(x: Array, /, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return whether all elements over axes are true."""
    check_arrays("all", x)
    return numpys(np.all, x, axis, keepdims=keepdims)


def any(x: Array, /, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return whether any element over axes is true."""
    check_arrays("any", x)
    return numpys(np.any, x, axis, keepdims=keepdims)


def max(x: Array, /, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the greatest element over axes."""
    check_arrays("max", x)
    return numpys(np.max, x, axis, keepdims=keepdims)


def mean(x: Array, /, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the mean over axes."""
    check_arrays("mean", x)
    return numpys(np.mean, x, axis, keepdims=keepdims)


def min(x: Array, /, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the least element over axes."""
    check_arrays("min", x)
    return numpys(np.min, x, axis, keepdims=keepdims)


def prod(x: Array, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Return the product over axes; that of integers is of 64 bits at least."""
    check_arrays("prod", x)
    return numpys(np.prod, x, axis, dtype, keepdims=keepdims)


def std(x: Array, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    """Return the standard deviation over axes; sums are divided by their number of elements less ``correction``."""
    check_arrays("std", x)
    return numpys(np.std, x, axis, ddof=correction, keepdims=keepdims)


def sum(x: Array, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Return the sum over axes; that of integers is of 64 bits at least."""
    check_arrays("sum", x)
    return numpys(np.sum, x, axis, dtype, keepdims=keepdims)


def var(x: Array, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    """Return the variance over axes; sums are divided by their number of elements less ``correction``."""
    check_arrays("var", x)
    return numpys(np.var, x, axis, ddof=correction, keepdims=keepdims)


# --- along an axis ---------------------------------------------------------------------------------------------------


def cumulative_prod(x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Array:
    """Return the products of the elements up to each one; ``include_initial`` puts 1 before them."""
    check_arrays("cumulative_prod", x)
    return numpys(np.cumulative_prod, x, axis=axis, dtype=dtype, include_initial=include_initial)


def cumulative_sum(x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Array:
    """Return the sums of the elements up to each one; ``include_initial`` puts 0 before them."""
    check_arrays("cumulative_sum", x)
    return numpys(np.cumulative_sum, x, axis=axis, dtype=dtype, include_initial=include_initial)


def diff(
    x: Array, /, *, axis: int = -1, n: int = 1, prepend: Array | None = None, append: Array | None = None
) -> Array:
    """Return the differences of neighbours along an axis, taken ``n`` times."""
    given = {name: each for name, each in (("prepend", prepend), ("append", append)) if each is not None}
    check_arrays("diff", x, *given.values())
    return numpys(np.diff, x, n, axis, **given)
