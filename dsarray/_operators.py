"""The operators of an Array: NumPy's, with what NumPy does around its ufuncs.

A number that was taken out of an array, or that a reduction gave, is a scalar in NumPy: ``s += 1`` makes another one.
``==`` and ``!=`` have an answer for elements that cannot be compared: they are different. And ``**`` takes roots and
squares for what they are, which rounds otherwise than `numpy.power` does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dsarray import _elementwise

__all__ = ["Operators"]


def _in_place(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    """Return the method that changes an array, and leaves a scalar to the operator that makes another one."""

    def change(self: Any, other: Any) -> Any:
        return NotImplemented if self.is_scalar else ufunc(self, other, out=(self,))

    return change


def _compare(ufunc: np.ufunc, elements: Callable[[Any, Any], Any], a: Any, other: Any) -> Any:
    if other is None:  # which is what NaT is as an object of Python
        same = np.isnat(a) if a.dtype.kind in "mM" else np.zeros_like(a, dtype=bool)
        return same if ufunc is np.equal else ~same
    try:
        return ufunc(a, other)
    except np.exceptions.DTypePromotionError:
        raise
    except TypeError:
        if getattr(a, "sparse", False) or getattr(other, "sparse", False):
            raise
        return _elementwise.elementwise(elements, a, other)  # which asks NumPy's operator in place of its ufunc


def _power(a: Any, exponent: Any) -> Any:
    if isinstance(exponent, (int, float, complex, np.generic)) and not (a.is_scalar or a.sparse):
        return _elementwise.elementwise(operator.pow, a, exponent)
    return NDArrayOperatorsMixin.__pow__(a, exponent)


def _power_in_place(a: Any, exponent: Any) -> Any:
    if a.is_scalar:
        return NotImplemented
    if a.sparse or not isinstance(exponent, (int, float, complex, np.generic)):
        return np.power(a, exponent, out=(a,))
    return _elementwise.store(_power(a, exponent), a, "np.power")


class Operators(NDArrayOperatorsMixin):
    """What ``+``, ``==``, ``+=`` and the like mean for an Array."""

    __slots__ = ()

    __hash__ = None  # type: ignore[assignment]  # equality is by element

    def __eq__(self, other: object) -> Any:
        return _compare(np.equal, operator.eq, self, other)

    def __ne__(self, other: object) -> Any:
        return _compare(np.not_equal, operator.ne, self, other)

    __iadd__ = _in_place(np.add)
    __isub__ = _in_place(np.subtract)
    __imul__ = _in_place(np.multiply)
    __itruediv__ = _in_place(np.true_divide)
    __ifloordiv__ = _in_place(np.floor_divide)
    __imod__ = _in_place(np.remainder)
    __pow__ = _power
    __ipow__ = _power_in_place
    __ilshift__ = _in_place(np.left_shift)
    __irshift__ = _in_place(np.right_shift)
    __iand__ = _in_place(np.bitwise_and)
    __ixor__ = _in_place(np.bitwise_xor)
    __ior__ = _in_place(np.bitwise_or)
