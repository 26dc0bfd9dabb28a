"""What the array API standard asks of an Array beside NumPy's methods: its namespace, its device, and DLPack.

Moving between devices is recorded, block by block; an export through DLPack brings the elements here.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dsarray import _array, _sinks, _sparse
from dsarray._cell import Apply, Cell, Value, make_cells
from dsarray._namespace import is_on_device, leaving_library
from dsarray._namespace import to_device as _block_to_device
from dsarray._namespace import to_host as _block_to_host
from dsflow import Future, wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["DEVICES", "array_namespace", "check_device", "device_of", "dlpack", "dlpack_device", "to_device"]

DEVICES = ("cpu", "cuda")
"""Where blocks may lie: in main memory, or on the current GPU of the process that holds them."""

_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")

_DLPACK_CPU = 1


def array_namespace(_: Array, /, *, api_version: str | None = None) -> ModuleType:
    """Return the module with the functions of the standard.

    Raises
    ------
    ValueError
        When ``api_version`` is a version of the standard that is not supported.
    """
    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(f"__array_namespace__: version {api_version!r} is not supported; ask for {_VERSIONS[-1]!r}.")
    from dsarray import xp

    return xp


# --- devices ---------------------------------------------------------------------------------------------------------


def check_device(device: Any, where: str) -> None:
    """Raise ValueError for what is no device; None is any."""
    if device is not None and device not in DEVICES:
        raise ValueError(f"{where}: device={device!r} is not known; give one of {DEVICES}.")


def device_of(a: Array) -> str:
    """Return where the blocks of an array lie, or will lie: "cpu" or "cuda"; the first one tells.

    It follows from what is recorded. A block that has been started is asked, for which it has to be there, if CuPy is
    installed here; else it is on the CPU.
    """
    cell = a._cells.flat[0]
    while isinstance(cell.state, Apply):
        if cell.state.function is _on_device:
            return "cuda"
        sources = [arg for arg in cell.state.args if isinstance(arg, Cell)]
        if not sources or cell.state.function is _on_host:
            return "cpu"
        cell = sources[0]
    if isinstance(cell.state, Value):
        return _block_device(cell.state.value)
    return str(_ask(cell)) if importlib.util.find_spec("cupy") is not None else "cpu"


def _ask(cell: Cell) -> Any:
    future: Future[Any] = Cell.of(_block_device, cell).future
    return wait_on(future)


def _block_device(block: Any) -> str:
    return "cuda" if is_on_device(block) else "cpu"


def to_device(a: Array, device: Any, /, *, stream: Any = None) -> Array:
    """Return the array with its blocks on a device; it is recorded, and each block moves once.

    Parameters
    ----------
    a : Array
    device : {"cpu", "cuda"}
    stream : None
        There is no choice of streams.

    Raises
    ------
    ValueError
        When ``device`` is not known, or ``stream`` is given.
    """
    check_device(device, "to_device")
    if device is None:
        raise ValueError(f"to_device: device=None is not known; give one of {DEVICES}.")
    if stream is not None:
        raise ValueError("to_device: stream= is not supported; leave it away.")
    if device == device_of(a):
        return a
    move = _on_device if device == "cuda" else _on_host
    if a.sparse:
        raise _sparse.refuse("to_device")
    cells = [Cell.of(move, cell, anchor=not a.streamed) for cell in a._cells.flat]
    return _array.Array(make_cells(a.grid, cells), a.chunks, a.dtype)


def _on_device(block: Any) -> Any:
    try:
        return _block_to_device(block)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'to_device: CuPy is not installed where the block lies, so it cannot move to "cuda"; '
            "install CuPy on the workers, or stay on the CPU."
        ) from error


@leaving_library
def _on_host(block: Any) -> Any:
    return _block_to_host(block)


# --- DLPack ----------------------------------------------------------------------------------------------------------


def dlpack(
    a: Array,
    /,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """Bring all elements here and export them through DLPack, as `numpy.asarray` brings them.

    Raises
    ------
    BufferError
        When ``copy`` is False, ``stream`` is given, or ``dl_device`` is not the CPU.
    """
    if copy is False:
        raise BufferError("__dlpack__: the elements have to be copied to lie in one piece; leave copy=False away.")
    if stream is not None:
        raise BufferError("__dlpack__: stream= is for devices, and elements are exported on the CPU; leave it away.")
    if dl_device is not None and tuple(map(int, dl_device)) != dlpack_device(a):
        raise BufferError(f"__dlpack__: dl_device={dl_device!r} is not the CPU, {dlpack_device(a)}; export to that.")
    return _sinks.as_ndarray(a, None, None).__dlpack__(max_version=max_version)


def dlpack_device(_: Array, /) -> tuple[int, int]:
    """Return where an export through DLPack lies: in main memory, wherever the blocks are."""
    return _DLPACK_CPU, 0
