"""How good probabilities of classes are. Names, parameters and results are scikit-learn's; all may be ds-arrays.

One pass finds the classes, and what there is of each, where that is needed; a second one adds up losses, one task for
each row of blocks and a tree. What comes to the main program has the size of the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.metrics

import dsarray as ds
from estimators.metrics._classes import find_classes, find_positive
from estimators.metrics._indicators import check_all_indicators
from estimators.metrics._multilabel import are_indicators
from estimators.metrics._pairs import count_pairs
from estimators.metrics._rows import (
    any_blocks,
    as_columns,
    as_vector,
    average_rows,
    collected,
    cut_alike,
)

__all__ = ["brier_score_loss", "d2_brier_score", "d2_log_loss_score", "log_loss"]


def log_loss(y_true: Any, y_proba: Any, *, normalize: bool = True, sample_weight: Any = None, labels: Any = None):
    """Return the mean, or the sum, of minus the logarithms of the probabilities that were given to true classes.

    One pass finds the classes, unless ``labels`` gives them, and one sums.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
        Classes, or indicators of them.
    y_proba : array_like or Array of shape (n_samples, n_classes) or (n_samples,)
        Columns in the order of the classes; or the probability of the second one.
    normalize : bool
    sample_weight : array_like or Array of shape (n_samples,), optional
    labels : array_like, optional
        The classes.
    """
    reference = sklearn.metrics.log_loss
    if not any_blocks(y_true, y_proba, sample_weight):
        return reference(y_true, y_proba, normalize=normalize, sample_weight=sample_weight, labels=labels)
    true, proba, weights = _cut("log_loss", y_true, y_proba, sample_weight)
    classes = _find_several("log_loss", true) if labels is None else labels
    mean = float(average_rows(reference, true, _narrowed(proba), weights=weights, labels=classes)[0])
    if normalize:
        return mean
    return mean * (true.shape[0] if weights is None else float(weights.sum()))


def brier_score_loss(
    y_true: Any,
    y_proba: Any,
    *,
    sample_weight: Any = None,
    pos_label: Any = None,
    labels: Any = None,
    scale_by_half: Any = "auto",
) -> float:
    """Return the mean of the squared distance of probabilities from 1 for the true class and 0 for the others.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
        Classes, or indicators of them.
    y_proba : array_like or Array of shape (n_samples, n_classes) or (n_samples,)
        Columns in the order of the classes; or the probability of ``pos_label``.
    sample_weight : array_like or Array of shape (n_samples,), optional
    pos_label : int, float, bool or str, optional
        The class that a single column is of; the greater one by default, if classes are numbers.
    labels : array_like, optional
        The classes, of several columns.
    scale_by_half : bool or "auto"
        Whether to halve it, so that it is at most 1; "auto" for less than three classes.
    """
    reference = sklearn.metrics.brier_score_loss
    if not any_blocks(y_true, y_proba, sample_weight):
        return float(
            reference(
                y_true,
                y_proba,
                sample_weight=sample_weight,
                pos_label=pos_label,
                labels=labels,
                scale_by_half=scale_by_half,
            )
        )
    true, proba, weights = _cut("brier_score_loss", y_true, y_proba, sample_weight)
    true, how = _coded(reference, true, proba, pos_label, labels)
    found = average_rows(reference, true, _narrowed(proba), weights=weights, scale_by_half=scale_by_half, **how)
    return float(found[0])


def d2_log_loss_score(y_true: Any, y_proba: Any, *, sample_weight: Any = None, labels: Any = None) -> float:
    """Return by which share `log_loss` is less than that of the frequencies of the classes."""
    reference = sklearn.metrics.d2_log_loss_score
    if not any_blocks(y_true, y_proba, sample_weight):
        return float(reference(y_true, y_proba, sample_weight=sample_weight, labels=labels))
    true, proba, weights = _cut("d2_log_loss_score", y_true, y_proba, sample_weight)
    if true.shape[0] < 2:
        return float(reference(true.collect(), proba.collect(), sample_weight=collected(weights)))
    how = {"labels": _find_several("d2_log_loss_score", true) if labels is None else labels}
    return _explain(sklearn.metrics.log_loss, true, proba, weights, how)


def d2_brier_score(
    y_true: Any, y_proba: Any, *, sample_weight: Any = None, pos_label: Any = None, labels: Any = None
) -> float:
    """Return by which share `brier_score_loss` is less than that of the frequencies of the classes."""
    reference = sklearn.metrics.d2_brier_score
    if not any_blocks(y_true, y_proba, sample_weight):
        return float(reference(y_true, y_proba, sample_weight=sample_weight, pos_label=pos_label, labels=labels))
    true, proba, weights = _cut("d2_brier_score", y_true, y_proba, sample_weight)
    if true.shape[0] < 2:
        return float(reference(true.collect(), proba.collect(), sample_weight=collected(weights)))
    true, how = _coded(sklearn.metrics.brier_score_loss, true, proba, pos_label, labels)
    return _explain(sklearn.metrics.brier_score_loss, true, proba, weights, how)


def _cut(where: str, y_true: Any, y_proba: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    true, proba, weights = cut_alike(where, y_true, y_proba, sample_weight)
    if are_indicators(true):
        check_all_indicators(where, true)
    else:
        true = as_vector(where, "y_true", true)
    weights = as_vector(where, "sample_weight", weights)
    return true, as_columns(where, "y_proba", proba), weights


def _narrowed(proba: ds.Array) -> ds.Array:
    """Return a single column as a vector."""
    return proba[:, 0] if proba.shape[1] == 1 else proba


def _find_several(where: str, true: ds.Array) -> Any:
    """Return the classes, at least two; None of indicators."""
    if are_indicators(true):
        return None
    classes = find_classes(where, true)
    if len(classes) == 1:
        raise ValueError(
            f"{where}: y_true contains only one label ({classes[0]}). Please provide the list of all expected class "
            "labels explicitly through the labels argument."
        )
    return classes


def _coded(
    reference: Callable[..., Any], true: ds.Array, proba: ds.Array, pos_label: Any, labels: Any
) -> tuple[ds.Array, dict[str, Any]]:
    """Return the classes, and what a metric is to know of them; of a single column of probabilities, as 0 and 1."""
    if proba.shape[1] > 1:
        return true, {"labels": _find_several(reference.__name__, true) if labels is None else labels}
    classes = find_classes(reference.__name__, true)
    reference(classes, np.full(len(classes), 0.5), pos_label=pos_label)  # what makes no sense is refused
    if pos_label is None:
        pos_label = find_positive(reference.__name__, classes, anyway=True)
    return (true == pos_label).astype(int), {"pos_label": 1}


def _explain(loss: Callable[..., Any], true: ds.Array, proba: ds.Array, weights: Any, how: dict[str, Any]) -> float:
    """Return 1 less the loss of probabilities over that of the frequencies of the classes."""
    found = float(average_rows(loss, true, _narrowed(proba), weights=weights, **how)[0])
    if are_indicators(true) or "pos_label" in how:
        shares = average_rows(_average_columns, true, weights=weights)
        shares = np.append(shares, 1 - shares) if len(shares) == 1 else shares
    else:
        counts, labels = count_pairs(loss.__name__, true, true, weights), np.unique(how["labels"])
        sums = np.bincount(np.searchsorted(labels, counts.true), weights=counts.weights, minlength=len(labels))
        shares = sums / sums.sum()
    if loss is sklearn.metrics.log_loss:
        eps = np.finfo(float).eps
        null = -(shares * np.log(np.clip(shares, eps, 1 - eps))).sum()
    else:
        null = (shares * (1 - shares)).sum() / (2 if len(shares) < 3 else 1)  # as scale_by_half="auto" has it
    with np.errstate(divide="ignore"):
        return float(1 - np.divide(found, null))


def _average_columns(true: Any, *, sample_weight: Any) -> Any:
    return np.average(true, axis=0, weights=sample_weight)
