"""What all searches over parameters have in common: scikit-learn's, with tasks in place of its jobs.

How candidates are chosen, what results are called and how methods of the best estimator are passed on is scikit-learn's
own code; here candidates are evaluated, and the best of them is fitted to all rows. A ds-array never comes to the main
program: an estimator of this library works on it in blocks, and any other is fitted on a worker.
"""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np
import scipy.sparse
from sklearn import get_config
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import indexable
from sklearn.utils.validation import _check_method_params

import dsarray as ds
from dsflow import share, wait_on
from estimators.metrics._scorers import name_scorers
from estimators.model_selection._callbacks import has_callbacks, leave_behind, take_along
from estimators.model_selection._candidates import Evaluation
from estimators.model_selection._evaluation import Scoring, fit_gathered, fit_part, score_gathered
from estimators.model_selection._folds import Part, gathered, reads_blocks

__all__ = ["SearchByTasks"]


class SearchByTasks(BaseSearchCV):
    """A search of scikit-learn whose fits are tasks."""

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **params: Any) -> SearchByTasks:
        """Evaluate all candidates, and fit the best one to all rows.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs), optional
        **params
            Passed to ``fit`` of the estimator, to the scorer and to the splitter, as scikit-learn passes them. What has
            an element for each row is cut as ``X``.

        Returns
        -------
        SearchByTasks
            This search.
        """
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        context = self._init_callback_context(max_subtasks=1 + (self.refit is not False))
        heard = {"sample_weight": params["sample_weight"]} if params.get("sample_weight") is not None else None
        context.call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=heard)
        data = Part(X, y, dict(routed.estimator.fit), dict(routed.scorer.score))
        labels = self._labels(y)
        splitting = gathered(Part(None, None, dict(routed.splitter.split), {})).fit_params
        self._checked_cv_orig = check_cv(self.cv, labels, classifier=is_classifier(self.estimator))
        self._check_input_parameters(X=X, y=labels, split_params=splitting)
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, labels, **splitting)
        scoring = Scoring(scorer, self.return_train_score, self.error_score)
        evaluation = Evaluation(self, data, labels, splitting, scoring)
        self._run_search(evaluation.evaluate_candidates, callback_ctx=context)
        self._choose(evaluation, refit_metric)
        if self.refit:
            self._refit(data, context, heard)
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        self.cv_results_ = evaluation.results
        context.call_on_fit_task_end(estimator=self, X=X, y=y, metadata=heard)
        return self

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Return the score of the best estimator.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs), optional
        **params
            Passed to the scorer, if metadata routing is enabled.
        """
        if isinstance(X, ds.Array) and hasattr(self, "best_estimator_") and not reads_blocks(self.best_estimator_):
            twin = copy.copy(self)
            twin.best_estimator_ = None  # it travels once, as an argument
            part = Part(X, y, {}, params)
            return float(wait_on(score_gathered(_Rescorer(twin), self.best_estimator_, part, get_config())))
        return super().score(X, y, **params)

    def _get_scorers(self) -> Any:
        """Return scorers as scikit-learn does; those that have a name take ds-arrays."""
        twin = copy.copy(self)
        twin.scoring, twin.estimator = name_scorers(self.scoring), leave_behind(self.estimator)
        return super(SearchByTasks, twin)._get_scorers()

    def _labels(self, y: Any) -> Any:
        """Return what splitters may look at: labels come to the main program only if they do."""
        looks = is_classifier(self.estimator) or hasattr(self.cv, "split")
        return y.collect() if isinstance(y, ds.Array) and looks else y

    def _choose(self, evaluation: Evaluation, refit_metric: Any) -> None:
        first = evaluation.outcomes[0]["test_scores"]
        self.multimetric_ = isinstance(first, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first)
            refit_metric = self.refit
        if not self.refit and self.multimetric_:
            return
        results = evaluation.results
        self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _refit(self, data: Part, context: Any, heard: Any) -> None:
        estimator = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        subcontext = context.subcontext(task_name="refit-with-best-params")
        began = time.time()
        if isinstance(data.X, ds.Array) and not reads_blocks(estimator):
            listener = subcontext if has_callbacks(self) else None
            subcontext.call_on_fit_task_begin(estimator=self, X=data.X, y=data.y, metadata=heard)
            estimator = wait_on(fit_gathered(take_along(estimator, listener), data, get_config()))
        else:
            data = data if isinstance(data.X, ds.Array) else gathered(data)
            with subcontext.propagate_callback_context(estimator):
                subcontext.call_on_fit_task_begin(estimator=self, X=data.X, y=data.y, metadata=heard)
                fit_part(estimator, data)
        self.refit_time_ = time.time() - began
        self.best_estimator_ = estimator
        if hasattr(estimator, "feature_names_in_"):
            self.feature_names_in_ = estimator.feature_names_in_
        subcontext.call_on_fit_task_end(estimator=self, X=data.X, y=data.y, metadata=heard)

    def _wrap_namespace_error(self, method_name: str, call: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the best estimator, as all methods that are passed on do; on the rows of a ds-array."""
        if args and isinstance(args[0], ds.Array) and not reads_blocks(self.best_estimator_):
            return _call_on_rows(self.best_estimator_, method_name, args[0])
        return super()._wrap_namespace_error(method_name, call, *args, **kwargs)


class _Rescorer:
    """Scores an estimator as a fitted search does."""

    def __init__(self, search: SearchByTasks) -> None:
        self._search = search

    def __call__(self, estimator: Any, *args: Any, **params: Any) -> Any:
        self._search.best_estimator_ = estimator
        return BaseSearchCV.score(self._search, *args, **params)


def _call_on_rows(estimator: Any, method: str, X: ds.Array) -> ds.Array:
    """Call a method of an estimator on each row of blocks, and return the Array of what it gives."""
    probe = scipy.sparse.csr_matrix((1, X.shape[1]), dtype=X.dtype) if X.sparse else np.zeros((1, X.shape[1]), X.dtype)
    sample = _call_method(probe, estimator, method, None)
    rows = ds.map_row_blocks(_call_method, X, share(estimator), method, sample[:0])
    if sample.ndim == 1:
        return ds.from_blocks(rows, X.chunks[:1], sample.dtype)
    is_sparse = scipy.sparse.issparse(sample)
    return ds.from_blocks([[row] for row in rows], (X.chunks[0], sample.shape[1:]), sample.dtype, sparse=is_sparse)


def _call_method(rows: Any, estimator: Any, method: str, nothing: Any) -> Any:
    """Return what a method gives for rows; for none of them, ``nothing``."""
    if not rows.shape[0]:
        return nothing
    found = getattr(estimator, method)(rows)
    return found.tocsr() if scipy.sparse.issparse(found) else np.asarray(found)
