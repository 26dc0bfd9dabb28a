"""Scorers by name, and ``score`` methods, that leave ds-arrays where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sklearn.metrics

from estimators.metrics import (
    _classification,
    _clusters,
    _comparisons,
    _curves,
    _decisions,
    _deviances,
    _label_ranking,
    _probabilities,
    _ranking,
    _regression,
)
from estimators.metrics._rows import any_blocks, cut_alike

__all__ = ["SCORERS", "AccuracyScore", "DeterminationScore", "get_scorer", "name_scorers"]

_ROOMS = (
    _classification,
    _clusters,
    _comparisons,
    _curves,
    _decisions,
    _deviances,
    _label_ranking,
    _probabilities,
    _ranking,
    _regression,
)


def positive_likelihood_ratio(y_true: Any, y_pred: Any) -> float:
    """Return the first of `class_likelihood_ratios`, 1 where it is undefined."""
    return float(_classification.class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[0])


def negative_likelihood_ratio(y_true: Any, y_pred: Any) -> float:
    """Return the second of `class_likelihood_ratios`, 1 where it is undefined."""
    return float(_classification.class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[1])


_METRICS = {name: getattr(room, name) for room in _ROOMS for name in room.__all__} | {
    each.__name__: each for each in (positive_likelihood_ratio, negative_likelihood_ratio)
}
"""By the names of scikit-learn's functions, which scorers are made of."""


def get_scorer(scoring: Any) -> Any:
    """Return the scorer of a name: scikit-learn's, whose metric takes ds-arrays if it is one of this library.

    Parameters
    ----------
    scoring : str or callable
        A name that `sklearn.metrics.get_scorer_names` has; a callable is returned as it is.

    Returns
    -------
    callable
        Takes an estimator, ``X`` and ``y``, and returns a number: the greater, the better.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.cluster import KMeans
    >>> from estimators.metrics import get_scorer
    >>> x = ds.array([[0.0], [1.0], [9.0]], block_size=2)
    >>> get_scorer("adjusted_rand_score")(KMeans(2, random_state=0).fit(x), x, [0, 0, 1])
    1.0
    """
    scorer = sklearn.metrics.get_scorer(scoring)
    if isinstance(scoring, str):
        metric = _METRICS.get(scorer._score_func.__name__)
        scorer._score_func = metric or scorer._score_func
    return scorer


def name_scorers(scoring: Any) -> Any:
    """Return what ``scoring`` of a search may be with scorers in place of names; what is wrong is left as it is."""
    if isinstance(scoring, str):
        return get_scorer(scoring)
    if isinstance(scoring, dict):
        return {name: get_scorer(each) if isinstance(each, str) else each for name, each in scoring.items()}
    if isinstance(scoring, (list, tuple, set)):
        is_right = scoring and all(isinstance(each, str) for each in scoring) and len(set(scoring)) == len(scoring)
        return {name: get_scorer(name) for name in scoring} if is_right else scoring
    return scoring


class Scorers(Mapping[str, Any]):
    """The scorers that have a name."""

    def __getitem__(self, name: str) -> Any:
        if name not in sklearn.metrics.get_scorer_names():
            raise KeyError(name)
        return get_scorer(name)

    def __iter__(self) -> Iterator[str]:
        return iter(sklearn.metrics.get_scorer_names())

    def __len__(self) -> int:
        return len(sklearn.metrics.get_scorer_names())


SCORERS = Scorers()
"""By name; each is made anew."""


class AccuracyScore:
    """``score`` of a classifier, whose predictions stay where they are. It goes before ``ClassifierMixin``."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of samples whose class is predicted right.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs)
            Of several outputs, all labels are to be right.
        sample_weight : array_like or Array of shape (n_samples,), optional
        """
        predicted = self.predict(X)  # type: ignore[attr-defined]  # the classifier has it
        if predicted.ndim == 2 and any_blocks(y, predicted):
            y, predicted = cut_alike(f"{type(self).__name__}.score", y, predicted)
            y, predicted = (y == predicted).all(axis=1), np.ones(y.shape[0], dtype=bool)
        return float(_classification.accuracy_score(y, predicted, sample_weight=sample_weight))


class DeterminationScore:
    """``score`` of a regression, whose predictions stay where they are. It goes before ``RegressorMixin``."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, averaged over outputs.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like or Array of shape (n_samples,), optional
        """
        predicted = self.predict(X)  # type: ignore[attr-defined]  # the regression has it
        return float(_regression.r2_score(y, predicted, sample_weight=sample_weight))
