"""Settings that hold inside a ``with`` block."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from dsarray._grid import Chunks, as_sizes, auto_chunks, chunks_for
from dsflow import active_session

__all__ = ["config", "default_chunks", "room_for_blocks"]

BLOCKS_PER_SLOT = 16
"""A task should find room for so many blocks in the memory of the session."""

_block_size: ContextVar[int | tuple[int, ...] | None] = ContextVar("block_size", default=None)


@contextlib.contextmanager
def config(*, block_size: int | tuple[int, ...] | None = None) -> Iterator[None]:
    """Set how arrays are cut where no ``block_size`` is given.

    Parameters
    ----------
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each of the first axes; -1 means the whole axis, and axes
        that are not named stay whole. None lets the size of the array decide.

    Raises
    ------
    ValueError
        When it is not that.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> with ds.config(block_size=7):
    ...     ds.array(np.ones((20, 3))).chunks
    ((7, 7, 6), (3,))
    """
    block_size = as_sizes(block_size)
    if block_size is not None:
        n_axes = len(block_size) if isinstance(block_size, tuple) else 1
        chunks_for((1,) * n_axes, block_size, "config")
    token = _block_size.set(block_size)
    try:
        yield
    finally:
        _block_size.reset(token)


def default_chunks(
    shape: tuple[int, ...],
    itemsize: int,
    block_size: int | tuple[int, ...] | None,
    where: str,
    choose: Callable[[tuple[int, ...], int], Chunks] | None = None,
) -> Chunks:
    """Cut a shape as asked, or else as configured, or else as ``choose`` does, by default by its bytes."""
    if block_size is not None:
        return chunks_for(shape, block_size, where)
    configured = _block_size.get()
    if configured is None:
        return (choose or _fitting)(shape, itemsize)
    sizes = configured if isinstance(configured, tuple) else (configured,)
    return chunks_for(shape, (*sizes, *(-1,) * len(shape))[: len(shape)], where)


def _fitting(shape: tuple[int, ...], itemsize: int) -> Chunks:
    return auto_chunks(shape, itemsize, *room_for_blocks())


def room_for_blocks() -> tuple[int, int | None]:
    """Return how many tasks run at a time, and how large their blocks should be at most, in bytes; None if any size."""
    session = active_session()
    if session is None:
        return 1, None
    n_slots, memory_bytes = session.engine.n_slots, session.memory_bytes
    return n_slots, None if memory_bytes is None else max(1, memory_bytes // (BLOCKS_PER_SLOT * n_slots))
