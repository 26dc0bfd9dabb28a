"""Elements by their rank among all: the one distributed merge, under sorts, sets and quantiles.

Each *run* is a tuple of arrays of one length, the first of which is in order; further ones accompany it. Regular
samples of the runs say, for a range of ranks, between which positions of each run it must lie; a task merges what lies
there, and cuts off what is too much. So the sizes of results are known before anything runs. Equal elements stay in
the order of the runs, and within each run.

What moves: some 32 samples for each pair of runs to one task, positions (two ints for each run and range) from there,
and each element once, to the task that merges it.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dsarray._cell import Cell
from dsarray._grid import SMALL_BYTES, Lengths, offsets
from dsarray._namespace import to_host

__all__ = ["Runs", "chain", "group_blocks", "ranges_of", "select_ranks", "sort_runs", "take_array"]

RUN_BYTES = SMALL_BYTES
"""Neighbouring blocks are sorted together until they have as many bytes: less is not worth tasks of its own."""

SAMPLES_PER_PAIR = 32
"""Samples for each pair of runs; a range of ranks then takes a sixteenth more than it needs."""

MAX_SAMPLES = 1 << 20
"""No more samples than these, but 4 for each pair of runs."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Elements in order, in several runs."""

    cells: tuple[Cell, ...]
    """Of each run: a tuple of arrays of one length, the first in order."""
    lengths: Lengths
    """Number of elements in each run."""


class Brackets(NamedTuple):
    """Where ranges of ranks lie in runs; one row a range, one column a run."""

    starts: Any
    """The first rank of each range."""
    stops: Any
    """The rank after its last one."""
    lower: Any
    """Positions at or before the first element of a range."""
    upper: Any
    """Positions after its last element, or later."""


def ranges_of(lengths: Lengths) -> list[tuple[int, int]]:
    """Return the ranges of ranks that make blocks of given lengths."""
    return list(itertools.pairwise(offsets(lengths)))


def take_array(cell: Cell, position: int = 0, *, anchor: bool = False) -> Cell:
    """Return the cell of one array of a run."""
    return Cell.of(_at, cell, position, anchor=anchor)


def _at(run: tuple[Any, ...], position: int) -> Any:
    return run[position]


# --- making runs -----------------------------------------------------------------------------------------------------


def sort_runs(cells: Sequence[Cell], sizes: Sequence[int], itemsize: int, *, kind: Any, positions: bool) -> Runs:
    """Sort the elements of blocks; small neighbours together.

    Parameters
    ----------
    cells : sequence of Cell
        Blocks of any shape.
    sizes : sequence of int
        Number of elements in each.
    itemsize : int
        Bytes of an element.
    kind : str or None
        NumPy's algorithm.
    positions : bool
        True to accompany each element by its position, counted over all blocks; equal elements then keep their order.
    """
    starts = offsets(tuple(sizes))
    groups = group_blocks(sizes, itemsize)
    runs = []
    for group in groups:
        blocks = [cells[i] for i in group]
        if positions:
            runs.append(Cell.of(_sorted_with_positions, starts[group.start], *blocks, anchor=True))
        else:
            runs.append(Cell.of(_sorted, kind, *blocks, anchor=True))
    return Runs(tuple(runs), tuple(starts[group.stop] - starts[group.start] for group in groups))


def group_blocks(sizes: Sequence[int], itemsize: int) -> list[range]:
    """Put neighbouring blocks together until they have enough bytes; the last few join those before."""
    ends = [0]
    n_bytes = 0
    for i, size in enumerate(sizes):
        n_bytes += size * itemsize
        if n_bytes >= RUN_BYTES:
            ends.append(i + 1)
            n_bytes = 0
    if ends[-1] < len(sizes):
        ends[max(1, len(ends) - 1) :] = [len(sizes)]
    return [range(a, b) for a, b in itertools.pairwise(ends)]


def chain(blocks: Sequence[Any]) -> Any:
    """Return the elements of blocks one after the other."""
    return blocks[0].ravel() if len(blocks) == 1 else _joined([block.ravel() for block in blocks])


def _joined(arrays: Sequence[Any]) -> Any:
    return np.concatenate(arrays, dtype=arrays[0].dtype)  # else NumPy would turn its bytes to this machine's order


def _sorted(kind: Any, *blocks: Any) -> tuple[Any, ...]:
    return (np.sort(chain(blocks), kind=kind),)


def _sorted_with_positions(start: int, *blocks: Any) -> tuple[Any, ...]:
    values = chain(blocks)
    order = np.argsort(values, kind="stable")
    return values[order], order + start


# --- ranks -----------------------------------------------------------------------------------------------------------


def select_ranks(runs: Runs, ranges: Sequence[tuple[int, int]] | Cell, n_ranges: int) -> list[Cell]:
    """Return cells of what is at ranges of ranks.

    Parameters
    ----------
    runs : Runs
    ranges : sequence of (start, stop), or Cell
        Ranks among the elements of all runs, from 0; a Cell, if they depend on the data.
    n_ranges : int
        How many ranges these are.

    Returns
    -------
    list of Cell
        For each range a tuple as in a run.
    """
    n_runs, n = len(runs.cells), sum(runs.lengths)
    if n_runs == 1 and isinstance(ranges, list) and ranges == [(0, n)]:
        return list(runs.cells)
    for cell in runs.cells:
        cell.anchor = True
    step = _step(n, n_runs, n_ranges)
    samples = [Cell.of(_samples, cell, step, anchor=True) for cell in runs.cells]
    brackets = Cell.of(_bracket, ranges, runs.lengths, step, *samples, anchor=True)
    merged = []
    for i in range(n_ranges):
        pieces = [Cell.of(_cut, cell, brackets, i, j, anchor=True) for j, cell in enumerate(runs.cells)]
        merged.append(Cell.of(_merge, brackets, i, *pieces))
    return merged


def _step(n: int, n_runs: int, n_ranges: int) -> int:
    """Every how many elements of a run a sample is taken."""
    wanted = min(SAMPLES_PER_PAIR * n_runs * max(n_runs, n_ranges), max(MAX_SAMPLES, 4 * n_runs * n_runs))
    return max(1, n // wanted)


def _samples(run: tuple[Any, ...], step: int) -> Any:
    return run[0][step - 1 :: step].copy()


def _bracket(ranges: Any, lengths: Lengths, step: int, *samples: Any) -> Brackets:
    """Find where ranges of ranks lie in runs.

    Up to and including the sample in place k of all samples there are at least ``(k + 1) * step`` elements, and at
    most ``step - 1`` more of each run; of run j, at least ``step`` for each sample of it.
    """
    starts, stops = np.array(ranges, dtype=np.int64).reshape(-1, 2).T
    order = to_host(np.argsort(_joined(samples), kind="stable"))
    places = np.empty(order.size, dtype=np.int64)
    places[order] = np.arange(order.size)
    slack = sum(min(step - 1, length) for length in lengths)
    n_before = np.clip((starts - slack) // step, 0, order.size)
    n_until = -(-stops // step)
    lower = np.empty((len(starts), len(lengths)), dtype=np.int64)
    upper = np.empty_like(lower)
    ends = offsets(tuple(map(len, samples)))
    for j, length in enumerate(lengths):
        own = places[ends[j] : ends[j + 1]]
        lower[:, j] = np.searchsorted(own, n_before) * step
        reached = (np.searchsorted(own, n_until) + 1) * step - 1
        upper[:, j] = np.where(n_until > order.size, length, np.minimum(reached, length))
    return Brackets(starts, stops, lower, np.maximum(lower, upper))


def _cut(run: tuple[Any, ...], brackets: Brackets, i: int, j: int) -> tuple[Any, ...]:
    """Return what run j has between the positions of range i, apart from the rest of the run."""
    part = slice(int(brackets.lower[i, j]), int(brackets.upper[i, j]))
    return tuple(array[part].copy() for array in run)


def _merge(brackets: Brackets, i: int, *pieces: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what has the ranks of range i."""
    first = int(brackets.starts[i] - brackets.lower[i].sum())
    part = slice(first, first + int(brackets.stops[i] - brackets.starts[i]))
    columns = [_joined(arrays) for arrays in zip(*pieces, strict=True)]
    if len(columns) == 1:
        columns[0].sort(kind="stable")  # runs are merged as they are found
        return (columns[0][part],)
    order = np.argsort(columns[0], kind="stable")[part]
    return tuple(map(operator.itemgetter(order), columns))
