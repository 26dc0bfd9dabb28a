"""Nearest neighbors of rows in blocks; `_blockwise` says what tasks do and what travels.

The results are as large as the queries: k distances and positions, or all within a radius, for each. They stay where
they are if the queries are an Array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import sklearn.neighbors
from sklearn.base import _fit_context

import dsarray as ds
from dsflow import task, wait_on
from estimators._validation import like_input, rows_to_array, shorten_indices
from estimators.neighbors._blockwise import BlockwiseNeighbors
from estimators.neighbors._search import Found, Within

__all__ = ["NearestNeighbors"]


class NearestNeighbors(BlockwiseNeighbors, sklearn.neighbors.NearestNeighbors):
    """Find the rows that are nearest to others.

    Parameters
    ----------
    n_neighbors : int, default=5
    radius : float, default=1.0
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How to look. Trees are SciPy's where that knows the metric.
    leaf_size : int, default=30
    metric : str or callable, default="minkowski"
        Any of scikit-learn's. With "precomputed", ``X`` holds distances to all rows of ``fit``, or, if it is
        sparse, to those that may be neighbors: an element that is 0 is a distance too, and one that is not stored is
        none. There have to be enough of them in each row.
    p : float, default=2
        Power of the Minkowski metric.
    metric_params : dict, optional
        "seuclidean" and "mahalanobis" need V and VI here.
    n_jobs : int, optional
        Has no effect: tasks run on the workers of the session.

    Attributes
    ----------
    effective_metric_ : str or callable
    effective_metric_params_ : dict
    n_samples_fit_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Notes
    -----
    Of rows that are equally far, the first come first, and are taken where not all are asked for, if a tree looks;
    scikit-learn leaves that open.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.neighbors import NearestNeighbors
    >>> X = ds.array([[0.0, 0], [0, 1], [3, 3], [3, 4]], block_size=3)
    >>> NearestNeighbors(n_neighbors=2).fit(X).kneighbors([[0, 0.2]])
    (array([[0.2, 0.8]]), array([[0, 1]]))
    """

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None) -> NearestNeighbors:
        """Prepare rows to be searched.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored
        """
        self._keep(X, self._check_rows(X, reset=True))
        return self

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Find the nearest rows.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_queries, n_features), optional
            By default the rows of ``fit``, none of which is its own neighbor.
        n_neighbors : int, optional
            By default that of the constructor.
        return_distance : bool, default=True

        Returns
        -------
        distances : ndarray or Array of shape (n_queries, n_neighbors)
            Only with ``return_distance``.
        indices : ndarray or Array of shape (n_queries, n_neighbors)
            Positions among the rows of ``fit``.
        """
        found, queries = self._nearest(X, n_neighbors)
        like = self._fit_X if X is None else X
        pairs = [split_found(block) for block in found]
        distances, indices = (
            rows_to_array(rows, queries.data, dtype, queries.n_neighbors)
            for rows, dtype in zip(zip(*pairs, strict=True), (np.float64, np.intp), strict=True)
        )
        return (
            tuple(like_input(like, each) for each in (distances, indices))
            if return_distance
            else like_input(like, indices)
        )

    def kneighbors_graph(self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
        """Return which rows are nearest as a sparse matrix.

        Parameters
        ----------
        X, n_neighbors
            As in `kneighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether elements are 1, or distances.

        Returns
        -------
        CSR matrix or Array of shape (n_queries, n_samples_fit_)
        """
        _check_mode(mode)
        found, queries = self._nearest(X, n_neighbors)
        return self._graph(X, queries.data, [to_graph(each, self.n_samples_fit_, mode) for each in found])

    def radius_neighbors(
        self, X: Any = None, radius: float | None = None, return_distance: bool = True, sort_results: bool = False
    ) -> Any:
        """Find all rows within a radius.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_queries, n_features), optional
            By default the rows of ``fit``, none of which is its own neighbor.
        radius : float, optional
            By default that of the constructor.
        return_distance : bool, default=True
        sort_results : bool, default=False
            True for the order of distances; else that of positions.

        Returns
        -------
        distances : ndarray of shape (n_queries,) of ndarray
            Only with ``return_distance``.
        indices : ndarray of shape (n_queries,) of ndarray

        Raises
        ------
        TypeError
            When the queries are an Array, which cannot hold rows of different lengths.
        """
        if isinstance(self._fit_X if X is None else X, ds.Array):
            raise TypeError(
                "NearestNeighbors.radius_neighbors: an Array cannot hold rows of different lengths; "
                "use radius_neighbors_graph(X, mode='distance'), which returns a sparse Array."
            )
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        found = wait_on([sort_within(each, sort_results) for each in self._within(X, radius)[0]])
        indices = _split([each.indices for each in found], [each.counts for each in found])
        if not return_distance:
            return indices
        return _split([each.distances for each in found], [each.counts for each in found]), indices

    def radius_neighbors_graph(
        self, X: Any = None, radius: float | None = None, mode: str = "connectivity", sort_results: bool = False
    ) -> Any:
        """Return which rows are within a radius as a sparse matrix.

        Parameters
        ----------
        X, radius, sort_results
            As in `radius_neighbors`, but ``X`` may be an Array.
        mode : {"connectivity", "distance"}, default="connectivity"

        Returns
        -------
        CSR matrix or Array of shape (n_queries, n_samples_fit_)
        """
        _check_mode(mode)
        found, data = self._within(X, radius)
        is_sorted = sort_results and mode == "distance"
        blocks = [to_graph(sort_within(each, is_sorted), self.n_samples_fit_, mode) for each in found]
        return self._graph(X, data, blocks)

    def _graph(self, X: Any, data: ds.Array, blocks: list[Any]) -> Any:
        chunks = (data.chunks[0], (self.n_samples_fit_,))
        if isinstance(self._fit_X if X is None else X, ds.Array):
            return ds.from_blocks([[block] for block in blocks], chunks, np.float64, sparse=True)
        return scipy.sparse.csr_matrix(scipy.sparse.vstack(wait_on(blocks), format="csr"))


def _check_mode(mode: str) -> None:
    if mode not in ("connectivity", "distance"):
        raise ValueError(f'Unsupported mode, must be one of "connectivity", or "distance" but got "{mode}" instead')


def _split(values: list[Any], counts: list[Any]) -> Any:
    """Return an array of arrays, one for each query."""
    parts = np.split(np.concatenate(values), np.cumsum(np.concatenate(counts))[:-1])
    arrays = np.empty(len(parts), dtype=object)
    for position, part in enumerate(parts):
        arrays[position] = part
    return arrays


# --- tasks ------------------------------------------------------------------------------------------------------------


@task(returns=2)
def split_found(found: Found) -> tuple[Any, Any]:
    """Return distances and positions."""
    return found.distances, found.indices


@task
def sort_within(found: Within, is_sorted: bool) -> Within:
    """Put the neighbors of each query in the order of their distances, if asked."""
    if not is_sorted:
        return found
    order = np.lexsort((found.distances, np.repeat(np.arange(len(found.counts)), found.counts)))
    return Within(found.counts, found.indices[order], found.distances[order])


@task
def to_graph(found: Found | Within, n_columns: int, mode: str) -> Any:
    """Return neighbors as a CSR matrix."""
    counts = found.counts if isinstance(found, Within) else np.full(len(found.indices), found.indices.shape[1])
    values = np.ravel(found.distances) if mode == "distance" else np.ones(found.indices.size)
    starts = np.concatenate([[0], np.cumsum(counts)])
    graph = scipy.sparse.csr_array((values, np.ravel(found.indices), starts), shape=(len(counts), n_columns))
    return shorten_indices(graph)
