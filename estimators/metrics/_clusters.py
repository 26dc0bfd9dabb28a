"""How good clusters are: compared with other labels, or by how the samples lie. Names and results are scikit-learn's.

Labels are compared by the table of pairs of labels, one task for each row of blocks and a tree. Davies-Bouldin and
Calinski-Harabasz take two passes: sums of clusters, of shape (n_clusters, n_features), then distances from their means.
The silhouette looks at all pairs of rows of blocks, in one task each, which returns the sum of distances of each of its
rows from each cluster: n_samples * n_clusters numbers for each row of blocks. Take a sample of large data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import sklearn.metrics
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils import assert_all_finite, check_random_state

import dsarray as ds
from dsflow import share, task, wait_on
from estimators.metrics._pairs import Pairs, count_pairs
from estimators.metrics._rows import any_blocks, as_columns, as_vector, cut_alike, map_on_host, sum_over_rows

__all__ = [
    "adjusted_rand_score",
    "calinski_harabasz_score",
    "completeness_score",
    "davies_bouldin_score",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "rand_score",
    "silhouette_score",
    "v_measure_score",
]


# --- compared with other labels ---------------------------------------------------------------------------------------


def rand_score(labels_true: Any, labels_pred: Any) -> float:
    """Return the share of pairs of samples that both labels put together, or both apart."""
    if not any_blocks(labels_true, labels_pred):
        return float(sklearn.metrics.rand_score(labels_true, labels_pred))
    apart, split, joined, together = _pair_table("rand_score", labels_true, labels_pred)
    total = apart + split + joined + together
    return (apart + together) / total if split or joined else 1.0


def adjusted_rand_score(labels_true: Any, labels_pred: Any) -> float:
    """Return how far two sets of labels agree on which samples belong together, beyond chance.

    Parameters
    ----------
    labels_true, labels_pred : array_like or Array of shape (n_samples,)
    """
    if not any_blocks(labels_true, labels_pred):
        return float(sklearn.metrics.adjusted_rand_score(labels_true, labels_pred))
    apart, split, joined, together = _pair_table("adjusted_rand_score", labels_true, labels_pred)
    if not split and not joined:
        return 1.0
    chance = (together + joined) * (joined + apart) + (together + split) * (split + apart)
    return 2.0 * (together * apart - joined * split) / chance


def mutual_info_score(labels_true: Any, labels_pred: Any, *, contingency: Any = None) -> float:
    """Return the mutual information of two sets of labels, or of the table ``contingency``, in nats."""
    if contingency is not None or not any_blocks(labels_true, labels_pred):
        return float(sklearn.metrics.mutual_info_score(labels_true, labels_pred, contingency=contingency))
    return _information("mutual_info_score", labels_true, labels_pred)[0]


def homogeneity_score(labels_true: Any, labels_pred: Any) -> float:
    """Return how far clusters hold samples of one class."""
    if not any_blocks(labels_true, labels_pred):
        return float(sklearn.metrics.homogeneity_score(labels_true, labels_pred))
    shared, of_true, _ = _information("homogeneity_score", labels_true, labels_pred)
    return shared / of_true if of_true else 1.0


def completeness_score(labels_true: Any, labels_pred: Any) -> float:
    """Return how far samples of a class are in one cluster."""
    if not any_blocks(labels_true, labels_pred):
        return float(sklearn.metrics.completeness_score(labels_true, labels_pred))
    shared, _, of_pred = _information("completeness_score", labels_true, labels_pred)
    return shared / of_pred if of_pred else 1.0


def v_measure_score(labels_true: Any, labels_pred: Any, *, beta: float = 1.0) -> float:
    """Return the harmonic mean of homogeneity, and of completeness ``beta`` times."""
    if not any_blocks(labels_true, labels_pred):
        return float(sklearn.metrics.v_measure_score(labels_true, labels_pred, beta=beta))
    shared, of_true, of_pred = _information("v_measure_score", labels_true, labels_pred)
    homogeneity = shared / of_true if of_true else 1.0
    completeness = shared / of_pred if of_pred else 1.0
    total = beta * homogeneity + completeness
    return (1 + beta) * homogeneity * completeness / total if total else 0.0


def normalized_mutual_info_score(labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic") -> float:
    """Return the mutual information of two sets of labels, over a mean of their entropies.

    ``average_method`` is "min", "geometric", "arithmetic" or "max".
    """
    if not any_blocks(labels_true, labels_pred):
        return float(
            sklearn.metrics.normalized_mutual_info_score(labels_true, labels_pred, average_method=average_method)
        )
    shared, *entropies = _information("normalized_mutual_info_score", labels_true, labels_pred)
    means: dict[str, Callable[[Any], Any]] = {
        "min": min,
        "max": max,
        "arithmetic": np.mean,
        "geometric": lambda each: np.sqrt(np.prod(each)),
    }
    if average_method not in means:
        raise ValueError(
            f"normalized_mutual_info_score: average_method={average_method!r} is unknown; give one of "
            f"{', '.join(means)}."
        )
    mean = float(means[average_method](entropies))
    return shared / mean if mean > np.finfo(float).eps else (1.0 if max(entropies) == 0 else 0.0)


def _pair_table(where: str, labels_true: Any, labels_pred: Any) -> tuple[int, int, int, int]:
    """Return numbers of ordered pairs of samples: apart in both, split or joined by the second, together in both."""
    pairs = count_pairs(where, labels_true, labels_pred)
    n_samples = int(pairs.weights.sum())
    of_true, of_pred = (_sums(labels, pairs.weights) for labels in (pairs.true, pairs.pred))
    squares = int((pairs.weights**2).sum())
    split, joined = int((of_true**2).sum()) - squares, int((of_pred**2).sum()) - squares
    return n_samples**2 - squares - split - joined, split, joined, squares - n_samples


def _information(where: str, labels_true: Any, labels_pred: Any) -> tuple[float, float, float]:
    """Return the mutual information and both entropies."""
    pairs: Pairs = count_pairs(where, labels_true, labels_pred)
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (pairs.true, pairs.pred))
    table = scipy.sparse.csr_array((pairs.weights, (rows, columns)))
    shared = float(sklearn.metrics.mutual_info_score(None, None, contingency=table))
    of_true, of_pred = (_entropy(_sums(labels, pairs.weights)) for labels in (pairs.true, pairs.pred))
    return shared, of_true, of_pred


def _sums(labels: Any, weights: Any) -> Any:
    _, places = np.unique(labels, return_inverse=True)
    return np.bincount(places, weights=weights).astype(weights.dtype)


def _entropy(counts: Any) -> float:
    shares = counts / counts.sum()
    return 0.0 if len(counts) == 1 else float(-(shares * np.log(shares)).sum())


# --- by how the samples lie -------------------------------------------------------------------------------------------


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
        As in `sklearn.metrics.pairwise_distances`, but "precomputed" for ds-arrays.
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
    if isinstance(metric, str) and metric == "precomputed":
        raise NotImplementedError(
            "silhouette_score: metric='precomputed' is not supported for ds-arrays; give the samples, or collect()."
        )
    X, labels = cut_alike("silhouette_score", X, labels)
    if sample_size is not None:
        chosen = check_random_state(random_state).permutation(X.shape[0])[:sample_size]
        X, labels = X[chosen], labels[chosen]
    labels = as_vector("silhouette_score", "labels", labels).rechunk((X.chunks[0],))
    known, counts = _count_labels("silhouette_score", labels)
    rows, codes = X.row_blocks(), map_on_host(np.searchsorted, share(known), labels)
    others = list(zip(rows, codes, strict=True))
    measured = [
        ds.tree_reduce(np.add, [sum_pair(left, *right, len(known), metric, kwds) for right in others]) for left in rows
    ]
    sums = ds.from_blocks([[each] for each in measured], (X.chunks[0], (len(known),)), float)
    own = ds.from_blocks(codes, X.chunks[:1], np.intp)
    return float(wait_on(sum_over_rows(_sum_silhouettes, sums, own, counts)) / X.shape[0])


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


def _sum_silhouettes(sums: Any, codes: Any, counts: Any) -> float:
    """Return the sum of silhouettes of rows, of sums of distances from clusters."""
    rows = np.arange(len(codes))
    others = sums / counts
    others[rows, codes] = np.inf
    next_one = others.min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = sums[rows, codes] / (counts[codes] - 1)
        found = (next_one - own) / np.maximum(own, next_one)
    return float(np.nan_to_num(found).sum())


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
