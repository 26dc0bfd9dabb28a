"""Calls of tasks: arguments are chosen, made ready, and noted to be what the task makes of them."""

from __future__ import annotations

import itertools

from tests.dsflow.programs.elements import Elements
from tests.dsflow.programs.files import Files
from tests.dsflow.programs.script import CHANGING, CONTAINERS, FUTURE, HERE, OPENED, Datum, Expression, Script
from tests.dsflow.programs.signatures import Parameter, Signature

_N_ATTEMPTS = 6


class Calls:
    """Writes calls into a script."""

    def __init__(self, script: Script, elements: Elements, files: Files) -> None:
        self.script = script
        self.elements = elements
        self.files = files
        self._tries = itertools.count()

    def write(
        self, signature: Signature, first: Expression | None = None, last: Expression | None = None, text: str = ""
    ) -> bool:
        """Write a call, with some arguments chosen already; return False if none could be found that go together."""
        for _ in range(_N_ATTEMPTS):
            arguments = [self._choose(parameter) for parameter in signature.takes]
            if first is not None:
                arguments[0] = first
            if last is not None:
                arguments[-1] = last
            pairs = list(zip(signature.takes, arguments, strict=True))
            if self._are_there(pairs) and self._go_together(pairs) and self._make_ready(pairs):
                self._write(signature, pairs, text)
                return True
        return False

    # --- arguments ---------------------------------------------------------------------------------------------------

    def _choose(self, parameter: Parameter) -> Expression:
        script, kind = self.script, parameter.kind
        if _is_collection(parameter):
            return self.elements.choose(parameter)
        if kind in self.files.kinds:
            return self.files.choose(parameter)
        if kind == "tries":
            return Expression(f'TRIES + "/{next(self._tries)}"', [])
        if kind == "few":
            return Expression(script.rng.choice("01123"), [])
        if kind == "cpus":
            return Expression(script.rng.choice(["1", "CPUS"]), [])
        return script.thing(parameter) if parameter.writes else script.argument(kind)

    def _go_together(self, pairs: list[tuple[Parameter, Expression]]) -> bool:
        """Whether the call means the same with plain functions: what it fills, say, is not read under another name."""
        for (parameter, argument), (against, other) in itertools.permutations(pairs, 2):
            shared = argument.reach() & other.reach()
            if shared and (parameter.mark == "-" or (parameter.mark == "~" and not against.mark)):
                return False
            if parameter.writes and not self.files.go_together(argument, other, parameter.mark + against.mark):
                return False
            writes = parameter.writes or against.writes
            if writes and _is_collection(parameter) and self.elements.apart(parameter, argument) & shared:
                return False
        return True

    def _make_ready(self, pairs: list[tuple[Parameter, Expression]]) -> bool:
        """Write what has to come before the call; return whether the arguments are still there."""
        for parameter, argument in pairs:
            if not self._are_there(pairs):
                return False
            if _is_collection(parameter):
                self.elements.make_ready(parameter, argument)
            elif parameter.kind in self.files.kinds:
                self.files.make_ready(parameter, argument)
        return self._are_there(pairs)

    def _are_there(self, pairs: list[tuple[Parameter, Expression]]) -> bool:
        """Whether all variables still stand for what they stood for."""
        return all(self.script.data.get(name) is datum for _, argument in pairs for name, datum in argument.names)

    # --- the call ----------------------------------------------------------------------------------------------------

    def _write(self, signature: Signature, pairs: list[tuple[Parameter, Expression]], text: str) -> None:
        script = self.script
        texts = [argument.text for _, argument in pairs]
        if signature.is_method:
            text = f"{texts[0]}.{signature.name}({', '.join(texts[1:])})"
        text = text or f"{signature.name}({self._written(signature, texts)})"
        targets = [script.new_name() for _ in signature.gives]
        if len(set(targets)) < len(targets):
            targets = [f"{name}{position}" for position, name in enumerate(targets)]
        script.emit(f"{', '.join(targets)} = {text}" if targets else text)
        for name, kind in zip(targets, signature.gives, strict=True):
            script.bind(name, Datum(kind.rstrip("*"), FUTURE, typed=kind.endswith("*")))
        names = {name for parameter, argument in pairs for name in self.files.names_in(parameter, argument)}
        for parameter, argument in pairs:
            self._note(parameter, argument, names)

    def _written(self, signature: Signature, texts: list[str]) -> str:
        choose = self.script.rng.choice
        if signature.name == "weight_of_all":
            form = choose(["{}, {}, {}", "{}, scale=3, left={}, right={}", "scale=2, x={}, y={}, z={}"])
            return form.format(*texts)
        if signature.name == "bump_each":
            return choose(["{}, {}", "{}, left={}", "n=3, left={}, right={}"]).format(*texts)
        if signature.name == "total_of":
            return choose(["{}, {}", "extra={1}, array={0}"]).format(*texts)
        if signature.name == "maybe_files":
            return choose(["{}, {}", "{}", "y={1}", "None, {1}", "x={}, y=None"]).format(*texts)
        return ", ".join(texts)

    def _note(self, parameter: Parameter, argument: Expression, names: set[str]) -> None:
        if parameter.kind in self.files.kinds:
            self.files.note(parameter, argument, names)
        elif parameter.mark == "-":
            for datum in argument.reach():
                self.script.release(datum)
        elif _is_collection(parameter):
            self.elements.note(parameter, argument)
        elif parameter.writes:
            for datum in argument.data:
                if datum.state in (HERE, OPENED):
                    datum.state = CHANGING
                    assert datum.kind not in CONTAINERS


def _is_collection(parameter: Parameter) -> bool:
    return parameter.kind.rstrip("1") in ("items", "values")
