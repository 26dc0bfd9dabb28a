"""Metrics of classes. Names, parameters and results are scikit-learn's; labels may be ds-arrays.

Each counts pairs of labels, by one task for each row of blocks and a tree, and gives scikit-learn's function the table.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.metrics

from dsflow import wait_on
from estimators.metrics._pairs import over_pairs
from estimators.metrics._rows import any_blocks, as_columns, as_vector, cut_alike, sum_over_rows

__all__ = [
    "accuracy_score",
    "balanced_accuracy_score",
    "cohen_kappa_score",
    "confusion_matrix",
    "f1_score",
    "fbeta_score",
    "hamming_loss",
    "jaccard_score",
    "log_loss",
    "matthews_corrcoef",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
    "zero_one_loss",
]


def _counting(metric: Callable[..., Any]) -> Callable[..., Any]:
    """Have numbers of samples returned as ints, if samples have no weights."""

    @functools.wraps(metric)
    def measure(*args: Any, sample_weight: Any = None, **keywords: Any) -> Any:
        *found, support = metric(*args, sample_weight=sample_weight, **keywords)
        return (*found, support if support is None or sample_weight is not None else support.astype(np.int64))

    return measure


@over_pairs
def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Return the share, or the number, of labels that are predicted right.

    Parameters
    ----------
    y_true, y_pred : array_like or Array of shape (n_samples,)
    normalize : bool
    sample_weight : array_like or Array of shape (n_samples,), optional

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.metrics import accuracy_score
    >>> accuracy_score(ds.array([0, 1, 2, 3], block_size=2), [0, 2, 1, 3])
    0.5
    """


@over_pairs
def balanced_accuracy_score(y_true, y_pred, *, sample_weight=None, adjusted=False):
    """Return the mean over classes of the share that is predicted right."""


@over_pairs
def confusion_matrix(y_true, y_pred, *, labels=None, sample_weight=None, normalize=None):
    """Return how often each class, by row, was taken for each other, by column, as an ndarray."""


@over_pairs
def cohen_kappa_score(y1, y2, *, labels=None, weights=None, sample_weight=None, replace_undefined_by=np.nan):
    """Return how far two sets of labels agree beyond chance."""


@over_pairs
def jaccard_score(
    y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the share of a class, true or predicted, that is both."""


@over_pairs
def matthews_corrcoef(y_true, y_pred, *, sample_weight=None):
    """Return the correlation of classes and predictions."""


@over_pairs
def zero_one_loss(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Return the share, or the number, of labels that are predicted wrong."""


@over_pairs
def hamming_loss(y_true, y_pred, *, sample_weight=None):
    """Return the share of labels that are predicted wrong."""


@over_pairs
def precision_score(
    y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the share of what was taken for a class that is of it."""


@over_pairs
def recall_score(
    y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the share of a class that was taken for it."""


@over_pairs
def f1_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """Return the harmonic mean of precision and recall."""


@over_pairs
def fbeta_score(
    y_true, y_pred, *, beta, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the harmonic mean of precision and recall, which counts ``beta`` squared times as much."""


@_counting
@over_pairs
def precision_recall_fscore_support(
    y_true,
    y_pred,
    *,
    beta=1.0,
    labels=None,
    pos_label=1,
    average=None,
    warn_for=("precision", "recall", "f-score"),
    sample_weight=None,
    zero_division="warn",
):
    """Return precision, recall, F-score and the number of samples of each class, or their averages and None."""


def log_loss(y_true: Any, y_proba: Any, *, normalize: bool = True, sample_weight: Any = None, labels: Any = None):
    """Return the mean, or the sum, of minus the logarithms of the probabilities that were given to true classes.

    One pass finds the classes, unless ``labels`` gives them, and one sums.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,)
    y_proba : array_like or Array of shape (n_samples, n_classes) or (n_samples,)
        Columns in the order of the classes; or the probability of the second one.
    normalize : bool
    sample_weight : array_like or Array of shape (n_samples,), optional
    labels : array_like, optional
        The classes.
    """
    if not any_blocks(y_true, y_proba, sample_weight):
        return sklearn.metrics.log_loss(
            y_true, y_proba, normalize=normalize, sample_weight=sample_weight, labels=labels
        )
    true, proba, weights = cut_alike("log_loss", y_true, y_proba, sample_weight)
    true, proba = as_vector("log_loss", "y_true", true), as_columns("log_loss", "y_proba", proba)
    if labels is None:
        labels = wait_on(sum_over_rows(np.unique, true, combine=np.union1d))
        if len(labels) == 1:
            raise ValueError(
                f"log_loss: y_true contains only one label ({labels[0]}). Please provide the list of all expected "
                "class labels explicitly through the labels argument."
            )
    total, weight = wait_on(sum_over_rows(_sum_losses, true, proba, weights, labels))
    return float(total / weight if normalize else total)


def _sum_losses(true: Any, proba: Any, weights: Any, labels: Any) -> Any:
    """Return the sum of losses, and of weights."""
    if not len(true):
        return np.zeros(2)
    proba = proba[:, 0] if proba.shape[1] == 1 else proba
    total = sklearn.metrics.log_loss(true, proba, normalize=False, sample_weight=weights, labels=labels)
    return np.array([total, len(true) if weights is None else weights.sum()])
