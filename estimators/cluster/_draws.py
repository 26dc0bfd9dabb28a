"""Rows drawn at random, for steps that look at a few of them.

The main program draws places, on the line of all rows or on that of their cumulated weights, and so independently of
blocks. One task for each row of blocks that holds some of them takes them; what travels is the rows drawn, from there
to the task that works on them. Cumulated weights are made once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import task, wait_on
from estimators.cluster._points import made

__all__ = ["Drawn", "Draws"]


class Drawn(NamedTuple):
    """Rows that were drawn, by the blocks that they come from."""

    pieces: list[Any]
    """Futures; in a task, rows."""
    order: Any
    """At which place each of the rows, joined, was drawn."""

    def join(self) -> Any:
        """Return the rows, or weights, in the order in which they were drawn; call this inside of a task."""
        if scipy.sparse.issparse(self.pieces[0]):
            joined = scipy.sparse.vstack(self.pieces, format="csr")
        else:
            joined = np.concatenate(self.pieces)
        back = np.empty(len(self.order), dtype=np.int64)
        back[self.order] = np.arange(len(self.order))
        return joined[back]


class Draws:
    """All rows, or their weights, to draw from."""

    def __init__(self, blocks: list[Any], lengths: Any, weights: list[Any] | None = None) -> None:
        self.blocks = blocks
        self._ends = np.cumsum(lengths)
        self.weights = weights
        if weights is None:
            self.total = float(self._ends[-1])
            return
        pairs = [cumulate(block) for block in weights]
        self._lines = [line for line, _ in pairs]
        self._weight_ends = np.cumsum(wait_on([total for _, total in pairs]))
        self.total = float(self._weight_ends[-1])

    def draw(self, uniform: Any) -> Drawn:
        """Return the rows at some places from 0 to 1 of the line of all rows, or of their cumulated weights."""
        if self.weights is None:
            n_rows = int(self._ends[-1])
            return self.take(np.minimum((uniform * n_rows).astype(np.int64), n_rows - 1))
        places = uniform * self.total
        last = np.flatnonzero(np.diff(self._weight_ends, prepend=0)).max()
        owners = np.minimum(np.searchsorted(self._weight_ends, places, side="right"), last)
        within = places - np.concatenate([[0], self._weight_ends])[owners]
        used, parts, order = _split(owners, within)
        pieces = [take_at(self.blocks[i], self._lines[i], part) for i, part in zip(used, parts, strict=True)]
        return Drawn(pieces, order)

    def take(self, indices: Any) -> Drawn:
        """Return the rows at some indices."""
        return self._take(self.blocks, indices)

    def take_weights(self, indices: Any) -> Drawn | None:
        """Return the weights of the rows at some indices; None where all rows count the same."""
        return None if self.weights is None else self._take(self.weights, indices)

    def _take(self, blocks: list[Any], indices: Any) -> Drawn:
        owners = np.searchsorted(self._ends, indices, side="right")
        within = indices - np.concatenate([[0], self._ends])[owners]
        used, parts, order = _split(owners, within)
        return Drawn([take_rows(blocks[i], part) for i, part in zip(used, parts, strict=True)], order)


def _split(owners: Any, values: Any) -> tuple[Any, list[Any], Any]:
    """Return the blocks that are used, the values that belong to each, and the order that this puts them in."""
    order = np.argsort(owners, kind="stable")
    used, starts = np.unique(owners[order], return_index=True)
    return used.tolist(), np.split(values[order], starts[1:]), order


# --- tasks ------------------------------------------------------------------------------------------------------------


@task(returns=2)
def cumulate(weights: Any) -> tuple[Any, float]:
    """Return cumulated weights, and the last of them."""
    line = np.cumsum(ds.to_host(weights), dtype=float)
    return line, float(line[-1]) if len(line) else 0.0


@task
def take_rows(rows: Any, positions: Any) -> Any:
    """Return rows at some positions."""
    return ds.to_host(made(rows)[positions])


@task
def take_at(rows: Any, line: Any, places: Any) -> Any:
    """Return rows at some places of the line of their cumulated weights."""
    positions = np.searchsorted(line, np.minimum(places, np.nextafter(line[-1], 0)), side="right")
    return ds.to_host(made(rows)[positions])
