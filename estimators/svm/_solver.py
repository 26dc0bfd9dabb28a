"""What the tasks of a cascade do: solve a small problem, join solutions, check one against a block of samples.

All pairs of classes are solved together, as libsvm does it: a sample that supports any pair is kept. `Solution` follows
libsvm's conventions: support vectors stand in the order of their classes; the function of a pair (i, j) of classes,
i < j, is positive where it decides for i; a support vector has one coefficient for each *other* class.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.svm import SVC

from dsflow import task
from estimators.svm._kernel import Kernel, quick_form

__all__ = [
    "Problem",
    "Samples",
    "Solution",
    "check_block",
    "count_bytes",
    "decide_pairs",
    "join_samples",
    "merge",
    "solve_block",
    "solve_with",
]

SLACK = 1e-3
"""By how much the conditions of optimality may be missed: libsvm's usual tolerance."""

_CHUNK_BYTES = 4 << 20
"""Size of the kernel matrix that exists at a time when samples meet support vectors."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be solved."""

    kernel: Kernel
    C: float
    n_classes: int
    cache_mib: float
    """Memory for rows of the kernel matrix, in each solver."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Some rows of the data."""

    rows: Any
    """Their features: an ndarray or CSR matrix."""
    codes: npt.NDArray[np.intp]
    """Positions of their classes among all classes."""
    weights: Floats | None
    index: npt.NDArray[np.intp]
    """Their positions among all rows."""

    @classmethod
    def of_block(cls, rows: Any, codes: Any, weights: Any, start: int) -> Samples:
        """Take a block that starts at row ``start``, without what has no positive weight, as libsvm does."""
        samples = cls(rows, codes, weights, np.arange(start, start + rows.shape[0]))
        return samples if weights is None or (weights > 0).all() else samples.take(np.flatnonzero(weights > 0))

    def take(self, positions: npt.NDArray[np.intp]) -> Samples:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[positions]
        return Samples(self.rows[positions], self.codes[positions], weights, self.index[positions])

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class Solution:
    """What a solver keeps of its samples, and how they decide."""

    support: Samples
    dual_coef: Floats | None
    """Of shape (n_classes - 1, n_support); None if the samples are all of one class, and all kept."""
    intercept: Floats | None
    """Of shape (n_pairs,)."""
    near: Samples | None = None
    """Samples that lie so near to their margin that they may turn out to be support vectors."""

    def candidates(self) -> list[Samples]:
        """Return what to pass on."""
        return [self.support] if self.near is None else [self.support, self.near]


# --- solving ---------------------------------------------------------------------------------------------------------


@task
def solve_block(rows: Any, codes: Any, weights: Any, start: int, problem: Problem) -> Solution:
    """Solve the problem of one block of samples, which starts at row ``start`` of all."""
    return _solve(Samples.of_block(rows, codes, weights, start), problem)


@task
def merge(solutions: list[Solution], problem: Problem) -> Solution:
    """Solve the problem of all samples that some solutions have kept."""
    return _solve(_join([lot for solution in solutions for lot in solution.candidates()]), problem)


@task
def solve_with(solution: Solution, more: Samples, problem: Problem) -> Solution:
    """Solve the problem of a solution's support vectors and some more samples."""
    return _solve(_join([*solution.candidates(), more]), problem) if len(more) else solution


@task
def count_bytes(solution: Solution) -> int:
    """Return the size of a solution."""
    rows = solution.support.rows
    parts = [rows.data, rows.indices, rows.indptr] if scipy.sparse.issparse(rows) else [rows]
    return sum(int(part.nbytes) for part in (*parts, solution.support.index, solution.dual_coef))


def join_samples(left: Samples, right: Samples) -> Samples:
    """Put two lots of samples together."""
    return _join([left, right])


def _join(parts: list[Samples]) -> Samples:
    parts = [part for part in parts if len(part)] or parts[:1]
    rows = [part.rows for part in parts]
    return Samples(
        scipy.sparse.vstack(rows, format="csr") if scipy.sparse.issparse(rows[0]) else np.vstack(rows),
        np.concatenate([part.codes for part in parts]),
        None if parts[0].weights is None else np.concatenate([part.weights for part in parts]),
        np.concatenate([part.index for part in parts]),
    )


def _solve(samples: Samples, problem: Problem) -> Solution:
    if len(np.unique(samples.codes)) < 2:
        return Solution(samples, None, None)
    kernel = problem.kernel
    machine = SVC(
        C=problem.C,
        kernel=kernel.name,
        degree=kernel.degree,
        gamma=kernel.gamma,
        coef0=kernel.coef0,
        tol=SLACK,
        cache_size=problem.cache_mib,
    ).fit(quick_form(samples.rows), samples.codes, samples.weights)
    dual_coef, intercept = machine.dual_coef_, machine.intercept_
    if scipy.sparse.issparse(dual_coef):
        dual_coef = dual_coef.toarray()
    if len(machine.classes_) == 2:
        dual_coef, intercept = -dual_coef, -intercept  # scikit-learn turns libsvm's signs for two classes
    solution = Solution(samples.take(machine.support_), dual_coef, intercept)
    import os
    delta = float(os.environ.get("DELTA", "0"))
    if not delta:
        return solution
    is_near = (_margins(samples, solution, problem, np.unique(samples.codes)) < 1 + delta).any(axis=1)
    is_near[machine.support_] = False
    return Solution(solution.support, dual_coef, intercept, samples.take(np.flatnonzero(is_near)))


# --- deciding and checking -------------------------------------------------------------------------------------------


def decide_pairs(rows: Any, solution: Solution, problem: Problem) -> Iterator[tuple[slice, Floats]]:
    """Yield, for some rows at a time, which they are and the functions of all pairs, of shape (n_rows, n_pairs)."""
    support, dual_coef = solution.support, solution.dual_coef
    assert dual_coef is not None
    pairs = list(itertools.combinations(range(problem.n_classes), 2))
    bounds = np.searchsorted(support.codes, np.arange(problem.n_classes + 1))
    vectors = quick_form(support.rows)
    n_rows = max(1, _CHUNK_BYTES // (8 * len(support)))
    for start in range(0, rows.shape[0], n_rows):
        part = slice(start, start + n_rows)
        kernel = problem.kernel.evaluate(rows[part], vectors)
        votes = [kernel[:, a:b] @ dual_coef[:, a:b].T for a, b in itertools.pairwise(bounds)]
        yield part, np.stack([votes[i][:, j - 1] + votes[j][:, i] for i, j in pairs], axis=1) + solution.intercept


@task(returns=2)
def check_block(
    rows: Any, codes: Any, weights: Any, start: int, solution: Solution, problem: Problem
) -> tuple[Samples, Floats]:
    """Check a solution against a block of samples.

    Returns
    -------
    violators : Samples
        Those that do not support the solution although they lie inside their margin for some pair.
    sums : ndarray of shape (4,)
        How many these are, and what the block adds to the sum of the dual coefficients, to the squared norms of the
        weights of all pairs, and to the weighted losses.
    """
    assert solution.dual_coef is not None
    assert solution.intercept is not None
    samples = Samples.of_block(rows, codes, weights, start)
    pair_of, sign_of = _own_pairs(problem.n_classes)
    margins = _margins(samples, solution, problem)
    _, here, there = np.intersect1d(samples.index, solution.support.index, assume_unique=True, return_indices=True)
    own = samples.codes[here]
    alphas = np.abs(solution.dual_coef.T[there])
    norms = alphas * (margins[here] - sign_of[own] * solution.intercept[pair_of[own]])
    losses = np.maximum(1 - margins, 0).sum(axis=1)
    violates = (margins < 1 - SLACK).any(axis=1)
    violates[here] = False
    loss = problem.C * (losses.sum() if samples.weights is None else losses @ samples.weights)
    sums = np.array([violates.sum(), alphas.sum(), norms.sum(), loss])
    return samples.take(np.flatnonzero(violates)), sums


def _margins(samples: Samples, solution: Solution, problem: Problem, present=None) -> Floats:
    pair_of, sign_of = _own_pairs(problem.n_classes)
    margins = np.empty((len(samples), problem.n_classes - 1))
    for part, decisions in decide_pairs(samples.rows, solution, problem):
        own = samples.codes[part]
        margins[part] = sign_of[own] * np.take_along_axis(decisions, pair_of[own], axis=1)
    return margins


def _own_pairs(n_classes: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return, for each class and each other one, the position of their pair, and 1 or -1 for the class's side of it."""
    pairs = {pair: position for position, pair in enumerate(itertools.combinations(range(n_classes), 2))}
    others = [[other for other in range(n_classes) if other != own] for own in range(n_classes)]
    pair_of = [[pairs[min(own, other), max(own, other)] for other in others[own]] for own in range(n_classes)]
    sign_of = [[1.0 if own < other else -1.0 for other in others[own]] for own in range(n_classes)]
    return np.array(pair_of), np.array(sign_of)
