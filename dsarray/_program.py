"""Programs: what one task does to make a block, a flat list of calls.

Steps that work element by element are run together on strips of their blocks: what lies between has the size of a
strip, which stays in the cache of a processor, and never that of a block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from dsarray._namespace import Foreign, adopt, at_rest, put_like

__all__ = ["Register", "Step", "run_program"]

STRIP_BYTES = 1 << 20
"""Size of the strips of the largest block of a run."""

FEWEST = 4
"""Blocks of fewer strips are not cut."""


class Register(NamedTuple):
    """Stands, among the arguments of a step, for an input or for the result of an earlier step."""

    position: int


class Step(NamedTuple):
    """One call of a program."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    keywords: dict[str, Any]
    released: tuple[int, ...]
    """Registers that no later step reads."""
    by_element: bool = False
    """True if the function works element by element, with NumPy's broadcasting."""

    def run(self, registers: Sequence[Any]) -> Any:
        """Call the function on the values in registers."""
        args = [registers[arg.position] if type(arg) is Register else arg for arg in self.args]
        return self.function(*args, **self.keywords)


def run_program(program: tuple[Step, ...], inputs: Sequence[Any]) -> Any:
    """Run a program on the values of its inputs; return the result of its last step.

    Blocks of other libraries than NumPy are wrapped for the steps, so that NumPy's functions are theirs.
    """
    registers = list(inputs)
    is_foreign = False
    for position, block in enumerate(inputs):
        if type(block) is not np.ndarray:
            registers[position] = seen = adopt(block)
            is_foreign = is_foreign or type(seen) is Foreign
    position = 0
    while position < len(program):
        run = _next_run(program, position, len(registers))
        value = _run_in_strips(run, registers)
        if value is None:
            run = run[:1]
            value = run[0].run(registers)
            if type(value) is not np.ndarray:
                value = adopt(value)
                is_foreign = is_foreign or type(value) is Foreign
            elif is_foreign:
                value = _put_back(value, run[0], registers)
        registers += [None] * (len(run) - 1)
        registers.append(value)
        del value
        for step in run:
            for read in step.released:
                registers[read] = None
        position += len(run)
    return _as_block(registers[-1])


def _put_back(value: Any, step: Step, registers: Sequence[Any]) -> Any:
    """Return an ndarray that a function made of a block of another library in that, unless it shall not be there."""
    if getattr(step.function, "leaves_library", False):
        return value
    args = [registers[arg.position] for arg in step.args if type(arg) is Register]
    block = next((arg for arg in args if type(arg) is Foreign), None)
    return value if block is None else put_like(value, block)


def _as_block(value: Any) -> Any:
    """Make an array of a scalar, and free what a small view would keep alive.

    What is neither contiguous nor of this machine's byte order is copied, since pickles forget that order then.
    """
    if type(value) is Foreign:
        return at_rest(value)
    if isinstance(value, np.generic):
        return np.asarray(value)
    if isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        is_small = value.base.nbytes > 2 * value.nbytes
        return value.copy() if is_small or not (value.dtype.isnative or value.flags.forc) else value
    return value


# --- strips ----------------------------------------------------------------------------------------------------------


def _next_run(program: tuple[Step, ...], start: int, n_registers: int) -> tuple[Step, ...]:
    """Return the steps from one on that may be run strip by strip together: nobody else reads what lies between."""
    end = start
    while end < len(program) and program[end].by_element:
        end += 1
    while end > start + 1:
        released = {each for step in program[start:end] for each in step.released}
        if released.issuperset(range(n_registers, n_registers + end - start - 1)):
            break
        end -= 1
    return program[start : max(end, start + 1)]


def _run_in_strips(run: tuple[Step, ...], registers: Sequence[Any]) -> Any:
    """Run steps on one strip after the other; return the result of the last step, or None if strips do not pay."""
    if len(run) == 1:
        return None
    blocks = _read_by(run, registers)
    if blocks is None:
        return None
    shape = np.broadcast_shapes(*[block.shape for block in blocks.values()])
    order = _order_of(blocks.values(), shape)
    axes = range(len(shape)) if order == "C" else reversed(range(len(shape)))
    axis = next((i - len(shape) for i in axes if shape[i] >= FEWEST), 0)
    if axis == 0:
        return None
    cut = {position: block for position, block in blocks.items() if block.ndim >= -axis and block.shape[axis] > 1}
    n_bytes = max(block.dtype.itemsize for block in cut.values()) * math.prod(shape)
    n_rows = max(STRIP_BYTES * shape[axis] // max(n_bytes, 1), 1)
    is_ordered = all(_descends(block, order, _n_outer(block, axis, order)) for block in cut.values())
    if n_rows * FEWEST > shape[axis] or not is_ordered:
        return None
    return _laid_out(_results(run, list(registers), cut, axis, n_rows), shape, axis, order)


def _read_by(run: tuple[Step, ...], registers: Sequence[Any]) -> dict[int, npt.NDArray[Any]] | None:
    """Return what steps read of registers; None if that is not of NumPy, or too little to make a large block of."""
    blocks: dict[int, npt.NDArray[Any]] = {}
    most = 16  # bytes of an element
    for step in run:
        for arg in step.args:
            if type(arg) is Register and arg.position < len(registers) and arg.position not in blocks:
                blocks[arg.position] = block = registers[arg.position]
                if type(block) is not np.ndarray:
                    return None
                most *= block.size
    return blocks if most >= STRIP_BYTES * FEWEST else None


def _order_of(blocks: Iterable[npt.NDArray[Any]], shape: tuple[int, ...]) -> Literal["C", "F"]:
    """Return how blocks of a shape lie in memory: as NumPy's do, unless all of them have their axes the other way."""
    whole = [block for block in blocks if block.shape == shape]
    is_reversed = whole and all(_descends(block, "F") and not _descends(block, "C") for block in whole)
    return "F" if is_reversed else "C"


def _descends(block: npt.NDArray[Any], order: Literal["C", "F"], n_outer: int = 0) -> bool:
    """Whether memory is passed over in an order, but for some of the outer axes."""
    lengths = [*zip(block.strides, block.shape, strict=True)][:: 1 if order == "C" else -1][n_outer:]
    strides = [abs(stride) for stride, length in lengths if length > 1]
    return strides == sorted(strides, reverse=True)


def _n_outer(block: npt.NDArray[Any], axis: int, order: Literal["C", "F"]) -> int:
    return block.ndim + axis if order == "C" else -axis - 1


def _results(run: tuple[Step, ...], registers: list[Any], cut: dict[int, Any], axis: int, n_rows: int) -> Any:
    """Yield the result of the last step for each strip."""
    n_outer = len(registers)
    length = next(iter(cut.values())).shape[axis]
    for start in range(0, length, n_rows):
        key = _along(axis, start, start + n_rows)
        for position, block in cut.items():
            registers[position] = block[key]
        for step in run:
            registers.append(step.run(registers))
        yield registers[-1]
        del registers[n_outer:]


def _laid_out(results: Any, shape: tuple[int, ...], axis: int, order: Literal["C", "F"]) -> Any:
    """Put strips, one after the other, into a block."""
    start, block = 0, None
    for strip in results:
        block = np.empty(shape, strip.dtype, order) if block is None else block
        stop = start + strip.shape[axis]
        block[_along(axis, start, stop)] = strip
        start = stop
    return block


def _along(axis: int, start: int, stop: int) -> tuple[Any, ...]:
    """Return the index of a strip along an axis, which is given from the end."""
    return (..., slice(start, stop), *(slice(None),) * (-axis - 1))
