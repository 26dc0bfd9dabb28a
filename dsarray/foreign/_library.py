"""An array library other than NumPy: its module, its types, and how elements get there and back."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

__all__ = ["REFUSALS", "Library", "Lifted", "UnsupportedError", "on_host"]


class UnsupportedError(TypeError):
    """What a library does not do."""


REFUSALS = (AttributeError, IndexError, NotImplementedError, OverflowError, TypeError, ValueError)
"""What a library may raise that does not do something; NumPy then does it, or raises what it would."""

_OURS = ("numpy", "dsarray", "dsflow", "builtins")

_MODULES: dict[type, Any] = {}
"""The module of the functions that take arrays of a type; None if that is NumPy, or if it is no type of arrays."""


def _module_of(value: Any) -> Any:
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    if isinstance(value, np.ndarray) or package in _OURS:
        return None
    if package == "cupy":
        return sys.modules["cupy"]
    return value.__array_namespace__() if hasattr(kind, "__array_namespace__") else None


class Lifted:
    """An array of a library, in the clothes in which kernels see it.

    Attributes
    ----------
    native : array
        The library's own.
    library : Library
    """

    __slots__ = ("library", "native")

    def __init__(self, native: Any, library: Library) -> None:
        self.native = native
        self.library = library

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of elements, as NumPy has it."""
        return self.library.dtype_of(self.native)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        return tuple(self.native.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.native.shape)


class Library:
    """An array library other than NumPy.

    Attributes
    ----------
    module : module
        It has functions that take its arrays.
    name : str
    speaks_numpy : bool
        True if these are called as those of NumPy, and its types are NumPy's; else they are those of the array API
        standard.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self.name: str = module.__name__
        self.speaks_numpy = hasattr(module, "ufunc")

    @staticmethod
    def of(value: Any) -> Library | None:
        """Return the library of an array; None if that is NumPy, or if it is no array."""
        kind = type(value)
        try:
            module = _MODULES[kind]
        except KeyError:
            module = _MODULES[kind] = _module_of(value)
        return None if module is None else _library(module)

    def find(self, function: Any, method: str) -> Any:
        """Return the function that has the name of one of NumPy's; raise UnsupportedError if there is none."""
        path = _path_of(function)
        place = self.module if path is not None else None
        for name in (*(path or ()), *([method] if method != "__call__" else [])):
            place = getattr(place, name, None)
        if place is None:
            raise UnsupportedError(f"{self.name} has no {getattr(function, '__name__', function)}.")
        return place

    # --- types -------------------------------------------------------------------------------------------------------

    def dtype_of(self, native: Any) -> np.dtype[Any]:
        """Return the type of elements, as NumPy has it."""
        return native.dtype if self.speaks_numpy else _as_numpy(native.dtype)

    def own_dtype(self, dtype: Any) -> Any:
        """Return a type as the library has it.

        Raises
        ------
        UnsupportedError
            When it does not have it.
        """
        return dtype if self.speaks_numpy else _own(self.module, np.dtype(dtype))

    # --- elements ----------------------------------------------------------------------------------------------------

    def take(self, value: Any, dtype: Any = None) -> Any:
        """Return an operand as an array of the library, of a type if one is given."""
        native = value.native if isinstance(value, Lifted) else value
        if Library.of(native) is None:
            native = self.put(np.asarray(native, dtype))
        return native if dtype is None else self.astype(native, np.dtype(dtype), copy=False)

    def lift(self, native: Any) -> Lifted:
        """Return an array of the library as what its functions under NumPy's names take."""
        return Lifted(native, self)

    def put(self, values: Any, *, copy: bool = False) -> Any:
        """Return an ndarray as an array of the library; raise UnsupportedError if it does not have the type."""
        if self.speaks_numpy:
            return self.module.asarray(values)
        self.own_dtype(values.dtype)
        return self.module.asarray(np.array(values) if copy or not values.flags.c_contiguous else values)

    def put_all(self, result: Any) -> Any:
        """Return what NumPy computed with the arrays in it put into the library, where that has their types."""
        if isinstance(result, (np.ndarray, np.generic)):
            try:
                return self.put(np.asarray(result), copy=True)
            except REFUSALS:
                return result
        if type(result) in (list, tuple):
            return type(result)(map(self.put_all, result))
        if isinstance(result, tuple) and hasattr(result, "_fields"):
            return type(result)(*map(self.put_all, result))
        return result

    def lower(self, value: Any) -> Any:
        """Return an argument with the library's own arrays in it, and ndarrays put there."""
        if isinstance(value, Lifted):
            return value.native
        if isinstance(value, np.ndarray):
            return self.put(value)
        if type(value) in (list, tuple):
            return type(value)(map(self.lower, value))
        return value

    def astype(self, native: Any, dtype: np.dtype[Any], *, copy: bool) -> Any:
        """Return an array with another type of elements."""
        known = self.dtype_of(native)
        if known == dtype and not copy:
            return native
        if self.speaks_numpy:
            return native.astype(dtype)
        if known.kind == "c" and dtype.kind not in "cb":
            return self.astype(self.module.real(native), dtype, copy=False)
        if known.kind == "c" and dtype.kind == "b":
            return native != self.module.zeros((), dtype=native.dtype)
        return self.module.astype(native, self.own_dtype(dtype), copy=True)

    def copy(self, native: Any) -> Any:
        """Return a copy."""
        return native.copy() if self.speaks_numpy else self.module.asarray(native, copy=True)

    def part(self, native: Any, name: str) -> Any:
        """Return the real or imaginary parts of complex numbers."""
        return getattr(native, name) if self.speaks_numpy else getattr(self.module, name)(native)

    def to_host(self, native: Any) -> Any:
        """Return an array in main memory, as an ndarray."""
        if self.speaks_numpy and hasattr(native, "get"):
            return native.get()
        try:
            return np.from_dlpack(native, device="cpu")
        except (TypeError, ValueError, RuntimeError, BufferError, AttributeError):
            return np.asarray(native)


@functools.cache
def _library(module: Any) -> Library:
    return Library(module)


@functools.lru_cache(maxsize=256)
def _as_numpy(dtype: Any) -> np.dtype[Any]:
    return np.dtype(str(dtype).rpartition(".")[2].strip("'>"))


@functools.lru_cache(maxsize=256)
def _own(module: Any, dtype: np.dtype[Any]) -> Any:
    found = getattr(module, dtype.name, None) if dtype.isnative and dtype.kind in "biufc" else None
    if found is None:
        raise UnsupportedError(f"{module.__name__} has no type of elements like {dtype}.")
    return found


@functools.lru_cache(maxsize=1024)
def _path_of(function: Any) -> tuple[str, ...] | None:
    """Return the names under which a function is found in NumPy; None if it is not NumPy's."""
    name = getattr(function, "__name__", "")
    for path, place in (((name,), np), (("linalg", name), np.linalg), (("fft", name), np.fft)):
        if name and getattr(place, name, None) is function:
            return path
    return None


def on_host(value: Any) -> Any:
    """Return a value in main memory, or one with the arrays in it there."""
    library = Library.of(value)
    if library is not None:
        return library.to_host(value)
    if isinstance(value, Lifted):
        return value.library.to_host(value.native)
    if type(value) in (list, tuple):
        return type(value)(map(on_host, value))
    return value
