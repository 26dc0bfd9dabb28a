"""What the tasks of a cascade do: solve a small problem, join solutions, check one against a block of samples.

All pairs of classes are solved together, as libsvm does it: a sample that supports any pair is kept. `Solution` follows
libsvm's conventions: support vectors stand in the order of their classes; the function of a pair (i, j) of classes,
i < j, is positive where it decides for i; a support vector has one coefficient for each *other* class.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    "find_margins",
    "join_samples",
    "merge",
    "solve_block",
    "solve_with",
    "take_model",
]

SLACK = 1e-3
"""By how much the conditions of optimality may be missed: libsvm's usual tolerance."""

_NEAR = 0.1
"""How far outside its margin a sample may lie to be passed on: that spares passes, mostly where C is large."""

_CHUNK_BYTES = 4 << 20
"""Size of the kernel matrix that exists at a time when samples meet support vectors."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be solved."""

    kernel: Kernel
    C: float
    shrinking: bool
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
    """Of shape (n_classes - 1, n_support); None if the samples are of one class, and all kept."""
    intercept: Floats | None
    """Of shape (n_pairs,)."""
    near: Samples
    """Samples that lie so near to a margin that they may support another solution."""


# --- solving ---------------------------------------------------------------------------------------------------------


@task
def solve_block(rows: Any, codes: Any, weights: Any, start: int, problem: Problem) -> Solution:
    """Solve the problem of one block of samples, which starts at row ``start`` of all."""
    return _solve(Samples.of_block(rows, codes, weights, start), problem)


@task
def merge(solutions: list[Solution], problem: Problem) -> Solution:
    """Solve the problem of all samples that some solutions have kept."""
    return _solve(_join([lot for solution in solutions for lot in (solution.support, solution.near)]), problem)


@task
def solve_with(solution: Solution, more: Samples, problem: Problem) -> Solution:
    """Solve the problem of what a solution has kept and some more samples."""
    return _solve(_join([solution.support, solution.near, more]), problem) if len(more) else solution


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
        np.concatenate([part.codes for part in parts]),
        None if parts[0].weights is None else np.concatenate([part.weights for part in parts]),
        np.concatenate([part.index for part in parts]),
    )


def _solve(samples: Samples, problem: Problem) -> Solution:
    present, own = np.unique(samples.codes, return_inverse=True)
    if len(present) < 2:
        return Solution(samples, None, None, samples.take(np.arange(0)))
    kernel = problem.kernel
    machine = SVC(
        C=problem.C,
        kernel=kernel.name,
        degree=kernel.degree,
        gamma=kernel.gamma,
        coef0=kernel.coef0,
        tol=SLACK,
        shrinking=problem.shrinking,
        cache_size=problem.cache_mib,
    ).fit(quick_form(samples.rows), own, samples.weights)
    dual_coef, intercept = machine.dual_coef_, machine.intercept_
    if scipy.sparse.issparse(dual_coef):
        dual_coef = dual_coef.toarray()
    if len(present) == 2:
        dual_coef, intercept = -dual_coef, -intercept  # scikit-learn turns libsvm's signs for two classes
    solution = Solution(samples.take(machine.support_), dual_coef, intercept, samples.take(np.arange(0)))
    is_near = (find_margins(samples.rows, own, solution, kernel) < 1 + _NEAR).any(axis=1)
    is_near[machine.support_] = False
    return replace(solution, near=samples.take(np.flatnonzero(is_near)))


# --- deciding and checking -------------------------------------------------------------------------------------------


def decide_pairs(rows: Any, solution: Solution, kernel: Kernel) -> Iterator[tuple[slice, Floats]]:
    """Yield, for some rows at a time, which they are and the functions of all pairs, of shape (n_rows, n_pairs)."""
    support, dual_coef = solution.support, solution.dual_coef
    assert dual_coef is not None
    bounds = [0, *(np.flatnonzero(np.diff(support.codes)) + 1).tolist(), len(support)]
    pairs = list(itertools.combinations(range(len(bounds) - 1), 2))
    evaluate = kernel.against(support.rows)
    n_rows = max(1, _CHUNK_BYTES // (8 * len(support)))
    for start in range(0, rows.shape[0], n_rows):
        part = slice(start, start + n_rows)
        values = evaluate(rows[part])
        votes = [values[:, a:b] @ dual_coef[:, a:b].T for a, b in itertools.pairwise(bounds)]
        yield part, np.stack([votes[i][:, j - 1] + votes[j][:, i] for i, j in pairs], axis=1) + solution.intercept


def find_margins(rows: Any, codes: npt.NDArray[np.intp], solution: Solution, kernel: Kernel) -> Floats:
    """Return the functions of the pairs of each row's class and each other one, positive on the row's own side."""
    assert solution.dual_coef is not None
    pair_of, sign_of = _own_pairs(len(solution.dual_coef) + 1)
    margins = np.empty((rows.shape[0], len(solution.dual_coef)))
    for part, decisions in decide_pairs(rows, solution, kernel):
        own = codes[part]
        margins[part] = sign_of[own] * np.take_along_axis(decisions, pair_of[own], axis=1)
    return margins


@task(returns=2)
def check_block(
    rows: Any, codes: Any, weights: Any, start: int, solution: Solution, problem: Problem
) -> tuple[Samples, Floats]:
    """Check a solution against a block of samples.

    Returns
    -------
    violators : Samples
        Those that lie inside a margin although the solution has not kept them.
    sums : ndarray of shape (4,)
        How many these are, and what the block adds to the sum of the dual coefficients, to the squared norms of the
        weights of all pairs, and to the weighted losses.
    """
    assert solution.dual_coef is not None
    samples = Samples.of_block(rows, codes, weights, start)
    margins = find_margins(samples.rows, samples.codes, solution, problem.kernel)
    losses = np.maximum(1 - margins, 0).sum(axis=1)
    loss = problem.C * (losses.sum() if samples.weights is None else losses @ samples.weights)
    _, here, there = np.intersect1d(samples.index, solution.support.index, assume_unique=True, return_indices=True)
    alphas = np.abs(solution.dual_coef.T[there])
    norms = alphas * margins[here]  # intercepts drop out of their sum, as the coefficients of a pair add up to 0
    violates = (margins < 1 - SLACK).any(axis=1)
    violates[here] = False
    violates[np.isin(samples.index, solution.near.index)] = False
    sums = np.array([violates.sum(), alphas.sum(), norms.sum(), loss])
    return samples.take(np.flatnonzero(violates)), sums


@functools.lru_cache(maxsize=8)
def _own_pairs(n_classes: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return, for each class and each other one, the position of their pair, and 1 or -1 for the class's side of it."""
    pairs = {pair: position for position, pair in enumerate(itertools.combinations(range(n_classes), 2))}
    others = [[other for other in range(n_classes) if other != own] for own in range(n_classes)]
    pair_of = [[pairs[min(own, other), max(own, other)] for other in others[own]] for own in range(n_classes)]
    sign_of = [[1.0 if own < other else -1.0 for other in others[own]] for own in range(n_classes)]
    return np.array(pair_of), np.array(sign_of)
