"""NumPy's functions that move, join and choose elements, by the array API standard."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray.foreign import _index
from dsarray.foreign._library import Library, Lifted, UnsupportedError

__all__ = ["FUNCTIONS"]

_NOTHING: Any = np._NoValue


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(normalize_axis_index(operator.index(each), ndim) for each in given)


# --- shape -----------------------------------------------------------------------------------------------------------


def _reshape(library: Library, a: Any, shape: Any, order: Any = "C", *, copy: Any = None) -> Any:
    if order not in ("C", None):
        raise UnsupportedError(f"reshape in order {order}.")
    lengths = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return library.module.reshape(library.take(a), tuple(map(operator.index, lengths)), copy=copy)


def _ravel(library: Library, a: Any, order: Any = "C") -> Any:
    return _reshape(library, a, -1, order)


def _transpose(library: Library, a: Any, axes: Any = None) -> Any:
    native = library.take(a)
    ndim = len(native.shape)
    return library.module.permute_dims(native, tuple(range(ndim))[::-1] if axes is None else _axes(axes, ndim))


def _swapaxes(library: Library, a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(len(a.shape)))
    i, j = _axes((axis1, axis2), len(order))
    order[i], order[j] = j, i
    return _transpose(library, a, order)


def _matrix_transpose(library: Library, x: Any, /) -> Any:
    return _swapaxes(library, x, -1, -2)


def _moveaxis(library: Library, a: Any, source: Any, destination: Any) -> Any:
    native = library.take(a)
    source, destination = (_axes(each, len(native.shape)) for each in (source, destination))
    return library.module.moveaxis(native, source, destination)


def _expand_dims(library: Library, a: Any, axis: Any) -> Any:
    native = library.take(a)
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    new = _axes(given, len(native.shape) + len(given))
    lengths = iter(native.shape)
    shape = tuple(1 if i in new else next(lengths) for i in range(len(native.shape) + len(given)))
    return library.module.reshape(native, shape)


def _squeeze(library: Library, a: Any, axis: Any = None) -> Any:
    native = library.take(a)
    shape = native.shape
    axes = _axes(axis, len(shape)) if axis is not None else tuple(i for i, n in enumerate(shape) if n == 1)
    return library.module.squeeze(native, axis=axes)


def _broadcast_to(library: Library, array: Any, shape: Any, subok: bool = False) -> Any:  # noqa: ARG001 - NumPy's parameter
    lengths = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return library.module.broadcast_to(library.take(array), lengths)


def _flip(library: Library, m: Any, axis: Any = None) -> Any:
    return library.module.flip(library.take(m), axis=axis)


def _flipud(library: Library, m: Any) -> Any:
    return _flip(library, m, 0)


def _fliplr(library: Library, m: Any) -> Any:
    return _flip(library, m, 1)


def _roll(library: Library, a: Any, shift: Any, axis: Any = None) -> Any:
    return library.module.roll(library.take(a), shift, axis=axis)


def _repeat(library: Library, a: Any, repeats: Any, axis: Any = None) -> Any:
    native = library.take(a)
    if axis is None:
        native, axis = library.module.reshape(native, (-1,)), 0
    number = operator.index(repeats) if np.ndim(repeats) == 0 else library.take(np.asarray(repeats))
    return library.module.repeat(native, number, axis=axis)


def _tile(library: Library, A: Any, reps: Any) -> Any:  # noqa: N803 - NumPy's name
    return library.module.tile(library.take(A), tuple(reps) if isinstance(reps, (tuple, list)) else (int(reps),))


# --- joining ---------------------------------------------------------------------------------------------------------


def _alike(library: Library, arrays: Sequence[Any], dtype: Any = None) -> list[Any]:
    """Arrays of one type: NumPy's choice."""
    known = [each if isinstance(each, (Lifted, np.ndarray)) else np.asarray(each) for each in arrays]
    wanted = np.result_type(*[each.dtype for each in known]) if dtype is None else np.dtype(dtype)
    return [library.take(each, wanted) for each in known]


def _concatenate(
    library: Library, arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    if out is not None or casting != "same_kind":
        raise UnsupportedError("concatenate with out= or casting=.")
    return library.module.concat(_alike(library, _listed(arrays), dtype), axis=axis)


def _listed(arrays: Any) -> list[Any]:
    return list(arrays)


def _stack(library: Library, arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None) -> Any:
    if out is not None:
        raise UnsupportedError("stack with out=.")
    return library.module.stack(_alike(library, _listed(arrays), dtype), axis=axis)


def _vstack(library: Library, tup: Any) -> Any:
    rows = [library.module.reshape(each, (1, -1)) if len(each.shape) < 2 else each for each in _alike(library, tup)]
    return library.module.concat(rows, axis=0)


def _hstack(library: Library, tup: Any) -> Any:
    parts = [library.module.reshape(each, (1,)) if not each.shape else each for each in _alike(library, tup)]
    return library.module.concat(parts, axis=0 if len(parts[0].shape) == 1 else 1)


def _column_stack(library: Library, tup: Any) -> Any:
    parts = [library.module.reshape(each, (-1, 1)) if len(each.shape) < 2 else each for each in _alike(library, tup)]
    return library.module.concat(parts, axis=1)


def _at_least(n: int) -> Callable[..., Any]:
    def of(library: Library, *arrays: Any) -> Any:
        natives = [library.take(each) for each in arrays]
        shapes = [(*(1,) * (n - len(each.shape)), *each.shape) for each in natives]
        found = [library.module.reshape(each, shape) for each, shape in zip(natives, shapes, strict=True)]
        return found[0] if len(found) == 1 else tuple(found)

    return of


# --- choosing --------------------------------------------------------------------------------------------------------


def _take(library: Library, a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    if out is not None or mode != "raise":
        raise UnsupportedError("take with out= or mode=.")
    native = library.take(a)
    if axis is None:
        native, axis = library.module.reshape(native, (-1,)), 0
    positions: Any = indices if isinstance(indices, Lifted) else np.asarray(indices)
    if not positions.shape:
        positions = int(positions)
    return _index.get(library, native, (*(slice(None),) * normalize_axis_index(axis, len(native.shape)), positions))


def _take_along_axis(library: Library, arr: Any, indices: Any, axis: int = -1) -> Any:
    native, positions = library.take(arr), library.take(indices, np.dtype(np.int64))
    n = native.shape[axis]
    positions = library.module.where(positions < 0, positions + n, positions)
    return library.module.take_along_axis(native, positions, axis=axis)


def _compress(library: Library, condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    if out is not None:
        raise UnsupportedError("compress with out=.")
    (positions,) = library.module.nonzero(library.take(condition, np.dtype(bool)))
    return _take(library, a, library.lift(positions), axis)


def _where(library: Library, condition: Any, x: Any = _NOTHING, y: Any = _NOTHING, /) -> Any:
    xp, chosen = library.module, library.take(condition, np.dtype(bool))
    if x is _NOTHING:
        return tuple(xp.nonzero(chosen))
    wanted = np.result_type(*[each.dtype if isinstance(each, Lifted) else each for each in (x, y)])
    return xp.where(chosen, library.take(x, wanted), library.take(y, wanted))


def _clip(library: Library, a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - NumPy's names
    low, high = (b if a is None or a is _NOTHING else a for a, b in ((a_min, min), (a_max, max)))
    low, high = (None if each is _NOTHING else each for each in (low, high))
    given = [each.dtype if isinstance(each, Lifted) else each for each in (a, low, high) if each is not None]
    wanted = np.result_type(*given)
    if wanted.kind not in "iuf":
        raise UnsupportedError(f"clip of {wanted}.")
    result = library.take(a, wanted)
    if low is not None:
        result = library.module.maximum(result, library.take(low, wanted))
    return result if high is None else library.module.minimum(result, library.take(high, wanted))


def _diagonal(library: Library, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    moved = library.lift(_moveaxis(library, a, (axis1, axis2), (-2, -1)))
    return library.module.linalg.diagonal(moved.native, offset=offset)


def _last_diagonal(library: Library, x: Any, /, *, offset: int = 0) -> Any:
    return _diagonal(library, x, offset, -2, -1)


def _diag(library: Library, v: Any, k: int = 0) -> Any:
    xp, native = library.module, library.take(v)
    if len(native.shape) == 2:
        return _diagonal(library, v, k)
    if len(native.shape) != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = native.shape[0]
    wide = xp.concat([native, xp.zeros(abs(k), dtype=native.dtype)])
    if k > 0:
        wide = xp.roll(wide, k)
    chosen = xp.eye(n + abs(k), k=k, dtype=xp.bool)
    return xp.where(
        chosen, wide if k > 0 else xp.broadcast_to(wide, (n + abs(k),) * 2), xp.zeros((), dtype=native.dtype)
    )


def _trace(library: Library, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    found = library.lift(_diagonal(library, a, offset, axis1, axis2))
    from dsarray.foreign import _reductions

    return _reductions.reduce(library, np.add, found, -1, dtype=dtype)


def _tril(library: Library, m: Any, k: int = 0) -> Any:
    return library.module.tril(library.take(m), k=k)


def _triu(library: Library, m: Any, k: int = 0) -> Any:
    return library.module.triu(library.take(m), k=k)


# --- what stays, and questions ---------------------------------------------------------------------------------------


def _copy(library: Library, a: Any, order: Any = "K", subok: bool = False) -> Any:  # noqa: ARG001 - NumPy's parameters
    return library.copy(library.take(a))


def _round(library: Library, a: Any, decimals: int = 0, out: Any = None) -> Any:
    if decimals or out is not None:
        raise UnsupportedError("round to decimals.")
    return library.module.round(library.take(a))


def _part(name: str) -> Callable[..., Any]:
    def of(library: Library, val: Any) -> Any:
        native = library.take(val)
        if library.dtype_of(native).kind == "c":
            return getattr(library.module, name)(native)
        return native if name == "real" else library.module.zeros_like(native)

    return of


def _like(name: str) -> Callable[..., Any]:
    def of(library: Library, a: Any, *rest: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
        native, fill = library.take(a), rest[:1] if name == "full" else ()
        wanted = dtype if dtype is not None else rest[len(fill)] if len(rest) > len(fill) else None
        known = library.dtype_of(native) if wanted is None else np.dtype(wanted)
        values = [np.asarray(each).astype(known).item() for each in fill]
        lengths = native.shape if shape is None else shape
        return getattr(library.module, name)(lengths, *values, dtype=library.own_dtype(known))

    return of


def _ask(question: Callable[..., Any]) -> Callable[..., Any]:
    """Answer what depends on types and shapes only."""

    def of(_: Library, *args: Any, **keywords: Any) -> Any:
        return question(*args, **keywords)

    return of


def _types(question: Callable[..., Any]) -> Callable[..., Any]:
    def of(_: Library, *args: Any, **keywords: Any) -> Any:
        return question(*[arg.dtype if isinstance(arg, Lifted) else arg for arg in args], **keywords)

    return of


def _shape(a: Any) -> tuple[int, ...]:
    return tuple(a.shape)


def _ndim(a: Any) -> int:
    return len(a.shape)


def _size(a: Any, axis: Any = None) -> int:
    return int(np.prod(a.shape, dtype=np.int64)) if axis is None else int(a.shape[axis])


def _is_complex(x: Any) -> bool:
    return bool(x.dtype.kind == "c")


def _is_real(x: Any) -> bool:
    return bool(x.dtype.kind != "c")


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.reshape: _reshape, np.ravel: _ravel, np.transpose: _transpose, np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis, np.expand_dims: _expand_dims, np.squeeze: _squeeze, np.broadcast_to: _broadcast_to,
    np.flip: _flip, np.flipud: _flipud, np.fliplr: _fliplr, np.roll: _roll, np.repeat: _repeat, np.tile: _tile,
    np.concatenate: _concatenate, np.stack: _stack, np.vstack: _vstack, np.hstack: _hstack,
    np.column_stack: _column_stack, np.atleast_1d: _at_least(1), np.atleast_2d: _at_least(2),
    np.take: _take, np.take_along_axis: _take_along_axis, np.compress: _compress, np.where: _where, np.clip: _clip,
    np.diagonal: _diagonal, np.linalg.diagonal: _last_diagonal, np.diag: _diag, np.trace: _trace, np.tril: _tril,
    np.triu: _triu, np.copy: _copy, np.round: _round, np.around: _round, np.real: _part("real"),
    np.imag: _part("imag"), np.zeros_like: _like("zeros"), np.ones_like: _like("ones"), np.empty_like: _like("empty"),
    np.full_like: _like("full"), np.shape: _ask(_shape), np.ndim: _ask(_ndim), np.size: _ask(_size),
    np.iscomplexobj: _ask(_is_complex), np.isrealobj: _ask(_is_real), np.result_type: _types(np.result_type),
    np.can_cast: _types(np.can_cast), np.matrix_transpose: _matrix_transpose,
}  # fmt: skip
