"""The passes of a cascade: up the tree once, then look at all samples with the solution, and solve again.

What the main program waits for is five numbers of each row of blocks and pass.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import Future, wait_on
from estimators.svm._solver import (
    ROUGH_SLACK,
    Problem,
    Solution,
    check_block,
    join_samples,
    merge,
    solve_block,
    solve_with,
)

__all__ = ["Passes", "run_passes"]

logger = logging.getLogger(__name__)

FEW = 0.1
"""Where those that contradict a rough solution are such a share of those that support it, it was the last rough one."""

Blocks = list[tuple[Any, Any, Any, int]]
"""Of each row of blocks: its rows, their targets, their weights, and where it starts."""


@dataclass(slots=True)
class Passes:
    """How far a cascade has come."""

    solution: Future[Solution]
    n_passes: int = 1
    dual: float = math.nan
    """The objective that solvers maximise; NaN where nobody has looked."""
    converged: bool = False
    stopped: bool = False
    """True if somebody has found it good enough."""


def run_passes(
    blocks: Blocks,
    problem: Problem,
    *,
    name: str,
    arity: int,
    max_passes: int,
    tol: float | None,
    log_level: int,
    is_enough: Callable[[Future[Solution]], bool],
) -> Passes:
    """Solve the problem of all blocks.

    Parameters
    ----------
    blocks : list of (rows, targets, weights, start)
    problem : Problem
    name : str
        Of the estimator, to be logged.
    arity : int
        How many solutions are merged at a time.
    max_passes : int
    tol : float or None
        When to stop, relative to the dual objective; None to make ``max_passes`` without waiting for any.
    log_level : int
        At which each pass is logged.
    is_enough : callable
        Is told the solution of each pass, and returns whether to leave it at that.
    """
    is_rough = max_passes > 1 and len(blocks) > 1 and (tol is None or tol < ROUGH_SLACK)
    passes = Passes(_climb(blocks, arity, problem.roughly() if is_rough else problem))
    while True:
        is_last = passes.n_passes == max_passes
        is_checked = tol is not None or not is_last
        checks = [check_block(*block, passes.solution, problem) for block in blocks if is_checked]
        few = False
        if tol is not None:
            sums = np.sum(wait_on([sums for _, sums in checks]), axis=0).tolist()
            passes.converged = _is_optimal(passes, sums, tol, name, log_level) and not is_rough
            few = sums[0] <= FEW * sums[1]
        passes.stopped = is_enough(passes.solution)
        if passes.stopped or passes.converged or is_last:
            return passes
        was_rough, is_rough = is_rough, is_rough and not few and passes.n_passes + 1 < max_passes
        more = ds.tree_reduce(join_samples, [more for more, _ in checks])
        next_problem = problem.roughly() if is_rough else problem
        passes.solution = solve_with(passes.solution, more, next_problem, was_rough and not is_rough)
        passes.n_passes += 1


def _climb(blocks: Blocks, arity: int, problem: Problem) -> Future[Solution]:
    """Solve all blocks, and merge what they keep, ``arity`` at a time."""
    level = [solve_block(*block, problem) for block in blocks]
    while len(level) > 1:
        groups = [level[start : start + arity] for start in range(0, len(level), arity)]
        level = [group[0] if len(group) == 1 else merge(group, problem) for group in groups]
    return level[0]


def _is_optimal(passes: Passes, sums: list[float], tol: float, name: str, log_level: int) -> bool:
    """Take note of the objective, and tell whether another pass is worth it.

    No solution has a larger dual objective than any has a primal one: once they are near, no pass can change much.
    """
    n_violators, _, linear, squared_norms, losses = sums
    dual, primal = linear - squared_norms / 2, losses + squared_norms / 2
    change, passes.dual = abs(dual - passes.dual), dual
    text = "%s: pass %d: dual objective %.8g, primal %.8g, %d violators"
    logger.log(log_level, text, name, passes.n_passes, dual, primal, n_violators)
    margin = tol * abs(dual)
    return n_violators == 0 or abs(primal - dual) <= margin or change <= margin
