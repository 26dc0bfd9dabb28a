"""Samples by where they lie: boxes that a sample of the rows chooses, and the rows rearranged by box.

One task for each row of blocks cuts it into pieces, one for each region; the pieces of a region are joined to units of
some thousand rows, one task each. A number for each piece reaches the main program, and some thousand rows at first.
Where nothing is to be won by cutting, rows of blocks are joined to units as they are.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import Future, Task, share, task, wait_on
from estimators._validation import map_rows

__all__ = ["Points", "Unit", "Units", "gather_units", "scatter_units"]

_SAMPLE_ROWS = 1 << 13
"""Number of rows, about, that tell where to cut."""

_FEW_ROWS = 1 << 12
"""Units do not get smaller than this on purpose."""

_MANY_ROWS = 1 << 17
"""Units do not get larger than this, but by a single block."""

_UNIT_BYTES = 1 << 24
"""Nor than this many bytes."""

_MOST_REGIONS = 256

_HALO = 0.3
"""Share of the rows of a region that may be near a cut, at most."""

_LEAST_SAMPLE = 32
"""Of how many rows of the sample a region has to have more, to be cut."""


class Points(NamedTuple):
    """Some samples."""

    rows: Any
    index: Any
    """Their positions in X."""
    weights: Any
    """None if they have none."""


class Cut(NamedTuple):
    """A cut across one feature; what lies below and above it is cut again, or is the number of a region."""

    axis: int
    value: float
    below: Any
    above: Any


@dataclass(frozen=True)
class Unit:
    """Some samples that one task works on."""

    points: Future[Points]
    box: Any
    """Least and greatest values of each feature, an ndarray of shape (2, n_features); None if not known."""
    pieces: tuple[tuple[int, int], ...]
    """Where the samples come from: rows of blocks, with the number of samples of each."""


@dataclass(frozen=True)
class Units:
    """All samples."""

    units: list[Unit]
    orders: list[Any]
    """Of each row of blocks, the positions of its rows in the order of the regions; None for the given order."""


def gather_units(
    estimator: Any, X: ds.Array, weights: list[Any], *, eps: float, has_boxes: bool, sample: bool = True
) -> Units:
    """Rearrange samples.

    Parameters
    ----------
    estimator : BaseEstimator
        Who is named in errors.
    X : Array of shape (n_samples, n_features)
    weights : list of Future or None
        For each row of blocks.
    eps : float
        What is nearer than this on the other side of a cut has to be looked at from both.
    has_boxes : bool
        Whether samples farther than ``eps`` apart in one feature have a larger distance.
    sample : bool
        False not to cut.
    """
    target = int(np.clip(X.shape[0] / 8, _FEW_ROWS, _MANY_ROWS))
    if not X.sparse:
        target = max(1, min(target, _UNIT_BYTES // (X.shape[1] * X.dtype.itemsize)))
    tree, n_regions = 0, 1
    if has_boxes and sample and X.shape[0] > target:
        step = max(1, X.shape[0] // _SAMPLE_ROWS)
        taken = np.concatenate(wait_on(map_rows(estimator, _take_some, X, step)))
        tree, n_regions = choose_cuts(taken, max(X.shape[0] / _MOST_REGIONS, target) / X.shape[0], eps)
    starts = np.cumsum((0, *X.chunks[0]))[:-1].tolist()
    rows = map_rows(estimator, _host, X)
    shared, cutter = share(tree), _cutter(n_regions)
    cut = [cutter(*each, shared, n_regions) for each in zip(rows, starts, weights, strict=True)]
    counts = wait_on([lengths for lengths, *_ in cut])
    units = []
    for region in range(n_regions):
        sizes = [lengths[region] for lengths in counts]
        for group in _groups(sizes, target):
            joined = join_points([cut[block][2 + region] for block in group])
            units.append((joined, tuple((block, sizes[block]) for block in group)))
    boxes = wait_on([find_box(points) for points, _ in units]) if has_boxes else [None] * len(units)
    made = [Unit(points, box, pieces) for (points, pieces), box in zip(units, boxes, strict=True)]
    return Units(made, [order for _, order, *_ in cut])


def scatter_units(units: Units, results: list[Any], n_blocks: int) -> list[Future[Any]]:
    """Put vectors with an element for each sample of a unit in the order of X, for each row of blocks."""
    by_block: list[list[Any]] = [[] for _ in range(n_blocks)]
    for unit, result in zip(units.units, results, strict=True):
        pieces = [result] if len(unit.pieces) == 1 else _splitter(len(unit.pieces))(result, [n for _, n in unit.pieces])
        for (block, _), piece in zip(unit.pieces, pieces, strict=True):
            by_block[block].append(piece)
    return [put_in_order(pieces, order) for pieces, order in zip(by_block, units.orders, strict=True)]


def choose_cuts(sample: Any, share_wanted: float, eps: float) -> tuple[Any, int]:
    """Return cuts into regions with a wanted share of the samples each, and the number of regions."""
    regions: list[int] = []

    def cut(rows: Any) -> Any:
        if len(rows) > max(share_wanted * len(sample), _LEAST_SAMPLE):
            for axis in np.argsort(-np.ptp(rows, axis=0), kind="stable")[:8].tolist():
                column = rows[:, axis]
                value = float(np.median(column))
                is_near = np.abs(column - value) <= eps
                is_below = column < value
                if is_near.mean() <= _HALO and is_below.any():
                    return Cut(axis, value, cut(rows[is_below]), cut(rows[~is_below]))
        regions.append(len(regions))
        return regions[-1]

    tree = cut(sample)
    return tree, len(regions)


def _groups(sizes: list[int], target: int) -> list[list[int]]:
    """Put neighbouring pieces together until they have enough rows; those without rows are left out."""
    groups: list[list[int]] = []
    n_rows = target
    for block, size in enumerate(sizes):
        if not size:
            continue
        if n_rows + size > target:
            groups.append([])
            n_rows = 0
        groups[-1].append(block)
        n_rows += size
    return groups


def _take_some(rows: Any, step: int) -> Any:
    return ds.to_host(rows)[::step].copy()


def _host(rows: Any) -> Any:
    return ds.to_host(rows)


def _find_regions(rows: Any, tree: Any) -> Any:
    """Return the region of each row."""
    regions = np.empty(rows.shape[0], dtype=np.int32)
    stack = [(tree, np.arange(rows.shape[0]))]
    while stack:
        cut, where = stack.pop()
        if not isinstance(cut, Cut):
            regions[where] = cut
            continue
        is_below = rows[where, cut.axis] < cut.value
        stack += [(cut.below, where[is_below]), (cut.above, where[~is_below])]
    return regions


# --- tasks ------------------------------------------------------------------------------------------------------------


@functools.cache
def _cutter(n_regions: int) -> Task[Any]:
    return task(returns=n_regions + 2)(cut_rows)


@functools.cache
def _splitter(n_pieces: int) -> Task[Any]:
    return task(returns=n_pieces)(split_result)


def cut_rows(rows: Any, start: int, weights: Any, tree: Any, n_regions: int) -> tuple[Any, ...]:
    """Return the number of rows of each region, the order of the rows by region, and the points of each."""
    index = np.arange(start, start + rows.shape[0])
    if n_regions == 1:
        return [rows.shape[0]], None, Points(rows, index, weights)
    regions = _find_regions(rows, tree)
    order = np.argsort(regions, kind="stable")
    lengths = np.bincount(regions, minlength=n_regions).tolist()
    parts = np.split(order, np.cumsum(lengths)[:-1])
    points = (Points(rows[part], index[part], None if weights is None else weights[part]) for part in parts)
    return lengths, order, *points


def split_result(values: Any, lengths: list[int]) -> tuple[Any, ...]:
    """Return what belongs to each piece of a unit."""
    return tuple(part.copy() for part in np.split(values, np.cumsum(lengths)[:-1]))


@task
def join_points(pieces: list[Points]) -> Points:
    """Return all points of some pieces."""
    if len(pieces) == 1:
        return pieces[0]
    rows = [piece.rows for piece in pieces]
    weights = [piece.weights for piece in pieces]
    return Points(
        scipy.sparse.vstack(rows, format="csr") if scipy.sparse.issparse(rows[0]) else np.concatenate(rows),
        np.concatenate([piece.index for piece in pieces]),
        None if weights[0] is None else np.concatenate(weights),
    )


@task
def find_box(points: Points) -> Any:
    """Return the least and the greatest value of each feature."""
    return np.stack([points.rows.min(axis=0), points.rows.max(axis=0)]).astype(float)


@task
def put_in_order(pieces: list[Any], order: Any) -> Any:
    """Return values in the order of a row of blocks."""
    values = np.concatenate(pieces) if pieces else np.empty(0, np.int64)
    if order is None:
        return values
    ordered = np.empty_like(values)
    ordered[order] = values
    return ordered
