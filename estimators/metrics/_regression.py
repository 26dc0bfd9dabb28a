"""Metrics of regressions. Names, parameters and results are scikit-learn's; values may be ds-arrays.

One task for each row of blocks adds up what its samples give, a few numbers for each output, and a tree adds these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sklearn.metrics

from dsflow import wait_on
from estimators.metrics._rows import (
    any_blocks,
    as_columns,
    as_vector,
    average_rows,
    collected,
    cut_alike,
    sum_over_rows,
)

__all__ = [
    "explained_variance_score",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "r2_score",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
]


class Spread(NamedTuple):
    """How values of each column spread."""

    weight: float
    mean: Any
    squares: Any
    """Sums of the squares of deviations from the mean, times the weights."""


def mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Return the mean of the squares of errors.

    Parameters
    ----------
    y_true, y_pred : array_like or Array of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array_like or Array of shape (n_samples,), optional
    multioutput : {"raw_values", "uniform_average"} or array_like of shape (n_outputs,)
        Whether to return one value for each output, as an ndarray, their mean, or their mean with these weights.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.metrics import mean_squared_error
    >>> mean_squared_error(ds.array([3.0, -0.5, 2.0, 7.0], block_size=2), [2.5, 0.0, 2.0, 8.0])
    0.375
    """
    return average_outputs(sklearn.metrics.mean_squared_error, y_true, y_pred, sample_weight, multioutput)


def root_mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Return the root of the mean of the squares of errors, of each output; see `mean_squared_error`."""
    found = mean_squared_error(y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values")
    return combine_outputs(np.sqrt(found), multioutput)


def mean_absolute_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Return the mean of the absolute values of errors; see `mean_squared_error`."""
    return average_outputs(sklearn.metrics.mean_absolute_error, y_true, y_pred, sample_weight, multioutput)


def mean_absolute_percentage_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Return the mean of the absolute values of errors, relative to the true values; see `mean_squared_error`."""
    return average_outputs(sklearn.metrics.mean_absolute_percentage_error, y_true, y_pred, sample_weight, multioutput)


def mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Return the mean of the squares of errors of logarithms of 1 + values; see `mean_squared_error`."""
    return average_outputs(sklearn.metrics.mean_squared_log_error, y_true, y_pred, sample_weight, multioutput)


def root_mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Return the root of `mean_squared_log_error`, of each output."""
    found = mean_squared_log_error(y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values")
    return combine_outputs(np.sqrt(found), multioutput)


def max_error(y_true: Any, y_pred: Any) -> float:
    """Return the greatest absolute value of errors."""
    if not any_blocks(y_true, y_pred):
        return float(sklearn.metrics.max_error(y_true, y_pred))
    true, pred = (as_vector("max_error", "y", each) for each in cut_alike("max_error", y_true, y_pred))
    return float(abs(true - pred).max())


def r2_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True):
    """Return the share of the variance of the true values that predictions explain, and may explain by chance.

    Parameters
    ----------
    y_true, y_pred : array_like or Array of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array_like or Array of shape (n_samples,), optional
    multioutput : {"raw_values", "uniform_average", "variance_weighted"}, array_like of shape (n_outputs,) or None
    force_finite : bool
        Whether outputs that do not vary give 1 if they are predicted exactly, and else 0.
    """
    reference = sklearn.metrics.r2_score
    return _explain(reference, y_true, y_pred, sample_weight, multioutput, force_finite, centered=False)


def explained_variance_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True):
    """Return the share of the variance of the true values that errors do not have; see `r2_score`."""
    reference = sklearn.metrics.explained_variance_score
    return _explain(reference, y_true, y_pred, sample_weight, multioutput, force_finite, centered=True)


def average_outputs(
    reference: Callable[..., Any], y_true: Any, y_pred: Any, sample_weight: Any, multioutput: Any, **how: Any
) -> Any:
    """Return what a metric of scikit-learn that is a mean over samples gives."""
    if not any_blocks(y_true, y_pred, sample_weight):
        return reference(y_true, y_pred, sample_weight=sample_weight, multioutput=multioutput, **how)
    true, pred, weights = cut_outputs(reference.__name__, y_true, y_pred, sample_weight)
    return combine_outputs(
        average_rows(reference, true, pred, weights=weights, multioutput="raw_values", **how), multioutput
    )


def cut_outputs(where: str, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return true values, predictions and weights as Arrays; the first two with as many columns."""
    true, pred, weights = cut_alike(where, y_true, y_pred, sample_weight)
    true, pred = as_columns(where, "y_true", true), as_columns(where, "y_pred", pred)
    if true.sparse or pred.sparse:
        raise TypeError(f"{where}: sparse data was passed for y, but dense data is required; use y.to_dense().")
    if true.shape != pred.shape:
        raise ValueError(
            f"{where}: y_true and y_pred have different number of output ({true.shape[1]}!={pred.shape[1]}); "
            "give as many columns."
        )
    return true, pred, as_vector(where, "sample_weight", weights)


def combine_outputs(raw: Any, multioutput: Any) -> Any:
    """Return the values of outputs, or their mean."""
    if isinstance(multioutput, str) and multioutput == "raw_values":
        return raw
    if isinstance(multioutput, str) and multioutput != "uniform_average":
        raise ValueError(
            f"multioutput={multioutput!r} is unknown; give 'raw_values', 'uniform_average', or a weight "
            "for each output."
        )
    if len(raw) == 1 and not isinstance(multioutput, str) and multioutput is not None:
        raise ValueError("Custom weights are useful only in multi-output cases.")
    return float(np.average(raw, weights=None if isinstance(multioutput, str) else multioutput))


def _explain(
    reference: Callable[..., Any],
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    multioutput: Any,
    force_finite: bool,
    *,
    centered: bool,
) -> Any:
    """Return a share of variance, of the moments of errors and true values.

    Scikit-learn's function, which knows what to do with outputs that do not vary, is called with two samples that have
    the same sums of squares.
    """
    how = {"multioutput": multioutput, "force_finite": force_finite}
    if not any_blocks(y_true, y_pred, sample_weight):
        return reference(y_true, y_pred, sample_weight=sample_weight, **how)
    true, pred, weights = cut_outputs(reference.__name__, y_true, y_pred, sample_weight)
    if true.shape[0] < 2:
        return reference(true.collect(), pred.collect(), sample_weight=collected(weights), **how)
    found: Spread = wait_on(sum_over_rows(_measure, true, pred, weights, combine=_add))
    if not found.weight:
        raise ValueError(f"{reference.__name__}: Sample weights must contain at least one non-zero number.")
    n_outputs, squares = true.shape[1], found.squares
    left = squares[:n_outputs] + (0 if centered else found.weight * found.mean[:n_outputs] ** 2)
    error, spread = np.sqrt(left / 2), np.sqrt(squares[n_outputs:] / 2)
    errors = np.stack([error, -error if centered else error])
    values = np.stack([spread, -spread])
    return reference(values, values - errors, **how)


def _measure(true: Any, pred: Any, weights: Any) -> Spread:
    """Return how errors and true values spread."""
    true = np.asarray(true, dtype=float)
    values = (true - pred, true)
    total = float(len(true) if weights is None else weights.sum())
    if not total:
        return Spread(0.0, np.zeros(2 * true.shape[1]), np.zeros(2 * true.shape[1]))
    means = [np.average(each, axis=0, weights=weights) for each in values]
    squares = [
        (each * each).sum(axis=0) if weights is None else weights @ (each * each)
        for each in (each - mean for each, mean in zip(values, means, strict=True))
    ]
    return Spread(total, np.concatenate(means), np.concatenate(squares))


def _add(left: Spread, right: Spread) -> Spread:
    """Return how values of two groups of samples spread, by the formula of Chan, Golub and LeVeque (1979)."""
    weight = left.weight + right.weight
    if not weight:
        return left
    share, shift = right.weight / weight, right.mean - left.mean
    squares = left.squares + right.squares + left.weight * share * shift**2
    return Spread(weight, left.mean + share * shift, squares)
