"""What the tasks of a cascade do: solve a small problem, join solutions, check one against a block of samples.

What is solved, and what a solution must do for each sample, is said by a `Problem`: that of classes is in `_pairs`,
that of numbers in `_tube`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from dsflow import task
from estimators.svm._kernel import Kernel, quick_form

__all__ = [
    "ROUGH_SLACK",
    "Floats",
    "Problem",
    "Samples",
    "Solution",
    "Trained",
    "as_dense",
    "check_block",
    "count_bytes",
    "evaluate_parts",
    "join_samples",
    "merge",
    "solve_block",
    "solve_with",
    "take_model",
]

SLACK = 1e-3
"""By how much the conditions of optimality may be missed: libsvm's usual tolerance."""

ROUGH_SLACK = 0.1
"""By how much they may be missed by solutions that are not the last."""

FARTHER = 3
"""How many times as near to a margin samples may be that join a solution with those that contradict it: each further
solution costs as much as all before."""

_CHUNK_BYTES = 4 << 20
"""Size of the kernel matrix that exists at a time when samples meet support vectors."""

Floats = npt.NDArray[np.float64]

Trained = tuple[npt.NDArray[np.intp], Floats, Floats]
"""Of a solver: which samples support the solution, their coefficients, and the intercepts."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Some rows of the data."""

    rows: Any
    """Their features: an ndarray or CSR matrix."""
    targets: Any
    """Of classification, the positions of their classes among all classes, as integers; else numbers."""
    weights: Floats | None
    index: npt.NDArray[np.intp]
    """Their positions among all rows."""

    @classmethod
    def of_block(cls, rows: Any, targets: Any, weights: Any, start: int) -> Samples:
        """Take a block that starts at row ``start``, without what has no positive weight, as libsvm does."""
        samples = cls(rows, targets, weights, np.arange(start, start + rows.shape[0]))
        return samples if weights is None or (weights > 0).all() else samples.take(np.flatnonzero(weights > 0))

    def take(self, positions: npt.NDArray[np.intp]) -> Samples:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[positions]
        return Samples(self.rows[positions], self.targets[positions], weights, self.index[positions])

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class Solution:
    """What a solver keeps of its samples, and the function that they give."""

    support: Samples
    dual_coef: Floats | None
    """Of shape (n_rows, n_support); None if there was nothing to solve, and all samples are kept."""
    intercept: Floats | None
    near: Samples
    """Samples that lie so near to a margin that they may support another solution."""


@dataclass(frozen=True, slots=True)
class Problem(ABC):
    """What is to be solved: a function that meets conditions, at some cost where it does not."""

    kernel: Kernel
    C: float
    shrinking: bool
    cache_mib: float
    """Memory for rows of the kernel matrix, in each solver."""
    slack: float = field(default=SLACK, kw_only=True)
    """By how much solvers may miss the conditions of optimality."""

    def roughly(self) -> Problem:
        """Return the problem for solutions that only tell which samples matter; they take half of the time."""
        return replace(self, slack=ROUGH_SLACK)

    @property
    @abstractmethod
    def near(self) -> float:
        """By how much a sample may exceed a condition to be passed on: that spares passes, mostly where C is large."""

    @abstractmethod
    def train(self, samples: Samples) -> Trained | None:
        """Solve the problem of some samples, with all their conditions at once; None if there is nothing to solve."""

    @abstractmethod
    def conditions(self, samples: Samples, solution: Solution) -> tuple[Floats, Floats]:
        """Return what the conditions of samples ask for, and what a solution gives; it is to be no less.

        Both have the shape (n_samples, n_conditions).
        """

    @abstractmethod
    def multipliers(self, dual_coef: Floats) -> Floats:
        """Return the multipliers of the conditions of the support vectors, of shape (n_support, n_conditions)."""

    def fit_machine(self, kind: Any, samples: Samples, targets: Any, **parameters: Any) -> Trained:
        """Have one of scikit-learn's machines solve a problem."""
        machine = kind(
            C=self.C,
            kernel=self.kernel.name,
            degree=self.kernel.degree,
            gamma=self.kernel.gamma,
            coef0=self.kernel.coef0,
            tol=self.slack,
            shrinking=self.shrinking,
            cache_size=self.cache_mib,
            **parameters,
        ).fit(quick_form(samples.rows), targets, samples.weights)
        return machine.support_, as_dense(machine.dual_coef_), machine.intercept_


def as_dense(coefficients: Any) -> Any:
    """Return coefficients, which are sparse where the support vectors are, as an ndarray."""
    return coefficients.toarray() if scipy.sparse.issparse(coefficients) else coefficients


# --- solving ---------------------------------------------------------------------------------------------------------


@task
def solve_block(rows: Any, targets: Any, weights: Any, start: int, problem: Problem) -> Solution:
    """Solve the problem of one block of samples, which starts at row ``start`` of all."""
    return _solve(Samples.of_block(rows, targets, weights, start), problem)


@task
def merge(solutions: list[Solution], problem: Problem) -> Solution:
    """Solve the problem of all samples that some solutions have kept."""
    return _solve(_join([lot for solution in solutions for lot in (solution.support, solution.near)]), problem)


@task
def solve_with(solution: Solution, more: Samples, problem: Problem, is_finer: bool) -> Solution:
    """Solve the problem of what a solution has kept and some more samples; ``is_finer`` if that one was a rough one."""
    return _solve(_join([solution.support, solution.near, more]), problem) if len(more) or is_finer else solution


@task
def take_model(solution: Solution) -> Solution:
    """Return a solution without what does not support it."""
    return replace(solution, near=solution.near.take(np.arange(0)))


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
        np.concatenate([part.targets for part in parts]),
        None if parts[0].weights is None else np.concatenate([part.weights for part in parts]),
        np.concatenate([part.index for part in parts]),
    )


def _solve(samples: Samples, problem: Problem) -> Solution:
    nothing = samples.take(np.arange(0))
    trained = problem.train(samples)
    if trained is None:
        return Solution(samples, None, None, nothing)
    support, dual_coef, intercept = trained
    solution = Solution(samples.take(support), dual_coef, intercept, nothing)
    asked, given = problem.conditions(samples, solution)
    is_near = (given < asked + problem.near).any(axis=1)
    is_near[support] = False
    if not len(support):
        is_near[(given - asked).argmin(axis=0)] = True  # else nothing would be left of these samples
    return replace(solution, near=samples.take(np.flatnonzero(is_near)))


# --- checking --------------------------------------------------------------------------------------------------------


def evaluate_parts(rows: Any, solution: Solution, kernel: Kernel) -> Iterator[tuple[slice, Floats]]:
    """Yield, for some rows at a time, which they are and their kernel with the support vectors."""
    evaluate = kernel.against(solution.support.rows)
    n_rows = max(1, _CHUNK_BYTES // (8 * max(1, len(solution.support))))
    for start in range(0, rows.shape[0], n_rows):
        part = slice(start, start + n_rows)
        yield part, evaluate(rows[part])


@task(returns=2)
def check_block(
    rows: Any, targets: Any, weights: Any, start: int, solution: Solution, problem: Problem
) -> tuple[Samples, Floats]:
    """Check a solution against a block of samples.

    Returns
    -------
    more : Samples
        Those that miss a condition, or nearly do, although the solution has not kept them; none if none misses one.
    sums : ndarray of shape (5,)
        How many miss one so, how many samples support the solution, and what the block adds to the linear term of the
        dual objective, to the squared norms of the weights of all functions, and to the weighted losses.
    """
    assert solution.dual_coef is not None
    samples = Samples.of_block(rows, targets, weights, start)
    asked, given = problem.conditions(samples, solution)
    losses = np.maximum(asked - given, 0).sum(axis=1)
    loss = problem.C * (losses.sum() if samples.weights is None else losses @ samples.weights)
    _, here, there = np.intersect1d(samples.index, solution.support.index, assume_unique=True, return_indices=True)
    alphas = problem.multipliers(solution.dual_coef)[there]
    norms = alphas * given[here]  # intercepts drop out of their sum, as the coefficients of a function add up to 0
    is_new = np.ones(len(samples), dtype=bool)
    is_new[here] = False
    is_new[np.isin(samples.index, solution.near.index)] = False
    n_violators = (is_new & (given < asked - problem.slack).any(axis=1)).sum()
    is_near = is_new & (given < asked + FARTHER * problem.near).any(axis=1) & bool(n_violators)
    sums = np.array([n_violators, len(here), (alphas * asked[here]).sum(), norms.sum(), loss])
    return samples.take(np.flatnonzero(is_near)), sums
