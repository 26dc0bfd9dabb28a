"""How a task is to be run: its priority, what it needs, how long it may take, and what a failure of it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from dsflow._resources import Constraint

__all__ = [
    "CANCEL_SUCCESSORS",
    "DEFAULT_OPTIONS",
    "FAIL",
    "IGNORE",
    "N_RETRIES",
    "RETRY",
    "OnFailure",
    "Options",
    "checked_options",
]

N_RETRIES = 3
"""How often a task with ``on_failure=RETRY`` runs again after it has failed."""


class OnFailure(StrEnum):
    """What the failure of a task means to the others."""

    FAIL = "FAIL"
    """What depends on it is cancelled, and what has not started in its groups; the next wait raises."""
    RETRY = "RETRY"
    """The task runs again, up to three times, on its arguments as they were; then as `FAIL`."""
    CANCEL_SUCCESSORS = "CANCEL_SUCCESSORS"
    """Only what depends on it is cancelled; only who waits for its result is told, and a warning is logged."""
    IGNORE = "IGNORE"
    """Its results are the ``defaults``; what depends on it runs with them. A warning is logged."""


FAIL, RETRY, CANCEL_SUCCESSORS, IGNORE = OnFailure


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a task."""

    on_failure: OnFailure = OnFailure.FAIL
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Values to take the place of results after an ignored failure: by the name of a parameter, or ``returns``."""
    time_out_s: float | None = None
    """Seconds that one try may take."""
    killable: bool = False
    """True to run in a process of its own, so that cancelling stops it whatever it does."""
    side_effects: bool = False
    """True if running the task a second time would do harm."""
    priority: int = 0
    """Among tasks that are ready, those of a higher one go first."""
    constraint: Constraint | None = None

    @property
    def isolated(self) -> bool:
        """Whether the task runs in a process of its own."""
        return self.killable or self.time_out_s is not None

    @property
    def is_opaque(self) -> bool:
        """Whether the session may replace what comes of a try, so that no one may read that before."""
        return self.on_failure in (OnFailure.RETRY, OnFailure.IGNORE)

    def __reduce__(self) -> tuple[Any, ...]:  # a mappingproxy cannot be pickled
        values = (self.on_failure, dict(self.defaults), self.time_out_s, self.killable, self.side_effects)
        return Options, (*values, self.priority, self.constraint)


DEFAULT_OPTIONS = Options()


def checked_options(
    where: str,
    parameters: Iterable[str],
    *,
    on_failure: str = OnFailure.FAIL,
    defaults: Mapping[str, Any] | None = None,
    time_out: float | None = None,
    killable: bool = False,
    side_effects: bool = False,
    priority: int = 0,
) -> Options:
    """Return the options that a user has asked for.

    Raises
    ------
    TypeError, ValueError
        When a value makes no sense.
    """
    if on_failure not in OnFailure.__members__:
        raise ValueError(f"{where}: on_failure={on_failure!r} is not one of {', '.join(OnFailure)}.")
    if time_out is not None and (isinstance(time_out, bool) or not isinstance(time_out, (int, float)) or time_out <= 0):
        raise ValueError(f"{where}: time_out={time_out!r} is not a number of seconds greater than 0.")
    if not isinstance(priority, int):
        raise TypeError(f"{where}: priority={priority!r} is not an int or a bool; larger ones go first.")
    if defaults is not None and on_failure != OnFailure.IGNORE:
        raise ValueError(f"{where}: defaults= are used with on_failure=IGNORE only, not {on_failure}.")
    known = {"returns", *parameters}
    if unknown := set(defaults or {}) - known:
        raise ValueError(f"{where}: defaults= names {sorted(unknown)}; it takes 'returns' and names of parameters.")
    if side_effects and on_failure == OnFailure.RETRY:
        raise ValueError(f"{where}: on_failure=RETRY would repeat its side effects; leave one of the two out.")
    return Options(
        OnFailure(on_failure),
        MappingProxyType(dict(defaults or {})),
        None if time_out is None else float(time_out),
        bool(killable),
        bool(side_effects),
        int(priority),
    )
