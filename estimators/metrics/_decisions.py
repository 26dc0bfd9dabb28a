"""How good scores of classes are, sample by sample. Names, parameters and results are scikit-learn's.

One pass finds the classes, and one task for each row of blocks adds up what its samples give. A few numbers come to the
main program.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics

from dsflow import wait_on
from estimators.metrics._classes import find_classes
from estimators.metrics._rows import any_blocks, as_vector, average_rows, cut_alike, sum_over_rows

__all__ = ["hinge_loss", "top_k_accuracy_score"]


def hinge_loss(y_true: Any, pred_decision: Any, *, labels: Any = None, sample_weight: Any = None) -> float:
    """Return the mean of how far decisions are from being right by a margin of 1.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,)
    pred_decision : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
        What ``decision_function`` returns.
    labels : array_like, optional
        The classes, of several columns.
    sample_weight : array_like or Array of shape (n_samples,), optional
    """
    reference = sklearn.metrics.hinge_loss
    if not any_blocks(y_true, pred_decision, sample_weight):
        return float(reference(y_true, pred_decision, labels=labels, sample_weight=sample_weight))
    true, scores, weights = _cut("hinge_loss", y_true, pred_decision, sample_weight)
    classes = find_classes("hinge_loss", true)
    known = np.unique(classes if labels is None else labels)
    if len(known) <= 2:
        scores = as_vector("hinge_loss", "pred_decision", scores)
        greater = classes[1] if len(classes) > 1 else None
        return float(average_rows(_hinge, true, scores, weights=weights, greater=greater)[0])
    shape = (len(known), *scores.shape[1:])
    reference(np.resize(classes, len(known)), np.zeros(shape), labels=labels)  # what makes no sense is refused
    return float(average_rows(reference, true, scores, weights=weights, labels=known)[0])


def _hinge(true: Any, scores: Any, *, greater: Any, sample_weight: Any) -> Any:
    sides = -np.ones(len(true)) if greater is None else np.where(true == greater, 1.0, -1.0)
    if not np.isfinite(scores).all():
        raise ValueError("hinge_loss: Input pred_decision contains NaN or infinity.")
    return np.average(np.clip(1 - sides * scores, 0, None), weights=sample_weight)


def top_k_accuracy_score(
    y_true: Any, y_score: Any, *, k: int = 2, normalize: bool = True, sample_weight: Any = None, labels: Any = None
) -> float:
    """Return the share, or the number, of samples whose class is among the ``k`` with the greatest scores.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,)
    y_score : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
    k : int
    normalize : bool
    sample_weight : array_like or Array of shape (n_samples,), optional
    labels : array_like, optional
        The classes, in order, if ``y_true`` may have less of them.
    """
    reference, how = sklearn.metrics.top_k_accuracy_score, {"k": k, "labels": labels}
    if not any_blocks(y_true, y_score, sample_weight):
        return float(reference(y_true, y_score, normalize=normalize, sample_weight=sample_weight, **how))
    true, scores, weights = _cut("top_k_accuracy_score", y_true, y_score, sample_weight)
    classes = find_classes("top_k_accuracy_score", true)
    reference(classes, np.zeros((len(classes), *scores.shape[1:])), **how)  # what makes no sense is refused
    known = classes if labels is None else np.asarray(labels)
    if k >= len(known):
        mean = average_rows(_hit_always, true, weights=weights)[0]
    elif len(known) == 2:
        scores = as_vector("top_k_accuracy_score", "y_score", scores)
        least, greatest = wait_on(sum_over_rows(_find_range, scores, combine=_widen))
        threshold = 0.5 if least >= 0 and greatest <= 1 else 0.0
        mean = average_rows(_hit, true, scores, weights=weights, greater=known[1], threshold=threshold)[0]
    else:
        mean = average_rows(reference, true, scores, weights=weights, k=k, labels=known)[0]
    if normalize:
        return float(mean)
    return float(mean) * (true.shape[0] if weights is None else float(weights.sum()))


def _cut(where: str, y_true: Any, y_score: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    true, scores, weights = cut_alike(where, y_true, y_score, sample_weight)
    return as_vector(where, "y_true", true), scores, as_vector(where, "sample_weight", weights)


def _find_range(scores: Any) -> tuple[float, float]:
    if not np.isfinite(scores).all():
        raise ValueError("top_k_accuracy_score: Input y_score contains NaN or infinity.")
    return (float(scores.min()), float(scores.max())) if len(scores) else (np.inf, -np.inf)


def _widen(left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
    return min(left[0], right[0]), max(left[1], right[1])


def _hit_always(true: Any, *, sample_weight: Any) -> Any:
    return np.average(np.ones(len(true)), weights=sample_weight)


def _hit(true: Any, scores: Any, *, greater: Any, threshold: float, sample_weight: Any) -> Any:
    return np.average((scores > threshold) == (true == greater), weights=sample_weight)
