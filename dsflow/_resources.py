"""What tasks need of the machines they run on, and what there is of it: cpus, memory, GPUs and labels."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsflow._errors import ConstraintError

__all__ = ["Constraint", "Grant", "Ledger", "Needs", "Place", "checked_constraint", "parse_memory"]

Amount = int | str | Callable[..., Any]
"""A number, the name of the parameter that has it, or a function of the arguments."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What one call needs of the machine it runs on."""

    cpus: int = 1
    memory_bytes: int = 0
    gpus: int = 0
    labels: frozenset[str] = frozenset()

    def __str__(self) -> str:
        parts = [f"{self.cpus} cpu{'s' * (self.cpus != 1)}"]
        parts += [f"{self.memory_bytes / 2**30:.3g} GiB of memory"] if self.memory_bytes else []
        parts += [f"{self.gpus} gpu{'s' * (self.gpus != 1)}"] if self.gpus else []
        parts += [f"label {label!r}" for label in sorted(self.labels)]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a task needs, as it was declared; see `constraint`."""

    cpus: Amount = 1
    memory: Amount = 0
    gpus: Amount = 0
    labels: frozenset[str] = frozenset()

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same for all calls."""
        texts = (self.cpus, self.gpus)
        return not any(map(callable, (*texts, self.memory))) and not any(isinstance(each, str) for each in texts)

    def needs(self, where: str, arguments: Mapping[str, Any], call: Callable[[Callable[..., Any]], Any]) -> Needs:
        """Work out what one call needs.

        Parameters
        ----------
        where : str
            Name of the task, for messages.
        arguments
            The arguments by name, defaults included.
        call
            Calls a function with the arguments as they were passed.
        """

        def amount(name: str, read: Callable[[Any], int]) -> int:
            declared = getattr(self, name)
            try:
                value = call(declared) if callable(declared) else arguments.get(declared, declared)
                return read(value)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{where}: constraint {name}={declared!r}: {error}") from None

        return Needs(
            amount("cpus", _count_of(1)), amount("memory", _bytes_of), amount("gpus", _count_of(0)), self.labels
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the engine inside which cpus and memory can be shared out: a machine, or a worker of a cluster."""

    name: str
    cpus: int
    memory_bytes: int
    gpus: tuple[str, ...] = ()
    """Identifiers, as ``CUDA_VISIBLE_DEVICES`` takes them."""
    labels: frozenset[str] = frozenset()
    workers: tuple[str, ...] = ()
    """Addresses of the workers that belong to it, for an engine that can choose."""

    def can_hold(self, needs: Needs) -> bool:
        """Whether it could satisfy the needs if nothing else ran there."""
        return (
            needs.cpus <= self.cpus
            and needs.memory_bytes <= self.memory_bytes
            and needs.gpus <= len(self.gpus)
            and needs.labels <= self.labels
        )

    def __str__(self) -> str:
        labels = f", labels {', '.join(sorted(self.labels))}" if self.labels else ""
        return f"{self.name} has {Needs(self.cpus, self.memory_bytes, len(self.gpus))}{labels}"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a node has been given."""

    place: Place
    needs: Needs
    gpus: tuple[str, ...]
    """The GPUs that are the node's alone."""


@dataclass(slots=True)
class _Account:
    """What is in use at one place."""

    cpus: int = 0
    memory_bytes: int = 0
    gpus: set[str] = field(default_factory=set)


class Ledger:
    """What there is at each place, and what of it is in use. The caller holds a lock."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self.places: Sequence[Place] = ()

    def check(self, where: str, needs: Needs) -> None:
        """Raise ConstraintError if no place could ever satisfy the needs."""
        if any(place.can_hold(needs) for place in self.places):
            return
        known = "; ".join(str(place) for place in self.places[:8]) or "there are no workers"
        raise ConstraintError(
            f"{where}: no worker can satisfy its constraint ({needs}): {known}; ask for less, or start larger workers."
        )

    def is_full(self, others: int = 0) -> bool:
        """Whether no cpu is free, with ``others`` in use by who has no account."""
        return all(self._account(place).cpus + others >= place.cpus for place in self.places)

    def take(self, needs: Needs, others: int = 0) -> Grant | None:
        """Return what is needed, set apart, or None if it is not free now; the emptiest place goes first.

        Up to ``others`` cpus are in use, no one knows where.
        """
        for place in sorted(self.places, key=lambda place: self._account(place).cpus - place.cpus):
            account = self._account(place)
            free_gpus = [gpu for gpu in place.gpus if gpu not in account.gpus]
            if (
                place.can_hold(needs)
                and account.cpus + min(others, place.cpus) + needs.cpus <= place.cpus
                and account.memory_bytes + needs.memory_bytes <= place.memory_bytes
                and needs.gpus <= len(free_gpus)
            ):
                grant = Grant(place, needs, tuple(free_gpus[: needs.gpus]))
                account.cpus += needs.cpus
                account.memory_bytes += needs.memory_bytes
                account.gpus.update(grant.gpus)
                return grant
        return None

    def give_back(self, grant: Grant) -> None:
        """Take back what a node has been given."""
        account = self._account(grant.place)
        account.cpus -= grant.needs.cpus
        account.memory_bytes -= grant.needs.memory_bytes
        account.gpus.difference_update(grant.gpus)

    def lend(self, grant: Grant) -> None:
        """Let others have the cpus of a node that waits."""
        self._account(grant.place).cpus -= grant.needs.cpus

    def take_again(self, grant: Grant) -> None:
        """End what `lend` began; for a moment more cpus may be in use than there are."""
        self._account(grant.place).cpus += grant.needs.cpus

    def in_use(self) -> str:
        """Say what is in use where."""
        return "; ".join(
            f"{place.name}: {self._account(place).cpus} of {place.cpus} cpus, "
            f"{self._account(place).memory_bytes / 2**30:.3g} of {place.memory_bytes / 2**30:.3g} GiB, "
            f"{len(self._account(place).gpus)} of {len(place.gpus)} gpus in use"
            for place in self.places
        )

    def _account(self, place: Place) -> _Account:
        return self._accounts.setdefault(place.name, _Account())


def checked_constraint(
    where: str,
    signature: inspect.Signature,
    cpus: Amount = 1,
    memory: Amount = 0,
    gpus: Amount = 0,
    labels: str | Iterable[str] = (),
) -> Constraint:
    """Return the constraint that a user has asked for; amounts that need no arguments are checked at once."""
    labels = frozenset([labels] if isinstance(labels, str) else labels)
    declared = {"cpus": cpus, "memory": memory, "gpus": gpus}
    for name, value in declared.items():
        if callable(value) or (isinstance(value, str) and value in signature.parameters):
            continue
        try:
            _bytes_of(value) if name == "memory" else _count_of(int(name == "cpus"))(value)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"constraint: {where}: {name}={value!r}: {error} (or the name of a parameter, or a function of them)"
            ) from None
    if not isinstance(memory, int) and not callable(memory) and memory not in signature.parameters:
        memory = _bytes_of(memory)
    return Constraint(cpus, memory, gpus, labels)


def _count_of(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(f"{value!r} is not an int")
        count: int = value.__index__()
        if count < least:
            raise ValueError(f"{count} is less than {least}")
        return count

    return read


def _bytes_of(value: Any) -> int:
    return parse_memory(value) if isinstance(value, str) else _count_of(0)(value)


def parse_memory(memory: int | str) -> int:
    """Return a number of bytes from an int or a text such as ``"2 GiB"`` or ``"500MB"``."""
    units = {"": 1, "b": 1} | {
        letter + suffix: base**power
        for power, letter in enumerate("kmgt", start=1)
        for suffix, base in (("b", 1000), ("ib", 1024), ("", 1000))
    }
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-z]*)\s*", str(memory).lower())
    if match is None or match[2] not in units or float(match[1]) == 0:
        raise ValueError(f"{memory!r} is not an amount of memory; give bytes or a text like '2 GiB'")
    return int(float(match[1]) * units[match[2]])
