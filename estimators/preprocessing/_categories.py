"""The values that differ in each feature, for encoders.

One task for each row of blocks finds those of its rows, and a tree of tasks unites them. What travels and comes to the
main program is the categories. An encoder of scikit-learn learns from a table of them all that it would from the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import wait_on
from estimators._counterparts import call_rows, counterpart_of, learn_from
from estimators._validation import check_X

__all__ = ["check_values", "decode_rows", "encode_rows", "is_blocked", "learn_categories"]

_NUMBERS = tuple(map(np.dtype, "?bhilqBHILQfd"))


def is_blocked(X: Any) -> bool:
    """Return whether categories are found in blocks: those of an Array, or of an ndarray of numbers.

    Lists, data frames, whose columns may have different types, and Python objects are left to scikit-learn.
    """
    return isinstance(X, ds.Array) or (isinstance(X, np.ndarray) and X.dtype in _NUMBERS)


def check_values(encoder: Any, X: Any, *, reset: bool) -> ds.Array:
    """Return ``X`` as an Array of numbers, or of texts; see `check_X`."""
    if not isinstance(X, ds.Array) or X.dtype.kind not in "US":
        return check_X(encoder, X, reset=reset, accept_sparse=False, dtype=_NUMBERS)
    check_X(encoder, ds.zeros(X.shape, block_size=X.block_shape), reset=reset)  # all but its type
    return X


def learn_categories(encoder: Any, fit: Any, X: Any) -> None:
    """Let a method of scikit-learn's encoder learn from the values that differ.

    Raises
    ------
    NotImplementedError
        For an Array, when the encoder is to set aside what is rare.
    """
    values = check_values(encoder, X, reset=True)
    for name in ("min_frequency", "max_categories"):
        if getattr(encoder, name) is not None:
            raise NotImplementedError(
                f"{type(encoder).__name__}.fit: {name}={getattr(encoder, name)!r} is not supported for an Array; "
                "leave it None."
            )
    parts = ds.map_row_blocks(_find_values, values, type(encoder).__name__)
    found = wait_on(ds.tree_reduce(_unite, parts))
    n_most = max(map(len, found))
    learn_from(encoder, fit, np.column_stack([np.resize(each, n_most) for each in found]))


def encode_rows(encoder: Any, X: ds.Array) -> ds.Array:
    """Return encoded rows, made where they are."""
    check_is_fitted(encoder)
    values = check_values(encoder, X, reset=False)
    return call_rows(encoder, "transform", values, _first_categories(encoder).astype(values.dtype))


def decode_rows(encoder: Any, X: ds.Array) -> ds.Array:
    """Return the categories that encoded rows stand for, made where they are."""
    check_is_fitted(encoder)
    probe = counterpart_of(encoder).transform(_first_categories(encoder))
    return call_rows(encoder, "inverse_transform", X, probe.toarray() if scipy.sparse.issparse(probe) else probe)


def _first_categories(encoder: Any) -> Any:
    return np.array([[each[0] for each in encoder.categories_]])


def _find_values(rows: Any, name: str) -> list[Any]:
    rows = ds.to_host(rows)
    assert_all_finite(rows, allow_nan=True, estimator_name=name, input_name="X")
    return [np.unique(column) for column in rows.T]


def _unite(left: list[Any], right: list[Any]) -> list[Any]:
    return [np.unique(np.concatenate(pair)) for pair in zip(left, right, strict=True)]
