"""Class labels in and out of classifiers: y of any kind becomes the positions of its classes, cut as the rows of X.

From a ds-array, what reaches the main program is the labels that differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

import dsarray as ds
from dsflow import Future, task, wait_on
from estimators._validation import align_rows, check_weights, require_y

__all__ = ["check_all_weighed", "encode_classes", "find_codes", "unbox", "unique_columns", "weigh_rows"]


def encode_classes(estimator: Any, y: Any, X: ds.Array) -> tuple[list[Future[Any]], Any]:
    """Return the positions of the labels among the classes, for each row of blocks of ``X``, and the classes.

    Parameters
    ----------
    estimator : BaseEstimator
        Who is named in errors.
    y : array_like or Array of shape (n_samples,) or (n_samples, 1)
        The labels.
    X : Array
        The samples, as `check_X` returns them.

    Returns
    -------
    codes : list of Future
        One vector of integers for each row of blocks.
    classes : ndarray of shape (n_classes,)
        The labels that differ, in order.

    Raises
    ------
    ValueError
        When ``y`` is no vector of at least two classes, one for each sample.
    TypeError
        When it is sparse.
    """
    name = type(estimator).__name__
    require_y(estimator, y)
    if isinstance(y, ds.Array):
        labels = align_rows(estimator, y, X, "y")
        found = wait_on(ds.map_row_blocks(_unique_labels, labels, name))
        classes = np.unique(np.concatenate(found))
        codes = ds.map_row_blocks(_find_positions, labels, classes)
    else:
        column = column_or_1d(y, warn=True)
        assert_all_finite(column, estimator_name=name, input_name="y")
        check_classification_targets(column)
        classes, positions = np.unique(column, return_inverse=True)
        classes = unbox(classes)
        codes = align_rows(estimator, positions, X, "y").row_blocks()
    if len(classes) < 2:
        raise ValueError(f"{name}: the number of classes has to be greater than one; got {len(classes)} class.")
    return codes, classes


def unbox(labels: Any) -> Any:
    """Return labels that are Python objects as an ndarray of texts or numbers, of which blocks can be made."""
    return np.array(labels.tolist()) if labels.dtype.kind == "O" else labels


def unique_columns(labels: Any, name: str) -> list[Any]:
    """Return the classes in each column of a block of ``y``; raise ValueError for numbers that are none."""
    _check_classes(labels, name)
    return [np.unique(column) for column in labels.T]


def find_codes(labels: Any, classes: list[Any]) -> Any:
    """Return the positions of the elements of each column among its classes."""
    return np.column_stack([np.searchsorted(each, column) for each, column in zip(classes, labels.T, strict=True)])


def _unique_labels(labels: Any, name: str) -> Any:
    _check_classes(labels, name)
    return np.unique(labels)


def _check_classes(labels: Any, name: str) -> None:
    assert_all_finite(labels, estimator_name=name, input_name="y")
    if labels.dtype.kind == "c" or (labels.dtype.kind == "f" and (labels != np.rint(labels)).any()):
        raise ValueError(f"{name}: Unknown label type: continuous values in y; pass classes, or use a regressor.")


def _find_positions(labels: Any, classes: Any) -> Any:
    return np.searchsorted(classes, labels)


def weigh_rows(
    estimator: Any, codes: list[Future[Any]], sample_weight: Any, X: ds.Array
) -> list[Future[Any]] | list[None]:
    """Return the weights of the rows, for each row of blocks: those of the samples times those of their classes.

    Parameters
    ----------
    estimator : BaseEstimator
        With ``classes_`` and the parameter ``class_weight``.
    codes : list of Future
        As `encode_classes` returns them.
    sample_weight : array_like or Array of shape (n_samples,), or None
    X : Array
        The samples.

    Returns
    -------
    list of Future, or of None
        None where all weights are 1.
    """
    weights = check_weights(estimator, sample_weight, X)
    if weights is None and estimator.class_weight is None:
        return [None] * len(codes)
    given = [None] * len(codes) if weights is None else weights.row_blocks()
    by_class = _class_weights(estimator, codes)
    return [weigh_codes(block, by_class, own) for block, own in zip(codes, given, strict=True)]


def check_all_weighed(estimator: Any, codes: list[Future[Any]], weights: list[Future[Any]] | list[None]) -> None:
    """Raise ValueError when a class is left without weight."""
    if weights[0] is None:
        return
    n_classes = len(estimator.classes_)
    n_weighed = sum(wait_on([count_codes(block, own, n_classes) for block, own in zip(codes, weights, strict=True)]))
    if (n_weighed == 0).any():
        label = estimator.classes_[n_weighed.argmin()]
        raise ValueError(
            f"{type(estimator).__name__}: no sample of class {label} has a positive weight; drop them, or weigh one."
        )


def _class_weights(estimator: Any, codes: list[Future[Any]]) -> Any:
    classes = estimator.classes_
    if estimator.class_weight != "balanced":
        return compute_class_weight(estimator.class_weight, classes=classes, y=classes)
    counts = sum(wait_on([count_codes(block, None, len(classes)) for block in codes]))
    return counts.sum() / (len(classes) * counts)


@task
def count_codes(codes: Any, weights: Any, n_classes: int) -> Any:
    """Return the number of rows of each class; those without positive weight don't count."""
    return np.bincount(codes if weights is None else codes[weights > 0], minlength=n_classes)


@task
def weigh_codes(codes: Any, by_class: Any, weights: Any) -> Any:
    """Return the weights of rows."""
    return by_class[codes] if weights is None else by_class[codes] * weights
