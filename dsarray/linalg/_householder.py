"""The reflections of Householder that belong to a matrix with orthonormal columns.

A tree of QR factorisations gives Q in another basis of signs than LAPACK does. The LU factorisation of Q less a matrix
of signs gives both: the signs that LAPACK would choose, and the reflections ``I - Y T Y^H`` themselves, which are of
use where Q must be extended to a basis or applied to other columns (Ballard et al. 2014, "Reconstructing Householder
vectors from tall-skinny QR"). Only the first n rows of Q decide, a matrix as large as R.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dsarray._namespace import namespace, put_like, to_host
from dsarray.linalg._triangular import adjoint, solve_from_left, solve_from_right

__all__ = ["Reflections", "reconstruct", "reflectors"]

PANEL = 32
"""Columns that are eliminated one by one before the rest is, by matrix products."""


class Reflections(NamedTuple):
    """Of the first rows of a matrix Q with n orthonormal columns, what makes reflections of it."""

    signs: Any
    """(n,) ``Q * signs`` is what the reflections make of the first columns of the identity."""
    lapack: Any
    """(n,) ``Q * lapack`` is the Q of LAPACK, whose reflections leave alone what is zero already."""
    upper: Any
    """(n, n) U with ``Y U = Q - signs``."""
    lower: Any
    """(n, n) the first rows of Y, with ones on the diagonal."""
    t: Any
    """(n, n) T in ``I - Y T Y^H``."""


def reconstruct(n_rows: int, r: Any, *blocks: Any) -> Reflections:
    """Return the reflections for R and the first rows of Q, given in blocks; ``n_rows`` has Q in all."""
    xp = namespace(blocks[0])
    n = blocks[0].shape[1]
    top = xp.concatenate(blocks)[:n]
    lu, signs, lapack = _eliminate(to_host(top), to_host(r.diagonal()), n_rows)
    lu, signs, lapack = (put_like(each, top) for each in (lu, signs, lapack))
    upper, lower = xp.triu(lu), xp.tril(lu, -1) + xp.eye(n, dtype=lu.dtype)
    t = -solve_from_right(upper * signs, adjoint(lower), lower=False, unit=True)
    return Reflections(signs, lapack, upper, lower, t)


def _eliminate(top: Any, diagonal: Any, n_rows: int) -> tuple[Any, Any, Any]:
    """The LU factorisation of Q less signs that are chosen as LAPACK does, against cancellation."""
    xp = namespace(top)
    lu = top.copy()
    n = len(lu)
    signs, lapack = xp.empty(n, lu.real.dtype), xp.empty(n, lu.real.dtype)
    for start in range(0, n, PANEL):
        stop = min(start + PANEL, n)
        for j in range(start, stop):
            pivot = lu[j, j]
            signs[j] = 1.0 if (pivot.real or diagonal[j].real) < 0 else -1.0
            is_zero_below = pivot.imag == 0 and (j == n_rows - 1 or abs(pivot.real) == 1)
            lapack[j] = -signs[j] if is_zero_below else signs[j]
            lu[j, j] = pivot - signs[j]
            lu[j + 1 :, j] /= lu[j, j]
            lu[j + 1 :, j + 1 : stop] -= xp.outer(lu[j + 1 :, j], lu[j, j + 1 : stop])
        lu[start:stop, stop:] = solve_from_left(
            lu[start:stop, start:stop], lu[start:stop, stop:], lower=True, unit=True
        )
        lu[stop:, stop:] -= lu[stop:, start:stop] @ lu[start:stop, stop:]
    return lu, signs, lapack


def reflectors(block: Any, start: int, reflections: Reflections) -> Any:
    """Return the rows of Y that belong to a block of Q, whose first row is row ``start`` of Q."""
    n = len(reflections.signs)
    known = reflections.lower[start : start + len(block)]
    if start + len(block) <= n:
        return known
    below = solve_from_right(block[len(known) :], reflections.upper, lower=False)
    return namespace(block).concatenate([known, below])
