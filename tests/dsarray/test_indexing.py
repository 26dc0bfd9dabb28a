import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, pairs

x = np.arange(35).reshape(7, 5)
a = ds.array(x, block_size=(3, 2))


@modest
@given(pair=pairs(["int32"]), data=st.data())
def test_basic_indices_agree_with_numpy(pair, data):
    values, array = pair
    key = data.draw(hnp.basic_indices(values.shape, allow_newaxis=True, max_dims=5))
    assert_same(array[key], values[key])


@modest
@given(data=st.data())
def test_positions_agree_with_numpy_beside_other_indices(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6))
    values = np.arange(np.prod(shape)).reshape(shape)
    array = data.draw(blocked(values))
    axis = data.draw(st.integers(0, len(shape) - 1))
    one = st.integers(-shape[axis], shape[axis] - 1)
    key = [data.draw(st.integers(0, n - 1) | st.just(slice(None, None, -1)) | st.just(slice(1, None))) for n in shape]
    key[axis] = data.draw(st.lists(one, max_size=6))
    if data.draw(st.booleans()):
        key.insert(data.draw(st.integers(0, len(key))), None)
    assert_same(array[tuple(key)], values[tuple(key)])


def test_an_axis_of_positions_goes_where_numpy_puts_it():
    values = np.arange(60).reshape(3, 4, 5)
    array = ds.array(values, block_size=(2, 3, 2))
    for key in [
        (0, slice(None), [1, 4]),
        ([0, 2], slice(None), 1),
        (slice(None), 2, [3, 0]),
        (0, None, [1]),
        (1, 2, [1]),
    ]:
        assert_same(array[key], values[key])


@modest
@given(data=st.data(), as_array=st.booleans())
def test_a_mask_of_one_axis_selects_as_numpy(data, as_array):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6))
    values = np.arange(np.prod(shape)).reshape(shape)
    array = data.draw(blocked(values))
    axis = data.draw(st.integers(0, len(shape) - 1))
    mask = data.draw(hnp.arrays(bool, shape[axis]))
    key = [slice(None)] * axis
    ours = data.draw(blocked(mask)) if as_array else mask
    assert_same(array[(*key, ours)], values[(*key, mask)])
    assert_same(array[(*key, ours)].sum(), values[(*key, mask)].sum())


@modest
@given(key=st.sampled_from([7, -8, (0, 5), (0, 0, 0), [7], [-8], "a", 1.5, (..., ...), [True, False], [1.5]]))
def test_wrong_indices_raise_what_numpy_raises(key):
    assert_alike(lambda: a[key], lambda: x[key])


def test_an_aligned_slice_is_the_blocks_themselves(tasks):
    part = a[3:, 2:4]
    assert part._cells[0, 0] is a._cells[1, 1]
    assert part.chunks == ((3, 1), (2,))
    assert tasks.n == 0


def test_an_unaligned_slice_is_fused(tasks):
    y = (ds.zeros((6, 4), block_size=2) + 1)[1:3] * 2
    assert_same(y, np.full((2, 4), 2.0))
    assert tasks.n == 2


def test_rows_come_in_request_order_in_blocks_of_the_same_size():
    rows = a[[6, 0, 3, 3, -1, 1, 2, 4]]
    assert rows.chunks == ((3, 3, 2), (2, 2, 1))
    assert_same(rows, x[[6, 0, 3, 3, -1, 1, 2, 4]])


def test_a_mask_that_is_an_array_keeps_the_blocks_where_they_are():
    part = a[a[:, 0] > 12]
    assert part.chunks[0] == (0, 3, 1)
    assert_same(part, x[x[:, 0] > 12])
    assert_same(part.max(axis=0), x.max(axis=0))


def test_iteration_yields_rows_and_computes_blocks_once(tasks):
    y = ds.zeros((6, 2), block_size=3) + 1
    assert [float(row.sum()) for row in y] == [2.0] * 6
    assert tasks.n == 2 + 6
    assert len(y) == 6
    with pytest.raises(TypeError):
        iter(ds.array(1))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64"])
def test_positions_of_a_small_type_reach_a_long_axis(dtype):
    values = np.arange(600).reshape(300, 2)
    positions = np.array([1, 100, 0], dtype=dtype)
    assert_same(ds.array(values, block_size=50)[positions], values[positions])


@pytest.mark.parametrize("dtype", [">i4", ">f8", ">U2", ">c8"])
def test_slices_keep_the_order_of_bytes(dtype):
    x = np.arange(12).reshape(3, 4).astype(dtype)
    for key in (slice(None, None, -1), (slice(None), slice(1, 3)), (slice(None), slice(None, None, 2))):
        found = ds.array(x, block_size=-1)[key].collect()
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(found, x[key])
