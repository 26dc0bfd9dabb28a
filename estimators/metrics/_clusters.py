"""How good clusters are, by how the samples lie. Names and results are scikit-learn's; all may be ds-arrays.

Davies-Bouldin and Calinski-Harabasz take two passes: sums of clusters, of shape (n_clusters, n_features), and distances
from their means. The silhouette looks at all pairs of rows of blocks, in one task each, which returns the sum of
distances of each of its rows from each cluster: n_samples * n_clusters numbers for each row of blocks. Take a sample
of large data. Where distances are given, it is one task for each row of blocks, which holds all labels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import sklearn.metrics
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils import assert_all_finite, check_random_state

import dsarray as ds
from dsflow import share, task, wait_on
from estimators.metrics._pairs import count_pairs
from estimators.metrics._rows import any_blocks, as_columns, as_vector, cut_alike, map_on_host, sum_over_rows

__all__ = [
    "calinski_harabasz_score",
    "davies_bouldin_score",
    "silhouette_samples",
    "silhouette_score",
]


class Means(NamedTuple):
    """The clusters, in the order of their labels."""

    labels: Any
    counts: Any
    centers: Any
    """Of shape (n_clusters, n_features)."""


def calinski_harabasz_score(X: Any, labels: Any) -> float:
    """Return the ratio of the dispersion between clusters and that inside of them.

    Parameters
    ----------
    X : array_like or Array of shape (n_samples, n_features)
    labels : array_like or Array of shape (n_samples,)
    """
    if not any_blocks(X, labels):
        return float(sklearn.metrics.calinski_harabasz_score(X, labels))
    X, labels, means = _find_means("calinski_harabasz_score", X, labels)
    n_samples, n_clusters = X.shape[0], len(means.labels)
    inside = float(wait_on(sum_over_rows(_sum_distances, X, labels, share(means), 2)).sum())
    center = means.counts @ means.centers / n_samples
    between = float(means.counts @ ((means.centers - center) ** 2).sum(axis=1))
    return between * (n_samples - n_clusters) / (inside * (n_clusters - 1)) if inside else 1.0


def davies_bouldin_score(X: Any, labels: Any) -> float:
    """Return the mean over clusters of how near the most similar other cluster is, for how wide both are.

    Parameters
    ----------
    X : array_like or Array of shape (n_samples, n_features)
    labels : array_like or Array of shape (n_samples,)
    """
    if not any_blocks(X, labels):
        return float(sklearn.metrics.davies_bouldin_score(X, labels))
    X, labels, means = _find_means("davies_bouldin_score", X, labels)
    widths = wait_on(sum_over_rows(_sum_distances, X, labels, share(means), 1)) / means.counts
    distances = sklearn.metrics.pairwise_distances(means.centers)
    if np.allclose(widths, 0) or np.allclose(distances, 0):
        return 0.0
    distances[distances == 0] = np.inf
    return float(((widths[:, None] + widths) / distances).max(axis=1).mean())


def silhouette_score(
    X: Any,
    labels: Any,
    *,
    metric: Any = "euclidean",
    sample_size: int | None = None,
    random_state: Any = None,
    **kwds: Any,
) -> float:
    """Return the mean over samples of how much nearer their own cluster is than the next one.

    Parameters
    ----------
    X : array_like, sparse matrix or Array of shape (n_samples, n_features)
    labels : array_like or Array of shape (n_samples,)
    metric : str or callable
        As in `sklearn.metrics.pairwise_distances`; "precomputed" if ``X`` are the distances of all samples from all.
    sample_size : int, optional
        How many samples are looked at, the same as by scikit-learn; all by default.
    random_state : int, RandomState or None
        Which they are.
    **kwds
        Passed to the metric.
    """
    if not any_blocks(X, labels):
        return float(
            sklearn.metrics.silhouette_score(
                X, labels, metric=metric, sample_size=sample_size, random_state=random_state, **kwds
            )
        )
    X, labels = cut_alike("silhouette_score", X, labels)
    if sample_size is not None:
        chosen = check_random_state(random_state).permutation(X.shape[0])[:sample_size]
        X, labels = X[chosen], labels[chosen]
        X = X[:, chosen] if isinstance(metric, str) and metric == "precomputed" else X
    return float(silhouette_samples(X, labels, metric=metric, **kwds).mean())


def silhouette_samples(X: Any, labels: Any, *, metric: Any = "euclidean", **kwds: Any) -> Any:
    """Return how much nearer its own cluster is than the next one, for each sample: from -1 to 1.

    Parameters
    ----------
    X, labels, metric, **kwds
        As in `silhouette_score`.

    Returns
    -------
    ndarray or Array of shape (n_samples,)
        An Array if one of ``X`` and ``labels`` is one, cut as ``X``.
    """
    where = "silhouette_samples"
    if not any_blocks(X, labels):
        return sklearn.metrics.silhouette_samples(X, labels, metric=metric, **kwds)
    X, labels = cut_alike(where, X, labels)
    labels = as_vector(where, "labels", labels)
    known, counts = _count_labels(where, labels)
    if isinstance(metric, str) and metric == "precomputed":
        sums, own = _sum_given(X, labels, known)
    else:
        own = map_on_host(np.searchsorted, share(known), labels.rechunk((X.chunks[0],)))
        others = list(zip(X.row_blocks(), own, strict=True))
        sums = [
            ds.tree_reduce(np.add, [sum_pair(left, *right, len(known), metric, kwds) for right in others])
            for left, _ in others
        ]
    found = [find_silhouettes(*each, counts) for each in zip(sums, own, strict=True)]
    return ds.from_blocks(found, X.chunks[:1], float)


def _sum_given(distances: ds.Array, labels: ds.Array, known: Any) -> tuple[list[Any], list[Any]]:
    """Return sums of given distances from each cluster, and the positions of labels, for each row of blocks."""
    n_samples = distances.shape[0]
    if distances.shape != (n_samples, n_samples):
        raise ValueError(
            f"silhouette_samples: metric='precomputed' needs the distances of all samples from all; X has shape "
            f"{distances.shape}."
        )
    codes = ds.tree_reduce(_append, map_on_host(np.searchsorted, share(known), labels.rechunk((distances.chunks[0],))))
    positions = ds.arange(n_samples).rechunk((distances.chunks[0],))
    sums = map_on_host(_sum_given_block, distances, positions, codes, len(known))
    return sums, map_on_host(_take, positions, codes)


def _append(left: Any, right: Any) -> Any:
    return np.concatenate([left, right])


def _take(positions: Any, values: Any) -> Any:
    return values[positions]


def _sum_given_block(distances: Any, positions: Any, codes: Any, n_clusters: int) -> Any:
    rows = distances.tocsr() if scipy.sparse.issparse(distances) else distances
    own = np.asarray(rows[np.arange(len(positions)), positions]).ravel()
    tolerance = 100 * np.finfo(rows.dtype).eps if rows.dtype.kind == "f" else 0
    assert_all_finite(rows.data if scipy.sparse.issparse(rows) else rows, input_name="X")
    if (abs(own) > tolerance).any():
        raise ValueError(
            "silhouette_samples: The precomputed distance matrix contains non-zero elements on the diagonal. Use "
            "np.fill_diagonal(X, 0)."
        )
    found = rows @ _one_hot(codes, n_clusters)
    return found.toarray() if scipy.sparse.issparse(found) else found


def _find_means(where: str, X: Any, labels: Any) -> tuple[ds.Array, ds.Array, Means]:
    X, labels = cut_alike(where, X, labels)
    if X.sparse:
        raise TypeError(f"{where}: sparse data was passed, but dense data is required; use X.to_dense().")
    X, labels = as_columns(where, "X", X), as_vector(where, "labels", labels)
    known, counts = _count_labels(where, labels)
    sums = wait_on(sum_over_rows(_sum_clusters, X, labels, known))
    return X, labels, Means(known, counts, sums / counts[:, None])


def _count_labels(where: str, labels: ds.Array) -> tuple[Any, Any]:
    """Return the labels that differ, in order, and how often each is there."""
    pairs = count_pairs(where, labels, labels)
    n_samples = labels.shape[0]
    if not 1 < len(pairs.true) < n_samples:
        raise ValueError(
            f"{where}: Number of labels is {len(pairs.true)}. Valid values are 2 to n_samples - 1 (inclusive)."
        )
    return pairs.true, pairs.weights


def _sum_clusters(rows: Any, labels: Any, known: Any) -> Any:
    assert_all_finite(rows, input_name="X")
    return _one_hot(np.searchsorted(known, labels), len(known)).T @ rows.astype(float)


def _one_hot(codes: Any, n_clusters: int) -> Any:
    places = (np.arange(len(codes)), codes)
    return scipy.sparse.csr_array((np.ones(len(codes)), places), shape=(len(codes), n_clusters))


def _sum_distances(rows: Any, labels: Any, means: Means, power: int) -> Any:
    """Return the sums of distances of rows from the means of their clusters, or of their squares, by cluster."""
    codes = np.searchsorted(means.labels, labels)
    squares = ((rows - means.centers[codes]) ** 2).sum(axis=1)
    values = squares if power == 2 else np.sqrt(squares)
    return np.bincount(codes, weights=values, minlength=len(means.labels))


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def sum_pair(left: Any, right: Any, codes: Any, n_clusters: int, metric: Any, kwds: dict[str, Any]) -> Any:
    """Return the sums of distances of the rows on the left from those on the right, by the cluster of these."""
    left, right = ds.to_host(left), ds.to_host(right)
    if not left.shape[0] or not right.shape[0]:
        return np.zeros((left.shape[0], n_clusters))
    clusters = _one_hot(codes, n_clusters)
    parts = pairwise_distances_chunked(left, right, metric=metric, n_jobs=1, **kwds)
    return np.concatenate([part @ clusters for part in parts])


@task
def find_silhouettes(sums: Any, codes: Any, counts: Any) -> Any:
    """Return the silhouettes of rows, of sums of distances from clusters."""
    rows = np.arange(len(codes))
    others = sums / counts
    others[rows, codes] = np.inf
    next_one = others.min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = sums[rows, codes] / (counts[codes] - 1)
        return np.nan_to_num((next_one - own) / np.maximum(own, next_one)).astype(float)
