"""Which tasks are started, and when: all at once, or only for candidates that may still win."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from dsflow import wait_on
from estimators.model_selection._evaluation import Scoring, evaluate, prepare
from estimators.model_selection._shared_steps import Candidate

__all__ = ["evaluate_on", "race"]

_ROUNDING = 1e-9
"""Sums of scores that differ by less are ties."""


def evaluate_on(folds: Iterable[tuple[int, Any]], candidates: list[Candidate], scoring: Scoring) -> list[list[Any]]:
    """Start the evaluation of candidates on numbered folds; return Futures of outcomes: a list for each fold."""
    futures = []
    for number, fold in folds:
        starts: dict[Any, Any] = {None: fold}
        of_fold = []
        for candidate in candidates:
            before = None
            for key, transformer in candidate.steps:
                if key not in starts:
                    starts[key] = prepare(transformer, starts[before], scoring)
                before = key
            of_fold.append(evaluate(candidate.on_split(number), starts[before], scoring))
        futures.append(of_fold)
    return futures


def race(
    folds: list[tuple[int, Any]], candidates: list[Candidate], scoring: Scoring, best_possible: float
) -> list[dict[str, Any]]:
    """Evaluate candidates fold by fold, and leave those out that cannot have the best mean score any more.

    The best one on the first fold is evaluated on all others at once, since its mean is what others have to reach.

    Parameters
    ----------
    folds : list of (int, Fold or Future)
        At least one, with its number.
    candidates : list of Candidate
    scoring : Scoring
        Of one score.
    best_possible : float
        The greatest score that there is.

    Returns
    -------
    list of dict
        Outcomes by candidate and fold; of what was left out, scores and times are NaN.
    """
    n_folds = len(folds)
    outcomes = [[outcome] for outcome in wait_on(evaluate_on(folds[:1], candidates, scoring)[0])]
    if not outcomes:
        return []
    leader = max(range(len(candidates)), key=lambda i: _total(outcomes[i], best_possible, 1))
    rest = wait_on(evaluate_on(folds[1:], [candidates[leader]], scoring))
    outcomes[leader] += [outcome for (outcome,) in rest]
    to_reach = _total(outcomes[leader], best_possible, n_folds)
    for position in range(1, n_folds):
        left = [
            i
            for i, each in enumerate(outcomes)
            if len(each) == position and _total(each, best_possible, n_folds) >= to_reach - _ROUNDING
        ]
        found = wait_on(evaluate_on(folds[position : position + 1], [candidates[i] for i in left], scoring)[0])
        for i, outcome in zip(left, found, strict=True):
            outcomes[i].append(outcome)
            if len(outcomes[i]) == n_folds:
                to_reach = max(to_reach, _total(outcomes[i], best_possible, n_folds))
    return [outcome for each in outcomes for outcome in (*each, *[_left_out(each[0])] * (n_folds - len(each)))]


def _total(outcomes: list[dict[str, Any]], best_possible: float, n_folds: int) -> float:
    """Return the greatest sum of scores that a candidate can have, after some folds; what has failed cannot win."""
    scores = [outcome["test_scores"] for outcome in outcomes]
    if any(isinstance(score, dict) for score in scores):
        raise ValueError("fit: best_possible needs one score, but scoring gives several; set it to None.")
    total = sum(scores) + (n_folds - len(scores)) * best_possible
    return -math.inf if math.isnan(total) else total


def _left_out(outcome: dict[str, Any]) -> dict[str, Any]:
    nothing = {name: math.nan for name in outcome if name.endswith(("_scores", "_time"))}
    return outcome | nothing | {"score_errors": [], "fit_error": None}
