"""The values of each feature as at most 255 numbers, which the upper levels of large trees are grown on.

One pass over the rows finds the bins: a task for each row of blocks takes the rows that belong to a sample of them, and
the values of features that have few; one task makes bins of these. The sample is drawn by row, whatever the blocks. A
second pass replaces rows by codes, of one byte for each element, which stay on the workers. A feature with at most 255
values has a bin for each, so that no split is lost; others have bins of about as many rows each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import Future, task

__all__ = ["Bins", "cut_rows", "find_bins", "to_dense"]

MOST_BINS = 255

_SAMPLE_VALUES = 2**24
"""How many elements the sample has at most, unless that is less than `_LEAST_SAMPLE` rows."""

_LEAST_SAMPLE, _MOST_SAMPLE = 2**12, 2**17

_PROBE = 1024
"""So many rows tell that a feature has many values."""


@dataclass(frozen=True)
class Bins:
    """The range of values in each bin."""

    low: Any
    """Smallest values, of shape (n_features, n_bins); those beyond the last bin of a feature mean nothing."""
    high: Any
    """Largest values."""
    n_bins: Any
    """Of each feature, of shape (n_features,)."""
    has_missing: bool
    """Whether there is NaN anywhere: it has the code that follows the last bin of the feature."""

    @property
    def most_codes(self) -> int:
        """How many codes a feature has at most."""
        return int(self.n_bins.max()) + self.has_missing

    def thresholds(self, features: Any, below: Any, above: Any) -> Any:
        """Return values that separate rows up to one bin from rows from another bin on; infinity if that is NaN's."""
        last = self.low.shape[1] - 1
        between = self.high[features, np.minimum(below, last)] / 2 + self.low[features, np.minimum(above, last)] / 2
        return np.where(above < self.n_bins[features], between, np.inf)

    def cut(self, rows: Any) -> Any:
        """Return the bin of each element, of one byte."""
        dense = to_dense(rows)
        codes = np.empty(dense.shape, dtype=np.uint8)
        for feature, n_bins in enumerate(self.n_bins):
            between = self.thresholds(feature, np.arange(n_bins - 1), np.arange(1, n_bins))
            column = dense[:, feature].astype(float)
            codes[:, feature] = np.searchsorted(between, column)
            if self.has_missing:
                codes[np.isnan(column), feature] = n_bins
        return codes


def find_bins(blocks: Sequence[ds.Deferred], lengths: Sequence[int], n_features: int) -> Future[Bins]:
    """Return the bins of features, for rows of blocks of some lengths."""
    n_rows = sum(lengths)
    n_sample = min(n_rows, max(_LEAST_SAMPLE, min(_MOST_SAMPLE, _SAMPLE_VALUES // n_features)))
    chosen = np.sort(np.random.default_rng(n_rows).choice(n_rows, n_sample, replace=False, shuffle=False))
    ends = np.cumsum(lengths)
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    surveys = [
        survey_rows(block, part - start)
        for block, part, start in zip(blocks, parts, ends - lengths, strict=True)
    ]  # fmt: skip
    return make_bins(surveys)


@task
def survey_rows(block: ds.Deferred, chosen: Any) -> tuple[Any, list[Any], bool]:
    """Return the chosen rows, the values of each feature, or None if there are many, and whether NaN is there."""
    rows = to_dense(block.make())
    return rows[chosen], [_few_values(column) for column in rows.T], bool(np.isnan(rows).any())


@task
def make_bins(surveys: list[tuple[Any, list[Any], bool]]) -> Bins:
    """Return the bins of each feature."""
    sample = np.concatenate([rows for rows, _, _ in surveys])
    ranges = []
    for feature, column in enumerate(sample.T):
        known = _merge([few[feature] for _, few, _ in surveys])
        ranges.append((known, known) if known is not None else _share_out(column[~np.isnan(column)].astype(float)))
    n_bins = np.array([len(low) for low, _ in ranges])
    low, high = (np.zeros((len(ranges), n_bins.max())) for _ in range(2))
    for feature, (smallest, largest) in enumerate(ranges):
        low[feature, : len(smallest)], high[feature, : len(largest)] = smallest, largest
    return Bins(low, high, n_bins, any(has_missing for _, _, has_missing in surveys))


@task
def cut_rows(block: ds.Deferred, bins: Bins) -> Any:
    """Return the bin of each element of a row of blocks."""
    return bins.cut(block.make())


def to_dense(rows: Any) -> Any:
    """Return a row of blocks as an ndarray."""
    return rows.toarray() if scipy.sparse.issparse(rows) else ds.to_host(rows)


def _few_values(column: Any) -> Any:
    if len(np.unique(column[:_PROBE])) > MOST_BINS:
        return None
    values = np.unique(column).astype(float)
    values = values[~np.isnan(values)]
    return values if len(values) <= MOST_BINS else None


def _merge(found: Sequence[Any]) -> Any:
    if any(values is None for values in found):
        return None
    values = np.unique(np.concatenate(found))
    if not len(values):
        return np.zeros(1)
    return values if len(values) <= MOST_BINS else None


def _share_out(column: Any) -> tuple[Any, Any]:
    """Return smallest and largest values of bins with about as many elements each."""
    values, counts = np.unique(column, return_counts=True)
    wanted = np.arange(1, MOST_BINS + 1) * (len(column) / MOST_BINS)
    ends = np.unique(np.searchsorted(np.cumsum(counts), wanted - 0.5))
    ends = np.append(ends[ends < len(values) - 1], len(values) - 1)
    return values[np.append(0, ends[:-1] + 1)], values[ends]
