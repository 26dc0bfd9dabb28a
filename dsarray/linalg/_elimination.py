"""Gauss's elimination in blocks, with rows chosen as pivots by a tournament (Grigori, Demmel & Xiang 2011, CALU).

For each column of blocks, every block of rows proposes as many rows as there are columns, by partial pivoting among its
own; in a tree, the best of a few proposals go on, and the winners are factored once more. They are never moved to other
blocks: they are copied to make a row of blocks of U, and their place is left alone from then on. A task needs a few
blocks, or `ARITY` proposals of the size of a block on the diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.linalg

from dsarray import _rechunk
from dsarray._cell import Cell, Cells
from dsarray._grid import Lengths, offsets
from dsarray._namespace import namespace, put_like, to_host
from dsarray.linalg._matrices import square_lengths
from dsarray.linalg._triangular import solve_from_left, solve_from_right

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["Elimination"]

ARITY = 4
"""How many proposals a task compares."""


class Pivots(NamedTuple):
    """Rows that were chosen for a column of blocks."""

    rows: Any
    """(k,) their numbers in the whole matrix, in the order of U."""
    values: Any
    """(k, k) what these rows are, and once factored L and U in one matrix."""


class Elimination:
    """A square matrix made upper triangular, together with what stands on its right.

    Attributes
    ----------
    lengths : tuple of int
        How rows and columns are cut.
    pivots : list of Cell
        For each row of blocks of U, a `Pivots`.
    upper : grid of Cell
        Blocks of U, from the diagonal on.
    right : grid of Cell
        What the same steps make of the right sides.
    """

    def __init__(self, a: Array, right: Array | None, *, is_singular_error: bool) -> None:
        self.lengths: Lengths = square_lengths(a)
        self.is_singular_error = is_singular_error
        cells = _rechunk.to_chunks(a, (self.lengths, self.lengths))._cells
        if right is not None:
            sides = _rechunk.to_chunks(right, (self.lengths, right.chunks[1]))._cells
            cells = np.concatenate([cells, sides], axis=1)
        self._cells = cells.copy()
        n = len(self.lengths)
        self.pivots: list[Cell] = []
        rows = [self._step(k) for k in range(n)]
        self.upper: Cells = np.array(rows, dtype=object)[:, :n]
        self.right: Cells = np.array(rows, dtype=object)[:, n:]

    def _step(self, k: int) -> list[Cell | None]:
        """Choose pivots for a column of blocks, and eliminate it; return the row of blocks of U."""
        n, starts = len(self.lengths), offsets(self.lengths)
        for cell in self._cells[:, k:].flat:
            cell.anchor = True
        used = list(self.pivots)
        proposals = [Cell.of(_propose, self._cells[i, k], starts[i], *used, anchor=True) for i in range(n)]
        pivots = Cell.of(_factored, _tournament(proposals), self.is_singular_error, anchor=True)
        self.pivots.append(pivots)
        factors = [Cell.of(_multipliers, self._cells[i, k], starts[i], pivots, *used, anchor=True) for i in range(n)]
        row: list[Cell | None] = [None] * k + [Cell.of(_diagonal_of_u, pivots)]
        for j in range(k + 1, self._cells.shape[1]):
            pieces = [Cell.of(_picked, self._cells[i, j], starts[i], pivots, anchor=True) for i in range(n)]
            block = Cell.of(_row_of_u, pivots, *_few(pieces), anchor=True)
            row.append(block)
            if k + 1 < n:
                for i in range(n):
                    self._cells[i, j] = Cell.of(_eliminated, self._cells[i, j], factors[i], block, anchor=True)
        return row

    def solution(self) -> list[list[Cell]]:
        """What solves the equations: blocks of rows, by substitution from the last one back."""
        n = len(self.lengths)
        rows: list[list[Cell]] = []
        for k in reversed(range(n)):
            row = []
            for j in range(self.right.shape[1]):
                rest = self.right[k, j]
                for number, later in enumerate(reversed(rows), start=k + 1):
                    rest = Cell.of(_less_product, rest, self.upper[k, number], later[j], anchor=True)
                row.append(Cell.of(_substituted, self.pivots[k], rest, anchor=True))
            rows.append(row)
        return rows[::-1]


def _few(cells: Sequence[Cell]) -> list[Cell]:
    """Join pieces until there are few."""
    level = list(cells)
    while len(level) > 8:
        level = [Cell.of(_joined_pieces, *level[i : i + 8], anchor=True) for i in range(0, len(level), 8)]
    return level


def _tournament(proposals: Sequence[Cell]) -> Cell:
    level = list(proposals)
    while len(level) > 1:
        level = [Cell.of(_best, *level[i : i + ARITY], anchor=True) for i in range(0, len(level), ARITY)]
    return level[0]


def _alive(start: int, n_rows: int, used: Sequence[Pivots]) -> Any:
    """Which rows of a block have not been pivots yet."""
    alive = np.ones(n_rows, bool)
    for pivots in used:
        mine = pivots.rows[(pivots.rows >= start) & (pivots.rows < start + n_rows)]
        alive[mine - start] = False
    return alive


def _propose(block: Any, start: int, *used: Pivots) -> Pivots:
    rows = np.flatnonzero(_alive(start, len(block), used))
    return _chosen(rows + start, to_host(block)[rows])


def _best(*proposals: Pivots) -> Pivots:
    return _chosen(np.concatenate([p.rows for p in proposals]), np.concatenate([p.values for p in proposals]))


def _chosen(rows: Any, values: Any) -> Pivots:
    """The rows that partial pivoting brings to the top, as they are."""
    n_kept = min(values.shape)
    order = _permutation(values)[1][:n_kept] if values.size else slice(n_kept)
    return Pivots(rows[order], values[order])


def _permutation(values: Any) -> tuple[Any, Any]:
    """The LU factorisation by LAPACK, and where its rows come from."""
    (getrf,) = scipy.linalg.get_lapack_funcs(("getrf",), (values,))
    lu, swaps, _ = getrf(values)
    order = np.arange(len(values))
    for i, other in enumerate(swaps):
        order[[i, other]] = order[[other, i]]
    return lu, order


def _factored(chosen: Pivots, is_singular_error: bool) -> Pivots:
    if not chosen.values.size:
        return chosen
    lu, order = _permutation(chosen.values)
    if is_singular_error and not lu.diagonal().all():
        raise np.linalg.LinAlgError("Singular matrix")
    return Pivots(chosen.rows[order], lu)


def _lu_of(pivots: Pivots, block: Any) -> Any:
    return put_like(pivots.values, block)


def _multipliers(block: Any, start: int, pivots: Pivots, *used: Pivots) -> Any:
    """Of each row, how often the rows of U are to be taken off; 0 for all that are or were pivots."""
    alive = _alive(start, len(block), (pivots, *used))
    lu = _lu_of(pivots, block).copy()
    diagonal = lu.diagonal()
    np.fill_diagonal(lu, np.where(diagonal == 0, 1, diagonal))  # where it is 0, so is all that is below
    factors = solve_from_right(block, lu, lower=False).copy()
    factors[~alive] = 0
    return factors


def _picked(block: Any, start: int, pivots: Pivots) -> tuple[Any, Any]:
    """The rows of a block that are pivots, and their places in U."""
    places = np.flatnonzero((pivots.rows >= start) & (pivots.rows < start + len(block)))
    return places, block[pivots.rows[places] - start]


def _joined_pieces(*pieces: tuple[Any, Any]) -> tuple[Any, Any]:
    xp = namespace(pieces[0][1])
    return np.concatenate([places for places, _ in pieces]), xp.concatenate([rows for _, rows in pieces])


def _row_of_u(pivots: Pivots, *pieces: tuple[Any, Any]) -> Any:
    places, rows = _joined_pieces(*pieces)
    return solve_from_left(_lu_of(pivots, rows), rows[np.argsort(places)], lower=True, unit=True)


def _diagonal_of_u(pivots: Pivots) -> Any:
    return np.triu(pivots.values)


def _eliminated(block: Any, factors: Any, upper: Any) -> Any:
    return _less_product(block, factors, upper)


def _less_product(block: Any, left: Any, right: Any) -> Any:
    with np.errstate(all="ignore"):  # of infinities, which LAPACK does not tell of either
        return block - left @ right


def _substituted(pivots: Pivots, block: Any) -> Any:
    return solve_from_left(_lu_of(pivots, block), block, lower=False)
