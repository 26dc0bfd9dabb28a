"""Equations with triangular blocks, by SciPy where the blocks are NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from dsarray._namespace import namespace

__all__ = ["adjoint", "solve_from_left", "solve_from_right"]


def adjoint(block: Any) -> Any:
    """Return the conjugate transpose of a matrix."""
    return block.conj().T


def solve_from_left(triangle: Any, block: Any, *, lower: bool, unit: bool = False) -> Any:
    """Return ``inverse(triangle) @ block``; the other triangle is not looked at.

    A zero on the diagonal gives infinities and NaN, as any division does.
    """
    xp = namespace(block)
    if xp is not np:
        known = xp.tril(triangle) if lower else xp.triu(triangle)
        if unit:
            known = known - xp.diag(xp.diagonal(known)) + xp.eye(len(known), dtype=known.dtype)
        return xp.linalg.solve(known, block)
    if not block.size:
        return np.empty(block.shape, np.result_type(triangle, block))
    (trsm,) = scipy.linalg.get_blas_funcs(("trsm",), (triangle, block))
    return trsm(1.0, triangle, block, lower=lower, diag=unit)


def solve_from_right(block: Any, triangle: Any, *, lower: bool, unit: bool = False) -> Any:
    """Return ``block @ inverse(triangle)``; the other triangle is not looked at."""
    return solve_from_left(triangle.T, block.T, lower=not lower, unit=unit).T
