"""Deviances and quantiles of errors, and shares of them explained. Names, parameters and results are scikit-learn's.

Means over samples are added up as in `_regression`. Medians and quantiles are exact: values are sorted where they are,
and a few of them come to the main program.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics

from estimators.metrics._order import find_quantile
from estimators.metrics._regression import average_outputs, combine_outputs, cut_outputs
from estimators.metrics._rows import any_blocks, as_vector, average_rows, collected, cut_alike

__all__ = [
    "d2_absolute_error_score",
    "d2_pinball_score",
    "d2_tweedie_score",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_tweedie_deviance",
    "median_absolute_error",
]


def median_absolute_error(y_true, y_pred, *, multioutput="uniform_average", sample_weight=None):
    """Return the median of the absolute values of errors; see `mean_squared_error`."""
    reference = sklearn.metrics.median_absolute_error
    if not any_blocks(y_true, y_pred, sample_weight):
        return reference(y_true, y_pred, multioutput=multioutput, sample_weight=sample_weight)
    true, pred, weights = cut_outputs("median_absolute_error", y_true, y_pred, sample_weight)
    errors = abs(pred - true)
    found = [find_quantile("median_absolute_error", errors[:, i], weights, 0.5) for i in range(true.shape[1])]
    return combine_outputs(np.array(found), multioutput)


def mean_pinball_loss(y_true, y_pred, *, sample_weight=None, alpha=0.5, multioutput="uniform_average"):
    """Return the mean of errors, ``alpha`` times if the true value is greater, else ``1 - alpha`` times.

    See `mean_squared_error`.
    """
    reference = sklearn.metrics.mean_pinball_loss
    return average_outputs(reference, y_true, y_pred, sample_weight, multioutput, alpha=alpha)


def d2_pinball_score(y_true, y_pred, *, sample_weight=None, alpha=0.5, multioutput="uniform_average"):
    """Return by which share `mean_pinball_loss` is less than that of the quantile ``alpha`` of the true values."""
    reference = sklearn.metrics.d2_pinball_score
    if not any_blocks(y_true, y_pred, sample_weight):
        return reference(y_true, y_pred, sample_weight=sample_weight, alpha=alpha, multioutput=multioutput)
    true, pred, weights = cut_outputs("d2_pinball_score", y_true, y_pred, sample_weight)
    if true.shape[0] < 2:
        return reference(
            true.collect(), pred.collect(), sample_weight=collected(weights), alpha=alpha, multioutput=multioutput
        )
    losses = average_outputs(sklearn.metrics.mean_pinball_loss, true, pred, weights, "raw_values", alpha=alpha)
    columns = range(true.shape[1])
    quantiles = np.array([find_quantile("d2_pinball_score", true[:, i], weights, alpha) for i in columns])
    null = average_rows(_pinball_of_quantiles, true, weights=weights, alpha=alpha, quantiles=quantiles)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(losses == 0, 1.0, np.where(null == 0, 0.0, 1 - losses / null))
    return combine_outputs(found, multioutput)


def d2_absolute_error_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Return by which share `mean_absolute_error` is less than that of the median of the true values."""
    return d2_pinball_score(y_true, y_pred, sample_weight=sample_weight, alpha=0.5, multioutput=multioutput)


def mean_tweedie_deviance(y_true: Any, y_pred: Any, *, sample_weight: Any = None, power: float = 0) -> float:
    """Return the mean of the deviance of a Tweedie distribution.

    Parameters
    ----------
    y_true, y_pred : array_like or Array of shape (n_samples,)
    sample_weight : array_like or Array of shape (n_samples,), optional
    power : float
        0 is the normal distribution, 1 Poisson's, 2 gamma, 3 the inverse normal one; none is between 0 and 1.
    """
    reference = sklearn.metrics.mean_tweedie_deviance
    if not any_blocks(y_true, y_pred, sample_weight):
        return float(reference(y_true, y_pred, sample_weight=sample_weight, power=power))
    true, pred, weights = _cut_vectors("mean_tweedie_deviance", y_true, y_pred, sample_weight)
    return float(average_rows(reference, true, pred, weights=weights, power=power)[0])


def mean_poisson_deviance(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Return the mean of the deviance of a Poisson distribution."""
    return mean_tweedie_deviance(y_true, y_pred, sample_weight=sample_weight, power=1)


def mean_gamma_deviance(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Return the mean of the deviance of a gamma distribution."""
    return mean_tweedie_deviance(y_true, y_pred, sample_weight=sample_weight, power=2)


def d2_tweedie_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None, power: float = 0) -> float:
    """Return by which share `mean_tweedie_deviance` is less than that of the mean of the true values."""
    reference = sklearn.metrics.d2_tweedie_score
    if not any_blocks(y_true, y_pred, sample_weight):
        return float(reference(y_true, y_pred, sample_weight=sample_weight, power=power))
    true, pred, weights = _cut_vectors("d2_tweedie_score", y_true, y_pred, sample_weight)
    if true.shape[0] < 2:
        return float(reference(true.collect(), pred.collect(), sample_weight=collected(weights), power=power))
    found = mean_tweedie_deviance(true, pred, sample_weight=weights, power=power)
    mean = average_rows(_mean, true, weights=weights)[0]
    return 1 - found / float(average_rows(_deviance_of_mean, true, weights=weights, mean=mean, power=power)[0])


def _cut_vectors(where: str, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    true, pred, weights = cut_alike(where, y_true, y_pred, sample_weight)
    return (
        as_vector(where, "y_true", true),
        as_vector(where, "y_pred", pred),
        as_vector(where, "sample_weight", weights),
    )


def _pinball_of_quantiles(true: Any, *, alpha: float, quantiles: Any, sample_weight: Any) -> Any:
    return sklearn.metrics.mean_pinball_loss(
        true, np.broadcast_to(quantiles, true.shape), sample_weight=sample_weight, alpha=alpha, multioutput="raw_values"
    )


def _mean(true: Any, *, sample_weight: Any) -> Any:
    return np.average(true, weights=sample_weight)


def _deviance_of_mean(true: Any, *, mean: float, power: float, sample_weight: Any) -> Any:
    if power >= 0:
        return sklearn.metrics.mean_tweedie_deviance(
            true, np.full(len(true), mean), sample_weight=sample_weight, power=power
        )
    a, b = 1 - power, 2 - power  # scikit-learn's function wants a positive mean
    return np.average(
        2 * (np.maximum(true, 0) ** b / (a * b) - true * mean**a / a + mean**b / b), weights=sample_weight
    )
