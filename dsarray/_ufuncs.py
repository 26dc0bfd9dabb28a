"""NumPy's universal functions, and those of `scipy.special`: calls, and their methods.

What a call records is fused into the tasks that need it. ``reduce`` is one tree, ``accumulate`` a scan of each block
and a carry of the size of a lane; ``reduceat`` joins the blocks along its axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _assignment, _cumulative, _elementwise, _matmul, _rechunk, _reduce, _reductions, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import grid_of
from dsarray._registry import FUNCTIONS

__all__ = ["apply"]

_KEYWORDS = frozenset({"out", "where", "casting", "order", "dtype", "subok", "signature", "sig"})


def apply(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Do what ``ufunc(*inputs, **keywords)`` means, or one of its methods.

    Raises
    ------
    TypeError
        When this use is not supported.
    """
    if method == "at":
        return _change_at(ufunc, *inputs)
    if method == "__call__":
        operation = _call_elements if ufunc.signature is None else _call_generalised
        return operation(ufunc, inputs, dict(keywords))
    given = {name: value for name, value in keywords.items() if name != "out"}
    out = keywords.get("out")
    return _METHODS[method](ufunc, *inputs, out=out[0] if isinstance(out, tuple) else out, **given)


# --- calls -----------------------------------------------------------------------------------------------------------


def _call_generalised(ufunc: np.ufunc, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Functions of vectors and matrices: those that have been registered."""
    operation = FUNCTIONS.get(ufunc) or (_matmul.matmul if ufunc is np.matmul else None)
    if operation is None:
        raise TypeError(f"np.{ufunc.__name__} is not supported for an Array; use @ or elementwise operations.")
    out = keywords.pop("out", (None,) * ufunc.nout)
    unknown = set(keywords) - {"axis", "axes", "keepdims", "dtype"} if ufunc is not np.matmul else set(keywords)
    if unknown:
        raise TypeError(f"np.{ufunc.__name__}: {', '.join(sorted(unknown))}= is not supported for an Array.")
    return _put(operation(*inputs, **keywords), out, f"np.{ufunc.__name__}")


def _call_elements(ufunc: np.ufunc, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    unknown = set(keywords) - _KEYWORDS
    if unknown:
        raise TypeError(f"np.{ufunc.__name__}: {', '.join(sorted(unknown))}= is not supported for an Array.")
    out = keywords.pop("out", None)
    where = keywords.pop("where", True)
    keywords.pop("order", None)  # blocks are in C order, and plain ndarrays
    keywords.pop("subok", None)
    if where is not True:
        return _call_where(ufunc, inputs, keywords, where, out)
    if ufunc.nout == 1:
        result: Any = _elementwise.elementwise(ufunc, *inputs, **keywords)
    else:
        result = tuple(
            _elementwise.elementwise(_nth_output, *inputs, ufunc=ufunc, n=n, **keywords) for n in range(ufunc.nout)
        )
    if out is None:
        return result
    _check_out(result, out, f"np.{ufunc.__name__}")
    return _put(result, out, f"np.{ufunc.__name__}", keywords.get("casting", "same_kind"))


def _nth_output(*operands: Any, ufunc: np.ufunc, n: int, **keywords: Any) -> Any:
    return ufunc(*operands, **keywords)[n]


def _put(results: Any, out: tuple[Any, ...], name: str, casting: Any = "same_kind") -> Any:
    """Put results into ``out=``; None there stands for a new array."""
    many = results if isinstance(results, tuple) else (results,)
    put = _elementwise.store_broadcast
    if len(many) > 1:  # nothing is changed unless all can be
        for result, target in zip(many, out, strict=True):
            put(result, target.copy() if isinstance(target, _array.Array) else target, name, casting)
    stored = tuple(put(result, target, name, casting) for result, target in zip(many, out, strict=True))
    return stored if isinstance(results, tuple) else stored[0]


def _check_out(results: Any, out: tuple[Any, ...], name: str) -> None:
    """Raise ValueError for outputs that are not of the shape that they and the result broadcast to."""
    own = results[0].shape if isinstance(results, tuple) else results.shape
    shapes = [target.shape for target in out if isinstance(target, _array.Array)]
    shape = np.broadcast_shapes(own, *shapes)
    wrong = [each for each in shapes if each != shape]
    if wrong:
        raise ValueError(f"{name}: a result of shape {shape} does not fit into out= of shape {wrong[0]}.")
    if shape != own and len(shapes) < len(out):
        raise TypeError(f"{name}: out= with None beside a larger Array is not supported; give all of it.")


def _call_where(
    ufunc: np.ufunc, inputs: tuple[Any, ...], keywords: dict[str, Any], where: Any, out: tuple[Any, ...] | None
) -> Any:
    """Change the elements of ``out=`` where a mask holds; those elsewhere stay."""
    name = f"np.{ufunc.__name__}"
    if out is None or any(target is None for target in out):
        raise TypeError(f"{name}: where= without out= leaves elements undefined; give out=, or use np.where.")
    for target in out:
        if not isinstance(target, _array.Array):
            raise TypeError(f"{name}: out= is a {type(target).__name__}; give an Array, or collect() the result.")
    shape = np.broadcast_shapes(np.shape(where), *map(np.shape, inputs), *map(np.shape, out))
    if any(target.shape != shape for target in out):
        raise ValueError(f"{name}: a result of shape {shape} does not fit into out= of shape {out[0].shape}.")
    mask = where if isinstance(where, (bool, np.bool_)) else _elementwise.as_array(where)
    results = [
        _elementwise.elementwise(_nth_masked, *inputs, mask, *out, ufunc=ufunc, n=n, **keywords)
        for n in range(ufunc.nout)
    ]
    for target, result in zip(out, results, strict=True):
        target.become(result)
    return out[0] if len(out) == 1 else out


def _nth_masked(*operands: Any, ufunc: np.ufunc, n: int, **keywords: Any) -> Any:
    inputs, mask, old = operands[: ufunc.nin], operands[ufunc.nin], operands[ufunc.nin + 1 :]
    new = tuple(each.copy() for each in old)
    ufunc(*inputs, out=new, where=mask, **keywords)
    return new[n]


def _change_at(ufunc: np.ufunc, array: Any, indices: Any, *values: Any) -> None:
    if not isinstance(array, _array.Array):
        raise TypeError(
            f"np.{ufunc.__name__}.at: an ndarray cannot be changed by what is not here; collect() the Array, or make "
            "one of the ndarray."
        )
    _assignment.apply_at(ufunc, array, indices, *values)


# --- methods ---------------------------------------------------------------------------------------------------------


def _reduce_ufunc(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **options: Any,
) -> Any:
    a = _elementwise.as_array(array)
    return _reduce.reduce(a, _reductions.of_ufunc(ufunc), axis, keepdims, dtype=dtype, out=out, **options)


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    return _cumulative.accumulate(ufunc, _elementwise.as_array(array), axis, dtype=dtype, out=out)


def _outer(ufunc: np.ufunc, left: Any, right: Any, out: Any = None, **keywords: Any) -> Any:
    if ufunc.signature is not None:
        raise TypeError(f"np.{ufunc.__name__}.outer is not supported, as in NumPy; insert axes of length 1.")
    a, b = _elementwise.as_array(left), _elementwise.as_array(right)
    if a.sparse or b.sparse:
        raise _sparse.refuse(f"np.{ufunc.__name__}.outer")
    a = a[(..., *(None,) * b.ndim)]
    return apply(ufunc, "__call__", (a, b), keywords if out is None else {**keywords, "out": (out,)})


def _reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """Reduce between positions along an axis, whose blocks are joined: one task for each lane of blocks."""
    a = _elementwise.as_array(array)
    name = f"np.{ufunc.__name__}.reduceat"
    if a.sparse:
        raise _sparse.refuse(name)
    axis = normalize_axis_index(axis, a.ndim) if a.ndim else 0
    positions = np.asarray(indices)
    if positions.size == 0:
        positions = positions.astype(np.intp)
    shape = [min(n, 1) if i != axis else n for i, n in enumerate(a.shape)]
    dtype_of_result = ufunc.reduceat(np.ones(shape, a.dtype), positions, axis=axis, dtype=dtype).dtype
    lanes = _rechunk.to_chunks(a, (*a.chunks[:axis], (a.shape[axis],), *a.chunks[axis + 1 :]))
    chunks = (*a.chunks[:axis], (len(positions),), *a.chunks[axis + 1 :])
    cells = [Cell.of(ufunc.reduceat, cell, positions, axis, dtype, anchor=True) for cell in lanes._cells.flat]
    return _elementwise.store(_array.Array(make_cells(grid_of(chunks), cells), chunks, dtype_of_result), out, name)


_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reduce_ufunc,
    "accumulate": _accumulate,
    "outer": _outer,
    "reduceat": _reduceat,
}
