"""What tasks do with the rows of a block while trees are grown: follow them down, and add them up.

A `Front` says where the rows are: for each tree and each of its rows, in which node of the level. `advance_rows` moves
them on to the next level, `add_histogram` adds them up by node, feature and bin, and `emit_rows` gives those of small
nodes away, to be finished elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import task
from estimators.tree._bins import to_dense
from estimators.tree._criteria import Criterion

__all__ = ["Fates", "Front", "add_arrays", "add_histogram", "advance_rows", "emit_rows", "start_rows"]


@dataclass(frozen=True)
class Front:
    """Rows of a block in the nodes of one level of some trees, and in nodes that wait to be finished."""

    rows: Any
    """Positions in the block; a row is there once for each tree that it is part of."""
    places: Any
    """Which node of the level each is in."""
    weights: Any
    parked: tuple[tuple[Any, Any, Any], ...] = ()
    """Rows, numbers of nodes to be finished, and weights."""


@dataclass(frozen=True)
class Fates:
    """What becomes of each node of a level; a node that none of these says is a leaf."""

    feature: Any
    """Which feature it is split by; -1 if it is not."""
    code: Any
    """The last bin that goes to the left."""
    missing: Any
    """The code of NaN if that goes to the left; else one that does not exist."""
    child: Any
    """Where its left child is in the next level; the right one follows."""
    job: Any
    """The number under which it is finished elsewhere; -1 if it is not."""
    n_children: int


@task(returns=2)
def start_rows(draws: Any, targets: Any, weights: Any, criterion: Criterion, by_class: Any) -> tuple[Front, Any]:
    """Return the rows in the roots of trees, and the sums there.

    ``draws`` makes an array of shape (n_trees, n_rows) that says how often each row is in each tree, or is the number
    of trees that have all rows. ``by_class`` are further weights, of shape (n_trees, n_classes) for each output.
    """
    if isinstance(draws, int):
        own = np.ones(len(targets)) if weights is None else weights
        counts = np.broadcast_to(own, (draws, len(targets)))
    else:
        counts = draws.make(weights, len(targets))
    places, rows = np.nonzero(counts)
    places, rows = places.astype(np.int32), rows.astype(np.int32)
    weighed = counts[places, rows].astype(float)
    for output, table in enumerate(by_class):
        weighed *= table[places, targets[rows, output]]
    return _with_sums(Front(rows, places, weighed), targets, criterion, len(counts))


@task(returns=2)
def advance_rows(front: Front, codes: Any, targets: Any, criterion: Criterion, fates: Fates) -> tuple[Front, Any]:
    """Return the rows in the next level, and the sums of its nodes."""
    kept, parked = _park(front, fates)
    feature = fates.feature[kept.places]
    code = codes.ravel().take(kept.rows.astype(np.intp) * codes.shape[1] + feature)
    goes_right = (code > fates.code[kept.places]) & (code != fates.missing[kept.places])
    places = (fates.child[kept.places] + goes_right).astype(np.int32)
    return _with_sums(Front(kept.rows, places, kept.weights, parked), targets, criterion, fates.n_children)


def _with_sums(front: Front, targets: Any, criterion: Criterion, n_nodes: int) -> tuple[Front, Any]:
    counts = np.bincount(front.places, minlength=n_nodes).astype(float)
    sums = criterion.tally(front.places.astype(np.intp), n_nodes, targets[front.rows], front.weights)
    return front, np.column_stack([counts, sums])


def _park(front: Front, fates: Fates) -> tuple[Front, tuple[tuple[Any, Any, Any], ...]]:
    """Return the rows that go on, and those that are put aside, now or before."""
    jobs = fates.job[front.places]
    aside = jobs >= 0
    parked = front.parked
    if aside.any():
        parked = (*parked, (front.rows[aside], jobs[aside].astype(np.int32), front.weights[aside]))
    goes_on = fates.feature[front.places] >= 0
    return Front(front.rows[goes_on], front.places[goes_on], front.weights[goes_on]), parked


@task
def add_histogram(
    front: Front,
    codes: Any,
    targets: Any,
    criterion: Criterion,
    features: Any,
    position: Any,
    n_bins: int,
    counted: bool,
) -> Any:
    """Add up rows by node, feature and bin.

    Parameters
    ----------
    features : ndarray of shape (n_chosen, n_tried)
        The features to look at, for each of the nodes that are looked at.
    position : ndarray of shape (n_nodes,)
        Which of these each node of the level is; -1 if it is not looked at.
    counted : bool
        Whether the number of rows is wanted too, as the last channel.

    Returns
    -------
    ndarray of shape (n_chosen, n_tried, n_bins, n_channels)
    """
    chosen = position[front.places]
    rows, weights = front.rows, front.weights
    if (position < 0).any():
        inside = np.flatnonzero(chosen >= 0)
        chosen, rows, weights = chosen[inside], rows[inside], weights[inside]
    own, start, flat = targets[rows], rows.astype(np.intp) * codes.shape[1], codes.ravel()
    n_chosen, n_tried = features.shape
    found = np.empty((n_chosen, n_tried, n_bins, criterion.n_channels + counted))
    for tried in range(n_tried):
        keys = flat.take(start + features[:, tried].take(chosen)) + chosen * n_bins
        part = criterion.tally(keys, n_chosen * n_bins, own, weights, whole=False)
        found[:, tried, :, : criterion.n_channels] = part.reshape(n_chosen, n_bins, -1)
        if counted:
            found[:, tried, :, -1] = np.bincount(keys, minlength=n_chosen * n_bins).reshape(n_chosen, n_bins)
    return found


def emit_rows(front: Front, block: ds.Deferred, targets: Any, fates: Fates, ends: Sequence[int]) -> Any:
    """Return, for each group of jobs that ends before a number: jobs, rows, targets and weights."""
    values = to_dense(block.make())
    _, parked = _park(front, fates)
    parked = parked or ((front.rows[:0], front.places[:0], front.weights[:0]),)
    rows, jobs, weights = (np.concatenate(parts) for parts in zip(*parked, strict=True))
    order = np.argsort(jobs, kind="stable")
    groups = np.split(order, np.searchsorted(jobs[order], ends[:-1]))
    pieces = [(jobs[each], values[rows[each]], targets[rows[each]], weights[each]) for each in groups]
    return pieces if len(pieces) > 1 else pieces[0]


def add_arrays(a: Any, b: Any) -> Any:
    """Return the sum of two arrays."""
    return a + b
