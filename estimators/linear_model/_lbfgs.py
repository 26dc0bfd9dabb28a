"""Minimising a smooth objective by L-BFGS, with scikit-learn's options: an evaluation is one pass over the rows.

D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization" (1989), as SciPy has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize

from estimators.linear_model._descents import Data, Found, IsEnough, never
from estimators.linear_model._penalties import Penalty

__all__ = ["minimize_by_lbfgs"]

_STOPPED = 99
"""SciPy's status of what has been stopped from outside."""


def minimize_by_lbfgs(
    data: Data, penalty: Penalty, start: Any, tol: float, max_iter: int, is_enough: IsEnough = never
) -> Found:
    """Return the least mean loss plus penalty, which has no share of absolute coefficients."""

    def evaluate(flat: Any) -> tuple[float, Any]:
        coef = flat.reshape(start.shape)
        value, gradient = data.slope(coef)
        return value + penalty.value(coef), (gradient + penalty.smooth_gradient(coef)).ravel()

    def end_iteration(intermediate_result: Any) -> None:  # SciPy knows it by this name
        if is_enough(intermediate_result.x.reshape(start.shape)):
            raise StopIteration

    options = {"maxiter": max_iter, "maxls": 50, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = scipy.optimize.minimize(
        evaluate, start.ravel(), method="L-BFGS-B", jac=True, options=options, callback=end_iteration
    )
    return Found(found.x.reshape(start.shape), min(found.nit, max_iter), found.status in (0, _STOPPED))
