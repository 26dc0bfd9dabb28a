import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked, ndarrays

modest = settings(deadline=None, max_examples=50, derandomize=True)


@modest
@given(data=st.data(), mode=st.sampled_from(["full", "same", "valid"]), name=st.sampled_from(["convolve", "correlate"]))
def test_convolutions_agree_with_numpy(data, mode, name):
    shapes = st.integers(0, 12).map(lambda n: (n,))
    left = data.draw(ndarrays(["int32", "float64", "complex128"], shapes))
    right = data.draw(ndarrays(["int8", "float32", "complex128"], shapes))
    left, right = np.nan_to_num(left, posinf=3), np.nan_to_num(right, posinf=2)
    p, q = data.draw(blocked(left)), data.draw(st.sampled_from([right, data.draw(blocked(right))]))
    function = getattr(np, name)
    assert_alike(lambda: function(p, q, mode), lambda: function(left, right, mode), rtol=1e-9)


def test_each_task_reads_one_block_and_its_neighbours(tasks):
    result = np.convolve(ds.ones(60, block_size=10) * 2, [1, 1], "same")
    assert tasks.n == 0
    assert_same(result, np.convolve(np.ones(60) * 2, [1, 1], "same"))
    assert tasks.n == 6 + 6


def test_what_is_no_vector_or_mode_is_refused():
    for call in (
        lambda v: np.convolve(v, np.ones((2, 2))), lambda v: np.convolve(v, [1], "all"), lambda v: np.convolve(v, []),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            call(np.ones(3))
        with pytest.raises(ValueError):
            call(ds.ones(3))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_infinity_reaches_only_what_it_touches(mode):
    for weights in ([np.inf, 1.0], [1.0, np.nan, 2.0]):
        assert_same(np.convolve(ds.array(np.arange(5.0), block_size=2), weights, mode),
                    np.convolve(np.arange(5.0), weights, mode), rtol=1e-12)  # fmt: skip
