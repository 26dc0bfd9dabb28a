"""NumPy's methods of an array, each of which is the function of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["NumPyMethods"]

Axis = SupportsIndex | Sequence[SupportsIndex] | None

_NOTHING: Any = np._NoValue


class NumPyMethods:
    """The methods of `numpy.ndarray` that give another array, with NumPy's parameters."""

    __slots__ = ()

    @property
    def _own(self) -> Any:
        return self

    # --- shapes ------------------------------------------------------------------------------------------------------

    @property
    def T(self) -> Array:  # noqa: N802 - NumPy's name
        """The array with its axes reversed."""
        return cast("Array", np.transpose(self._own))

    @property
    def mT(self) -> Array:  # noqa: N802 - NumPy's name
        """The array with its last two axes exchanged."""
        if self._own.ndim < 2:
            raise ValueError(f"mT: an array of {self._own.ndim} dimensions is no stack of matrices; use T.")
        return self.swapaxes(-1, -2)

    def transpose(self, *axes: Any) -> Array:
        """Return the array with its axes in another order, by default reversed."""
        is_one_order = len(axes) == 1 and not hasattr(axes[0], "__index__")
        return cast("Array", np.transpose(self._own, axes[0] if is_one_order else axes or None))

    def swapaxes(self, axis1: SupportsIndex, axis2: SupportsIndex) -> Array:
        """Return the array with two axes exchanged."""
        return cast("Array", np.swapaxes(self._own, axis1, axis2))

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Array:
        """Return the elements in another shape; one length may be -1."""
        wanted = shape[0] if len(shape) == 1 else shape
        return cast("Array", np.reshape(self._own, wanted, order=cast("Any", order), copy=copy))

    def ravel(self, order: str = "C") -> Array:
        """Return the elements in one axis."""
        return cast("Array", np.ravel(self._own, order=cast("Any", order)))

    def flatten(self, order: str = "C") -> Array:
        """Return the elements in one axis."""
        return self.ravel(order)

    def squeeze(self, axis: Any = None) -> Array:
        """Return the array without its axes of length 1, or without those named."""
        return cast("Array", np.squeeze(self._own, axis))

    def repeat(self, repeats: Any, axis: SupportsIndex | None = None) -> Array:
        """Return the array with each element repeated."""
        return cast("Array", np.repeat(self._own, repeats, axis))

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
        """Return the elements of diagonals."""
        return cast("Array", np.diagonal(self._own, offset, axis1, axis2))

    # --- parts -------------------------------------------------------------------------------------------------------

    def take(self, indices: Any, axis: SupportsIndex | None = None, out: Any = None, mode: str = "raise") -> Array:
        """Return the elements at positions along an axis."""
        return cast("Array", np.take(self._own, indices, axis, out, cast("Any", mode)))

    def compress(self, condition: Any, axis: SupportsIndex | None = None, out: Any = None) -> Array:
        """Return the slices along an axis that a mask selects."""
        return cast("Array", np.compress(condition, self._own, axis, out))

    def nonzero(self) -> tuple[Array, ...]:
        """Return the positions of the elements that are not 0, an Array for each axis; they are counted at once."""
        return cast("tuple[Array, ...]", np.nonzero(self._own))

    def fill(self, value: Any) -> None:
        """Set all elements to a value."""
        self._own[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Set the elements at positions of the flattened array."""
        np.put(self._own, indices, values, cast("Any", mode))

    # --- elements ----------------------------------------------------------------------------------------------------

    def clip(self, min: Any = None, max: Any = None, out: Any = None) -> Array:  # noqa: A002 - NumPy's names
        """Return the array with its values limited to a range."""
        return cast("Array", np.clip(self._own, min, max, out))

    def round(self, decimals: int = 0, out: Any = None) -> Array:
        """Return the array rounded to a number of decimals."""
        return cast("Array", np.round(self._own, decimals, out))

    @property
    def real(self) -> Array:
        """The real part."""
        return cast("Array", np.real(self._own))

    @property
    def imag(self) -> Array:
        """The imaginary part."""
        return cast("Array", np.imag(self._own))

    def conj(self) -> Array:
        """Return the complex conjugate."""
        is_real = self._own.dtype.kind in "biuf"
        return cast("Array", self._own.copy() if is_real else np.conjugate(self._own))

    def conjugate(self) -> Array:
        """Return the complex conjugate."""
        return self.conj()

    def dot(self, b: Any, out: Any = None) -> Array:
        """Return the product, as `numpy.dot`."""
        return cast("Array", np.dot(self._own, b) if out is None else np.dot(self._own, b, out))

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Array:
        """Return the sums along diagonals."""
        return cast("Array", np.trace(self._own, offset, axis1, axis2, dtype, out))

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None and not self._own.ndim:
            return round(self._own.item())
        return self.round(0 if ndigits is None else ndigits)

    def __format__(self, spec: str) -> str:
        return format(self._own.item(), spec) if spec and not self._own.ndim else format(str(self), spec)

    # --- order -------------------------------------------------------------------------------------------------------

    def sort(
        self, axis: SupportsIndex = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
    ) -> None:
        """Put the elements in order along an axis, for all who hold this array; `numpy.sort` leaves it alone."""
        self._own.become(np.sort(self._own, axis, kind, order, stable=stable))

    def argsort(
        self, axis: SupportsIndex | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
    ) -> Array:
        """Return the positions that would put the elements in order along an axis."""
        return cast("Array", np.argsort(self._own, axis, kind, order, stable=stable))

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Array:
        """Return where values would have to be put into this array, which is in order."""
        return cast("Array", np.searchsorted(self._own, v, cast("Any", side), sorter))

    # --- reductions --------------------------------------------------------------------------------------------------

    def sum(
        self,
        axis: Axis = None,
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = _NOTHING,
        where: Any = True,
    ) -> Array:
        """Return the sum over axes."""
        return cast("Array", np.sum(self._own, axis, dtype, out, keepdims, initial, where))

    def prod(
        self,
        axis: Axis = None,
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = _NOTHING,
        where: Any = True,
    ) -> Array:
        """Return the product over axes."""
        return cast("Array", np.prod(self._own, axis, dtype, out, keepdims, initial, where))

    def mean(
        self,
        axis: Axis = None,
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
        keepdims: bool = False,
        *,
        where: Any = True,
    ) -> Array:
        """Return the mean over axes."""
        return cast("Array", np.mean(self._own, axis, dtype, out, keepdims, where=where))

    def var(
        self,
        axis: Axis = None,
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        **options: Any,
    ) -> Array:
        """Return the variance over axes; sums are divided by their number of elements less ``ddof``."""
        given = {name: value for name, value in options.items() if value is not None}
        return cast("Array", np.var(self._own, axis, dtype, out, ddof, keepdims, **given))

    def std(
        self,
        axis: Axis = None,
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        **options: Any,
    ) -> Array:
        """Return the standard deviation over axes; sums are divided by their number of elements less ``ddof``."""
        given = {name: value for name, value in options.items() if value is not None}
        return cast("Array", np.std(self._own, axis, dtype, out, ddof, keepdims, **given))

    def min(
        self, axis: Axis = None, out: Any = None, keepdims: bool = False, initial: Any = _NOTHING, where: Any = True
    ) -> Array:
        """Return the least element over axes."""
        return cast("Array", np.min(self._own, axis, out, keepdims, initial, where))

    def max(
        self, axis: Axis = None, out: Any = None, keepdims: bool = False, initial: Any = _NOTHING, where: Any = True
    ) -> Array:
        """Return the greatest element over axes."""
        return cast("Array", np.max(self._own, axis, out, keepdims, initial, where))

    def any(self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Array:
        """Return whether any element over axes is true."""
        return cast("Array", np.any(self._own, axis, out, keepdims, where=where))

    def all(self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Array:
        """Return whether all elements over axes are true."""
        return cast("Array", np.all(self._own, axis, out, keepdims, where=where))

    def argmin(self, axis: SupportsIndex | None = None, out: Any = None, *, keepdims: bool = False) -> Array:
        """Return the position of the first least element."""
        return cast("Array", np.argmin(self._own, axis, out, keepdims=keepdims))

    def argmax(self, axis: SupportsIndex | None = None, out: Any = None, *, keepdims: bool = False) -> Array:
        """Return the position of the first greatest element."""
        return cast("Array", np.argmax(self._own, axis, out, keepdims=keepdims))

    def cumsum(self, axis: SupportsIndex | None = None, dtype: npt.DTypeLike | None = None, out: Any = None) -> Array:
        """Return the sums of the elements up to each one."""
        return cast("Array", np.cumsum(self._own, axis, dtype, out))

    def cumprod(self, axis: SupportsIndex | None = None, dtype: npt.DTypeLike | None = None, out: Any = None) -> Array:
        """Return the products of the elements up to each one."""
        return cast("Array", np.cumprod(self._own, axis, dtype, out))
