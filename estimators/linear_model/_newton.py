"""Minimising by Newton's method, with a share of absolute coefficients too: few passes, for few coefficients.

A pass gives loss, gradient and second derivatives. The quadratic model of the loss plus the penalty is minimised in the
main program; then the step is halved until the objective falls enough. J. D. Lee, Y. Sun and M. A. Saunders, "Proximal
Newton-type methods for minimizing composite functions" (2014).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.linalg
import sklearn.linear_model
from sklearn.exceptions import ConvergenceWarning

from estimators.linear_model._condensed import take_root
from estimators.linear_model._descents import Data, Found, IsEnough, never
from estimators.linear_model._penalties import Penalty

__all__ = ["minimize_by_newton"]

_LEAST_STEP = 1e-10
_ENOUGH = 1e-4
"""Share of what the model promises that the objective has to fall by."""


def minimize_by_newton(
    data: Data, penalty: Penalty, start: Any, tol: float, max_iter: int, is_enough: IsEnough = never
) -> Found:
    """Return the least mean loss plus penalty."""
    coef, n_iter = start, 0
    value, gradient, bend = _evaluate(data, penalty, coef)
    while penalty.distance(coef, gradient) > tol:
        if n_iter == max_iter:
            return Found(coef, n_iter, converged=False)
        n_iter += 1
        move = _minimize_model(penalty, coef, gradient, bend) - coef
        promise = float((gradient * move).sum()) + _absolute(penalty, coef + move) - _absolute(penalty, coef)
        step = 1.0
        while True:
            moved = _evaluate(data, penalty, coef + step * move)
            rounding = 8 * np.finfo(float).eps * abs(value)
            if moved[0] <= value + _ENOUGH * step * promise + rounding:
                break
            step /= 2
            if step < _LEAST_STEP:
                return Found(coef, n_iter, converged=False)
        coef = coef + step * move
        value, gradient, bend = moved
        if is_enough(coef):
            break
    return Found(coef, n_iter, converged=True)


def _absolute(penalty: Penalty, coef: Any) -> float:
    return float(penalty.l1 * abs(coef[:, :-1]).sum())


def _evaluate(data: Data, penalty: Penalty, coef: Any) -> tuple[float, Any, Any]:
    """Return the objective, and the derivatives of its smooth part."""
    value, gradient, bend = data.bend(coef)
    bend = bend + np.diag(penalty.smooth_gradient(np.ones(coef.shape)).ravel())
    return value + penalty.value(coef), gradient + penalty.smooth_gradient(coef), bend


def _minimize_model(penalty: Penalty, coef: Any, gradient: Any, bend: Any) -> Any:
    """Return where the quadratic model at ``coef`` plus the share of absolute coefficients is least."""
    if penalty.l1:
        exactness = float(np.clip(1e-3 * penalty.distance(coef, gradient) ** 2, 1e-15, 1e-6))
        return _minimize_with_absolute(penalty, coef, gradient, bend, exactness)
    damping = 1e-12 * max(bend.trace(), np.finfo(float).tiny)
    damped = bend + damping * np.eye(len(bend))
    return coef - scipy.linalg.solve(damped, gradient.ravel(), assume_a="sym").reshape(coef.shape)


def _minimize_with_absolute(penalty: Penalty, coef: Any, gradient: Any, bend: Any, exactness: float) -> Any:
    """Return the same, of the coefficients when the best intercepts are put in for them."""
    is_slope = np.ones(coef.shape, dtype=bool)
    is_slope[:, -1] = False
    slopes, rest = np.flatnonzero(is_slope), np.flatnonzero(~is_slope)
    aim = bend @ coef.ravel() - gradient.ravel()
    inner = np.linalg.pinv(bend[np.ix_(rest, rest)], hermitian=True)
    across = bend[np.ix_(slopes, rest)]
    reduced = bend[np.ix_(slopes, slopes)] - across @ inner @ across.T
    target = aim[slopes] - across @ inner @ aim[rest]
    X, y = take_root(reduced, target[:, None], np.zeros(1), noise=0.0)
    lasso = sklearn.linear_model.Lasso(
        penalty.l1 / len(X), fit_intercept=False, warm_start=True, tol=exactness, max_iter=2000
    )
    lasso.coef_ = coef.ravel()[slopes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a step that is not exact is a step still
        lasso.fit(X, y[:, 0])
    found = np.empty(coef.size)
    found[slopes] = lasso.coef_
    found[rest] = inner @ (aim[rest] - across.T @ lasso.coef_)
    return found.reshape(coef.shape)
