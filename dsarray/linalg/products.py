"""Products of vectors, matrices and tensors, all by sums of products of blocks.

See `_contraction` for what moves.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dsarray import _elementwise, _matmul
from dsarray._registry import implements
from dsarray.linalg._contraction import contract

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["inner", "matvec", "outer", "tensordot", "vdot", "vecdot", "vecmat"]


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return the sum of products over axes of two arrays, as `numpy.tensordot`."""
    x, y = _dense("tensordot", a, b)
    if isinstance(axes, (tuple, list)) or np.ndim(axes):
        of_x, of_y = (tuple(each) if np.ndim(each) else (each,) for each in axes)
    else:
        of_x, of_y = tuple(range(-axes, 0)), tuple(range(axes))
    if len(of_x) != len(of_y):
        raise ValueError(f"tensordot: axes={axes!r} are {len(of_x)} and {len(of_y)}; name as many of each array.")
    if len(of_x) > min(x.ndim, y.ndim):
        raise np.exceptions.AxisError(
            f"tensordot: {len(of_x)} axes of shapes {x.shape} and {y.shape}; name axes that are there."
        )
    summed = normalize_axis_tuple(of_x, x.ndim), normalize_axis_tuple(of_y, y.ndim)
    return _summed(x, y, summed, "tensordot")


def _dense(where: str, *values: Any) -> list[Array]:
    return [_elementwise.as_dense(value, where) for value in values]


def _summed(x: Array, y: Array, axes: tuple[Sequence[int], Sequence[int]], where: str) -> Array:
    """The sum over pairs of axes; the others follow each other."""
    if [x.shape[i] for i in axes[0]] != [y.shape[i] for i in axes[1]]:
        raise ValueError(f"{where}: shapes {x.shape} and {y.shape} do not fit along axes {axes[0]} and {axes[1]}.")
    of_x = string.ascii_letters[: x.ndim]
    spare = iter(string.ascii_letters[x.ndim :])
    pairs = {j: of_x[i] for i, j in zip(*axes, strict=True)}
    of_y = "".join(pairs.get(j) or next(spare) for j in range(y.ndim))
    free = [name for i, name in enumerate(of_x) if i not in axes[0]]
    free += [name for j, name in enumerate(of_y) if j not in axes[1]]
    return contract([x, y], [of_x, of_y], "".join(free), np.result_type(x.dtype, y.dtype))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """Return the sums of products over the last axes, as `numpy.inner`."""
    x, y = _dense("inner", a, b)
    if not x.ndim or not y.ndim:
        product: Any = np.multiply(x, y)
        return product
    return _summed(x, y, ((x.ndim - 1,), (y.ndim - 1,)), "inner")


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """Return the product of two arrays, as `numpy.dot`: over the last axis of one and the last but one of the other."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b, out=out)
    if np.ndim(a) <= 2 and np.ndim(b) <= 2:
        product = _matmul.matmul(a, b)
    else:
        x, y = _dense("dot", a, b)
        product = _summed(x, y, ((x.ndim - 1,), (max(0, y.ndim - 2),)), "dot")
    return product if out is None else np.add(product, 0, out=out)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """Return the sum of products of all elements, the first ones conjugated, as `numpy.vdot`."""
    x, y = _dense("vdot", a, b)
    if x.size != y.size:
        raise ValueError(f"vdot: {x.size} and {y.size} elements; give as many.")
    if x.shape != y.shape:
        x, y = x.ravel(), y.ravel()
    axes = tuple(range(x.ndim))
    return _summed(_conjugate(x), y, (axes, axes), "vdot")


def _conjugate(a: Array) -> Any:
    conjugate: Any = np.conjugate(a) if a.dtype.kind == "c" else a
    return conjugate


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1, keepdims: bool = False) -> Any:
    """Return the sums of products along an axis, the first ones conjugated, with broadcasting, as `numpy.vecdot`."""
    x, y = (_last(each, axis) for each in _dense("vecdot", x1, x2))
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"vecdot: shapes {x.shape} and {y.shape} do not fit along the axis; make it as long.")
    result: Any = np.sum(np.multiply(_conjugate(x), y), axis=-1, dtype=np.result_type(x.dtype, y.dtype))
    return np.expand_dims(result, axis) if keepdims else result


def _last(a: Array, axis: int) -> Any:
    """The array with an axis moved to the end."""
    if not a.ndim:
        raise ValueError("vecdot: a scalar has no axis; give vectors.")
    at = normalize_axis_index(axis, a.ndim)
    return a if at == a.ndim - 1 else np.transpose(a, (*range(at), *range(at + 1, a.ndim), at))


@implements(np.matvec)
def matvec(x1: Any, x2: Any, /) -> Array:
    """Return the products of matrices and vectors, with broadcasting, as `numpy.matvec`."""
    x, y = _dense("matvec", x1, x2)
    _check_axes("matvec", x, y, (2, 1))
    return _matmul.matmul(x, y[..., None])[..., 0]


@implements(np.vecmat)
def vecmat(x1: Any, x2: Any, /) -> Array:
    """Return the products of vectors, conjugated, and matrices, with broadcasting, as `numpy.vecmat`."""
    x, y = _dense("vecmat", x1, x2)
    _check_axes("vecmat", x, y, (1, 2))
    return _matmul.matmul(_conjugate(x)[..., None, :], y)[..., 0, :]


def _check_axes(where: str, x: Array, y: Array, least: tuple[int, int]) -> None:
    if x.ndim < least[0] or y.ndim < least[1]:
        raise ValueError(f"{where}: shapes {x.shape} and {y.shape} have too few axes; give {least[0]} and {least[1]}.")


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """Return the products of all pairs of elements, as `numpy.outer`."""
    x, y = _dense("outer", a, b)
    keywords = {} if out is None else {"out": out}
    product: Any = np.multiply(np.ravel(x)[:, None], np.ravel(y)[None, :], **keywords)
    return product


@implements(np.linalg.outer)
def _outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"outer: arrays of {np.ndim(x1)} and {np.ndim(x2)} dimensions are no vectors; use np.outer.")
    return outer(x1, x2)


@implements(np.linalg.matmul)
def _matmul_of_any(x1: Any, x2: Any, /) -> Array:
    return _matmul.matmul(x1, x2)


@implements(np.linalg.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    a = _elementwise.as_array(x)
    if a.ndim < 2:
        raise ValueError(f"matrix_transpose: an array of {a.ndim} dimensions is no matrix; give at least two.")
    return np.transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))
