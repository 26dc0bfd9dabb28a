"""A program while it is being written: its lines, its variables, and what is known of the objects behind them.

The program keeps to what law 1 asks of the main program: it looks at an object that a task changes, or at a result,
only after ``wait_on``; and once it has taken a result (``x = wait_on(x)``), that is an object of its own, so no name
and no container stands for the Future any more.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.dsflow.programs.signatures import Parameter

HERE, CHANGING, OPENED, FUTURE = "here", "changing", "opened", "future"
"""States of a datum: main's own; changed by tasks, under main's name; with elements that tasks change; a result."""

LITERALS: dict[str, list[str]] = {
    "int": ["0", "1", "3", "17", "-4"],
    "list": ["[]", "[1, 2]", "[5, 5, 5]"],
    "dict": ["{}", "{'a': 1}", "{'a': [1, 2], 'b': (3,)}"],
    "array": ["np.arange(4)", "np.ones(3, dtype=int)", "np.zeros(140_000, dtype=int)", "np.arange(6)[::2].copy()"],
    "account": ["Account(10)"],
    "constant": ["'word'", "(1, 2)", "None"],
}

THINGS = ("list", "dict", "array", "account")
"""Kinds of objects that can change."""

CONTAINERS = ("items", "values", "row")
"""Kinds of containers whose content is known: list, dict, tuple."""


@dataclass(eq=False)
class Datum:
    """What is known about the object behind names, and places in containers."""

    kind: str
    state: str = HERE
    typed: bool = False
    """Of a Future: whether it knows the type of its value."""
    parts: dict[object, Datum] | None = None
    """Of a container: what is in it, by index or key."""

    @property
    def is_pending(self) -> bool:
        """Whether a wait would do anything."""
        return self.state != HERE or any(part.is_pending for part in (self.parts or {}).values())

    @property
    def is_rebuilt(self) -> bool:
        """Whether a wait gives another object."""
        return self.state in (FUTURE, OPENED) or (self.parts is not None and self.is_pending)

    def reach(self) -> Iterator[Datum]:
        """Itself and all that is in it."""
        yield self
        for part in (self.parts or {}).values():
            yield from part.reach()


@dataclass
class Expression:
    """Some source without effect, and the data that it leads to."""

    text: str
    data: list[Datum]
    names: tuple[tuple[str, Datum], ...] = ()
    """The variables in it, and what they stand for."""

    def reach(self) -> set[Datum]:
        return {each for datum in self.data for each in datum.reach()}


def names_in(expressions: Iterable[Expression]) -> tuple[tuple[str, Datum], ...]:
    """The variables in some expressions."""
    return tuple(name for expression in expressions for name in expression.names)


class Script:
    """A program so far."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.data: dict[str, Datum] = {}
        """What each name stands for."""

    def emit(self, *lines: str) -> None:
        self.lines += lines

    def indent(self, start: int, head: str) -> None:
        """Put the lines from ``start`` on under a compound statement."""
        self.lines[start:] = [head, *(f"    {line}" for line in self.lines[start:] or ["pass"])]

    # --- names -------------------------------------------------------------------------------------------------------

    def bind(self, name: str, datum: Datum) -> str:
        self.data[name] = datum
        return name

    def new_name(self, kind: str = "") -> str:
        return self.rng.choice("uvwxyz" if kind in CONTAINERS else "abcdefgh")

    def names(self, *kinds: str) -> list[str]:
        return [name for name, datum in self.data.items() if not kinds or datum.kind in kinds]

    def names_of(self, datum: Datum) -> list[str]:
        return [name for name, other in self.data.items() if other is datum]

    def drop(self, *names: str) -> None:
        if names:
            self.emit(f"del {', '.join(names)}")
        for name in names:
            del self.data[name]

    def release(self, datum: Datum, but: Datum | None = None) -> None:
        """Delete all names that lead to a datum, other than those of ``but``."""
        self.drop(*[name for name, other in self.data.items() if other is not but and datum in set(other.reach())])

    # --- waiting -----------------------------------------------------------------------------------------------------

    def take(self, datum: Datum) -> None:
        """Wait for a datum that has a name, so that the main program may look at it and change it."""
        names = self.names_of(datum)
        if not datum.is_pending:
            return
        if datum.is_rebuilt:
            self.emit(f"{' = '.join(names)} = wait_on({names[0]})")
            for each in [each for each in datum.reach() if each.is_rebuilt]:
                self.release(each, but=datum)
        else:
            self.emit(self.rng.choice(["wait_on({0})", "{0} = wait_on({0})"]).format(names[0]))
        for each in datum.reach():
            each.state = HERE

    # --- expressions -------------------------------------------------------------------------------------------------

    def named(self, name: str) -> Expression:
        datum = self.data[name]
        return Expression(name, [datum], ((name, datum),))

    def argument(self, kind: str) -> Expression:
        """Something of a kind, that is read."""
        if kind == "any":
            return self.anything(depth=self.rng.choice([0, 0, 1, 2]))
        names = self.names(kind)
        if names and (kind != "int" or self.rng.random() < 0.7):
            return self.named(self.rng.choice(names))
        return Expression(self.rng.choice(LITERALS[kind]), [])

    def anything(self, depth: int) -> Expression:
        if depth == 0:
            names = self.names()
            return self.named(self.rng.choice(names)) if names else Expression("0", [])
        parts = [self.anything(self.rng.randrange(depth)) for _ in range(self.rng.randint(1, 3))]
        template = self.rng.choice(["[{all}]", "({all},)", "{{'p': {0}, 'q': [{all}]}}", "Pair({0}, {last})",
                                    "Point({last}, {0})"])  # fmt: skip
        texts = [part.text for part in parts]
        text = template.format(*texts, all=", ".join(texts), last=texts[-1])
        return Expression(text, [datum for part in parts for datum in part.data], names_in(parts))

    def thing(self, parameter: Parameter) -> Expression:
        """A name for an object that can be changed; if there is none, a new one is written."""
        kinds = THINGS if parameter.kind == "thing" else (parameter.kind,)
        names = [name for name in self.names(*kinds) if parameter.mark != ">" or self.can_be_filled(self.data[name])]
        if names:
            return self.named(self.rng.choice(names))
        kind = self.rng.choice(kinds)
        return self.named(self.assign(self.rng.choice(LITERALS[kind]), Datum(kind, typed=kind == "account")))

    @staticmethod
    def can_be_filled(datum: Datum) -> bool:
        """Whether it is known before the call what an empty one of its type is."""
        return datum.state != FUTURE or (datum.typed and datum.kind != "array")

    def assign(self, text: str, datum: Datum) -> str:
        name = self.new_name(datum.kind)
        self.emit(f"{name} = {text}")
        return self.bind(name, datum)
