"""Least squares with a penalty on squared coefficients: one pass over the rows, as in `_linear_regression`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import sklearn.linear_model
from sklearn.base import _fit_context

import dsarray as ds
from estimators.linear_model._condensed import Condensed, condense, fit_few_rows
from estimators.linear_model._predictions import BlockwiseRegression
from estimators.linear_model._unpenalized import solve_freely

__all__ = ["Ridge"]


class Ridge(BlockwiseRegression, sklearn.linear_model.Ridge):
    """Explain targets by a linear function of features, with a penalty on its squared coefficients.

    Parameters
    ----------
    alpha : float or array_like of shape (n_targets,), default=1.0
        Weight of the penalty.
    fit_intercept : bool, default=True
    copy_X : bool, default=True
        Has no effect: ``X`` is never changed.
    max_iter : int, optional
        Of the solver for ``positive=True``.
    tol : float, default=1e-4
        Of the solver for ``positive=True``.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, default="auto"
        Has no effect: all have the same solution, which is found by Cholesky's decomposition, by singular values for
        ``alpha=0``, or step by step for ``positive=True``. What scikit-learn refuses is refused: "lbfgs" is for
        ``positive=True``, which is for "auto" and "lbfgs"; "svd" is for dense ``X``; "cholesky" and "saga" are for
        sparse ``X`` with ``fit_intercept=False`` only.
    positive : bool, default=False
        Whether coefficients must not be negative.
    random_state : int, RandomState or None
        Has no effect: nothing is random.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
    intercept_ : float or ndarray of shape (n_targets,)
    n_iter_ : ndarray of shape (n_targets,)
        All 1, which is the number of passes.
    solver_ : str
        What the coefficients were found by.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.linear_model import Ridge
    >>> X = ds.array([[0.0], [1], [2], [3]], block_size=2)
    >>> Ridge(alpha=5.0).fit(X, [0.0, 2, 4, 6]).coef_.round(6)
    array([1.])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Ridge:
        """Find coefficients.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each row counts.

        Raises
        ------
        ValueError, TypeError
            When ``solver`` is not for such data and parameters.
        """
        self._check_solver(X.sparse if isinstance(X, ds.Array) else scipy.sparse.issparse(X))
        if fit_few_rows(super().fit, X, y, sample_weight):
            self.n_iter_ = np.ones(np.shape(self.intercept_) or 1, dtype=np.int32)
            return self
        data = condense(self, X, y, sample_weight)
        coef, self.solver_ = self._solve(data)
        data.set_intercept(self, coef)
        self.n_iter_ = np.ones(np.shape(self.intercept_) or 1, dtype=np.int32)
        return self

    def _check_solver(self, is_sparse: bool) -> None:
        given = f"Ridge.fit: solver={self.solver!r}"
        if self.positive and self.solver not in ("auto", "lbfgs"):
            raise ValueError(f"{given} does not support positive fitting; take 'auto' or 'lbfgs', or positive=False.")
        if self.solver == "lbfgs" and not self.positive:
            raise ValueError(f"{given} can be used only when positive=True; take another solver, such as 'auto'.")
        if is_sparse and self.fit_intercept and self.solver in ("svd", "cholesky", "saga"):
            raise ValueError(
                f"{given} does not support fitting the intercept on sparse data; take 'auto', 'lsqr', 'sparse_cg' or "
                "'sag', or fit_intercept=False."
            )
        if is_sparse and self.solver == "svd":
            raise TypeError(f"{given} does not support sparse data; take 'auto', or another solver.")

    def _solve(self, data: Condensed) -> tuple[Any, str]:
        """Return coefficients, and what they were found by."""
        n_targets = data.y[0].size
        if not self.positive and not np.any(self.alpha) and np.size(self.alpha) in (1, n_targets):
            coef = solve_freely(data.X, data.y)
            return (coef.ravel() if n_targets == 1 else coef), "svd"
        solver = sklearn.linear_model.Ridge(
            self.alpha, fit_intercept=False, positive=self.positive, tol=self.tol, max_iter=self.max_iter
        )
        solver.fit(data.X, data.y)
        return solver.coef_, solver.solver_
