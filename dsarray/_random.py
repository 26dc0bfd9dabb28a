"""Random arrays, whose values do not depend on how they are cut.

The numbers come from fixed tiles, which depend on the shape alone. Each tile has a generator of its own, seeded by the
array's seed and the tile's place; a block draws the tiles that it touches, and keeps its part.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import from_function
from dsarray._grid import check_shape, offsets

__all__ = ["random_array"]

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
    seed = _seed(random_state)
    tile = _tile_shape(lengths)
    starts = [offsets(axis) for axis in chunks]

    def args_of(index: tuple[int, ...]) -> tuple[Any, ...]:
        bounds = tuple((s[i], s[i + 1]) for s, i in zip(starts, index, strict=True))
        return seed, lengths, tile, bounds

    return from_function(_draw, chunks, np.float64, args_of)


def _seed(random_state: Any) -> int:
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(1 << 63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(1 << 31))
    if isinstance(random_state, bool) or not hasattr(random_state, "__index__"):
        raise TypeError(f"random_array: random_state={random_state!r} is no seed; give an int, a Generator or None.")
    seed = random_state.__index__()
    if seed < 0:
        raise ValueError(f"random_array: random_state={seed} is negative; give an int of at least 0.")
    return int(seed)


def _tile_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Length of the tiles along each axis: long along the first, short along the others."""
    left = TILE_ELEMENTS
    sides: list[int] = []
    for length in shape[:0:-1]:
        sides.append(max(1, min(length, TILE_SIDE, left)))
        left //= sides[-1]
    return (max(1, left), *sides[::-1]) if shape else ()


def _draw(seed: int, shape: tuple[int, ...], tile: tuple[int, ...], bounds: tuple[tuple[int, int], ...]) -> Any:
    """Return the block that lies between bounds."""
    block = np.empty([stop - start for start, stop in bounds])
    touched = [range(start // side, -(-stop // side)) for (start, stop), side in zip(bounds, tile, strict=True)]
    for place in itertools.product(*touched):
        corner = [i * side for i, side in zip(place, tile, strict=True)]
        extent = [min(side, n - c) for side, n, c in zip(tile, shape, corner, strict=True)]
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=place)))
        drawn = generator.random(extent)
        overlap = [
            (max(start, c), min(stop, c + n)) for (start, stop), c, n in zip(bounds, corner, extent, strict=True)
        ]
        target = tuple(slice(a - start, b - start) for (a, b), (start, _) in zip(overlap, bounds, strict=True))
        block[target] = drawn[tuple(slice(a - c, b - c) for (a, b), c in zip(overlap, corner, strict=True))]
    return block
