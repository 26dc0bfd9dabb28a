"""Rows of blocks: what estimators work on, one task each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dsarray import _array, _rechunk
from dsarray._blocks import start_own
from dsarray._cell import Cell, start_cells
from dsarray._deferred import Deferred, defer_cells
from dsarray._namespace import Kernel
from dsflow import Future, Task

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["defer_row_blocks", "map_row_blocks", "row_blocks"]


def row_blocks(a: Array, lengths: Sequence[int] | None = None) -> list[Future[Any]]:
    """Start the rows of blocks, each joined along all other axes, and return their Futures."""
    return start_own(_row_cells(a, lengths, "row_blocks"))


def map_row_blocks(function: Callable[..., Any], *args: Any) -> list[Future[Any]]:
    """Call a function on each row of blocks, together with what is left to compute of the arrays, in one task each.

    What is left to compute is computed anew by each call; to work on the same rows again and again, take
    ``row_blocks()`` once and pass its Futures to tasks.

    Parameters
    ----------
    function : callable
        It may return anything.
    *args
        Its arguments. Arrays give one row of blocks at a time, joined along all other axes and cut as the first of
        them; anything else, a Future too, is passed to each call.

    Returns
    -------
    list of Future
        What the calls return, in the order of the rows.

    Raises
    ------
    ValueError
        When there is no array, or the arrays have different numbers of rows.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.array(np.ones((6, 2)), block_size=3)
    >>> from dsflow import wait_on
    >>> wait_on(ds.map_row_blocks(lambda rows, scale: float(rows.sum() * scale), x + 1, 10))
    [120.0, 120.0]
    """
    return start_cells(_calls(function, args, "map_row_blocks"))


def defer_row_blocks(function: Callable[..., Any], *args: Any) -> list[Deferred]:
    """Record the calls of `map_row_blocks`; pass each to tasks, which call its ``make()`` to have the result.

    This is for arrays that are read from where they are stored, again and again, because they may be larger than
    memory: the rows exist only inside of the tasks.

    Parameters
    ----------
    function, *args
        As in `map_row_blocks`.

    Returns
    -------
    list of Deferred
        One for each row of blocks, in order.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> from dsflow import task, wait_on
    >>> @task
    ... def add_up(rows):
    ...     return float(rows.make().sum())
    >>> x = ds.array(np.ones((6, 2)), block_size=3)
    >>> wait_on([add_up(rows) for rows in ds.defer_row_blocks(np.negative, x)])
    [-6.0, -6.0]
    """
    return defer_cells(_calls(function, args, "defer_row_blocks"))


def _calls(function: Callable[..., Any], args: Sequence[Any], where: str) -> list[Cell]:
    arrays = [arg for arg in args if isinstance(arg, _array.Array)]
    if not arrays:
        raise ValueError(f"{where}: none of the arguments is an Array; call the function itself.")
    lengths = arrays[0].chunks[0] if arrays[0].chunks else None
    rows = {id(a): _row_cells(a, lengths, where) for a in arrays}
    function = function.__wrapped__ if isinstance(function, Task) else function
    n_rows = len(next(iter(rows.values())))
    return [
        Cell.of(Kernel(function), *[rows[id(arg)][row] if id(arg) in rows else arg for arg in args])
        for row in range(n_rows)
    ]


def _row_cells(a: Array, lengths: Sequence[int] | None, where: str) -> list[Cell]:
    if not a.chunks:
        raise ValueError(f"{where}: a 0-dimensional array has no rows; use blocks[()].")
    wanted = tuple(lengths) if lengths is not None else a.chunks[0]
    if sum(wanted) != a.shape[0] or min(wanted) < 0:
        raise ValueError(
            f"{where}: {sum(wanted)} rows are asked of an array of shape {a.shape}; they must be all of it."
        )
    joined = _rechunk.to_chunks(a, (wanted, *((length,) for length in a.shape[1:])))
    return list(joined._cells.flat)
