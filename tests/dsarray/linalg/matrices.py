"""Random matrices in random blocks, and what is asked of their factors."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tests.dsarray.strategies import blocked

few = settings(deadline=None, max_examples=30, derandomize=True)

FLOATS = ["float32", "float64", "complex64", "complex128"]


def normal(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    values = 3 * rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.normal(size=shape)
    return values.astype(dtype)


@st.composite
def matrices(draw, *, full_rank=None, square=False, most=9, dtypes=(*FLOATS, "int64")):
    """A matrix, tall, wide or square, maybe of low rank; and the same in blocks."""
    m = draw(st.integers(0, most))
    n = m if square else draw(st.integers(0, most))
    values = normal((m, n), draw(st.sampled_from(dtypes)), draw(st.integers(0, 99)))
    if not full_rank and draw(st.booleans()):
        values = values[:, :1] @ values[:1] if m and n else values
    return values, draw(blocked(values))


def eps_of(values):
    return float(np.finfo(np.linalg.svdvals(np.zeros((1, 1), values.dtype)).dtype).eps)


def assert_near(actual, expected, scale, eps):
    """They differ, in the norm, by no more than some roundings."""
    assert np.linalg.norm(np.asarray(actual) - expected) <= 60 * eps * scale + 1e-300


def assert_orthonormal(columns):
    n = columns.shape[1]
    assert_near(columns.conj().T @ columns, np.eye(n), 1 + n, eps_of(columns))


def assert_kind(actual, expected):
    """Shape and type are NumPy's, also of what is collected."""
    collected = actual.collect()
    assert actual.shape == collected.shape == np.shape(expected)
    assert actual.dtype == collected.dtype == np.asarray(expected).dtype
    return collected


def assert_close(actual, expected, tolerance=1e4):
    """The same as NumPy's, to some thousand roundings of the largest element."""
    expected = np.asarray(expected)
    eps = np.finfo(expected.dtype).eps if expected.dtype.kind in "fc" else 0
    largest = np.abs(expected).max(initial=0)
    np.testing.assert_allclose(assert_kind(actual, expected), expected, rtol=0, atol=tolerance * eps * largest)
