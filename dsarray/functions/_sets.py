"""Arrays as sets: which elements are in one, in both, in either of two arrays.

The distinct elements of both are merged by one exchange (`_exchange`), of which each task gives the elements that are
wanted there. Sizes are counted at once, so that shapes are always ints; what comes to main is one count a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array
from dsarray._cell import Cell, make_cells
from dsarray._elementwise import as_dense
from dsarray._grid import Lengths
from dsarray._registry import implements
from dsarray._tree import tree_cell
from dsarray.functions import _exchange
from dsarray.functions._exchange import Runs, chain
from dsarray.functions._sort import element_counts
from dsarray.functions._unique import Groups, count_at_once, group_equals, join_counted, starts_of, totals_of, unique

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["isin"]


def _compare(
    left: Array, right: Array, sides: tuple[int, ...], companions: Sequence[Array] | None = None
) -> tuple[list[Cell], Lengths]:
    """Find the elements that are in one, in the other, or in both of two arrays of one type.

    Parameters
    ----------
    left, right : Array
        Of one axis, in order and without equal elements. NaN is equal to nothing.
    sides : tuple of int
        1 for elements of the left alone, 2 for those of the right alone, 3 for those of both.
    companions : sequence of Array, optional
        What accompanies the elements of each, in the same blocks.

    Returns
    -------
    matches : list of Cell
        Merged elements, and which of them are wanted.
    lengths : tuple of int
        How many these are.
    """
    runs = []
    for side, a in enumerate((left, right), 1):
        further = [companions[side - 1]] if companions else []
        columns = zip(*[each._cells.flat for each in (a, *further)], strict=True)
        runs += [Cell.of(_with_side, side, *cells) for cells in columns]
    lengths = left.chunks[0] + right.chunks[0]
    groups = group_equals(Runs(tuple(runs), lengths), max(1, *lengths), equal_nan=False)
    matches = [Cell.of(_match, each, sides, anchor=True) for each in groups]
    return matches, count_at_once([Cell.of(_n_matches, each) for each in matches])


def _with_side(side: int, values: Any, *companions: Any) -> tuple[Any, ...]:
    return values, np.full_like(values, side, dtype=np.int8), *companions


def _match(groups: Groups, sides: tuple[int, ...]) -> tuple[tuple[Any, ...], Any]:
    wanted = np.isin(totals_of(groups, 1), np.asarray(sides))
    return groups.columns, starts_of(groups)[wanted]


def _n_matches(matches: tuple[tuple[Any, ...], Any]) -> int:
    return len(matches[1])


def _matched(matches: tuple[tuple[Any, ...], Any], column: int, further: int = 0) -> Any:
    """Return a column of what matches, or of what comes that much further on."""
    columns, positions = matches
    return columns[column][positions + further]


def _of_one_type(*arrays: Array) -> tuple[Array, ...]:
    dtype = np.result_type(*[a.dtype for a in arrays])
    return tuple(a.astype(dtype) for a in arrays)


def _in_order(found: list[dict[str, Array]]) -> list[Array]:
    """Return what two arrays hold, of one type and in order; numbers have another order when they become text."""
    ordered = []
    for each, values in zip(found, _of_one_type(*[each["value"] for each in found]), strict=True):
        again = {"value": values}
        if values.dtype.kind in "SU" and each["value"].dtype.kind not in "SU":
            again = unique(values, index="index" in each)
            if "index" in each:
                each["index"] = each["index"][again["index"]]
        ordered.append(again["value"])
    return ordered


def isin(elements: Array, tests: Array, *, invert: bool = False) -> Array:
    """Return whether each element is among others; blocks are tested against blocks."""
    sizes = element_counts(tests)
    groups = _exchange.group_blocks(sizes, tests.itemsize)
    flat = tests._cells.ravel()
    parts = [Cell.of(_chained, *flat[group], anchor=True) for group in groups]
    if len(parts) > 1 and not elements.streamed:
        for cell in elements._cells.flat:
            cell.anchor = True
    found = [
        tree_cell(np.logical_or, [Cell.of(np.isin, cell, part) for part in parts]) for cell in elements._cells.flat
    ]
    cells = [Cell.of(np.logical_not, cell) for cell in found] if invert else found
    return _array.Array(make_cells(elements.grid, cells), elements.chunks, bool)


def _chained(*blocks: Any) -> Any:
    return chain(blocks)


# --- NumPy's functions -----------------------------------------------------------------------------------------------


@implements(np.isin)
def _isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Array:
    elements, tests = as_dense(element, "np.isin"), as_dense(test_elements, "np.isin")
    np.isin(np.empty(0, elements.dtype), np.empty(0, tests.dtype), assume_unique, invert, kind=kind)  # what is an error
    return isin(elements, tests, invert=invert)


@implements(np.union1d)
def _union(ar1: Any, ar2: Any) -> Array:
    left, right = _of_one_type(as_dense(ar1, "np.union1d"), as_dense(ar2, "np.union1d"))
    return unique(_concatenated(left, right))["value"]


def _concatenated(left: Array, right: Array) -> Array:
    """Return the elements of two arrays, in any order."""
    sizes = element_counts(left) + element_counts(right)
    cells = [Cell.of(np.ravel, cell) for a in (left, right) for cell in a._cells.flat]
    return _array.Array(make_cells((len(cells),), cells), (sizes,), left.dtype)


@implements(np.intersect1d)
def _intersect(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    del assume_unique  # what holds if it is true holds anyhow
    found = [unique(as_dense(each, "np.intersect1d"), index=return_indices) for each in (ar1, ar2)]
    left, right = _in_order(found)
    matches, lengths = _compare(left, right, (3,), [each["index"] for each in found] if return_indices else None)
    values = join_counted([Cell.of(_matched, each, 0) for each in matches], lengths, left.dtype)
    if not return_indices:
        return values
    positions = [[Cell.of(_matched, each, 2, further) for each in matches] for further in (0, 1)]
    return values, *[join_counted(cells, lengths, np.intp) for cells in positions]


@implements(np.setxor1d)
def _symmetric_difference(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    del assume_unique
    left, right = _in_order([unique(as_dense(each, "np.setxor1d")) for each in (ar1, ar2)])
    matches, lengths = _compare(left, right, (1, 2))
    return join_counted([Cell.of(_matched, each, 0) for each in matches], lengths, left.dtype)


@implements(np.setdiff1d)
def _difference(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    left, right = as_dense(ar1, "np.setdiff1d"), as_dense(ar2, "np.setdiff1d")
    if assume_unique or left.dtype != right.dtype:
        kept = left.ravel() if assume_unique else unique(left)["value"]
        return kept[isin(kept, right, invert=True)]
    matches, lengths = _compare(unique(left)["value"], unique(right)["value"], (1,))
    return join_counted([Cell.of(_matched, each, 0) for each in matches], lengths, left.dtype)
