"""Lists and dicts whose elements are data: written, restructured by the main program, passed to tasks."""

from __future__ import annotations

from tests.dsflow.programs.script import (
    CHANGING,
    CONTAINERS,
    FUTURE,
    HERE,
    LITERALS,
    OPENED,
    THINGS,
    Datum,
    Expression,
    Script,
    names_in,
)
from tests.dsflow.programs.signatures import Parameter

_PLAIN = {"items": "list", "values": "dict"}


class Elements:
    """What is to be known of containers to pass them to tasks."""

    def __init__(self, script: Script) -> None:
        self.script = script

    # --- making containers -------------------------------------------------------------------------------------------

    def write(self, kind: str, depth: int = 1) -> Expression:
        """A new container, of variables and of values that have no other name."""
        rng = self.script.rng
        elements = [self.element(depth) for _ in range(rng.randint(1, 4))]
        if kind == "values":
            parts: dict[object, Datum] = {f"k{n}": each.data[0] for n, each in enumerate(elements)}
            text = "{" + ", ".join(f"'k{n}': {each.text}" for n, each in enumerate(elements)) + "}"
        else:
            parts = {n: each.data[0] for n, each in enumerate(elements)}
            texts = ", ".join(each.text for each in elements)
            text = f"({texts},)" if kind == "row" else f"[{texts}]"
        return Expression(text, [Datum(kind, parts=parts)], names_in(elements))

    def element(self, depth: int) -> Expression:
        """One element of a container."""
        rng = self.script.rng
        names = [name for name in self.script.names() if self.script.data[name].kind not in CONTAINERS]
        if names and rng.random() < 0.6:
            return self.place(rng.choice(names))
        if depth and rng.random() < 0.25:
            return self.write(rng.choice(["items", "values"]), depth - 1)
        kind = rng.choice([*LITERALS, "int"])
        return Expression(rng.choice(LITERALS[kind]), [Datum(kind, typed=kind == "account")])

    def place(self, name: str) -> Expression:
        """A variable as an element: of a number that is here, the place in the container is a datum of its own."""
        datum = self.script.data[name]
        is_constant = datum.kind not in THINGS and datum.state == HERE
        return Expression(name, [Datum(datum.kind) if is_constant else datum], ((name, datum),))

    # --- as arguments ------------------------------------------------------------------------------------------------

    def choose(self, parameter: Parameter) -> Expression:
        """A container, or a list or dict of the main program, whose elements are known to exist."""
        script, kind = self.script, parameter.kind.rstrip("1")
        names = [name for name in script.names(kind, _PLAIN[kind]) if self._fits(parameter, script.data[name])]
        if not names or script.rng.random() < 0.1:
            written = self.write(kind, depth=parameter.kind == kind)
            if not self._fits(parameter, written.data[0]):
                return Expression("[1]" if kind == "items" else "{'k': 1}", [])
            if not parameter.mark:
                return written
            return script.named(script.assign(written.text, written.data[0]))
        return script.named(script.rng.choice(names))

    def _fits(self, parameter: Parameter, datum: Datum) -> bool:
        if datum.state == FUTURE:
            return False
        is_deep = not parameter.kind.endswith("1")
        leaves = list(_leaves(datum, is_deep))
        if parameter.writes and any(leaf.parts is not None for leaf in leaves):
            return False
        if parameter.mark == ">":
            known = all(each.parts is not None for each in _apart(datum, is_deep))
            return known and all(_can_be_filled(leaf, is_deep) for leaf in leaves)
        return True

    @staticmethod
    def apart(parameter: Parameter, argument: Expression) -> set[Datum]:
        """The lists and dicts that a task takes apart."""
        return {each for datum in argument.data for each in _apart(datum, not parameter.kind.endswith("1"))}

    def make_ready(self, parameter: Parameter, argument: Expression) -> None:
        """Wait for lists and dicts that tasks change as a whole, if they are to be taken apart."""
        script, is_deep = self.script, not parameter.kind.endswith("1")
        for datum in argument.data:
            for each in list(_apart(datum, is_deep)):
                if each.state == CHANGING:
                    script.take(each if script.names_of(each) else datum)
            if parameter.writes:
                self._own_constants(datum, is_deep)

    def _own_constants(self, datum: Datum, is_deep: bool) -> None:
        """See to it that results which cannot change are in no other place: each place has its own value then."""
        found = [leaf for leaf in _leaves(datum, is_deep) if leaf.state == FUTURE and leaf.kind not in THINGS]
        for leaf in dict.fromkeys(found):
            self.script.release(leaf, but=datum)
            if found.count(leaf) > 1:
                self.script.take(datum)

    def note(self, parameter: Parameter, argument: Expression) -> None:
        """Note what a task has made of the elements."""
        if parameter.writes:
            for datum in argument.data:
                _change_parts(datum, not parameter.kind.endswith("1"), parameter.mark == ">")


def _apart(datum: Datum, is_deep: bool) -> list[Datum]:
    """The lists and dicts that are taken apart."""
    parts = list((datum.parts or {}).values()) if is_deep else []
    inner = [part for part in parts if part.kind in ("list", "dict", "items", "values") and part.state != FUTURE]
    return [datum, *(each for part in inner for each in _apart(part, is_deep))]


def _leaves(datum: Datum, is_deep: bool) -> list[Datum]:
    """The elements, as far as they are known."""
    found = []
    for each in _apart(datum, is_deep):
        found += [part for part in (each.parts or {}).values() if not is_deep or part not in _apart(datum, is_deep)]
    return found


def _can_be_filled(leaf: Datum, is_deep: bool) -> bool:
    """Whether an element is filled as it would be with plain functions, where a task sees how many parts it has."""
    if leaf.state == FUTURE and is_deep and leaf.kind in ("list", "dict"):
        return False
    return leaf.kind not in THINGS or Script.can_be_filled(leaf)


def _change_parts(datum: Datum, is_deep: bool, fills: bool) -> None:
    for each in _apart(datum, is_deep):
        if each.parts is None:
            each.state = OPENED
            continue
        for key, part in each.parts.items():
            if part.kind not in THINGS and part.kind not in CONTAINERS:
                each.parts[key] = Datum("int" if fills else part.kind, FUTURE)
            elif (
                part.state in (HERE, OPENED) and part.parts is None and not (is_deep and part.kind in ("list", "dict"))
            ):
                part.state = CHANGING
