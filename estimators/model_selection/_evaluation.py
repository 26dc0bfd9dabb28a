"""Fit an estimator to the rows of a split and score it: one task. What comes back is scores, times and error texts."""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from numbers import Number
from traceback import format_exc
from typing import Any

from sklearn import config_context, get_config

from dsflow import task
from estimators.model_selection._callbacks import come_back
from estimators.model_selection._folds import Fold, Part, gathered, started

__all__ = ["Scoring", "Start", "evaluate", "fit_gathered", "fit_part", "prepare", "score_gathered", "warn_of_scorers"]


@dataclass(frozen=True, slots=True)
class Scoring:
    """How candidates are judged."""

    scorer: Any
    """Takes an estimator, X and y; returns a number, or a dict of them."""
    return_train_score: bool
    error_score: Any
    """"raise", or the number that stands for the score of what fails."""
    config: dict[str, Any] = field(default_factory=get_config)
    """Scikit-learn's, of the thread that searches; threads and processes that run tasks have their own."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a candidate starts on a split: its rows, as the first steps of a pipeline have left them."""

    fold: Fold
    seconds: float = 0.0
    """What these steps have taken."""
    fit_error: str | None = None
    """The traceback of the step that has failed."""


def fit_part(estimator: Any, part: Part) -> Any:
    """Fit an estimator to rows, and return it."""
    args = (part.X,) if part.y is None else (part.X, part.y)
    return estimator.fit(*args, **part.fit_params)


def warn_of_scorers(outcomes: list[dict[str, Any]], error_score: Any) -> None:
    """Warn of scorers that have failed."""
    for error in (error for outcome in outcomes for error in outcome["score_errors"]):
        warnings.warn(
            f"Scoring failed. The score on this train-test partition for these parameters will be set to {error_score}."
            f" Details: \n{error}",
            UserWarning,
            stacklevel=4,
        )


def _evaluate(estimator: Any, start: Start, scoring: Scoring, keep: bool) -> dict[str, Any]:
    fold, began = start.fold, time.time()
    fit_error = start.fit_error or _fit(estimator, fold.train, scoring.error_score)
    fitted = time.time()
    found: dict[str, Any] = {
        "fit_error": fit_error,
        "n_test_samples": _count(fold.test.X),
        "fit_time": fitted - began + start.seconds,
        "score_time": 0.0,
        "score_errors": [],
    }
    found["test_scores"] = _score(estimator, fold.test, scoring, found)
    if not fit_error:
        found["score_time"] = time.time() - fitted
    if scoring.return_train_score:
        found["train_scores"] = _score(estimator, fold.train, scoring, found)
    if keep:
        found["estimator"] = come_back(estimator)
    return found


def _prepare(transformer: Any, start: Start, error_score: Any) -> Start:
    train, test = start.fold.train, start.fold.test
    began = time.time()
    try:
        if hasattr(transformer, "fit_transform"):
            X_train = transformer.fit_transform(train.X, train.y)
        else:
            X_train = transformer.fit(train.X, train.y).transform(train.X)
        X_test = transformer.transform(test.X)
    except Exception:
        if error_score == "raise":
            raise
        return Start(start.fold, start.seconds + time.time() - began, format_exc())
    fold = Fold(started(replace(train, X=X_train)), started(replace(test, X=X_test)))
    return Start(fold, start.seconds + time.time() - began)


def _fit(estimator: Any, part: Part, error_score: Any) -> str | None:
    """Fit an estimator; return the traceback if that fails and has a score."""
    try:
        fit_part(estimator, part)
    except Exception:
        if error_score == "raise":
            raise
        return format_exc()
    return None


def _count(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _score(estimator: Any, part: Part, scoring: Scoring, found: dict[str, Any]) -> Any:
    """Return the score, or the scores by name; notes the tracebacks of scorers that fail."""
    scorer, error_score = scoring.scorer, scoring.error_score
    names = getattr(scorer, "_scorers", None)  # those of a multi-metric scorer
    if found["fit_error"]:
        return error_score if names is None else dict.fromkeys(names, error_score)
    args = (part.X,) if part.y is None else (part.X, part.y)
    try:
        scores = scorer(estimator, *args, **part.score_params)
    except Exception:
        if names is not None or error_score == "raise":
            raise
        found["score_errors"].append(format_exc())
        scores = error_score
    if not isinstance(scores, dict):
        return _number(scores, scorer)
    for name, score in scores.items():
        if names is not None and isinstance(score, str):  # the traceback of one of several scorers
            found["score_errors"].append(score)
            scores[name] = error_score
        scores[name] = _number(scores[name], name)
    return scores


def _number(score: Any, scorer: Any) -> Any:
    """Return a score as a number of Python."""
    if hasattr(score, "item"):
        with suppress(ValueError):
            score = score.item()
    is_number = isinstance(score, Number)
    if not is_number:
        raise ValueError(f"scoring must return a number, got {score} ({type(score)}) instead. (scorer={scorer})")
    return score


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def evaluate(estimator: Any, start: Start | Fold, scoring: Scoring, keep: bool = False) -> dict[str, Any]:
    """Fit an estimator to what a split trains on, and score it with what it tests on.

    Parameters
    ----------
    estimator : estimator
        Not fitted; this call's own.
    start : Start or Fold
    scoring : Scoring
    keep : bool
        Whether the fitted estimator is returned too.

    Returns
    -------
    dict
        In scikit-learn's words, and ``score_errors``: tracebacks of scorers that have failed.
    """
    with config_context(**scoring.config):
        return _evaluate(estimator, start if isinstance(start, Start) else Start(start), scoring, keep)


@task
def prepare(transformer: Any, start: Start | Fold, scoring: Scoring) -> Start:
    """Fit a step of a pipeline to what a split trains on, and return the rows as it transforms them."""
    start = start if isinstance(start, Start) else Start(start)
    if start.fit_error:
        return start
    with config_context(**scoring.config):
        return _prepare(transformer, start, scoring.error_score)


@task
def fit_gathered(estimator: Any, part: Part, config: dict[str, Any]) -> Any:
    """Bring rows together, fit an estimator to them, and return it."""
    with config_context(**config):
        return come_back(fit_part(estimator, gathered(part)))


@task
def score_gathered(scorer: Any, estimator: Any, part: Part, config: dict[str, Any]) -> Any:
    """Bring rows together, and score an estimator with them."""
    part = gathered(part)
    args = (part.X,) if part.y is None else (part.X, part.y)
    with config_context(**config):
        return scorer(estimator, *args, **part.score_params)
