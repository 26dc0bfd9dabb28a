"""Regression by the mean of nearest neighbors; `_blockwise` says what tasks do and what travels.

Targets lie beside the rows of each part, so a task that finds neighbors gives their targets too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.neighbors
from sklearn.base import _fit_context

from dsflow import task
from estimators._responses import check_responses
from estimators._validation import FLOATS, like_input, rows_to_array
from estimators.metrics import DeterminationScore
from estimators.neighbors._blockwise import BlockwiseNeighbors
from estimators.neighbors._labels import weigh_neighbors
from estimators.neighbors._nearest import NearestNeighbors
from estimators.neighbors._search import Found

__all__ = ["KNeighborsRegressor"]


class KNeighborsRegressor(DeterminationScore, BlockwiseNeighbors, sklearn.neighbors.KNeighborsRegressor):
    """Predict the mean of the targets of nearest neighbors.

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
    effective_metric_ : str or callable
    effective_metric_params_ : dict
    n_samples_fit_ : int
    n_features_in_ : int

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.neighbors import KNeighborsRegressor
    >>> X = ds.array([[0.0], [1], [2], [3]], block_size=2)
    >>> KNeighborsRegressor(n_neighbors=2).fit(X, [0, 0, 1, 1]).predict([[1.5]])
    array([0.5])
    """

    kneighbors = NearestNeighbors.kneighbors
    kneighbors_graph = NearestNeighbors.kneighbors_graph
    _graph = NearestNeighbors._graph

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any) -> KNeighborsRegressor:
        """Prepare rows to be searched.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
        """
        rows = self._check_rows(X, reset=True)
        targets, is_vector = check_responses(self, y, rows, dtype=FLOATS)
        self._y = like_input(X, targets[:, 0] if is_vector else targets)
        self._keep(X, rows)
        return self

    def predict(self, X: Any) -> Any:
        """Return the mean of the neighbors of each row.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_queries, n_features), or None
            None for the rows of ``fit``, none of which is its own neighbor.

        Returns
        -------
        ndarray or Array of shape (n_queries,) or (n_queries, n_targets)
        """
        found, queries = self._nearest(X)
        n_columns = None if self._y.ndim == 1 else self._y.shape[1]
        means = [average(block, self.weights, n_columns is None) for block in found]
        dtype = self._y.dtype if self.weights in (None, "uniform") else np.float64
        return like_input(self._fit_X if X is None else X, rows_to_array(means, queries.data, dtype, n_columns))


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def average(found: Found, weights: Any, is_vector: bool) -> Any:
    """Return the weighted mean of the targets of the neighbors of each query."""
    by_neighbor = weigh_neighbors(found.distances, weights)
    if by_neighbor is None:
        means = found.targets.mean(axis=1)
    else:
        means = np.einsum("ij,ijk->ik", by_neighbor, found.targets) / by_neighbor.sum(axis=1, keepdims=True)
    return means[:, 0] if is_vector else means
