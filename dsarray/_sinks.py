"""Where values leave an array: collecting, and the conversions that Python and NumPy ask for."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dsarray._cell import Reading, start_cells
from dsarray._grid import block_indices, block_shape, offsets
from dsarray._namespace import to_host
from dsarray._rechunk import check_block
from dsarray._sparse import join_sparse
from dsflow import Future, active_session, wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["as_ndarray", "check_budget", "collect", "scalar"]


BATCH = 16
"""Blocks that are brought here together."""


def collect(a: Array) -> Any:
    """Bring all elements here, as an ndarray or a CSR matrix of the caller's own."""
    futures = start_cells(a._cells.flat)
    if a.sparse:
        matrices = wait_on(futures)
        for matrix, place in zip(matrices, block_indices(a.chunks), strict=True):
            check_block(matrix, block_shape(a.chunks, place), sparse=True)
        return join_sparse(a.chunks, matrices)
    if len(futures) == 1:
        block = to_host(wait_on(futures[0]))
        check_block(block, a.shape, a.dtype)
        return block if block.flags.writeable else block.copy()
    collected = np.empty(a.shape, dtype=a.dtype)
    bounds = [itertools.pairwise(offsets(lengths)) for lengths in a.chunks]
    places = list(itertools.product(*bounds))
    for first in range(0, len(futures), BATCH):
        blocks = _values(futures[first : first + BATCH], futures)
        for block, index in zip(blocks, places[first : first + BATCH], strict=True):
            check_block(block, tuple(stop - start for start, stop in index), a.dtype)
            collected[tuple(slice(start, stop) for start, stop in index)] = block
    return collected


def _values(batch: list[Future[Any]], futures: list[Future[Any]]) -> list[Any]:
    try:
        return [to_host(block) for block in wait_on(batch)]
    except BaseException:
        for future in futures:  # the failures of all blocks are told by this one
            future.add_done_callback(Future.exception)
        raise


def check_budget(a: Array, where: str) -> None:
    """Refuse a conversion that the user has not asked for by name, if it would exceed the session's memory.

    Raises
    ------
    MemoryError
        When it would.
    """
    session = active_session()
    budget = session.memory_bytes if session is not None else None
    if budget is not None and a.nbytes > budget:
        raise MemoryError(
            f"{where}: the array of shape {a.shape} has {a.nbytes} bytes, more than the {budget} bytes of the session; "
            "reduce or slice it first, save it to files, or call collect() if it shall come here."
        )


def block_values(a: Array) -> list[Any]:
    """Return the blocks in C order, for a pickle of the user's; of what is read, how to read it.

    Raises
    ------
    MemoryError
        When they exceed the session's memory.
    """
    readings = [cell.state if isinstance(cell.state, Reading) else None for cell in a._cells.flat]
    if not all(readings):
        check_budget(a, "pickle")
    computed = [cell for cell, reading in zip(a._cells.flat, readings, strict=True) if reading is None]
    values = iter(wait_on(start_cells(computed)))
    return [next(values) if reading is None else reading for reading in readings]


def as_ndarray(a: Array, dtype: npt.DTypeLike | None, copy: bool | None) -> npt.NDArray[Any]:
    """Convert to an ndarray, for NumPy."""
    if copy is False:
        raise ValueError("Array: its values have to be copied to become an ndarray; leave copy=False away.")
    if a.sparse:
        raise TypeError("Array: a sparse array does not become an ndarray by itself; use to_dense() or collect().")
    check_budget(a, "np.asarray")
    collected: npt.NDArray[Any] = collect(a)
    return collected if dtype is None else collected.astype(dtype, copy=False)


def scalar(a: Array, where: str, convert: Callable[[Any], Any], error: type[Exception] = TypeError) -> Any:
    """Convert the only element of an array.

    Raises
    ------
    TypeError or ValueError
        When there is more than one, or none.
    """
    if a.size != 1:
        advice = "use any() or all()" if convert is bool else "index or reduce it first"
        raise error(f"{where}: an array of shape {a.shape} is not one value; {advice}.")
    collected = a.to_dense().collect() if a.sparse else collect(a)
    return convert(collected)
