import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from dsflow import task
from tests.dsarray.strategies import assert_alike, assert_same, blocked

few = settings(deadline=None, max_examples=60, derandomize=True)
x = np.arange(60).reshape(3, 4, 5)
a = ds.array(x, block_size=(2, 3, 2))


@st.composite
def entries(draw, length):
    """One entry of an index for an axis."""
    kind = draw(st.sampled_from(["int", "slice", "array", "mask", "list", "all"]))
    if kind == "int" and length:
        return draw(st.integers(-length, length - 1))
    if kind == "slice":
        return draw(st.slices(length))
    if kind == "array" and length:
        shape = draw(st.sampled_from([(), (1,), (3,), (2, 1), (2, 3), (1, 1, 3), (0,)]))
        return draw(
            hnp.arrays(draw(st.sampled_from(["int64", "int8"])), shape, elements=st.integers(-length, length - 1))
        )
    if kind == "list" and length:
        return draw(st.lists(st.integers(-length, length - 1), min_size=3, max_size=3))
    if kind == "mask":
        return draw(hnp.arrays(bool, length))
    return slice(None)


@st.composite
def keys(draw, shape):
    """An index with anything that NumPy takes; now and then one that it does not."""
    parts = []
    axis = 0
    n_axes = draw(st.integers(0, len(shape)))
    while axis < n_axes:
        if axis + 1 < n_axes and draw(st.integers(0, 4)) == 0:
            parts.append(draw(hnp.arrays(bool, shape[axis : axis + 2])))
            axis += 2
        else:
            parts.append(draw(entries(shape[axis])))
            axis += 1
    for extra in draw(st.lists(st.sampled_from([None, Ellipsis, True, False, np.True_]), max_size=1)):
        parts.insert(draw(st.integers(0, len(parts))), extra)
    return parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)


@st.composite
def cases(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
    values = np.arange(np.prod(shape)).reshape(shape)
    return values, draw(blocked(values)), draw(keys(shape))


@settings(few, max_examples=300)
@given(case=cases())
def test_any_index_gives_what_numpy_gives(case):
    values, array, key = case
    assert_alike(lambda: array[key], lambda: values[key])


@few
@given(data=st.data())
def test_index_arrays_of_any_shape_give_what_numpy_gives(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5))
    values = np.arange(np.prod(shape)).reshape(shape)
    array = data.draw(blocked(values))
    key = data.draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(min_dims=0, max_dims=3, max_side=4)))
    assert_same(array[key], values[key])
    assert_same(array[tuple(map(ds.array, key))], values[key])


@few
@given(data=st.data())
def test_shapes_that_do_not_broadcast_raise_what_numpy_raises(data):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes
    key = tuple(np.zeros((*shape, data.draw(st.integers(2, 3))), dtype=int) for shape in shapes)
    assert_alike(lambda: a[key], lambda: x[key])


@pytest.mark.parametrize(
    "key",
    [
        ([0, 1], [0, 1], [0, 1]),
        ([0, 1], slice(None), [0, 1]),
        (slice(None), [[0, 1], [2, 3]], [0, 1]),
        (0, slice(None), [[1], [2]]),
        (None, [0, 1], ..., [0, 1]),
        (None, [0, 1], ..., [[0], [1]], [0, 1]),
        (x > 20,),
        (x[:, :, 0] > 20, 3),
        (1, x[0] > 7),
        (x[:, :, 0] > 20, [0, 1, 2, 3, 4, 0, 1]),
        (slice(None), x[0] > 7, None),
        np.ix_([2, 0], [1, 3], [4]),
        (np.array([[2], [0]]), slice(None, None, -1), np.array([[1, 3, 3]])),
        (None, np.array([[2], [0]]), np.array([[1, 3, 3]])),
        (np.array([[2, 0]]), np.array([[1], [3], [3]])),
        True,
        (True, False),
        (False, [0]),
        (slice(2), True, [1, 2]),
        np.array(1),
        [],
        [[]],
        np.zeros((0, 4), bool),
    ],
)
def test_axes_go_where_numpy_puts_them(key):
    assert_same(a[key], x[key])


@pytest.mark.parametrize(
    "key",
    [
        ([0, 1], [0, 1, 2]),
        ([0, 3],),
        (0, [0, -5]),
        np.zeros((3, 5), bool),
        np.zeros((3, 4, 5, 1), bool),
        (np.zeros((3, 4), bool), 0, 0),
        np.array([]),
        np.array([1.0]),
        [0, None],
        [[0], [0, 1]],
        (True, False, [0, 1]),
        np.array(["a"]),
    ],
)
def test_wrong_index_arrays_raise_what_numpy_raises(key):
    assert_alike(lambda: a[key], lambda: x[key])


def test_a_mask_of_several_axes_moves_nothing_to_the_main_program_but_counts(tasks):
    rows = ds.array(x, block_size=1)
    part = rows[rows > 20]
    assert part.shape == (39,)
    assert tasks.n == 3 + 3  # masks and counts
    assert_same(part, x[x > 20])
    assert_same(a[a > 20], x[x > 20])


def test_blocks_do_not_grow_where_a_mask_makes_axes_whole():
    wide = ds.zeros((8, 100), block_size=(8, 5)) + 1
    assert max(wide[wide > 0].chunks[0]) <= 100
    assert wide[wide > 0].n_blocks == 8


def test_positions_are_cut_as_the_blocks_they_come_from():
    rows, columns = np.random.default_rng(0).integers(0, 60, (2, 1000))
    values = np.arange(3600).reshape(60, 60)
    part = ds.array(values, block_size=(10, 20))[rows, columns]
    assert part.chunks == ((200,) * 5,)
    assert_same(part, values[rows, columns])


def test_a_block_from_which_much_is_picked_is_computed_once(tasks):
    y = ds.zeros((6, 6), block_size=(3, 3)) + 1
    part = y[[0, 1, 5] * 12, [0, 4, 5] * 12]
    assert_same(part, np.ones(36))
    assert part.n_blocks == 4
    assert tasks.n == 3 + 4


def test_a_sparse_array_takes_lists_and_pairs_of_positions_and_refuses_more():
    dense = np.eye(5)
    s = ds.array(scipy.sparse.csr_matrix(dense), block_size=2)
    assert_same(s[[3, 1]].to_dense(), dense[[3, 1]])
    assert_same(s[:, dense[0] == 0].to_dense(), dense[:, dense[0] == 0])
    assert_same(s[np.ix_([3, 1], [1, 0, 3])].to_dense(), dense[np.ix_([3, 1], [1, 0, 3])])
    assert_same(s[[0, 4, 0], [0, 4, 1]], dense[[0, 4, 0], [0, 4, 1]])
    for key in [dense > 0, ([[0]],)]:
        with pytest.raises((TypeError, IndexError), match="sparse"):
            s[key]
    with pytest.raises(IndexError, match="sparse"):
        ds.array(dense)[s]


@task
def made(values):
    return values


def test_blocks_that_are_not_what_was_said_are_cast_or_refused_but_never_read_as_others():
    x = np.arange(8.0).reshape(4, 2)
    mixed = ds.from_blocks([[made(x[:2])], [made(x[2:].astype(int))]], ((2, 2), (2,)), float)
    np.testing.assert_array_equal(mixed[[3, 0, 2, 1]].collect(), x[[3, 0, 2, 1]])
    wide = ds.from_blocks([[made(x[:2])], [made(np.ones((2, 3)))]], ((2, 2), (2,)), float)
    with pytest.raises(ValueError, match="broadcast"):
        wide[[3, 0, 2, 1]].collect()
    mask = ds.from_blocks([made(np.array([True, False])), made(np.array([True] * 3))], ((3, 3),), bool)
    with pytest.raises(IndexError, match="boolean index did not match"):
        ds.array(np.arange(12.0).reshape(6, 2), block_size=(3, -1))[mask].collect()
