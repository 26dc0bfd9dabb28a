"""DBSCAN of samples whose distances are given: a row of blocks holds the distances of its samples, all or some.

Of a sparse matrix, stored elements are distances, also those that are 0, and samples without one are not near each
other; each is near itself. One task for each row of blocks tells which of its samples are core samples, a second one
connects these, and a third one passes their clusters on to all that is near them. What travels in between is a few
numbers for each sample of the whole matrix, as much as a few rows of a dense one: which are core samples, and which
component each is in; trees of tasks join what rows of blocks have found. Whether that was all comes to the main
program. A task holds a row of blocks, a bool for each distance, and up to 2**22 pairs.

Distances may differ by direction: a core sample then reaches those that are near it in its own row, as in scikit-learn,
and its cluster is that of the first core sample that reaches it. Where core samples are in as many rows of others as
they have others in theirs, which is so if distances are the same in both directions, whoever is connected can be
reached, and the third task is the last. Else the first core samples are passed on until none changes, in a round of
such tasks for each change of row of blocks on the longest way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import task, wait_on
from estimators._validation import align_rows, check_rows, map_rows
from estimators.cluster._density import unite
from estimators.neighbors._search import check_distances

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
    positions = align_rows(estimator, np.arange(n_samples), rows, "positions")
    all_weights = None if weights[0] is None else join_rows(weights)
    is_core = join_rows(map_rows(estimator, _find_core, rows, positions, all_weights, eps, estimator.min_samples, name))
    connected = ds.tree_reduce(_join, ds.map_row_blocks(_connect, rows, positions, is_core, eps))
    firsts, is_last = start(connected, is_core), False
    while not is_last:
        before = firsts
        firsts = ds.tree_reduce(np.minimum, ds.map_row_blocks(_pass_on, rows, positions, is_core, before, eps))
        is_last = wait_on(are_same(before, firsts, is_core))
    clusters = number_clusters(firsts)
    return list(ds.map_row_blocks(_code, positions, clusters, is_core))


def _find_near(distances: Any, positions: Any, eps: float) -> Any:
    """Return which samples are near some, as bools of shape (n_rows, n_samples), sparse if the distances are."""
    distances = ds.to_host(distances)
    if not scipy.sparse.issparse(distances):
        return distances <= eps
    rows = np.repeat(np.arange(distances.shape[0]), np.diff(distances.indptr))
    has_own = np.zeros(distances.shape[0], dtype=bool)
    has_own[rows[distances.indices == positions[rows]]] = True
    is_near, own = distances.data <= eps, np.flatnonzero(~has_own)
    i, j = np.concatenate([rows[is_near], own]), np.concatenate([distances.indices[is_near], positions[own]])
    return scipy.sparse.csr_array((np.ones(len(i), dtype=bool), (i, j)), shape=distances.shape)


def _find_core(distances: Any, positions: Any, weights: Any, eps: float, min_samples: int, name: str) -> Any:
    check_distances(distances, name)
    near = _find_near(distances, positions, eps)
    return (near.sum(axis=1) if weights is None else near @ weights) >= min_samples


def _core_pairs(distances: Any, positions: Any, is_core: Any, eps: float) -> Iterator[tuple[Any, Any]]:
    """Yield core samples among some samples, and those near them, as positions, some pairs at a time."""
    near, core = _find_near(distances, positions, eps), np.flatnonzero(is_core[positions])
    width = near.nnz / max(1, len(positions)) if scipy.sparse.issparse(near) else near.shape[1]
    step = max(1, int(_ELEMENTS / max(1, width)))
    for begin in range(0, len(core), step):
        some = core[begin : begin + step]
        i, j = near[some].nonzero()
        yield positions[some[i]], j


def _connect(distances: Any, positions: Any, is_core: Any, eps: float) -> tuple[Any, Any]:
    """Return a component for each sample of the matrix, connected by the core samples of some rows.

    And in how many more of these rows of core samples it is than it has core samples in its own, if it is among these.
    """
    components, surplus = np.arange(len(is_core)), np.zeros(len(is_core), dtype=np.int64)
    for left, right in _core_pairs(distances, positions, is_core, eps):
        both = is_core[right]
        components = unite(components, left[both], right[both])
        surplus += np.bincount(right[both], minlength=len(is_core)) - np.bincount(left[both], minlength=len(is_core))
    return components, surplus


def _join(left: tuple[Any, Any], right: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the components of samples that are connected by either, and the sum of what they are too often."""
    _, first, own = np.unique(right[0], return_index=True, return_inverse=True)
    return unite(left[0], np.arange(len(own)), first[own]), left[1] + right[1]


def _pass_on(distances: Any, positions: Any, is_core: Any, firsts: Any, eps: float) -> Any:
    """Return the first core sample that reaches each sample, as far as some rows tell."""
    found, is_new = firsts.copy(), True
    while is_new:
        before = found[is_core]
        for left, right in _core_pairs(distances, positions, is_core, eps):
            is_less = found[left] < found[right]
            np.minimum.at(found, right[is_less], found[left[is_less]])
        is_new = bool((found[is_core] < before).any())
    return found


def _code(positions: Any, clusters: Any, is_core: Any) -> Any:
    return 2 * clusters[positions] + is_core[positions]


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def join_rows(parts: list[Any]) -> Any:
    """Put vectors one after the other."""
    return np.concatenate(parts)


@task
def start(connected: tuple[Any, Any], is_core: Any) -> Any:
    """Return the first core sample of the component of each, or itself if one may not reach the others of it."""
    components, surplus = connected
    firsts = np.full(len(is_core), len(is_core))
    core = np.flatnonzero(is_core)
    if surplus.any():
        firsts[core] = core
    else:
        _, first, own = np.unique(components[core], return_index=True, return_inverse=True)
        firsts[core] = core[first[own]]
    return firsts


@task
def are_same(before: Any, firsts: Any, is_core: Any) -> bool:
    """Return whether core samples are reached by those by which they were reached before."""
    return bool((before[is_core] == firsts[is_core]).all())


@task
def number_clusters(firsts: Any) -> Any:
    """Return clusters, numbered by the first core sample of each; -1 for samples that none has reached."""
    _, clusters = np.unique(firsts, return_inverse=True)
    clusters[firsts == len(firsts)] = -1
    return clusters
