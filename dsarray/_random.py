"""Random arrays, whose values do not depend on how they are cut.

The numbers come from fixed tiles, which depend on the shape alone. Each tile has a generator of its own, seeded by the
array's seed and the tile's place; a block draws the tiles that it touches, and keeps its part. Where parameters are
arrays, blocks are made of whole tiles first, each beside its part of the parameters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dsarray import _rechunk
from dsarray._array import Array
from dsarray._cell import Cell, make_cells
from dsarray._config import default_chunks
from dsarray._grid import Chunks, Lengths, block_indices, check_shape, grid_of, offsets
from dsarray._namespace import to_host

__all__ = ["Drawing", "draw_array", "make_seed", "random_array", "tile_chunks", "tile_shape"]

TILE_ELEMENTS = 1 << 16
"""Elements of a tile, at most."""

TILE_SIDE = 1 << 8
"""Length of a tile along all axes but the first, at most."""


def random_array(shape: Any, block_size: int | tuple[int, ...] | None = None, random_state: Any = None) -> Array:
    """Make an array of random numbers, uniform in [0, 1), which take no memory until they are needed.

    Parameters
    ----------
    shape : int or tuple of int
    block_size : int or tuple of int, optional
        See `array`. It has no influence on the numbers.
    random_state : int, numpy.random.RandomState, numpy.random.Generator or None
        The same int gives the same numbers, bit for bit. A generator is drawn from once. None gives new numbers.

    Raises
    ------
    TypeError
        When ``random_state`` is none of these.
    ValueError
        When it is negative, or shape or block size make no sense.
    """
    lengths = check_shape(shape, "random_array")
    chunks = default_chunks(lengths, 8, block_size, "random_array")
    seed = make_seed(random_state, "random_array")
    return draw_array(Drawing("random", seed, (), np.dtype(np.float64)), lengths, chunks)


def make_seed(random_state: Any, where: str) -> int:
    """Return an int that stands for what a user gives as ``random_state``."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(1 << 63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(1 << 31))
    if isinstance(random_state, bool) or not hasattr(random_state, "__index__"):
        raise TypeError(f"{where}: random_state={random_state!r} is no seed; give an int, a Generator or None.")
    seed = random_state.__index__()
    if seed < 0:
        raise ValueError(f"{where}: random_state={seed} is negative; give an int of at least 0.")
    return int(seed)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn for each tile of an array."""

    method: str
    """Of `numpy.random.Generator`."""
    seed: int
    """The user's."""
    key: tuple[int, ...]
    """Which of the arrays of this seed."""
    dtype: np.dtype[Any]
    """Type of the elements."""
    options: dict[str, Any] = field(default_factory=dict)
    """What the method takes besides parameters and size."""
    event: tuple[int, ...] = ()
    """Shape of one draw, which makes the last axes of the array."""

    def generator(self, place: tuple[int, ...]) -> np.random.Generator:
        """Return the generator of a tile."""
        sequence = np.random.SeedSequence(self.seed, spawn_key=(*self.key, *place))
        return np.random.Generator(np.random.PCG64(sequence))


def tile_shape(shape: tuple[int, ...], n_per_draw: int = 1) -> tuple[int, ...]:
    """Length of the tiles along each axis: long along the first, short along the others."""
    left = max(1, TILE_ELEMENTS // max(1, n_per_draw))
    sides: list[int] = []
    for length in shape[:0:-1]:
        sides.append(max(1, min(length, TILE_SIDE, left)))
        left //= sides[-1]
    return (max(1, left), *sides[::-1]) if shape else ()


def tile_chunks(chunks: Chunks, tile: tuple[int, ...]) -> Chunks:
    """Cut where tiles end, and else as given."""
    return tuple(_round_up(lengths, side) for lengths, side in zip(chunks, tile, strict=True))


def _round_up(lengths: Lengths, side: int) -> Lengths:
    ends = sorted({min(sum(lengths), -(-end // side) * side) for end in offsets(lengths)})
    return tuple(b - a for a, b in itertools.pairwise(ends)) or (0,)


def draw_array(drawing: Drawing, shape: tuple[int, ...], chunks: Chunks, parameters: Sequence[Any] = ()) -> Array:
    """Return an array of random numbers.

    Parameters
    ----------
    drawing : Drawing
    shape : tuple of int
        Number of draws along each axis.
    chunks : tuple of tuple of int
        How the result is cut, the axes of an event included.
    parameters : sequence
        Scalars, and Arrays that broadcast to ``shape``.
    """
    tile = tile_shape(shape, math.prod(drawing.event))
    drawn: Chunks = chunks[: len(shape)]
    if any(isinstance(each, Array) for each in parameters):
        drawn = tile_chunks(drawn, tile)
    aligned = [_aligned(each, drawn) if isinstance(each, Array) else each for each in parameters]
    starts = [offsets(axis) for axis in drawn]
    plans = []
    for index in block_indices(drawn):
        bounds = tuple((s[i], s[i + 1]) for s, i in zip(starts, index, strict=True))
        plans.append((bounds, [_own_cell(each, index) if isinstance(each, Array) else each for each in aligned]))
    _rechunk.keep_shared(each for _, found in plans for each in found if isinstance(each, Cell))
    cells = [Cell.of(_draw, drawing, shape, tile, bounds, *found) for bounds, found in plans]
    whole: Chunks = (*drawn, *((n,) for n in drawing.event))
    return _rechunk.to_chunks(Array(make_cells(grid_of(whole), cells), whole, drawing.dtype), chunks)


def _aligned(a: Array, chunks: Chunks) -> Array:
    n_left = len(chunks) - a.ndim
    wanted = [(1,) if n == 1 else lengths for n, lengths in zip(a.shape, chunks[n_left:], strict=True)]
    return _rechunk.to_chunks(a, tuple(wanted))


def _own_cell(a: Array, index: tuple[int, ...]) -> Cell:
    own = index[len(index) - a.ndim :]
    cell: Cell = a._cells[tuple(0 if n == 1 else i for n, i in zip(a.shape, own, strict=True))]
    return cell


Bounds = tuple[tuple[int, int], ...]
"""Where a block starts and ends along each axis."""


def _draw(drawing: Drawing, shape: tuple[int, ...], tile: tuple[int, ...], bounds: Bounds, *parameters: Any) -> Any:
    """Return the block that lies between bounds; with parameters that are arrays, it is made of whole tiles."""
    block = np.empty((*(stop - start for start, stop in bounds), *drawing.event), drawing.dtype)
    parameters = tuple(map(to_host, parameters))
    touched = [range(start // side, -(-stop // side)) for (start, stop), side in zip(bounds, tile, strict=True)]
    for place in itertools.product(*touched):
        corner = [i * side for i, side in zip(place, tile, strict=True)]
        extent = [min(side, n - c) for side, n, c in zip(tile, shape, corner, strict=True)]
        overlap = [
            (max(start, c), min(stop, c + n)) for (start, stop), c, n in zip(bounds, corner, extent, strict=True)
        ]
        target = tuple(slice(a - start, b - start) for (a, b), (start, _) in zip(overlap, bounds, strict=True))
        own = [_part(each, target) for each in parameters]
        drawn = getattr(drawing.generator(place), drawing.method)(*own, size=tuple(extent), **drawing.options)
        block[target] = drawn[tuple(slice(a - c, b - c) for (a, b), c in zip(overlap, corner, strict=True))]
    return block


def _part(parameter: Any, target: tuple[slice, ...]) -> Any:
    """What of a block of a parameter belongs to a tile."""
    if not isinstance(parameter, np.ndarray):
        return parameter
    own = target[len(target) - parameter.ndim :]
    return parameter[tuple(slice(None) if n == 1 else part for n, part in zip(parameter.shape, own, strict=True))]
