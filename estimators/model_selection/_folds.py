"""The rows that a split trains and tests on: taken once, and shared by all candidates.

Rows of a ds-array are taken by tasks, and stay in blocks; for an estimator of this library they are never in one place.
Any other estimator needs them whole: one task brings those of a split together, on a worker. What is no ds-array lies
where all tasks can read it, without a copy, and a task takes the rows. What the main program has is the positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

import dsarray as ds
from dsflow import share, task
from estimators.model_selection._callbacks import leave_behind

__all__ = ["Fold", "Part", "gathered", "reads_blocks", "started", "take_folds"]


@dataclass(frozen=True, slots=True)
class Part:
    """All rows or some of them, and what belongs to them."""

    X: Any
    y: Any
    fit_params: dict[str, Any]
    """Passed to ``fit``; what has an element for each row is cut as X."""
    score_params: dict[str, Any]
    """Passed to the scorer, cut likewise."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What a split trains and tests on."""

    train: Part
    test: Part


def reads_blocks(estimator: Any) -> bool:
    """Return whether an estimator, or a part of it, is of this library, so that it takes ds-arrays as they are."""
    if any(kind.__module__.partition(".")[0] == "estimators" for kind in type(estimator).__mro__):
        return True
    parts = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    return any(isinstance(part, BaseEstimator) and reads_blocks(part) for part in parts)


def take_folds(estimator: Any, data: Part, splits: list[tuple[Any, Any]]) -> Iterator[Any]:
    """Yield what each split trains and tests on: a `Fold`, or the Future of one.

    Parameters
    ----------
    estimator : estimator
        Whether it takes pairs of samples, and whether it reads blocks, decides what the rows are.
    data : Part
    splits : list of (ndarray, ndarray)
        Positions of the rows to train and to test on.
    """
    if not isinstance(data.X, ds.Array):
        shared, estimator = share(gathered(data)), leave_behind(estimator)
        for train, test in splits:
            yield take_fold(estimator, shared, train, test)
        return
    in_blocks = reads_blocks(estimator)
    for train, test in splits:
        fold = _cut(estimator, data, train, test)
        yield Fold(started(fold.train), started(fold.test)) if in_blocks else gather_fold(fold)


def gathered(part: Part) -> Part:
    """Return rows as ndarrays or sparse matrices."""
    return Part(*map(_on_host, (part.X, part.y, part.fit_params, part.score_params)))


def _on_host(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _on_host(each) for name, each in value.items()}
    return value.collect() if isinstance(value, ds.Array) else value


def _cut(estimator: Any, data: Part, train: Any, test: Any) -> Fold:
    columns = train if get_tags(estimator).input_tags.pairwise else None
    return Fold(_rows_at(data, train, columns), _rows_at(data, test, columns))


def _rows_at(data: Part, positions: Any, columns: Any) -> Part:
    rows = _as_slice(np.asarray(positions))
    X = data.X[rows] if columns is None else data.X[rows][:, columns]
    y = data.y if data.y is None else (data.y if isinstance(data.y, ds.Array) else np.asarray(data.y))[rows]
    fit_params, score_params = (
        {name: value[rows] if _has_rows(value, data.X) else value for name, value in params.items()}
        for params in (data.fit_params, data.score_params)
    )
    return Part(X, y, fit_params, score_params)


def _has_rows(value: Any, X: Any) -> bool:
    is_cut = isinstance(value, (ds.Array, np.ndarray)) or scipy.sparse.issparse(value)
    return is_cut and value.ndim > 0 and value.shape[0] == X.shape[0]


def _as_slice(positions: Any) -> Any:
    """Return positions, or the slice that they are, which costs less."""
    if len(positions) and (np.diff(positions) == 1).all():
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


def started(part: Part) -> Part:
    """Start the blocks, so that all candidates read the same ones; streamed rows are read anew."""
    for value in (part.X, part.y, *part.fit_params.values(), *part.score_params.values()):
        if isinstance(value, ds.Array) and not value.streamed:
            list(value.blocks.flat)
    return part


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def take_fold(estimator: Any, data: Part, train: Any, test: Any) -> Fold:
    """Return the rows of a split."""
    parts = []
    for rows, columns in ((train, None), (test, train)):
        X, y = _safe_split(estimator, data.X, data.y, rows, columns)
        fit_params, score_params = (
            _check_method_params(data.X, params=params, indices=rows) for params in (data.fit_params, data.score_params)
        )
        parts.append(Part(X, y, fit_params, score_params))
    return Fold(*parts)


@task
def gather_fold(fold: Fold) -> Fold:
    """Bring the rows of a split together."""
    return Fold(gathered(fold.train), gathered(fold.test))
