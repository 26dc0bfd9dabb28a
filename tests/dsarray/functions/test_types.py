import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import DTYPES, assert_alike, assert_same, blocked, pairs

modest = settings(deadline=None, max_examples=50, derandomize=True)


@modest
@given(pair=pairs(DTYPES), dtype=st.sampled_from(DTYPES))
def test_questions_about_types_agree_with_numpy(pair, dtype):
    values, array = pair
    assert np.result_type(array, dtype, np.ones(2, "int8")) == np.result_type(values, dtype, np.ones(2, "int8"))
    assert np.result_type(array, 1.5) == np.result_type(values, 1.5)
    assert np.can_cast(array.dtype, dtype) is np.can_cast(values.dtype, dtype)
    assert np.iscomplexobj(array) is np.iscomplexobj(values)
    assert np.isrealobj(array) is np.isrealobj(values)
    assert np.min_scalar_type(array) == np.min_scalar_type(values)
    if values.dtype.kind != "b":
        assert np.common_type(array, np.ones(2, "f4")) == np.common_type(values, np.ones(2, "f4"))


def test_an_array_is_cast_as_its_type():
    array = ds.array(np.ones(2, "int8"))
    assert np.can_cast(array, "int16")
    assert not np.can_cast("int16", array)
    assert np.can_cast(array, "bool", casting="unsafe")


@modest
@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=5), data=st.data())
def test_arrays_are_broadcast_as_in_numpy(shapes, data):
    values = [np.arange(np.prod(shape, dtype=int)).reshape(shape) for shape in shapes.input_shapes]
    arrays = [data.draw(blocked(values[0])), data.draw(blocked(values[1])), values[2]]
    for i, expected in enumerate(np.broadcast_arrays(*values)):
        assert_alike(lambda i=i: np.broadcast_arrays(*arrays)[i], lambda expected=expected: expected)


def test_astype_copies_unless_told_not_to():
    a = ds.ones(3)
    assert np.astype(a, float, copy=False) is a
    assert np.astype(a, float) is not a
    assert_same(np.astype(a, "int8"), np.ones(3, "int8"))
    with pytest.raises(ValueError, match="device"):
        np.astype(a, float, device="gpu")
