"""Logistic regression, of a loss, a penalty and a solver.

An evaluation is one task for each row of blocks, which gives loss and gradient of its rows, and a tree of tasks that
add them up. Coefficients go to the tasks, and a gradient of their size comes to the main program, where the solver
runs; with Newton's method also second derivatives, the square of that. The rows of ``X`` are checked once and stay on
the workers; those of a streamed ``X`` are read anew by each pass.

Solvers: L-BFGS (`_lbfgs`), about as many passes as iterations; Newton's method (`_newton`), few passes, for few
coefficients and for absolute penalties; gradients (`_proximal`) for absolute penalties on many coefficients.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse
import sklearn.linear_model
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._rounds import ObservedFit
from estimators._targets import encode_classes, weigh_codes, weigh_rows
from estimators._validation import (
    check_rows,
    check_weights,
    check_X,
    defer_rows,
    map_rows,
    rows_to_array,
)
from estimators.linear_model._descents import Data, Found
from estimators.linear_model._lbfgs import minimize_by_lbfgs
from estimators.linear_model._losses import BINOMIAL, MULTINOMIAL
from estimators.linear_model._newton import minimize_by_newton
from estimators.linear_model._penalties import Penalty
from estimators.linear_model._predictions import decide
from estimators.linear_model._proximal import minimize_by_gradients
from estimators.metrics import AccuracyScore

__all__ = ["LogisticRegression"]

_MOST_BENT = 2000
"""Number of coefficients above which second derivatives are not worth their size."""


class LogisticRegression(AccuracyScore, ObservedFit, sklearn.linear_model.LogisticRegression):
    """Classify by linear functions of features, which give the logarithms of the odds of the classes.

    Minimises C times the sum of log losses + (1 - l1_ratio) / 2 times the sum of squared coefficients
    + l1_ratio times the sum of absolute coefficients. Intercepts are not penalised.

    Parameters
    ----------
    penalty : {"l1", "l2", "elasticnet"} or None, optional
        Deprecated by scikit-learn: use ``l1_ratio`` and ``C``.
    C : float, default=1.0
        The smaller, the stronger is the penalty; infinity for none.
    l1_ratio : float, default=0.0
        Share of the penalty on absolute coefficients; above 0 it needs ``solver="saga"``.
    dual : bool, default=False
        Not supported: True is an error.
    tol : float, default=1e-4
        Stop once no derivative is larger than this.
    fit_intercept : bool, default=True
    intercept_scaling : float, default=1
        Has no effect: it belongs to "liblinear".
    class_weight : dict or "balanced", optional
    random_state : int, RandomState or None
        Has no effect: nothing is random.
    solver : {"lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"}, default="lbfgs"
        The "newton" ones mean Newton's method with up to 2000 coefficients; "saga" means Newton's method or gradients
        if ``l1_ratio`` is above 0; everything else is L-BFGS. "liblinear", which penalises intercepts, is an error.
    max_iter : int, default=100
    verbose : int, default=0
        Has no effect.
    warm_start : bool, default=False
        Whether to start where the last ``fit`` has ended.
    n_jobs : int, optional
        Has no effect: tasks run in parallel anyhow.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    n_iter_ : ndarray of shape (1,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_breast_cancer
    >>> from estimators.linear_model import LogisticRegression
    >>> x, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegression(solver="newton-cholesky").fit(ds.array(x, block_size=100), y)
    >>> round(model.score(x, y), 2)
    0.96
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticRegression:
        """Find coefficients.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, 1)
            Labels of at least two classes.
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each row counts.

        Warns
        -----
        ConvergenceWarning
            When ``max_iter`` iterations are not enough.
        """
        C, l1_ratio = _choose_penalty(self)
        rows = check_X(self, X, reset=True)
        codes, self.classes_ = encode_classes(self, y, rows)
        weights = _weigh(self, codes, sample_weight, rows)
        total = float(rows.shape[0]) if weights[0] is None else float(sum(wait_on([add_up(each) for each in weights])))
        strength = 1 / (C * total)
        penalty = Penalty(strength * l1_ratio, strength * (1 - l1_ratio))
        blocks = defer_rows(self, rows) if rows.streamed else check_rows(self, rows).row_blocks()
        loss = BINOMIAL if len(self.classes_) == 2 else MULTINOMIAL
        start = self._start(rows.shape[1])
        minimize = _choose_solver(self.solver, penalty, start.size)
        data = Data(blocks, codes, weights, loss, self.fit_intercept)
        rounds = self._begin_fit(X, y, sample_weight, n_rounds=self.max_iter)

        def is_enough(coef: Any) -> bool:
            return rounds.end_round(lambda: _split(coef, rows.dtype))

        self._keep(minimize(data, penalty, start, self.tol, self.max_iter, is_enough), rows.dtype)
        rounds.end()
        return self

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row, as ndarray or Array of shape (n_samples,) like ``X``."""
        if not isinstance(X, ds.Array):
            return super().predict(X)
        coef = share(self._dense_coef())
        rows = check_X(self, X, reset=False)
        labels = map_rows(self, _choose, rows, coef, self.intercept_, self.classes_)
        return rows_to_array(labels, rows, self.classes_.dtype)

    def decision_function(self, X: Any) -> Any:
        """Return the linear functions of each row, as ndarray or Array like ``X``.

        Returns
        -------
        ndarray or Array of shape (n_samples,) or (n_samples, n_classes)
            With two classes, positive for the second one.
        """
        if not isinstance(X, ds.Array):
            return super().decision_function(X)
        check_is_fitted(self)
        return self._map(_decide, X, None if len(self.classes_) == 2 else len(self.classes_))

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of classes, as ndarray or Array of shape (n_samples, n_classes) like ``X``."""
        if not isinstance(X, ds.Array):
            return super().predict_proba(X)
        check_is_fitted(self)
        return self._map(_estimate, X, len(self.classes_))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`."""
        if not isinstance(X, ds.Array):
            return super().predict_log_proba(X)
        check_is_fitted(self)
        return self._map(_estimate_log, X, len(self.classes_))

    # --- the model ---------------------------------------------------------------------------------------------------

    def _dense_coef(self) -> Any:
        check_is_fitted(self)
        return self.coef_.toarray() if scipy.sparse.issparse(self.coef_) else self.coef_

    def _map(self, function: Any, X: ds.Array, n_columns: int | None) -> ds.Array:
        coef = self._dense_coef()
        rows = check_X(self, X, reset=False)
        found = map_rows(self, function, rows, share(coef), self.intercept_)
        return rows_to_array(found, rows, np.result_type(rows.dtype, coef.dtype), n_columns)

    def _start(self, n_features: int) -> Any:
        n_functions = 1 if len(self.classes_) == 2 else len(self.classes_)
        if not self.warm_start or not hasattr(self, "coef_"):
            return np.zeros((n_functions, n_features + 1))
        known = np.column_stack([self._dense_coef(), self.intercept_]).astype(float)
        if known.shape != (n_functions, n_features + 1):
            raise ValueError(
                f"LogisticRegression.fit: warm_start=True, but what was learned has shape {known.shape} and what is to "
                f"be learned {n_functions, n_features + 1}; set it to False."
            )
        return known

    def _keep(self, found: Found, dtype: Any) -> None:
        vars(self).update(_split(found.coef, dtype))
        self.n_iter_ = np.array([found.n_iter], dtype=np.int32)
        if not found.converged:
            warnings.warn(
                f"LogisticRegression.fit: not converged after {found.n_iter} iterations (max_iter={self.max_iter}, "
                f"tol={self.tol}); allow more, or scale the features.",
                ConvergenceWarning,
                stacklevel=4,
            )


def _split(coef: Any, dtype: Any) -> dict[str, Any]:
    """Return the attributes that hold coefficients."""
    coef = coef.astype(dtype, copy=False)
    return {"coef_": np.ascontiguousarray(coef[:, :-1]), "intercept_": coef[:, -1].copy()}


def _choose_penalty(model: LogisticRegression) -> tuple[float, float]:
    """Return C and the share of absolute coefficients, or raise an error that names what is not supported."""

    def refuse(name: str, advice: str) -> None:
        raise ValueError(f"LogisticRegression.fit: {name}={getattr(model, name)!r} is not supported; {advice}.")

    C, l1_ratio = model.C, 0.0 if model.l1_ratio is None else model.l1_ratio
    if model.penalty != "deprecated":
        warnings.warn(
            "LogisticRegression.fit: penalty is deprecated by scikit-learn; use l1_ratio, or C=np.inf for none.",
            FutureWarning,
            stacklevel=4,
        )
        C = np.inf if model.penalty is None else C
        l1_ratio = {"l1": 1.0, "elasticnet": l1_ratio}.get(model.penalty, 0.0)
    if model.dual:
        refuse("dual", "leave it False")
    if model.solver == "liblinear":
        refuse("solver", "take 'saga', which does not penalise intercepts, or another one")
    if l1_ratio and model.solver != "saga":
        refuse("solver", "a penalty on absolute coefficients needs 'saga'")
    return C, l1_ratio


def _choose_solver(solver: str, penalty: Penalty, n_coefficients: int) -> Any:
    is_small = n_coefficients <= _MOST_BENT
    if penalty.l1:
        return minimize_by_newton if is_small else minimize_by_gradients
    return minimize_by_newton if is_small and solver.startswith("newton") else minimize_by_lbfgs


def _weigh(model: LogisticRegression, codes: list[Any], sample_weight: Any, rows: ds.Array) -> list[Any]:
    """Return the weights of rows, for each row of blocks; "balanced" is by the weights of classes, not their rows."""
    if model.class_weight != "balanced" or sample_weight is None:
        return weigh_rows(model, codes, sample_weight, rows)
    n_classes = len(model.classes_)
    given = check_weights(model, sample_weight, rows).row_blocks()
    counts = sum(wait_on([add_up_by_class(*pair, n_classes) for pair in zip(codes, given, strict=True)]))
    by_class = np.divide(counts.sum(), n_classes * counts, out=np.zeros(n_classes), where=counts > 0)
    return [weigh_codes(block, by_class, own) for block, own in zip(codes, given, strict=True)]


def _decide(rows: Any, coef: Any, intercept: Any) -> Any:
    raw = decide(rows, coef, intercept)
    return raw[:, 0] if len(coef) == 1 else raw


def _choose(rows: Any, coef: Any, intercept: Any, classes: Any) -> Any:
    raw = ds.to_host(_decide(rows, coef, intercept))
    return classes[(raw > 0).astype(np.intp) if raw.ndim == 1 else raw.argmax(axis=1)]


def _estimate(rows: Any, coef: Any, intercept: Any) -> Any:
    xp = ds.namespace(rows)
    raw = decide(rows, coef, intercept)
    if len(coef) == 1:
        margin = raw[:, 0]
        small = xp.exp(-abs(margin))
        total = 1 + small
        return xp.stack([xp.where(margin < 0, 1, small) / total, xp.where(margin < 0, small, 1) / total], axis=1)
    shares = xp.exp(raw - raw.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _estimate_log(rows: Any, coef: Any, intercept: Any) -> Any:
    xp = ds.namespace(rows)
    raw = decide(rows, coef, intercept)
    if len(coef) == 1:
        return -xp.logaddexp(0, xp.concatenate([raw, -raw], axis=1))
    raw = raw - raw.max(axis=1, keepdims=True)
    return raw - xp.log(xp.exp(raw).sum(axis=1, keepdims=True))


@task
def add_up(values: Any) -> Any:
    """Return the sum of the elements of a block, in float64."""
    return values.sum(dtype=float)


@task
def add_up_by_class(codes: Any, weights: Any, n_classes: int) -> Any:
    """Return the sum of the weights of each class."""
    return np.bincount(codes, weights, minlength=n_classes)
