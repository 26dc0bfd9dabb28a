"""Searches over parameters of an estimator: every candidate on every split is a task.

One task takes the rows of a split, one for each candidate fits and scores, and leading steps that pipelines have in
common are fitted by a task of their own: for c candidates and k splits, k (c + 1) tasks and those of shared steps. What
comes to the main program is a few numbers from each; what it has is the positions of the rows of each split, 8 bytes
each, and the labels if the splitter stratifies. Workers hold the rows of the splits that are being worked on. Inside of
its task, an estimator of this library starts tasks of its own, on a ds-array that stays in blocks.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import sklearn.model_selection
from sklearn.model_selection import _search_successive_halving as halving

from estimators.model_selection._search_by_tasks import SearchByTasks

__all__ = ["GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"]


class GridSearchCV(sklearn.model_selection.GridSearchCV, SearchByTasks):
    """Evaluate all combinations of parameters by cross-validation, in tasks.

    Parameters
    ----------
    estimator : estimator
        Of this library, of scikit-learn or like those; a pipeline too.
    param_grid : dict or list of dict
        Values to try, by the names of parameters.
    scoring : str, callable, list, tuple or dict, optional
        As in scikit-learn. Scorers that have a name take ds-arrays; other callables get what the estimator gets.
    n_jobs : int, optional
        Has no effect: how many tasks run at a time is a matter of the session.
    refit : bool, str or callable, default=True
    cv : int, splitter or iterable, optional
    verbose : int, default=0
        Above 0, what is done is logged; see `dsflow.observe.progress` for a bar.
    pre_dispatch : int or str, default="2*n_jobs"
        Has no effect.
    error_score : "raise" or number, default=nan
    return_train_score : bool, default=False
    best_possible : float, optional
        The greatest score that there is, such as 1.0 of an accuracy. With it, candidates are left out as soon as they
        cannot have the best mean any more; their other scores are NaN, and they come last. It takes as many rounds as
        there are splits, and one more.

    Attributes
    ----------
    cv_results_ : dict
    best_estimator_, best_score_, best_params_, best_index_
    scorer_, n_splits_, refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_iris
    >>> from estimators.linear_model import LogisticRegression
    >>> from estimators.model_selection import GridSearchCV
    >>> x, y = load_iris(return_X_y=True)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [1e-4, 0.1]}, cv=3)
    >>> search.fit(ds.array(x, block_size=50), ds.array(y, block_size=50)).best_params_
    {'C': 0.1}
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **sklearn.model_selection.GridSearchCV._parameter_constraints,
        "best_possible": [Real, None],
    }

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=np.nan,
        return_train_score=False,
        best_possible=None,
    ):
        self.estimator = estimator
        self.param_grid = param_grid
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.pre_dispatch = pre_dispatch
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.best_possible = best_possible


class RandomizedSearchCV(sklearn.model_selection.RandomizedSearchCV, SearchByTasks):
    """Evaluate parameters that are drawn at random by cross-validation, in tasks.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict or list of dict
        Lists, or distributions with a method ``rvs``, by the names of parameters.
    n_iter : int, default=10
        How many candidates are drawn.
    random_state : int, RandomState or None
        The same int draws the same candidates as scikit-learn.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score, best_possible
        See `GridSearchCV`, which has the same attributes too.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **sklearn.model_selection.RandomizedSearchCV._parameter_constraints,
        "best_possible": [Real, None],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        best_possible=None,
    ):
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.pre_dispatch = pre_dispatch
        self.random_state = random_state
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.best_possible = best_possible


class HalvingGridSearchCV(halving.HalvingGridSearchCV, SearchByTasks):
    """Evaluate all combinations of parameters with few rows first, and the best of them with more and more.

    Each round waits for the one before. Parameters and attributes are those of scikit-learn's class of the same name;
    ``n_jobs`` has no effect.
    """


class HalvingRandomSearchCV(halving.HalvingRandomSearchCV, SearchByTasks):
    """Evaluate parameters that are drawn at random with few rows first, and the best of them with more and more.

    Each round waits for the one before. Parameters and attributes are those of scikit-learn's class of the same name;
    ``n_jobs`` has no effect.
    """
