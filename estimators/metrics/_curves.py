"""Curves over all thresholds of a score, exact: scores are sorted where they are, and curves stay there.

A curve has a point for each score that differs, so that it may be as long as the samples: of ds-arrays, curves are
ds-arrays. ``np.asarray`` and plots take them; `roc_curve` leaves away points on straight lines, and the others do if
``drop_intermediate`` is True, which leaves few where scores have few values. What comes to the main program is the
classes, the weights of both sides, and what says how long a curve is: a number for each block.

Scores travel once, in a distributed sort, 16 bytes each; about ten passes over these and what is counted of them
follow, each in tasks of one block. Weights are added up by blocks, so that rounding may differ from scikit-learn's:
where weights are fractions, points on straight lines may be kept that it leaves away, or the reverse.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from estimators.metrics._classes import find_classes, find_positive
from estimators.metrics._indicators import average_over_labels, make_indicators
from estimators.metrics._order import sort_scores
from estimators.metrics._rows import any_blocks, as_vector, cut_alike

__all__ = [
    "auc",
    "average_precision_score",
    "confusion_matrix_at_thresholds",
    "det_curve",
    "precision_recall_curve",
    "roc_curve",
]


class Counts(NamedTuple):
    """How much has at least the score of each threshold, from the greatest down; Arrays of shape (n_thresholds,)."""

    sums: Any
    """Complex: of the class that is looked for as real parts, of the rest as imaginary ones."""
    thresholds: Any

    @property
    def total(self) -> complex:
        """What there is of both."""
        return complex(self.sums[-1])


def confusion_matrix_at_thresholds(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None
) -> Any:
    """Return how many samples are of the class or not, and taken for it or not, at each threshold.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,)
    y_score : array_like or Array of shape (n_samples,)
    pos_label : int, float, bool or str, optional
        The class that should have the greater scores; 1 by default, if classes are 0 and 1, or -1 and 1.
    sample_weight : array_like or Array of shape (n_samples,), optional
        None may be negative, of ds-arrays.

    Returns
    -------
    tns, fps, fns, tps, thresholds : ndarray or Array of shape (n_thresholds,)
        Arrays, if one of the arguments is one; from the greatest score down.
    """
    if not any_blocks(y_true, y_score, sample_weight):
        return sklearn.metrics.confusion_matrix_at_thresholds(
            y_true, y_score, pos_label=pos_label, sample_weight=sample_weight
        )
    found, _ = _count("confusion_matrix_at_thresholds", y_true, y_score, pos_label, sample_weight)
    left, tps, fps = found.total - found.sums, found.sums.real, found.sums.imag
    return left.imag, fps, left.real, tps, found.thresholds


def roc_curve(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None, drop_intermediate: bool = True
) -> Any:
    """Return the share of the rest and of the class with at least the score of each threshold.

    Parameters
    ----------
    y_true, y_score, pos_label, sample_weight
        As in `confusion_matrix_at_thresholds`.
    drop_intermediate : bool
        Whether to leave away points on straight lines.

    Returns
    -------
    fpr, tpr, thresholds : ndarray or Array of shape (n_thresholds,)
        Arrays, if one of the arguments is one; from the greatest threshold down, which is infinite.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.metrics import roc_curve
    >>> fpr, tpr, thresholds = roc_curve(ds.array([0, 0, 1, 1], block_size=2), [0.1, 0.4, 0.35, 0.8])
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    if not any_blocks(y_true, y_score, sample_weight):
        return sklearn.metrics.roc_curve(
            y_true, y_score, pos_label=pos_label, sample_weight=sample_weight, drop_intermediate=drop_intermediate
        )
    found, _ = _count("roc_curve", y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and found.sums.shape[0] > 2:
        found = _keep(found, np.diff(found.sums, 2) != 0)
    total = found.total
    sums, thresholds = _joined([0.0], found.sums), _joined([np.inf], found.thresholds.astype(float))
    rates = []
    for name, side, part, whole in (
        ("negative", "false", sums.imag, total.imag),
        ("positive", "true", sums.real, total.real),
    ):
        if whole <= 0:
            warnings.warn(
                f"No {name} samples in y_true, {side} positive value should be meaningless",
                UndefinedMetricWarning,
                stacklevel=2,
            )
        rates.append(part / whole if whole > 0 else ds.full(part.shape, np.nan))
    return (*rates, thresholds)


def precision_recall_curve(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None, drop_intermediate: bool = False
) -> Any:
    """Return precision and recall of taking samples with at least the score of each threshold for the class.

    Parameters
    ----------
    y_true, y_score, pos_label, sample_weight
        As in `confusion_matrix_at_thresholds`.
    drop_intermediate : bool
        Whether to leave away points on straight lines.

    Returns
    -------
    precision, recall : ndarray or Array of shape (n_thresholds + 1,)
        The last ones are 1 and 0. Arrays, if one of the arguments is one.
    thresholds : ndarray or Array of shape (n_thresholds,)
        From the least up.
    """
    if not any_blocks(y_true, y_score, sample_weight):
        return sklearn.metrics.precision_recall_curve(
            y_true, y_score, pos_label=pos_label, sample_weight=sample_weight, drop_intermediate=drop_intermediate
        )
    found, _ = _count("precision_recall_curve", y_true, y_score, pos_label, sample_weight)
    precision, recall, thresholds = _precision_and_recall(found, drop_intermediate=drop_intermediate)
    return _joined(precision[::-1], [1.0]), _joined(recall[::-1], [0.0]), thresholds[::-1]


def det_curve(
    y_true: Any, y_score: Any, pos_label: Any = None, sample_weight: Any = None, drop_intermediate: bool = False
) -> Any:
    """Return the share of the rest that is taken for the class, and of the class that is not, at each threshold.

    Parameters
    ----------
    y_true, y_score, pos_label, sample_weight
        As in `confusion_matrix_at_thresholds`.
    drop_intermediate : bool
        Whether to leave away points on straight lines.

    Returns
    -------
    fpr, fnr, thresholds : ndarray or Array of shape (n_thresholds,)
        Arrays, if one of the arguments is one; from the least threshold up.
    """
    if not any_blocks(y_true, y_score, sample_weight):
        return sklearn.metrics.det_curve(
            y_true, y_score, pos_label=pos_label, sample_weight=sample_weight, drop_intermediate=drop_intermediate
        )
    found, classes = _count("det_curve", y_true, y_score, pos_label, sample_weight)
    if len(classes) != 2:
        raise ValueError(
            "det_curve: Only one class is present in y_true. Detection error tradeoff curve is not defined in that "
            "case."
        )
    found = Counts(_joined([0.0], found.sums), _joined([np.inf], found.thresholds.astype(float)))
    if drop_intermediate and found.sums.shape[0] > 2:
        found = _keep(found, _steps(found))
    total = found.total
    begin = int((found.sums.imag <= 0).sum()) - 1
    end = int((found.sums.real < total.real).sum()) + 1
    sums, thresholds = found.sums[begin:end][::-1], found.thresholds[begin:end][::-1]
    return sums.imag / total.imag, (total.real - sums.real) / total.real, thresholds


def auc(x: Any, y: Any) -> float:
    """Return the area under a curve, by the trapezoidal rule.

    Parameters
    ----------
    x, y : array_like or Array of shape (n_points,)
        ``x`` either increases or decreases.
    """
    if not any_blocks(x, y):
        return float(sklearn.metrics.auc(x, y))
    x, y = cut_alike("auc", x, y)
    x, y = as_vector("auc", "x", x), as_vector("auc", "y", y)
    if x.shape[0] < 2:
        raise ValueError(
            f"auc: At least 2 points are needed to compute area under curve, but x.shape = {x.shape}; give more."
        )
    steps = np.diff(x)
    least, greatest = float(steps.min()), float(steps.max())
    if least < 0 < greatest:
        raise ValueError("auc: x is neither increasing nor decreasing; sort the points by it.")
    return float((steps * (y[1:] + y[:-1])).sum()) / (-2 if least < 0 else 2)


def average_precision_score(
    y_true: Any, y_score: Any, *, average: Any = "macro", pos_label: Any = 1, sample_weight: Any = None
) -> Any:
    """Return the mean of precisions, each times what recall gains at its threshold.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
        Classes, or indicators of several labels.
    y_score : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
    average : {"micro", "macro", "weighted", "samples"} or None
        How values of several classes are combined; None to return them, as an ndarray.
    pos_label : int, float, bool or str
        The class that a single column is of.
    sample_weight : array_like or Array of shape (n_samples,), optional
    """
    where, reference = "average_precision_score", sklearn.metrics.average_precision_score
    if not any_blocks(y_true, y_score, sample_weight):
        return reference(y_true, y_score, average=average, pos_label=pos_label, sample_weight=sample_weight)
    true, scores, weights = cut_alike(where, y_true, y_score, sample_weight)
    weights = as_vector(where, "sample_weight", weights)
    indicators, classes = make_indicators(where, true)
    if indicators is None:
        if len(classes) == 2 and pos_label not in classes:
            raise ValueError(f"{where}: pos_label={pos_label} is not a valid label. It should be one of {classes}")
        return _average_precision(as_vector(where, "y_true", true) == pos_label, scores, weights)
    if pos_label != 1:
        raise ValueError(
            f"{where}: Parameter pos_label is fixed to 1 for several classes. Do not set pos_label or set pos_label "
            "to 1."
        )
    return average_over_labels(where, _average_precision, reference, indicators, scores, weights, average)


def _average_precision(is_positive: ds.Array, scores: ds.Array, weights: Any) -> float:
    where = "average_precision_score"
    found = _count_marked(where, is_positive, as_vector(where, "y_score", scores), weights)
    precision, recall, _ = _precision_and_recall(found)
    return max(0.0, float((np.diff(_joined([0.0], recall)) * precision).sum()))


def _count(where: str, y_true: Any, y_score: Any, pos_label: Any, sample_weight: Any) -> tuple[Counts, Any]:
    """Return what has at least the score of each threshold, and the classes."""
    values = zip(("y_true", "y_score", "sample_weight"), cut_alike(where, y_true, y_score, sample_weight), strict=True)
    true, scores, weights = (as_vector(where, name, value) for name, value in values)
    classes = find_classes(where, true)
    if len(classes) > 2 and pos_label is None:
        raise ValueError(f"{where}: multiclass format is not supported; give pos_label.")
    positive = find_positive(where, classes) if pos_label is None else pos_label
    return _count_marked(where, true == positive, scores, weights), classes


def _count_marked(where: str, is_positive: ds.Array, scores: ds.Array, weights: Any) -> Counts:
    ordered = sort_scores(where, scores, is_positive, weights)[::-1]
    if not ordered.shape[0]:
        raise ValueError(f"{where}: all samples have weight 0; give some of them weight.")
    is_last = _joined(np.diff(ordered.real) != 0, [True])
    sums = np.cumsum(ds.map_blocks(_split, ordered, dtype=np.complex128, block_shape="same"))
    return Counts(sums[is_last], ordered.real[is_last].astype(scores.dtype))


def _split(ordered: Any) -> Any:
    """Return marks that are negative as imaginary parts, the others as real ones."""
    return np.where(ordered.imag > 0, ordered.imag, -1j * ordered.imag)


def _precision_and_recall(found: Counts, *, drop_intermediate: bool = False) -> tuple[Any, Any, Any]:
    if drop_intermediate and found.sums.shape[0] > 2:
        found = _keep(found, _steps(found))
    tps, total = found.sums.real, found.total.real
    if total == 0:
        warnings.warn(
            "No positive class found in y_true, recall is set to one for all thresholds.", UserWarning, stacklevel=2
        )
    recall = tps / total if total else ds.ones(tps.shape)
    return tps / (tps + found.sums.imag), recall, found.thresholds


def _steps(found: Counts) -> Any:
    """Return which thresholds, but the first and the last, differ by their neighbors in what there is of the class."""
    is_step = np.diff(found.sums.real) != 0
    return is_step[:-1] | is_step[1:]


def _keep(found: Counts, which: Any) -> Counts:
    """Return some of the thresholds, with the first and the last."""
    mask = _joined([True], which, [True])
    return Counts(found.sums[mask], found.thresholds[mask])


def _joined(*parts: Any) -> Any:
    return ds.concatenate([part if isinstance(part, ds.Array) else ds.array(np.array(part)) for part in parts])
