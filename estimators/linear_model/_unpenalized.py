"""Least squares of few rows without a penalty: solutions for features in any units, even if they depend on each other.

Features are scaled to one unit in between, so that what counts as 0 does not depend on theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize

__all__ = ["solve_freely", "solve_positively"]

_LEAST_SINGULAR = 1e-12
"""Singular values below this, relative to the largest, are rounding errors."""
_LEAST_PENALTY = 1e-7
"""Root of a penalty, relative to how features vary, that chooses among solutions that are equal but for rounding."""


def solve_freely(X: Any, y: Any) -> Any:
    """Return coefficients of shape (n_features,) or (n_targets, n_features), as y is of shape (n,) or (n, n_targets).

    The smallest that there are, of features scaled to one unit.
    """
    unit = _measure(X)
    return scipy.linalg.lstsq(X / unit, y, cond=_LEAST_SINGULAR)[0].T / unit


def solve_positively(X: Any, y: Any) -> Any:
    """Return the coefficients of at least 0, in the same shape.

    Parameters
    ----------
    X : ndarray of shape (n_features + 1, n_features) or (n_features + 2, n_features)
        Of `Condensed`, the first rows of which tell how features vary.
    y : ndarray of shape (len(X),) or (len(X), n_targets)
    """
    n_features = X.shape[1]
    unit, varied = _measure(X), np.linalg.norm(X[:n_features], axis=0)
    rows = np.vstack([X, np.diag(_LEAST_PENALTY * varied)]) / unit
    targets = np.concatenate([y, np.zeros((n_features, *y.shape[1:]))])
    found = [scipy.optimize.nnls(rows, target)[0] / unit for target in targets.reshape(len(rows), -1).T]
    return found[0] if y.ndim == 1 else np.vstack(found)


def _measure(X: Any) -> Any:
    norms = np.linalg.norm(X, axis=0)
    return np.where(norms > 0, norms, 1)
