"""Small arrays in random blocks, beside the ndarrays that they should equal."""

import itertools
import warnings

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds

modest = settings(deadline=None, max_examples=120, derandomize=True)

DTYPES = ["bool", "int8", "uint8", "int32", "int64", "float32", "float64", "complex128"]
REAL = ["bool", "int8", "uint8", "int32", "int64", "float32", "float64"]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)


def elements(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind == "u":
        return st.integers(0, 9)
    if dtype.kind == "i":
        return st.integers(-9, 9)
    floats = st.sampled_from([0.0, 1.0, -1.0, 0.5, -2.25, 3.0, 1000.0, np.nan, np.inf])
    return floats if dtype.kind == "f" else st.builds(complex, floats, st.sampled_from([0.0, 1.5, -2.0]))


def ndarrays(dtypes=DTYPES, shapes=SHAPES):
    return st.sampled_from(dtypes).flatmap(lambda dtype: hnp.arrays(dtype, shapes, elements=elements(dtype)))


@st.composite
def cuts(draw, length):
    """Lengths of blocks that add up to a length; some may be 0."""
    inner = draw(st.lists(st.integers(0, length), max_size=3))
    ends = [0, *sorted(inner), length]
    return tuple(b - a for a, b in itertools.pairwise(ends))


@st.composite
def blocked(draw, values):
    """Return an array equal to the values, in random blocks."""
    chunks = tuple(draw(cuts(length)) for length in values.shape)
    return ds.array(values, block_size=chunks)


@st.composite
def pairs(draw, dtypes=DTYPES, shapes=SHAPES):
    values = draw(ndarrays(dtypes, shapes))
    return values, draw(blocked(values))


def assert_same(actual, expected, rtol=0.0):
    """Values, shape and dtype are the same."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    collected = actual.collect()
    assert collected.shape == expected.shape
    assert collected.dtype == expected.dtype
    if expected.dtype.kind in "fc":
        np.testing.assert_allclose(collected, expected, rtol=rtol, atol=rtol)
    else:
        np.testing.assert_array_equal(collected, expected)


def assert_alike(ours, numpys, rtol=0.0):
    """Two calls give the same, or raise errors of one kind."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            expected = numpys()
        except Exception as error:
            kinds = [kind for kind in (IndexError, ValueError, TypeError) if isinstance(error, kind)]
            try:
                ours().collect()
            except tuple(kinds):
                return
            raise AssertionError(f"NumPy raised {error!r}, we did not") from error
        assert_same(ours(), expected, rtol)
