"""Singular values of a square matrix that is too large for one task.

The eigenvectors V of ``A^H A`` make the columns of ``A V`` orthogonal, as far as rounding in the product lets them: QR
of ``A V`` gives a triangle T that is diagonal but for about ``eps * norm(A)**2 / s`` in the row of a singular value s.
So the first rows, of the large singular values, are done; what is left off their diagonals is measured, and dropped if
it is of the order of rounding. The triangle below them has a smaller norm, and is done in the same way, or by LAPACK in
one task once it is small enough. Each pass squares what the norm has shrunk by: a few are needed, and one, as a rule.

All factors are made by rotations and reflections, and are orthonormal whatever the rank is. What moves is what
products, `_jacobi` and `qr` move; to the main program go singular values and the norms of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dsarray import _elementwise, _rechunk
from dsarray._cell import Cell
from dsarray.linalg._jacobi import large_eigh, large_lengths, to_range
from dsarray.linalg._matrices import adjoint, from_cell, is_whole, take
from dsarray.linalg.qr import qr

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["Factors", "large_svd", "made_whole", "whole_svd"]

MOST_PASSES = 20
"""How often a rest may be taken up; two or three times are usual."""

DROPPED = 4
"""What may be dropped in a row, over ``sqrt(n) * eps`` times the largest singular value."""


class Factors(NamedTuple):
    """The factors of a square matrix; vectors are None where nobody asked for them."""

    u: Any
    s: Any
    vh: Any


def whole_svd(a: Array) -> Factors:
    """Return the factors of a square matrix, which is made whole in one task."""
    parts = Cell.of(_factors, made_whole(a), anchor=True)
    u, vh = (from_cell(take(parts, i), a.shape, a.dtype) for i in (0, 2))
    return Factors(u, from_cell(take(parts, 1), a.shape[:1], _real(a)), vh)


def made_whole(a: Array) -> Cell:
    """Return the cell of a matrix in one block."""
    cell: Cell = _rechunk.to_chunks(a, tuple((n,) for n in a.shape))._cells.flat[0]
    return cell


def _factors(block: Any) -> tuple[Any, ...]:
    return tuple(np.linalg.svd(block, full_matrices=False))


def _real(a: Array) -> Any:
    return np.zeros(0, a.dtype).real.dtype


def large_svd(a: Array, *, with_vectors: bool = True) -> Factors:
    """Return the factors of a square matrix of floats; it computes at once.

    What is dropped has a norm of at most ``4 * n * eps * s[0]``.

    Raises
    ------
    LinAlgError
        When an element is not finite, or it does not converge.
    """
    n = a.shape[0]
    rest, scale = to_range(a, "svd")
    largest = None
    left, right = _Basis(with_vectors), _Basis(with_vectors)
    known: list[Any] = []
    for _ in range(MOST_PASSES):
        if is_whole(rest.shape, rest.dtype):
            u, s, vh = whole_svd(rest)
            left.turn(u, 0)
            right.turn(adjoint(vh), 0)
            known.append(s.collect())
            break
        step = _Pass(rest, left, right)
        largest = step.diagonal[0] if largest is None else largest
        n_done = step.finish(DROPPED * n**0.5 * float(np.finfo(a.dtype).eps) * largest)
        known.append(step.diagonal[:n_done])
        rest = step.triangle[n_done:, n_done:]
        if n_done == 0 or not rest.size:
            break
    if sum(map(len, known)) < n:
        raise np.linalg.LinAlgError("SVD did not converge")
    values = np.concatenate(known)
    return _in_order(left, values * np.asarray(scale, values.dtype), right)


class _Basis:
    """Orthonormal columns, of which the first ones are done."""

    def __init__(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted
        self.columns: Any = None
        self.n_done = 0

    def turn(self, vectors: Any, n_done: int) -> None:
        """Turn the columns that are not done; some more are then."""
        if not self.is_wanted:
            return
        if self.columns is None:
            self.columns = vectors
        else:
            k = self.n_done
            self.columns = np.concatenate([self.columns[:, :k], self.columns[:, k:] @ vectors], axis=1)
        self.n_done += n_done


class _Pass:
    """A triangle in which the rows of the large singular values are diagonal."""

    def __init__(self, a: Array, left: _Basis, right: _Basis) -> None:
        lengths = large_lengths(a.shape[0], a.dtype)
        a = _rechunk.to_chunks(a, (lengths, lengths))
        for cell in a._cells.flat:
            cell.anchor = True
        self.bases = left, right
        vectors: Any = large_eigh(adjoint(a) @ a)[1]
        self.vectors = vectors[:, ::-1]
        product: Any = a @ self.vectors
        self.q: Any = None
        if left.is_wanted:
            self.q, self.triangle = qr(product)
        else:
            self.triangle = qr(product, "r")
        self.signed: Any = np.diagonal(self.triangle)
        beside = np.triu(self.triangle, 1)
        squares: Any = np.sum((beside * np.conjugate(beside)).real, axis=1)
        both: Any = np.stack([np.abs(self.signed), np.sqrt(squares)])
        self.diagonal, self.beside = both.collect()

    def finish(self, limit: float) -> int:
        """Turn the bases; return how many rows have no more than so much beside their diagonal, from the first on."""
        is_left = ~(self.beside <= limit)
        n_done = int(is_left.argmax()) if is_left.any() else len(is_left)
        left, right = self.bases
        if self.q is not None:
            signed = np.where(np.arange(len(is_left)) < n_done, self.signed.collect(), 1)
            signs = np.where(signed == 0, 1, signed / np.where(signed == 0, 1, np.abs(signed)))
            left.turn(self.q * signs.astype(signed.dtype), n_done)
            right.turn(self.vectors, n_done)
        return n_done


def _in_order(left: _Basis, values: Any, right: _Basis) -> Factors:
    order = np.argsort(-values, kind="stable")
    s = _elementwise.as_array(values[order])
    if not left.is_wanted:
        return Factors(None, s, None)
    if not (order[1:] > order[:-1]).all():
        return Factors(left.columns[:, order], s, adjoint(right.columns[:, order]))
    return Factors(left.columns, s, adjoint(right.columns))
