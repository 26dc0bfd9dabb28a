"""Block arithmetic: pure functions on integers.

A grid is given by its *chunks*: for each axis, the lengths of its blocks in order. Every axis has at least one block;
lengths may differ and may be 0.
"""

from __future__ import annotations

import itertools
import math
import operator
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = [
    "SMALL_BYTES",
    "BlockSize",
    "Chunks",
    "Lengths",
    "as_sizes",
    "auto_chunks",
    "block_bytes",
    "block_indices",
    "block_shape",
    "check_chunks",
    "check_shape",
    "chunks_for",
    "coarsen",
    "common_lengths",
    "cut",
    "grid_of",
    "is_size",
    "locate",
    "offsets",
    "regroup",
    "shape_of",
    "slice_pieces",
]

Lengths = tuple[int, ...]
"""Lengths of the blocks along one axis."""

Chunks = tuple[Lengths, ...]
"""Lengths of the blocks along each axis."""

MIB = 1 << 20

SMALL_BYTES = MIB
"""An array of fewer bytes stays whole, and no block that we choose has fewer, where that is possible."""

TARGET_BYTES = 16 * MIB
"""Size of the largest blocks that we choose."""


def check_shape(shape: Any, where: str) -> tuple[int, ...]:
    """Return a shape as a tuple of ints.

    Raises
    ------
    TypeError
        When ``shape`` is not an int or a sequence of ints.
    ValueError
        When a length is negative.
    """
    try:
        lengths = tuple(map(operator.index, shape if isinstance(shape, (tuple, list)) else (shape,)))
    except TypeError:
        raise TypeError(
            f"{where}: shape={shape!r} is not an int or a tuple of ints; give one length an axis."
        ) from None
    if any(length < 0 for length in lengths):
        raise ValueError(f"{where}: shape={shape!r} has a negative length; give lengths of at least 0.")
    return lengths


def check_chunks(chunks: Any, where: str) -> Chunks:
    """Return the lengths of blocks along each axis as tuples of ints; raise TypeError if they are not that."""
    try:
        return tuple(tuple(map(operator.index, lengths)) for lengths in chunks)
    except TypeError:
        raise TypeError(
            f"{where}: chunks={chunks!r} are not the lengths of the blocks along each axis; give a tuple for each, "
            "such as ((2, 2), (3,)) for two blocks of shape (2, 3)."
        ) from None


def cut(length: int, size: int) -> Lengths:
    """Cut an axis into blocks of ``size``, the last one maybe shorter."""
    if length == 0:
        return (0,)
    n_whole, rest = divmod(length, size)
    return (size,) * n_whole + ((rest,) if rest else ())


BlockSize = int | Sequence[int | Lengths]
"""Size of blocks along the first axis, or along each axis, or the lengths of the blocks along an axis."""


def chunks_for(shape: Sequence[int], block_size: Any, where: str) -> Chunks:
    """Cut a shape into blocks of a given size.

    Parameters
    ----------
    shape : sequence of int
    block_size : int or tuple
        Size of the blocks along each axis, -1 for the whole axis; larger than the axis means the whole axis. An int
        is the size along the first axis, with all others whole. A tuple in place of a size gives the lengths of the
        blocks along that axis.
    where : str
        Who asks, for messages.

    Raises
    ------
    ValueError
        When ``block_size`` is not that.
    """
    block_size = as_sizes(block_size)
    sizes = block_size if isinstance(block_size, tuple) else (block_size, *(-1,) * (len(shape) - 1))[: len(shape)]
    if len(sizes) != len(shape):
        advice = _ADVICE_FOR_ONE_AXIS if (len(sizes), len(shape)) == (2, 1) else _ADVICE
        raise ValueError(f"{where}: block_size={block_size!r} has {len(sizes)} sizes for {len(shape)} axes; {advice}.")
    return tuple(
        _cut_as_asked(length, size, f"{where}: block_size={block_size!r}")
        for length, size in zip(shape, sizes, strict=True)
    )


_ADVICE = "give an int of at least 1 for each axis, or -1 for the whole axis"
_ADVICE_FOR_ONE_AXIS = "give a single number, or cut x[None] or x[:, None], which have two axes"


def as_sizes(block_size: Any) -> Any:
    """Return a size of blocks with integers of NumPy as ints, and sequences as tuples."""
    if isinstance(block_size, (np.ndarray, np.integer)):
        block_size = block_size.tolist()
    return tuple(map(as_sizes, block_size)) if isinstance(block_size, (tuple, list)) else block_size


def is_size(value: Any) -> bool:
    """Return whether a value looks like a size of blocks: an integer, or sequences of them."""
    sizes = as_sizes(value)
    return isinstance(sizes, int) or (isinstance(sizes, tuple) and len(sizes) > 0 and all(map(is_size, sizes)))


def _cut_as_asked(length: int, size: Any, what: str) -> Lengths:
    if isinstance(size, tuple):
        if sum(size) != length or min(size, default=-1) < 0:
            raise ValueError(f"{what} gives lengths {size!r} for an axis of {length}; give lengths that add up to it.")
        return tuple(map(operator.index, size))
    if isinstance(size, (str, type)) or (hasattr(size, "itemsize") and not hasattr(size, "__index__")):
        raise ValueError(f"{what} is no size of blocks; if it is the type of elements, give it by name: dtype=.")
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise ValueError(f"{what} holds {size!r}, which is not an int; {_ADVICE}.")
    if size < 1 and size != -1:
        raise ValueError(f"{what} holds {size}; {_ADVICE}.")
    return cut(length, length or 1 if size == -1 else operator.index(size))


def auto_chunks(shape: Sequence[int], itemsize: int, n_slots: int = 1, most_bytes: int | None = None) -> Chunks:
    """Choose blocks: an array below 1 MiB stays whole, a larger one is cut into rows.

    There are two blocks for each core of this machine, or each of ``n_slots`` if there are more, where that leaves
    blocks of 1 MiB or more, and more of them where blocks would exceed 16 MiB, or ``most_bytes``. Later axes are cut
    only where one row is larger than that.
    """
    n_bytes = math.prod(shape) * itemsize
    target = block_bytes(n_bytes, n_slots, most_bytes)
    if not shape or n_bytes < target:
        return tuple((length,) for length in shape)
    sizes: list[int] = []
    for axis, length in enumerate(shape):
        rest_bytes = math.prod(shape[axis + 1 :]) * itemsize
        sizes.append(min(length, max(1, target // rest_bytes)))
        if rest_bytes <= target:
            sizes += shape[axis + 1 :]
            break
    return tuple(map(cut, shape, sizes))


def block_bytes(n_bytes: int, n_slots: int, most_bytes: int | None, largest: int = TARGET_BYTES) -> int:
    """Return how large blocks of an array should be, so that all slots have two of them, and memory for them."""
    largest = largest if most_bytes is None else min(largest, most_bytes)
    return min(max(n_bytes // (2 * max(n_slots, os.cpu_count() or 1)), SMALL_BYTES), largest)


def shape_of(chunks: Chunks) -> tuple[int, ...]:
    """Return the shape of the whole array."""
    return tuple(map(sum, chunks))


def grid_of(chunks: Chunks) -> tuple[int, ...]:
    """Return the number of blocks along each axis."""
    return tuple(map(len, chunks))


def block_indices(chunks: Chunks) -> Iterator[tuple[int, ...]]:
    """Yield the position of each block, in C order."""
    return itertools.product(*map(range, grid_of(chunks)))


def block_shape(chunks: Chunks, index: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of one block."""
    return tuple(lengths[i] for lengths, i in zip(chunks, index, strict=True))


def offsets(lengths: Lengths) -> list[int]:
    """Return where each block of an axis starts, and where the last one ends."""
    return list(itertools.accumulate(lengths, initial=0))


def locate(lengths: Lengths, position: int) -> tuple[int, int]:
    """Return the block that holds a position of an axis, and the position in that block."""
    starts = offsets(lengths)
    block = bisect_right(starts, position) - 1
    return block, position - starts[block]


def common_lengths(candidates: Sequence[Lengths]) -> Lengths:
    """Return the coarsest cutting of an axis that has all the boundaries of the given ones."""
    if all(lengths == candidates[0] for lengths in candidates[1:]):
        return candidates[0]
    boundaries = sorted(set().union(*map(offsets, candidates)))
    return tuple(b - a for a, b in itertools.pairwise(boundaries)) or (0,)


def coarsen(chunks: Chunks, axes: Sequence[int], n_most: int, n_joined: int) -> Chunks:
    """Join up to so many neighbours along some axes, later ones first, until there are no more than so many blocks."""
    coarse = list(chunks)
    for axis in reversed(axes):
        lengths = coarse[axis]
        factor = min(-(-math.prod(map(len, coarse)) // n_most), n_joined, len(lengths))
        coarse[axis] = tuple(sum(lengths[start : start + factor]) for start in range(0, len(lengths), factor))
        n_joined = max(1, n_joined // factor)
    return tuple(coarse)


def slice_pieces(lengths: Lengths, part: slice) -> list[tuple[int, slice]]:
    """Return what a slice of an axis takes of each block, in the order of the result.

    Returns
    -------
    list of (block, slice)
        Blocks of which nothing is taken are left out, but there is at least one entry.
    """
    starts = offsets(lengths)
    start, stop, step = part.indices(starts[-1])
    if step < 0:
        n_taken = len(range(start, stop, step))
        last = start + (n_taken - 1) * step
        forward = slice_pieces(lengths, slice(last, start + 1, -step) if n_taken else slice(0, 0))
        return [(block, _reversed(taken)) for block, taken in reversed(forward)]
    pieces = []
    for block, length in enumerate(lengths):
        first = start if start >= starts[block] else start + -(-(starts[block] - start) // step) * step
        end = min(stop, starts[block + 1])
        if first < end:
            n_taken = len(range(first, end, step))
            local = first - starts[block]
            pieces.append((block, slice(local, min(length, local + (n_taken - 1) * step + 1), step)))
    return pieces or [(0, slice(0, 0, 1))]


def _reversed(part: slice) -> slice:
    """The same positions backwards; ``part`` starts and ends at positions that it takes."""
    if part.start == part.stop:
        return part
    return slice(part.stop - 1, part.start - 1 if part.start else None, -part.step)


def regroup(old: Lengths, new: Lengths) -> list[list[tuple[int, slice]]]:
    """Return, for each new block of an axis, what it takes of which old blocks."""
    starts = offsets(new)
    return [slice_pieces(old, slice(a, b)) for a, b in itertools.pairwise(starts)]
