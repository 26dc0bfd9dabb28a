import warnings

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked
from tests.dsarray.test_fancy import keys

few = settings(deadline=None, max_examples=60, derandomize=True)
x = np.arange(35).reshape(7, 5)


def new():
    return ds.array(x, block_size=(3, 2))


def changed(values, key, value):
    """A copy of values, as NumPy changes it; of an Array, as we do."""
    values = values.copy()
    values[key] = value
    return values


@st.composite
def values_for(draw, shape):
    """What broadcasts to a shape, and now and then what does not."""
    own = tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in shape)
    own = own[draw(st.integers(0, len(own))) :] if draw(st.booleans()) else own
    if draw(st.integers(0, 5)) == 0:
        own = (1, *own)
    if draw(st.integers(0, 9)) == 0:
        own = (*own, 2)
    dtype = draw(st.sampled_from(["int64", "float64", "bool", "int8"]))
    return (100 + np.arange(np.prod(own, dtype=int))).reshape(own).astype(dtype)


@st.composite
def cases(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5))
    values = np.arange(np.prod(shape)).reshape(shape)
    key = draw(keys(shape))
    try:
        part = values[key].shape
    except IndexError:  # which of two errors NumPy raises is no matter
        return values, draw(blocked(values)), key, np.array(7)
    return values, draw(blocked(values)), key, draw(values_for(part))


@settings(few, max_examples=300)
@given(case=cases(), data=st.data(), as_array=st.booleans())
def test_assignment_to_any_index_does_what_numpy_does(case, data, as_array):
    values, array, key, value = case
    ours = data.draw(blocked(value)) if as_array else value
    assert_alike(lambda: changed(array, key, ours), lambda: changed(values, key, value))


@few
@given(case=cases(), data=st.data())
def test_masks_that_are_arrays_do_what_ndarrays_do(case, data):
    values, array, key, value = case

    def as_array(part):
        return data.draw(blocked(part)) if isinstance(part, np.ndarray) else part

    ours = tuple(map(as_array, key)) if isinstance(key, tuple) else as_array(key)
    assert_alike(lambda: array[ours], lambda: values[key])
    assert_alike(lambda: changed(array, ours, value), lambda: changed(values, key, value))


@few
@given(data=st.data())
def test_positions_that_come_again_keep_the_last_value(data):
    values = np.zeros((4, 5), dtype=int)
    array = data.draw(blocked(values))
    rows, columns = (data.draw(hnp.arrays(int, (3, 4), elements=st.integers(0, n - 1))) for n in values.shape)
    new = np.arange(12).reshape(3, 4)
    assert_same(changed(array, (rows, columns), data.draw(blocked(new))), changed(values, (rows, columns), new))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float32", "complex128", "U3", "M8[s]"])
@pytest.mark.parametrize(
    "value", [0, 1.5, -1, 300, True, "3", None, np.float32(2.5), 2j, "x", np.array([1, 2, 3]), [1.5, 2.0, 3.0]]
)
@pytest.mark.parametrize("key", [slice(None), [2, 0, 1], np.array([True, True, True]), 1])
def test_scalars_and_lists_are_cast_as_numpy_casts_them(dtype, value, key):
    values = np.zeros(3, dtype=dtype)
    if np.ndim(value) and isinstance(key, int):
        key = slice(None)  # of an array for one element NumPy makes many kinds of error, and we one
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = changed(values, key, value)
        except (TypeError, ValueError, OverflowError) as error:
            with pytest.raises(type(error)):
                changed(ds.array(values, block_size=2), key, value)
        else:
            assert_same(changed(ds.array(values, block_size=2), key, value), expected)


def test_the_imaginary_part_goes_with_a_warning():
    a = ds.zeros(3, block_size=2)
    for value in [np.array([1 + 2j]), ds.array([1 + 2j])]:
        with pytest.warns(np.exceptions.ComplexWarning, match="imaginary"):
            a[:2] = value
    assert_same(a, np.array([1.0, 1.0, 0.0]))


def test_all_names_see_an_assignment_and_earlier_slices_do_not(tasks):
    a = new()
    same, part, whole = a, a[1:4], a[...]
    a[2] = 0
    a[a > 30] = -1
    a[[6, 0], 1] = [7, 8]
    a[1:3, ::2] += 100
    assert tasks.n == 0
    y = x.copy()
    y[2] = 0
    y[y > 30] = -1
    y[[6, 0], 1] = [7, 8]
    y[1:3, ::2] += 100
    assert_same(same, y)
    assert_same(part, x[1:4])
    assert_same(whole, x)


def test_an_array_is_assigned_to_its_own_part():
    a, y = new(), x.copy()
    a[1:] = a[:-1]
    y[1:] = x[:-1]
    assert_same(a, y)
    a[::-1] = a
    assert_same(a, y[::-1])


def test_blocks_that_are_not_written_to_stay_as_they_are(tasks):
    a = new()
    cells = a._cells.copy()
    a[4, 1] = 5
    a[[0, 4], [0, 0]] = [1, 2]
    a[np.arange(7) == 6] = 3
    kept = a._cells == cells
    assert kept.tolist() == [[False, True, True], [False, True, True], [False, False, False]]
    a.collect()
    assert tasks.n == 5


def test_a_mask_with_one_value_counts_nothing_and_one_with_more_counts(tasks):
    a, y = new(), x.copy()
    a[a[:, 0] > 12] = np.arange(5)
    assert tasks.n == 0
    a[a > 3] = ds.array(np.arange(15), block_size=4)
    assert tasks.n > 0
    y[y[:, 0] > 12] = np.arange(5)
    y[y > 3] = np.arange((y > 3).sum())
    assert_same(a, y)
    assert a.chunks == new().chunks


def test_what_an_array_compares_to_is_set_in_one_task_a_block(tasks):
    a, y = new(), x.copy()
    a[a > 3] = 0
    y[y > 3] = 0
    assert_same(a, y)
    assert tasks.n == a.n_blocks


def test_what_is_overwritten_as_a_whole_is_not_computed(tasks):
    a = ds.map_blocks(np.linalg.inv, ds.zeros((2, 2)), dtype=float, block_shape="same")
    a[...] = ds.ones((2, 2)) + 1
    assert_same(a, np.full((2, 2), 2.0))
    assert tasks.n == 1


def test_a_future_is_refused_with_advice():
    with pytest.raises(TypeError, match="wait_on"):
        new()[0] = new().blocks[0, 0]


def test_chunks_and_dtype_stay_and_the_value_is_copied():
    a = new()
    value = np.ones(5)
    a[0] = value
    value[:] = 9
    assert a.chunks == new().chunks
    assert_same(a[0], np.ones(5, dtype=x.dtype))


def test_an_array_of_no_axes_is_assigned_to():
    a = ds.array(1.5)
    a[...] = 3
    assert_same(a, np.array(3.0))
    a[()] = ds.array(4)
    assert_same(a, np.array(4.0))
    a[a > 3] = 7
    assert_same(a, np.array(7.0))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (7, 1),
        ("a", 1),
        ((0, 0), np.ones(1)),
        (slice(0, 2), np.ones((3, 5))),
        (0, np.ones((2, 5))),
        ([0, 1], np.ones((3, 5))),
        (x > 3, [1, 2]),
        (x > 3, np.ones((1, 31))),
        (x > 99, [1, 2]),
        ([0, 9], 1),
        (np.ones(5, bool), 1),
    ],
)
def test_wrong_assignments_raise_what_numpy_raises(key, value):
    assert_alike(lambda: changed(new(), key, value), lambda: changed(x, key, value))
    ours = ds.array(value)
    assert_alike(lambda: changed(new(), key, ours), lambda: changed(x, key, np.asarray(value)))


def test_sparse_values_are_made_dense_and_positions_in_sparse_arrays_are_refused():
    a, y = new(), x.copy()
    matrix = scipy.sparse.csr_matrix(np.eye(2))
    y[:2, :2] = np.eye(2)
    a[:2, :2] = matrix
    assert_same(a, y)
    a[3:5, :2] = ds.array(matrix, block_size=1)
    y[3:5, :2] = np.eye(2)
    assert_same(a, y)
    with pytest.raises(TypeError, match="to_dense"):
        ds.array(matrix)[[0]] = 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", [0, slice(1, 3), ...])
def test_a_number_that_is_not_finite_is_no_integer(key, value):
    array = ds.zeros(4, int, block_size=2)
    array[key] = ds.array([value])[0]
    with pytest.raises((ValueError, OverflowError), match="cannot convert float"), np.errstate(all="ignore"):
        array.collect()


AT = [
    [0, 0, 4, -1, 0],
    [[0, 2], [2, 0]],
    ([0, 0, 4], [1, 1, 2]),
    (slice(1, 4), [0, 0, 2]),
    ([1, 1], slice(None, None, -1)),
    ([0, 0, 1], 2),
    2,
    slice(None, None, 2),
    [],
    np.arange(5) % 2 == 0,
]


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.subtract, np.negative])
@pytest.mark.parametrize("key", AT, ids=repr)
@pytest.mark.parametrize("block_size", [(2, 2), (5, 1), (1, 3)])
def test_ufuncs_change_what_comes_more_than_once_as_often(ufunc, key, block_size):
    x = np.arange(15.0).reshape(5, 3) - 4
    expected, found = x.copy(), ds.array(x, block_size=block_size)
    part = x[key]
    values = [] if ufunc.nin == 1 else [part + 1.5 if part.ndim < 3 else part[..., :1] - 2]
    ufunc.at(expected, key, *values)
    assert ufunc.at(found, key, *values) is None
    np.testing.assert_array_equal(found.collect(), expected)


def test_ufuncs_change_at_positions_that_are_arrays_of_workers():
    x = ds.zeros((6, 2), dtype=int, block_size=2)
    before = x.copy()
    np.add.at(x, ds.array([0, 5, 5, 0, 0], block_size=2), ds.array([[1], [2], [3], [4], [5]], block_size=1))
    np.add.at(x, x > 9, 100)
    assert x.collect().tolist() == [[110, 110], [0, 0], [0, 0], [0, 0], [0, 0], [5, 5]]
    assert not before.any()


def test_what_cannot_be_changed_at_positions_is_an_error():
    x = ds.zeros((6, 2), dtype=int, block_size=2)
    with pytest.raises(TypeError, match="boolean subtract"):
        np.subtract.at(x > 0, [0], True)
    with pytest.raises(IndexError):
        np.add.at(x, [6], 1)
    with pytest.raises(ValueError, match="do not broadcast"):
        np.add.at(x, [0, 1], [1, 2, 3])
    with pytest.raises(TypeError, match="an ndarray cannot be changed by what is not here"):
        np.add.at(np.zeros(3), [0], ds.ones(1))
    assert not x.any()
