"""The distinct elements of an array.

Each block finds its own; these are merged by one exchange (`_exchange`), of which each task gives the elements that
are new there. Sizes are counted at once, so that shapes are always ints; what comes to main is one count a block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _rechunk, _reshape
from dsarray._cell import Cell, make_cells, start_cells
from dsarray._elementwise import as_dense
from dsarray._grid import Lengths, cut, offsets
from dsarray._registry import implements
from dsarray.functions import _exchange
from dsarray.functions._exchange import Runs, chain
from dsarray.functions._sort import element_counts
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["Groups", "count_at_once", "group_equals", "join_counted", "starts_of", "totals_of", "unique"]

Columns = tuple[str, ...]
"""What is known of each element of a run: its "value", maybe its "index" and "count", and the "run" itself."""


def unique(
    a: Array, *, index: bool = False, inverse: bool = False, counts: bool = False, equal_nan: bool = True
) -> dict[str, Array]:
    """Find the distinct elements of an array; they are counted at once.

    Returns
    -------
    dict
        "value": in order; if wanted, "index": position of the first of each among all elements; "inverse": for each
        element of the array the place of its value; "count": how often each occurs.
    """
    flat = a.ravel() if index or inverse else a
    sizes = element_counts(flat)
    starts = offsets(sizes)
    names = ("value", *("index",) * index, *("count",) * counts, *("run",) * inverse)
    blocks = _exchange.group_blocks(sizes, a.itemsize)
    finders = [
        Cell.of(_find, names, equal_nan, starts[group.start], number, *flat._cells.ravel()[group], anchor=True)
        for number, group in enumerate(blocks)
    ]
    runs = _runs_of(finders)
    lengths = tuple(starts[group.stop] - starts[group.start] for group in blocks)
    groups = group_equals(runs, max(1, *lengths), equal_nan)
    n_fresh = count_at_once([Cell.of(_n_starts, each) for each in groups])
    result = {"value": join_counted([Cell.of(_firsts, each, 0) for each in groups], n_fresh, a.dtype)}
    if index:
        column = names.index("index")
        result["index"] = join_counted([Cell.of(_firsts, each, column) for each in groups], n_fresh, np.intp)
    if counts:
        column = names.index("count")
        result["count"] = join_counted([Cell.of(totals_of, each, column) for each in groups], n_fresh, np.intp)
    if inverse:
        result["inverse"] = _inverse(finders, lengths, groups, n_fresh).reshape(a.shape)
    return result


def unique_along(a: Array, axis: int, **wanted: bool) -> dict[str, Array]:
    """Find the distinct slices along an axis, in the order of their elements; see `unique`. NaN differs from NaN.

    A slice is an element of a structured type; those along the axis are cut into blocks, and each of them is whole.
    """
    front = _reshape.move_axis(a, normalize_axis_index(axis, a.ndim), 0)
    width = math.prod(front.shape[1:])
    lengths = front.chunks[0] if front.shape[0] * width else (front.shape[0],)
    rows = _rechunk.to_chunks(_reshape.reshape(front, (front.shape[0], width)), (lengths, (width,)))
    record = np.dtype([(f"f{column}", a.dtype) for column in range(width)])
    records = [Cell.of(_as_records, cell, record) for cell in rows._cells.flat]
    found = unique(_array.Array(make_cells((len(records),), records), (lengths,), record), **wanted, equal_nan=False)
    values = found["value"]
    cells = [Cell.of(_as_rows, cell, a.dtype, width) for cell in values._cells.flat]
    joined = _array.Array(make_cells((len(cells), 1), cells), (values.chunks[0], (width,)), a.dtype)
    whole = _reshape.reshape(joined, (values.shape[0], *front.shape[1:]))
    found["value"] = _reshape.move_axis(whole, 0, normalize_axis_index(axis, a.ndim))
    return found


def _as_records(rows: Any, record: np.dtype[Any]) -> Any:
    return np.ascontiguousarray(rows).view(record)[:, 0] if record.itemsize else np.empty(len(rows), record)


def _as_rows(records: Any, dtype: np.dtype[Any], width: int) -> Any:
    return records.view(dtype).reshape(len(records), width) if width else np.empty((len(records), 0), dtype)


def _find(names: Columns, equal_nan: bool, start: int, number: int, *blocks: Any) -> tuple[Any, Any]:
    """Return what is distinct in blocks, as columns, and the places of their elements among it."""
    wanted = ("index" in names, "run" in names, "count" in names)
    find: Any = np.unique
    found = find(chain(blocks), *wanted, equal_nan=equal_nan)
    named = dict(zip(_NUMPYS[wanted], found if isinstance(found, tuple) else (found,), strict=True))
    named["run"] = np.full_like(named["value"], number, dtype=np.intp)
    if "index" in named:
        named["index"] = named["index"] + start
    return tuple(named[name] for name in names), named.get("inverse")


_NUMPYS = {
    (index, inverse, counts): ("value", *("index",) * index, *("inverse",) * inverse, *("count",) * counts)
    for index in (False, True)
    for inverse in (False, True)
    for counts in (False, True)
}
"""What `numpy.unique` returns for what is wanted."""


def _runs_of(finders: Sequence[Cell]) -> Runs:
    runs = tuple(_exchange.take_array(finder) for finder in finders)
    return Runs(runs, count_at_once([Cell.of(_length, run) for run in runs]))


def _length(run: tuple[Any, ...]) -> int:
    return len(run[0])


def count_at_once(cells: Sequence[Cell]) -> Lengths:
    """Bring counts here, one a block."""
    return tuple(map(int, wait_on(start_cells(cells))))


def join_counted(cells: Sequence[Cell], lengths: Lengths, dtype: Any) -> Array:
    for cell in cells:
        cell.anchor = True
    return _array.Array(make_cells((len(cells),), cells), (lengths,), dtype)


# --- groups of equal elements ----------------------------------------------------------------------------------------


class Groups(NamedTuple):
    """A range of merged elements, and around it what is equal to its first and last ones."""

    columns: tuple[Any, ...]
    """Values, and what accompanies them."""
    fresh: Any
    """True where an element differs from the one before."""
    own: slice
    """The range proper. A group of equal elements belongs to the range in which it starts."""


def group_equals(runs: Runs, size: int, equal_nan: bool) -> list[Cell]:
    """Merge runs, each of distinct elements, to ranges of a given size, and find where groups of equal ones start.

    No group has more elements than there are runs, so a range and as many after it hold its groups whole.
    """
    n = sum(runs.lengths)
    own = _exchange.ranges_of(cut(n, size))
    wider = [(max(0, start - 1), min(n, stop + len(runs.cells))) for start, stop in own]
    merged = _exchange.select_ranks(runs, wider, len(wider))
    return [
        Cell.of(_group, cell, slice(start - first, stop - first), equal_nan, anchor=True)
        for cell, (start, stop), (first, _) in zip(merged, own, wider, strict=True)
    ]


def _group(merged: tuple[Any, ...], own: slice, equal_nan: bool) -> Groups:
    values = merged[0]
    fresh = np.ones_like(values, dtype=bool)
    fresh[1:] = values[1:] != values[:-1]
    if equal_nan:
        is_nan = np.not_equal(values, values)
        fresh[1:] &= ~(is_nan[1:] & is_nan[:-1])
    return Groups(merged, fresh, own)


def starts_of(groups: Groups) -> Any:
    """Return where the groups of a range start."""
    return np.flatnonzero(groups.fresh[groups.own]) + groups.own.start


def _n_starts(groups: Groups) -> int:
    return int(np.count_nonzero(groups.fresh[groups.own]))


def _firsts(groups: Groups, column: int) -> Any:
    return groups.columns[column][starts_of(groups)]


def totals_of(groups: Groups, column: int) -> Any:
    """Add up a column over each group of a range."""
    starts = np.flatnonzero(groups.fresh)
    values = groups.columns[column]
    totals = np.add.reduceat(values, starts) if len(values) else values
    return totals[(starts >= groups.own.start) & (starts < groups.own.stop)]


# --- the place of each element ---------------------------------------------------------------------------------------


def _inverse(finders: Sequence[Cell], lengths: Lengths, groups: Sequence[Cell], n_fresh: Lengths) -> Array:
    """Return the place of the value of each element: what the groups know goes back to the runs."""
    placed = [Cell.of(_places, each, start, anchor=True) for each, start in zip(groups, offsets(n_fresh), strict=False)]
    cells = []
    for number, finder in enumerate(finders):
        pieces = [Cell.of(_places_of_run, each, number, anchor=True) for each in placed]
        cells.append(Cell.of(_look_up, finder, *pieces))
    return join_counted(cells, lengths, np.intp)


def _places(groups: Groups, start: int) -> tuple[Any, Any]:
    """Return the place of the value of each element of a range, and the run that it comes from."""
    return np.cumsum(groups.fresh[groups.own]) + (start - 1), groups.columns[-1][groups.own]


def _places_of_run(placed: tuple[Any, Any], number: int) -> Any:
    places, runs = placed
    return places[runs == number]


def _look_up(found: tuple[Any, Any], *pieces: Any) -> Any:
    return np.concatenate(pieces)[found[1]]


# --- NumPy's functions -----------------------------------------------------------------------------------------------


@implements(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    **options: bool,
) -> Any:
    array = as_dense(ar, "np.unique")
    if set(options) - {"sorted"}:  # which may be False, but what is in order is right then too
        raise TypeError(f"np.unique: unexpected keyword argument {min(set(options) - {'sorted'})!r}.")
    wanted = {"index": return_index, "inverse": return_inverse, "counts": return_counts}
    if axis is None or (normalize_axis_index(axis, array.ndim), array.ndim) == (0, 1):
        found = unique(array, **wanted, equal_nan=equal_nan)
    else:
        found = unique_along(array, axis, **wanted)
    results = tuple(found[name] for name in ("value", "index", "inverse", "count") if name in found)
    return results if len(results) > 1 else results[0]


def _like_numpys(function: Any, found: dict[str, Array], *names: str) -> Any:
    """Return the named tuple that one of NumPy's functions returns."""
    return type(function(np.empty(0)))(*[found[name] for name in names])


@implements(np.unique_values)
def _unique_values(x: Any) -> Array:
    return unique(as_dense(x, "np.unique_values"), equal_nan=False)["value"]


@implements(np.unique_counts)
def _unique_counts(x: Any) -> Any:
    found = unique(as_dense(x, "np.unique_counts"), counts=True, equal_nan=False)
    return _like_numpys(np.unique_counts, found, "value", "count")


@implements(np.unique_inverse)
def _unique_inverse(x: Any) -> Any:
    found = unique(as_dense(x, "np.unique_inverse"), inverse=True, equal_nan=False)
    return _like_numpys(np.unique_inverse, found, "value", "inverse")


@implements(np.unique_all)
def _unique_all(x: Any) -> Any:
    found = unique(as_dense(x, "np.unique_all"), index=True, inverse=True, counts=True, equal_nan=False)
    return _like_numpys(np.unique_all, found, "value", "index", "inverse", "count")
