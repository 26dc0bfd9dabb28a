"""Least squares: one pass over the rows, and a solution of a few rows that stand for them (`_condensed`).

A fit has one task for each row of blocks, and a tree of tasks that add up what they give. What travels and comes to the
main program is products of features and targets, (n_features + n_targets) squared numbers. Each task needs memory for
its rows, a megabyte to work in, and these products. Streamed rows are read once and not kept.
"""

from __future__ import annotations

from typing import Any

import sklearn.linear_model
from sklearn.base import _fit_context

from estimators.linear_model._condensed import condense, fit_few_rows
from estimators.linear_model._predictions import BlockwiseRegression
from estimators.linear_model._unpenalized import solve_positively

__all__ = ["LinearRegression"]


class LinearRegression(BlockwiseRegression, sklearn.linear_model.LinearRegression):
    """Explain targets by a linear function of features with the least squared residuals.

    Parameters
    ----------
    fit_intercept : bool, default=True
    copy_X : bool, default=True
        Has no effect: ``X`` is never changed.
    tol : float, default=1e-6
        Singular values below this, relative to the largest, count as 0: of features that depend on others, the
        smallest coefficients are taken. Since products of features are added up, it should not be below 1e-7.
    n_jobs : int, optional
        Has no effect: tasks run in parallel anyhow.
    positive : bool, default=False
        Whether coefficients must not be negative.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
    intercept_ : float or ndarray of shape (n_targets,)
    rank_ : int
        Of ``X`` without its mean. Not with ``positive=True``.
    singular_ : ndarray of shape (min(n_samples, n_features),)
        Its singular values. Not with ``positive=True``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.linear_model import LinearRegression
    >>> X = ds.array([[1.0, 1], [1, 2], [2, 2], [2, 3]], block_size=2)
    >>> model = LinearRegression().fit(X, [6, 8, 9, 11])
    >>> model.coef_.round(6)
    array([1., 2.])
    >>> model.predict([[3, 5]]).round(6)
    array([16.])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegression:
        """Find coefficients.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each row counts.
        """
        if fit_few_rows(super().fit, X, y, sample_weight):
            return self
        data = condense(self, X, y, sample_weight, accept_sparse=not self.positive)
        if self.positive:
            data.set_intercept(self, solve_positively(data.X, data.y))
            return self
        solver = sklearn.linear_model.LinearRegression(fit_intercept=False, tol=self.tol)
        solver.fit(data.X, data.y)
        data.set_intercept(self, solver.coef_)
        self.rank_ = solver.rank_
        self.singular_ = solver.singular_[: min(data.n_rows, self.n_features_in_)].astype(data.dtype)
        return self
