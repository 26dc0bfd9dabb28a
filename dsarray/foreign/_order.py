"""NumPy's functions of order, and of sets, by the array API standard. NaN must come last in the library's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray.foreign._library import Library, UnsupportedError

__all__ = ["FUNCTIONS"]


def _ordered(library: Library, a: Any) -> Any:
    """An array that the standard puts in order: bools as numbers."""
    native = library.take(a)
    kind = library.dtype_of(native).kind
    if kind == "c":
        raise UnsupportedError("the order of complex numbers.")
    return library.astype(native, np.dtype(np.uint8), copy=False) if kind == "b" else native


def _sort(library: Library, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    if order is not None:
        raise UnsupportedError("sort with order=.")
    native = _ordered(library, a)
    if axis is None:
        native, axis = library.module.reshape(native, (-1,)), 0
    found = library.module.sort(native, axis=axis, stable=kind in ("stable", "mergesort") or bool(stable))
    return library.astype(found, library.dtype_of(library.take(a)), copy=False)


def _argsort(
    library: Library, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if order is not None:
        raise UnsupportedError("argsort with order=.")
    native = _ordered(library, a)
    if axis is None:
        native, axis = library.module.reshape(native, (-1,)), 0
    found = library.module.argsort(native, axis=axis, stable=kind in ("stable", "mergesort") or bool(stable))
    return library.astype(found, np.dtype(np.intp), copy=False)


def _searchsorted(library: Library, a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    known = [each if hasattr(each, "dtype") else np.asarray(each) for each in (a, v)]
    wanted = np.result_type(*[each.dtype for each in known])
    if wanted.kind not in "iuf":
        raise UnsupportedError("searchsorted of other than real numbers.")
    x1, x2 = (library.take(each, wanted) for each in known)
    given = None if sorter is None else library.take(sorter)
    found = library.module.searchsorted(x1, x2, side=side, sorter=given)
    return library.astype(found, np.dtype(np.intp), copy=False)


def _unique(library: Library, ar: Any, *rest: Any, equal_nan: bool = True, **options: Any) -> Any:
    if rest or any(value not in (False, None) for name, value in options.items() if name != "sorted"):
        raise UnsupportedError("unique with more than values.")
    xp = library.module
    native = library.take(ar)
    if library.dtype_of(native).kind not in "iuf":
        raise UnsupportedError("unique of other than real numbers.")
    found = xp.sort(xp.unique_values(native))
    if library.dtype_of(found).kind == "f" and equal_nan:
        n_nan = int(xp.sum(xp.astype(xp.isnan(found), xp.int64)))
        if n_nan > 1:
            found = found[: found.shape[0] - n_nan + 1]
    return found


def _nonzero(library: Library, a: Any) -> Any:
    native = library.take(a, np.dtype(bool))
    if not native.shape:
        raise ValueError("Calling nonzero on 0d arrays is not allowed.")
    return tuple(library.astype(each, np.dtype(np.intp), copy=False) for each in library.module.nonzero(native))


def _flatnonzero(library: Library, a: Any) -> Any:
    flat = library.module.reshape(library.take(a), (-1,))
    return _nonzero(library, library.lift(flat))[0]


def _argwhere(library: Library, a: Any) -> Any:
    return library.module.stack(_nonzero(library, a), axis=1)


def _diff(library: Library, a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if any(each is not None and each is not np._NoValue for each in (prepend, append)):
        raise UnsupportedError("diff with prepend= or append=.")
    return library.module.diff(library.take(a), n=n, axis=axis)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sort: _sort,
    np.argsort: _argsort,
    np.searchsorted: _searchsorted,
    np.unique: _unique,
    np.nonzero: _nonzero,
    np.flatnonzero: _flatnonzero,
    np.argwhere: _argwhere,
    np.diff: _diff,
}
