"""Minimising with a share of absolute coefficients by gradients alone, for many coefficients: two passes an iteration.

A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems" (2009), started
anew where momentum points uphill (B. O'Donoghue and E. Candès, "Adaptive restart for accelerated gradient schemes",
2015).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from estimators.linear_model._descents import Data, Found, IsEnough, never
from estimators.linear_model._penalties import Penalty

__all__ = ["minimize_by_gradients"]


def minimize_by_gradients(
    data: Data, penalty: Penalty, start: Any, tol: float, max_iter: int, is_enough: IsEnough = never
) -> Found:
    """Return the least mean loss plus penalty."""
    coef = ahead = start
    momentum, step = 1.0, 1.0
    for n_iter in range(max_iter):
        value, gradient = _evaluate(data, penalty, ahead)
        if n_iter == 0 and penalty.distance(coef, gradient) <= tol:
            return Found(coef, 0, converged=True)
        while True:
            moved = penalty.shrink(ahead - step * gradient, step)
            move = moved - ahead
            there, slope = _evaluate(data, penalty, moved)
            bound = value + (gradient * move).sum() + (move * move).sum() / (2 * step)
            if there <= bound + 8 * np.finfo(float).eps * abs(bound):
                break
            step /= 2
        if is_enough(moved) or penalty.distance(moved, slope) <= tol:
            return Found(moved, n_iter + 1, converged=True)
        grown = 1.0 if (move * (moved - coef)).sum() < 0 else (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / grown * (moved - coef) if grown > 1 else moved
        coef, momentum, step = moved, grown, step * 1.1
    return Found(coef, max_iter, converged=False)


def _evaluate(data: Data, penalty: Penalty, coef: Any) -> tuple[float, Any]:
    """Return the smooth part of the objective, and its gradient."""
    value, gradient = data.slope(coef)
    squares = penalty.l2 / 2 * (coef[:, :-1] ** 2).sum()
    return value + squares, gradient + penalty.smooth_gradient(coef)
