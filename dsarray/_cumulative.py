"""Sums, products and extremes of the elements up to each one.

Each block scans itself, in a task; a carry of the size of a lane's last elements goes from block to block, and is
combined with each scan in the task that needs it. Functions that are not associative go from block to block whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _elementwise, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._reductions import ASSOCIATIVE

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["accumulate"]


def accumulate(ufunc: np.ufunc, a: Array, axis: int, *, dtype: Any = None, out: Any = None) -> Any:
    """Do what ``ufunc.accumulate`` means."""
    name = f"np.{ufunc.__name__}.accumulate"
    if a.sparse:
        raise _sparse.refuse(name)
    if dtype is None and isinstance(out, _array.Array):  # of which it has a say, as in NumPy
        dtype = ufunc(np.ones(1, out.dtype), np.ones(1, a.dtype)).dtype
    with np.errstate(all="ignore"):
        known = ufunc.accumulate(np.ones((1,) * a.ndim, a.dtype), axis=axis, dtype=dtype).dtype
    axis = normalize_axis_index(axis, a.ndim)
    if known.kind in "OV":
        raise TypeError(f"{name}: a result of dtype {known} is not supported.")
    call = (ufunc, axis, dtype, known)
    cells = np.empty(a.grid, dtype=object)
    lanes = [n for i, n in enumerate(a.grid) if i != axis]
    for lane in np.ndindex(*lanes):
        index = (*lane[:axis], slice(None), *lane[axis:])
        scan = _scan_lane if ufunc in ASSOCIATIVE else _chain_lane
        cells[index] = scan(a._cells[index], a.chunks[axis], call)
    return _elementwise.store(_array.Array(cells, a.chunks, known), out, name, "unsafe")


Call = tuple[np.ufunc, int, Any, np.dtype[Any]]
"""The function, the axis, the type to compute in if the user gave one, and that of the result."""


def _scan_lane(cells: Any, lengths: tuple[int, ...], call: Call) -> Any:
    scans = [Cell.of(_scan, cell, call, anchor=len(cells) > 1) for cell in cells]
    full_blocks = [i for i, length in enumerate(lengths) if length]
    results = list(scans)
    carry = None
    for i in full_blocks:
        scan = scans[i]
        if carry is not None:
            results[i] = Cell.of(_combine, carry, scan, call)
        if i != full_blocks[-1]:
            carry = Cell.of(_last, scan, carry, call, anchor=True)
    return make_cells((len(cells),), results)


def _scan(block: Any, call: Call) -> Any:
    ufunc, axis, dtype, known = call
    return ufunc.accumulate(block, axis=axis, dtype=dtype).astype(known, copy=False)


def _last(scan: Any, carry: Any, call: Call) -> Any:
    """The carry for the next block."""
    last = scan[(*(slice(None),) * call[1], slice(-1, None))]
    return last.copy() if carry is None else _combine(carry, last, call)


def _combine(carry: Any, scan: Any, call: Call) -> Any:
    return call[0](carry, scan).astype(call[3], copy=False)


def _chain_lane(cells: Any, lengths: tuple[int, ...], call: Call) -> Any:
    results = []
    before = None
    for cell, length in zip(cells, lengths, strict=True):
        result = Cell.of(_scan_on, cell, before, call, anchor=True)
        results.append(result)
        if length:
            before = Cell.of(_last, result, None, call, anchor=True)
    return make_cells((len(cells),), results)


def _scan_on(block: Any, before: Any, call: Call) -> Any:
    if before is None:
        return _scan(block, call)
    axis = call[1]
    joined = np.concatenate([before, block.astype(call[3])], axis=axis)
    return _scan(joined, call)[(*(slice(None),) * axis, slice(1, None))]
