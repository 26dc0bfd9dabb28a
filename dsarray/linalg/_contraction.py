"""Sums of products over named axes, block by block.

Every name has one cutting, so that a block of the result is a sum over the blocks of the names that are summed. What
travels is what `_matmul` moves: blocks to the tasks that multiply them, and sums so far along a chain.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _matmul, _rechunk
from dsarray._cell import make_cells
from dsarray._grid import Chunks, Lengths, common_lengths, grid_of

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["contract"]

Names = str
"""A letter for each axis."""


def contract(operands: Sequence[Array], names: Sequence[Names], result: Names, dtype: Any) -> Array:
    """Return the sum, over all names that the result lacks, of the product of arrays.

    An axis of length 1 goes with any length, as in `numpy.einsum`.

    Raises
    ------
    ValueError
        When axes of one name differ in length.
    """
    arrays, names = _without_unit_axes(operands, names)
    lengths = _cut_alike(arrays, names)
    arrays = [
        _rechunk.to_chunks(a, tuple(lengths[name] for name in each)) for a, each in zip(arrays, names, strict=True)
    ]
    summed = [name for name in lengths if name not in result]
    chunks: Chunks = tuple(lengths[name] for name in result)
    plans = []
    for place in itertools.product(*map(range, grid_of(chunks))):
        fixed = dict(zip(result, place, strict=True))
        rest = itertools.product(*(range(len(lengths[name])) for name in summed))
        indices = [{**fixed, **dict(zip(summed, each, strict=True))} for each in rest]
        plans.append([
            tuple(a._cells[tuple(index[name] for name in each)] for a, each in zip(arrays, names, strict=True))
            for index in indices
        ])  # fmt: skip
    _rechunk.keep_shared(cell for plan in plans for factors in plan for cell in factors)
    multiply = functools.partial(_multiplied, f"{','.join(names)}->{result}", dtype)
    n_chains = -(-_matmul.N_CHAINS // max(1, math.prod(grid_of(chunks))))
    cells = [_matmul.sum_of_products(multiply, plan, n_chains) for plan in plans]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, dtype)


def _without_unit_axes(operands: Sequence[Array], names: Sequence[Names]) -> tuple[list[Array], list[Names]]:
    """Take away the axes of length 1 of names that are longer elsewhere."""
    longest: dict[str, int] = {}
    for a, each in zip(operands, names, strict=True):
        for name, length in zip(each, a.shape, strict=True):
            known = longest.setdefault(name, length)
            if 1 not in (known, length) and known != length:
                raise ValueError(
                    f"einsum: axis {name!r} has lengths {known} and {length} in shapes "
                    f"{', '.join(str(b.shape) for b in operands)}; make them equal."
                )
            longest[name] = length if known == 1 else known
    arrays, kept = [], []
    for a, each in zip(operands, names, strict=True):
        gone = [length == 1 != longest[name] for name, length in zip(each, a.shape, strict=True)]
        arrays.append(a[tuple(0 if is_gone else slice(None) for is_gone in gone)] if any(gone) else a)
        kept.append("".join(name for name, is_gone in zip(each, gone, strict=True) if not is_gone))
    return arrays, kept


def _cut_alike(arrays: Sequence[Array], names: Sequence[Names]) -> dict[str, Lengths]:
    candidates: dict[str, list[Lengths]] = {}
    for a, each in zip(arrays, names, strict=True):
        for name, lengths in zip(each, a.chunks, strict=True):
            candidates.setdefault(name, []).append(lengths)
    return {name: common_lengths(found) for name, found in candidates.items()}


def _multiplied(subscripts: str, dtype: Any, *blocks: Any) -> Any:
    return np.einsum(subscripts, *[block.astype(dtype, copy=False) for block in blocks], optimize=len(blocks) > 1)
