"""Predictions for each sample by an estimator that was not trained on it: one task for each split.

What comes to the main program is the predictions, unless ``X`` is a ds-array: then they stay where they are made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.model_selection._validation import _enforce_prediction_order, _fit_and_predict
from sklearn.preprocessing import LabelEncoder

import dsarray as ds
from dsflow import share, task, wait_on
from estimators.model_selection._callbacks import take_along
from estimators.model_selection._cross_validation import Split, split_data
from estimators.model_selection._evaluation import fit_part
from estimators.model_selection._folds import Fold, Part, gathered, take_folds

__all__ = ["cross_val_predict"]


def cross_val_predict(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    method: str = "predict",
) -> Any:
    """Return a prediction for each sample, by the estimator of the split that tests on it.

    Parameters
    ----------
    estimator : estimator
    X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
    y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs), optional
    groups, cv, params
        See `cross_validate`. Splits have to test on each sample once.
    n_jobs, verbose, pre_dispatch
        Have no effect.
    method : {"predict", "predict_proba", "predict_log_proba", "decision_function"}

    Returns
    -------
    ndarray, sparse matrix or Array of shape (n_samples,) or (n_samples, n_columns), or list of ndarray
        An Array if ``X`` is one. Of a class that a split does not train on, the probability is 0.

    Raises
    ------
    ValueError
        When the test sets are no partition.
    NotImplementedError
        When ``X`` is a ds-array, and a method gives a list, or a split does not train on all classes and
        ``decision_function`` is asked for.
    """
    del n_jobs, verbose, pre_dispatch
    split = split_data(estimator, X, y, groups, cv, params, "cross_val_predict")
    order = np.concatenate([test for _, test in split.indices])
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if not np.array_equal(np.sort(order), np.arange(n_rows)):
        raise ValueError("cross_val_predict only works for partitions; give a cv that tests on each sample once.")
    back = None if np.array_equal(order, np.arange(n_rows)) else np.argsort(order)
    if isinstance(X, ds.Array):
        return _predict_blocks(estimator, split, method, back)
    return _predict_rows(estimator, split, method, back)


def _predict_rows(estimator: Any, split: Split, method: str, back: Any) -> Any:
    rows = gathered(Part(split.data.X, split.labels, split.data.fit_params, {}))
    labels = rows.y if method == "predict" or rows.y is None else _encode(np.asarray(rows.y))
    shared, config = share(Part(rows.X, labels, rows.fit_params, {})), get_config()
    parts = wait_on(
        [predict_rows(take_along(clone(estimator)), shared, *each, method, config) for each in split.indices]
    )
    if scipy.sparse.issparse(parts[0]):
        joined = scipy.sparse.vstack(parts, format=parts[0].format)
        return joined if back is None else joined.tocsr()[back]
    if labels is not None and method != "predict" and isinstance(parts[0], list):
        return [_in_order(list(of_output), back) for of_output in zip(*parts, strict=True)]
    return _in_order(parts, back)


def _in_order(parts: list[Any], back: Any) -> Any:
    joined = np.concatenate(parts)
    return joined if back is None else joined[back]


def _encode(labels: Any) -> Any:
    """Return the positions of labels among those that differ, of each output."""
    if labels.ndim == 1:
        return LabelEncoder().fit_transform(labels)
    return np.stack([LabelEncoder().fit_transform(column) for column in labels.T], axis=1)


def _predict_blocks(estimator: Any, split: Split, method: str, back: Any) -> ds.Array:
    classes = None if method == "predict" or split.labels is None else np.unique(np.asarray(split.labels))
    folds, config = take_folds(estimator, split.data, split.indices), get_config()
    parts = wait_on([predict_fold(take_along(clone(estimator)), fold, method, classes, config) for fold in folds])
    joined = ds.concatenate([each if isinstance(each, ds.Array) else ds.array(each) for each in parts])
    return joined if back is None else joined[back]


def _widen(predicted: ds.Array, method: str, columns: Any, n_classes: int) -> ds.Array:
    """Return predictions with a column for each class."""
    if method == "decision_function":
        raise NotImplementedError(
            f"cross_val_predict: a split trains on {len(columns)} of {n_classes} classes, for which decision_function "
            "is not supported for ds-arrays; give a cv that stratifies."
        )
    rows = ds.map_row_blocks(_place, predicted, columns, n_classes, method)
    return ds.from_blocks([[row] for row in rows], (predicted.chunks[0], (n_classes,)), predicted.dtype)


def _place(values: Any, columns: Any, n_classes: int, method: str) -> Any:
    return _enforce_prediction_order(columns, values, n_classes, method)


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def predict_rows(estimator: Any, data: Part, train: Any, test: Any, method: str, config: dict[str, Any]) -> Any:
    """Return the predictions for what a split tests on."""
    with config_context(**config):
        return _fit_and_predict(estimator, data.X, data.y, train, test, data.fit_params, method)


@task
def predict_fold(estimator: Any, fold: Fold, method: str, classes: Any, config: dict[str, Any]) -> Any:
    """Return the predictions for what a split tests on; those of an Array are started."""
    with config_context(**config):
        predicted = getattr(fit_part(estimator, fold.train), method)(fold.test.X)
    if isinstance(predicted, list):
        raise NotImplementedError(
            f"cross_val_predict: {method} gives a list, one for each output, which is not supported for ds-arrays; "
            "predict one output."
        )
    if classes is not None and hasattr(estimator, "classes_") and len(estimator.classes_) != len(classes):
        predicted = predicted if isinstance(predicted, ds.Array) else ds.array(predicted)
        predicted = _widen(predicted, method, np.searchsorted(classes, estimator.classes_), len(classes))
    if isinstance(predicted, ds.Array):
        list(predicted.blocks.flat)
    return predicted
