"""The one tree reduction.

Its shape is fixed by the positions of the parts, so that a result does not depend on which of them is there first.
What travels is what the nodes combine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dsarray._cell import Cell, Value
from dsarray._namespace import Kernel, leaving_library
from dsflow import Future, Task

__all__ = ["tree_cell", "tree_reduce"]

ARITY = 8
"""How many parts a node of the tree combines."""


def tree_reduce(combine: Callable[[Any, Any], Any], parts: Iterable[Any], arity: int = ARITY) -> Future[Any]:
    """Combine values pairwise, in a tree of tasks.

    Parameters
    ----------
    combine : callable
        Combines two values; it should be associative. A task node folds up to ``arity`` values from left to right.
    parts : iterable
        Futures or values, at least one.
    arity : int
        How many parts a task combines, at least 2.

    Returns
    -------
    Future
        The combined value. It depends on the order of ``parts``, not on which of them is there first.

    Raises
    ------
    ValueError
        When there are no parts, or ``arity`` is below 2.

    Examples
    --------
    >>> import operator
    >>> import dsarray as ds
    >>> ds.tree_reduce(operator.add, range(100)).result()
    4950
    """
    if arity < 2:
        raise ValueError(f"tree_reduce: arity={arity} combines nothing; give at least 2.")
    cells = [Cell(part) if isinstance(part, Future) else Cell(Value(part)) for part in parts]
    if not cells:
        raise ValueError("tree_reduce: there is nothing to combine; give at least one part.")
    return tree_cell(Kernel(combine.__wrapped__ if isinstance(combine, Task) else combine), cells, arity).future


def tree_cell(combine: Callable[[Any, Any], Any], cells: Sequence[Cell], arity: int = ARITY) -> Cell:
    """Return the cell of a combined value; all nodes of the tree but this one are anchors."""
    level = list(cells)
    while len(level) > 1:
        for cell in level:
            cell.anchor = True
        level = [
            group[0] if len(group) == 1 else Cell.of(_fold, combine, *group)
            for group in (level[start : start + arity] for start in range(0, len(level), arity))
        ]
    return level[0]


@leaving_library
def _fold(combine: Callable[[Any, Any], Any], *parts: Any) -> Any:
    return functools.reduce(combine, parts)
