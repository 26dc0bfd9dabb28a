"""What is observed and what is missing, feature by feature.

One task for each row of blocks counts what is missing, and adds up what is not or counts each value that occurs; a tree
of tasks unites that. What travels and comes to the main program is some numbers for each feature, or the values that
differ, with how often they occur.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.utils import assert_all_finite

import dsarray as ds
from estimators.impute._medians import add_counts

__all__ = ["Observed", "add_observed", "is_missing", "most_frequent", "observe", "without_missing"]


_PART_BYTES = 1 << 20
"""Size of the parts that rows are worked on in, which should stay in the cache of a core."""


class Observed(NamedTuple):
    """What is known of some rows. Vectors have an element for each feature."""

    n_rows: int
    n_missing: Any
    """How many of them are missing."""
    total: Any
    """Sum of all others; like what follows, for the strategy that needs it."""
    low: Any
    """The least of them, infinity if there is none."""
    high: Any
    """The largest of them, minus infinity if there is none."""
    values: list[tuple[Any, Any]]
    """For each feature the values that differ, in order, and how often they occur; empty where nobody asked."""


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def is_missing(values: Any, missing_values: Any) -> Any:
    """Return where values are missing."""
    if _is_nan(missing_values):
        return ds.namespace(values).isnan(values)
    return values == missing_values


def observe(rows: Any, missing_values: Any, strategy: str, name: str) -> Observed:
    """Return what a strategy needs to know of a block of rows, of which there may be none."""
    rows = ds.to_host(rows)
    assert_all_finite(rows, allow_nan=_is_nan(missing_values), estimator_name=name, input_name="X")
    if scipy.sparse.issparse(rows):
        return _observe_sparse(rows, missing_values)
    n_rows, n_features = rows.shape
    n_missing, total = np.zeros(n_features, dtype=np.int64), np.zeros(n_features)
    low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    n_part = max(1, _PART_BYTES // (8 * n_features))
    for start in range(0, n_rows, n_part):
        part = rows[start : start + n_part]
        missing = is_missing(part, missing_values)
        n_missing += np.count_nonzero(missing, axis=0)
        if strategy == "mean":
            total += np.where(missing, 0, part).sum(axis=0, dtype=float)
        elif strategy == "median":
            low = np.minimum(low, np.where(missing, np.inf, part).min(axis=0))
            high = np.maximum(high, np.where(missing, -np.inf, part).max(axis=0))
    values = [_count_values(column, missing_values) for column in rows.T] if strategy == "most_frequent" else []
    return Observed(n_rows, n_missing, total, low, high, values)


def _count_values(column: Any, missing_values: Any) -> tuple[Any, Any]:
    values, counts = np.unique(column, return_counts=True)
    observed = ~is_missing(values, missing_values)
    return values[observed], counts[observed]


def _observe_sparse(rows: Any, missing_values: Any) -> Observed:
    missing = is_missing(rows.data, missing_values)
    n_missing = np.bincount(rows.indices[missing], minlength=rows.shape[1])
    total = np.bincount(rows.indices, np.where(missing, 0, rows.data), minlength=rows.shape[1])
    unknown = np.zeros(rows.shape[1])
    return Observed(rows.shape[0], n_missing, total, unknown, unknown, [])


def add_observed(left: Observed, right: Observed) -> Observed:
    """Return what is known of two groups of rows together."""
    values = [add_counts(*pair) for pair in zip(left.values, right.values, strict=True)]
    low, high = np.minimum(left.low, right.low), np.maximum(left.high, right.high)
    n_missing, total = left.n_missing + right.n_missing, left.total + right.total
    return Observed(left.n_rows + right.n_rows, n_missing, total, low, high, values)


def most_frequent(observed: Observed) -> Any:
    """Return the value of each feature that occurs most often, the least of them if there are several."""
    return np.array([values[counts.argmax()] if len(values) else 0 for values, counts in observed.values], dtype=float)


def without_missing(X: ds.Array, missing_values: Any) -> ds.Array:
    """Return an Array with NaN where something is missing; nothing is computed."""
    if _is_nan(missing_values):
        return X
    return ds.map_blocks(_to_nan, X, missing_values, dtype=X.dtype, block_shape="same")


def _to_nan(block: Any, missing_values: Any) -> Any:
    xp = ds.namespace(block)
    return xp.where(is_missing(block, missing_values), xp.nan, block)
