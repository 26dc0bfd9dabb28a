"""What a kernel finds in ``namespace(block)`` for a block of another library: NumPy's functions, for that library."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from dsarray.foreign._array import Foreign, wrap
from dsarray.foreign._library import REFUSALS, Library, Lifted

__all__ = ["Dialect"]

_MAKERS = frozenset({"arange", "array", "asanyarray", "ascontiguousarray", "asarray", "empty", "eye", "full",
                     "identity", "linspace", "ones", "zeros"})  # fmt: skip


class Dialect:
    """NumPy's functions, whose results are arrays of a library.

    Parameters
    ----------
    library : Library
    path : tuple of str
        The submodule of NumPy.
    """

    def __init__(self, library: Library, path: tuple[str, ...] = ()) -> None:
        self._library = library
        self._path = path
        self._place = functools.reduce(getattr, path, np)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._place, name)
        if not self._path and name in _MAKERS:
            found = functools.partial(self._make, name)
        elif not self._path and name in ("linalg", "fft"):
            found = Dialect(self._library, (name,))
        elif callable(found) and not isinstance(found, type):
            found = functools.partial(self._call, found)
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return f"<{'.'.join(('numpy', *self._path))} for arrays of {self._library.name}>"

    def _call(self, function: Any, *args: Any, **keywords: Any) -> Any:
        result = function(*args, **keywords)
        return result if isinstance(result, Foreign) else wrap(self._library.put_all(result))

    def _make(self, name: str, *args: Any, **keywords: Any) -> Any:
        """Make an array of the library: by itself if it can, or of what NumPy makes."""
        library = self._library
        if name in ("array", "asarray", "asanyarray", "ascontiguousarray"):
            return self._array(*args, copy=name == "array", **keywords)
        if name in ("empty", "zeros", "ones") and not library.speaks_numpy and len(args) + len(keywords) <= 2:
            return self._filled(name, *args, **keywords)
        if library.speaks_numpy and hasattr(library.module, name):
            try:
                return Foreign(
                    getattr(library.module, name)(*map(library.lower, args), **keywords), library, is_new=True
                )
            except REFUSALS:
                pass
        return self._array(getattr(np, name)(*args, **keywords), copy=True)

    def _filled(self, name: str, shape: Any, dtype: Any = float) -> Any:
        try:
            lengths = tuple(shape) if isinstance(shape, (tuple, list)) else int(shape)
            wanted = self._library.own_dtype(np.dtype(dtype))
            return Foreign(getattr(self._library.module, name)(lengths, dtype=wanted), self._library, is_new=True)
        except REFUSALS:
            return getattr(np, name)(shape, dtype=dtype)

    def _array(self, value: Any, dtype: Any = None, *, copy: Any = None, order: Any = None) -> Any:  # noqa: ARG002 - NumPy's parameter
        library = self._library
        value = wrap(value)
        if isinstance(value, Foreign):
            known = value if dtype is None else value.astype(np.dtype(dtype), copy=False)
            return known.copy() if copy and known is value else known
        if isinstance(value, (list, tuple)) and any(isinstance(each, Lifted) for each in value):
            return self._array(np.stack([self._array(each) for each in value]), dtype)
        values = np.asarray(value, dtype)
        try:
            return Foreign(library.put(values, copy=bool(copy)), library, is_new=bool(copy))
        except REFUSALS:
            return values
