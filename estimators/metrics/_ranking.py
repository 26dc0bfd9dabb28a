"""The area under the receiver operating characteristic, exact: scores are sorted where they are.

Scores travel once, in a distributed sort, each with the weight of its sample: 16 bytes a sample. Then one task for each
sorted block counts how many samples of the one class lie below samples of the other, and ten numbers of each block come
to the main program, where samples with equal scores meet that lie in two blocks. It takes about three passes over the
scores; of several classes, as many times, and of pairs of classes, twice for each pair. A part of the area needs the
curve, which stays where it is.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from dsflow import wait_on
from estimators.metrics._classes import find_classes
from estimators.metrics._curves import auc, roc_curve
from estimators.metrics._indicators import average_over_labels, check_all_indicators, make_indicators
from estimators.metrics._multilabel import are_indicators
from estimators.metrics._order import sort_scores
from estimators.metrics._rows import any_blocks, as_columns, as_vector, cut_alike, map_on_host, sum_over_rows

__all__ = ["roc_auc_score"]


class Run(NamedTuple):
    """Samples with scores side by side."""

    score: Any
    """That of all of them; None if they differ."""
    positive: float
    """The weight of the class that should have greater scores."""
    negative: float
    area: float
    """The sum of products of weights over pairs in order; those of equal scores count half."""


def roc_auc_score(
    y_true: Any,
    y_score: Any,
    *,
    average: Any = "macro",
    sample_weight: Any = None,
    max_fpr: float | None = None,
    multi_class: str = "raise",
    labels: Any = None,
) -> Any:
    """Return the probability that a sample of the class has a greater score than one that is not of it.

    Parameters
    ----------
    y_true : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
        Labels, of which the greater one of two should have the greater scores; or indicators of several.
    y_score : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
    average : {"micro", "macro", "weighted", "samples"} or None
        How values of several classes are combined; None to return them, as an ndarray.
    sample_weight : array_like or Array of shape (n_samples,), optional
        None may be negative, of ds-arrays.
    max_fpr : float, optional
        Up to which share of the rest the area counts, standardized, of two classes.
    multi_class : {"raise", "ovr", "ovo"}
        Of more than two classes, "ovr" takes each against the rest, "ovo" each pair.
    labels : array_like of shape (n_classes,), optional
        What the columns of ``y_score`` stand for.
    """
    where, reference = "roc_auc_score", sklearn.metrics.roc_auc_score
    if not any_blocks(y_true, y_score, sample_weight):
        how = {"max_fpr": max_fpr, "multi_class": multi_class, "labels": labels}
        return reference(y_true, y_score, average=average, sample_weight=sample_weight, **how)
    true, scores, weights = cut_alike(where, y_true, y_score, sample_weight)
    weights, scores = as_vector(where, "sample_weight", weights), as_columns(where, "y_score", scores)
    measure = functools.partial(_area, max_fpr=max_fpr)
    if are_indicators(true):
        check_all_indicators(where, true)
        return average_over_labels(where, measure, reference, true != 0, scores, weights, average)
    true = as_vector(where, "y_true", true)
    classes = find_classes(where, true)
    if scores.shape[1] <= 2 and len(classes) <= 2:
        column = as_vector(where, "y_score", scores)
        return measure(true == classes[-1], column, weights) if len(classes) == 2 else _undefined()
    if max_fpr not in (None, 1):
        raise ValueError(
            f"{where}: Partial AUC computation not available in multiclass setting, 'max_fpr' must be set to `None`, "
            f"received `max_fpr={max_fpr}` instead"
        )
    classes = _check_classes(classes, labels, scores, multi_class)
    _check_average(average, multi_class)
    if not wait_on(sum_over_rows(_are_shares, scores, combine=np.logical_and)):
        raise ValueError(
            f"{where}: Target scores need to be probabilities for multiclass roc_auc, i.e. they should sum up to 1.0 "
            "over classes"
        )
    if multi_class == "ovo":
        return _average_over_pairs(true, scores, weights, classes, average)
    indicators, _ = make_indicators(where, true, classes)
    return average_over_labels(where, measure, reference, indicators, scores, weights, average)


def _undefined() -> float:
    """Return, and warn, as scikit-learn does of a single class."""
    warnings.warn(
        "Only one class is present in y_true. ROC AUC score is not defined in that case.",
        UndefinedMetricWarning,
        stacklevel=2,
    )
    return float("nan")


def _check_classes(classes: Any, labels: Any, scores: ds.Array, multi_class: str) -> Any:
    """Return the classes that columns of scores stand for."""
    if multi_class not in ("ovo", "ovr"):
        raise ValueError(f"roc_auc_score: multi_class must be in ('ovo', 'ovr'), not {multi_class!r}.")
    given = classes if labels is None else np.asarray(labels)
    if not np.array_equal(np.unique(given), given):
        raise ValueError("roc_auc_score: Parameter 'labels' must be unique and ordered.")
    if len(given) != scores.shape[1]:
        raise ValueError(
            f"roc_auc_score: Number of classes in y_true not equal to the number of columns in 'y_score': "
            f"{len(given)} classes, {scores.shape[1]} columns; give labels."
        )
    if len(np.setdiff1d(classes, given)):
        raise ValueError("roc_auc_score: 'y_true' contains labels not in parameter 'labels'")
    return given


def _check_average(average: Any, multi_class: str) -> None:
    known = ("macro", "weighted", None) if multi_class == "ovo" else ("micro", "macro", "weighted", None)
    if average not in known:
        raise ValueError(f"roc_auc_score: average must be one of {known} for multiclass problems")
    if average is None and multi_class == "ovo":
        raise NotImplementedError("roc_auc_score: average=None is not implemented for multi_class='ovo'.")


def _are_shares(scores: Any) -> bool:
    return bool(np.allclose(1, scores.sum(axis=1)))


def _average_over_pairs(true: ds.Array, scores: ds.Array, weights: Any, classes: Any, average: Any) -> float:
    """Return the mean over pairs of classes of the areas of one against the other."""
    if weights is not None:
        raise ValueError(
            "roc_auc_score: sample_weight is not supported for multiclass one-vs-one ROC AUC, 'sample_weight' must be "
            "None in this case."
        )
    present = set(find_classes("roc_auc_score", true).tolist())
    areas, shares = [], []
    for i, j in itertools.combinations([i for i, each in enumerate(classes.tolist()) if each in present], 2):
        is_either = (true == classes[i]) | (true == classes[j])
        labels, columns = true[is_either], scores[is_either]
        pair = [_area(labels == classes[k], columns[:, k], None) for k in (i, j)]
        areas.append(sum(pair) / 2)
        shares.append(labels.shape[0])
    return float(np.average(areas, weights=shares if average == "weighted" else None))


def _area(is_positive: ds.Array, scores: ds.Array, weights: Any, max_fpr: float | None = None) -> float:
    """Return the area of one class against the rest."""
    if max_fpr not in (None, 1):
        return _part_of_area(is_positive, scores, weights, max_fpr)
    runs = _joined(wait_on(map_on_host(_find_runs, sort_scores("roc_auc_score", scores, is_positive, weights))))
    area = positive = negative = 0.0
    for run in runs:
        area += run.area + run.positive * negative
        positive += run.positive
        negative += run.negative
    return float(area / (positive * negative)) if positive and negative else _undefined()


def _part_of_area(is_positive: ds.Array, scores: ds.Array, weights: Any, max_fpr: Any) -> float:
    """Return the area up to a share of the rest, standardized by the formula of McClish (1989)."""
    if not 0 < max_fpr <= 1:
        raise ValueError(f"roc_auc_score: Expected max_fpr in range (0, 1], got: {max_fpr!r}")
    if len(find_classes("roc_auc_score", is_positive)) < 2:
        return _undefined()
    fpr, tpr, _ = roc_curve(is_positive, scores, pos_label=True, sample_weight=weights)
    stop = int((fpr <= max_fpr).sum())
    (x_from, x_to), (y_from, y_to) = (each[[stop - 1, stop]].collect() for each in (fpr, tpr))
    height = np.interp(max_fpr, [x_from, x_to], [y_from, y_to])
    area = auc(fpr[:stop], tpr[:stop]) if stop > 1 else 0.0
    area += (max_fpr - x_from) * (height + y_from) / 2
    least = max_fpr**2 / 2
    return float((1 + (area - least) / (max_fpr - least)) / 2)


def _find_runs(ordered: Any) -> list[Run]:
    """Return the first score, all scores between, and the last one of a sorted block."""
    scores, starts = np.unique(ordered.real, return_index=True)
    if not len(scores):
        return []
    positive = np.add.reduceat(ordered.imag.clip(min=0), starts)
    negative = np.add.reduceat((-ordered.imag).clip(min=0), starts)
    areas = positive * (np.cumsum(negative) - negative / 2)
    ends = [
        Run(scores[i], positive[i], negative[i], positive[i] * negative[i] / 2) for i in sorted({0, len(scores) - 1})
    ]
    between = slice(1, -1)
    inner = areas[between].sum() - positive[between].sum() * negative[0]
    return [ends[0], Run(None, positive[between].sum(), negative[between].sum(), inner), *ends[1:]]


def _joined(found: Iterable[list[Run]]) -> list[Run]:
    """Join what has the same score in blocks side by side."""
    runs: list[Run] = []
    for run in (run for block in found for run in block if run.score is not None or run.positive or run.negative):
        if runs and run.score is not None and runs[-1].score == run.score:
            last = runs.pop()
            positive, negative = last.positive + run.positive, last.negative + run.negative
            runs.append(Run(run.score, positive, negative, positive * negative / 2))
        else:
            runs.append(run)
    return runs
