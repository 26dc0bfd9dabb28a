"""The largest singular values of rows less their means, by passes that need little of them at a time.

In a pass, one task for each row of blocks multiplies its rows A with a few vectors Q, and the product with A again:
``A.T @ (A @ Q)``, part by part in the cache of a core; one tree of tasks adds these up. What travels, and comes to the
main program, are matrices of shape (n_features, n_vectors). Vectors are made orthonormal there, between passes. In the
last pass the tasks give the triangle of ``A @ Q``, of which singular values come without squares. Sparse rows are never
made dense: their means are taken off the products.

`draw_largest` is the randomised method of N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with
randomness" (2011), in n_iter + 2 passes. `iterate_largest` is the Lanczos method of ARPACK (R. B. Lehoucq, D. C.
Sorensen and C. Yang, 1998), with one pass for each of its steps. Both work on the squares of singular values: vectors
of those below 1e-8 of the largest are not resolved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
from sklearn.utils.extmath import svd_flip

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._spread import Spread, add_spreads, sum_spread
from estimators._validation import check_rows, defer_rows
from estimators.decomposition._triangle import Triangle, add_triangles, sum_triangle

__all__ = ["Largest", "Passes", "decompose", "draw_largest", "iterate_largest"]

_PART_BYTES = 1 << 20
"""Size of the parts that rows are worked on in, which should stay in the cache of a core."""


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest singular values, with what else the last pass has found."""

    values: Any
    """In descending order."""
    vectors: Any
    """Right singular vectors, a row for each; their largest elements are positive."""
    variances: Any
    """Of the rows along each vector, with n_samples as the divisor."""


class Passes:
    """Rows that are read once in each pass: kept if they are in memory, or read anew."""

    def __init__(self, estimator: Any, X: ds.Array, *, centered: bool) -> None:
        self.shape = X.shape
        self.blocks = defer_rows(estimator, X) if X.streamed else check_rows(estimator, X).row_blocks()
        name = type(estimator).__name__
        parts = [measure_spread(block, name) for block in self.blocks]
        self.spread: Spread = wait_on(ds.tree_reduce(add_spreads, parts))
        self._mean = share(self.spread.mean) if centered else None

    def multiply(self, vectors: Any) -> Any:
        """Return ``A.T @ (A @ vectors)``, of shape (n_features, n_vectors)."""
        shared = share(vectors)
        return wait_on(ds.tree_reduce(np.add, [multiply_twice(each, self._mean, shared) for each in self.blocks]))

    def project(self, vectors: Any) -> Triangle:
        """Return the triangle of ``A @ vectors``."""
        shared = share(vectors)
        parts = [project_rows(each, self._mean, shared) for each in self.blocks]
        found: Triangle = wait_on(ds.tree_reduce(add_triangles, parts))
        return found


def draw_largest(passes: Passes, n_components: int, n_oversamples: int, n_iter: int | str, rng: Any) -> Largest:
    """Return the largest singular values, and how rows vary along their vectors, by random vectors.

    Parameters
    ----------
    passes : Passes
    n_components : int
        How many.
    n_oversamples : int
        How many more vectors there are.
    n_iter : int or "auto"
        How often vectors are multiplied beyond the first; "auto" as in `sklearn.utils.extmath.randomized_svd`.
    rng : RandomState
        Draws the first vectors.
    """
    shortest = min(passes.shape)
    if n_iter == "auto":
        n_iter = 7 if n_components < 0.1 * shortest else 4
    vectors = rng.normal(size=(passes.shape[1], n_components + n_oversamples))[:, :shortest]
    for _ in range(int(n_iter) + 1):
        vectors = np.linalg.qr(passes.multiply(vectors)).Q
    return _resolve(passes, vectors, n_components)


def iterate_largest(passes: Passes, n_components: int, tol: float, rng: Any) -> Largest:
    """Return the largest singular values, and how rows vary along their vectors, by ARPACK.

    Parameters
    ----------
    passes : Passes
    n_components : int
        How many, less than there are features.
    tol : float
        Relative error of singular values; 0 for what rounding allows.
    rng : RandomState
        Draws the first vector.
    """
    n_features = passes.shape[1]
    operator = scipy.sparse.linalg.LinearOperator(
        (n_features, n_features), matvec=lambda vector: passes.multiply(vector.reshape(-1, 1))[:, 0], dtype=float
    )
    first = rng.uniform(-1, 1, n_features)
    _, vectors = scipy.sparse.linalg.eigsh(operator, k=n_components, tol=tol**2, v0=first)
    return _resolve(passes, np.linalg.qr(vectors).Q, n_components)


def _resolve(passes: Passes, vectors: Any, n_components: int) -> Largest:
    """Return the singular values and vectors in the space of orthonormal vectors."""
    triangle = passes.project(vectors)
    values, turn = decompose(triangle.about_zero(), vectors.shape[1])
    found = turn[:n_components] @ vectors.T
    _, found = svd_flip(None, found, u_based_decision=False)
    along = triangle.r @ turn[:n_components].T
    return Largest(values[:n_components], found, (along**2).sum(axis=0) / passes.shape[0])


def decompose(matrix: Any, n_values: int) -> tuple[Any, Any]:
    """Return singular values, in descending order, and right singular vectors in the signs of scikit-learn.

    A matrix of fewer rows than values are asked for stands for one with more rows, which are zero.
    """
    n_missing = max(0, n_values - len(matrix))
    padded = np.vstack([matrix, np.zeros((n_missing, matrix.shape[1]))])
    _, values, vectors = scipy.linalg.svd(padded, full_matrices=False, check_finite=False)
    return values[:n_values], svd_flip(None, vectors[:n_values], u_based_decision=False)[1]


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def measure_spread(rows: Any, name: str) -> Spread:
    """Return number, mean and squared deviations of the features."""
    return sum_spread(_made(rows), None, name)


@task
def multiply_twice(rows: Any, mean: Any, vectors: Any) -> Any:
    """Return ``A.T @ (A @ vectors)`` of the rows less the mean, A."""
    rows = _made(rows)
    if scipy.sparse.issparse(rows):
        rows = rows.astype(float)
        products = rows @ vectors if mean is None else rows @ vectors - mean @ vectors
        return rows.T @ products  # the mean needs not be taken off here, too: products of all rows sum up to 0
    xp = ds.namespace(rows)
    vectors = xp.asarray(vectors)
    total = xp.zeros(vectors.shape)
    for part in _parts(rows):
        table = _deviations(part, mean)
        total += table.T @ (table @ vectors)
    return ds.to_host(total)


@task
def project_rows(rows: Any, mean: Any, vectors: Any) -> Triangle:
    """Return the triangle of ``A @ vectors`` of the rows less the mean, A."""
    rows = _made(rows)
    if scipy.sparse.issparse(rows):
        products = rows.astype(float) @ vectors
        return sum_triangle(products, None if mean is None else mean @ vectors)
    xp = ds.namespace(rows)
    vectors = xp.asarray(vectors)
    products = xp.empty((rows.shape[0], vectors.shape[1]))
    start = 0
    for part in _parts(rows):
        products[start : start + len(part)] = _deviations(part, mean) @ vectors
        start += len(part)
    return sum_triangle(products)


def _parts(rows: Any) -> Any:
    n_part = max(1, _PART_BYTES // (8 * rows.shape[1]))
    return (rows[start : start + n_part] for start in range(0, rows.shape[0], n_part))


def _deviations(part: Any, mean: Any) -> Any:
    """Return rows less the mean, in float64."""
    part = part.astype(float, copy=False)
    return part if mean is None else part - ds.namespace(part).asarray(mean)


def _made(block: Any) -> Any:
    return block.make() if isinstance(block, ds.Deferred) else block
