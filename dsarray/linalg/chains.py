"""Products of many matrices: powers, and chains in the order that takes the least work.

They are products of two matrices each; see `_matmul` for what moves.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _creation, _elementwise, _matmul
from dsarray._registry import implements
from dsarray.linalg._matrices import as_matrices, ask_numpy
from dsarray.linalg.solve import inv, solve

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["matrix_power", "multi_dot", "tensorinv", "tensorsolve"]


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Array:
    """Return the product of two or more matrices in the cheapest order, as `numpy.linalg.multi_dot`.

    The first may be a vector, taken for a row, and the last one, taken for a column.
    """
    factors = [_elementwise.as_array(each) for each in arrays]
    if len(factors) < 2:
        raise ValueError("multi_dot: Expecting at least two arrays; give a sequence of them.")
    for i, a in enumerate(factors):
        if a.ndim != 2 and not (a.ndim == 1 and i in (0, len(factors) - 1)):
            raise np.linalg.LinAlgError(f"multi_dot: {a.ndim}-dimensional array given. Array must be two-dimensional")
    sizes = [a.shape[0] if a.ndim == 2 else 1 if not i else a.shape[0] for i, a in enumerate(factors)]
    sizes.append(factors[-1].shape[1] if factors[-1].ndim == 2 else 1)
    product: Array = _multiplied(factors, _splits(tuple(sizes)), 0, len(factors) - 1)
    return product if out is None else np.add(product, 0, out=out)


def _splits(sizes: tuple[int, ...]) -> Any:
    """Return a function that says after which factor to split a chain of them (Cormen et al., 15.2)."""

    @functools.cache
    def best(first: int, last: int) -> tuple[int, int]:
        if first == last:
            return 0, first
        return min(
            (best(first, k)[0] + best(k + 1, last)[0] + sizes[first] * sizes[k + 1] * sizes[last + 1], k)
            for k in range(first, last)
        )

    return best


def _multiplied(factors: Sequence[Array], splits: Any, first: int, last: int) -> Any:
    if first == last:
        return factors[first]
    after = splits(first, last)[1]
    return _matmul.matmul(_multiplied(factors, splits, first, after), _multiplied(factors, splits, after + 1, last))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Array:
    """Return a square matrix, or each of a stack, multiplied with itself, as `numpy.linalg.matrix_power`."""
    a = as_matrices(a, "matrix_power")
    if a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"matrix_power: shape {a.shape} is not square; give square matrices.")
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"matrix_power: exponent {n!r} must be an integer") from None
    if n == 0:
        lengths = a.chunks[-2]
        identity = _creation.eye(a.shape[-1], block_size=(lengths, lengths), dtype=a.dtype)
        return identity if a.ndim == 2 else _elementwise.elementwise(_like, identity, a)
    power = inv(a) if n < 0 else a
    result: Array | None = None
    n = abs(n)
    while True:
        n, is_odd = divmod(n, 2)
        if is_odd:
            result = power if result is None else _matmul.matmul(result, power)
        if not n:
            break
        power = _matmul.matmul(power, power)
    assert result is not None
    return result


def _like(block: Any, other: Any) -> Any:
    return np.broadcast_to(block, np.broadcast_shapes(block.shape, other.shape)).astype(other.dtype)


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Array:
    """Solve ``tensordot(a, x, x.ndim) = b``, as `numpy.linalg.tensorsolve`; see `solve`."""
    x, right = _elementwise.as_array(a), _elementwise.as_array(b)
    if axes is not None:
        moved = [axis % x.ndim for axis in axes]
        x = x.transpose([*(axis for axis in range(x.ndim) if axis not in moved), *moved])
    shape = x.shape[right.ndim - x.ndim :] if x.ndim > right.ndim else ()
    size = int(np.prod(shape, dtype=int))
    if x.size != size**2:
        raise np.linalg.LinAlgError(f"tensorsolve: shapes {x.shape} and {right.shape} make no square matrix.")
    solution = solve(x.reshape(size, size), right.ravel())
    return solution.reshape(shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Array:
    """Return the inverse of an array for `tensordot` over ``ind`` axes, as `numpy.linalg.tensorinv`; see `inv`."""
    x = _elementwise.as_array(a)
    if ind < 1:
        raise ValueError(f"tensorinv: Invalid ind argument: {ind}; give at least 1.")
    shape = (*x.shape[ind:], *x.shape[:ind])
    size = int(np.prod(x.shape[ind:], dtype=int))
    ask_numpy(np.linalg.inv, [square := x.reshape(size, -1)])
    return inv(square).reshape(shape)
