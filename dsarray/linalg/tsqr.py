"""QR of tall matrices by a tree (Demmel, Grigori, Hoemmen & Langou 2012, TSQR).

A task factors one block of rows; the R's, of n by n or less, are stacked and factored in a tree of tasks up to the
root, and what Q is there goes down the same tree. A task needs one block of rows, or `ARITY` R's; only R's travel.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsarray import _array
from dsarray._cell import Cell, make_cells
from dsarray._grid import Lengths, offsets
from dsarray.linalg._householder import reconstruct
from dsarray.linalg._matrices import as_matrices, ask_numpy, from_cell, in_rows, is_left_to_numpy, per_matrix, take

__all__ = ["Tall", "factor_tall", "tsqr"]

ARITY = 8
"""How many R's a task stacks."""


@dataclass(frozen=True, slots=True)
class Tall:
    """The factors of a column of blocks."""

    bases: list[Cell]
    """Q of each block of rows by itself."""
    turns: list[Cell | None]
    """What each is to be multiplied with to be its rows of Q; None for nothing."""
    r: Cell
    """R of all."""
    first: Cell
    """Reflections of Q; an anchor."""

    def rows_of_q(self, block: int, *, lapack: bool) -> Cell:
        """Return the cell of a block of Q, in the signs of LAPACK or in those of the tree."""
        return Cell.of(_turned, self.bases[block], self.turns[block], self.first if lapack else None)


def tsqr(a: Any, mode: str = "reduced") -> Any:
    """Compute the QR factorisation of a matrix whose columns fit into one block.

    Parameters
    ----------
    a : Array of shape (m, n)
        Any blocks; they are joined along the columns.
    mode : {"reduced", "r"}
        "r" gives R alone, for half of the work.

    Returns
    -------
    Q : Array of shape (m, min(m, n)), only for "reduced"
        Orthonormal columns, in blocks of rows as those of ``a``.
    R : Array of shape (min(m, n), n)
        Upper triangular, in one block. The signs are those of LAPACK, and so of `numpy.linalg.qr`: of a matrix of full
        rank both give the same factors up to rounding, however it is cut.

    Raises
    ------
    LinAlgError
        When ``a`` is not a matrix.

    Notes
    -----
    The errors are as in Householder's method, for any rank: ``norm(a - Q R)`` and ``norm(a) * norm(I - Q^H Q)`` are of
    the order of ``n * eps * norm(a)``.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.random_array((100, 3), block_size=30, random_state=0)
    >>> q, r = ds.linalg.tsqr(x)
    >>> q.shape, r.shape, np.allclose(q @ r, x)
    ((100, 3), (3, 3), True)
    """
    a = as_matrices(a, "tsqr")
    if a.ndim > 2:
        raise np.linalg.LinAlgError(f"tsqr: an array of {a.ndim} dimensions is no matrix; use np.linalg.qr for stacks.")
    if mode not in ("reduced", "r"):
        raise ValueError(f"tsqr: mode={mode!r} is not known; give 'reduced' or 'r'.")
    a = in_rows(a)
    if is_left_to_numpy(a):
        return per_matrix(np.linalg.qr, a, mode=mode)
    sample = ask_numpy(np.linalg.qr, [a])
    dtype, n_kept = sample.R.dtype, sample.R.shape[-2]
    tall = factor_tall([Cell.of(np.asarray, cell, dtype) if a.dtype != dtype else cell for cell in a._cells.flat],
                       a.chunks[0], a.shape[1], r_only=mode == "r")  # fmt: skip
    r = from_cell(Cell.of(_signed_rows, tall.r, tall.first, anchor=True), (n_kept, a.shape[1]), dtype)
    if mode == "r":
        return r
    cells = [tall.rows_of_q(i, lapack=True) for i in range(a.grid[0])]
    for cell in cells:
        cell.anchor = True
    return type(sample)(_array.Array(make_cells((len(cells), 1), cells), (a.chunks[0], (n_kept,)), dtype), r)


def factor_tall(blocks: Sequence[Cell], lengths: Lengths, n: int, *, r_only: bool = False) -> Tall:
    """Factor a column of blocks of ``n`` columns; with ``r_only``, of Q no more is known than decides about signs."""
    n_rows = sum(lengths)
    n_kept = min(n_rows, n)
    is_top = [start < n_kept for start in offsets(lengths)[:-1]]
    has_q = [top or not r_only for top in is_top]
    leaves = [_leaf(cell, q) for cell, q in zip(blocks, has_q, strict=True)]
    heights = [min(length, n) for length in lengths]
    r, turns = _join([r for _, r in leaves], heights, n, has_q)
    bases = [q for q, _ in leaves]
    tops = [Cell.of(_turned, bases[i], turns[i], None) for i in range(len(blocks)) if is_top[i]]
    first = Cell.of(reconstruct, n_rows, r, *(tops or bases[:1]), anchor=True)
    return Tall(bases, turns, r, first)


def _leaf(cell: Cell, has_q: bool) -> tuple[Cell, Cell]:
    """Q and R of one block; in place of a Q that nobody needs, the block."""
    if not has_q:
        return cell, Cell.of(_r_of, cell, anchor=True)
    pair = Cell.of(_factor, cell, anchor=True)
    return take(pair, 0), take(pair, 1)


def _join(rs: list[Cell], heights: list[int], n: int, has_q: Sequence[bool]) -> tuple[Cell, list[Cell | None]]:
    """Join R's to one; return also by what each of them is to be multiplied."""
    if len(rs) == 1:
        return rs[0], [None]
    spans = [(start, min(start + ARITY, len(rs))) for start in range(0, len(rs), ARITY)]
    nodes = [(None, rs[a]) if b - a == 1 else _leaf(Cell.of(_stack, *rs[a:b]), any(has_q[a:b])) for a, b in spans]
    joined = [min(sum(heights[a:b]), n) for a, b in spans]
    root, tops = _join([r for _, r in nodes], joined, n, [any(has_q[a:b]) for a, b in spans])
    turns: list[Cell | None] = []
    for (a, b), (q, _), top in zip(spans, nodes, tops, strict=True):
        if q is None:
            turns.append(top)
            continue
        rows = itertools.pairwise(offsets(tuple(heights[a:b])))
        is_inner = len(spans) > 1
        turns += [Cell.of(_rows_turned, q, i, j, top, anchor=is_inner) for i, j in rows]
    return root, turns


def _factor(block: Any) -> tuple[Any, Any]:
    q, r = np.linalg.qr(block)
    return q, r


def _r_of(block: Any) -> Any:
    return np.linalg.qr(block, mode="r")


def _stack(*blocks: Any) -> Any:
    return np.concatenate(blocks)


def _rows_turned(q: Any, start: int, stop: int, top: Any) -> Any:
    return q[start:stop] if top is None else q[start:stop] @ top


def _turned(q: Any, turn: Any, first: Any) -> Any:
    if turn is None:
        return q if first is None else q * first.lapack
    return q @ (turn if first is None else turn * first.lapack)


def _signed_rows(r: Any, first: Any) -> Any:
    return np.triu(first.lapack[:, None] * r)
