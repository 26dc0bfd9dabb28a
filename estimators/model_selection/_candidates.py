"""All candidates on all splits: one graph of tasks.

For each split a task takes its rows, once; then there is a task for each candidate, and one for each leading step that
pipelines have in common. Splits come one after the other, so that rows are held no longer than their candidates need.
"""

from __future__ import annotations

import itertools
import logging
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sklearn.model_selection._validation import _insert_error_scores, _warn_or_raise_about_fit_failures

from dsflow import wait_on
from estimators.model_selection._callbacks import has_callbacks
from estimators.model_selection._evaluation import Scoring, warn_of_scorers
from estimators.model_selection._folds import Part, take_folds
from estimators.model_selection._shared_steps import Candidate, make_candidates
from estimators.model_selection._submission import evaluate_on, race

__all__ = ["Evaluation"]

logger = logging.getLogger(__name__)


class Evaluation:
    """What a search asks to evaluate candidates, as often as it likes; it remembers all outcomes."""

    def __init__(self, search: Any, data: Part, labels: Any, split_params: dict[str, Any], scoring: Scoring) -> None:
        self._search = search
        self._data = data
        self._labels = labels
        self._split_params = split_params
        self._scoring = scoring
        self._candidates: list[dict[str, Any]] = []
        self._more: dict[str, list[Any]] = defaultdict(list)
        self.outcomes: list[dict[str, Any]] = []
        self.results: dict[str, Any] = {}

    def evaluate_candidates(
        self,
        candidate_params: Iterable[dict[str, Any]],
        cv: Any = None,
        more_results: dict[str, Any] | None = None,
        callback_ctx: Any = None,
    ) -> dict[str, Any]:
        """Evaluate candidates on all splits, and return the results of all candidates so far."""
        search, parameters = self._search, list(candidate_params)
        splits = self._split(cv or search._checked_cv_orig)
        if search.verbose:
            logger.info("Fitting %d folds for each of %d candidates", len(splits), len(parameters))
        is_named = search.scoring is None or not callable(search.scoring)
        listens = has_callbacks(search)
        may_share = is_named and not self._data.fit_params and not listens
        candidates = make_candidates(search.estimator, parameters, may_share=may_share)
        if listens:
            candidates = _observed(candidates, len(splits), callback_ctx)
        folds = enumerate(take_folds(search.estimator, self._data, splits))
        best_possible = getattr(search, "best_possible", None)
        if best_possible is None:
            futures = evaluate_on(folds, candidates, self._scoring)
            _tell(search, candidates, futures)
            outcomes = wait_on([of_fold[i] for i in range(len(candidates)) for of_fold in futures])
        else:
            outcomes = race(list(folds), candidates, self._scoring, best_possible)
        if not outcomes:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no candidates? "
                "Give at least one split and one candidate."
            )
        _warn_or_raise_about_fit_failures(outcomes, search.error_score)
        warn_of_scorers(outcomes, search.error_score)
        if callable(search.scoring):
            _insert_error_scores(outcomes, search.error_score)
        return self._remember(parameters, outcomes, more_results or {})

    def _split(self, cv: Any) -> list[tuple[Any, Any]]:
        splits = list(cv.split(self._data.X, self._labels, **self._split_params))
        if len(splits) != self._search.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self._search.n_splits_} splits, got {len(splits)}"
            )
        return splits

    def _remember(
        self, parameters: list[dict[str, Any]], outcomes: list[dict[str, Any]], more: dict[str, Any]
    ) -> dict[str, Any]:
        self._candidates.extend(parameters)
        self.outcomes.extend(outcomes)
        for key, values in more.items():
            self._more[key].extend(values)
        search = self._search
        with warnings.catch_warnings():
            if getattr(search, "best_possible", None) is not None:  # what was left out has no score, as asked for
                warnings.filterwarnings("ignore", "One or more of the", UserWarning)
            self.results = search._format_results(self._candidates, search.n_splits_, self.outcomes, self._more)
        return self.results


def _observed(candidates: list[Candidate], n_splits: int, callback_ctx: Any) -> list[Candidate]:
    """Return candidates whose fits callbacks hear of, as parts of a search if there is a context of one."""
    numbers = itertools.count()
    return [
        replace(
            each,
            contexts=tuple(
                callback_ctx and callback_ctx.subcontext("candidate-split-evaluation", task_id=next(numbers))
                for _ in range(n_splits)
            ),
        )
        for each in candidates
    ]


def _tell(search: Any, candidates: list[Candidate], futures: list[list[Any]]) -> None:
    """Tell callbacks of a search of each evaluation, in order, as it ends."""
    if not getattr(search, "_skl_callbacks", None):
        return
    for position, candidate in enumerate(candidates):
        for context, of_fold in zip(candidate.contexts, futures, strict=True):
            if context is not None:
                context.call_on_fit_task_begin(estimator=search)
                wait_on(of_fold[position])
                context.call_on_fit_task_end(estimator=search)
