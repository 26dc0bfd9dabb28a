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
from estimators._tallies import Tally, add_tallies, tally, tally_columns
from estimators._validation import join_deferred

__all__ = ["Observed", "add_observed", "is_missing", "observe", "without_missing"]

_PART_BYTES = 1 << 20
"""Size of the parts that rows are worked on in, which should stay in the cache of a core."""


class Observed(NamedTuple):
    """What is known of some rows. Vectors have an element for each feature."""

    n_rows: int
    n_missing: Any
    """How many of them are missing."""
    n_stored: Any
    """How many of them are stored, which may be fewer than all if rows are sparse."""
    total: Any
    """Sum of all that are not missing; like what follows, for the strategy that needs it."""
    low: Any
    """The least of them, infinity if there is none."""
    high: Any
    """The largest of them, minus infinity if there is none."""
    n_negative: Any
    n_positive: Any
    """How many of them are less and more than zero; only of sparse rows."""
    values: Tally
    """For each feature the values that differ; empty where nobody asked."""

    def has_zero_median(self) -> Any:
        """Return of which features of sparse rows both middle values are zero."""
        n_observed = self.n_rows - self.n_missing
        return (self.n_negative <= (n_observed - 1) // 2) & (n_observed // 2 < n_observed - self.n_positive)


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
        return _observe_sparse(rows, missing_values, strategy)
    n_rows, n_features = rows.shape
    none = np.zeros(n_features, dtype=np.int64)
    n_missing, total = none.copy(), np.zeros(n_features)
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
    columns = rows.T if strategy == "most_frequent" else []
    values = tally_columns([column[~is_missing(column, missing_values)] for column in columns], rows.dtype)
    return Observed(n_rows, n_missing, none + n_rows, total, low, high, none, none, values)


def _observe_sparse(rows: Any, missing_values: Any, strategy: str) -> Observed:
    n_rows, n_features = rows.shape
    missing = is_missing(rows.data, missing_values)
    n_missing, n_stored = _count(rows.indices[missing], n_features), _count(rows.indices, n_features)
    places, values = rows.indices[~missing], rows.data[~missing]
    total = np.bincount(places, values, n_features)
    is_zero = n_stored < n_rows
    low, high = np.where(is_zero, 0, np.inf), np.where(is_zero, 0, -np.inf)
    n_negative = n_positive = np.zeros(n_features, dtype=np.int64)
    if strategy == "median":
        np.minimum.at(low, places, values)
        np.maximum.at(high, places, values)
        n_negative, n_positive = (_count(places[each], n_features) for each in (values < 0, values > 0))
    found = tally_columns([], rows.dtype)
    if strategy == "most_frequent":
        each = np.flatnonzero(is_zero)
        zeros = Tally(each, np.zeros(len(each), rows.dtype), (n_rows - n_stored)[each])
        found = add_tallies(tally(places, values, np.ones(len(places), dtype=np.int64)), zeros)
    return Observed(n_rows, n_missing, n_stored, total, low, high, n_negative, n_positive, found)


def _count(places: Any, n_features: int) -> Any:
    return np.bincount(places, minlength=n_features)


def add_observed(left: Observed, right: Observed) -> Observed:
    """Return what is known of two groups of rows together."""
    return Observed(*[
        _ADDED.get(name, np.add)(*pair) for name, *pair in zip(Observed._fields, left, right, strict=True)
    ])  # fmt: skip


_ADDED: dict[str, Any] = {"low": np.minimum, "high": np.maximum, "values": add_tallies}


def without_missing(X: ds.Array, missing_values: Any) -> ds.Array:
    """Return an Array with NaN where something is missing; nothing is computed."""
    if _is_nan(missing_values):
        return X
    return join_deferred(ds.defer_row_blocks(_to_nan, X, missing_values), X.chunks[0], X)


def _to_nan(block: Any, missing_values: Any) -> Any:
    if scipy.sparse.issparse(block):
        block = block.copy()
        block.data[is_missing(block.data, missing_values)] = np.nan
        return block
    xp = ds.namespace(block)
    return xp.where(is_missing(block, missing_values), xp.nan, block)
