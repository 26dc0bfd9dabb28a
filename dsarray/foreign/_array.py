"""Blocks of another array library, spoken to in NumPy's words: one kernel for all libraries.

Inside of a task, a block that is no ndarray arrives as a `Foreign`, on which NumPy's functions, operators and methods
work. They are done by the library: under NumPy's names if it has them, as CuPy does, else under those of the array API
standard, with NumPy's types of results. What the library does not do is done by NumPy on a copy in main memory, and put
back: `fallbacks` counts it. What travels between tasks is the library's own array.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import logging
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dsarray.foreign import _index, _standard
from dsarray.foreign._library import REFUSALS, Library, Lifted, on_host

__all__ = ["Foreign", "fallbacks", "wrap"]

fallbacks: collections.Counter[str] = collections.Counter()
"""How often NumPy has done what a library does not do, by the name of the function, in this process."""

_log = logging.getLogger("dsarray")

_WRITERS = frozenset({np.put_along_axis, np.put, np.place, np.putmask, np.copyto, np.fill_diagonal})
"""Functions that change their first argument."""

_METHODS = frozenset(
    {
        "all", "any", "argmax", "argmin", "argsort", "clip", "compress", "cumprod", "cumsum", "diagonal", "dot", "max",
        "mean", "min", "nonzero", "prod", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum",
        "swapaxes", "take", "trace", "var",
    }
)  # fmt: skip
"""Methods of ndarrays that are functions of NumPy, too."""


class Foreign(Lifted, NDArrayOperatorsMixin):
    """An array of another library, with NumPy's functions, operators and methods."""

    __slots__ = ("is_new",)

    def __init__(self, native: Any, library: Library, *, is_new: bool = False) -> None:
        super().__init__(native, library)
        self.is_new = is_new
        """True if it has just been made, so that another array may take its place when elements are set."""

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Foreign({self.native!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rewrap, (self.native,)

    # --- NumPy's protocols -------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        out = keywords.pop("out", None)
        where = keywords.pop("where", True) if method == "__call__" and out is not None else True
        with np.errstate(all="ignore") if where is not True else contextlib.nullcontext():
            results = _call(self.library, ufunc, method, inputs, keywords)
        return results if out is None else _store(results, out, keywords.get("casting", "same_kind"), where)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, keywords: Any) -> Any:
        out = keywords.pop("out", None) if isinstance(keywords.get("out"), Foreign) else None
        result = _call(self.library, function, "__call__", args, keywords)
        return result if out is None else _store(result, (out,), "unsafe")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Come to main memory: a kernel does this if it takes its blocks for ndarrays."""
        _note(self.library, "np.asarray")
        return np.array(on_host(self), dtype=dtype, copy=True)

    # --- elements ----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        try:
            return wrap(_index.get(self.library, self.native, key))
        except REFUSALS:
            return _by_numpy(self.library, _item, "__call__", (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        try:
            _index.put(self.library, self.native, key, value)
        except REFUSALS:
            _note(self.library, "setting elements")
            changed = np.array(on_host(self))
            changed[on_host(key)] = on_host(value)
            self._replace(changed)

    def _replace(self, values: Any) -> None:
        """Take values of the same shape and type, which NumPy has computed."""
        native = self.library.put(values)
        try:
            _index.put(self.library, self.native, Ellipsis, native)
        except REFUSALS as error:
            if not self.is_new:
                raise TypeError(
                    f"Array: the arrays of {self.library.name} cannot be changed; make a copy of the block first."
                ) from error
            self.native = native

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: object) -> bool:
        return bool((self == value).any())

    def item(self, *key: Any) -> Any:
        return on_host(self).item(*key)

    def tolist(self) -> Any:
        return on_host(self).tolist()

    def __bool__(self) -> bool:
        return bool(on_host(self))

    def __int__(self) -> int:
        return int(on_host(self).item() if self.size == 1 else on_host(self))

    def __float__(self) -> float:
        return float(on_host(self))

    def __complex__(self) -> complex:
        return complex(on_host(self))

    def __index__(self) -> int:
        return operator.index(on_host(self))

    # --- methods -----------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name not in _METHODS:
            raise AttributeError(f"a block of {self.library.name} has no attribute {name!r}")
        return functools.partial(getattr(np, name), self)

    T = property(np.transpose)
    mT = property(np.matrix_transpose) if hasattr(np, "matrix_transpose") else property(np.transpose)  # noqa: N815 - NumPy's name
    real = property(lambda self: _part(self, "real"))
    imag = property(lambda self: _part(self, "imag"))

    def astype(self, dtype: Any, *, copy: bool = True, **_: Any) -> Any:
        """Return the array with another type of elements."""
        wanted = np.dtype(dtype)
        if wanted == self.dtype and not copy:
            return self
        try:
            return Foreign(self.library.astype(self.native, wanted, copy=copy), self.library, is_new=copy)
        except REFUSALS:
            return _by_numpy(self.library, _astype, "__call__", (self, wanted), {})

    def copy(self, order: str = "C") -> Foreign:  # noqa: ARG002 - NumPy's parameter
        """Return a copy."""
        return Foreign(self.library.copy(self.native), self.library, is_new=True)

    def conj(self) -> Any:
        """Return the complex conjugate."""
        return np.conjugate(self) if self.dtype.kind == "c" else self

    conjugate = conj

    def transpose(self, *axes: Any) -> Any:
        """Return the array with its axes in another order."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return np.transpose(self, given)

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """Return the elements in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def flatten(self) -> Any:
        """Return a copy of the elements in one axis."""
        return np.ravel(self).copy()

    def fill(self, value: Any) -> None:
        """Set all elements."""
        self[...] = value

    def sort(self, axis: int = -1, **options: Any) -> None:
        """Put the elements in order."""
        self[...] = np.sort(self, axis=axis, **options)


def _item(values: Any, key: Any) -> Any:
    return values[key]


def _astype(values: Any, dtype: Any) -> Any:
    return values.astype(dtype)


def _part(array: Foreign, name: str) -> Any:
    if array.dtype.kind != "c":
        return array if name == "real" else np.zeros_like(array)
    return wrap(array.library.part(array.native, name))


# --- wrapping --------------------------------------------------------------------------------------------------------


def wrap(value: Any) -> Any:
    """Return a library's array as a `Foreign`, also in a list or tuple; anything else as it is."""
    library = Library.of(value)
    if library is not None:
        return Foreign(value, library)
    if type(value) in (list, tuple):
        return type(value)(map(wrap, value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(wrap, value))
    return value


def _rewrap(native: Any) -> Any:
    return wrap(native)


# --- calls -----------------------------------------------------------------------------------------------------------


def _call(library: Library, function: Any, method: str, args: Any, keywords: dict[str, Any]) -> Any:
    """Let the library do what a function of NumPy means, or NumPy."""
    if library.speaks_numpy or (function not in _WRITERS and method != "at"):
        try:
            return wrap(_by_library(library, function, method, args, keywords))
        except REFUSALS:
            pass
    return _by_numpy(library, function, method, args, keywords)


def _by_library(library: Library, function: Any, method: str, args: Any, keywords: dict[str, Any]) -> Any:
    """Call the library's function of the same name, or what the standard has for it."""
    if library.speaks_numpy:
        try:
            do = library.find(function, method)
            return do(*map(library.lower, args), **{name: library.lower(each) for name, each in keywords.items()})
        except REFUSALS:
            pass
    return _standard.call(library, function, method, args, keywords)


def _by_numpy(library: Library, function: Any, method: str, args: Any, keywords: dict[str, Any]) -> Any:
    """Let NumPy do what the library does not, and put the result where the operands are."""
    name = getattr(function, "__name__", "a function")
    _note(library, name if method == "__call__" else f"{name}.{method}")
    given = [on_host(arg) for arg in args]
    options = {name: on_host(each) for name, each in keywords.items()}
    writes = (function in _WRITERS or method == "at") and isinstance(args[0], Foreign)
    if writes:
        given[0] = np.array(given[0])
    result = (function if method == "__call__" else getattr(function, method))(*given, **options)
    if writes:
        args[0]._replace(given[0])
    return wrap(library.put_all(result))


def _note(library: Library, name: str) -> None:
    if not fallbacks[f"{library.name}: {name}"]:
        _log.debug("%s: not done by %s; computed by NumPy, in main memory, and put back.", name, library.name)
    fallbacks[f"{library.name}: {name}"] += 1


def _store(results: Any, out: tuple[Any, ...], casting: Any, where: Any = True) -> Any:
    """Put results into ``out=``, or those where a mask holds."""
    many = results if isinstance(results, tuple) else (results,)
    stored = []
    for result, target in zip(many, out, strict=True):
        if target is not None:
            if not np.can_cast(result.dtype, target.dtype, casting=casting):
                raise TypeError(f"Cannot cast output from {result.dtype} to {target.dtype} with rule {casting!r}.")
            target[...] = result if where is True else np.where(where, result, target)
        stored.append(result if target is None else target)
    return tuple(stored) if isinstance(results, tuple) else stored[0]
