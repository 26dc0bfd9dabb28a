"""What scikit-learn's own classes do with a block of rows, for estimators that are derived from them.

Rows that are in the main program are transformed there, by the method that an estimator inherits: that is quicker than
to pass them on. To the rows of an Array travels the estimator, as the counterpart, with what it has learned; what the
method returns there stays there. Results as wide as ``X`` are recorded, and what comes of a streamed ``X`` is streamed
too. All others are started at once and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share
from estimators._validation import check_X

__all__ = ["apply_rows", "call_rows", "counterpart_of", "learn_from", "whole_rows"]


def apply_rows(estimator: Any, method: str, X: ds.Array, *, reset: bool = False, **checks: Any) -> ds.Array:
    """Check an Array, and call a method of the counterpart on its rows; see `check_X` and `call_rows`."""
    check_is_fitted(estimator)
    return call_rows(estimator, method, check_X(estimator, X, reset=reset, **checks))


def call_rows(estimator: Any, method: str, X: ds.Array, probe: Any = None) -> ds.Array:
    """Call a method of the counterpart on each row of blocks.

    Parameters
    ----------
    estimator : BaseEstimator
        Derived from its counterpart, and fitted.
    method : str
        Takes rows and returns as many rows. It looks for NaN and infinity.
    X : Array of shape (n_samples, n_features)
    probe : ndarray of shape (1, n_features), optional
        A row that the method takes, to learn what it gives; by default one of zeros.

    Returns
    -------
    Array
        In the blocks of ``X``, its rows joined; sparse if the method gives sparse matrices.
    """
    twin = counterpart_of(estimator)
    probe = np.zeros((1, X.shape[1]), X.dtype) if probe is None else probe
    probe = scipy.sparse.csr_array(probe) if X.sparse else probe
    sample = _call(probe, twin, method, probe)
    is_sparse = scipy.sparse.issparse(sample)
    if not is_sparse and not X.sparse and sample.shape[1] == X.shape[1]:
        args = (whole_rows(X), share(twin), method, probe)
        return ds.map_blocks(_call, *args, dtype=sample.dtype, block_shape="same")
    rows = ds.map_row_blocks(_call, X, share(twin), method, probe)
    chunks = (X.chunks[0], sample.shape[1:])
    return ds.from_blocks([[row] for row in rows], chunks, sample.dtype, sparse=is_sparse)


def learn_from(estimator: Any, fit: Callable[[Any], Any], data: Any) -> None:
    """Fit the counterpart to data of the size of a model, from which it learns what it would from all rows.

    What the estimator knows of the names of features is kept.
    """
    names = vars(estimator).pop("feature_names_in_", None)
    fit(data)
    if names is not None:
        estimator.feature_names_in_ = names


def whole_rows(X: ds.Array) -> ds.Array:
    """Return ``X`` with its blocks side by side joined."""
    return X if X.grid[1] == 1 else X.rechunk((X.chunks[0], -1))


def counterpart_of(estimator: Any) -> Any:
    """Return the object of scikit-learn's class with the parameters of an estimator and what it has learned.

    It has no names of features, and gives ndarrays or sparse matrices.
    """
    kind = next(each for each in type(estimator).__mro__ if each.__module__.startswith("sklearn."))
    twin = kind.__new__(kind)
    hidden = {"feature_names_in_", "_sklearn_output_config"}
    vars(twin).update({name: value for name, value in vars(estimator).items() if name not in hidden})
    return twin.set_output(transform="default") if hasattr(twin, "set_output") else twin


def _call(rows: Any, twin: Any, method: str, probe: Any) -> Any:
    """Return what a method gives for rows, of which there may be none."""
    given = ds.to_host(rows) if rows.shape[0] else probe
    if method == "inverse_transform" or scipy.sparse.issparse(given):
        given = given.copy()  # scikit-learn writes on it, or asks that it may
    elif given.dtype.kind == "U":
        given = given.astype(object)  # whose elements are quoted in errors as Python's texts
    found = getattr(twin, method)(given)
    if scipy.sparse.issparse(found):
        found = found.tocsr()
    elif ds.namespace(rows) is not np:
        found = ds.namespace(rows).asarray(found)
    return found if rows.shape[0] else found[:0]
