"""NumPy's polynomials: values of one at all elements, and one that fits points, by least squares.

The coefficients of a polynomial come to the main program; the points stay where they are.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _creation, _elementwise
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__: list[str] = []


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    """By Horner's method, as NumPy does it."""
    coefficients = p.collect() if isinstance(p, _array.Array) else np.asarray(p)
    if isinstance(x, np.poly1d):
        return np.polyval(coefficients, x)
    x = _elementwise.as_dense(x, "np.polyval")
    value: Any = _creation.zeros(x.shape, dtype=x.dtype, block_size=x.chunks)
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


@implements(np.polyfit)
def _polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    order = int(deg) + 1
    x, y = (_elementwise.as_dense(each, "np.polyfit") + 0.0 for each in (x, y))
    _check_points(x, y, order)
    table, right = np.vander(x, order), y
    if w is not None:
        weights = _elementwise.as_dense(w, "np.polyfit") + 0.0
        _check_weights(weights, y)
        table, right = table * weights[:, None], right * weights[(slice(None), *(None,) * (y.ndim - 1))]
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    scale = np.sqrt((table * table).sum(axis=0))
    table = table / scale
    found, residuals, rank, singular = np.linalg.lstsq(table, right, rcond)
    found = (found.T / scale).T
    if rank != order and not full:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=4)
    if full:
        return found, residuals, rank, singular, rcond
    if not cov:
        return found
    return found, _covariance(table, scale, residuals, y.ndim, unscaled=isinstance(cov, str) and cov == "unscaled")


def _check_points(x: Array, y: Array, order: int) -> None:
    """Raise what NumPy raises for points that make no sense."""
    if order < 1:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if x.size == 0:
        raise TypeError("expected non-empty vector for x")
    if y.ndim not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if x.shape[0] != y.shape[0]:
        raise TypeError("expected x and y to have same length")


def _check_weights(weights: Array, y: Array) -> None:
    if weights.ndim != 1:
        raise TypeError("expected a 1-d array for weights")
    if weights.shape[0] != y.shape[0]:
        raise TypeError("expected w and y to have the same length")


def _covariance(table: Array, scale: Array, residuals: Any, ndim: int, *, unscaled: bool) -> Any:
    """Return the covariances of coefficients, as NumPy scales them."""
    base = np.linalg.inv(table.T @ table) / (scale[:, None] * scale[None, :])
    if unscaled:
        return base if ndim == 1 else base[:, :, None]
    n_rows, order = table.shape
    if n_rows <= order:
        raise ValueError("the number of data points must exceed order to scale the covariance matrix")
    factor = residuals / (n_rows - order)
    return base * factor if ndim == 1 else base[:, :, None] * factor
