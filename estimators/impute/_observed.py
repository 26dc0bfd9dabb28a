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

__all__ = ["Observed", "add_observed", "find_medians", "is_missing", "most_frequent", "observe"]


class Observed(NamedTuple):
    """What is known of some rows. Vectors have an element for each feature."""

    n_rows: int
    n_missing: Any
    """How many of them are missing."""
    total: Any
    """Sum of all others."""
    values: list[tuple[Any, Any]]
    """For each feature the values that differ, in order, and how often they occur; empty where nobody asked."""


def is_missing(values: Any, missing_values: Any) -> Any:
    """Return where values are missing."""
    if missing_values != missing_values:  # noqa: PLR0124 - true for NaN only
        return ds.namespace(values).isnan(values)
    return values == missing_values


def observe(rows: Any, missing_values: Any, with_values: bool, name: str) -> Observed:
    """Return what is known of a block of rows, of which there may be none."""
    rows = ds.to_host(rows)
    allow_nan = missing_values != missing_values  # noqa: PLR0124 - true for NaN only
    assert_all_finite(rows, allow_nan=allow_nan, estimator_name=name, input_name="X")
    if scipy.sparse.issparse(rows):
        return _observe_sparse(rows, missing_values)
    missing = is_missing(rows, missing_values)
    total = np.where(missing, 0, rows).sum(axis=0, dtype=float)
    values = []
    if with_values:
        values = [
            np.unique(column[~gone], return_counts=True) for column, gone in zip(rows.T, missing.T, strict=True)
        ]
    return Observed(rows.shape[0], missing.sum(axis=0), total, values)


def _observe_sparse(rows: Any, missing_values: Any) -> Observed:
    missing = is_missing(rows.data, missing_values)
    n_missing = np.bincount(rows.indices[missing], minlength=rows.shape[1])
    total = np.bincount(rows.indices, np.where(missing, 0, rows.data), minlength=rows.shape[1])
    return Observed(rows.shape[0], n_missing, total, [])


def add_observed(left: Observed, right: Observed) -> Observed:
    """Return what is known of two groups of rows together."""
    values = [_add_counts(*pair) for pair in zip(left.values, right.values, strict=True)]
    return Observed(
        left.n_rows + right.n_rows, left.n_missing + right.n_missing, left.total + right.total, values
    )


def _add_counts(left: tuple[Any, Any], right: tuple[Any, Any]) -> tuple[Any, Any]:
    values, positions = np.unique(np.concatenate([left[0], right[0]]), return_inverse=True)
    return values, np.bincount(positions, np.concatenate([left[1], right[1]]), len(values)).astype(np.int64)


def most_frequent(observed: Observed) -> Any:
    """Return the value of each feature that occurs most often, the least of them if there are several."""
    return np.array([values[counts.argmax()] if len(values) else 0 for values, counts in observed.values], dtype=float)


def find_medians(X: ds.Array, missing_values: Any) -> Any:
    """Return the median of what is observed of each feature, NaN where nothing is."""
    gaps = ds.map_blocks(_to_nan, X, missing_values, dtype=X.dtype, block_shape="same")
    with np.errstate(all="ignore"):
        return np.nanmedian(gaps, axis=0).collect()


def _to_nan(block: Any, missing_values: Any) -> Any:
    xp = ds.namespace(block)
    return xp.where(is_missing(block, missing_values), xp.nan, block)
