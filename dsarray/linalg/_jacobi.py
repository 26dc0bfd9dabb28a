"""Eigenvalues of a Hermitian matrix that is too large for one task: Jacobi's method in blocks.

In each round, pairs of rows and columns of blocks are chosen, the heaviest ones first, of those that are off the
diagonal (dynamic ordering: Becka, Oksa & Vajtersic 2002). The Hermitian matrix of 2 x 2 blocks of a pair is made
diagonal in one task, and its eigenvectors turn the rows and columns of the pair. Every step is a rotation, and takes
weight from the rest to the diagonal; there is a pair that has its share of it, so that it goes to zero however the
eigenvalues lie.

A task needs three or four blocks of `BLOCK_SHARE` of `WHOLE_BYTES`, and the eigenvectors of a pair. Blocks travel
along their rows and columns, and to the main program go the weights, a number for each block and round, and the
eigenvalues.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dsarray import _array, _rechunk
from dsarray._cell import Cell, make_cells, start_cells
from dsarray._grid import Lengths, offsets
from dsarray._namespace import namespace
from dsarray.linalg import _matrices
from dsarray.linalg._matrices import take
from dsarray.linalg._triangular import adjoint
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["large_eigh", "large_lengths", "to_range"]

BLOCK_SHARE = 32
"""Blocks have at most this part of `WHOLE_BYTES`: a task needs some twenty of them, with what LAPACK needs."""

MOST_SWEEPS = 60
"""Rounds that it may take, for each row of blocks; some ten are usual."""

Group: TypeAlias = Any
"""A tuple of one or two rows of blocks that are turned together."""


def large_lengths(n: int, dtype: Any) -> Lengths:
    """Return how both axes of a matrix of n rows are cut for tasks that need a few blocks."""
    side = max(1, math.isqrt(_matrices.WHOLE_BYTES // BLOCK_SHARE // np.dtype(dtype).itemsize))
    n_parts = -(-n // side)
    return tuple(n * (i + 1) // n_parts - n * i // n_parts for i in range(n_parts))


def to_range(a: Array, where: str, *looked_at: Array) -> tuple[Array, float]:
    """Return a matrix over a power of two, so that squares of its elements are in range; and this number.

    It computes at once. Only the elements of ``looked_at`` count, if these are given.

    Raises
    ------
    LinAlgError
        When an element is not finite.
    """
    largest = float(np.max([float(np.max(np.abs(part))) for part in looked_at or (a,)]))
    if not math.isfinite(largest):
        raise np.linalg.LinAlgError(f"{where}: did not converge, since an element is infinite or NaN; clean the data.")
    most = np.finfo(a.dtype).maxexp - 8
    scale = 2.0 ** max(-most, min(most, math.frexp(largest)[1] if largest else 0))
    scaled: Any = a if scale == 1 else a / np.asarray(scale, np.zeros(0, a.dtype).real.dtype)
    return scaled, scale


def large_eigh(a: Array, *, lower: bool = True, with_vectors: bool = True) -> tuple[Any, Array | None]:
    """Compute the eigenvalues of a Hermitian matrix of floats, in ascending order, and their vectors.

    It computes at once, since the number of rounds depends on the values. What is left off the diagonal is at most
    ``eps * norm(a)``.

    Parameters
    ----------
    a : Array of shape (n, n)
        Any blocks, with elements whose squares are in range.
    lower : bool
        The triangle to look at.
    with_vectors : bool
        False for eigenvalues alone, for half of the work.

    Returns
    -------
    eigenvalues : ndarray of shape (n,)
    eigenvectors : Array of shape (n, n), or None

    Raises
    ------
    LinAlgError
        When it does not converge.
    """
    work = _Work(a, lower, with_vectors)
    work.turn_all()
    values = np.concatenate(wait_on(start_cells(work.values)))
    order = np.argsort(values, kind="stable")
    if not with_vectors:
        return values[order], None
    vectors: Any = work.vectors()
    is_sorted = bool((order[1:] > order[:-1]).all())
    return values[order], vectors if is_sorted else vectors[:, order]


class _Work:
    """A matrix on its way to its eigenvalues."""

    def __init__(self, a: Array, lower: bool, with_vectors: bool) -> None:
        self.lengths = large_lengths(a.shape[0], a.dtype)
        self.dtype = a.dtype
        n = len(self.lengths)
        source = _rechunk.to_chunks(a, (self.lengths, self.lengths))._cells
        self.upper: dict[tuple[int, int], Cell] = {}
        """The blocks on and above the diagonal."""
        for i in range(n):
            self.upper[i, i] = Cell.of(_mirrored, source[i, i], lower, anchor=True)
            for j in range(i + 1, n):
                self.upper[i, j] = Cell.of(adjoint, source[j, i], anchor=True) if lower else source[i, j]
                self.upper[i, j].anchor = True
        self.values: list[Cell] = []
        self.weights = np.zeros((n, n))
        """Sums of squares of the blocks above the diagonal."""
        self.basis: list[list[Cell | None]] | None = None
        if with_vectors:
            self.basis = [
                [Cell.of(np.eye, length, None, 0, a.dtype) if i == j else None for j in range(n)]
                for i, length in enumerate(self.lengths)
            ]
            """The eigenvectors so far; None for blocks of zeros."""

    def turn_all(self) -> None:
        """Turn pairs until nothing is left off the diagonal."""
        n = len(self.lengths)
        diagonal = [self.upper[i, i] for i in range(n)]
        on_diagonal = sum(wait_on(start_cells(Cell.of(_sum_of_squares, cell) for cell in diagonal)))
        self._weigh(set(self.upper))
        eps = np.finfo(self.dtype).eps
        limit = float(eps**2 * (on_diagonal + 2 * self.weights.sum()))
        self.values = [Cell.of(np.zeros, length) for length in self.lengths]
        self._round([*_heaviest(self.weights, -1.0)])
        for _ in range(MOST_SWEEPS * n):
            if not 2 * self.weights.sum() > limit:
                return
            self._round([pair for pair in _heaviest(self.weights, limit / (2 * n**2)) if len(pair) == 2])
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    def _weigh(self, places: Iterable[tuple[int, int]]) -> None:
        """Bring the weights of changed blocks here."""
        changed = sorted(place for place in places if place[0] != place[1])
        sums = wait_on(start_cells(Cell.of(_sum_of_squares, self.upper[place]) for place in changed))
        for place, weight in zip(changed, sums, strict=True):
            self.weights[place] = float(weight)

    def _round(self, groups: Sequence[Group]) -> None:
        """Make the blocks of each group diagonal, and turn all that is in its rows and columns."""
        turns: dict[int, Cell] = {}
        for group in groups:
            starts = offsets(tuple(self.lengths[i] for i in group))
            blocks = [self._block(i, j) for i in group for j in group]
            found = Cell.of(_eigen, starts, *blocks, anchor=True)
            for place, i in enumerate(group):
                turns[i] = _kept(take, found, len(group) + place)
                self.values[i] = _kept(take, found, place)
        of = {i: group for group in groups for i in group}
        changed = self._turned_blocks(of, turns)
        started = [*self.values, *changed.values()]
        if self.basis is not None:
            self.basis = [self._turned_row(row, of, turns) for row in self.basis]
            started += [cell for row in self.basis for cell in row if cell is not None]
        start_cells(started)
        self.upper |= changed
        for group in groups:
            for i in group:
                self.upper[i, i] = Cell.of(_as_diagonal, self.values[i], self.dtype)
            if len(group) == 2:
                lengths = self.lengths[group[0]], self.lengths[group[1]]
                self.upper[group] = Cell.of(np.zeros, lengths, self.dtype)
                self.weights[group] = 0
        self._weigh(changed)

    def _block(self, i: int, j: int) -> Cell:
        return self.upper[i, j] if i <= j else Cell.of(adjoint, self.upper[j, i])

    def _turned_blocks(self, of: dict[int, Group], turns: dict[int, Cell]) -> dict[tuple[int, int], Cell]:
        """The blocks above the diagonal that change, but for those that are made zero."""
        changed = {}
        for i, j in self.upper:
            rows, columns = of.get(i, (i,)), of.get(j, (j,))
            if rows != columns and (i in of or j in of):
                blocks = [self._block(k, m) for k in rows for m in columns]
                changed[i, j] = Cell.of(_turned, len(columns), turns.get(i), turns.get(j), *blocks, anchor=True)
        return changed

    def _turned_row(self, row: list[Cell | None], of: dict[int, Group], turns: dict[int, Cell]) -> list[Cell | None]:
        """A row of blocks of the eigenvectors, with their columns turned."""
        new = list(row)
        for i, group in of.items():
            starts = offsets(tuple(self.lengths[k] for k in group))
            known = [(row[k], starts[place]) for place, k in enumerate(group) if row[k] is not None]
            if known:
                blocks, firsts = zip(*known, strict=True)
                new[i] = Cell.of(_turned_columns, turns[i], firsts, *blocks, anchor=True)
        return new

    def vectors(self) -> Array:
        """The eigenvectors, in the order of `values`."""
        assert self.basis is not None
        cells = [
            Cell.of(np.zeros, (self.lengths[i], self.lengths[j]), self.dtype) if cell is None else cell
            for i, row in enumerate(self.basis)
            for j, cell in enumerate(row)
        ]
        n = len(self.lengths)
        return _array.Array(make_cells((n, n), cells), (self.lengths, self.lengths), self.dtype)


def _kept(make: Callable[..., Cell], *args: Any) -> Cell:
    """A cell that has a task of its own, so that what it is made of need not be kept."""
    cell = make(*args)
    cell.anchor = True
    return cell


def _heaviest(weights: Any, least: float) -> list[Group]:
    """Pairs in the order of their weight, each row once, if they have more than the least weight; and the rows left."""
    n = len(weights)
    rows, columns = np.triu_indices(n, 1)
    found = weights[rows, columns]
    left, groups = set(range(n)), []
    for place in np.argsort(-found, kind="stable"):
        if not found[place] > least:
            break
        i, j = int(rows[place]), int(columns[place])
        if i in left and j in left:
            left -= {i, j}
            groups.append((i, j))
    return [*groups, *((i,) for i in sorted(left))]


def _mirrored(block: Any, lower: bool) -> Any:
    """A Hermitian block, of one of its triangles."""
    half = np.tril(block, -1) if lower else np.triu(block, 1)
    return half + adjoint(half) + np.diag(block.diagonal().real)


def _as_diagonal(values: Any, dtype: Any) -> Any:
    return np.diag(values).astype(dtype, copy=False)


def _sum_of_squares(block: Any) -> Any:
    squares = block.real**2 + block.imag**2 if block.dtype.kind == "c" else block * block
    return squares.sum(dtype=np.float64)


def _eigen(starts: Lengths, *blocks: Any) -> tuple[Any, ...]:
    """Eigenvalues and eigenvectors of blocks in a square, cut as its columns are."""
    n = len(starts) - 1
    xp = namespace(blocks[0])
    square = xp.concatenate([xp.concatenate(blocks[i * n : (i + 1) * n], axis=1) for i in range(n)])
    values, vectors = np.linalg.eigh(square)
    parts = list(itertools.pairwise(starts))
    return (*(values[a:b] for a, b in parts), *(vectors[:, a:b].copy() for a, b in parts))


def _turned(n_columns: int, left: Any, right: Any, *blocks: Any) -> Any:
    """Turn blocks from both sides; None turns nothing."""
    total = None
    start = 0
    for k in range(0, len(blocks), n_columns):
        row = blocks[k : k + n_columns]
        turned = row[0] if right is None else _turned_columns(right, offsets(tuple(b.shape[1] for b in row)), *row)
        if left is not None:
            turned = adjoint(left[start : start + len(turned)]) @ turned
        total = turned if total is None else total + turned
        start += len(row[0])
    return total


def _turned_columns(right: Any, starts: Sequence[int], *blocks: Any) -> Any:
    total = None
    for start, block in zip(starts, blocks, strict=False):
        product = block @ right[start : start + block.shape[1]]
        total = product if total is None else total + product
    return total
