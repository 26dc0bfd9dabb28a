"""Norms of vectors and matrices: reductions, and singular values for some norms of matrices.

What travels has the size of the result; for ``ord`` 2, -2 and "nuc" see `svd`.
"""

# ruff: noqa: A002 - NumPy's names of parameters

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dsarray import _elementwise
from dsarray._registry import implements
from dsarray.linalg.svd import svd

__all__ = ["matrix_norm", "norm", "vector_norm"]


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors or matrices, as `numpy.linalg.norm`, with all its values of ``ord``."""
    a = _as_floats(_elementwise.as_array(x))
    if axis is None:
        if ord is None or (ord in ("f", "fro") and a.ndim == 2) or (ord == 2 and a.ndim == 1):
            return np.sqrt(np.sum(_squares(a), axis=tuple(range(a.ndim)), keepdims=keepdims))
        axes: tuple[int, ...] = tuple(range(a.ndim))
    elif isinstance(axis, tuple):
        axes = axis
    elif hasattr(axis, "__index__"):
        axes = (axis,)
    else:
        raise TypeError("norm: axis must be None, an integer or a tuple of integers")
    if len(axes) == 1:
        return _vector_norm(a, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(a, ord, axes, keepdims)
    raise ValueError(f"norm: Improper number of dimensions to norm: {len(axes)}; name one axis or two.")


def _as_floats(a: Any) -> Any:
    return a if a.dtype.kind in "fc" else a.astype(np.float64)


def _squares(a: Any) -> Any:
    squares: Any = _elementwise.elementwise(_squared, a)
    return squares


def _squared(block: Any) -> Any:
    return block.real**2 + block.imag**2 if block.dtype.kind == "c" else block * block


def _vector_norm(a: Any, kind: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    is_name = isinstance(kind, str)
    if is_name:
        raise ValueError(f"norm: Invalid norm order {kind!r} for vectors; give a number.")
    if kind is None or kind == 2:
        return np.sqrt(np.sum(_squares(a), axis=axis, keepdims=keepdims))
    sizes = np.abs(a)
    if kind == np.inf:
        return _largest(sizes, axis, keepdims)
    if kind == -np.inf:
        return np.min(sizes, axis=axis, keepdims=keepdims)
    if kind == 0:
        return np.sum((a != 0).astype(sizes.dtype), axis=axis, keepdims=keepdims)
    if kind == 1:
        return np.sum(sizes, axis=axis, keepdims=keepdims)
    total = np.sum(sizes**kind, axis=axis, keepdims=keepdims)
    return total ** np.reciprocal(kind, dtype=total.dtype)


def _largest(a: Any, axis: Any, keepdims: bool) -> Any:
    """The largest of what is not negative; 0 if there is nothing."""
    axes = normalize_axis_tuple(axis, a.ndim)
    if any(a.shape[each] == 0 for each in axes):
        return np.sum(a, axis=axes, keepdims=keepdims)
    return np.max(a, axis=axes, keepdims=keepdims)


def _matrix_norm(a: Any, kind: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    row, column = (normalize_axis_index(each, a.ndim) for each in axes)
    if row == column:
        raise ValueError("norm: Duplicate axes given; name two.")
    if kind in (None, "fro", "f"):
        return np.sqrt(np.sum(_squares(a), axis=(row, column), keepdims=keepdims))
    if isinstance(kind, str) or kind in (2, -2):
        return _spectral_norm(a, kind, (row, column), keepdims)
    if kind not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"norm: Invalid norm order {kind!r} for matrices; give 1, 2, inf, their negatives or a name.")
    added, compared = (row, column) if abs(kind) == 1 else (column, row)
    sums = np.sum(np.abs(a), axis=added, keepdims=True)
    result = _largest(sums, compared, True) if kind > 0 else np.min(sums, axis=compared, keepdims=True)
    return result if keepdims else np.squeeze(result, (row, column))


def _spectral_norm(a: Any, kind: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    if kind not in (2, -2, "nuc"):
        raise ValueError(f"norm: Invalid norm order {kind!r} for matrices; give 'fro' or 'nuc'.")
    others = [axis for axis in range(a.ndim) if axis not in axes]
    values = svd(np.transpose(a, (*others, *axes)), compute_uv=False)
    if kind == "nuc":
        result: Any = np.sum(values, axis=-1)
    else:
        result = np.min(values, axis=-1) if kind < 0 else _largest(values, -1, False)
    return np.expand_dims(result, tuple(sorted(axes))) if keepdims else result


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return the norm of a matrix, or of each matrix of a stack, as `numpy.linalg.matrix_norm`."""
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return the norm of vectors along any number of axes, as `numpy.linalg.vector_norm`."""
    a = _as_floats(_elementwise.as_array(x))
    axes = tuple(range(a.ndim)) if axis is None else normalize_axis_tuple(axis, a.ndim)
    return _vector_norm(a, ord, axes, keepdims)
