"""What a regression is to explain: ``y`` of any kind as an Array with a column for each target, cut as ``X``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, check_array

import dsarray as ds
from estimators._validation import check_length, require_y

__all__ = ["check_responses"]


def check_responses(
    estimator: Any, y: Any, X: ds.Array, *, dtype: Sequence[Any] = (np.float64,)
) -> tuple[ds.Array, bool]:
    """Return ``y`` as an Array of shape (n_samples, n_targets), and whether it is a vector.

    Parameters
    ----------
    estimator : BaseEstimator
        Who is named in errors.
    y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
        The elements of an Array are checked by the tasks that read them.
    X : Array of shape (n_samples, n_features)
    dtype : sequence of dtype
        The types to keep; others become the first of them.

    Raises
    ------
    ValueError
        When ``y`` is not one row of numbers for each sample.
    TypeError
        When it is sparse.
    """
    name = type(estimator).__name__
    require_y(estimator, y)
    is_array = isinstance(y, ds.Array)
    if not is_array:
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y", estimator=estimator)
        if y.dtype.kind == "O":
            y = y.astype(float)
    if y.ndim not in (1, 2) or y.dtype.kind not in "buif":
        raise ValueError(f"{name}: y has shape {y.shape} and type {y.dtype}; give numbers, a row for each sample.")
    check_length(estimator, y, X, "y")
    is_vector = y.ndim == 1
    columns = y[:, None] if is_vector else y
    kind = y.dtype if y.dtype in dtype else np.dtype(dtype[0])
    if not is_array:
        return ds.array(columns.astype(kind, copy=False), block_size=(X.chunks[0], -1)), is_vector
    columns = columns.rechunk((X.chunks[0], -1)).astype(kind)
    return ds.map_blocks(_check_finite, columns, name, dtype=kind, block_shape="same"), is_vector


def _check_finite(values: Any, name: str) -> Any:
    assert_all_finite(values, estimator_name=name, input_name="y")
    return values
