"""The standard's discrete Fourier transforms; what moves is told in `dsarray.functions._fourier`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._standard import check_device, to_device
from dsarray.functions import _fourier
from dsarray.xp._arguments import check_arrays

__all__ = ["fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn",
           "rfft", "rfftfreq", "rfftn"]  # fmt: skip


def _along_one(function: Callable[..., Any]) -> Callable[..., Array]:
    name = function.__name__

    def call(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
        check_arrays(f"fft.{name}", x)
        return _fourier.transform(function, x, n, axis, norm)

    _name(call, name)
    return call


def _along_many(name: str, function: Callable[..., Any]) -> Callable[..., Array]:
    def call(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
    ) -> Array:
        check_arrays(f"fft.{name}", x)
        return _fourier.transform_axes(function, x, s, axes, norm)

    _name(call, name)
    return call


def _name(call: Any, name: str) -> None:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Return the transform `numpy.fft.{name}`."


fft = _along_one(np.fft.fft)
ifft = _along_one(np.fft.ifft)
rfft = _along_one(np.fft.rfft)
irfft = _along_one(np.fft.irfft)
hfft = _along_one(np.fft.hfft)
ihfft = _along_one(np.fft.ihfft)
fftn = _along_many("fftn", np.fft.fft)
ifftn = _along_many("ifftn", np.fft.ifft)
rfftn = _along_many("rfftn", np.fft.rfft)
irfftn = _along_many("irfftn", np.fft.irfft)


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """Return the frequencies of `fft` of ``n`` samples that are ``d`` apart."""
    return _frequencies(n, d, dtype, device, False, "fftfreq")


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """Return the frequencies of `rfft` of ``n`` samples that are ``d`` apart."""
    return _frequencies(n, d, dtype, device, True, "rfftfreq")


def _frequencies(n: int, d: float, dtype: Any, device: Any, only_positive: bool, where: str) -> Array:
    check_device(device, f"xp.fft.{where}")
    wanted = np.dtype(float if dtype is None else dtype)
    if wanted.kind != "f":
        raise TypeError(f"xp.fft.{where}: dtype={wanted} is not supported; give a type of real floating point numbers.")
    made = _fourier.frequencies(n, d, wanted, only_positive=only_positive, where=where)
    return made if device is None else to_device(made, device)


def fftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """Move the zero frequency to the middle of axes."""
    check_arrays("fft.fftshift", x)
    shifted: Array = _fourier.shift(x, axes, 1)
    return shifted


def ifftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """Move the zero frequency from the middle of axes back to their start."""
    check_arrays("fft.ifftshift", x)
    shifted: Array = _fourier.shift(x, axes, -1)
    return shifted
