"""Writing a program, statement by statement."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.dsflow.programs import signatures
from tests.dsflow.programs.calls import Calls
from tests.dsflow.programs.elements import Elements
from tests.dsflow.programs.files import Files
from tests.dsflow.programs.script import CHANGING, FUTURE, HERE, OPENED, Datum, Expression, Script
from tests.dsflow.programs.signatures import FAILING, OBJECTS, TIMED, Signature
from tests.dsflow.programs.statements import ContainerStatements, FileStatements, ObjectStatements

Statement = Callable[[], object]

SUBJECTS = [
    {"OBJECTS": 12, "DIRECTIONS": 6, "ELEMENTS": 6, "FILES": 4, "POLICIES": 3},
    {"OBJECTS": 4, "DIRECTIONS": 2, "ELEMENTS": 16, "FILES": 0, "POLICIES": 2},
    {"OBJECTS": 3, "DIRECTIONS": 1, "ELEMENTS": 1, "FILES": 20, "POLICIES": 3},
    {"OBJECTS": 8, "DIRECTIONS": 16, "ELEMENTS": 2, "FILES": 0, "POLICIES": 4},
]
"""How often the tables are used, for each kind of program."""


class Writer:
    """Writes one program.

    Parameters
    ----------
    rng : random.Random
        Decides everything.
    concurrent, timed : bool
        Whether tasks may change one file at the same time, and may run in processes of their own.
    """

    def __init__(self, rng: random.Random, *, concurrent: bool = True, timed: bool = False) -> None:
        self.rng = rng
        script = self.script = Script(rng)
        elements = Elements(script)
        self.files = Files(script)
        self.calls = Calls(script, elements, self.files)
        self.open_groups = 0
        subject = rng.choice(SUBJECTS)
        self.statements: list[tuple[Statement, float]] = [
            *ObjectStatements(script, elements, self.calls).statements,
            *_scaled(ContainerStatements(script, elements).statements, subject["ELEMENTS"] / 6),
            *_scaled(FileStatements(script, self.files).statements, subject["FILES"] / 6),
            (self.loop, 1), (self.branch, 1), (self.barrier, 1), (self.group, 1.5), (self.attempt, 1),
        ]  # fmt: skip
        for table, weight in subject.items():
            allowed = [each for each in getattr(signatures, table) if concurrent or not each.is_concurrent]
            self.statements.append((self._caller(allowed), weight))
        if timed:
            self.statements.append((self._caller(TIMED), 2))

    def _caller(self, table: list[Signature]) -> Statement:
        return lambda: self.calls.write(self.rng.choice(table))

    def write(self, n_statements: int) -> str:
        self.script.assign("[1, 2]", Datum("list"))
        for _ in range(n_statements):
            self.statement()
        return "\n".join(self.script.lines) + "\n"

    def statement(self) -> None:
        choices, weights = zip(*self.statements, strict=True)
        self.rng.choices(choices, weights)[0]()

    # --- compound statements -----------------------------------------------------------------------------------------

    def loop(self) -> None:
        script = self.script
        shape = ("list", "int")
        tables = [*OBJECTS, *signatures.DIRECTIONS]
        signature = self.rng.choice([each for each in tables if tuple(p.kind for p in each.takes) == shape
                                     and each.takes[0].writes])  # fmt: skip
        first = script.thing(signature.takes[0])
        start = len(script.lines)
        if self.calls.write(signature, first, Expression("i", [])):
            script.indent(start, "for i in range(3):")
            script.emit("del i")

    def branch(self) -> None:
        """The main program decides by a value that it waits for; both branches leave the same kinds."""
        script = self.script
        values = script.thing(signatures.Parameter("list", "!"))
        number = script.argument("int").text
        if values.data[0].state in (HERE, OPENED):
            values.data[0].state = CHANGING
            script.emit(f"append({values.text}, 1)")
        script.emit(f"if wait_on({number}) % 2:", f"    append({values.text}, {number})")

    def barrier(self) -> None:
        self.script.emit("barrier()")

    def group(self) -> None:
        """Some statements whose tasks are waited for at the end, or later."""
        name = self.rng.choice(["one", "two"])
        self.open_groups += 1
        waits = self.rng.random() < 0.6
        start = len(self.script.lines)
        for _ in range(self.rng.randint(1, 3)):
            self.statement()
        self.open_groups -= 1
        option = "" if waits else ", implicit_barrier=False"
        self.script.indent(start, f'with TaskGroup("{name}"{option}):')
        if not waits:
            self.script.emit(f'barrier_group("{name}")')

    def attempt(self) -> None:
        """A task that may fail; the main program waits for it at once, and goes on with what was before.

        Not in a group, of which that would be the end.
        """
        script, signature = self.script, self.rng.choice(FAILING)
        takes_file = signature.takes[0].kind == "file"
        first = self.files.choose(signature.takes[0]) if takes_file else script.thing(signature.takes[0])
        if self.open_groups or first.data[0].state in (FUTURE, OPENED) or not self.calls.write(signature, first):
            return
        script.lines[-1:] = [
            "try:",
            f"    {script.lines[-1]}",
            f"    wait_on{'_file' if takes_file else ''}({first.text})",
            "except ValueError:",
            "    seen.append('failed')",
        ]


def _scaled(statements: list[tuple[Statement, int]], scale: float) -> list[tuple[Statement, float]]:
    return [(statement, weight * scale) for statement, weight in statements]


def write_program(rng: random.Random, n_statements: int, *, concurrent: bool = True, timed: bool = False) -> str:
    """Write a program of about ``n_statements`` statements."""
    return Writer(rng, concurrent=concurrent, timed=timed).write(n_statements)
