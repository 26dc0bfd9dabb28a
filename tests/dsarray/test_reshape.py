import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from dsarray import _reshape, _reshape_plan
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, pairs

few = settings(modest, max_examples=60)
x = np.arange(24).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))
SHAPES = [(24,), (6, 4), (2, 3, 4), (1, 24), (24, 1), (0, 3), (1,), (4, 1, 6), (), (2, 2, 3, 2)]
TARGETS = [(24,), (4, 6), (3, -1), (2, 2, 6), (24, 1, 1), -1, (8, 3), (0, 5), (), (1, 1), (2, 3, 2, 2), (3, 3)]


@few
@given(pair=pairs(["int64"]), data=st.data())
def test_transposing_agrees_with_numpy(pair, data):
    values, array = pair
    axes = data.draw(st.permutations(range(values.ndim)))
    assert_same(array.transpose(axes), values.transpose(axes))
    assert_same(array.transpose(*axes), values.transpose(axes))
    assert_same(array.T, values.T)


@few
@given(pair=pairs(["int64"]), data=st.data())
def test_moving_axes_agrees_with_numpy(pair, data):
    values, array = pair
    axis = st.integers(-4, 3)
    one, other = data.draw(axis), data.draw(axis)
    two, others = data.draw(st.sampled_from([(0, 1), (-1, 0), (0, 0), (2, 0, 1)])), data.draw(st.permutations([0, 1]))
    for function in (np.swapaxes, np.moveaxis, np.rollaxis):
        assert_alike(lambda: function(array, one, other), lambda: function(values, one, other))
    assert_alike(lambda: np.moveaxis(array, two, others), lambda: np.moveaxis(values, two, others))
    assert_alike(lambda: np.matrix_transpose(array), lambda: np.matrix_transpose(values))
    assert_alike(lambda: array.mT, lambda: values.mT)
    assert_alike(lambda: np.permute_dims(array, (1, 0)), lambda: np.permute_dims(values, (1, 0)))


@modest
@given(data=st.data())
def test_reshaping_agrees_with_numpy(data):
    shape = data.draw(st.sampled_from(SHAPES))
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    array = data.draw(blocked(values))
    target = data.draw(st.sampled_from(TARGETS))
    order = data.draw(st.sampled_from(["C", "F", "A"]))
    try:
        expected = values.reshape(target, order=order)
    except ValueError:
        with pytest.raises(ValueError, match="do not fit"):
            array.reshape(target, order=order)
    else:
        assert_same(array.reshape(target, order=order), expected)


@few
@given(pair=pairs(["int64", "bool"]), order=st.sampled_from("CFA"))
def test_flattening_agrees_with_numpy(pair, order):
    values, array = pair
    assert_same(array.ravel(order), values.ravel(order))
    assert_same(array.flatten(order), values.flatten(order))
    assert_same(np.ravel(array, order), np.ravel(values, order))


@modest
@given(data=st.data(), n_bytes=st.sampled_from([8, 24, 40, 100]))
def test_reshaping_into_pieces_of_a_size_agrees_with_numpy(data, n_bytes):
    """The large arrays that are cut anew, on a small scale."""
    shape = data.draw(st.sampled_from([*SHAPES, (5, 12, 2), (60, 2), (3, 8, 5), (120,), (2, 2, 2, 3, 5)]))
    n = int(np.prod(shape))
    targets = [(120,), (24, 5), (5, 24), (2, 60), (60, 2), (3, 5, 8), (1, 8, 15), (6, 4), (24,), (2, 3, 4), (3, 8)]
    target = data.draw(st.sampled_from([each for each in targets if np.prod(each) == n] or [shape[::-1]]))
    values = np.arange(n).reshape(shape)
    array = data.draw(blocked(values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_reshape_plan, "SMALL_BYTES", n_bytes)
        patch.setattr(_reshape_plan, "LARGE_BYTES", n_bytes)
        reshaped = array.reshape(target)
    assert_same(reshaped, values.reshape(target))
    if values.size:
        assert np.prod(reshaped.block_shape) * 8 <= max(n_bytes, 2 * np.prod(array.block_shape) * 8)


def test_rows_stay_in_their_blocks_when_reshaped():
    assert a.reshape(24).chunks == ((16, 8),)
    assert ds.array(x[:, :1], block_size=2).ravel().chunks == ((2, 2, 2),)
    assert a.reshape(12, 2).chunks == ((8, 4), (2,))


def test_axes_that_stay_are_cut_as_before():
    cube = ds.zeros((4, 6, 10), block_size=(2, 6, 5))
    assert cube.reshape(24, 10).chunks == ((12, 12), (5, 5))
    assert cube.reshape(4, 3, 2, 10).chunks == ((2, 2), (3,), (2,), (5, 5))
    assert cube.reshape(4, 60).chunks == ((2, 2), (60,))


@pytest.mark.parametrize(
    ("shape", "block_size", "target"),
    [
        ((10**8,), 10**6, (10**4, 10**4)),
        ((10**8,), 10**6, (2, 5 * 10**7)),
        ((10**4, 10**4), (1000, 1000), (10**8,)),
        ((10**4, 10**4), (10**4, 100), (100, 10**6)),
        ((3, 10**8), (1, 10**6), (10**8, 3)),
        ((9_999, 10_001), (1000, 1000), (10_001, 9_999)),
        ((2, 5000, 10**4), (2, 5000, 100), (10**4, 10**4)),
        ((10**4, 10**4), (10**4, 10), (10**8, 1)),
    ],
)
def test_no_block_becomes_much_larger_than_it_was(shape, block_size, target):
    array = ds.zeros(shape, block_size=block_size)
    reshaped = array.reshape(target)
    largest = max(np.prod(array.block_shape) * 8, 8 << 20)
    assert np.prod(reshaped.block_shape) * 8 <= 2 * largest
    assert reshaped[(-1,) * len(target)].collect() == 0


def test_a_block_reads_only_what_it_needs(tasks):
    array = ds.random_array((4000, 500), block_size=(1000, 500), random_state=0)
    part = array.reshape(500, 4000)[:100, 5]
    expected = array.collect().reshape(500, 4000)[:100, 5]
    n = tasks.n
    assert_same(part, expected)
    assert tasks.n <= n + 2


def test_a_block_that_several_need_is_computed_once(tasks):
    pieces = ds.arange(64, block_size=32) + 1
    with pytest.MonkeyPatch.context() as patch:
        group = _reshape_plan.Group((0,), (0, 1), ((4,) * 4, (4,)))
        patch.setattr(_reshape, "find_groups", lambda *given: [group])
        cut = pieces.reshape(16, 4)
    n = tasks.n
    assert_same(cut, np.arange(1, 65).reshape(16, 4))
    assert tasks.n == n + 2 + 4


def test_axes_of_length_one_come_and_go():
    assert_same(np.expand_dims(a, 1), np.expand_dims(x, 1))
    assert_same(np.expand_dims(a, (0, -1)), np.expand_dims(x, (0, -1)))
    assert_same(a[:, :1].squeeze(), x[:, :1].squeeze())
    assert_same(np.squeeze(a[:1], axis=0), x[0])
    with pytest.raises(ValueError, match="squeeze"):
        a.squeeze(0)


@few
@given(pair=pairs(["int64"]))
def test_axes_are_added_to_a_least_number(pair):
    values, array = pair
    for function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
        assert_same(function(array), function(values))
        ours, numpys = function(array, 5), function(values, 5)
        assert isinstance(ours, tuple)
        assert_same(ours[0], numpys[0])
        assert_same(ours[1], numpys[1])


def test_wrong_axes_and_shapes_are_refused():
    with pytest.raises(ValueError, match="axes"):
        a.transpose((0,))
    with pytest.raises(ValueError, match="repeated"):
        a.transpose((0, 0))
    with pytest.raises(ValueError, match="copy=False"):
        np.reshape(a, (24,), copy=False)
    with pytest.raises(TypeError, match="order='K'"):
        a.ravel("K")
    with pytest.raises(TypeError, match="to_dense"):
        ds.array(scipy.sparse.csr_array(x)).reshape(24)
