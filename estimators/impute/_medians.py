"""Medians of features by counting, without a place where all values of one are.

Between the least and the largest value of each feature lie the bins of a histogram. A pass counts what is in each, and
the bin in which the median must be is divided anew, until it has few different values, which a last pass brings to the
main program: two to four passes for most data, and never more than some. In a pass, one task for each row of blocks and
a tree of tasks; what travels is the bins: 256 numbers for each feature and middle value, of which there are two. Zeros
that sparse rows do not store are counted with the others.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import share, wait_on
from estimators._tallies import Tally, add_tallies, tally_columns

__all__ = ["find_medians"]

_N_BINS = 256
_FEW = 1000
"""How many values of a feature may come to the main program."""
_MOST_PASSES = 10
"""After so many, bins are as narrow as numbers are apart."""


class Search(NamedTuple):
    """Where middle values are; vectors and rows have an element for each of them."""

    column: Any
    """The feature that it is of."""
    rank: Any
    """How many values in its interval are before it."""
    edges: Any
    """Those of the bins of its interval, the last of which belongs to it; shape (n_searches, _N_BINS + 1)."""
    size: Any
    """How many values are in its interval."""


def find_medians(X: ds.Array, low: Any, high: Any, n_observed: Any) -> Any:
    """Return the median of each feature without its NaN, and NaN where there is nothing else.

    Parameters
    ----------
    X : Array of shape (n_samples, n_features)
    low, high, n_observed : ndarray of shape (n_features,)
        The least and the largest value, and how many there are.
    """
    medians = np.full(X.shape[1], np.nan)
    if not n_observed.any():
        return medians
    column = np.repeat(np.flatnonzero(n_observed), 2)
    rank = (n_observed[column] - np.array([1, 0] * (len(column) // 2))) // 2
    search = Search(column, rank, _cut(low[column], high[column]), n_observed[column])
    for _ in range(_MOST_PASSES):
        if (search.size <= _FEW).all():
            break
        counts = wait_on(ds.tree_reduce(np.add, ds.map_row_blocks(_count, X, share(search))))
        search = _narrow(search, counts)
    found: Tally = wait_on(ds.tree_reduce(add_tallies, ds.map_row_blocks(_take, X, share(search))))
    middle = [
        values[np.searchsorted(np.cumsum(counts), rank, side="right")]
        for (values, counts), rank in zip(found.split(len(column)), search.rank, strict=True)
    ]
    medians[column[::2]] = np.reshape(middle, (-1, 2)).mean(axis=1)
    return medians


def _cut(low: Any, high: Any) -> Any:
    """Return the edges of bins that are as wide as each other, or as narrow as numbers allow."""
    places = np.linspace(0, 1, _N_BINS + 1)
    edges = low[:, None] * (1 - places) + high[:, None] * places
    edges = np.clip(edges, low[:, None], high[:, None])
    edges[:, -1] = high
    return np.maximum.accumulate(edges, axis=1)


def _narrow(search: Search, counts: Any) -> Search:
    """Put the bin that has the middle value in the place of each interval."""
    each = np.arange(len(counts))
    before = np.cumsum(counts, axis=1)
    place = (before <= search.rank[:, None]).sum(axis=1)
    is_last = place == _N_BINS - 1
    low, high = search.edges[each, place], search.edges[each, place + 1]
    high = np.where(is_last, high, np.maximum(low, np.nextafter(high, -np.inf)))
    rank = search.rank - (before[each, place] - counts[each, place])
    return Search(search.column, rank, _cut(low, high), counts[each, place])


def _count(rows: Any, search: Search) -> Any:
    """Return how many values of a block are in each bin of each search."""
    rows = _by_columns(rows)
    counts = np.zeros((len(search.column), _N_BINS), dtype=np.int64)
    for each, (column, edges) in enumerate(zip(search.column, search.edges, strict=True)):
        if each % 2 and (edges == search.edges[each - 1]).all():  # most often, both middle values are in one interval
            counts[each] = counts[each - 1]
            continue
        inside, n_zeros = _inside(rows, column, edges)
        places = np.searchsorted(edges[1:-1], inside, side="right")
        counts[each] = np.bincount(places, minlength=_N_BINS)
        counts[each, np.searchsorted(edges[1:-1], 0, side="right")] += n_zeros
    return counts


def _take(rows: Any, search: Search) -> Tally:
    """Return the different values of a block in the interval of each search, and how often they occur."""
    rows = _by_columns(rows)
    found = [_inside(rows, column, edges) for column, edges in zip(search.column, search.edges, strict=True)]
    n_zeros = np.array([n for _, n in found])
    places = np.flatnonzero(n_zeros)
    zeros = Tally(places, np.zeros(len(places), rows.dtype), n_zeros[places])
    return add_tallies(tally_columns([inside for inside, _ in found], rows.dtype), zeros)


def _by_columns(rows: Any) -> Any:
    rows = ds.to_host(rows)
    return rows.tocsc() if scipy.sparse.issparse(rows) else rows


def _inside(rows: Any, column: int, edges: Any) -> tuple[Any, int]:
    """Return the values of a feature in an interval, and how many zeros are there that are not stored."""
    if not scipy.sparse.issparse(rows):
        values, n_zeros = np.ascontiguousarray(rows[:, column]), 0
    else:
        values = rows.data[rows.indptr[column] : rows.indptr[column + 1]]
        n_zeros = (rows.shape[0] - len(values)) * int(edges[0] <= 0 <= edges[-1])
    return values[(values >= edges[0]) & (values <= edges[-1])], n_zeros
