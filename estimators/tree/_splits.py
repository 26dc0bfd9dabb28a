"""The best splits of nodes, of histograms of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import Future, task, wait_on
from estimators.tree._bins import Bins
from estimators.tree._criteria import Criterion
from estimators.tree._histograms import Front, add_arrays, add_histogram

__all__ = ["Binned", "Splits", "find_splits"]

_HISTOGRAM_BYTES = 2**25
"""Of the largest histogram, unless one feature of one node takes more."""


@dataclass(frozen=True)
class Binned:
    """The rows, one element of each list for a row of blocks, and what is added up over them."""

    blocks: Sequence[ds.Deferred]
    codes: Sequence[Future[Any]]
    targets: Sequence[Future[Any]]
    weights: Sequence[Any]
    criterion: Criterion
    bins: Bins


@dataclass(frozen=True)
class Splits:
    """How nodes are best split, an element for each."""

    purity: Any
    """Of the two children together; minus infinity where there is no split."""
    feature: Any
    below: Any
    """The last bin of the left child."""
    above: Any
    """The first bin of the right child, but for NaN."""
    missing_left: Any
    """Whether NaN goes to the left child."""


def find_splits(
    data: Binned, fronts: Sequence[Future[Front]], nodes: Any, n_nodes: int, orders: Any, limits: Limits
) -> Splits:
    """Return the best split of some nodes of a level that has ``n_nodes``.

    ``orders`` has a row for each of ``nodes``, of the features to try: so many as there should be, and if none of them
    splits the node, further ones.
    """
    n_chosen, n_features = orders.shape
    found = _no_splits(n_chosen)
    pending, start, step = np.arange(n_chosen), 0, limits.n_tried
    while len(pending) and start < n_features:
        for part, tried in _cut(pending, min(step, n_features - start), data, limits.counted):
            features = orders[part, start + tried.start : start + tried.stop]
            best = _find_part(data, fronts, nodes[part], n_nodes, features, limits.of(part))
            better = best.purity > found.purity[part]
            for each in fields(Splits):
                getattr(found, each.name)[part[better]] = getattr(best, each.name)[better]
        pending = pending[np.isneginf(found.purity[pending])]
        start, step = start + step, 2 * step
    return found


@dataclass(frozen=True)
class Limits:
    """What splits must leave to children."""

    n_tried: int
    """How many features are tried at first."""
    min_rows: int
    min_weight: Any
    """Of each node."""

    @property
    def counted(self) -> bool:
        """Whether rows must be counted, since it does not suffice that there are any."""
        return self.min_rows > 1

    def of(self, nodes: Any) -> Limits:
        """Return those of some of the nodes."""
        return Limits(self.n_tried, self.min_rows, self.min_weight[nodes])


def _cut(pending: Any, n_tried: int, data: Binned, counted: bool) -> list[tuple[Any, range]]:
    """Return parts of nodes and of features whose histograms are not too large."""
    n_bytes = 8 * data.bins.most_codes * (data.criterion.n_channels + counted)
    most_features = max(1, min(n_tried, _HISTOGRAM_BYTES // n_bytes))
    most_nodes = max(1, _HISTOGRAM_BYTES // (n_bytes * most_features))
    return [
        (pending[node : node + most_nodes], range(tried, min(tried + most_features, n_tried)))
        for node in range(0, len(pending), most_nodes)
        for tried in range(0, n_tried, most_features)
    ]


def _find_part(
    data: Binned, fronts: Sequence[Future[Front]], nodes: Any, n_nodes: int, features: Any, limits: Limits
) -> Splits:
    position = np.full(n_nodes, -1)
    position[nodes] = np.arange(len(nodes))
    n_bins = data.bins.n_bins[features]
    n_codes = int(n_bins.max()) + data.bins.has_missing
    rows = zip(fronts, data.codes, data.targets, strict=True)
    parts = [add_histogram(*each, data.criterion, features, position, n_codes, limits.counted) for each in rows]
    missing = n_bins if data.bins.has_missing else None
    return wait_on(choose_splits(ds.tree_reduce(add_arrays, parts), data.criterion, features, missing, limits))


def _no_splits(n_nodes: int) -> Splits:
    return Splits(np.full(n_nodes, -np.inf), *(np.zeros(n_nodes, dtype=np.intp) for _ in range(4)))


@task
def choose_splits(histogram: Any, criterion: Criterion, features: Any, missing: Any, limits: Limits) -> Splits:
    """Return the best split of each node, the first of those that are equal.

    ``missing`` are the codes of NaN, of shape (n_nodes, n_tried), or None if there is no NaN.
    """
    n_nodes, n_tried, n_codes, _ = histogram.shape
    if n_codes < 2:
        return _no_splits(n_nodes)
    each, tries = np.arange(n_nodes), np.arange(n_tried)
    absent: Any = 0.0
    if missing is not None:
        place = (each[:, None], tries, missing)
        absent = histogram[place][:, :, None]
        histogram = histogram.copy()
        histogram[place] = 0
    left = np.cumsum(histogram, axis=2)[:, :, :-1]
    right = np.cumsum(histogram[:, :, ::-1], axis=2)[:, :, ::-1][:, :, 1:]
    purity = [_rate(left, right + absent, criterion, limits)]
    if missing is not None:
        purity.append(_rate(left + absent, right, criterion, limits))
    options = np.stack(purity, axis=1).reshape(n_nodes, -1)
    best = options.argmax(axis=1)
    goes_left, tried, below = np.unravel_index(best, (len(purity), n_tried, n_codes - 1))
    chosen = histogram[each, tried]
    there = (criterion.weigh(chosen) > 0) & (np.arange(n_codes) > below[:, None])
    above = np.where(there.any(axis=1), there.argmax(axis=1), n_codes)
    is_larger = criterion.weigh(left[each, tried, below]) > criterion.weigh(right[each, tried, below])
    if missing is not None:
        goes_left = np.where(criterion.weigh(absent[each, tried, 0]) > 0, goes_left, is_larger)
    else:
        goes_left = is_larger
    return Splits(options[each, best], features[each, tried], below, above, goes_left)


def _rate(left: Any, right: Any, criterion: Criterion, limits: Limits) -> Any:
    """Return the purity of each way to split, minus infinity where children would be too small."""
    counts = [side[..., -1] for side in (left, right)]
    left, right = left[..., : criterion.n_channels], right[..., : criterion.n_channels]
    least = np.minimum(criterion.weigh(left), criterion.weigh(right))
    good = (least > 0) & (least >= limits.min_weight[:, None, None])
    if limits.counted:
        good &= np.minimum(*counts) >= limits.min_rows
    return np.where(good, criterion.purity(left) + criterion.purity(right), -np.inf)
