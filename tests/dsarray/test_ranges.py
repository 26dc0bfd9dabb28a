import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, modest

few = settings(modest, max_examples=60)
numbers = st.sampled_from([0, 1, -3, 7, 20, 0.5, 2.25, -1.5, 1e3, np.float32(2.5), np.int8(5), True])
steps = st.sampled_from([1, 2, -1, 3, 0.1, 0.3, -0.7, 50, np.float32(0.1)])
sizes = st.sampled_from([1, 3, 7, -1])


@modest
@given(
    start=numbers, stop=numbers, step=steps, size=sizes, dtype=st.sampled_from([None, "f4", "i4", "i8", "c16", "i2"])
)
def test_ranges_agree_with_numpy(start, stop, step, size, dtype):
    assert_alike(
        lambda: ds.arange(start, stop, step, block_size=size, dtype=dtype),
        lambda: np.arange(start, stop, step, dtype=dtype),
    )
    assert_alike(lambda: ds.arange(stop, block_size=size), lambda: np.arange(stop))


def test_ranges_cost_nothing_until_needed(tasks):
    huge = ds.arange(10**12)
    assert huge.shape == (10**12,)
    assert tasks.n == 0
    assert int(huge[-1]) == 10**12 - 1
    assert float(ds.linspace(0, 1, 10**10 + 1)[10**9]) == 0.1


def test_ranges_that_make_no_sense_are_refused():
    with pytest.raises(ZeroDivisionError):
        ds.arange(0, 3, 0)
    with pytest.raises(ValueError, match="finite"):
        ds.arange(0, np.inf)
    with pytest.raises(TypeError, match="scalars"):
        ds.arange([1, 2])
    with pytest.raises(TypeError, match="real numbers"):
        ds.arange(3j)
    with pytest.raises(OverflowError, match="out of bounds"):
        ds.arange(-3, 3, dtype="u1")
    assert_same(ds.arange(2, dtype=bool), np.arange(2, dtype=bool))
    with pytest.raises(TypeError, match="at most 2"):
        ds.arange(3, dtype=bool)


ends = st.sampled_from([0, 1, -3, 2.5, 1e-3, 7, np.float32(0.3), 1 + 2j])
nums = st.sampled_from([0, 1, 2, 7, 50, -1])


@modest
@given(start=ends, stop=ends, num=nums, size=sizes, endpoint=st.booleans(), dtype=st.sampled_from([None, "f4", "c8"]))
def test_spaced_numbers_agree_with_numpy(start, stop, num, size, endpoint, dtype):
    if dtype != "c8" and dtype is not None and (np.iscomplexobj(start) or np.iscomplexobj(stop)):
        dtype = None
    arguments = (start, stop, num, endpoint)
    options = {"dtype": dtype}
    assert_alike(
        lambda: ds.linspace(*arguments, block_size=size, **options), lambda: np.linspace(*arguments, **options)
    )
    close = 1e-6 if dtype in ("f4", "c8") else 1e-13
    assert_alike(
        lambda: ds.logspace(*arguments, block_size=size, **options), lambda: np.logspace(*arguments, **options), close
    )
    assert_alike(
        lambda: ds.geomspace(*arguments, block_size=size, **options), lambda: np.geomspace(*arguments, **options), close
    )


def test_spaced_numbers_come_with_their_spacing_and_as_integers():
    ours, step = ds.linspace(0, 10, 7, retstep=True, block_size=2)
    numpys, expected = np.linspace(0, 10, 7, retstep=True)
    assert_same(ours, numpys)
    assert step == expected
    assert_same(ds.linspace(-3, 10, 7, dtype=int, block_size=2), np.linspace(-3, 10, 7, dtype=int))
    assert_same(ds.logspace(0, 3, 5, base=2, block_size=2), np.logspace(0, 3, 5, base=2), 1e-14)
    assert_same(ds.geomspace(-1000, -1, 4, block_size=3), np.geomspace(-1000, -1, 4), 1e-12)


def test_steps_too_small_for_a_number_agree_with_numpy():
    assert_same(ds.linspace(0, 5e-324, 5, block_size=2), np.linspace(0, 5e-324, 5))


def test_ends_that_are_arrays_are_refused():
    with pytest.raises(TypeError, match="scalars"):
        ds.linspace([0, 1], 5)
    with pytest.raises(TypeError, match="base="):
        ds.logspace(0, 1, base=[2, 3])
    with pytest.raises(ValueError, match="cannot include 0"):
        ds.geomspace(0, 1)


@few
@given(
    n=st.integers(0, 6), m=st.sampled_from([None, 0, 3, 7]), k=st.integers(-4, 4), size=st.sampled_from([(2, 3), -1])
)
def test_triangles_and_diagonals_of_ones_agree_with_numpy(n, m, k, size):
    assert_same(ds.tri(n, m, k, block_size=size), np.tri(n, m, k))
    assert_same(ds.eye(n, m, block_size=size, k=k, dtype="i2"), np.eye(n, m, k, dtype="i2"))


def test_an_empty_array_has_the_shape_asked_for():
    array = ds.empty((4, 3), block_size=2, dtype="f4")
    assert array.shape == (4, 3)
    assert array.dtype == np.float32
    assert array.chunks == ((2, 2), (3,))
