"""Least squares with a penalty on absolute coefficients, by coordinate descent on few rows that stand for all.

A fit is one pass over the rows, as in `_linear_regression`. The descent then runs in the main program, with the
objective, the tolerance on the duality gap and the steps of scikit-learn (J. Friedman, T. Hastie and R. Tibshirani,
"Regularization paths for generalized linear models via coordinate descent", 2010), on a matrix of one more row than
features: this is for data with up to some thousand features, and any number of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.linear_model
from sklearn.base import _fit_context

from estimators._counterparts import counterpart_of
from estimators.linear_model._condensed import Condensed, condense, fit_few_rows
from estimators.linear_model._predictions import BlockwiseRegression

__all__ = ["ElasticNet", "Lasso"]


class ElasticNet(BlockwiseRegression, sklearn.linear_model.ElasticNet):
    """Explain targets by a linear function of features, with a penalty on absolute and on squared coefficients.

    Minimises the mean of squared residuals / 2 + alpha * l1_ratio * (sum of absolute coefficients)
    + alpha * (1 - l1_ratio) / 2 * (sum of squared coefficients).

    Parameters
    ----------
    alpha : float, default=1.0
    l1_ratio : float, default=0.5
    fit_intercept : bool, default=True
    precompute : bool or array_like, default=False
        Has no effect: products of features are what the solution is found from.
    max_iter : int, default=1000
        How many rounds of the descent to do at most.
    copy_X : bool, default=True
        Has no effect: ``X`` is never changed.
    tol : float, default=1e-4
        Stop once the duality gap is less than this, times the mean square of the target.
    warm_start : bool, default=False
        Whether to start where the last ``fit`` has ended.
    positive : bool, default=False
        Whether coefficients must not be negative.
    random_state : int, RandomState or None
        For ``selection="random"``.
    selection : {"cyclic", "random"}, default="cyclic"
        Which coefficient is next.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
    sparse_coef_ : CSR matrix of shape (n_targets, n_features)
    intercept_ : float or ndarray of shape (n_targets,)
    n_iter_ : int or list of int
    dual_gap_ : float or ndarray of shape (n_targets,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.linear_model import ElasticNet
    >>> X = ds.array([[0.0, 0], [1, 1], [2, 2]], block_size=2)
    >>> ElasticNet(alpha=0.1).fit(X, [0.0, 1, 2]).predict([[0, 0]]).round(3)
    array([0.108])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> ElasticNet:
        """Find coefficients.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each row counts.
        check_input : bool, default=True
            Has no effect.

        Warns
        -----
        ConvergenceWarning
            When ``max_iter`` rounds are not enough.
        """
        if fit_few_rows(super().fit, X, y, sample_weight):
            return self
        data = condense(self, X, y, sample_weight)
        solver = _descend(self, data)
        data.set_intercept(self, solver.coef_)
        self.n_iter_ = solver.n_iter_
        self.dual_gap_ = (solver.dual_gap_ * (len(data.X) / data.weight)).astype(data.dtype)
        return self


class Lasso(ElasticNet):
    """Explain targets by a linear function of features, with a penalty on absolute coefficients.

    Minimises the mean of squared residuals / 2 + alpha * (sum of absolute coefficients).

    Parameters
    ----------
    alpha : float, default=1.0
    fit_intercept, precompute, copy_X, max_iter, tol, warm_start, positive, random_state, selection
        As in `ElasticNet`.

    Attributes
    ----------
    coef_, sparse_coef_, intercept_, n_iter_, dual_gap_, n_features_in_, feature_names_in_
        As in `ElasticNet`.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.linear_model import Lasso
    >>> X = ds.array([[0.0, 0], [1, 1], [2, 2]], block_size=2)
    >>> Lasso(alpha=0.1).fit(X, [0.0, 1, 2]).coef_.round(3)
    array([0.85, 0.  ])
    """

    _parameter_constraints = sklearn.linear_model.Lasso._parameter_constraints

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        precompute=False,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        positive=False,
        random_state=None,
        selection="cyclic",
    ):
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )


def _descend(model: ElasticNet, data: Condensed) -> Any:
    """Return scikit-learn's model of the few rows; alpha makes up for their number."""
    alpha = model.alpha * data.weight / len(data.X)
    solver = counterpart_of(model).set_params(alpha=alpha, fit_intercept=False, precompute=False, copy_X=False)
    if model.warm_start and hasattr(model, "coef_"):
        solver.coef_ = np.array(model.coef_, dtype=float)
    return solver.fit(data.X, data.y)
