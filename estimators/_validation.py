"""Data in and out of estimators: what scikit-learn's users pass becomes ds-arrays, and results become what they passed.

``X`` of any kind becomes an Array by `check_X`, without a look at its elements: these are checked by the first task
that reads them, which `check_rows` (to keep them), `defer_rows` (to read them anew each time) or `map_rows` (to read
them once) see to. Vectors with an
element for each row are cut as ``X`` by `check_weights` and `align_rows`. Results with a row for each row of ``X`` are
given by `rows_to_array`, and `like_input` makes them what the caller's ``X`` was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight, validate_data

import dsarray as ds
from dsflow import Future

__all__ = [
    "FLOATS",
    "align_rows",
    "check_X",
    "check_length",
    "check_rows",
    "check_weights",
    "defer_rows",
    "join_deferred",
    "like_input",
    "map_rows",
    "require_y",
    "rows_to_array",
    "shorten_indices",
]

FLOATS = (np.float64, np.float32)
"""The types of elements that most estimators keep; others become the first of them."""

_GREATEST_INDEX = np.iinfo(np.int32).max
"""Of elements and columns, in 32 bits."""


def check_X(  # noqa: N802 - X, as scikit-learn names it
    estimator: Any, X: Any, *, reset: bool, accept_sparse: bool = True, dtype: Sequence[Any] = FLOATS, **checks: Any
) -> ds.Array:
    """Return ``X`` as an Array with rows of samples, and set or compare ``n_features_in_``.

    Parameters
    ----------
    estimator : BaseEstimator
    X : array_like, data frame, sparse matrix or Array
    reset : bool
        True in ``fit``: set ``n_features_in_`` and ``feature_names_in_``. False elsewhere: compare with them.
    accept_sparse : bool
    dtype : sequence of dtype
        The types to keep; others are converted to the first, for Arrays by the tasks that read them.
    **checks
        For anything but Arrays, passed to `sklearn.utils.validation.validate_data`.

    Returns
    -------
    Array of shape (n_samples, n_features)
        NaN and infinity are not looked for here, but by `check_rows` and `map_rows`. Sparse rows have indices of 32
        bits if they fit, whatever those of ``X`` are.

    Raises
    ------
    ValueError, TypeError
        In scikit-learn's words.
    """
    if isinstance(X, ds.Array):
        return _shortened(_check_array(estimator, X, reset, accept_sparse, dtype))
    checked = validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr" if accept_sparse else False,
        dtype=list(dtype),
        ensure_all_finite=False,
        **checks,
    )
    return _shortened(ds.array(checked))


def _check_array(estimator: Any, X: ds.Array, reset: bool, accept_sparse: bool, dtype: Sequence[Any]) -> ds.Array:
    name = type(estimator).__name__
    if X.ndim != 2:
        raise ValueError(
            f"{name}: expected a 2-D array, got an Array of shape {X.shape}. Reshape your data using "
            "x[:, None] if it has one feature, or x[None, :] if it is one sample."
        )
    if 0 in X.shape:
        what = "sample(s)" if X.shape[0] == 0 else "feature(s)"
        raise ValueError(f"Found array with 0 {what} (shape={X.shape}) while a minimum of 1 is required by {name}.")
    if X.sparse and not accept_sparse:
        raise TypeError(f"{name}: sparse data was passed, but dense data is required; use X.to_dense().")
    if X.dtype.kind not in "buif":
        what = "Complex data" if X.dtype.kind == "c" else f"Data of type {X.dtype}"
        raise ValueError(f"{name}: {what} not supported; pass real numbers.")
    if reset:
        estimator.n_features_in_ = X.shape[1]
        vars(estimator).pop("feature_names_in_", None)
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {name} is expecting {estimator.n_features_in_} features as input."
        )
    return X if X.dtype in [np.dtype(each) for each in dtype] else X.astype(dtype[0])


def _shortened(X: ds.Array) -> ds.Array:
    """Return a sparse Array with indices of 32 bits, which many kernels need, in all rows of blocks where they do."""
    if not X.sparse:
        return X
    return join_deferred(ds.defer_row_blocks(shorten_indices, X), X.chunks[0], X)


def shorten_indices(rows: Any) -> Any:
    """Return a CSR matrix with indices of 32 bits if they fit."""
    is_short = rows.indices.dtype == rows.indptr.dtype == np.int32
    if is_short or max(rows.shape[1], rows.nnz) > _GREATEST_INDEX:
        return rows
    indices, starts = (each.astype(np.int32) for each in (rows.indices, rows.indptr))
    return type(rows)((rows.data, indices, starts), shape=rows.shape)


def require_y(estimator: Any, y: Any) -> None:
    """Raise an error when there is no ``y``, or a sparse one."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    _refuse_sparse(y, "y")


def _refuse_sparse(values: Any, name: str) -> None:
    is_array = isinstance(values, ds.Array)
    if values.sparse if is_array else scipy.sparse.issparse(values):
        how = "to_dense" if is_array else "toarray"
        raise TypeError(f"Sparse data was passed for {name}, but dense data is required. Use '.{how}()'.")


def check_weights(estimator: Any, sample_weight: Any, X: ds.Array) -> ds.Array | None:
    """Return sample weights as an Array cut as the rows of ``X``, in its dtype; None stays None.

    Raises
    ------
    ValueError
        When they are not one finite weight of at least 0 for each sample, or all are 0.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, ds.Array):
        weights = align_rows(estimator, sample_weight, X, "sample_weight").astype(X.dtype)
        rows = ds.map_row_blocks(_check_weights, weights, type(estimator).__name__)
        checked = ds.from_blocks(rows, weights.chunks, weights.dtype)
        if len(checked) and not checked.any():
            raise ValueError(f"{type(estimator).__name__}: all weights are 0; give a sample a positive weight.")
        return checked
    checked = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
    return align_rows(estimator, checked, X, "sample_weight")


def _check_weights(weights: Any, name: str) -> Any:
    assert_all_finite(weights, estimator_name=name, input_name="sample_weight")
    if (weights < 0).any():
        raise ValueError(f"{name}: Negative values in data passed to `sample_weight`.")
    return weights


def check_length(estimator: Any, values: Any, X: ds.Array, name: str) -> None:
    """Raise ValueError when there is not one element, or row, for each row of ``X``."""
    if values.shape[0] != X.shape[0]:
        raise ValueError(
            f"{type(estimator).__name__}: found input variables with inconsistent numbers of samples: "
            f"X has {X.shape[0]}, {name} has {values.shape[0]}."
        )


def align_rows(estimator: Any, values: Any, X: ds.Array, name: str) -> ds.Array:
    """Return an ndarray or Array of shape (n_samples,) or (n_samples, 1) as a 1-D Array cut as the rows of ``X``.

    Raises
    ------
    ValueError
        When there is not one element for each row, in scikit-learn's words.
    TypeError
        When they are sparse.
    """
    _refuse_sparse(values, name)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{type(estimator).__name__}: {name} should be a 1d array, got an array of shape {values.shape} instead."
        )
    check_length(estimator, values, X, name)
    if isinstance(values, ds.Array) and values.chunks[0] == X.chunks[0]:
        return values
    whole = ds.array(values, block_size=-1) if not isinstance(values, ds.Array) else values
    return ds.from_blocks(whole.row_blocks(X.chunks[0]), X.chunks[:1], whole.dtype)


def check_rows(estimator: Any, X: ds.Array) -> ds.Array:
    """Return ``X`` with one block for each row of blocks, each checked for NaN and infinity by the task that makes it.

    The tasks are started, and the rows are kept: this is for estimators that read them more than once.
    """
    blocks = [[rows] for rows in map_rows(estimator, _same, X)]
    return ds.from_blocks(blocks, (X.chunks[0], X.shape[1:]), X.dtype, sparse=X.sparse)


def defer_rows(estimator: Any, X: ds.Array) -> list[ds.Deferred]:
    """Return how to make each row of blocks of ``X``, checked for NaN and infinity, for tasks that call ``make()``.

    Nothing is kept: this is for estimators that can do with reading a streamed ``X`` a few times.
    """
    return ds.defer_row_blocks(_call_checked, X, type(estimator).__name__, _same)


def map_rows(estimator: Any, function: Callable[..., Any], X: ds.Array, *args: Any) -> list[Future[Any]]:
    """Call a function on each row of blocks of ``X``, in tasks that first check it for NaN and infinity.

    Parameters
    ----------
    estimator : BaseEstimator
        Who is named in errors.
    function : callable
        Takes a row of blocks and ``args``, and returns anything.
    X : Array
        As `check_X` returns it.
    *args
        Passed on; Arrays give the part that belongs to the rows.
    """
    return ds.map_row_blocks(_call_checked, X, type(estimator).__name__, function, *args)


def _call_checked(rows: Any, name: str, function: Callable[..., Any], *args: Any) -> Any:
    assert_all_finite(rows, estimator_name=name, input_name="X")
    return function(rows, *args)


def _same(rows: Any) -> Any:
    return rows


def rows_to_array(rows: Sequence[Future[Any]], X: ds.Array, dtype: Any, n_columns: int | None = None) -> ds.Array:
    """Return the Array of results that `map_rows` has made, one for each row of ``X``, or with ``n_columns``."""
    if n_columns is None:
        return ds.from_blocks(rows, X.chunks[:1], dtype)
    return ds.from_blocks([[row] for row in rows], (X.chunks[0], (n_columns,)), dtype)


def join_deferred(rows: Sequence[ds.Deferred], lengths: tuple[int, ...], X: ds.Array) -> ds.Array:
    """Return the Array of rows as wide as ``X`` and of its type, which the tasks that need them make."""
    chunks = (lengths, X.shape[1:])
    return ds.from_function(_make, chunks, X.dtype, lambda place: (rows[place[0]],), sparse=X.sparse)


def _make(rows: ds.Deferred) -> Any:
    return rows.make()


def like_input(X: Any, result: ds.Array) -> Any:
    """Return a result with a row for each sample as what the caller's X is: an Array, or else an ndarray."""
    return result if isinstance(X, ds.Array) else result.collect()
