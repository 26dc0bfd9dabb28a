"""How the elements of an array are cut and gathered for another shape: arithmetic on ints.

Axes fall into *groups*, the shortest runs of old axes that hold as many elements as a run of new axes: of (a, b, c)
and (a * b, c) these are (a, b) with (a * b), and c with c. Groups do not disturb each other. A new block is, in each
group, a range of elements in C order, and that range is a few boxes of the old axes.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from dsarray._grid import SMALL_BYTES, Chunks, Lengths, offsets

__all__ = ["Group", "box_pieces", "find_groups", "flat_boxes"]

LARGE_BYTES = 16 * SMALL_BYTES
"""A block may grow to this size, or to twice that of the old blocks, so that blocks stay rows of blocks."""

MANY_BLOCKS = 64
"""Where blocks must be cut anew, they are so many, unless they would be larger than that or smaller than 1 MiB."""


@dataclass(slots=True)
class Group:
    """A run of old axes and the run of new axes that hold the same elements; axes of length 1 are in none."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    chunks: Chunks = ()
    """Lengths of the new blocks along each new axis."""

    def block_elements(self) -> int:
        """Number of elements of the largest block."""
        return math.prod(map(max, self.chunks))


def find_groups(chunks: Chunks, shape: tuple[int, ...], itemsize: int) -> list[Group]:
    """Match the axes of an array to those of another shape of as many elements, and cut these."""
    old_shape = tuple(map(sum, chunks))
    itemsize = max(1, itemsize)  # of empty text
    groups = _match(old_shape, shape)
    for group in groups:
        group.chunks = tuple(chunks[axis] for axis in group.old)
    n_block = math.prod(group.block_elements() for group in groups)
    most = max(2 * n_block, LARGE_BYTES // itemsize)
    target = max(n_block, SMALL_BYTES // itemsize, min(math.prod(shape) // MANY_BLOCKS, LARGE_BYTES // itemsize))
    for group in groups:
        if len(group.old) == len(group.new) == 1:
            continue
        others = math.prod(each.block_elements() for each in groups if each is not group)
        lengths = [old_shape[axis] for axis in group.old]
        wanted = tuple(shape[axis] for axis in group.new)
        cut = _cut_rows(chunks[group.old[0]], lengths, wanted)
        fits = math.prod(map(max, cut)) * others <= most
        group.chunks = cut if fits else _cut_even(wanted, max(1, target // max(1, others)))
    return groups


def _match(old: Sequence[int], new: Sequence[int]) -> list[Group]:
    old_axes = [axis for axis, length in enumerate(old) if length != 1]
    new_axes = [axis for axis, length in enumerate(new) if length != 1]
    groups = []
    while old_axes:
        here, there = [old_axes.pop(0)], [new_axes.pop(0)]
        n_old, n_new = old[here[0]], new[there[0]]
        while n_old != n_new:
            if n_old < n_new:
                here.append(old_axes.pop(0))
                n_old *= old[here[-1]]
            else:
                there.append(new_axes.pop(0))
                n_new *= new[there[-1]]
        groups.append(Group(tuple(here), tuple(there)))
    return groups


def _cut_rows(first: Lengths, old: Sequence[int], new: Sequence[int]) -> Chunks:
    """Cut where rows of old blocks end, joined where a row of the result would span two of them."""
    old_row, new_row = math.prod(old[1:]), math.prod(new[1:])
    step = math.lcm(old_row, new_row) // old_row
    ends = sorted({min(old[0], -(-end // step) * step) for end in offsets(first)})
    lengths = tuple((b - a) * old_row // new_row for a, b in itertools.pairwise(ends))
    return (lengths, *((n,) for n in new[1:]))


def _cut_even(shape: Sequence[int], target: int) -> Chunks:
    """Cut into ranges of about as many elements as asked for."""
    chunks: list[Lengths] = []
    for axis, length in enumerate(shape):
        rest = math.prod(shape[axis + 1 :])
        size = min(length, max(1, target // rest))
        n_whole, left = divmod(length, size)
        chunks.append((size,) * n_whole + ((left,) if left else ()))
        if rest <= target:
            chunks += [(n,) for n in shape[axis + 1 :]]
            break
    return tuple(chunks)


def flat_boxes(shape: Sequence[int], start: int, stop: int) -> list[tuple[slice, ...]]:
    """Return a range of elements, counted in C order, as boxes of a shape, in order."""
    if len(shape) == 1:
        return [(slice(start, stop),)]
    row = math.prod(shape[1:])
    first, last = -(-start // row), stop // row
    if first > last:
        return _in_row(shape, last, start - last * row, stop - last * row)
    boxes = _in_row(shape, first - 1, start - (first - 1) * row, row) if start % row else []
    if first < last:
        boxes.append((slice(first, last), *(slice(0, n) for n in shape[1:])))
    return boxes + (_in_row(shape, last, 0, stop - last * row) if stop % row else [])


def _in_row(shape: Sequence[int], row: int, start: int, stop: int) -> list[tuple[slice, ...]]:
    return [(slice(row, row + 1), *box) for box in flat_boxes(shape[1:], start, stop)]


def box_pieces(starts: Sequence[int], part: slice) -> list[tuple[int, slice | None]]:
    """Return what a range of an axis takes of each block, None for the whole of it; at least one entry.

    ``starts`` says where each block starts, and where the last one ends.
    """
    if part.start == part.stop:
        return [(0, slice(0, 0, 1) if starts[1] else None)]
    first = bisect_right(starts, part.start) - 1
    end = bisect_left(starts, part.stop)
    pieces: list[tuple[int, slice | None]] = []
    for block in range(first, end):
        low, high = starts[block], starts[block + 1]
        taken = slice(max(part.start, low) - low, min(part.stop, high) - low, 1)
        if taken.start < taken.stop:
            pieces.append((block, None if taken == slice(0, high - low, 1) else taken))
    return pieces
