"""How well scores rank the labels of each sample. Names, parameters and results are scikit-learn's.

Samples do not depend on each other: one task for each row of blocks adds up what its samples give, and a tree adds
these. Where ``y_true`` has to be indicators, one more pass sees to that. Two numbers come to the main program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sklearn.metrics

from estimators.metrics._indicators import check_all_indicators
from estimators.metrics._rows import any_blocks, as_columns, as_vector, average_rows, cut_alike

__all__ = [
    "coverage_error",
    "dcg_score",
    "label_ranking_average_precision_score",
    "label_ranking_loss",
    "ndcg_score",
]


def ndcg_score(
    y_true: Any, y_score: Any, *, k: int | None = None, sample_weight: Any = None, ignore_ties: bool = False
) -> float:
    """Return the mean of `dcg_score` over samples, each over that of the best ranking.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples, n_labels)
        How much each label is worth, at least 0.
    y_score : array_like or Array of shape (n_samples, n_labels)
    k : int, optional
        How many labels count, from the greatest score down; all by default.
    sample_weight : array_like or Array of shape (n_samples,), optional
    ignore_ties : bool
        Whether labels of equal scores are taken in some order, which is faster; else they share what they are worth.
    """
    how = {"k": k, "ignore_ties": ignore_ties}
    return _average(sklearn.metrics.ndcg_score, y_true, y_score, sample_weight, **how)


def dcg_score(
    y_true: Any,
    y_score: Any,
    *,
    k: int | None = None,
    log_base: float = 2,
    sample_weight: Any = None,
    ignore_ties: bool = False,
) -> float:
    """Return the mean over samples of what labels are worth, each over the logarithm of 1 + its rank.

    Parameters are those of `ndcg_score`; ``log_base`` is the base of the logarithm.
    """
    how = {"k": k, "log_base": log_base, "ignore_ties": ignore_ties}
    return _average(sklearn.metrics.dcg_score, y_true, y_score, sample_weight, **how)


def label_ranking_average_precision_score(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """Return the mean over true labels of the share of true labels among those with at least their score.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples, n_labels)
        Indicators.
    y_score : array_like or Array of shape (n_samples, n_labels)
    sample_weight : array_like or Array of shape (n_samples,), optional
    """
    return _average(sklearn.metrics.label_ranking_average_precision_score, y_true, y_score, sample_weight, check=True)


def coverage_error(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """Return how many labels, from the greatest score down, it takes on average to have all true ones.

    Parameters are those of `label_ranking_average_precision_score`.
    """
    return _average(sklearn.metrics.coverage_error, y_true, y_score, sample_weight, check=True)


def label_ranking_loss(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """Return the mean share of pairs of a true label and another one in which the true one has no greater score.

    Parameters are those of `label_ranking_average_precision_score`.
    """
    return _average(sklearn.metrics.label_ranking_loss, y_true, y_score, sample_weight, check=True)


def _average(
    reference: Callable[..., Any], y_true: Any, y_score: Any, sample_weight: Any, *, check: bool = False, **how: Any
) -> float:
    if not any_blocks(y_true, y_score, sample_weight):
        return float(reference(y_true, y_score, sample_weight=sample_weight, **how))
    where = reference.__name__
    true, scores, weights = cut_alike(where, y_true, y_score, sample_weight)
    true, scores = as_columns(where, "y_true", true), as_columns(where, "y_score", scores)
    if true.shape != scores.shape:
        raise ValueError(f"{where}: y_true and y_score have different shape: {true.shape}, {scores.shape}")
    if check:
        check_all_indicators(where, true)
    weights = as_vector(where, "sample_weight", weights)
    return float(average_rows(reference, true, scores, weights=weights, **how)[0])
