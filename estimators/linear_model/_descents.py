"""What solvers of linear classifiers have in common: what they minimise, and what they return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import dsarray as ds
from dsflow import share, task, wait_on
from estimators.linear_model._losses import Loss, Slope, add_slopes, measure_bend, measure_slope

__all__ = ["Data", "Found", "IsEnough", "never"]

IsEnough = Callable[[Any], bool]
"""Is told the coefficients after each iteration, and returns whether they are good enough."""


def never(_coef: Any) -> bool:
    """Say that coefficients are not good enough."""
    return False


class Found(NamedTuple):
    """What a solver returns."""

    coef: Any
    """ndarray of shape (n_functions, n_features + 1); the last column is the intercepts."""
    n_iter: int
    converged: bool


@dataclass(frozen=True, slots=True)
class Data:
    """The mean loss over rows of blocks, as a function of coefficients.

    Each evaluation is one task for each row of blocks and a tree of tasks. Coefficients go there, and as many
    derivatives come to the main program; or their square, of second derivatives.
    """

    blocks: list[Any]
    """Futures of rows, or `dsarray.Deferred` for rows that are read anew in each pass."""
    codes: list[Any]
    weights: list[Any]
    loss: Loss
    fit_intercept: bool
    """If False, derivatives by intercepts are 0."""

    def slope(self, coef: Any) -> tuple[float, Any]:
        """Return mean loss and gradient."""
        found = self._measure(coef, measure_slope)
        return found.value / found.weight, self._masked(found.gradient) / found.weight

    def bend(self, coef: Any) -> tuple[float, Any, Any]:
        """Return mean loss, gradient and second derivatives, by the ravelled coefficients."""
        found = self._measure(coef, measure_bend)
        bend = found.bend / found.weight
        if not self.fit_intercept:
            last = np.arange(1, len(coef) + 1) * coef.shape[1] - 1
            bend[last] = bend[:, last] = 0
        return found.value / found.weight, self._masked(found.gradient) / found.weight, bend

    def _measure(self, coef: Any, function: Any) -> Slope:
        shared = share(coef)
        blocks = zip(self.blocks, self.codes, self.weights, strict=True)
        parts = [measure_block(rows, codes, weights, shared, self.loss, function) for rows, codes, weights in blocks]
        found: Slope = wait_on(ds.tree_reduce(add_slopes, parts))
        return found

    def _masked(self, gradient: Any) -> Any:
        if not self.fit_intercept:
            gradient = gradient.copy()
            gradient[:, -1] = 0
        return gradient


@task
def measure_block(rows: Any, codes: Any, weights: Any, coef: Any, loss: Loss, function: Any) -> Slope:
    """Return sums over a block of rows, which is read here if it is not kept."""
    rows = rows.make() if isinstance(rows, ds.Deferred) else rows
    found: Slope = function(rows, codes, weights, coef, loss)
    return found
