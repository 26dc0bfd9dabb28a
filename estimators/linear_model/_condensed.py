"""Least squares on few rows instead of many: rows that have the same products, and so the same solutions.

Whatever minimises squared residuals plus a penalty needs of the data its products ``X'X``, ``X'y`` and ``y'y`` only.
One pass finds them (`estimators._moments`). From them the main program makes as many rows as there are features, and
one or two more, that have the same products, and gives these to a solver of scikit-learn: the objective is the same,
and so are its tolerances and its steps. The main program needs memory for some matrices of shape (n_features,
n_features).

Rows that are no more than features are few already: these are brought to the main program as they are.

Singular values that are smaller than 1e-7 of the largest, of features scaled to one unit, are lost in the products,
which are those of deviations from means. A feature varies if its deviations are more than rounding errors of its mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

import dsarray as ds
from dsflow import wait_on
from estimators._moments import Moments, measure_moments
from estimators._responses import check_responses
from estimators._validation import check_weights, check_X

__all__ = ["Condensed", "condense", "fit_few_rows", "take_root"]

_ROUNDING = 16 * np.finfo(float).eps
"""What adding up may do to numbers, relative to them."""


class Condensed(NamedTuple):
    """Few rows that stand for many, as deviations from their means if there is an intercept."""

    X: Any
    """ndarray of shape (n_features + 1, n_features), with one more row, for the means, if there is no intercept."""
    y: Any
    """ndarray of shape (len(X),) or (len(X), n_targets), as the y of the caller."""
    x_mean: Any
    """What the features are relative to; zeros without an intercept."""
    y_mean: Any
    """What the targets are relative to, a number or a vector."""
    weight: float
    """The sum of the weights of the rows; their number if they have none."""
    n_rows: int
    """How many rows there were."""
    dtype: np.dtype[Any]
    """Their type."""

    def set_intercept(self, model: Any, coef: Any) -> None:
        """Give a model its coefficients and intercept."""
        model.coef_ = coef.astype(self.dtype, copy=False)
        intercept = self.y_mean - coef @ self.x_mean
        is_fitted = model.fit_intercept
        model.intercept_ = np.asarray(intercept, dtype=self.dtype)[()] if is_fitted else 0.0


def fit_few_rows(fit: Callable[..., Any], X: Any, y: Any, sample_weight: Any) -> bool:
    """Give rows that are no more than features to scikit-learn's fit; return False if they are more.

    Parameters
    ----------
    fit : callable
        The method of the counterpart, which checks what it is given.
    X, y, sample_weight
        As in `condense`.
    """
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    if len(shape) != 2 or shape[0] > shape[1]:
        return False
    fit(*(each.collect() if isinstance(each, ds.Array) else each for each in (X, y, sample_weight)))
    return True


def condense(model: Any, X: Any, y: Any, sample_weight: Any, *, accept_sparse: bool = True) -> Condensed:
    """Check data and return few rows that stand for all; weights are as they are.

    Parameters
    ----------
    model : BaseEstimator
        With the parameter ``fit_intercept``.
    X : array_like, sparse matrix or Array of shape (n_samples, n_features)
    y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
    sample_weight : array_like or Array of shape (n_samples,), or None
    accept_sparse : bool
    """
    rows = check_X(model, X, reset=True, accept_sparse=accept_sparse)
    responses, is_vector = check_responses(model, y, rows)
    weights = check_weights(model, sample_weight, rows)
    moments = wait_on(measure_moments(model, rows, responses, weights))
    return _condense(moments, rows.shape[1], model.fit_intercept, is_vector, rows.dtype)


def _condense(moments: Moments, n_features: int, centered: bool, is_vector: bool, dtype: Any) -> Condensed:
    features, targets = slice(None, n_features), slice(n_features, None)
    mean, scatter = moments.mean, moments.scatter
    squares = scatter[targets, targets].diagonal()
    noise = moments.weight * (_ROUNDING * mean[features]) ** 2
    X, y = take_root(scatter[features, features], scatter[features, targets], squares, noise)
    if not centered:
        row = np.sqrt(moments.weight) * mean
        X, y = np.asfortranarray(np.vstack([X, row[features]])), np.vstack([y, row[targets]])
        mean = np.zeros_like(mean)
    y_mean = mean[targets]
    if is_vector:
        y, y_mean = y[:, 0], y_mean[0]
    return Condensed(X, y, mean[features], y_mean, moments.weight, moments.n_rows, dtype)


def take_root(gram: Any, cross: Any, squares: Any, noise: Any) -> tuple[Any, Any]:
    """Return X and y with the products that are given.

    Features are scaled to unit variance in between, and what is within the rounding error of dependent ones is
    dropped, so that the rank of X is what it should be, whatever their units.

    Parameters
    ----------
    gram : ndarray of shape (n_features, n_features)
        ``X.T @ X``
    cross : ndarray of shape (n_features, n_targets)
        ``X.T @ y``
    squares : ndarray of shape (n_targets,)
        Sums of squares of y.
    noise : float or ndarray of shape (n_features,)
        What rounding errors alone may have made of the diagonal of ``gram``. Features that have no more are 0 in X.

    Returns
    -------
    X : ndarray of shape (n_features + 1, n_features)
        In Fortran order.
    y : ndarray of shape (n_features + 1, n_targets)
    """
    diagonal = gram.diagonal()
    scale = np.sqrt(np.where(diagonal > noise, diagonal, 0))
    unit = np.divide(1, scale, out=np.zeros(len(scale)), where=scale > 0)
    values, vectors = scipy.linalg.eigh(gram * unit * unit[:, None])
    kept = values > _ROUNDING * len(values) * max(values[-1], 0)
    roots = np.sqrt(np.where(kept, values, 0))
    explained = np.divide(
        vectors.T @ (cross * unit[:, None]), roots[:, None], out=np.zeros(cross.shape), where=kept[:, None]
    )
    left = np.sqrt(np.maximum(squares - (explained**2).sum(axis=0), 0))
    X = np.vstack([roots[:, None] * vectors.T * scale, np.zeros(len(scale))])
    return np.asfortranarray(X), np.vstack([explained, left])
