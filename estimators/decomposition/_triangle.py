"""One pass over rows: their number, means, and the triangle of the QR factorisation of what deviates from the means.

The triangle R has the singular values of the deviations, without the loss of digits that comes of products ``X.T @ X``:
``R.T @ R`` are their products. One task for each row of blocks factors a few rows at a time, below the R so far, and a
tree of tasks factors R's on top of each other (Demmel, Grigori, Hoemmen & Langou 2012, TSQR) with one more row for the
distance of their means, as T. F. Chan, G. H. Golub and R. J. LeVeque have it for sums of squares (1979). What travels,
and comes to the main program, is one matrix of at most (n_features, n_features).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import dsarray as ds

__all__ = ["Triangle", "add_triangles", "sum_triangle"]

_PART_BYTES = 1 << 20
"""Size of the parts that rows are worked on in, which should stay in the cache of a core."""

_PART_WIDTHS = 4
"""Rows in a part, as a multiple of the features, at least: R is factored again with each."""


class Triangle(NamedTuple):
    """What is known of some rows."""

    n_rows: int
    mean: Any
    """Of each feature, an ndarray of shape (n_features,); 0 of no rows."""
    r: Any
    """Upper triangular, of as many rows as it takes: ``r.T @ r`` are the products of deviations from the mean."""

    def about_zero(self) -> Any:
        """Return a matrix whose products are those of the rows themselves."""
        return np.vstack([self.r, np.sqrt(self.n_rows) * self.mean])


def sum_triangle(rows: Any, offset: Any = None) -> Triangle:
    """Return the triangle of a block of dense rows less ``offset``, of which there may be none, in float64."""
    xp = ds.namespace(rows)
    n_rows, n_features = rows.shape
    n_part = max(1, _PART_BYTES // (8 * n_features), _PART_WIDTHS * n_features)
    r, near = xp.zeros((0, n_features + 1)), xp.zeros(n_features)
    for start in range(0, n_rows, n_part):
        part = rows[start : start + n_part]
        table = xp.ones((len(part), n_features + 1))
        table[:, 1:] = part
        if offset is not None:
            table[:, 1:] -= xp.asarray(offset)
        if start == 0:
            near = table[:, 1:].mean(axis=0)
        table[:, 1:] -= near
        r = xp.linalg.qr(xp.vstack([r, table]), mode="r")
    if not n_rows:
        return Triangle(0, np.zeros(n_features), np.zeros((0, n_features)))
    # the column of ones, factored first, leaves deviations from the mean to the others
    r, near = ds.to_host(r), ds.to_host(near)
    return Triangle(n_rows, near + r[0, 1:] / r[0, 0], r[1:, 1:])


def add_triangles(left: Triangle, right: Triangle) -> Triangle:
    """Return the triangle of two groups of rows together."""
    if not (left.n_rows and right.n_rows):
        return left if left.n_rows else right
    n_rows = left.n_rows + right.n_rows
    shift = right.mean - left.mean
    between = np.sqrt(left.n_rows * (right.n_rows / n_rows)) * shift
    r = np.linalg.qr(np.vstack([left.r, right.r, between]), mode="r")
    return Triangle(n_rows, left.mean + right.n_rows / n_rows * shift, r)
