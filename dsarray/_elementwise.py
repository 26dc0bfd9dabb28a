"""Functions of one element at a time: recorded, aligned and broadcast, to be fused into the tasks that need them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dsarray import _array, _join, _rechunk, _sparse, _ufuncs
from dsarray._cell import Cell, Cells, Value, make_cells, name_of
from dsarray._grid import Chunks, Lengths, coarsen, common_lengths, grid_of
from dsflow import active_session

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = [
    "align",
    "apply_ufunc",
    "as_array",
    "as_dense",
    "as_operand",
    "astype",
    "broadcast_cells",
    "clip",
    "elementwise",
    "match_cells",
    "result_dtype",
    "sample_of",
    "store",
    "store_broadcast",
    "to_dense",
    "where",
]

TILE_BYTES = 1 << 24
"""Operands cut in different ways are not cut into blocks smaller than this, ..."""

READ_BYTES = 1 << 29
"""... unless there are no more of them than the operand with most has, a task would read more than this of blocks side
by side, or there is a budget of memory."""

_SCALARS = (bool, int, float, complex, str, bytes, np.generic)


def as_operand(value: Any) -> Any:
    """Return an operand as an Array, or as the scalar it is.

    Raises
    ------
    TypeError
        When it is neither, nor anything that NumPy can take for an array of numbers.
    """
    if isinstance(value, (_array.Array, *_SCALARS)):
        return value
    if not (isinstance(value, (np.ndarray, list, tuple)) or hasattr(value, "__array__") or _sparse.is_sparse(value)):
        raise TypeError(
            f"Array: cannot be combined with an object of type {type(value).__name__}; "
            "convert it to an array, or wait_on() it if it is a Future."
        )
    return as_array(value)


def as_array(value: Any) -> Array:
    """Return a value as an Array of one block, to be cut as its partners are."""
    if isinstance(value, _array.Array):
        return value
    if _sparse.is_sparse(value):
        values = _sparse.to_csr(value)
    else:
        if isinstance(value, (np.ma.MaskedArray, np.matrix)):
            raise TypeError(f"Array: cannot be combined with a {type(value).__name__}; convert it to an ndarray first.")
        values = np.array(value)
        if values.dtype.kind in "OV":
            raise TypeError(f"Array: cannot be combined with elements of dtype {values.dtype}; convert them first.")
        values.flags.writeable = False
    chunks = tuple((length,) for length in values.shape)
    cells = make_cells(grid_of(chunks), [Cell(Value(values))])
    return _array.Array(cells, chunks, values.dtype, sparse=_sparse.is_sparse(values))


def as_dense(value: Any, where: str) -> Array:
    """Return a value as an Array, or raise the TypeError of a function that has no meaning for sparse ones."""
    array = as_array(value)
    if array.sparse:
        raise _sparse.refuse(where)
    return array


# --- alignment -------------------------------------------------------------------------------------------------------


def align(arrays: Sequence[Array]) -> tuple[Chunks, list[Array]]:
    """Cut arrays so that they broadcast block by block; return the chunks of what they broadcast to.

    These have the boundaries of all arrays, unless that makes many more blocks than any of them has, and small ones:
    then some are joined.

    Raises
    ------
    ValueError
        When their shapes do not broadcast.
    """
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    candidates = [_candidates(arrays, axis - len(shape), length) for axis, length in enumerate(shape)]
    chunks = tuple(map(common_lengths, candidates))
    n_bytes = math.prod(shape) * max((a.dtype.itemsize for a in arrays), default=1)
    n_most = max(n_bytes // TILE_BYTES, *[math.prod(a.grid) for a in arrays], 1)
    if math.prod(grid_of(chunks)) > n_most and not _has_budget():
        largest = max(math.prod(map(max, a.chunks)) * a.dtype.itemsize for a in arrays)
        uneven = [axis for axis, each in enumerate(candidates) if len(set(each)) > 1]
        chunks = coarsen(chunks, uneven, n_most, max(1, READ_BYTES // largest))
    return chunks, [_rechunk.to_chunks(a, _own_chunks(a, chunks, shape)) for a in arrays]


def _has_budget() -> bool:
    session = active_session()
    return session is not None and session.memory_bytes is not None


def _candidates(arrays: Sequence[Array], axis: int, length: int) -> list[Lengths]:
    candidates = [a.chunks[axis] for a in arrays if a.ndim >= -axis and sum(a.chunks[axis]) == length]
    return [(1,)] if length == 1 else candidates


def _own_chunks(a: Array, chunks: Chunks, shape: Sequence[int]) -> Chunks:
    n_new = len(shape) - a.ndim
    return tuple((1,) if length == 1 else lengths for length, lengths in zip(a.shape, chunks[n_new:], strict=True))


def broadcast_cells(a: Array, grid: tuple[int, ...]) -> Cells:
    """Repeat the cells of an aligned array over a grid."""
    if a._cells.shape == grid:
        return a._cells
    if math.prod(grid) > a._cells.size:
        for cell in a._cells.flat:
            cell.anchor = True
    return np.broadcast_to(a._cells, grid)


# --- one recipe a block ----------------------------------------------------------------------------------------------


def sample_of(operand: Any) -> Any:
    """Return a tiny operand of the same type, on which NumPy itself can say what comes of it."""
    if not isinstance(operand, _array.Array):
        return operand
    return np.ones((0,) * max(1, operand.ndim), dtype=operand.dtype)  # of a scalar, NumPy would measure the text


def result_dtype(function: Callable[..., Any], operands: Sequence[Any], keywords: dict[str, Any]) -> np.dtype[Any]:
    """Ask NumPy for the type of the elements of a result; it raises what it would for the whole."""
    with np.errstate(all="ignore"):
        dtype: np.dtype[Any] = np.asarray(function(*map(sample_of, operands), **keywords)).dtype
    if dtype.kind in "OV":
        raise TypeError(f"{_public_name(function, keywords)}: a result of dtype {dtype} is not supported.")
    return dtype


def elementwise(function: Callable[..., Any], *operands: Any, **keywords: Any) -> Array:
    """Record a function that works element by element.

    Parameters
    ----------
    function : callable
        Takes blocks and scalars, with NumPy's broadcasting. It must be importable by name.
    *operands
        Arrays, whatever NumPy takes for arrays, and scalars.
    **keywords
        Passed on.
    """
    known = [as_operand(operand) for operand in operands]
    dtype = result_dtype(function, known, keywords)
    arrays = [operand for operand in known if isinstance(operand, _array.Array)]
    n_sparse = sum(a.sparse for a in arrays)
    if n_sparse:
        function = _sparse_kernel(function, known, keywords, dtype)
    chunks, aligned = align(arrays)
    grid = grid_of(chunks)
    columns = iter([broadcast_cells(a, grid).flat for a in aligned])
    sources = [next(columns) if isinstance(operand, _array.Array) else None for operand in known]
    cells = [
        Cell.by_element(
            function, *[known[i] if source is None else source[n] for i, source in enumerate(sources)], **keywords
        )
        for n in range(math.prod(grid))
    ]
    if not chunks and (dtype.kind in "SU" or not dtype.isnative):  # which a scalar of NumPy's does not keep
        cells = [Cell.by_element(_astype, cell, dtype) for cell in cells]
    return _array.Array(make_cells(grid, cells), chunks, dtype, sparse=n_sparse > 0)


def _sparse_kernel(
    function: Callable[..., Any], operands: list[Any], keywords: dict[str, Any], dtype: np.dtype[Any]
) -> Callable[..., Any]:
    """Return what applies the function to CSR blocks; raise TypeError where that does not give CSR blocks."""
    arrays = [operand for operand in operands if isinstance(operand, _array.Array)]
    if keywords and len(arrays) > 1:
        raise _sparse.refuse(f"{'=, '.join(keywords)}= for two arrays")
    name = _public_name(function, keywords)
    _sparse.check_dtype(name, dtype)
    scalars = [None if isinstance(operand, _array.Array) else operand for operand in operands]
    kernel = _sparse.choose_kernel(function, scalars, sum(a.sparse for a in arrays), name)
    if len({a.shape for a in arrays}) > 1 and kernel is not _sparse.multiply:
        raise _sparse.refuse("broadcasting")
    return kernel


def _public_name(function: Callable[..., Any], keywords: dict[str, Any]) -> str:
    """Return what users may know a function by: the ufunc that it applies, or its name without underscores."""
    return name_of(keywords.get("ufunc", function))


# --- NumPy's universal functions, and out= ---------------------------------------------------------------------------


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Do what ``ufunc(*inputs, **keywords)`` or one of its methods means."""
    return _ufuncs.apply(ufunc, method, inputs, keywords)


def store(result: Any, out: Any, name: str, casting: Any = "same_kind") -> Any:
    """Return a result, or put it into ``out=``, for all who hold that array, and return that.

    Parameters
    ----------
    result : Array
    out : Array, tuple of one Array, or None
        Where to put it.
    name : str
        Who asks, for messages.
    casting : str
        Which conversions to the type of ``out`` are allowed, as in NumPy.

    Raises
    ------
    ValueError
        When the shapes differ.
    TypeError
        When ``out`` is no Array, or the conversion is not allowed.
    """
    target = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if target is None or target is np._NoValue:
        return result
    if not isinstance(target, _array.Array):
        raise TypeError(f"{name}: out= is a {type(target).__name__}; give an Array, or collect() the result.")
    if result.shape != target.shape:
        raise ValueError(f"{name}: shape {result.shape} does not fit into out= of shape {target.shape}.")
    if not np.can_cast(result.dtype, target.dtype, casting=casting):
        raise TypeError(f"{name}: cannot put {result.dtype} into an Array of {target.dtype}; use astype() first.")
    if target.sparse and not result.sparse:
        raise _sparse.refuse(f"{name} with a dense result in out=")
    target.become(astype(result if target.sparse else to_dense(result), target.dtype))
    return target


def store_broadcast(result: Any, out: Any, name: str, casting: Any = "same_kind") -> Any:
    """Do what `store` does after broadcasting the result to the shape of ``out``, as ufuncs do."""
    target = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if isinstance(target, _array.Array) and np.broadcast_shapes(result.shape, target.shape) == target.shape:
        result = result if result.shape == target.shape else _join.broadcast_to(to_dense(result), target.shape)
    return store(result, out, name, casting)


def match_cells(value: Array, a: Array, name: str) -> Cells:
    """Cut an array as another one that it broadcasts to; return its cells in that one's grid.

    Raises
    ------
    ValueError
        When it does not broadcast to that shape.
    """
    shape = a.shape[a.ndim - value.ndim :]
    if value.ndim > a.ndim or any(n not in (1, length) for n, length in zip(value.shape, shape, strict=True)):
        raise ValueError(f"{name} of shape {value.shape} does not broadcast to {a.shape}; give it that shape.")
    if value.sparse:
        raise _sparse.refuse(name)
    return broadcast_cells(_rechunk.to_chunks(value, _own_chunks(value, a.chunks, a.shape)), a.grid)


# --- further functions -----------------------------------------------------------------------------------------------


def astype(a: Array, dtype: npt.DTypeLike) -> Array:
    """Return an array with another type of elements."""
    dtype = np.dtype(dtype)
    if dtype == a.dtype:
        return a.copy()
    if dtype.kind in "OV":
        raise TypeError(f"astype: dtype {dtype} is not supported; give a number, bool, text or time dtype.")
    known = np.ones(0, a.dtype).astype(dtype).dtype
    if known.kind in "mM" and np.datetime_data(known)[0] == "generic":
        raise TypeError(f"astype: dtype {dtype} has no unit of time; name it, as in {dtype}[s].")
    if a.sparse:
        _sparse.check_dtype("astype", known)
    cells = [Cell.by_element(_astype, cell, dtype) for cell in a._cells.flat]
    return _array.Array(make_cells(a.grid, cells), a.chunks, known, sparse=a.sparse)


def _astype(block: Any, dtype: np.dtype[Any]) -> Any:
    block = np.asarray(block) if isinstance(block, np.generic) else block  # a scalar of text would lose its width
    return block.astype(dtype)


def clip(a: Any, minimum: Any, maximum: Any, **keywords: Any) -> Array:
    """Return an array with its values limited to a range; None is no limit."""
    return elementwise(_clip, a, *[limit for limit in (minimum, maximum) if limit is not None],
                       has=(minimum is not None, maximum is not None), **keywords)  # fmt: skip


def _clip(values: Any, *limits: Any, has: tuple[bool, bool], **keywords: Any) -> Any:
    given = iter(limits)
    return np.clip(values, *[next(given) if each else None for each in has], **keywords)


def where(condition: Any, x: Any, y: Any) -> Array:
    """Return elements of ``x`` where the condition holds and of ``y`` elsewhere, with NumPy's broadcasting."""
    return elementwise(np.where, condition, x, y)


def to_dense(a: Array) -> Array:
    """Return an array whose blocks are ndarrays."""
    if not a.sparse:
        return a
    cells = [Cell.of(_sparse.densify, cell) for cell in a._cells.flat]
    return _array.Array(make_cells(a.grid, cells), a.chunks, a.dtype)
