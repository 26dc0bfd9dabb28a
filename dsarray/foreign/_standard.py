"""NumPy's functions in the words of the array API standard: which of ours does which of NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray.foreign import _linalg, _manipulation, _order, _reductions, _ufuncs
from dsarray.foreign._library import Library, UnsupportedError

__all__ = ["call"]

_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reductions.reduce,
    "accumulate": _reductions.accumulate,
    "outer": _ufuncs.outer,
}

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **_linalg.FUNCTIONS,
    **_manipulation.FUNCTIONS,
    **_order.FUNCTIONS,
    **_reductions.FUNCTIONS,
}


def call(library: Library, function: Any, method: str, args: Any, keywords: dict[str, Any]) -> Any:
    """Call a function of NumPy, or a method of one; raise `UnsupportedError` for what the standard does not have."""
    if isinstance(function, np.ufunc):
        if method == "__call__":
            return _ufuncs.call(library, function, *args, **keywords)
        if method in _METHODS:
            return _METHODS[method](library, function, *args, **keywords)
    elif function in _FUNCTIONS:
        return _FUNCTIONS[function](library, *args, **keywords)
    raise UnsupportedError(f"{getattr(function, '__name__', function)} is not in the array API standard.")
