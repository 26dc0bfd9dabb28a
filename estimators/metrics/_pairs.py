"""How often each label was predicted for each other: all that most metrics of classes depend on.

One task for each row of blocks counts its pairs of labels, or adds up their weights, and a tree of tasks adds these
tables. What comes to the main program is one row for each pair that there is, at most n_classes squared. As weighted
samples these are what scikit-learn's metric is called with, so that its rules and warnings hold.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dsflow import wait_on
from estimators.metrics._classes import check_classes
from estimators.metrics._rows import as_vector, cut_alike, sum_over_rows

__all__ = ["Pairs", "add_pairs", "count_labels", "count_pairs"]

_MOST_SIDE_BY_SIDE = 1 << 16
"""How far integers may lie apart to be told apart by a table."""


class Pairs(NamedTuple):
    """Pairs of labels, in order, and how much there is of each."""

    true: Any
    pred: Any
    weights: Any
    """Numbers of samples, int64; or sums of weights."""


def count_pairs(where: str, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Pairs:
    """Return how often each label was predicted for each other, or with which weight.

    Parameters
    ----------
    where : str
        The metric, for errors.
    y_true, y_pred : array_like or Array of shape (n_samples,) or (n_samples, 1)
        At least one is an Array.
    sample_weight : array_like or Array of shape (n_samples,), optional

    Raises
    ------
    ValueError
        When labels are no classes: numbers with a fraction, NaN.
    """
    true, pred, weights = (
        as_vector(where, name, each)
        for name, each in zip(
            ("y_true", "y_pred", "sample_weight"), cut_alike(where, y_true, y_pred, sample_weight), strict=True
        )
    )
    found: Pairs = wait_on(sum_over_rows(_count_block, true, pred, weights, where, combine=add_pairs))
    return found


def _count_block(true: Any, pred: Any, weights: Any, where: str) -> Pairs:
    for labels in (true, pred):
        check_classes(labels, where)
    return count_labels(true, pred, np.ones(len(true), np.int64) if weights is None else np.asarray(weights))


def add_pairs(left: Pairs, right: Pairs) -> Pairs:
    """Return how much there is of each pair in both."""
    return count_labels(*map(np.concatenate, zip(left, right, strict=True)))


def count_labels(true: Any, pred: Any, weights: Any) -> Pairs:
    """Return the pairs of labels that there are, in order, and the sums of their weights."""
    if not len(true):
        return Pairs(true, pred, weights)
    rows, row = _find_labels(true)
    columns, column = _find_labels(pred)
    n_columns = len(columns)
    places, place = _find_labels(row * n_columns + column)
    sums = np.bincount(place, weights=weights).astype(weights.dtype)
    return Pairs(rows[places // n_columns], columns[places % n_columns], sums)


def _find_labels(labels: Any) -> tuple[Any, Any]:
    """Return the labels that differ, in order, and where among them each is; integers side by side are not sorted."""
    if labels.dtype.kind not in "biu" or labels.dtype == np.uint64:
        return np.unique(labels, return_inverse=True)
    least, greatest = int(labels.min()), int(labels.max())
    if greatest - least > _MOST_SIDE_BY_SIDE:
        return np.unique(labels, return_inverse=True)
    shifted = labels.astype(np.int64) - least
    found = np.flatnonzero(np.bincount(shifted))
    positions = np.zeros(greatest - least + 1, np.int64)
    positions[found] = np.arange(len(found))
    return (found + least).astype(labels.dtype), positions[shifted]
