"""Which values occur how often, in several places: the features of rows, or the intervals of a search.

A tally has the size of what differs. It is made of each row of blocks, and a tree of tasks adds tallies up.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Tally", "add_tallies", "tally", "tally_columns"]


class Tally(NamedTuple):
    """Vectors with an element for each value of each place, in the order of places, and of values in each."""

    places: Any
    values: Any
    """NaN is one value, and the last."""
    counts: Any

    def split(self, n_places: int) -> list[tuple[Any, Any]]:
        """Return values and counts of each place."""
        ends = np.searchsorted(self.places, np.arange(n_places + 1))
        return [(self.values[a:b], self.counts[a:b]) for a, b in itertools.pairwise(ends)]

    def most_frequent(self, n_places: int) -> Any:
        """Return the value of each place that occurs most often, the least of them if there are several; else 0."""
        order = np.lexsort((-self.counts, self.places))
        found, first = np.unique(self.places[order], return_index=True)
        values = np.zeros(n_places)
        values[found] = self.values[order][first]
        return values


def tally(places: Any, values: Any, counts: Any) -> Tally:
    """Return the tally of values in any order, each of which counts as often as said."""
    order = np.lexsort((values, places))
    places, values, counts = places[order], values[order], counts[order]
    if not len(places):
        return Tally(places, values, counts)
    are_nan = values != values  # noqa: PLR0124 - of texts, too
    same = (values[1:] == values[:-1]) | (are_nan[1:] & are_nan[:-1])
    first = np.flatnonzero(np.concatenate([[True], ~(same & (places[1:] == places[:-1]))]))
    return Tally(places[first], values[first], np.add.reduceat(counts, first))


def tally_columns(columns: Any, dtype: Any, *, counted: bool = True) -> Tally:
    """Return the tally of each of some vectors, of which there may be none; all counts are 0 unless ``counted``."""
    found = [np.unique(column, return_counts=True) if counted else (np.unique(column), None) for column in columns]
    lengths = [len(values) for values, _ in found]
    counts = [count if counted else np.zeros(len(values), dtype=np.int64) for values, count in found]
    return Tally(
        np.repeat(np.arange(len(found)), lengths),
        np.concatenate([np.zeros(0, dtype), *(values for values, _ in found)]),
        np.concatenate([np.zeros(0, dtype=np.int64), *counts]),
    )


def add_tallies(left: Tally, right: Tally) -> Tally:
    """Return the tally of two groups of values together."""
    return tally(*(np.concatenate(pair) for pair in zip(left, right, strict=True)))
