"""How far two sets of clusters agree. Names and results are scikit-learn's; labels may be ds-arrays.

Labels are compared by the table of pairs of labels, one task for each row of blocks and a tree. What comes to the main
program is a number for each pair that there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
import sklearn.metrics
from sklearn.metrics.cluster import expected_mutual_information

from estimators.metrics._pairs import Pairs, count_pairs
from estimators.metrics._rows import any_blocks

__all__ = [
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "completeness_score",
    "fowlkes_mallows_score",
    "homogeneity_completeness_v_measure",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "pair_confusion_matrix",
    "rand_score",
    "v_measure_score",
]

_MEANS: dict[str, Callable[[Any], Any]] = {
    "min": min,
    "max": max,
    "arithmetic": np.mean,
    "geometric": lambda each: np.sqrt(np.prod(each)),
}


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
    return _information(count_pairs("mutual_info_score", labels_true, labels_pred))[0]


def homogeneity_score(labels_true: Any, labels_pred: Any) -> float:
    """Return how far clusters hold samples of one class."""
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[0]


def completeness_score(labels_true: Any, labels_pred: Any) -> float:
    """Return how far samples of a class are in one cluster."""
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[1]


def v_measure_score(labels_true: Any, labels_pred: Any, *, beta: float = 1.0) -> float:
    """Return the harmonic mean of homogeneity, and of completeness ``beta`` times."""
    return homogeneity_completeness_v_measure(labels_true, labels_pred, beta=beta)[2]


def homogeneity_completeness_v_measure(
    labels_true: Any, labels_pred: Any, *, beta: float = 1.0
) -> tuple[float, float, float]:
    """Return `homogeneity_score`, `completeness_score` and `v_measure_score`."""
    where = "homogeneity_completeness_v_measure"
    if not any_blocks(labels_true, labels_pred):
        found = sklearn.metrics.homogeneity_completeness_v_measure(labels_true, labels_pred, beta=beta)
        return tuple(map(float, found))  # type: ignore[return-value]  # three of them
    shared, of_true, of_pred = _information(count_pairs(where, labels_true, labels_pred))
    homogeneity = shared / of_true if of_true else 1.0
    completeness = shared / of_pred if of_pred else 1.0
    total = beta * homogeneity + completeness
    return homogeneity, completeness, (1 + beta) * homogeneity * completeness / total if total else 0.0


def normalized_mutual_info_score(labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic") -> float:
    """Return the mutual information of two sets of labels, over a mean of their entropies.

    ``average_method`` is "min", "geometric", "arithmetic" or "max".
    """
    where, reference = "normalized_mutual_info_score", sklearn.metrics.normalized_mutual_info_score
    if not any_blocks(labels_true, labels_pred):
        return float(reference(labels_true, labels_pred, average_method=average_method))
    shared, *entropies = _information(count_pairs(where, labels_true, labels_pred))
    mean = _mean(where, entropies, average_method)
    return shared / mean if mean > np.finfo(float).eps else (1.0 if max(entropies) == 0 else 0.0)


def adjusted_mutual_info_score(labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic") -> float:
    """Return the mutual information of two sets of labels beyond chance, over a mean of their entropies beyond it.

    ``average_method`` is "min", "geometric", "arithmetic" or "max".
    """
    where, reference = "adjusted_mutual_info_score", sklearn.metrics.adjusted_mutual_info_score
    if not any_blocks(labels_true, labels_pred):
        return float(reference(labels_true, labels_pred, average_method=average_method))
    pairs = count_pairs(where, labels_true, labels_pred)
    shared, *entropies = _information(pairs)
    mean = _mean(where, entropies, average_method)
    n_labels = [len(np.unique(labels)) for labels in (pairs.true, pairs.pred)]
    if min(n_labels) == 1:
        return 1.0 if max(n_labels) == 1 else 0.0
    chance = float(expected_mutual_information(_table(pairs), int(pairs.weights.sum())))
    return _at_least_eps(shared - chance) / _at_least_eps(mean - chance)


def _at_least_eps(value: float) -> float:
    """Return a number that is not too near to 0, with its sign."""
    eps = float(np.finfo(float).eps)
    return min(value, -eps) if value < 0 else max(value, eps)


def _mean(where: str, entropies: list[float], average_method: str) -> float:
    if average_method not in _MEANS:
        raise ValueError(f"{where}: average_method={average_method!r} is unknown; give one of {', '.join(_MEANS)}.")
    return float(_MEANS[average_method](entropies))


def fowlkes_mallows_score(labels_true: Any, labels_pred: Any) -> float:
    """Return the geometric mean of precision and recall over pairs of samples that are together."""
    if not any_blocks(labels_true, labels_pred):
        return float(sklearn.metrics.fowlkes_mallows_score(labels_true, labels_pred))
    _, split, joined, together = _pair_table("fowlkes_mallows_score", labels_true, labels_pred)
    return float(np.sqrt(together / (together + joined)) * np.sqrt(together / (together + split))) if together else 0.0


def pair_confusion_matrix(labels_true: Any, labels_pred: Any) -> Any:
    """Return numbers of ordered pairs of samples: apart or together, by row, and so by the second labels, by column."""
    if not any_blocks(labels_true, labels_pred):
        return sklearn.metrics.pair_confusion_matrix(labels_true, labels_pred)
    apart, split, joined, together = _pair_table("pair_confusion_matrix", labels_true, labels_pred)
    return np.array([[apart, joined], [split, together]])


def _pair_table(where: str, labels_true: Any, labels_pred: Any) -> tuple[int, int, int, int]:
    """Return numbers of ordered pairs of samples: apart in both, split or joined by the second, together in both."""
    pairs = count_pairs(where, labels_true, labels_pred)
    n_samples = int(pairs.weights.sum())
    of_true, of_pred = (_sums(labels, pairs.weights) for labels in (pairs.true, pairs.pred))
    squares = int((pairs.weights**2).sum())
    split, joined = int((of_true**2).sum()) - squares, int((of_pred**2).sum()) - squares
    return n_samples**2 - squares - split - joined, split, joined, squares - n_samples


def _information(pairs: Pairs) -> tuple[float, float, float]:
    """Return the mutual information and both entropies."""
    shared = float(sklearn.metrics.mutual_info_score(None, None, contingency=_table(pairs)))
    of_true, of_pred = (_entropy(_sums(labels, pairs.weights)) for labels in (pairs.true, pairs.pred))
    return shared, of_true, of_pred


def _table(pairs: Pairs) -> Any:
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (pairs.true, pairs.pred))
    return scipy.sparse.csr_array((pairs.weights, (rows, columns)))


def _sums(labels: Any, weights: Any) -> Any:
    _, places = np.unique(labels, return_inverse=True)
    return np.bincount(places, weights=weights).astype(weights.dtype)


def _entropy(counts: Any) -> float:
    shares = counts / counts.sum()
    return 0.0 if len(counts) == 1 else float(-(shares * np.log(shares)).sum())
