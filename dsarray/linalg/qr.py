"""QR of matrices in blocks along both axes (communication-avoiding QR, Demmel et al. 2012).

Each column of blocks is factored by the tree of TSQR, from its diagonal on down; the reflections that this amounts to
are applied to the blocks on its right, and at last, backwards, to the identity, which gives Q. A task needs a few
blocks and matrices as wide as a block; blocks travel along their row and column.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _matmul, _rechunk
from dsarray._cell import Cell, make_cells
from dsarray._grid import Lengths, common_lengths, offsets
from dsarray._registry import implements
from dsarray.linalg._householder import reflectors
from dsarray.linalg._matrices import as_matrices, ask_numpy, is_left_to_numpy, per_matrix
from dsarray.linalg._triangular import adjoint
from dsarray.linalg.tsqr import factor_tall, tsqr

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["qr"]


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Compute the QR factorisation of a matrix, or of each matrix of a stack, as `numpy.linalg.qr`.

    Parameters
    ----------
    a : Array of shape (..., m, n)
        Any blocks. Matrices of a stack are made whole, each in one task.
    mode : {"reduced", "complete", "r"}
        "complete" gives a square Q, "r" gives R alone.

    Returns
    -------
    Q : Array of shape (m, min(m, n)), or (m, m) if complete
        Orthonormal columns.
    R : Array of shape (min(m, n), n), or (m, n) if complete
        Upper triangular. The signs are LAPACK's, and so NumPy's: of a matrix of full rank both give the same factors
        up to rounding, however it is cut.

    Raises
    ------
    LinAlgError
        When ``a`` has fewer than two axes.
    TypeError
        When ``mode`` is "raw": LAPACK's own form is made for one matrix in one piece.

    Notes
    -----
    The errors are as in Householder's method, for any rank: ``norm(a - Q R)`` and ``norm(a) * norm(I - Q^H Q)`` are of
    the order of ``min(m, n) * eps * norm(a)``.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.random_array((60, 50), block_size=(20, 20), random_state=0)
    >>> q, r = np.linalg.qr(x)
    >>> bool(np.allclose(q @ r, x))
    True
    """
    a = as_matrices(a, "qr")
    if mode in ("raw", "economic", "e", "f", "full"):
        raise TypeError(f"np.linalg.qr: mode={mode!r} is not supported for an Array; use 'reduced' or 'complete'.")
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"np.linalg.qr: mode={mode!r} is not known; give 'reduced', 'complete' or 'r'.")
    if is_left_to_numpy(a):
        return per_matrix(np.linalg.qr, a, mode=mode)
    if mode != "complete" and a.grid[1] == 1 and a.shape[0] >= a.shape[1]:
        return tsqr(a, mode)
    sample = ask_numpy(np.linalg.qr, [a])
    work = _Work(a.astype(sample.R.dtype))
    r = work.r(complete=mode == "complete")
    return r if mode == "r" else type(sample)(work.q(complete=mode == "complete"), r)


@dataclass(frozen=True, slots=True)
class _Panel:
    """The reflections of one column of blocks."""

    first_row: int
    """The row of blocks at the diagonal."""
    y: list[Cell]
    """Y in ``I - Y T Y^H``, from the diagonal on down."""
    first: Cell
    """What else is known of them, a `Reflections`."""


class _Work:
    """A matrix on its way to R."""

    def __init__(self, a: Array) -> None:
        self.shape, self.dtype = a.shape, a.dtype
        n_kept = min(a.shape)
        columns = _without_empty(common_lengths([a.chunks[1], (n_kept, a.shape[1] - n_kept)]))
        kept = tuple(n for n, start in zip(columns, offsets(columns), strict=False) if start < n_kept) or (0,)
        rows = _without_empty(common_lengths([a.chunks[0], (*kept, a.shape[0] - n_kept)]))
        self.rows, self.columns, self.kept = rows, columns, kept
        self.cells = _rechunk.to_chunks(a, (rows, columns))._cells.copy()
        self.panels = [self._factor(column) for column in range(len(kept))] if n_kept else []

    def _factor(self, column: int) -> _Panel:
        """Factor one column of blocks, and apply its reflections to those on its right."""
        width = self.columns[column]
        first_row = offsets(self.rows).index(offsets(self.columns)[column])
        for cell in self.cells[first_row:, column]:
            cell.anchor = True
        lengths = self.rows[first_row:]
        tall = factor_tall(list(self.cells[first_row:, column]), lengths, width)
        starts = offsets(lengths)
        y = [
            Cell.of(reflectors, tall.rows_of_q(i, lapack=False), starts[i], tall.first, anchor=True)
            for i in range(len(lengths))
        ]
        panel = _Panel(first_row, y, tall.first)
        for i, start in enumerate(starts[:-1]):
            row = first_row + i
            self.cells[row, column] = Cell.of(_rows_of_r, tall.r, tall.first, start, start + lengths[i])
        for other in range(column + 1, len(self.columns)):
            blocks = self.cells[first_row:, other]
            self.cells[first_row:, other] = make_cells(blocks.shape, _reflect(panel, blocks, forward=True))
        return panel

    def r(self, *, complete: bool) -> Array:
        """R in the signs of LAPACK."""
        n_kept = min(self.shape)
        rows = self.rows if complete else _until(self.rows, n_kept)
        cells = []
        for i, start in enumerate(offsets(rows)[:-1]):
            column = max((j for j, left in enumerate(offsets(self.kept)[:-1]) if left <= start), default=0)
            cells += [self._block_of_r(i, j, column, start, rows[i]) for j in range(len(self.columns))]
        chunks = (rows, self.columns)
        return _array.Array(make_cells((len(rows), len(self.columns)), cells), chunks, self.dtype)

    def _block_of_r(self, i: int, j: int, panel: int, start: int, height: int) -> Cell:
        if j < panel or start >= min(self.shape):
            return Cell.of(np.zeros, (height, self.columns[j]), self.dtype)
        offset = start - offsets(self.columns)[panel]
        return Cell.of(_in_signs, self.cells[i, j], self.panels[panel].first, offset, j == panel, anchor=True)

    def q(self, *, complete: bool) -> Array:
        """Q in the signs of LAPACK: the reflections of the first columns of the identity, the last ones first."""
        left = self.shape[0] - min(self.shape)
        columns = _without_empty((*self.kept, left)) if complete else self.kept
        cells = make_cells((len(self.rows), len(columns)), (self._of_identity(columns, i, j)
                           for i, j in itertools.product(range(len(self.rows)), range(len(columns)))))  # fmt: skip
        for number, panel in reversed(list(enumerate(self.panels))):
            for j in range(number, len(columns)):
                blocks = cells[panel.first_row :, j]
                cells[panel.first_row :, j] = make_cells(blocks.shape, _reflect(panel, blocks, forward=False))
        for i, j in itertools.product(range(len(self.rows)), range(min(len(self.panels), len(columns)))):
            cells[i, j] = Cell.of(_columns_in_signs, cells[i, j], self.panels[j].first, anchor=True)
        return _array.Array(cells, (self.rows, columns), self.dtype)

    def _of_identity(self, columns: Lengths, i: int, j: int) -> Cell:
        offset = offsets(self.rows)[i] - offsets(columns)[j]
        return Cell.of(np.eye, self.rows[i], columns[j], offset, self.dtype)


def _without_empty(lengths: Sequence[int]) -> Lengths:
    return tuple(n for n in lengths if n) or (0,)


def _until(lengths: Lengths, end: int) -> Lengths:
    return tuple(n for n, start in zip(lengths, offsets(lengths), strict=False) if start < end) or (0,)


def _reflect(panel: _Panel, blocks: Iterable[Cell], *, forward: bool) -> list[Cell]:
    """Apply reflections to a column of blocks, to make zeros (forward) or to make Q."""
    blocks = list(blocks)
    for cell in blocks:
        cell.anchor = True
    products = _matmul.sum_of_products(_adjoint_product, list(zip(panel.y, blocks, strict=True)), _matmul.N_CHAINS)
    turned = Cell.of(_times_t, products, panel.first, forward, anchor=True)
    return [Cell.of(_less_product, block, y, turned, anchor=True) for block, y in zip(blocks, panel.y, strict=True)]


def _adjoint_product(y: Any, block: Any) -> Any:
    return adjoint(y) @ block


def _times_t(products: Any, first: Any, forward: bool) -> Any:
    return (adjoint(first.t) if forward else first.t) @ products


def _less_product(block: Any, y: Any, turned: Any) -> Any:
    return block - y @ turned


def _rows_of_r(r: Any, first: Any, start: int, stop: int) -> Any:
    return (first.signs[:, None] * r)[start:stop]


def _in_signs(block: Any, first: Any, start: int, is_diagonal: bool) -> Any:
    flips = (first.signs * first.lapack)[start : start + len(block)]
    signed = flips[:, None] * block
    return np.triu(signed, start) if is_diagonal else signed


def _columns_in_signs(block: Any, first: Any) -> Any:
    return block * (first.signs * first.lapack)
