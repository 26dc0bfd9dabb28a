"""The cascade support vector machine for numbers; `_machine` says what tasks do and what travels."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share
from estimators._responses import check_responses
from estimators._validation import align_rows, check_weights, check_X, like_input, map_rows, rows_to_array
from estimators.metrics import DeterminationScore
from estimators.svm._machine import CascadeMachine, like_vectors
from estimators.svm._solver import Samples, Solution, as_dense
from estimators.svm._tube import TubeProblem, follow

__all__ = ["CascadeSVR"]


class CascadeSVR(DeterminationScore, RegressorMixin, CascadeMachine):
    """Predict numbers with a support vector machine that is trained in parts.

    Parameters
    ----------
    cascade_arity : int, default 2
        How many sets of support vectors are merged at a time.
    max_iter : int, default 5
        Number of passes at most, the first of which is the cascade.
    tol : float, default 1e-3
        When to stop, relative to the dual objective; as in `CascadeSVM`. Unlike in SVR, it is not the tolerance of the
        solvers, which is always SVR's default, 1e-3.
    kernel : {"linear", "poly", "rbf", "sigmoid"}, default "rbf"
    C : float, default 1.0
        What it costs to miss a number by 1 more than ``epsilon``.
    epsilon : float, default 0.1
        By how much numbers may be missed at no cost. Samples inside of this tube support nothing, so the model is
        small, and training quick, only if most of them are.
    gamma : {"scale", "auto"} or float, default "scale"
        Coefficient of the kernels but the linear one: "scale" is 1 / (n_features * variance of X), "auto" is
        1 / n_features.
    check_convergence : bool, default True
        False to make ``max_iter`` passes without looking at objectives, and without waiting in between.
    verbose : bool, default False
        True to log each pass at level INFO.
    degree : int, default 3
        Degree of the kernel "poly".
    coef0 : float, default 0.0
        Constant term of the kernels "poly" and "sigmoid".
    shrinking : bool, default True
        Whether solvers set samples aside that do not seem to matter for a while.
    cache_size : float, default 200
        Size of the kernel cache of each solver in MiB.

    Attributes
    ----------
    support_ : ndarray of shape (n_support,)
        Positions of the support vectors among the rows of X.
    support_vectors_ : ndarray or CSR matrix of shape (n_support, n_features)
    n_support_ : ndarray of shape (1,)
        Number of support vectors.
    dual_coef_ : ndarray or CSR matrix of shape (1, n_support)
        Coefficients of the support vectors.
    intercept_ : ndarray of shape (1,)
    coef_ : ndarray or CSR matrix of shape (1, n_features)
        Only with the linear kernel.
    n_iter_ : int
        Number of passes.
    converged_ : bool
        Whether ``tol`` was reached.
    objective_ : float
        The dual objective; NaN with ``check_convergence=False``.
    n_features_in_ : int

    Raises
    ------
    MemoryError
        When the support vectors exceed the memory given to ``dsflow.start``.

    Notes
    -----
    The solution is the one of SVR to the tolerances, whatever the blocks; for the same blocks it is the same on every
    engine. X that fits in one row of blocks is solved by SVR itself.

    Examples
    --------
    >>> import dsarray as ds
    >>> import numpy as np
    >>> x = np.linspace(0, 6, 200)[:, None]
    >>> machine = CascadeSVR(C=10.0).fit(ds.array(x, block_size=50), np.sin(x[:, 0]))
    >>> round(machine.score(x, np.sin(x[:, 0])), 1)
    1.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CascadeMachine._parameter_constraints,
        "epsilon": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        cascade_arity=2,
        max_iter=5,
        tol=1e-3,
        kernel="rbf",
        C=1.0,
        epsilon=0.1,
        gamma="scale",
        check_convergence=True,
        verbose=False,
        *,
        degree=3,
        coef0=0.0,
        shrinking=True,
        cache_size=200,
    ):
        self.cascade_arity = cascade_arity
        self.max_iter = max_iter
        self.tol = tol
        self.kernel = kernel
        self.C = C
        self.epsilon = epsilon
        self.gamma = gamma
        self.check_convergence = check_convergence
        self.verbose = verbose
        self.degree = degree
        self.coef0 = coef0
        self.shrinking = shrinking
        self.cache_size = cache_size

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CascadeSVR:
        """Find the support vectors.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, 1)
        sample_weight : array_like or Array of shape (n_samples,), optional
            Factors of C by sample.

        Returns
        -------
        CascadeSVR
            This estimator.
        """
        data = check_X(self, X, reset=True, dtype=(np.float64,))
        column = y if y is None or isinstance(y, ds.Array) else column_or_1d(y, warn=True)
        targets = align_rows(self, check_responses(self, column, data)[0], data, "y")
        weights = check_weights(self, sample_weight, data)
        by_block = [None] * data.grid[0] if weights is None else weights.row_blocks()
        rounds = self._begin_fit(X, y, sample_weight, name="pass", n_rounds=self.max_iter)
        self._solve(rounds, data, targets.row_blocks(), by_block)
        return self

    def predict(self, X: Any) -> Any:
        """Return the number that is expected of each sample.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or Array of shape (n_samples,)
            An Array if X is one.
        """
        check_is_fitted(self)
        data = check_X(self, X, reset=False, dtype=(np.float64,))
        return like_input(
            X, rows_to_array(map_rows(self, follow, data, share(self._model()), self._kernel()), data, float)
        )

    @property
    def coef_(self) -> Any:
        """Coefficients of the features, with the linear kernel."""
        if self.kernel != "linear":
            raise AttributeError("coef_ is only available when using a linear kernel")
        check_is_fitted(self)
        return self.dual_coef_ @ self.support_vectors_

    # --- the model ---------------------------------------------------------------------------------------------------

    def _problem(self) -> TubeProblem:
        return TubeProblem(self._kernel(), self.C, self.shrinking, self.cache_size, self.epsilon)

    def _learned(self, model: Solution) -> dict[str, Any]:
        return {
            "support_": model.support.index,
            "support_vectors_": model.support.rows,
            "n_support_": np.array([len(model.support)], dtype=np.int32),
            "dual_coef_": like_vectors(model.dual_coef, model.support.rows),
            "intercept_": model.intercept,
        }

    def _model(self) -> Solution:
        support = Samples(self.support_vectors_, np.zeros(len(self.support_)), None, self.support_)
        return Solution(support, as_dense(self.dual_coef_), self.intercept_, support.take(np.arange(0)))
