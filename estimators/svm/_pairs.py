"""Machines that tell classes apart: a function for each pair of classes, all of which are solved together.

A sample that supports any pair is kept. Solutions follow libsvm's conventions: support vectors stand in the order of
their classes; the function of a pair (i, j) of classes, i < j, is positive where it decides for i; a support vector has
one coefficient for each *other* class.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from estimators.svm._kernel import Kernel
from estimators.svm._solver import Floats, Problem, Samples, Solution, Trained, evaluate_parts

__all__ = ["PairsProblem", "decide_pairs"]


@dataclass(frozen=True, slots=True)
class PairsProblem(Problem):
    """Tell classes apart: each sample is to lie on its class's side of each pair, by 1 at least."""

    @property
    def near(self) -> float:
        """A tenth of the margin."""
        return 0.1

    def train(self, samples: Samples) -> Trained | None:
        """Solve the problem of samples of at least two classes."""
        present, own = np.unique(samples.targets, return_inverse=True)
        if len(present) < 2:
            return None
        support, dual_coef, intercept = self.fit_machine(SVC, samples, own)
        sign = -1 if len(present) == 2 else 1  # scikit-learn turns libsvm's signs for two classes
        return support, sign * dual_coef, sign * intercept

    def conditions(self, samples: Samples, solution: Solution) -> tuple[Floats, Floats]:
        """Return ones, and the functions of pairs of each sample's class, positive on its own side."""
        assert solution.dual_coef is not None
        own = np.searchsorted(np.unique(solution.support.targets), samples.targets)
        pair_of, sign_of = _own_pairs(len(solution.dual_coef) + 1)
        margins = np.empty((samples.rows.shape[0], len(solution.dual_coef)))
        for part, decisions in decide_pairs(samples.rows, solution, self.kernel):
            codes = own[part]
            margins[part] = sign_of[codes] * np.take_along_axis(decisions, pair_of[codes], axis=1)
        return np.ones_like(margins), margins

    def multipliers(self, dual_coef: Floats) -> Floats:
        """Return the sizes of coefficients, whose signs tell the sides."""
        return np.abs(dual_coef.T)


def decide_pairs(rows: Any, solution: Solution, kernel: Kernel) -> Iterator[tuple[slice, Floats]]:
    """Yield, for some rows at a time, which they are and the functions of all pairs, of shape (n_rows, n_pairs)."""
    support, dual_coef = solution.support, solution.dual_coef
    assert dual_coef is not None
    bounds = [0, *(np.flatnonzero(np.diff(support.targets)) + 1).tolist(), len(support)]
    pairs = list(itertools.combinations(range(len(bounds) - 1), 2))
    for part, values in evaluate_parts(rows, solution, kernel):
        votes = [values[:, a:b] @ dual_coef[:, a:b].T for a, b in itertools.pairwise(bounds)]
        yield part, np.stack([votes[i][:, j - 1] + votes[j][:, i] for i, j in pairs], axis=1) + solution.intercept


@functools.lru_cache(maxsize=8)
def _own_pairs(n_classes: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return, for each class and each other one, the position of their pair, and 1 or -1 for the class's side of it."""
    pairs = {pair: position for position, pair in enumerate(itertools.combinations(range(n_classes), 2))}
    others = [[other for other in range(n_classes) if other != own] for own in range(n_classes)]
    pair_of = [[pairs[min(own, other), max(own, other)] for other in others[own]] for own in range(n_classes)]
    sign_of = [[1.0 if own < other else -1.0 for other in others[own]] for own in range(n_classes)]
    return np.array(pair_of), np.array(sign_of)
