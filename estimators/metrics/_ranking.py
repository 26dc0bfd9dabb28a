"""The area under the receiver operating characteristic, exact: scores are sorted where they are.

Scores travel once, in a distributed sort, each with the weight of its sample as the imaginary part of a complex number:
16 bytes a sample. Then one task for each sorted block counts how many samples of the one class lie below samples of the
other, and ten numbers of each block come to the main program, where samples with equal scores meet that lie in two
blocks. It takes about three passes over the scores; of several classes, as many times.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import sklearn.metrics

import dsarray as ds
from dsflow import wait_on
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
    y_true : array_like or Array of shape (n_samples,)
        Labels. Of two, the greater one should have the greater scores.
    y_score : array_like or Array of shape (n_samples,) or (n_samples, n_classes)
    average : {"macro", "weighted"} or None
        How values of several classes are combined; None to return them, as an ndarray.
    sample_weight : array_like or Array of shape (n_samples,), optional
    max_fpr : float, optional
        Not supported for ds-arrays.
    multi_class : {"raise", "ovr", "ovo"}
        For ds-arrays of more than two classes, "ovr": each class against the rest.
    labels : array_like of shape (n_classes,), optional
        What the columns of ``y_score`` stand for.

    Raises
    ------
    NotImplementedError
        For ds-arrays, when ``max_fpr`` is given, or ``multi_class`` is "ovo", or ``average`` is another one.
    """
    if not any_blocks(y_true, y_score, sample_weight):
        return sklearn.metrics.roc_auc_score(
            y_true,
            y_score,
            average=average,
            sample_weight=sample_weight,
            max_fpr=max_fpr,
            multi_class=multi_class,
            labels=labels,
        )
    true, scores, weights = cut_alike("roc_auc_score", y_true, y_score, sample_weight)
    true, weights = as_vector("roc_auc_score", "y_true", true), as_vector("roc_auc_score", "sample_weight", weights)
    scores = as_columns("roc_auc_score", "y_score", scores)
    classes = wait_on(sum_over_rows(np.unique, true, combine=np.union1d))
    _refuse(max_fpr=max_fpr is not None, average=average not in ("macro", "weighted", None))
    if scores.shape[1] == 1 and len(classes) <= 2:
        return _area(true == classes[-1], scores[:, 0], weights) if len(classes) == 2 else _undefined(true, scores)
    classes = _check_classes(classes, labels, scores, multi_class)
    areas = [_area(true == each, scores[:, i], weights) for i, each in enumerate(classes)]
    if average is None:
        return np.array(areas)
    of_class = [((true == each) if weights is None else (true == each) * weights).sum() for each in classes]
    return float(np.average(areas, weights=None if average == "macro" else [float(each) for each in of_class]))


def _refuse(**given: bool) -> None:
    for name, is_given in given.items():
        if is_given:
            raise NotImplementedError(
                f"roc_auc_score: this {name} is not supported for ds-arrays; leave it away, or collect() them."
            )


def _undefined(true: Any, scores: Any) -> float:
    """Return, and warn, as scikit-learn does of a single class."""
    return float(sklearn.metrics.roc_auc_score(true[:1].collect(), scores[:1, 0].collect()))


def _check_classes(classes: Any, labels: Any, scores: ds.Array, multi_class: str) -> Any:
    if multi_class == "raise":
        raise ValueError("roc_auc_score: multi_class must be in ('ovo', 'ovr'); of ds-arrays, give 'ovr'.")
    _refuse(multi_class=multi_class != "ovr")
    given = classes if labels is None else np.asarray(labels)
    if len(given) != scores.shape[1] or len(np.setdiff1d(classes, given)):
        raise ValueError(
            f"roc_auc_score: Number of classes in y_true not equal to the number of columns in 'y_score': "
            f"{len(given)} classes, {scores.shape[1]} columns; give labels."
        )
    return given


def _area(is_positive: ds.Array, scores: ds.Array, weights: Any) -> float:
    """Return the area of one class against the rest."""
    marked = map_on_host(_mark, scores, is_positive, weights)
    ordered = np.sort(ds.from_blocks(marked, scores.chunks[:1], np.complex128))
    runs = _joined(wait_on(map_on_host(_find_runs, ordered)))
    area = positive = negative = 0.0
    for run in runs:
        area += run.area + run.positive * negative
        positive += run.positive
        negative += run.negative
    return float(area / (positive * negative)) if positive and negative else float("nan")


def _mark(scores: Any, is_positive: Any, weights: Any) -> Any:
    """Return scores with weights as imaginary parts, of which those of the rest are negative."""
    if not np.isfinite(scores).all():
        raise ValueError("roc_auc_score: Input y_score contains NaN or infinity.")
    signs = np.where(is_positive, 1.0, -1.0)
    marked = np.empty(len(scores), np.complex128)
    marked.real = scores
    marked.imag = signs if weights is None else signs * weights
    return marked


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
