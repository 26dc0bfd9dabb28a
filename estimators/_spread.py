"""Number, mean and squared deviations of each feature, of rows with missing values and weights.

One task for each row of blocks gives three numbers for each feature, and a tree of tasks combines them, as T. F. Chan,
G. H. Golub and R. J. LeVeque do in "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.utils import assert_all_finite
from sklearn.utils.sparsefuncs import mean_variance_axis

import dsarray as ds

__all__ = ["Spread", "add_spreads", "sum_spread"]

_PART_BYTES = 1 << 20
"""Size of the parts that rows are worked on in, which should stay in the cache of a core."""


class Spread(NamedTuple):
    """What is known of some rows. Vectors have an element for each feature."""

    n: Any
    """Sum of the weights of rows that are not NaN."""
    mean: Any
    """Their mean; 0 where there are none."""
    squares: Any
    """Sum of their squared deviations from it."""


def add_spreads(left: Spread, right: Spread) -> Spread:
    """Return what is known of two groups of rows together."""
    n = left.n + right.n
    share = np.divide(right.n, n, out=np.zeros(len(n)), where=n > 0)
    shift = right.mean - left.mean
    return Spread(n, left.mean + share * shift, left.squares + right.squares + shift**2 * left.n * share)


def sum_spread(rows: Any, weights: Any, name: str) -> Spread:
    """Return what is known of a block of rows, of which there may be none, in float64."""
    assert_all_finite(rows, allow_nan=True, estimator_name=name, input_name="X")
    if scipy.sparse.issparse(rows):
        return _sum_sparse(rows, weights)
    xp = ds.namespace(rows)
    n_rows, n_features = rows.shape
    n_part = max(1, _PART_BYTES // (8 * n_features))
    n, total, squares = (xp.zeros(n_features) for _ in range(3))
    offset = xp.zeros(n_features)
    for start in range(0, n_rows, n_part):
        part = rows[start : start + n_part].astype(float)
        given = xp.ones(len(part)) if weights is None else xp.asarray(weights[start : start + n_part]).astype(float)
        unseen = n == 0
        if unseen.any():
            offset[unseen] = _mean_of_known(part[:, unseen])
        part -= offset
        added = given @ part
        counted: Any = given.sum()
        if xp.isnan(added).any():
            missing = xp.isnan(part)
            part[missing] = 0
            added, counted = given @ part, counted - given @ missing
        n += counted
        total += added
        squares += xp.einsum("i,ij,ij->j", given, part, part) if weights is not None else (part * part).sum(axis=0)
    n, total, squares, offset = (ds.to_host(each) for each in (n, total, squares, offset))
    shift = np.divide(total, n, out=np.zeros(n_features), where=n > 0)
    return Spread(n, np.where(n > 0, offset + shift, 0.0), np.maximum(squares - n * shift**2, 0))


def _mean_of_known(part: Any) -> Any:
    """Return the mean of what is not NaN in each column; 0 where that is nothing."""
    xp = ds.namespace(part)
    missing = xp.isnan(part)
    return xp.where(missing, 0, part).sum(axis=0) / xp.maximum((~missing).sum(axis=0), 1)


def _sum_sparse(rows: Any, weights: Any) -> Spread:
    if not rows.shape[0]:
        return Spread(*np.zeros((3, rows.shape[1])))
    given = None if weights is None else np.asarray(weights, dtype=float)
    mean, variance, n = mean_variance_axis(rows.astype(float), axis=0, weights=given, return_sum_weights=True)
    return Spread(n.astype(float), np.nan_to_num(mean), np.nan_to_num(variance) * n)
