"""A library that speaks NumPy's words, as CuPy does: its arrays come to main memory only by ``get()``.

It stands for CuPy where there is no GPU. The module is the library: it has NumPy's functions but for a few.
"""

import sys

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

_MISSING = {"gcd", "cbrt", "select", "choose", "interp", "vander", "apply_along_axis", "put_along_axis", "digitize"}

ufunc = np.ufunc


class DeviceArray(NDArrayOperatorsMixin):
    """An array that is on no device, but does as if."""

    def __init__(self, values):
        self._values = np.asarray(values)

    shape = property(lambda self: self._values.shape)
    ndim = property(lambda self: self._values.ndim)
    dtype = property(lambda self: self._values.dtype)
    real = property(lambda self: _lift(self._values.real))
    imag = property(lambda self: _lift(self._values.imag))

    def get(self):
        return self._values.copy()

    def copy(self):
        return DeviceArray(self._values.copy())

    def astype(self, dtype):
        if np.dtype(dtype).kind not in "biufc":
            raise TypeError(f"elements of {dtype} are not for devices")
        return DeviceArray(self._values.astype(dtype))

    def sum(self, *args, **keywords):
        return _lift(self._values.sum(*args, **keywords))

    def __getitem__(self, key):
        return _lift(self._values[_lower(key)])

    def __setitem__(self, key, value):
        self._values[_lower(key)] = _lower(value)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use get().")

    def __array_ufunc__(self, function, method, *inputs, **keywords):
        return _lift(getattr(function, method)(*_lower(inputs), **_lower(keywords)))

    def __array_function__(self, function, types, args, keywords):
        return _lift(function(*_lower(args), **_lower(keywords)))

    def __array_namespace__(self):
        return sys.modules[__name__]


class _Function:
    """A function of the library."""

    def __init__(self, function):
        self._function = function

    def __call__(self, *args, **keywords):
        if any(type(arg) is np.ndarray and arg.ndim for arg in args):
            raise TypeError(f"Unsupported type {np.ndarray}")
        if keywords.keys() & {"where", "initial"}:
            raise TypeError("where= and initial= are not supported")  # nor by CuPy
        return _lift(self._function(*_lower(args), **_lower(keywords)))

    def __getattr__(self, name):
        return _Function(getattr(self._function, name))


class _Submodule:
    def __init__(self, place):
        self._place = place

    def __getattr__(self, name):
        return _Function(getattr(self._place, name))


linalg = _Submodule(np.linalg)


def asarray(values, dtype=None):
    if np.asarray(_lower(values)).dtype.kind not in "biufc":
        raise ValueError("Unsupported dtype")
    return DeviceArray(np.array(_lower(values), dtype))


def _lower(value):
    if isinstance(value, DeviceArray):
        return value._values
    if type(value) in (list, tuple):
        return type(value)(map(_lower, value))
    if type(value) is dict:
        return {name: _lower(each) for name, each in value.items()}
    return value


def _lift(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return DeviceArray(value)
    if type(value) in (list, tuple):
        return type(value)(map(_lift, value))
    if isinstance(value, tuple):
        return type(value)(*map(_lift, value))
    return value


def __getattr__(name):
    if name in _MISSING or name.startswith("_") or not callable(getattr(np, name, None)):
        raise AttributeError(name)
    return _Function(getattr(np, name))
