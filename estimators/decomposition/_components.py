"""Rows along components, and back: one task for each row of blocks, which takes off the mean and multiplies.

What travels to the tasks is the components, of shape (n_components, n_features).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share
from estimators._validation import FLOATS, check_X, like_input, map_rows, rows_to_array

__all__ = ["restore_rows", "turn_rows"]

_PART_BYTES = 1 << 19
"""Size of the parts that rows are worked on in, which should stay in the cache of a core."""


def turn_rows(estimator: Any, X: Any, mean: Any = None, scale: Any = None) -> Any:
    """Check ``X`` and return it less ``mean`` along ``components_``, over ``scale``, as what ``X`` is.

    Parameters
    ----------
    estimator : BaseEstimator
        Fitted, with ``components_``.
    X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
    mean : ndarray of shape (n_features,), optional
    scale : ndarray of shape (n_components,), optional

    Returns
    -------
    ndarray or Array of shape (n_samples, n_components)
    """
    check_is_fitted(estimator)
    rows = check_X(estimator, X, reset=False)
    components = estimator.components_ if scale is None else estimator.components_ / scale[:, None]
    dtype = np.result_type(rows.dtype, estimator.components_.dtype)
    turned = map_rows(estimator, _turn, rows, share(np.ascontiguousarray(components.T)), share(mean), dtype)
    return like_input(X, rows_to_array(turned, rows, dtype, len(components)))


def restore_rows(estimator: Any, X: Any, mean: Any = None, scale: Any = None) -> Any:
    """Check rows as `turn_rows` gives them, and return what they come of, as what they are.

    Parameters
    ----------
    estimator : BaseEstimator
        Fitted, with ``components_``.
    X : array_like or Array of shape (n_samples, n_components)
    mean : ndarray of shape (n_features,), optional
    scale : ndarray of shape (n_components,), optional

    Returns
    -------
    ndarray or Array of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        When ``X`` does not have a column for each component.
    """
    check_is_fitted(estimator)
    components = estimator.components_ if scale is None else estimator.components_ * scale[:, None]
    rows = X if isinstance(X, ds.Array) else ds.array(check_array(X, dtype=list(FLOATS), input_name="X"))
    if rows.ndim != 2 or rows.shape[1] != len(components):
        raise ValueError(
            f"{type(estimator).__name__}.inverse_transform: X has shape {rows.shape}, but there are "
            f"{len(components)} components; give a column for each."
        )
    dtype = np.result_type(rows.dtype, components.dtype, *([] if mean is None else [mean.dtype]))
    restored = map_rows(estimator, _restore, rows, share(components), share(mean), dtype)
    return like_input(X, rows_to_array(restored, rows, dtype, components.shape[1]))


def _turn(rows: Any, turn: Any, mean: Any, dtype: Any) -> Any:
    """Return rows less the mean, times a matrix."""
    if scipy.sparse.issparse(rows):
        turned = rows @ turn
        return (turned if mean is None else turned - mean @ turn).astype(dtype, copy=False)
    xp = ds.namespace(rows)
    turn = xp.asarray(turn)
    if mean is None:
        return (rows @ turn).astype(dtype, copy=False)
    mean = xp.asarray(mean)
    turned = xp.empty((rows.shape[0], turn.shape[1]), dtype)
    n_part = max(1, _PART_BYTES // (8 * rows.shape[1]))
    for start in range(0, rows.shape[0], n_part):
        part = slice(start, start + n_part)
        turned[part] = (rows[part] - mean) @ turn
    return turned


def _restore(rows: Any, components: Any, mean: Any, dtype: Any) -> Any:
    xp = ds.namespace(rows)
    restored = (rows @ xp.asarray(components)).astype(dtype, copy=False)
    if mean is not None:
        restored += xp.asarray(mean)
    return restored
