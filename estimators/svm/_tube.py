"""Machines that follow numbers: one function, which is to pass each sample's number within a tube of width epsilon.

Each sample has two conditions, of which it can miss one only: not to lie below the function by more than epsilon, and
not above it. Its coefficient is the difference of the multipliers of the two, one of which is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.svm import SVR

from estimators.svm._kernel import Kernel
from estimators.svm._solver import Floats, Problem, Samples, Solution, Trained, evaluate_parts

__all__ = ["TubeProblem", "follow"]


@dataclass(frozen=True, slots=True)
class TubeProblem(Problem):
    """Follow numbers within a tube."""

    epsilon: float

    @property
    def near(self) -> float:
        """A share of the tube."""
        return 0.3 * self.epsilon

    def train(self, samples: Samples) -> Trained | None:
        """Solve the problem of at least one sample."""
        return self.fit_machine(SVR, samples, samples.targets, epsilon=self.epsilon) if len(samples) else None

    def conditions(self, samples: Samples, solution: Solution) -> tuple[Floats, Floats]:
        """Return bounds of the function and of its negative, and these two."""
        asked = np.stack([samples.targets, -samples.targets], axis=1) - self.epsilon
        found = follow(samples.rows, solution, self.kernel)
        return asked, np.stack([found, -found], axis=1)

    def multipliers(self, dual_coef: Floats) -> Floats:
        """Return the positive and the negative parts of coefficients."""
        return np.maximum(np.stack([dual_coef[0], -dual_coef[0]], axis=1), 0)


def follow(rows: Any, solution: Solution, kernel: Kernel) -> Floats:
    """Return the function of each row."""
    assert solution.dual_coef is not None
    found = np.empty(rows.shape[0])
    for part, values in evaluate_parts(rows, solution, kernel):
        found[part] = values @ solution.dual_coef[0]
    return found + solution.intercept
