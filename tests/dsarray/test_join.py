import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, ndarrays, pairs

few = settings(modest, max_examples=60)
x = np.arange(24).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))
cube = np.arange(24.0).reshape(2, 3, 4)
c = ds.array(cube, block_size=(1, 2, 3))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_arrays_are_joined(axis):
    other = np.arange(24.0).reshape(6, 4) + 0.5
    assert_same(ds.concatenate([a, other, a], axis=axis), np.concatenate([x, other, x], axis=axis))
    assert_same(np.concatenate([a, a], axis), np.concatenate([x, x], axis))


@few
@given(data=st.data(), values=ndarrays(["bool", "int8", "int64", "float32", "complex128"]))
def test_joining_agrees_with_numpy(data, values):
    values = np.nan_to_num(values, posinf=3)
    array = data.draw(blocked(values))
    other = values.astype(data.draw(st.sampled_from(["int64", "float32"]))) if values.dtype != complex else values
    axis = data.draw(st.sampled_from([None, 0, 1, -1]))
    options = data.draw(st.sampled_from([{}, {"dtype": "float64"}, {"dtype": "int16", "casting": "unsafe"}]))
    for function in (np.concatenate, np.stack):
        if function is np.stack and axis is None:
            continue
        if not (options.get("casting") and values.dtype.kind in "fc"):
            call = lambda left: function([left, other, left], axis=axis, **options)  # noqa: E731 - of one use
            assert_alike(lambda: call(array), lambda: call(values))


@pytest.mark.parametrize("name", ["vstack", "hstack", "dstack", "column_stack"])
@few
@given(data=st.data())
def test_the_stacks_agree_with_numpy(name, data):
    values, array = data.draw(pairs(["int64", "float32"]))
    function = getattr(np, name)
    assert_alike(lambda: function([array, values, array]), lambda: function([values, values, values]))


def test_types_are_converted_as_asked_or_refused():
    assert_same(np.vstack([a, a], dtype="f4"), np.vstack([x, x], dtype="f4"))
    with pytest.raises(TypeError, match="casting='same_kind'"):
        np.concatenate([a + 0.5, a], dtype=int)
    with pytest.raises(ValueError, match="differ"):
        np.stack([a, a[1:]])


def test_what_is_joined_can_be_stored_in_an_array():
    target = ds.zeros((12, 4))
    assert np.concatenate([a, a], out=target) is target
    assert_same(target, np.concatenate([x, x]).astype(float))
    with pytest.raises(ValueError, match="does not fit"):
        np.concatenate([a, a], out=ds.zeros((3, 4)))
    with pytest.raises(TypeError, match="give an Array"):
        np.stack([a], out=np.zeros((1, 6, 4)))
    with pytest.raises(TypeError, match="cannot put"):
        np.stack([a + 0.5], out=ds.zeros((1, 6, 4), dtype=int))


def test_blocks_are_put_together():
    b = ds.array(np.ones((6, 2)), block_size=2)
    whole = [[a, b], [np.zeros((1, 4)), np.ones((1, 2))]]
    assert_same(np.block(whole), np.block([[x, np.ones((6, 2))], [np.zeros((1, 4)), np.ones((1, 2))]]))
    assert_same(np.block([a[0], 7, a[1]]), np.block([x[0], 7, x[1]]))
    assert_same(np.block([[[a]], [[a]]]), np.block([[[x]], [[x]]]))
    assert_same(np.block(a), x)
    with pytest.raises(ValueError, match="depths"):
        np.block([[a], a])
    with pytest.raises(TypeError, match="is a tuple"):
        np.block([(a, a)])


def test_sparse_arrays_are_joined_and_stay_sparse():
    s = ds.array(scipy.sparse.csr_array(x), block_size=4)
    joined = np.vstack([s, np.hstack([s[:, :2], s[:, 2:]])])
    assert joined.sparse
    np.testing.assert_array_equal(joined.to_dense(), np.vstack([x, x]))
    with pytest.raises(TypeError, match="to_dense"):
        np.stack([s, s])
    with pytest.raises(TypeError, match="to_dense"):
        np.broadcast_to(s, (2, 6, 4))


@few
@given(data=st.data())
def test_splitting_agrees_with_numpy(data):
    values, array = data.draw(pairs(["int64"]))
    sections = data.draw(st.sampled_from([1, 2, 3, 0, [2], [1, 3], [0, 9, 2], [-1], []]))
    axis = data.draw(st.sampled_from([0, 1, -1]))
    for function in (np.split, np.array_split):
        compare_parts(lambda: function(array, sections, axis), lambda: function(values, sections, axis))
    for function in (np.hsplit, np.vsplit, np.dsplit):
        compare_parts(lambda: function(array, sections), lambda: function(values, sections))
    compare_parts(lambda: np.unstack(array, axis=axis), lambda: np.unstack(values, axis=axis))


def compare_parts(ours, numpys):
    try:
        expected = numpys()
    except (ValueError, IndexError, ZeroDivisionError):
        with pytest.raises((ValueError, IndexError, ZeroDivisionError)):
            ours()
        return
    found = ours()
    assert type(found) is type(expected)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert_same(mine, theirs)


def test_parts_that_are_whole_blocks_cost_nothing(tasks):
    array = ds.array(x, block_size=3)
    array.collect()
    n = tasks.n
    [part.collect() for part in np.split(array, 2)]
    assert tasks.n == n


@few
@given(data=st.data())
def test_broadcasting_to_a_shape_agrees_with_numpy(data):
    values, array = data.draw(pairs(["int8", "float64"]))
    shape = data.draw(st.sampled_from([(3,), (2, 3), (4, 1, 5), (0,), (), (2, 2, 2, 3)]))
    assert_alike(lambda: np.broadcast_to(array, shape), lambda: np.broadcast_to(values, shape))
    longer = tuple(3 if n == 1 else n for n in (2, *values.shape))
    assert_same(np.broadcast_to(array, longer), np.broadcast_to(values, longer))


def test_what_is_broadcast_is_cut_into_blocks_of_a_moderate_size():
    wide = np.broadcast_to(ds.ones((1000, 1)), (1000, 1_000_000))
    assert max(np.prod(wide.block_shape), 1) * 8 <= 2 << 20
    assert_same(wide[5, 123_456:123_458], np.ones(2))
    assert_same(wide.T[-1, :3], np.ones(3))
    assert np.prod(np.broadcast_to(ds.ones((1, 1)), (10**5, 10**5)).block_shape) * 8 <= 2 << 20


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="differ in more than axis 0"):
        ds.concatenate([a, a.T])
    with pytest.raises(ValueError, match="at least one"):
        ds.concatenate([])
    with pytest.raises(ValueError, match="0-dimensional"):
        ds.concatenate([1, 2])
    with pytest.raises(TypeError, match="subok"):
        np.broadcast_to(a, (6, 4), subok=True)
