"""Whether a function has to be pickled anew: what it refers to by name may be something else by now."""

from __future__ import annotations

import dis
import functools
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from dsflow._freeze import ATOMS

if TYPE_CHECKING:
    from dsflow._task import Task

__all__ = ["stamp_of"]

_CHANGEABLE = (list, dict, set, bytearray)
"""Values that may change without a new name."""


def stamp_of(task: Task[Any]) -> tuple[object, ...] | None:
    """Return something that is equal as long as a pickled task is up to date, or None if that cannot be told.

    A task of an imported module is sent by name. Any other is sent with the globals and the closure it uses.
    """
    function = task.function
    if not isinstance(function, FunctionType):
        return ()
    if function.__module__ != "__main__" and "<locals>" not in function.__qualname__:
        return ()
    found = [function.__globals__.get(name) for name in _globals_of(function.__code__)]
    found += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    if any(isinstance(value, _CHANGEABLE) for value in found):
        return None
    return tuple(value if type(value) in ATOMS else id(value) for value in found)


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - reading it is the test
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=1024)
def _globals_of(code: CodeType) -> tuple[str, ...]:
    """Names of the globals that a function reads, those of functions inside it included."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(_globals_of(constant))
    return tuple(sorted(names))
