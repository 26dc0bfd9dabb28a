"""What estimators of neighbors have in common: parts of the rows that are searched, one task for each block of queries.

`fit` joins rows of blocks to parts of up to 32 MiB and prepares each, in one task a part, to be searched; parts stay on
the workers. A call then takes one task for each block of queries and each part, and a tree of tasks that merges, for
each block of queries, what the parts give: k distances, positions and targets a query. Nothing of the size of the
samples reaches the main program. A task holds a block of queries, a part and, for a tree, about as much again. Of a
streamed array no part is kept: each task reads and prepares the part it searches. With distances in place of features
(metric="precomputed"), a row of blocks holds all that is needed of its rows, so there is one part, of targets only; of
sparse distances, those that are not stored are no neighbors'.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import Future, active_session, task, wait_on
from estimators._validation import check_X
from estimators.neighbors._search import (
    Found,
    Metric,
    Part,
    check_finite,
    check_format,
    choose_metric,
    find_nearest,
    find_within,
    make_part,
    merge_found,
    merge_within,
)

__all__ = ["BlockwiseNeighbors", "Queries"]

_PART_BYTES = 1 << 25
"""Size of the parts that rows of blocks are joined to, at most; a larger block is a part of its own."""

_SPARSE_PART_ROWS = 1 << 14
"""Number of rows of the parts that sparse rows of blocks are joined to, at most."""

_indexes: weakref.WeakKeyDictionary[Any, tuple[Any, list[Any]]] = weakref.WeakKeyDictionary()
"""The session and the parts of each model: neither belongs to what is pickled or saved of it."""


class Queries(NamedTuple):
    """What a call asks for."""

    data: ds.Array
    """The queries."""
    n_neighbors: int
    are_fitted: bool
    """True if they are the rows of ``fit``, which are no neighbors of their own."""


class BlockwiseNeighbors:
    """Search among rows in blocks."""

    n_neighbors: Any
    radius: Any
    algorithm: Any
    leaf_size: Any
    metric: Any
    metric_params: Any
    p: Any
    effective_metric_: Any
    effective_metric_params_: Any
    n_samples_fit_: int
    n_features_in_: int
    _fit_X: Any  # noqa: N815 - as scikit-learn names it
    _y: Any = None

    def _check_rows(self, X: Any, *, reset: bool) -> ds.Array:
        check_format(self, X)
        return check_X(self, X, reset=reset)

    def _keep(self, X: Any, rows: ds.Array) -> None:
        """Take note of the rows to search, prepare them and wait until they are checked."""
        metric = choose_metric(self, rows.shape[1], sparse=rows.sparse)
        self.effective_metric_, self.effective_metric_params_ = metric.name, metric.params
        self.n_samples_fit_ = rows.shape[0]
        self._fit_X = rows if isinstance(X, ds.Array) else rows.collect()
        name = type(self).__name__
        if metric.is_given and rows.shape[0] != rows.shape[1]:
            raise ValueError(
                f"{name}: Precomputed matrix must be square. Input is a {rows.shape[0]}x{rows.shape[1]} matrix; "
                "give the distances of all rows."
            )
        if rows.streamed or metric.is_given:
            wait_on(ds.map_row_blocks(check_finite, rows, self._metric, name))
            _indexes.pop(self, None)
        else:
            parts = self._make_parts(rows)
            wait_on([touch(part) for part in parts])

    def _check_learned(self) -> None:
        """Raise an error for what was read from a file and has other rows than it says."""
        if not hasattr(self, "_fit_X"):
            return
        if self._fit_X.shape != (self.n_samples_fit_, self.n_features_in_):
            raise ValueError(f"{self.n_samples_fit_} rows to search have shape {self._fit_X.shape}")
        if self._y is not None and self._y.shape[0] != self.n_samples_fit_:
            raise ValueError(f"{self.n_samples_fit_} rows to search have targets of shape {self._y.shape}")

    @property
    def _metric(self) -> Metric:
        return Metric(self.effective_metric_, dict(self.effective_metric_params_), self.algorithm, self.leaf_size)

    def _make_parts(self, rows: ds.Array) -> list[Any]:
        lengths = self._part_lengths(rows)
        targets = None
        if self._y is not None:
            y = self._y if isinstance(self._y, ds.Array) else ds.array(self._y, block_size=-1)
            columns = y[:, None] if y.ndim == 1 else y
            targets = columns.rechunk((lengths, -1))
        if self._metric.is_given:
            given = Part(self._metric, None, rows.shape[0], None)
            return [given] if targets is None else list(ds.map_row_blocks(_with_targets, targets, given))
        joined, name = rows.rechunk((lengths, -1)), type(self).__name__
        if rows.streamed:
            return list(ds.defer_row_blocks(make_part, joined, targets, self._metric, name))
        parts = list(ds.map_row_blocks(make_part, joined, targets, self._metric, name))
        _indexes[self] = (active_session(), parts)
        return parts

    def _parts(self) -> list[tuple[Any, int]]:
        """Return the parts and where they start; they are prepared anew for another session."""
        rows = self._fit_X if isinstance(self._fit_X, ds.Array) else ds.array(self._fit_X)
        session, parts = _indexes.get(self, (None, []))
        if not parts or session is not active_session():
            parts = self._make_parts(rows)
        return list(zip(parts, np.cumsum((0, *self._part_lengths(rows)))[:-1].tolist(), strict=True))

    def _part_lengths(self, rows: ds.Array) -> tuple[int, ...]:
        return rows.shape[:1] if self._metric.is_given else _part_lengths(rows)

    def _queries(self, X: Any) -> tuple[ds.Array, bool]:
        check_is_fitted(self)
        if X is not None:
            return self._check_rows(X, reset=False), False
        return self._fit_X if isinstance(self._fit_X, ds.Array) else ds.array(self._fit_X), True

    def _search(self, data: ds.Array, function: Callable[..., Any], merge: Callable[..., Any], *args: Any) -> list[Any]:
        """Call a function on each block of queries and each part, and merge by block of queries."""
        parts, name = self._parts(), type(self).__name__
        if data.streamed:
            blocks: list[Any] = list(ds.defer_row_blocks(_checked, data, self._metric, name))
        else:
            blocks = list(ds.map_row_blocks(_checked, data, self._metric, name))
        calls = search_part.named(function.__name__)
        return [
            ds.tree_reduce(merge, [calls(function, block, part, start, *args) for part, start in parts])
            for block in blocks
        ]

    def _nearest(self, X: Any, n_neighbors: int | None = None) -> tuple[list[Future[Found]], Queries]:
        """Return the neighbors of each row of blocks of ``X``, or of the rows of ``fit`` if it is None."""
        data, are_fitted = self._queries(X)
        n_wanted = self._check_count(n_neighbors, are_fitted, data.shape[0])
        n_asked = n_wanted + are_fitted
        found = self._search(data, find_nearest, functools.partial(merge_found, n_neighbors=n_asked), n_asked)
        if are_fitted:
            starts = np.cumsum((0, *data.chunks[0]))[:-1].tolist()
            found = [drop_own(block, start) for block, start in zip(found, starts, strict=True)]
        return found, Queries(data, n_wanted, are_fitted)

    def _check_count(self, given: Any, are_fitted: bool, n_queries: int) -> int:
        n_wanted = self.n_neighbors if given is None else given
        if not isinstance(n_wanted, (int, np.integer)):
            raise TypeError(f"n_neighbors does not take {type(n_wanted)} value, enter integer value")
        if n_wanted <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_wanted}")
        if n_wanted + are_fitted > self.n_samples_fit_:
            sign = "<" if are_fitted else "<="
            raise ValueError(
                f"Expected n_neighbors {sign} n_samples_fit, but n_neighbors = {n_wanted}, "
                f"n_samples_fit = {self.n_samples_fit_}, n_samples = {n_queries}"
            )
        return int(n_wanted)

    def _within(self, X: Any, radius: float | None) -> tuple[list[Future[Any]], ds.Array]:
        data, are_fitted = self._queries(X)
        found = self._search(data, find_within, merge_within, self.radius if radius is None else radius)
        if are_fitted:
            starts = np.cumsum((0, *data.chunks[0]))[:-1].tolist()
            found = [drop_own_within(block, start) for block, start in zip(found, starts, strict=True)]
        return found, data


def _part_lengths(rows: ds.Array) -> tuple[int, ...]:
    """Return the lengths of parts: whole rows of blocks, as many as fit."""
    most = _SPARSE_PART_ROWS if rows.sparse else _PART_BYTES // (rows.shape[1] * rows.dtype.itemsize)
    lengths = [0]
    for length in rows.chunks[0]:
        if lengths[-1] and lengths[-1] + length > most:
            lengths.append(0)
        lengths[-1] += length
    if len(lengths) > 1 and not lengths[-1]:
        lengths.pop()
    return tuple(lengths)


def _with_targets(targets: Any, part: Part) -> Part:
    return part._replace(targets=targets)


def _checked(rows: Any, metric: Metric, name: str) -> Any:
    check_finite(rows, metric, name)
    return rows


def made(block: Any) -> Any:
    """Return a block as it is, or as it is made if it has not been read."""
    return block.make() if isinstance(block, ds.Deferred) else block


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def touch(_part: Any) -> None:
    """Wait for a part, without bringing it."""


@task
def search_part(function: Callable[..., Any], queries: Any, part: Any, *args: Any) -> Any:
    """Call a function on a block of queries and a part."""
    return function(made(queries), made(part), *args)


@task
def drop_own(found: Found, start: int) -> Found:
    """Leave out each query itself; or, if it has more duplicates than neighbors were asked for, the first of them."""
    n_queries, n_found = found.indices.shape
    others = found.indices != np.arange(start, start + n_queries)[:, None]
    others[others.all(axis=1), 0] = False
    shape = (n_queries, n_found - 1)
    targets = found.targets if found.targets is None else found.targets[others].reshape(*shape, -1)
    return Found(found.distances[others].reshape(shape), found.indices[others].reshape(shape), targets)


@task
def drop_own_within(found: Any, start: int) -> Any:
    """Leave out each query itself."""
    queries = np.repeat(np.arange(len(found.counts)), found.counts)
    others = found.indices != queries + start
    counts = np.bincount(queries[others], minlength=len(found.counts))
    return type(found)(counts, found.indices[others], found.distances[others])
