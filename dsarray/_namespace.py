"""Which array library a block belongs to: the only file that names CuPy."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

__all__ = ["namespace", "to_device", "to_host"]


def namespace(block: Any) -> Any:
    """Return the module whose functions take ``block``: NumPy, or CuPy if the block lies on a GPU.

    Sparse matrices of SciPy belong to NumPy.
    """
    return sys.modules["cupy"] if _is_on_device(block) else np


def to_host(block: Any) -> Any:
    """Return the block in main memory; one that lies there is returned as it is."""
    return block.get() if _is_on_device(block) else block


def to_device(block: Any) -> Any:
    """Return the block on the current GPU; one that lies there is returned as it is.

    Raises
    ------
    ModuleNotFoundError
        When CuPy is not installed.
    """
    if _is_on_device(block):
        return block
    import cupy  # noqa: TID251 - the one door to CuPy

    return cupy.asarray(block)


def _is_on_device(block: Any) -> bool:
    return type(block).__module__.partition(".")[0] in ("cupy", "cupyx")
