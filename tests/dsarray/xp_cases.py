"""Samples for the array API namespace, and a comparison of one call with array_api_strict's."""

import array_api_strict as strict
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from dsarray import xp
from tests.dsarray.strategies import blocked

few = settings(deadline=None, max_examples=12, derandomize=True)

BOOL = ("bool",)
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
FLOATS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = UNSIGNED + SIGNED
REAL = INTEGERS + FLOATS
FLOATING = FLOATS + COMPLEX
NUMERIC = REAL + COMPLEX
ALL = BOOL + NUMERIC
KINDS = (BOOL, UNSIGNED, SIGNED, FLOATS, FLOATING)
"""Types that the standard lets meet."""

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
FULL = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)
LONG = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)


def elements(dtype, *, special=True):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind in "iu":
        low, high = (0, 5) if dtype.kind == "u" else (-5, 5)
        ends = [np.iinfo(dtype).min, np.iinfo(dtype).max] if special else []
        return st.integers(low, high) | st.sampled_from([0, 1, *ends])
    ordinary = [1.0, -1.0, 0.5, -2.25, 3.0, 100.0]
    floats = st.sampled_from([*ordinary, 0.0, *((-0.0, np.nan, np.inf, -np.inf) if special else ())])
    return floats if dtype.kind == "f" else st.builds(complex, floats, floats)


def arrays(dtypes=ALL, shapes=SHAPES, *, special=True):
    return st.sampled_from(dtypes).flatmap(
        lambda dtype: hnp.arrays(dtype, shapes, elements=elements(dtype, special=special))
    )


def scalars(dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return st.booleans()
    if kind in "iu":
        return st.integers(0, 7)
    return st.sampled_from([0.5, 2, -1.5, float("inf")] if kind == "f" else [0.5, 2, 1j])


def converted(value, convert):
    if isinstance(value, np.ndarray):
        return convert(value)
    if isinstance(value, list):
        return [converted(each, convert) for each in value]
    return value


def compared(actual, expected, rtol):
    if isinstance(expected, tuple):
        assert isinstance(actual, tuple)
        assert getattr(actual, "_fields", None) == getattr(expected, "_fields", None)
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            compared(one, other, rtol)
        return
    assert isinstance(actual, ds.Array)
    reference = np.asarray(expected._array)
    assert actual.shape == reference.shape
    assert actual.dtype == reference.dtype
    values = actual.collect()
    assert (values.shape, values.dtype) == (reference.shape, reference.dtype)
    if reference.dtype.kind in "fc" and rtol:
        single = reference.dtype.itemsize <= (4 if reference.dtype.kind == "f" else 8)
        np.testing.assert_allclose(values, reference, rtol=max(rtol, 1e-4 * single), atol=1e-4 if single else rtol)
    else:
        np.testing.assert_array_equal(values, reference)
        if reference.dtype.kind == "f":
            numbers = ~np.isnan(reference)
            np.testing.assert_array_equal(np.signbit(values[numbers]), np.signbit(reference[numbers]))


def function_of(namespace, name):
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


def check(data, name, args, keywords=None, rtol=0.0):
    """Compare one call; where array_api_strict refuses, NumPy may be more liberal, and so may we."""
    keywords = keywords or {}
    with np.errstate(all="ignore"):
        try:
            theirs = converted(list(args), strict.asarray)
            options = {k: converted(v, strict.asarray) for k, v in keywords.items()}
            expected = function_of(strict, name)(*theirs, **options)
        except (TypeError, ValueError, IndexError, AttributeError, OverflowError, np.linalg.LinAlgError):
            return
        ours = converted(list(args), lambda values: data.draw(blocked(values)))
        options = {k: converted(v, lambda values: data.draw(blocked(values))) for k, v in keywords.items()}
        compared(function_of(xp, name)(*ours, **options), expected, rtol)


def axes_of(x):
    if not x.ndim:
        return st.none()
    return st.none() | st.integers(-x.ndim, x.ndim - 1) | st.sets(st.integers(0, x.ndim - 1)).map(tuple)


def axis_of(x):
    return st.integers(-x.ndim, x.ndim - 1)
