"""Looking for elements, taking them, putting them in order, and sets of them.

What depends on the values, `nonzero` and the like, is counted at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray._array import Array
from dsarray.xp._arguments import check_arrays, check_operands, numpys, several

__all__ = ["argmax", "argmin", "argsort", "count_nonzero", "isin", "nonzero", "searchsorted", "sort", "take",
           "take_along_axis", "unique_all", "unique_counts", "unique_inverse", "unique_values",
           "where"]  # fmt: skip

Axes = int | tuple[int, ...] | None


def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the position of the first greatest element."""
    check_arrays("argmax", x)
    return numpys(np.argmax, x, axis, keepdims=keepdims)


def argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the position of the first least element."""
    check_arrays("argmin", x)
    return numpys(np.argmin, x, axis, keepdims=keepdims)


def count_nonzero(x: Array, /, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return how many elements are not 0."""
    check_arrays("count_nonzero", x)
    return numpys(np.sum, x != 0, axis, np.int64, keepdims=keepdims)


def nonzero(x: Array, /) -> tuple[Array, ...]:
    """Return the positions of the elements that are not 0, an Array for each axis.

    Raises
    ------
    ValueError
        When there is no axis.
    """
    check_arrays("nonzero", x)
    if x.ndim == 0:
        raise ValueError("xp.nonzero: an array without axes has no positions; use reshape() first.")
    return several(np.nonzero, x)


def searchsorted(x1: Array, x2: Any, /, *, side: str = "left", sorter: Array | None = None) -> Array:
    """Return where values would have to be put into an array that is in order."""
    check_arrays("searchsorted", x1)
    check_operands("searchsorted", x1, x2)
    if sorter is not None:
        check_arrays("searchsorted", sorter)
    return numpys(np.searchsorted, x1, x2, side, sorter)


def where(condition: Array, x1: Any, x2: Any, /) -> Array:
    """Return elements of ``x1`` where the condition holds and of ``x2`` elsewhere."""
    check_arrays("where", condition)
    check_operands("where", x1, x2)
    return numpys(np.where, condition, x1, x2)


def isin(x1: Any, x2: Any, /, *, invert: bool = False) -> Array:
    """Return whether each element is one of others."""
    check_operands("isin", x1, x2)
    return numpys(np.isin, x1, x2, invert=invert)


# --- taking ----------------------------------------------------------------------------------------------------------


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """Return the elements at positions along an axis.

    Raises
    ------
    ValueError
        When ``axis`` is left away and there is not one axis.
    """
    check_arrays("take", x, indices)
    if axis is None and x.ndim != 1:
        raise ValueError(f"xp.take: axis= is needed for an array of {x.ndim} dimensions; name it.")
    return numpys(np.take, x, indices, 0 if axis is None else axis)


def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """Return, of each lane along an axis, the elements at its own positions."""
    check_arrays("take_along_axis", x, indices)
    return numpys(np.take_along_axis, x, indices, axis)


# --- order -----------------------------------------------------------------------------------------------------------


def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Return the positions that put the elements in order along an axis; equal ones keep theirs."""
    check_arrays("argsort", x)
    if not descending:
        return numpys(np.argsort, x, axis, stable=stable)
    last = x.shape[normalize_axis_index(axis, x.ndim)] - 1
    reversed_order = numpys(np.argsort, numpys(np.flip, x, axis), axis, stable=stable)
    return numpys(np.subtract, last, numpys(np.flip, reversed_order, axis))


def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Return the elements in order along an axis."""
    check_arrays("sort", x)
    ordered = numpys(np.sort, x, axis, stable=stable)
    return numpys(np.flip, ordered, axis) if descending else ordered


# --- sets ------------------------------------------------------------------------------------------------------------


class UniqueAllResult(NamedTuple):
    """Distinct values, where they are first, where each element is among them, and how often they occur."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCountsResult(NamedTuple):
    """Distinct values, and how often they occur."""

    values: Array
    counts: Array


class UniqueInverseResult(NamedTuple):
    """Distinct values, and where each element is among them."""

    values: Array
    inverse_indices: Array


def unique_all(x: Array, /) -> UniqueAllResult:
    """Return the distinct values, and all that there is to know about them; each NaN is distinct."""
    check_arrays("unique_all", x)
    return UniqueAllResult(*several(np.unique_all, x))


def unique_counts(x: Array, /) -> UniqueCountsResult:
    """Return the distinct values, and how often they occur; each NaN is distinct."""
    check_arrays("unique_counts", x)
    return UniqueCountsResult(*several(np.unique_counts, x))


def unique_inverse(x: Array, /) -> UniqueInverseResult:
    """Return the distinct values, and where each element is among them; each NaN is distinct."""
    check_arrays("unique_inverse", x)
    return UniqueInverseResult(*several(np.unique_inverse, x))


def unique_values(x: Array, /) -> Array:
    """Return the distinct values, in order; each NaN is distinct."""
    check_arrays("unique_values", x)
    return numpys(np.unique_values, x)
