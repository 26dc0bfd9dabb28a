"""Cross-validation of one estimator: two tasks for each split, one of which takes its rows, and one fits and scores.

What comes to the main program is the scores; from `cross_val_predict`, predictions, unless ``X`` is a ds-array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.model_selection._validation import _insert_error_scores, _warn_or_raise_about_fit_failures
from sklearn.utils import Bunch, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

import dsarray as ds
from dsflow import wait_on
from estimators.metrics._scorers import name_scorers
from estimators.model_selection._callbacks import leave_behind, take_along
from estimators.model_selection._evaluation import Scoring, evaluate, warn_of_scorers
from estimators.model_selection._folds import Part, gathered, take_folds

__all__ = ["Split", "cross_val_score", "cross_validate", "split_data"]


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    return_train_score: bool = False,
    return_estimator: bool = False,
    return_indices: bool = False,
    error_score: Any = np.nan,
) -> dict[str, Any]:
    """Fit an estimator on each split and return scores and times.

    Parameters
    ----------
    estimator : estimator
    X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
    y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs), optional
    groups : array_like of shape (n_samples,), optional
        For the splitter.
    scoring : str, callable, list, tuple or dict, optional
    cv : int, splitter or iterable, optional
    n_jobs, verbose, pre_dispatch
        Have no effect: how many tasks run at a time is a matter of the session.
    params : dict, optional
        Passed to ``fit``; what has an element for each row is cut as ``X``.
    return_train_score, return_estimator, return_indices : bool
    error_score : "raise" or number

    Returns
    -------
    dict
        As in scikit-learn: ``test_score``, ``fit_time``, ``score_time`` and what else was asked for.
    """
    del n_jobs, verbose, pre_dispatch
    scorer = check_scoring(leave_behind(estimator), scoring=name_scorers(scoring), raise_exc=error_score == "raise")
    split = split_data(estimator, X, y, groups, cv, params, "cross_validate", scorer)
    how = Scoring(scorer, return_train_score, error_score)
    futures = [
        evaluate(take_along(clone(estimator)), fold, how, return_estimator)
        for fold in take_folds(estimator, split.data, split.indices)
    ]
    outcomes = wait_on(futures)
    _warn_or_raise_about_fit_failures(outcomes, error_score)
    warn_of_scorers(outcomes, error_score)
    if callable(scoring):
        _insert_error_scores(outcomes, error_score)
    found: dict[str, Any] = {
        name: np.array([outcome[name] for outcome in outcomes]) for name in ("fit_time", "score_time")
    }
    if return_estimator:
        found["estimator"] = [outcome["estimator"] for outcome in outcomes]
    if return_indices:
        found["indices"] = dict(zip(("train", "test"), zip(*split.indices, strict=True), strict=True))
    return found | _by_scorer(("test", "train") if return_train_score else ("test",), outcomes)


def cross_val_score(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    error_score: Any = np.nan,
) -> Any:
    """Return the score of an estimator on each split, as an ndarray of shape (n_splits,); see `cross_validate`.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_iris
    >>> from estimators.linear_model import LogisticRegression
    >>> from estimators.model_selection import cross_val_score
    >>> x, y = load_iris(return_X_y=True)
    >>> cross_val_score(LogisticRegression(C=0.1), ds.array(x, block_size=50), ds.array(y), cv=3).round(2)
    array([0.92, 0.94, 0.98])
    """
    del n_jobs, verbose, pre_dispatch
    scorer = check_scoring(leave_behind(estimator), scoring=name_scorers(scoring))
    found = cross_validate(
        estimator,
        X,
        y,
        groups=groups,
        scoring={"score": scorer},
        cv=cv,
        params=params,
        error_score=error_score,
    )
    return found["test_score"]


class Split(Bunch):
    """``data``, the rows, and ``indices``, the positions of each split; ``labels`` are what the splitter has seen."""


def split_data(
    estimator: Any, X: Any, y: Any, groups: Any, cv: Any, params: dict[str, Any] | None, caller: str, scorer: Any = None
) -> Split:
    """Return the positions of each split, and what is to be cut by them."""
    X, y = indexable(X, y)
    looks = is_classifier(estimator) or hasattr(cv, "split")
    labels = y.collect() if isinstance(y, ds.Array) and looks else y
    splitter = check_cv(cv, labels, classifier=is_classifier(estimator))
    fit_params, splitting = params or {}, {"groups": groups}
    score_params: dict[str, Any] = {}
    if get_config()["enable_metadata_routing"]:
        routed = _route(caller, estimator, splitter, scorer, groups, fit_params)
        fit_params, splitting = routed.estimator.fit, routed.splitter.split
        score_params = routed.scorer.score if scorer is not None else {}
    splitting = gathered(Part(None, None, dict(splitting), {})).fit_params
    indices = list(splitter.split(X, labels, **splitting))
    return Split(data=Part(X, y, dict(fit_params), dict(score_params)), indices=indices, labels=labels)


def _route(caller: str, estimator: Any, splitter: Any, scorer: Any, groups: Any, params: dict[str, Any]) -> Any:
    """Return which parameters go where, when metadata routing is enabled."""
    if groups is not None:
        raise ValueError(
            f"{caller}: `groups` can only be passed if metadata routing is not enabled; pass them in params instead."
        )
    router = MetadataRouter(owner=caller)
    router.add(splitter=splitter, method_mapping=MethodMapping().add(caller="fit", callee="split"))
    router.add(estimator=estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
    if scorer is not None:
        router.add(scorer=scorer, method_mapping=MethodMapping().add(caller="fit", callee="score"))
    return process_routing(router, "fit", **params)


def _by_scorer(parts: tuple[str, ...], outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return scores by ``test_score`` or, of several scorers, by the names of these, one scorer after the other."""
    scores = {part: [outcome[f"{part}_scores"] for outcome in outcomes] for part in parts}
    first = scores["test"][0]
    if not isinstance(first, dict):
        return {f"{part}_score": np.asarray(scores[part]) for part in parts}
    return {f"{part}_{name}": np.asarray([each[name] for each in scores[part]]) for name in first for part in parts}
