"""Clusters of conformations around those with most neighbors, by their distances from each other.

X. Daura, K. Gademann, B. Jaun, D. Seebach, W. F. van Gunsteren and A. E. Mark, "Peptide folding: when simulation meets
experiment" (1999): the sample with most neighbors and all of these are a cluster; they are taken away, and so on until
nothing is left.

One task for each row of blocks reads the distances, once, and keeps lists of neighbors (4 bytes a neighbor). A round
finds all samples that have more neighbors than any other with a neighbor in common, since none of these can come before
them or take anything away from them; it takes three times one task for each row of blocks. Between these a number for
each sample reaches the main program and goes back. Once the lists are short, 64 MiB, one task does the rest; mostly it
does all.
"""

from __future__ import annotations

import heapq
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._validation import align_rows, check_X, like_input, map_rows

__all__ = ["Daura"]

_FEW_NEIGHBORS = 1 << 24
"""Number of neighbors of all samples up to which one task finds all clusters."""


class Daura(ClusterMixin, BaseEstimator):
    """Cluster samples around those that have most others within a distance: the GROMOS method.

    Parameters
    ----------
    cutoff : float, default=0.2
        Samples at most this far from each other are neighbors.

    Attributes
    ----------
    labels_ : ndarray or Array of shape (n_samples,)
        The cluster of each sample; the largest is 0. An Array if the distances of ``fit`` were one.
    clusters_ : list of ndarray
        The positions of the samples of each cluster: its center first, then the others in order.
    cluster_centers_indices_ : ndarray of shape (n_clusters,)
        The position of the center of each cluster.
    n_features_in_ : int
        The number of samples.

    Notes
    -----
    Of samples with as many neighbors, the first is the center.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.cluster import Daura
    >>> places = ds.array([0.0, 1, 2, 9, 10], block_size=2)
    >>> distances = abs(places[:, None] - places[None])
    >>> Daura(cutoff=1).fit(distances).clusters_
    [array([1, 0, 2]), array([3, 4])]
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012 - where scikit-learn looks for it
        "cutoff": [Interval(Real, 0, None, closed="left")]
    }

    def __init__(self, cutoff=0.2):
        self.cutoff = cutoff

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Daura:
        """Find clusters.

        Parameters
        ----------
        X : array_like or Array of shape (n_samples, n_samples)
            The distance of each two samples, the same in both directions.
        y : ignored

        Raises
        ------
        ValueError
            When the distances are not square, or not the same in both directions.
        """
        distances = check_X(self, X, reset=True, accept_sparse=False)
        n_samples = distances.shape[0]
        if distances.shape[1] != n_samples:
            raise ValueError(
                f"Daura.fit: the distances have shape {distances.shape}; give a square matrix, of each two samples."
            )
        positions = align_rows(self, np.arange(n_samples), distances, "positions")
        lists = map_rows(self, list_neighbors, distances, positions, float(self.cutoff))
        _check_symmetry(lists, n_samples)
        self.clusters_ = find_clusters(lists, n_samples)
        self.cluster_centers_indices_ = np.array([members[0] for members in self.clusters_])
        labels = np.empty(n_samples, dtype=np.intp)
        for cluster, members in enumerate(self.clusters_):
            labels[members] = cluster
        self.labels_ = like_input(X, align_rows(self, labels, distances, "labels"))
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        tags.input_tags.positive_only = True
        return tags


class Lists(NamedTuple):
    """The neighbors of some samples, among those that are left."""

    samples: Any
    starts: Any
    """Where the neighbors of each begin, and the end of the last."""
    neighbors: Any


def find_clusters(lists: list[Any], n_samples: int) -> list[Any]:
    """Return the members of all clusters, center first; those with most members come first."""
    clusters: list[Any] = []
    counts = _gather([count(each) for each in lists], n_samples)
    while counts.sum() > _FEW_NEIGHBORS:
        keys = np.where(counts > 0, counts * n_samples + np.arange(n_samples)[::-1], -1)
        best = keys
        for _ in range(2):  # among neighbors, and among theirs
            shared = share(best)
            best = _gather([find_best(each, shared) for each in lists], n_samples)
        centers = share(np.flatnonzero((best == keys) & (keys >= 0)))
        found = [each for block in wait_on([take_members(each, centers) for each in lists]) for each in block]
        clusters += found
        counts[np.concatenate(found)] = 0
        is_left = share(counts > 0)
        lists = [drop_taken(each, is_left) for each in lists]
        counts = _gather([count(each) for each in lists], n_samples)
    clusters += wait_on(take_all(lists, n_samples))
    return sorted(clusters, key=lambda members: (-len(members), members[0]))


def list_neighbors(distances: Any, positions: Any, cutoff: float) -> Lists:
    """Return the neighbors of samples, themselves too."""
    if (distances < 0).any():
        raise ValueError("Daura: Negative values in data passed to X; distances are at least 0.")
    is_near = ds.to_host(distances <= cutoff)
    is_near[np.arange(len(positions)), positions] = True
    _, neighbors = np.nonzero(is_near)
    starts = np.concatenate([[0], np.cumsum(is_near.sum(axis=1))])
    return Lists(np.asarray(positions), starts, neighbors.astype(np.int32))


def _check_symmetry(lists: list[Any], n_samples: int) -> None:
    """Raise an error if a sample is the neighbor of fewer or more samples than it has neighbors."""
    counts = _gather([count(each) for each in lists], n_samples)
    found = wait_on(ds.tree_reduce(np.add, [count_back(each, n_samples) for each in lists]))
    if (found != counts).any():
        sample = int((found != counts).argmax())
        raise ValueError(
            f"Daura.fit: sample {sample} has {counts[sample]} neighbors, but is one of {found[sample]} samples; "
            "give distances that are the same in both directions."
        )


def _gather(values: list[Any], n_samples: int) -> Any:
    """Return a number for each sample; 0 for those that are not left."""
    gathered = np.zeros(n_samples, dtype=np.int64)
    for samples, numbers in wait_on(values):
        gathered[samples] = numbers
    return gathered


def _near(lists: Lists, place: int) -> Any:
    return lists.neighbors[lists.starts[place] : lists.starts[place + 1]]


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def count(lists: Lists) -> tuple[Any, Any]:
    """Return samples and how many neighbors they have."""
    return lists.samples, np.diff(lists.starts)


@task
def count_back(lists: Lists, n_samples: int) -> Any:
    """Return of how many of some samples each sample is a neighbor."""
    return np.bincount(lists.neighbors, minlength=n_samples)


@task
def find_best(lists: Lists, keys: Any) -> tuple[Any, Any]:
    """Return samples and the greatest key among the neighbors of each."""
    if not len(lists.samples):
        return lists.samples, lists.samples
    return lists.samples, np.maximum.reduceat(keys[lists.neighbors], lists.starts[:-1])


@task
def take_members(lists: Lists, centers: Any) -> list[Any]:
    """Return the clusters of those samples that are centers."""
    places = np.flatnonzero(np.isin(lists.samples, centers))
    return [_members(lists.samples[place], _near(lists, place)) for place in places]


def _members(center: int, neighbors: Any) -> Any:
    return np.concatenate([[center], neighbors[neighbors != center]]).astype(np.intp)


@task
def drop_taken(lists: Lists, is_left: Any) -> Lists:
    """Return lists of the samples that are left, among those that are left."""
    owners = np.repeat(lists.samples, np.diff(lists.starts))
    is_kept = is_left[lists.neighbors] & is_left[owners]
    samples = lists.samples[is_left[lists.samples]]
    counts = np.bincount(np.searchsorted(samples, owners[is_kept]), minlength=len(samples))
    return Lists(samples, np.concatenate([[0], np.cumsum(counts)]), lists.neighbors[is_kept])


@task
def take_all(lists: list[Lists], n_samples: int) -> list[Any]:
    """Return all clusters of what is left."""
    near: dict[int, Any] = {}
    counts = np.zeros(n_samples, dtype=np.int64)
    for each in lists:
        counts[each.samples] = np.diff(each.starts)
        near |= zip(each.samples.tolist(), np.split(each.neighbors, each.starts[1:-1]), strict=False)  # one if none
    queue = [(-int(counts[sample]), sample) for sample in near]
    heapq.heapify(queue)
    is_left = counts > 0
    clusters = []
    while queue:
        size, center = heapq.heappop(queue)
        if not is_left[center]:
            continue
        if counts[center] != -size:  # some of its neighbors have been taken meanwhile
            heapq.heappush(queue, (-int(counts[center]), center))
            continue
        neighbors = near[center]
        members = _members(center, neighbors[is_left[neighbors]])
        clusters.append(members)
        is_left[members] = False
        np.subtract.at(counts, np.concatenate([near[each] for each in members.tolist()]), 1)
    return clusters
