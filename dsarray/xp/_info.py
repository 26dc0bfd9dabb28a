"""What the namespace can do: ``xp.__array_namespace_info__()``."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from dsarray._standard import DEVICES, check_device
from dsarray.xp import _dtypes

__all__ = ["Info", "__array_api_version__", "__array_namespace_info__"]

__array_api_version__ = "2025.12"

_DTYPES: dict[str, np.dtype[Any]] = {
    name: value for name in _dtypes.__all__ if isinstance(value := getattr(_dtypes, name), np.dtype)
}
_KINDS = ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric")


class Info:
    """What the namespace can do, as the standard asks for it."""

    __slots__ = ()

    def capabilities(self) -> dict[str, Any]:
        """Return what is optional in the standard and supported here."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """Return the device of arrays that are made without one."""
        return DEVICES[0]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """Return the data types of arrays that are made without one."""
        check_device(device, "default_dtypes")
        names = {"real floating": "float64", "complex floating": "complex128", "integral": "int64", "indexing": "int64"}
        return {kind: _DTYPES[name] for kind, name in names.items()}

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, np.dtype[Any]]:
        """Return data types by name, of all kinds or of some.

        Raises
        ------
        ValueError
            When ``kind`` is not known.
        """
        check_device(device, "dtypes")
        kinds = (kind,) if isinstance(kind, str) else kind
        if kinds is not None and (not isinstance(kinds, tuple) or not set(kinds) <= set(_KINDS)):
            raise ValueError(f"dtypes: kind={kind!r} is not known; give one or a tuple of {_KINDS}.")
        return {name: dtype for name, dtype in _DTYPES.items() if kinds is None or _is_of(dtype, kinds)}

    def devices(self) -> tuple[str, ...]:
        """Return the devices that arrays can be put on from here; GPUs need CuPy."""
        return DEVICES if importlib.util.find_spec("cupy") is not None else DEVICES[:1]


def _is_of(dtype: np.dtype[Any], kinds: tuple[str, ...]) -> bool:
    return bool(kinds) and bool(np.isdtype(dtype, kinds))


__array_namespace_info__ = Info
