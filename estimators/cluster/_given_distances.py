"""DBSCAN of samples whose distances are given: a row of blocks holds all distances of its samples.

One task for each row of blocks tells which of its samples are core samples, a second one connects these, and a third
one labels all of its samples. What travels in between is a number for each sample of the whole matrix, as much as one
row of it: which are core samples, and which component each is in; a tree of tasks joins the components that rows of
blocks have found. Nothing comes to the main program. A task holds a row of blocks, and pairs of up to 2**22 distances.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import task
from estimators._validation import align_rows, check_rows, map_rows
from estimators.cluster._density import unite

__all__ = ["code_given"]

_ELEMENTS = 1 << 22
"""How many distances are looked at at a time."""


def code_given(estimator: Any, distances: ds.Array, weights: list[Any]) -> list[Any]:
    """Return, for each row of blocks, the Future of the clusters of its samples, coded as `label_samples` does.

    Raises
    ------
    ValueError
        When distances are not square; when they are negative or not finite, as a task finds it.
    """
    name, n_samples, eps = type(estimator).__name__, distances.shape[0], float(estimator.eps)
    if distances.shape[1] != n_samples:
        raise ValueError(
            f"{name}: Precomputed matrix must be square. Input is a {n_samples}x{distances.shape[1]} matrix; give the "
            "distances of all samples."
        )
    rows = distances if distances.streamed else check_rows(estimator, distances)
    all_weights = None if weights[0] is None else join_rows(weights)
    is_core = join_rows(map_rows(estimator, _find_core, rows, all_weights, eps, estimator.min_samples, name))
    positions = align_rows(estimator, np.arange(n_samples), rows, "positions")
    found = ds.map_row_blocks(_connect, rows, positions, is_core, eps)
    clusters = number_clusters(ds.tree_reduce(_join, found), is_core)
    return list(ds.map_row_blocks(_label, rows, positions, clusters, eps))


def _find_core(distances: Any, weights: Any, eps: float, min_samples: int, name: str) -> Any:
    if (distances < 0).any():
        raise ValueError(f"{name}: Negative values in data passed to metric='precomputed'; distances are 0 or more.")
    near = distances <= eps
    return (near.sum(axis=1) if weights is None else near @ weights) >= min_samples


def _connect(distances: Any, positions: Any, is_core: Any, eps: float) -> Any:
    """Return a component for each sample of the matrix, connected by the core samples of some rows."""
    components = np.arange(len(is_core))
    for some in _split(np.flatnonzero(is_core[positions]), len(is_core)):
        i, j = np.nonzero((distances[some] <= eps) & is_core)
        components = unite(components, positions[some[i]], j)
    return components


def _join(left: Any, right: Any) -> Any:
    """Return the components of samples that are connected by either."""
    _, first, own = np.unique(right, return_index=True, return_inverse=True)
    return unite(left, np.arange(len(right)), first[own])


def _label(distances: Any, positions: Any, clusters: Any, eps: float) -> Any:
    """Return the cluster of each of some samples, or the first that has a core sample near it, and which are core."""
    labels = clusters[positions]
    is_core = labels >= 0
    none = len(clusters)
    reached = np.where(clusters < 0, none, clusters)
    for some in _split(np.flatnonzero(~is_core), len(clusters)):
        least = np.where(distances[some] <= eps, reached, none).min(axis=1)
        labels[some] = np.where(least < none, least, -1)
    return 2 * labels + is_core


def _split(rows: Any, n_columns: int) -> Iterator[Any]:
    step = max(1, _ELEMENTS // n_columns)
    return (rows[start : start + step] for start in range(0, len(rows), step))


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def join_rows(parts: list[Any]) -> Any:
    """Put vectors one after the other."""
    return np.concatenate(parts)


@task
def number_clusters(components: Any, is_core: Any) -> Any:
    """Return the clusters of core samples, numbered by the first of each; -1 for other samples."""
    clusters = np.full(len(is_core), -1)
    _, first, own = np.unique(components[is_core], return_index=True, return_inverse=True)
    clusters[is_core] = first.argsort().argsort()[own]
    return clusters
