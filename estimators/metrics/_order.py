"""Values in order, with their weights: each travels once, in a distributed sort, as a complex number of 16 bytes.

The real part is the value, the imaginary part its weight, which is negative for samples that are not of a class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import dsarray as ds
from estimators.metrics._rows import map_on_host

__all__ = ["find_quantile", "sort_scores"]


def sort_scores(where: str, values: ds.Array, is_positive: Any = None, weights: Any = None) -> ds.Array:
    """Return values in order, with marks as imaginary parts.

    Parameters
    ----------
    where : str
        The metric, for errors.
    values : Array of shape (n_samples,)
    is_positive : Array of shape (n_samples,), optional
        Bools; marks of the others are negative.
    weights : Array of shape (n_samples,), optional
        What marks are, 1 by default; values with weight 0 are left out.

    Raises
    ------
    ValueError
        When values are not finite, or weights are negative, as a task finds it.
    """
    marked = ds.from_blocks(map_on_host(_mark, values, is_positive, weights, where), values.chunks[:1], np.complex128)
    if weights is not None:
        marked = marked[marked.imag != 0]
    return np.sort(marked)  # type: ignore[return-value]  # NumPy's protocol


def _mark(values: Any, is_positive: Any, weights: Any, where: str) -> Any:
    """Return values with weights as imaginary parts, of which those of the rest are negative."""
    _check_finite(values, where)
    if weights is not None and not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"{where}: sample_weight has negative or no finite values, which is not supported.")
    marks = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    marked = np.empty(len(values), np.complex128)
    marked.real = values
    marked.imag = marks if is_positive is None else np.where(is_positive, marks, -marks)
    return marked


def find_quantile(where: str, values: ds.Array, weights: Any, share: float) -> float:
    """Return the value below which a share of the weights lies; the mean of two if it is exactly between them.

    Without weights, only the values that are looked for travel, and values are sorted otherwise. Weights are added up
    as float64.
    """
    if weights is None:
        checked = ds.map_blocks(_check_finite, values, where, dtype=values.dtype, block_shape="same")
        return float(np.quantile(checked, share, method="averaged_inverted_cdf"))
    ordered = sort_scores(where, values, weights=weights)
    last = ordered.shape[0] - 1
    if last < 0:
        raise ValueError(f"{where}: Sample weights must contain at least one non-zero number.")
    sums = np.cumsum(ordered.imag)
    target = share * float(sums[-1])
    first = min(int((sums < target).sum()), last)
    second = first if float(sums[first]) - target > np.finfo(float).eps else min(first + 1, last)
    return float(ordered[[first, second]].collect().real.mean())


def _check_finite(values: Any, where: str) -> Any:
    if not np.isfinite(values).all():
        raise ValueError(f"{where}: Input contains NaN or infinity.")
    return values
