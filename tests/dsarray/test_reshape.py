import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_same, blocked, modest, pairs

x = np.arange(24).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))


@modest
@given(pair=pairs(["int64"]), data=st.data())
def test_transposing_agrees_with_numpy(pair, data):
    values, array = pair
    axes = data.draw(st.permutations(range(values.ndim)))
    assert_same(array.transpose(axes), values.transpose(axes))
    assert_same(array.transpose(*axes), values.transpose(axes))
    assert_same(array.T, values.T)


@modest
@given(data=st.data())
def test_reshaping_agrees_with_numpy(data):
    shape = data.draw(st.sampled_from([(24,), (6, 4), (2, 3, 4), (1, 24), (24, 1), (0, 3), (1,), (4, 1, 6)]))
    values = np.arange(np.prod(shape)).reshape(shape)
    array = data.draw(blocked(values))
    targets = [(24,), (4, 6), (3, -1), (2, 2, 6), (24, 1, 1), -1, (8, 3), (0, 5), (), (1, 1)]
    target = data.draw(st.sampled_from(targets))
    try:
        expected = values.reshape(target)
    except ValueError:
        with pytest.raises(ValueError, match="do not fit"):
            array.reshape(target)
    else:
        assert_same(array.reshape(target), expected)


def test_rows_stay_in_their_blocks_when_reshaped():
    assert a.reshape(24).chunks == ((16, 8),)
    assert ds.array(x[:, :1], block_size=2).ravel().chunks == ((2, 2, 2),)
    assert a.reshape(12, 2).chunks == ((8, 4), (2,))


def test_axes_of_length_one_come_and_go():
    assert_same(np.expand_dims(a, 1), np.expand_dims(x, 1))
    assert_same(np.expand_dims(a, (0, -1)), np.expand_dims(x, (0, -1)))
    assert_same(a[:, :1].squeeze(), x[:, :1].squeeze())
    assert_same(np.squeeze(a[:1], axis=0), x[0])
    with pytest.raises(ValueError, match="squeeze"):
        a.squeeze(0)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_arrays_are_joined(axis):
    other = np.arange(24.0).reshape(6, 4) + 0.5
    assert_same(ds.concatenate([a, other, a], axis=axis), np.concatenate([x, other, x], axis=axis))
    assert_same(np.concatenate([a, a], axis), np.concatenate([x, x], axis))


def test_wrong_axes_and_shapes_are_refused():
    with pytest.raises(ValueError, match="axes"):
        a.transpose((0,))
    with pytest.raises(ValueError, match="repeated"):
        a.transpose((0, 0))
    with pytest.raises(ValueError, match="differ in more than axis 0"):
        ds.concatenate([a, a.T])
    with pytest.raises(ValueError, match="at least one"):
        ds.concatenate([])
    with pytest.raises(ValueError, match="0-dimensional"):
        ds.concatenate([1, 2])
