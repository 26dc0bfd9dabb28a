"""What a task does with a parameter: small frozen values given to ``@task(name=DIRECTION)``."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["IN", "INOUT", "Direction"]


@dataclass(frozen=True, slots=True)
class Direction:
    """How a task uses one of its parameters.

    Call a direction to change its options: ``IN(copy=True)``.
    """

    name: str
    """The name the user writes."""
    writes: bool
    """True if the task's changes to the argument are seen by the caller."""
    copy: bool
    """True if the task gets a writable copy of its own, rather than read-only arrays."""

    def __call__(self, *, copy: bool) -> Direction:
        """Return this direction with other options.

        Parameters
        ----------
        copy : bool
            Give the task a private, writable copy of the argument. For libraries that refuse read-only arrays.
        """
        return replace(self, copy=copy or self.writes)

    def __repr__(self) -> str:
        return f"{self.name}(copy=True)" if self.copy and not self.writes else self.name


IN = Direction("IN", writes=False, copy=False)
"""The task reads the argument (the default). Arrays arrive read-only, everything else as a copy."""

INOUT = Direction("INOUT", writes=True, copy=True)
"""The task changes the argument; later uses of the same object, and ``wait_on(it)``, see the change."""
