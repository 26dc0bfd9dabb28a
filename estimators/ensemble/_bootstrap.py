"""How often each row is in each tree: drawn for each row by itself, so that blocks do not matter.

A row is in a tree as often as a Poisson distribution says, whose mean is the number of rows that are asked for times
the share of weight that the row has. For large data that is what drawing rows with replacement comes to, but that the
number of rows of a tree is random too. Random numbers are drawn for fixed tiles of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

__all__ = ["Bootstrap", "count_draws"]

_TILE_ROWS = 2**13
_LARGE_MEAN = 30.0


@dataclass(frozen=True)
class Bootstrap:
    """The draws of some trees in a block of rows."""

    seeds: tuple[int, ...]
    """Of the trees."""
    first_row: int
    """Position of the first row of the block among all rows."""
    rate: float
    """Number of draws that are expected of a row with weight 1."""

    def make(self, weights: Any, n_rows: int) -> Any:
        """Return how often each row is in each tree, of shape (n_trees, n_rows)."""
        counts = np.empty((len(self.seeds), n_rows), dtype=np.int32)
        means = self.rate if weights is None else self.rate * weights
        for tree, seed in enumerate(self.seeds):
            counts[tree] = count_draws(self._uniform(seed, n_rows), means)
        return counts

    def _uniform(self, seed: int, n_rows: int) -> Any:
        first, end = self.first_row // _TILE_ROWS, -(-(self.first_row + n_rows) // _TILE_ROWS)
        tiles = [np.random.default_rng((seed, tile)).random(_TILE_ROWS) for tile in range(first, max(end, first + 1))]
        start = self.first_row - first * _TILE_ROWS
        return np.concatenate(tiles)[start : start + n_rows]


def count_draws(uniform: Any, means: Any) -> Any:
    """Return the numbers of Poisson distributions at uniform random numbers."""
    means = np.broadcast_to(means, uniform.shape)
    counts = np.zeros(uniform.shape, dtype=np.int32)
    is_large = means > _LARGE_MEAN
    counts[is_large] = np.ceil(scipy.special.pdtrik(uniform[is_large], means[is_large]))
    small = ~is_large
    chance = np.exp(-means[small])
    below, found = chance.copy(), np.zeros(chance.shape, dtype=np.int32)
    for count in range(1, 4 * int(_LARGE_MEAN)):
        more = uniform[small] > below
        if not more.any():
            break
        found += more
        chance = chance * means[small] / count
        below += chance
    counts[small] = found
    return counts
