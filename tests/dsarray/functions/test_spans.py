import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, modest, pairs

few = settings(modest, max_examples=60)
nums = st.sampled_from([0, 1, 2, 5, -1])


@few
@given(data=st.data(), num=nums, endpoint=st.booleans(), axis=st.sampled_from([0, -1, 1]))
def test_numbers_between_arrays_agree_with_numpy(data, num, endpoint, axis):
    values, array = data.draw(pairs(["int64", "float32"]))
    values, array = np.nan_to_num(values, posinf=7), np.nan_to_num(array, posinf=7)
    dtype = data.draw(st.sampled_from([None, "f4", int]))
    stop = data.draw(st.sampled_from([10, 2.5, 1.0]))
    assert_alike(
        lambda: np.linspace(array, stop, num, endpoint, dtype=dtype, axis=axis),
        lambda: np.linspace(values, stop, num, endpoint, dtype=dtype, axis=axis),
    )
    assert_alike(
        lambda: np.logspace(0.5, array / 500, num, endpoint, dtype=None, axis=axis),
        lambda: np.logspace(0.5, values / 500, num, endpoint, dtype=None, axis=axis),
        rtol=1e-5,
    )


def test_steps_too_small_for_a_number_agree_with_numpy():
    ends = np.array([5e-324, 1, 3])
    assert_same(np.linspace(ds.array(ends * 0), ends, 8), np.linspace(ends * 0, ends, 8))


def test_numbers_between_arrays_come_with_their_spacing():
    x = np.arange(6.0).reshape(2, 3)
    ours, step = np.linspace(ds.array(x, block_size=1), x[0] + 9, 4, retstep=True)
    numpys, expected = np.linspace(x, x[0] + 9, 4, retstep=True)
    assert_same(ours, numpys)
    assert_same(step, expected)
    with pytest.raises(ValueError, match="negative"):
        np.linspace(ds.array(x), 1, -1)
    with pytest.raises(TypeError, match="base="):
        np.logspace(ds.array(x), 1, base=[1, 2, 3])
