"""Classification by the votes of nearest neighbors; `_blockwise` says what tasks do and what travels.

Labels lie beside the rows of each part, so a task that finds neighbors gives their labels too, and votes are counted
where these are merged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.neighbors
from sklearn.base import _fit_context

import dsarray as ds
from dsflow import task, wait_on
from estimators._validation import like_input, rows_to_array
from estimators.metrics import AccuracyScore
from estimators.neighbors._blockwise import BlockwiseNeighbors
from estimators.neighbors._labels import check_labels, encode_outputs, vote
from estimators.neighbors._nearest import NearestNeighbors
from estimators.neighbors._search import Found

__all__ = ["KNeighborsClassifier"]


class KNeighborsClassifier(AccuracyScore, BlockwiseNeighbors, sklearn.neighbors.KNeighborsClassifier):
    """Classify rows as most of their nearest neighbors are.

    Parameters
    ----------
    n_neighbors : int, default=5
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        How much each neighbor counts: the same, by the inverse of its distance, or as a function of an array of
        distances says.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of such
        A list for several outputs.
    outputs_2d_ : bool
        Whether there are several outputs.
    effective_metric_ : str or callable
    effective_metric_params_ : dict
    n_samples_fit_ : int
    n_features_in_ : int

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.neighbors import KNeighborsClassifier
    >>> X = ds.array([[0.0], [1], [2], [3]], block_size=2)
    >>> model = KNeighborsClassifier(n_neighbors=3).fit(X, [0, 0, 1, 1])
    >>> model.predict([[1.1]])
    array([0])
    """

    kneighbors = NearestNeighbors.kneighbors
    kneighbors_graph = NearestNeighbors.kneighbors_graph
    _graph = NearestNeighbors._graph

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any) -> KNeighborsClassifier:
        """Prepare rows to be searched.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs)
        """
        rows = self._check_rows(X, reset=True)
        labels, self.outputs_2d_ = check_labels(self, y, rows)
        codes, classes = encode_outputs(self, labels)
        self.classes_ = classes if self.outputs_2d_ else classes[0]
        self._y = like_input(X, codes if self.outputs_2d_ else codes[:, 0])
        self._keep(X, rows)
        return self

    def predict(self, X: Any) -> Any:
        """Return the class of each row.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_queries, n_features), or None
            None for the rows of ``fit``, none of which is its own neighbor.

        Returns
        -------
        ndarray or Array of shape (n_queries,) or (n_queries, n_outputs)
        """
        found, queries = self._nearest(X)
        like, classes = self._fit_X if X is None else X, self._classes()
        n_outputs = len(classes) if self.outputs_2d_ else None
        if isinstance(like, ds.Array):
            labels = [choose_labels(block, self.weights, classes, self.outputs_2d_) for block in found]
            return rows_to_array(labels, queries.data, classes[0].dtype, n_outputs)
        ranks = [np.arange(len(each)) for each in classes]  # labels may be objects
        chosen = wait_on([choose_labels(block, self.weights, ranks, True) for block in found])
        labels = [each.take(codes) for each, codes in zip(classes, np.concatenate(chosen).T, strict=True)]
        return np.stack(labels, axis=1).astype(classes[0].dtype) if self.outputs_2d_ else labels[0]

    def predict_proba(self, X: Any) -> Any:
        """Return the share of votes for each class.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_queries, n_features), or None

        Returns
        -------
        ndarray or Array of shape (n_queries, n_classes), or list of such
            A list for several outputs.
        """
        found, queries = self._nearest(X)
        like, counts = self._fit_X if X is None else X, [len(each) for each in self._classes()]
        votes = [count_votes(block, self.weights, counts) for block in found]
        shares = [
            like_input(like, rows_to_array([take(each, output) for each in votes], queries.data, np.float64, n_classes))
            for output, n_classes in enumerate(counts)
        ]
        return shares if self.outputs_2d_ else shares[0]

    def _classes(self) -> list[Any]:
        return self.classes_ if self.outputs_2d_ else [self.classes_]


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def choose_labels(found: Found, weights: Any, classes: list[Any], are_several: bool) -> Any:
    """Return the class with most votes, or the first of several, for each query and output."""
    shares = vote(found, weights, [len(each) for each in classes])
    labels = [each.take(share.argmax(axis=1)) for each, share in zip(classes, shares, strict=True)]
    return np.stack(labels, axis=1) if are_several else labels[0]


@task
def count_votes(found: Found, weights: Any, counts: list[int]) -> list[Any]:
    """Return the share of votes for each class, by output."""
    return vote(found, weights, counts)


@task
def take(values: list[Any], position: int) -> Any:
    """Return one of several."""
    return values[position]
