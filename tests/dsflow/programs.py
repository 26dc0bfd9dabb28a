"""Random programs for law 1, as Python source: the same text runs with tasks and with plain functions.

See the program of a seed with ``python -m tests.dsflow.programs SEED``.
"""

from __future__ import annotations

import functools
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from dsflow import Task
from tests.dsflow import vocabulary

IMPORT = "from dsflow import IN, INOUT, barrier, share, task, wait_on\n"

PLAIN_IMPORT = """
IN = INOUT = None
def task(function=None, *, returns=None, **directions):
    return (lambda decorated: decorated) if function is None else function
def wait_on(value): return value
def share(value): return value
def barrier(): pass
"""


def run_with_tasks(source: str) -> dict[str, Any]:
    """Run a program in the active session; return the content of its variables, and what it has seen on the way."""
    return _run(source, vocabulary)


def run_plain(source: str) -> dict[str, Any]:
    """Run the same program with plain functions."""
    return _run(source, _plain_vocabulary())


@functools.cache
def _plain_vocabulary() -> ModuleType:
    text = Path(vocabulary.__file__).read_text()
    assert IMPORT in text
    module = ModuleType("tests.dsflow.vocabulary_of_plain_functions")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(text.replace(IMPORT, PLAIN_IMPORT), "vocabulary.py", "exec"), module.__dict__)
    return module


def _run(source: str, module: ModuleType) -> dict[str, Any]:
    names = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    namespace: dict[str, Any] = dict(names, seen=[], __name__="__main__")
    exec(compile(source, "<program>", "exec"), namespace)
    variables = {
        name: value
        for name, value in namespace.items()
        if name not in names and name[0] != "_" and not isinstance(value, (type, Task, FunctionType, ModuleType))
    }
    wait_on, content_of = names["wait_on"], names["content_of"]
    return {name: content_of(wait_on(value)) for name, value in variables.items()}


@dataclass(eq=False)
class Datum:
    """What the generator knows about the object behind one or more names."""

    kind: str
    state: str = "here"
    """``here``: a value of main; ``changing``: one that a task changes; ``future``: the result of a call."""
    forwards: bool = False
    """Whether task methods can be called on it."""


@dataclass(frozen=True)
class Signature:
    """A task of the vocabulary: the kinds it takes and gives. ``any`` is everything, also containers written in place.

    The arguments that the task changes come first.
    """

    name: str
    takes: tuple[str, ...]
    gives: tuple[str, ...] = ()
    changes: int = 0


def _signatures(table: str) -> list[Signature]:
    """Read lines like ``append  list! int -> none``; ``!`` marks what is changed."""
    signatures = []
    for line in table.strip().splitlines():
        left, _, right = line.partition("->")
        name, *takes = left.split()
        gives = tuple(kind for kind in right.split() if kind != "none")
        changes = sum(kind.endswith("!") for kind in takes)
        signatures.append(Signature(name, tuple(kind.rstrip("!") for kind in takes), gives, changes))
    return signatures


FUNCTIONS = _signatures("""
add             int int -> int
slow_add        int int -> int
make_list       int -> list
make_dict       int -> dict
make_array      int -> array
split           list -> list list
describe        any -> int dict list
weight          any -> int
slow_weight     any -> int
weight_of_all   any any any -> int
deep_copy       any -> list
merged          list list -> list
total_of        array int -> int
append          list! int -> none
slow_append     list! int -> none
extend          list! list -> none
append_weight   list! any -> int
put             dict! int -> none
increase        array! int -> none
add_array       array! array -> none
exchange        list! list! -> none
append_pair     list! any -> list
open_account    int -> account
transfer        account! any -> none
add_twice       int int -> int
fibonacci       int -> int
nested_results  int -> dict
append_inside   list! int -> none
build_list      int -> list
sum_after_wait  any int -> int
""")

METHODS = _signatures("""
deposit        account! int -> none
slow_withdraw  account! int -> int
compound       account! int -> none
total          account int -> int
rate           account int -> int
""")

LITERALS: dict[str, list[str]] = {
    "int": ["0", "1", "3", "17", "-4"],
    "list": ["[]", "[1, 2]", "[5, 5, 5]"],
    "dict": ["{}", "{'a': 1}", "{'a': [1, 2], 'b': (3,)}"],
    "array": ["np.arange(4)", "np.ones(3, dtype=int)", "np.zeros(140_000, dtype=int)", "np.arange(6)[::2].copy()"],
    "account": ["Account(10)"],
}

MUTATIONS: dict[str, list[str]] = {
    "list": ["{}.append(99)", "{}[:1] = [7]", "{}.reverse()"],
    "dict": ["{}['main'] = 5", "{}.pop('latest', None)"],
    "array": ["{}[0] = 41", "np.multiply({0}, 2, out={0})"],
    "account": ["{}.balance += 1", "{}.log.append(8)"],
}


class Writer:
    """Writes one program, statement by statement, keeping to what law 1 asks of the main program.

    That is: it looks at an object that a task changes, or at a result, only after ``wait_on``; and once it has taken a
    result (``x = wait_on(x)``), it is an object of its own, so no name stands for the Future any more.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.data: dict[str, Datum] = {}
        self.containers: dict[str, list[Datum]] = {}
        """Names of containers that hold other variables, and what they hold."""

    def write(self, n_statements: int) -> str:
        statements: list[tuple[Callable[[], None], int]] = [
            (self.assign_literal, 3), (self.call, 12), (self.call_on_itself, 2), (self.call_method, 3),
            (self.mutate, 4), (self.observe, 3), (self.alias, 1), (self.hold, 2), (self.loop, 1), (self.branch, 1),
            (self.share, 1), (self.temporary, 1), (self.drop, 1), (self.barrier, 1),
        ]  # fmt: skip
        self.assign_literal()
        for _ in range(n_statements):
            choices, weights = zip(*statements, strict=True)
            self.rng.choices(choices, weights)[0]()
        return "\n".join(self.lines) + "\n"

    # --- names -------------------------------------------------------------------------------------------------------

    def bind(self, name: str, datum: Datum) -> str:
        self.data[name] = datum
        return name

    def new_name(self) -> str:
        return self.rng.choice("abcdefgh")

    def names(self, *kinds: str) -> list[str]:
        return [name for name, datum in self.data.items() if not kinds or datum.kind in kinds]

    def same(self, name: str) -> list[str]:
        """All names of the object that ``name`` stands for."""
        return [other for other, datum in self.data.items() if datum is self.data[name]]

    def argument(self, kind: str) -> str:
        """An expression of the given kind, that has no effect."""
        if kind == "any":
            return self.anything(depth=self.rng.choice([0, 0, 1, 2]))
        names = self.names(kind)
        if names and (kind != "int" or self.rng.random() < 0.7):
            return self.rng.choice(names)
        return self.rng.choice(LITERALS[kind])

    def anything(self, depth: int) -> str:
        if depth == 0:
            return self.rng.choice([*self.names(), *self.containers] or ["0"])
        parts = [self.anything(self.rng.randrange(depth)) for _ in range(self.rng.randint(1, 3))]
        template = self.rng.choice(["[{all}]", "({all},)", "{{'p': {0}, 'q': [{all}]}}", "Pair({0}, {last})",
                                    "Point({last}, {0})"])  # fmt: skip
        return template.format(*parts, all=", ".join(parts), last=parts[-1])

    def changeable(self, kind: str) -> str:
        """A name for an object of the given kind; if there is none, a new one is written."""
        names = self.names(kind)
        if not names:
            name = self.new_name()
            self.lines.append(f"{name} = {self.rng.choice(LITERALS[kind])}")
            return self.bind(name, Datum(kind, forwards=kind == "account"))
        return self.rng.choice(names)

    # --- statements --------------------------------------------------------------------------------------------------

    def assign_literal(self) -> None:
        kind = self.rng.choice(list(LITERALS))
        name = self.new_name()
        self.lines.append(f"{name} = {self.rng.choice(LITERALS[kind])}")
        self.bind(name, Datum(kind, forwards=kind == "account"))

    def call(self) -> None:
        self.write_call(self.rng.choice(FUNCTIONS))

    def call_on_itself(self) -> None:
        """Pass one object under two names: ``extend(a, a)``, ``append_pair(a, [a, a])``."""
        signature = self.rng.choice([s for s in FUNCTIONS if s.changes and s.takes[-1] in ("any", s.takes[0])])
        name = self.changeable(signature.takes[0])
        last = self.rng.choice([f"[{name}, {name}]", f"{{'x': {name}}}", name])
        self.write_call(signature, [name, name if signature.takes[-1] != "any" else last])

    def call_method(self) -> None:
        owners = [name for name in self.names("account") if self.data[name].forwards]
        owner = self.rng.choice(owners) if owners else self.changeable("account")
        if self.data[owner].forwards:
            signature = self.rng.choice(METHODS)
            arguments = [owner, self.argument("int")]
            if signature.name != "rate" or self.data[owner].state != "future":
                self.write_call(signature, arguments, f"{owner}.{signature.name}({arguments[1]})")

    def write_call(self, signature: Signature, arguments: list[str] | None = None, text: str | None = None) -> None:
        if arguments is None:
            arguments = [self.changeable(kind) for kind in signature.takes[: signature.changes]]
            arguments += [self.argument(kind) for kind in signature.takes[signature.changes :]]
        text = text or f"{signature.name}({self.written(signature, arguments)})"
        targets = [self.new_name() for _ in signature.gives]
        if len(set(targets)) < len(targets):
            targets = [f"{name}{position}" for position, name in enumerate(targets)]
        self.lines.append(f"{', '.join(targets)} = {text}" if targets else text)
        for name in arguments[: signature.changes]:
            if self.data[name].state == "here":
                self.data[name].state = "changing"
        for name, kind in zip(targets, signature.gives, strict=True):
            self.bind(name, Datum(kind, "future", forwards=signature.name == "open_account"))

    def written(self, signature: Signature, arguments: list[str]) -> str:
        if signature.name == "weight_of_all":
            form = self.rng.choice(["{}, {}, {}", "{}, scale=3, left={}, right={}", "scale=2, x={}, y={}, z={}"])
            return form.format(*arguments)
        if signature.name == "total_of" and self.rng.random() < 0.5:
            return f"extra={arguments[1]}, array={arguments[0]}"
        return ", ".join(arguments)

    def take(self, name: str) -> None:
        """Wait for a variable, so that the main program may look at it and change it."""
        datum = self.data[name]
        if datum.state == "future":
            self.lines.append(f"{' = '.join(self.same(name))} = wait_on({name})")
            for container in [c for c, held in self.containers.items() if datum in held]:
                self.lines.append(f"del {container}")  # it holds the Future, that is not the same object any more
                del self.containers[container]
        elif datum.state == "changing":
            self.lines.append(self.rng.choice(["wait_on({0})", "{0} = wait_on({0})"]).format(name))
        datum.state = "here"

    def mutate(self) -> None:
        """The main program changes an object of its own."""
        names = self.names(*MUTATIONS)
        if not names:
            return
        here = [name for name in names if self.data[name].state == "here"]
        name = self.rng.choice(here if here and self.rng.random() < 0.7 else names)
        self.take(name)
        self.lines.append(self.rng.choice(MUTATIONS[self.data[name].kind]).format(name))

    def observe(self) -> None:
        name = self.rng.choice(self.names())
        if self.data[name].state != "future":
            self.take(name)
            self.lines.append(f"seen.append(content_of({name}))")
        else:
            self.lines.append(f"seen.append(content_of(wait_on({name})))")

    def alias(self) -> None:
        name = self.rng.choice(self.names())
        other = self.new_name()
        self.lines.append(f"{other} = {name}")
        self.bind(other, self.data[name])

    def hold(self) -> None:
        """Put variables into a container that has a name, or into an object in which Futures stay Futures."""
        if self.rng.random() < 0.3:
            target = self.new_name()
            futures = [name for name, datum in self.data.items() if datum.state == "future"]
            self.lines.append(f"{target} = held(Holder({self.rng.choice(futures or self.names())}))")
            self.bind(target, Datum("int", "future"))
            return
        held = self.rng.sample(self.names(), k=min(2, len(self.names())))
        container = self.rng.choice("xyz")
        self.lines.append(f"{container} = {self.rng.choice(['[{}]', '({},)'])}".format(", ".join(held)))
        self.containers[container] = [self.data[name] for name in held]

    def loop(self) -> None:
        values = self.changeable("list")
        before = len(self.lines)
        self.write_call(self.rng.choice([s for s in FUNCTIONS if s.takes == ("list", "int") and s.changes]),
                        [values, "i"])  # fmt: skip
        body = self.lines[before:]
        self.lines[before:] = ["for i in range(3):", *(f"    {line}" for line in body), "del i"]

    def branch(self) -> None:
        """The main program decides by a value that it waits for; both branches leave the same kinds."""
        values = self.changeable("list")
        number = self.argument("int")
        if self.data[values].state == "here":
            self.data[values].state = "changing"
            self.lines.append(f"append({values}, 1)")
        self.lines += [f"if wait_on({number}) % 2:", f"    append({values}, {number})"]

    def share(self) -> None:
        name = self.new_name()
        kind = self.rng.choice(["list", "array", "dict"])
        self.lines.append(f"{name} = share({self.rng.choice(LITERALS[kind])})")
        self.bind(name, Datum(kind, "future"))

    def temporary(self) -> None:
        """Let a task change an object that nobody holds."""
        templates = ["Account(1).deposit({})", "append([4], {})", "append(make_list({0}), {0})"]
        self.lines.append(self.rng.choice(templates).format(self.argument("int")))

    def drop(self) -> None:
        name = self.rng.choice(self.names())
        if len(self.data) > 1:
            self.lines.append(f"del {name}")
            del self.data[name]

    def barrier(self) -> None:
        self.lines.append("barrier()")


def write_program(rng: random.Random, n_statements: int) -> str:
    """Write a program of about ``n_statements`` statements."""
    return Writer(rng).write(n_statements)


def difference(source: str, expected: dict[str, Any], got: dict[str, Any]) -> str:
    """Say where two runs of a program differ; empty if they do not."""
    if expected == got:
        return ""
    lines = [
        f"{name}: plain functions give {expected.get(name)!r}, tasks give {got.get(name)!r}"
        for name in expected
        if name not in got or got[name] != expected[name]
    ]
    return "\n".join(["The program", "", source, "differs:", *lines])


if __name__ == "__main__":
    sys.stdout.write(write_program(random.Random(int(sys.argv[1])), n_statements=25))
