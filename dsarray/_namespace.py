"""The one door to array libraries: whose a block is, how it gets there and back, and how kernels see it.

Kernels are written once, in NumPy's words. A block of CuPy, or of another library whose arrays have
``__array_namespace__``, is wrapped where it enters a program (`dsarray.foreign`), so that these words mean functions of
the library. Between tasks, blocks of CuPy and others that speak NumPy's words lie as they are; those of other libraries
stay wrapped, so that the kernels of estimators need not know them. This is the only file that names CuPy.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dsarray.foreign import Dialect, Foreign, Library, fallbacks, on_host

__all__ = [
    "Foreign",
    "Kernel",
    "adopt",
    "as_array",
    "at_rest",
    "dtype_of",
    "fallbacks",
    "is_foreign",
    "is_on_device",
    "leaving_library",
    "namespace",
    "native",
    "put_like",
    "to_device",
    "to_host",
]


def namespace(block: Any) -> Any:
    """Return the module whose functions take ``block``: NumPy, CuPy if it lies on a GPU, or that of its library.

    Sparse matrices of SciPy belong to NumPy. Inside of dsarray's own kernels, it is NumPy's functions for all of them.
    """
    if isinstance(block, Foreign):
        return _dialect(block.library)
    if type(block) is np.ndarray:
        return np
    if is_on_device(block):
        return sys.modules["cupy"]
    library = Library.of(block)
    return np if library is None else library.module


@functools.cache
def _dialect(library: Library) -> Dialect:
    return Dialect(library)


def to_host(block: Any) -> Any:
    """Return the block in main memory, as an ndarray; one that lies there is returned as it is."""
    if is_foreign(block):
        return on_host(block)
    return block.get() if is_on_device(block) else block


def to_device(block: Any) -> Any:
    """Return the block on the current GPU; one that lies there is returned as it is.

    Raises
    ------
    ModuleNotFoundError
        When CuPy is not installed.
    """
    if is_on_device(block):
        return block
    import cupy  # noqa: TID251 - the one door to CuPy

    return cupy.asarray(to_host(block))


def is_on_device(block: Any) -> bool:
    """Return whether a block is CuPy's, wrapped or not."""
    block = block.native if isinstance(block, Foreign) else block
    return type(block).__module__.partition(".")[0] in ("cupy", "cupyx")


# --- how kernels see a block -----------------------------------------------------------------------------------------


def is_foreign(block: Any) -> bool:
    """Return whether a block is an array of another library, wrapped or not."""
    return isinstance(block, Foreign) or Library.of(block) is not None


def adopt(block: Any) -> Any:
    """Return a block as kernels see it: wrapped if it is of another library."""
    library = Library.of(block)
    return block if library is None else Foreign(block, library)


def dtype_of(block: Any) -> np.dtype[Any]:
    """Return the type of the elements of a block, as NumPy has it."""
    library = None if isinstance(block.dtype, np.dtype) else Library.of(block)
    known: np.dtype[Any] = block.dtype if library is None else library.dtype_of(block)
    return known


def native(block: Any) -> Any:
    """Return a block as its library has it."""
    return block.native if isinstance(block, Foreign) else block


def at_rest(block: Any) -> Any:
    """Return a block as it lies between tasks: in NumPy's clothes if its library does not speak NumPy's words."""
    return block.native if isinstance(block, Foreign) and block.library.speaks_numpy else block


def leaving_library(function: Any) -> Any:
    """Mark a function whose ndarrays shall not be put back into the library of its operands."""
    function.leaves_library = True
    return function


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function of somebody else's, given blocks as they lie between tasks; what it returns stays what it is."""

    func: Callable[..., Any]
    leaves_library: ClassVar[bool] = True

    def __call__(self, *args: Any) -> Any:
        return self.func(*map(at_rest, args))


def put_like(value: Any, block: Any) -> Any:
    """Return an ndarray in the library of a block."""
    return namespace(block).asarray(value) if isinstance(block, Foreign) else value


def as_array(value: Any) -> Any:
    """Return a block as it is, or whatever NumPy makes an ndarray of."""
    value = adopt(value)
    return value if isinstance(value, Foreign) else np.asarray(value)
