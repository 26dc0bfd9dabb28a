"""Metrics of classes. Names, parameters and results are scikit-learn's; labels may be ds-arrays.

Each counts pairs of labels, or what is right of several labels of a sample, by one task for each row of blocks and a
tree, and gives scikit-learn's function the table.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.metrics

import dsarray as ds
from estimators.metrics._multilabel import are_indicators, check_indicators, condense, cut_indicators, over_labels
from estimators.metrics._rows import any_blocks, map_on_host

__all__ = [
    "accuracy_score",
    "balanced_accuracy_score",
    "class_likelihood_ratios",
    "classification_report",
    "cohen_kappa_score",
    "confusion_matrix",
    "f1_score",
    "fbeta_score",
    "hamming_loss",
    "jaccard_score",
    "matthews_corrcoef",
    "multilabel_confusion_matrix",
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


@over_labels
def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Return the share, or the number, of labels that are predicted right.

    Parameters
    ----------
    y_true, y_pred : array_like or Array of shape (n_samples,) or (n_samples, n_labels)
        Of several labels, given as indicators, all are to be right.
    normalize : bool
    sample_weight : array_like or Array of shape (n_samples,), optional

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.metrics import accuracy_score
    >>> accuracy_score(ds.array([0, 1, 2, 3], block_size=2), [0, 2, 1, 3])
    0.5
    """


@over_labels
def balanced_accuracy_score(y_true, y_pred, *, sample_weight=None, adjusted=False):
    """Return the mean over classes of the share that is predicted right."""


@over_labels
def confusion_matrix(y_true, y_pred, *, labels=None, sample_weight=None, normalize=None):
    """Return how often each class, by row, was taken for each other, by column, as an ndarray."""


@over_labels
def cohen_kappa_score(y1, y2, *, labels=None, weights=None, sample_weight=None, replace_undefined_by=np.nan):
    """Return how far two sets of labels agree beyond chance."""


@over_labels
def jaccard_score(
    y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the share of a class, true or predicted, that is both."""


@over_labels
def matthews_corrcoef(y_true, y_pred, *, sample_weight=None):
    """Return the correlation of classes and predictions."""


@over_labels
def zero_one_loss(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Return the share, or the number, of labels that are predicted wrong."""


@over_labels
def hamming_loss(y_true, y_pred, *, sample_weight=None):
    """Return the share of labels that are predicted wrong."""


@over_labels
def precision_score(
    y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the share of what was taken for a class that is of it."""


@over_labels
def recall_score(
    y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the share of a class that was taken for it."""


@over_labels
def f1_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """Return the harmonic mean of precision and recall."""


@over_labels
def fbeta_score(
    y_true, y_pred, *, beta, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"
):
    """Return the harmonic mean of precision and recall, which counts ``beta`` squared times as much."""


@_counting
@over_labels
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


@over_labels
def class_likelihood_ratios(y_true, y_pred, *, labels=None, sample_weight=None, replace_undefined_by=np.nan):
    """Return how much more likely the second class is where it was predicted, and where it was not, as two floats."""


def multilabel_confusion_matrix(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, labels: Any = None, samplewise: bool = False
) -> Any:
    """Return, for each label or each sample, how often it is neither true nor predicted, or only one, or both.

    Parameters
    ----------
    y_true, y_pred : array_like, sparse matrix or Array of shape (n_samples,) or (n_samples, n_labels)
    sample_weight : array_like or Array of shape (n_samples,), optional
    labels : array_like, optional
        Which labels, in which order; all by default.
    samplewise : bool
        Whether to count the labels of each sample, of which there are several.

    Returns
    -------
    ndarray of shape (n_labels, 2, 2), or Array of shape (n_samples, 2, 2)
        An Array of samples, if ds-arrays are given.
    """
    reference, how = sklearn.metrics.multilabel_confusion_matrix, {"labels": labels, "samplewise": samplewise}
    if not any_blocks(y_true, y_pred, sample_weight):
        return reference(y_true, y_pred, sample_weight=sample_weight, **how)
    where = "multilabel_confusion_matrix"
    if samplewise and are_indicators(y_true, y_pred):
        true, pred, weights = cut_indicators(where, y_true, y_pred, sample_weight)
        blocks = map_on_host(_count_each, true, pred, weights, labels, where)
        dtype = np.dtype(np.int64) if weights is None else np.result_type(np.int64, weights.dtype)
        return ds.from_blocks([[[each]] for each in blocks], (true.chunks[0], (2,), (2,)), dtype)
    pairs = condense(where, y_true, y_pred, sample_weight)
    found = reference(pairs.true, pairs.pred, sample_weight=pairs.weights, **how)
    return found.astype(np.int64) if sample_weight is None else found


def _count_each(true: Any, pred: Any, weights: Any, labels: Any, where: str) -> Any:
    if not true.shape[0]:
        return np.zeros((0, 2, 2), np.int64 if weights is None else np.result_type(np.int64, weights.dtype))
    true, pred = check_indicators(true, where), check_indicators(pred, where)
    return sklearn.metrics.multilabel_confusion_matrix(
        true, pred, sample_weight=weights, labels=labels, samplewise=True
    )


def classification_report(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    target_names: Any = None,
    sample_weight: Any = None,
    digits: int = 2,
    output_dict: bool = False,
    zero_division: Any = "warn",
) -> Any:
    """Return precision, recall, F-score and number of samples of each class, and their averages, as a text or a dict.

    Parameters
    ----------
    y_true, y_pred : array_like, sparse matrix or Array of shape (n_samples,) or (n_samples, n_labels)
    labels : array_like, optional
        Which classes, in which order; all by default.
    target_names : list of str, optional
        What they are called.
    sample_weight : array_like or Array of shape (n_samples,), optional
    digits : int
        How many decimals the text has.
    output_dict : bool
        Whether to return a dict of dicts.
    zero_division : {"warn", 0.0, 1.0, np.nan}
        What stands for a share of nothing.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.metrics import classification_report
    >>> print(classification_report(ds.array([0, 1, 1], block_size=2), [0, 1, 0]))
                  precision    recall  f1-score   support
    <BLANKLINE>
               0       0.50      1.00      0.67         1
               1       1.00      0.50      0.67         2
    <BLANKLINE>
        accuracy                           0.67         3
       macro avg       0.75      0.75      0.67         3
    weighted avg       0.83      0.67      0.67         3
    <BLANKLINE>
    """
    where, reference = "classification_report", sklearn.metrics.classification_report
    how = {"target_names": target_names, "digits": digits, "output_dict": output_dict, "zero_division": zero_division}
    if not any_blocks(y_true, y_pred, sample_weight):
        return reference(y_true, y_pred, labels=labels, sample_weight=sample_weight, **how)
    given = (where, y_true, y_pred, sample_weight, labels)
    pairs = condense(*given)
    report = reference(pairs.true, pairs.pred, labels=labels, sample_weight=pairs.weights, **how)
    if are_indicators(y_true, y_pred):  # of which the last line looks at each sample by itself
        known = range(pairs.true.shape[1]) if labels is None else labels
        samples = condense(*given, by_sample=True)
        how["target_names"] = [str(label) for label in known] if target_names is None else target_names
        report = _with_samples(
            report,
            reference(samples.true, samples.pred, labels=range(len(known)), sample_weight=samples.weights, **how),
        )
    if sample_weight is None and not output_dict:
        report = re.sub(r" +(\d+)\.0$", lambda number: f" {number[1]:>9}", report, flags=re.MULTILINE)
    return report


def _with_samples(report: Any, of_samples: Any) -> Any:
    """Return a report, with the averages over samples of another one."""
    if isinstance(report, dict):
        return report | {"samples avg": of_samples["samples avg"]}
    lines, others = report.splitlines(), of_samples.splitlines()
    return "\n".join([*lines[:-1], others[-1]]) + "\n"
