"""Cells: what stands in each place of an Array's grid until, and after, its block exists.

A cell holds a recipe (a function of other cells), a value of the main program, or the Future of a block that has been
started. Starting a cell compiles its recipe, and those of the cells below it, into one flat program that runs as one
task: chains fuse, and what lies between never exists as a block. *Anchors* are cells that are too dear to compute
twice: they get a task of their own, and their Future is remembered. *Readings* are the opposite, for what may be larger
than memory: each task that needs one reads it anew, and it is never remembered.

Only programs and Futures travel with a task; its result stays where it ran.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from dsarray._namespace import adopt, at_rest
from dsarray._program import Register, Step, run_program
from dsflow import Future, Task, active_session, share, task

__all__ = [
    "Apply",
    "Cell",
    "Cells",
    "Reading",
    "Value",
    "compile_recipes",
    "find_readings",
    "gives_view",
    "is_view",
    "make_cells",
    "name_of",
    "start_cells",
    "survey",
]

Cells: TypeAlias = npt.NDArray[Any]
"""A grid of cells."""


Function = TypeVar("Function", bound=Callable[..., Any])

_views: set[Callable[..., Any]] = set()
"""Functions that give views of blocks."""


@dataclass(frozen=True, slots=True)
class Apply:
    """A recipe: call ``function`` on the values of the cells among ``args``, and on the other ``args`` as they are."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)
    by_element: bool = False
    """True if the function works element by element, with NumPy's broadcasting."""


@dataclass(frozen=True, slots=True)
class Reading(Apply):
    """A recipe that reads: ``function(source, part)``, where ``part`` has a slice of step 1 for each axis."""

    def narrowed(self, key: tuple[Any, ...]) -> Reading | None:
        """Return what reads no more than an index of the block; None if that is not made of slices of step 1."""
        source, part = self.args
        if len(key) != len(part) or not all(isinstance(each, slice) and each.step in (1, None) for each in key):
            return None
        bounds = [each.indices(whole.stop - whole.start)[:2] for each, whole in zip(key, part, strict=True)]
        taken = [slice(whole.start + a, whole.start + max(a, b)) for whole, (a, b) in zip(part, bounds, strict=True)]
        return Reading(self.function, (source, tuple(taken)))


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the main program, which nobody changes any more."""

    value: Any
    embedded: bool = False
    """True if it came with an Array that a task has returned: it then travels with that Array, not as a Future."""


class Cell:
    """One place in a grid."""

    __slots__ = ("__weakref__", "_shared", "anchor", "nbytes", "state")

    def __init__(self, state: Apply | Value | Future[Any], *, anchor: bool = False) -> None:
        self.state = state
        self.anchor = anchor
        """True if the recipe must not be computed anew by everyone who needs it."""
        self.nbytes = 0
        """Size of the block in bytes, if it is the block of an array."""
        self._shared: tuple[Any, Future[Any]] | None = None

    @classmethod
    def of(cls, function: Callable[..., Any], *args: Any, anchor: bool = False, **keywords: Any) -> Cell:
        """Make a cell from a recipe."""
        return cls(Apply(function, args, keywords), anchor=anchor)

    @classmethod
    def by_element(cls, function: Callable[..., Any], *args: Any, **keywords: Any) -> Cell:
        """Make a cell from a recipe that works element by element."""
        return cls(Apply(function, args, keywords, by_element=True))

    @property
    def future(self) -> Future[Any]:
        """The Future of the block, which is started if need be."""
        return start_cells([self])[0]

    def part(self, key: tuple[Any, ...]) -> Cell:
        """Return a cell for an index of the block; of a value of the main program it is taken at once.

        But where tasks share the memory of the main program they take for themselves what would have to be copied.
        """
        if isinstance(self.state, Value):
            item = at_rest(_item(self.state.value, key))
            session = active_session()
            if _is_contiguous(item) or (session is not None and session.engine.remote):
                return Cell(Value(item))
            return Cell.of(_item, self, key)
        if isinstance(self.state, Reading) and (narrowed := self.state.narrowed(key)) is not None:
            return Cell(narrowed)
        return Cell.of(_item, self, key)

    def portable(self) -> Any:
        """Return what stands for the block in a pickle: its Future, how to read it, or its value if it came so."""
        if isinstance(self.state, Reading):
            return self.state
        if isinstance(self.state, Value) and self.state.embedded:
            return self.state.value
        return self.future

    @property
    def streamed(self) -> bool:
        """True if whoever needs the block reads it, or what it is made of, and nobody remembers it."""
        if not isinstance(self.state, Apply):
            return False
        if self.anchor and not isinstance(self.state, Reading):
            return False
        return any(isinstance(recipe, Reading) for recipe in survey(self)[0].values())

    def source(self) -> Future[Any]:
        """Return the Future of a cell that needs no task."""
        if isinstance(self.state, Future):
            return self.state
        assert isinstance(self.state, Value)
        session = active_session()
        if self._shared is None or self._shared[0] is not session:
            future = share(self.state.value)
            self._shared = (active_session(), future)
        return self._shared[1]


def _is_contiguous(block: Any) -> bool:
    return not isinstance(block, np.ndarray) or block.flags.c_contiguous


def gives_view(function: Function) -> Function:
    """Mark a function that gives a view of a block, which costs nothing: it may be called by all who need it."""
    _views.add(function)
    return function


def is_view(cell: Cell) -> bool:
    """Return whether a block is a view of what needs no task."""
    state = cell.state
    if not isinstance(state, Apply):
        return True
    return state.function in _views and all(is_view(each) for each in state.args if isinstance(each, Cell))


@gives_view
def _item(block: Any, key: tuple[Any, ...]) -> Any:
    if isinstance(block, np.ndarray):
        return block[(*key, ...)]  # with an ellipsis, 0-d stays an array
    return adopt(block)[key]


def make_cells(grid: tuple[int, ...], cells: Iterable[Cell]) -> Cells:
    """Arrange cells, given in C order, in a grid."""
    arranged = np.empty(grid, dtype=object)
    for position, cell in enumerate(cells):
        arranged.flat[position] = cell
    return arranged


def find_readings(cells: Iterable[Cell]) -> Iterator[Reading]:
    """Yield all that would be read to compute the blocks of cells."""
    stack = list(cells)
    seen: set[Cell] = set()
    while stack:
        cell = stack.pop()
        if cell in seen or not isinstance(cell.state, Apply):
            continue
        seen.add(cell)
        if isinstance(cell.state, Reading):
            yield cell.state
        stack += [arg for arg in cell.state.args if isinstance(arg, Cell)]


# --- programs --------------------------------------------------------------------------------------------------------


@task
def evaluate_block(program: tuple[Step, ...], *inputs: Any) -> Any:
    """Run a program; return the result of its last step."""
    try:
        return run_program(program, inputs)
    except MemoryError as error:
        steps = " → ".join(dict.fromkeys(name_of(step.function) for step in program))
        error.add_note(
            f"Array: a block, or what is made of it, does not fit into memory, in the steps {steps}; "
            "smaller blocks need less, as of rechunk() or block_size=."
        )
        raise


def start_cells(cells: Iterable[Cell]) -> list[Future[Any]]:
    """Start the blocks of cells, one task each, and those of the anchors below them; return their Futures.

    What has been started before is not started again, unless it is read.
    """
    wanted = list(cells)
    _check_budget(wanted)
    read: dict[Cell, Future[Any]] = {}
    stack = wanted[::-1]
    while stack:
        cell = stack.pop()
        state = cell.state
        if not isinstance(state, Apply) or cell in read:
            continue
        steps, missing = survey(cell)
        if missing:
            stack += [cell, *missing[::-1]]
            continue
        future = _submit(steps)
        if isinstance(state, Reading):
            read[cell] = future
        else:
            cell.state = future
    return [read[cell] if cell in read else cell.source() for cell in wanted]


def _check_budget(cells: Sequence[Cell]) -> None:
    session = active_session()
    if session is not None and session.memory_bytes is not None:
        from dsarray._plan import check_plan

        check_plan(cells, session.memory_bytes)


def survey(root: Cell) -> tuple[dict[Cell, Apply], list[Cell]]:
    """Return the recipes to run for a cell, in order, and the anchors that must be started before."""
    steps: dict[Cell, Apply] = {}
    missing: dict[Cell, None] = {}
    seen: set[Cell] = set()
    stack: list[tuple[Cell, Apply | None]] = [(root, None)]
    while stack:
        cell, recipe = stack.pop()
        if recipe is not None:
            steps[cell] = recipe
            continue
        state = cell.state
        if cell in seen or not isinstance(state, Apply):
            continue
        seen.add(cell)
        if cell.anchor and cell is not root and not isinstance(state, Reading):
            missing[cell] = None
            continue
        stack.append((cell, state))
        stack += [(arg, None) for arg in reversed(state.args) if isinstance(arg, Cell)]
    return steps, list(missing)


def _submit(recipes: dict[Cell, Apply]) -> Future[Any]:
    program, inputs = compile_recipes(recipes)
    return _evaluator(program[-1].function)(program, *[cell.source() for cell in inputs])


def compile_recipes(recipes: dict[Cell, Apply]) -> tuple[tuple[Step, ...], list[Cell]]:
    """Return the program that does what recipes say, in order, and the cells whose values are its inputs."""
    operands = {arg: None for recipe in recipes.values() for arg in recipe.args if isinstance(arg, Cell)}
    inputs = [cell for cell in operands if cell not in recipes]
    positions = {cell: position for position, cell in enumerate([*inputs, *recipes])}
    last_reader = {
        positions[arg]: positions[cell]
        for cell, recipe in recipes.items()
        for arg in recipe.args
        if isinstance(arg, Cell)
    }
    released: dict[int, list[int]] = {}
    for read, reader in last_reader.items():
        released.setdefault(reader, []).append(read)
    program = tuple(
        Step(
            recipe.function,
            tuple(Register(positions[arg]) if isinstance(arg, Cell) else arg for arg in recipe.args),
            recipe.keywords,
            tuple(released.get(positions[cell], ())),
            recipe.by_element,
        )
        for cell, recipe in recipes.items()
    )
    return program, inputs


def name_of(function: Callable[..., Any]) -> str:
    """Return what a task is called that ends with a function."""
    function = getattr(function, "func", function)  # a functools.partial has no name of its own
    name: str = getattr(function, "__name__", type(function).__name__)
    return name.strip("_<>")


def _evaluator(function: Callable[..., Any]) -> Task[Any]:
    """`evaluate_block`, named after the last function of a program."""
    return _evaluate_as(name_of(function))


@functools.lru_cache(maxsize=256)
def _evaluate_as(name: str) -> Task[Any]:
    return evaluate_block.named(name)
