"""What trees for large data are to explain: classes or numbers as rows of blocks, and what rows and classes weigh.

To the main program come the classes that differ, or sums and extremes of the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, check_array, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

import dsarray as ds
from dsflow import Future, task, wait_on
from estimators._targets import find_codes, unique_columns
from estimators._validation import check_length
from estimators.tree._criteria import Classes, Criterion, Numbers
from estimators.tree._histograms import add_arrays

__all__ = [
    "Targets",
    "add_up",
    "balance_draws",
    "class_tables",
    "count_classes",
    "read_classes",
    "read_numbers",
    "weigh_by_class",
]

_MANTISSA_BITS = 52


@dataclass(frozen=True)
class Targets:
    """The targets in rows of blocks, as a criterion wants them."""

    blocks: list[Future[Any]]
    criterion: Criterion
    classes: list[Any]
    """Of each output; none in regression."""
    n_outputs: int


def read_classes(estimator: Any, y: Any, X: ds.Array, *, is_entropy: bool) -> Targets:
    """Return the codes of classes, in vectors of integers for each output."""
    name = type(estimator).__name__
    if isinstance(y, ds.Array):
        columns = _columns(estimator, y, X)
        found = wait_on(ds.map_row_blocks(unique_columns, columns, name))
        classes = [np.unique(np.concatenate(each)) for each in zip(*found, strict=True)]
    else:
        labels = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=estimator)
        check_classification_targets(labels)
        columns = labels[:, None] if labels.ndim == 1 else labels
        classes = [np.unique(column) for column in columns.T]
        columns = _columns(estimator, find_codes(columns, classes), X)
        return Targets(columns.row_blocks(), _classes(classes, is_entropy), classes, len(classes))
    blocks = ds.map_row_blocks(find_codes, columns, classes)
    return Targets(blocks, _classes(classes, is_entropy), classes, len(classes))


def read_numbers(estimator: Any, y: Any, X: ds.Array) -> Targets:
    """Return targets less their mean, and their squares.

    Targets are rounded to as many binary digits as can be added up over all rows without a rounding error. So sums do
    not depend on blocks, nor do splits, if weights are whole numbers. Squares only say how impure nodes are.
    """
    name = type(estimator).__name__
    if not isinstance(y, ds.Array):
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y", estimator=estimator)
        y = y.astype(float) if y.dtype.kind == "O" else y
    if y.dtype.kind not in "buif":
        raise ValueError(f"{name}: y has type {y.dtype}; give numbers.")
    columns = _columns(estimator, y, X).astype(float)
    parts = wait_on(ds.map_row_blocks(_survey, columns, name))
    mean = sum(part[0] for part in parts) / X.shape[0]
    extremes = [part[1:] for part in parts if part.shape[0] > 1]
    coarse = 10 - np.frexp(max(np.abs(each - mean).max() for each in extremes))[1]
    center = np.ldexp(np.rint(np.ldexp(mean, coarse)), -coarse)  # few digits, so that differences are exact
    bound = max(np.abs(each - center).max() for each in extremes)
    blocks = ds.map_row_blocks(_round_off, columns, center, float(bound), X.shape[0])
    return Targets(blocks, Numbers(tuple(center.tolist())), [], len(center))


def _columns(estimator: Any, y: Any, X: ds.Array) -> ds.Array:
    if y.ndim not in (1, 2) or 0 in y.shape[1:]:
        name = type(estimator).__name__
        raise ValueError(f"{name}: y has shape {y.shape}; give a number or a row of numbers for each sample.")
    check_length(estimator, y, X, "y")
    columns = y[:, None] if y.ndim == 1 else y
    if isinstance(columns, ds.Array):
        return columns.rechunk((X.chunks[0], -1))
    return ds.array(columns, block_size=(X.chunks[0], -1))


def _classes(classes: list[Any], is_entropy: bool) -> Classes:
    return Classes(tuple(len(each) for each in classes), is_entropy)


def _survey(values: Any, name: str) -> Any:
    """Return the sums of columns, and, if there are any rows, their extremes."""
    assert_all_finite(values, estimator_name=name, input_name="y")
    return np.vstack([values.sum(axis=0), *((values.min(axis=0), values.max(axis=0)) if len(values) else ())])


def _round_off(values: Any, center: Any, bound: float, n_rows: int) -> Any:
    n_bits = int(_MANTISSA_BITS - np.ceil(np.log2(n_rows)) - np.frexp(bound)[1])
    rounded = np.ldexp(np.rint(np.ldexp(values - center, n_bits)), -n_bits)
    return np.hstack([rounded, rounded**2])


def class_tables(estimator: Any, targets: Targets, counts: Any) -> list[Any]:
    """Return the weights of classes that ``class_weight`` asks for, for each output; none if it is None.

    ``counts`` are the weights of the classes, or None if they do not matter.
    """
    class_weight = estimator.class_weight
    if class_weight is None:
        return []
    if not isinstance(class_weight, str):
        given = class_weight if isinstance(class_weight, list) else [class_weight] * targets.n_outputs
        if len(given) != targets.n_outputs or (targets.n_outputs > 1 and isinstance(class_weight, dict)):
            raise ValueError(
                f"{type(estimator).__name__}: class_weight should be a list of one dict for each of the "
                f"{targets.n_outputs} outputs."
            )
        pairs = zip(given, targets.classes, strict=True)
        return [compute_class_weight(each, classes=classes, y=classes) for each, classes in pairs]
    return balance(counts, targets.classes)


def balance(counts: Any, classes: Sequence[Any]) -> list[Any]:
    """Return weights by which classes count the same, of shape (..., n_classes) for each output."""
    parts = np.split(counts, np.cumsum([len(each) for each in classes])[:-1], axis=-1)
    return [
        np.divide(part.sum(axis=-1, keepdims=True), part.shape[-1] * part, out=np.zeros_like(part), where=part > 0)
        for part in parts
    ]


def count_classes(targets: Targets, weights: Sequence[Any]) -> Any:
    """Return the weight of each class of each output."""
    parts = [tally_rows(*each, targets.criterion) for each in zip(targets.blocks, weights, strict=True)]
    return wait_on(ds.tree_reduce(add_arrays, parts))


def balance_draws(targets: Targets, draws: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
    """Return weights by which classes count the same in the draws of each tree, (n_trees, n_classes) by output."""
    blocks = zip(draws, targets.blocks, weights, strict=True)
    parts = [tally_draws(*each, targets.criterion) for each in blocks]
    return balance(wait_on(ds.tree_reduce(add_arrays, parts)), targets.classes)


@task
def tally_draws(draws: Any, targets: Any, weights: Any, criterion: Criterion) -> Any:
    """Return the draws of each class of each output, in each tree."""
    zeros = np.zeros(len(targets), dtype=np.intp)
    return np.concatenate([criterion.tally(zeros, 1, targets, each) for each in draws.make(weights, len(targets))])


@task
def add_up(weights: Any) -> float:
    """Return the sum of weights."""
    return float(weights.sum())


@task
def tally_rows(targets: Any, weights: Any, criterion: Criterion) -> Any:
    """Return the sums of the channels of a criterion over all rows."""
    own = np.ones(len(targets)) if weights is None else weights
    return criterion.tally(np.zeros(len(targets), dtype=np.intp), 1, targets, own)[0]


@task
def weigh_by_class(targets: Any, weights: Any, tables: Sequence[Any]) -> Any:
    """Return the weights of rows times those of their classes."""
    found = np.ones(len(targets)) if weights is None else weights.copy()
    for output, table in enumerate(tables):
        found *= table[targets[:, output]]
    return found
