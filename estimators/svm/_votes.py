"""From the functions of pairs of classes to decisions: what a task of `predict` or `decision_function` does."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from estimators.svm._kernel import Kernel
from estimators.svm._pairs import decide_pairs
from estimators.svm._solver import Solution

__all__ = ["choose_classes", "decide_one_by_one", "decide_one_versus_rest"]


def choose_classes(rows: Any, solution: Solution, kernel: Kernel, break_ties: bool = False, classes: Any = None) -> Any:
    """Return the class with most votes of each row, or its position if no ``classes`` are given."""
    n_classes = _count_classes(solution)
    codes = np.empty(rows.shape[0], dtype=np.intp)
    for part, decisions in decide_pairs(rows, solution, kernel):
        votes, confidences = _count_votes(decisions, n_classes)
        codes[part] = (votes + confidences if break_ties and n_classes > 2 else votes).argmax(axis=1)
    return codes if classes is None else classes.take(codes)


def decide_one_by_one(rows: Any, solution: Solution, kernel: Kernel) -> Any:
    """Return the functions of all pairs; with two classes, that of the second one, as a vector."""
    n_classes = _count_classes(solution)
    decisions = np.empty((rows.shape[0], n_classes * (n_classes - 1) // 2))
    for part, some in decide_pairs(rows, solution, kernel):
        decisions[part] = some
    return -decisions[:, 0] if n_classes == 2 else decisions


def decide_one_versus_rest(rows: Any, solution: Solution, kernel: Kernel) -> Any:
    """Return the votes for each class, and as a fraction how clear they were."""
    n_classes = _count_classes(solution)
    decided = np.empty((rows.shape[0], n_classes))
    for part, decisions in decide_pairs(rows, solution, kernel):
        decided[part] = np.add(*_count_votes(decisions, n_classes))
    return decided


def _count_classes(solution: Solution) -> int:
    assert solution.dual_coef is not None
    return len(solution.dual_coef) + 1


def _count_votes(decisions: Any, n_classes: int) -> tuple[Any, Any]:
    """Return, for each class, how many pairs it wins, and by how much in all, squeezed between -1/3 and 1/3."""
    votes = np.zeros((len(decisions), n_classes))
    sums = np.zeros((len(decisions), n_classes))
    for pair, (first, second) in enumerate(itertools.combinations(range(n_classes), 2)):
        first_wins = decisions[:, pair] > 0
        votes[:, first] += first_wins
        votes[:, second] += ~first_wins
        sums[:, first] += decisions[:, pair]
        sums[:, second] -= decisions[:, pair]
    return votes, sums / (3 * (np.abs(sums) + 1))
