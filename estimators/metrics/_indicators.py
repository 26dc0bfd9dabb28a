"""Means over classes of metrics that look at one class against the rest: as indicators, and scores, one column each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import wait_on
from estimators.metrics._classes import find_classes
from estimators.metrics._multilabel import are_indicators, check_indicators
from estimators.metrics._rows import as_vector, average_rows, sum_over_rows

__all__ = ["average_over_labels", "check_all_indicators", "make_indicators"]


def make_indicators(where: str, true: ds.Array, classes: Any = None) -> tuple[Any, Any]:
    """Return indicators of classes, an Array of bool of shape (n_samples, n_classes), and the classes.

    None of a single column with at most two classes; given indicators are checked.
    """
    if are_indicators(true):
        check_all_indicators(where, true)
        return true != 0, np.arange(true.shape[1])
    labels = as_vector(where, "y_true", true)
    known = find_classes(where, labels) if classes is None else classes
    if len(known) <= 2 and classes is None:
        return None, known
    return labels[:, None] == ds.array(np.asarray(known)[None]), known


def check_all_indicators(where: str, true: ds.Array) -> None:
    """Raise ValueError for what are no indicators."""
    if true.sparse:
        raise TypeError(f"{where}: sparse data was passed, but dense data is required; use y_true.to_dense().")
    wait_on(sum_over_rows(_check_block, true, where))


def _check_block(block: Any, where: str) -> int:
    check_indicators(block, where)
    return 0


def average_over_labels(
    where: str,
    measure: Callable[[ds.Array, ds.Array, Any], float],
    reference: Callable[..., Any],
    indicators: ds.Array,
    scores: ds.Array,
    weights: Any,
    average: Any,
) -> Any:
    """Return what a metric gives for columns of indicators and scores, or their mean.

    Parameters
    ----------
    where : str
        The metric, for errors.
    measure : callable
        The metric of one column, with weights or None.
    reference : callable
        Scikit-learn's metric, which takes the mean over samples.
    indicators : Array of shape (n_samples, n_classes)
    scores : Array of the same shape
    weights : Array of shape (n_samples,), optional
    average : {"micro", "macro", "weighted", "samples"} or None
    """
    if average not in (None, "micro", "macro", "weighted", "samples"):
        raise ValueError(f"{where}: average has to be one of (None, 'micro', 'macro', 'weighted', 'samples')")
    if scores.shape != indicators.shape:
        raise ValueError(
            f"{where}: `y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains multiple "
            f"classes. Got `y_score.shape={scores.shape}`."
        )
    columns = range(indicators.shape[1])
    if average == "samples":
        return float(average_rows(reference, indicators.astype(int), scores, weights=weights, average="samples")[0])
    if average == "micro":
        all_weights = None if weights is None else ds.concatenate([weights] * len(columns))
        joined = [ds.concatenate([each[:, i] for i in columns]) for each in (indicators, scores)]
        return measure(joined[0], joined[1], all_weights)
    found = np.array([measure(indicators[:, i], scores[:, i], weights) for i in columns])
    if average is None:
        return found
    if average == "macro":
        return float(found.mean())
    parts = indicators.astype(int) if weights is None else indicators * weights[:, None]
    of_class = parts.sum(axis=0).collect()
    if np.isclose(of_class.sum(), 0):
        return 0.0
    found[of_class == 0] = 0
    return float(np.average(found, weights=of_class))
