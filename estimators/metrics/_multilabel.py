"""Several labels for each sample, as indicators: what metrics of classes need of them, as a few weighted samples.

A metric looks at each label by itself, or at each sample by itself. For the one, a task for each row of blocks counts
how often each label is true and predicted, only true, or only predicted; samples of one label each, with these weights,
have the same counts. For the other, it counts samples by how many of their labels are so; one sample for each such
triple, with the first labels in place of its own, gives the same. A tree of tasks adds them up. So at most 3 numbers
for each label, or one for each triple that there is, come to the main program, and scikit-learn's metric is called with
them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
import sklearn.metrics

from dsflow import wait_on
from estimators.metrics._pairs import Pairs, add_pairs, count_labels, count_pairs
from estimators.metrics._rows import any_blocks, as_vector, cut_alike, sum_over_rows

__all__ = ["are_indicators", "check_indicators", "condense", "cut_indicators", "over_labels"]

_WHOLE = ("accuracy_score", "zero_one_loss")
"""Metrics that look at samples, whatever their parameters are."""

_SINGLE = ("balanced_accuracy_score", "cohen_kappa_score", "confusion_matrix", "matthews_corrcoef")
"""Metrics of a single label for each sample."""


def over_labels(metric: Callable[..., Any]) -> Callable[..., Any]:
    """Make a metric of scikit-learn take ds-arrays: the function that is decorated is its face, without a body."""
    name = metric.__name__
    reference = getattr(sklearn.metrics, name)
    signature = inspect.signature(metric)
    true, pred = list(signature.parameters)[:2]

    @functools.wraps(metric)
    def measure(*args: Any, **keywords: Any) -> Any:
        given = signature.bind(*args, **keywords).arguments
        weights = given.get("sample_weight")
        if any_blocks(given[true], given[pred], weights):
            if name in _SINGLE and are_indicators(given[true], given[pred]):
                raise ValueError(f"{name}: multilabel-indicator is not supported; give one label for each sample.")
            by_sample = name in _WHOLE or given.get("average") == "samples"
            pairs = condense(name, given[true], given[pred], weights, given.get("labels"), by_sample=by_sample)
            given |= {true: pairs.true, pred: pairs.pred, "sample_weight": pairs.weights}
            if by_sample and scipy.sparse.issparse(pairs.true):
                given.pop("labels", None)
        return reference(**given)

    return measure


def condense(
    where: str, y_true: Any, y_pred: Any, sample_weight: Any = None, labels: Any = None, *, by_sample: bool = False
) -> Pairs:
    """Return weighted samples that give a metric the same value.

    Parameters
    ----------
    where : str
        The metric, for errors.
    y_true, y_pred : array_like, sparse matrix or Array of shape (n_samples,) or (n_samples, n_labels)
        At least one is an Array.
    sample_weight : array_like or Array of shape (n_samples,), optional
    labels : array_like, optional
        Which labels count, if samples have several and ``by_sample`` is True.
    by_sample : bool
        Whether the metric looks at each sample by itself.
    """
    if not are_indicators(y_true, y_pred):
        return count_pairs(where, y_true, y_pred, sample_weight)
    true, pred, weights = cut_indicators(where, y_true, y_pred, sample_weight)
    n_labels = true.shape[1]
    if not by_sample:
        return _of_labels(wait_on(sum_over_rows(_count_by_label, true, pred, weights, where)))
    columns = None
    if labels is not None:
        nothing = np.zeros((1, n_labels), dtype=int)
        sklearn.metrics.multilabel_confusion_matrix(nothing, nothing, labels=labels)  # checks them
        columns = np.asarray(labels)
        n_labels = len(columns)
    counted = wait_on(sum_over_rows(_count_by_sample, true, pred, weights, columns, where, combine=add_pairs))
    return _of_samples(counted, n_labels)


def are_indicators(*values: Any) -> bool:
    """Return whether one of the values has several columns, or is sparse."""
    return any(
        scipy.sparse.issparse(value)
        or getattr(value, "sparse", False)
        or (np.ndim(value) == 2 and np.shape(value)[1] > 1)
        for value in values
    )


def cut_indicators(where: str, y_true: Any, y_pred: Any, sample_weight: Any) -> list[Any]:
    """Return indicators and weights as Arrays, cut into rows of blocks."""
    true, pred, weights = cut_alike(where, y_true, y_pred, sample_weight)
    kinds = ["multilabel-indicator" if each is not None and are_indicators(each) else "binary" for each in (true, pred)]
    if len(set(kinds)) > 1:
        raise ValueError(f"{where}: Classification metrics can't handle a mix of {kinds[0]} and {kinds[1]} targets")
    if true is None or pred is None or true.shape != pred.shape:
        shapes = [None if each is None else each.shape for each in (true, pred)]
        raise ValueError(f"{where}: inconsistent shapes {shapes[0]} and {shapes[1]}; give as many columns.")
    return [true, pred, as_vector(where, "sample_weight", weights)]


def check_indicators(block: Any, where: str) -> Any:
    """Return a block as a CSR array of integers without stored zeros; raise ValueError if it has more than 0 and 1."""
    values = np.unique(block.data if scipy.sparse.issparse(block) else block)
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        kind = "continuous" if values.dtype.kind == "f" and (values != np.rint(values)).any() else "multiclass"
        raise ValueError(f"{where}: {kind}-multioutput is not supported; give indicators, 0 and 1.")
    found = scipy.sparse.csr_array(block, dtype=np.int64, copy=True)
    found.eliminate_zeros()
    return found


def _count_by_label(true: Any, pred: Any, weights: Any, where: str) -> Any:
    """Return how often each label is true and predicted, only predicted, and only true; and the number of samples."""
    true, pred = check_indicators(true, where), check_indicators(pred, where)
    given = np.ones(true.shape[0], np.int64) if weights is None else np.asarray(weights)
    both, of_true, of_pred = (each.T @ given for each in (true.multiply(pred).tocsr(), true, pred))
    return np.stack([both, of_pred - both, of_true - both, np.full(len(both), given.sum())])


def _of_labels(counts: Any) -> Pairs:
    """Return three samples of each label, and one without labels for all that is left."""
    n_labels = counts.shape[1]
    labels = np.tile(np.arange(n_labels), 3)
    rows = np.arange(3 * n_labels)
    is_pred, is_true = rows < 2 * n_labels, (rows < n_labels) | (rows >= 2 * n_labels)
    shape = (3 * n_labels + 1, n_labels)
    true, pred = (
        scipy.sparse.csr_array((np.ones(which.sum(), np.int64), (rows[which], labels[which])), shape=shape)
        for which in (is_true, is_pred)
    )
    known = counts[:3].ravel()
    return Pairs(true, pred, np.append(known, counts[3, 0] - known.sum()))


def _count_by_sample(true: Any, pred: Any, weights: Any, columns: Any, where: str) -> Pairs:
    """Return numbers of labels that are both, and codes of those that are only predicted and only true."""
    true, pred = check_indicators(true, where), check_indicators(pred, where)
    if columns is not None:
        true, pred = true[:, columns], pred[:, columns]
    both, of_true, of_pred = (np.asarray(each.sum(axis=1)).ravel() for each in (true.multiply(pred), true, pred))
    given = np.ones(true.shape[0], np.int64) if weights is None else np.asarray(weights)
    return count_labels(both, (of_pred - both) * (true.shape[1] + 1) + of_true - both, given)


def _of_samples(counted: Pairs, n_labels: int) -> Pairs:
    """Return a sample of each kind, with the labels that are both in front; and a label that none has."""
    both = counted.true[:, None]
    only_pred, only_true = (each[:, None] for each in np.divmod(counted.pred, n_labels + 1))
    places = np.arange(n_labels + 1)
    is_true = places < both + only_true
    is_pred = (places < both) | ((places >= both + only_true) & (places < both + only_true + only_pred))
    return Pairs(*(scipy.sparse.csr_array(each, dtype=np.int64) for each in (is_true, is_pred)), counted.weights)
