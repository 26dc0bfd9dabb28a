import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from dsarray.functions import _exchange, _lanes
from dsflow.testing import forbid_compute
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, ndarrays, pairs

few = settings(modest, max_examples=60)

VALUES = [
    np.array(["b", "", "abc", "a", "b"]),
    np.array([b"b", b"", b"abc"]),
    np.array(["2020-01-02", "NaT", "1999-01-01", "2020-01-02"], dtype="M8[D]"),
    np.array([5, -3, 5, 0], dtype="m8[s]"),
    np.array([1.5, np.nan, -np.inf, 1.5, np.inf], dtype=np.float16),
    np.array([True, False, True]),
    np.array([3, 1, 2], dtype=">i4"),
    np.array([1 + 1j, complex(np.nan, 0), complex(0, np.nan), 1 - 1j, complex(np.nan, np.nan), 0]),
]


@pytest.fixture(autouse=True)
def tiny_runs(monkeypatch):
    """Have each block sorted by itself, however small."""
    monkeypatch.setattr(_exchange, "RUN_BYTES", 0)


@few
@given(pair=pairs(), data=st.data())
def test_sorting_agrees_with_numpy(pair, data):
    values, array = pair
    axis = data.draw(st.sampled_from([None, *range(-values.ndim - 1, values.ndim)]))
    kind = data.draw(st.sampled_from([None, "stable", "heapsort"]))
    assert_alike(lambda: np.sort(array, axis, kind), lambda: np.sort(values, axis, kind))


@few
@given(pair=pairs(), data=st.data())
def test_positions_are_those_of_a_stable_sort(pair, data):
    values, array = pair
    axis = data.draw(st.sampled_from([None, *range(-values.ndim - 1, values.ndim)]))
    assert_alike(lambda: np.argsort(array, axis), lambda: np.argsort(values, axis, kind="stable"))


@settings(modest, max_examples=30)
@given(pair=pairs(["int8", "float64"]))
def test_lanes_that_are_too_long_for_a_task_are_merged(pair):
    values, array = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_lanes, "LONG_BYTES", 0)
        for axis in range(values.ndim):
            assert_same(np.sort(array, axis), np.sort(values, axis))
            assert_same(np.argsort(array, axis), np.argsort(values, axis, kind="stable"))


@pytest.mark.parametrize("values", VALUES, ids=str)
@pytest.mark.parametrize("size", [1, 2, -1])
def test_all_types_come_in_numpys_order(values, size):
    array = ds.array(values, block_size=size)
    assert_same(np.sort(array), np.sort(values))
    assert_same(np.argsort(array), np.argsort(values, kind="stable"))


@pytest.mark.parametrize("size", [17, 100, 1000])
def test_blocking_does_not_change_the_result(size):
    random = np.random.default_rng(0)
    for values in (random.integers(0, 20, 300), random.random(300), np.arange(300), np.arange(300)[::-1]):
        array = ds.array(values, block_size=size)
        assert_same(np.sort(array), np.sort(values))
        assert_same(np.argsort(array, stable=True), np.argsort(values, stable=True))


def test_blocks_stay_as_long_as_they_were():
    array = ds.array(np.arange(10)[::-1], block_size=((3, 0, 5, 2),))
    assert np.sort(array).chunks == array.chunks
    assert np.argsort(array).chunks == array.chunks


def test_small_blocks_are_sorted_together(monkeypatch, tasks):
    monkeypatch.undo()
    array = ds.array(np.arange(1000)[::-1], block_size=10)
    assert_same(np.sort(array), np.arange(1000))
    assert tasks.n < 250


def test_no_task_holds_more_than_a_few_blocks(monkeypatch):
    """The largest thing that a step of any task gives is a block with what its neighbours in rank may hold."""
    largest = []
    monkeypatch.setattr(_exchange.np, "concatenate", counting(np.concatenate, largest))
    array = ds.array(np.random.default_rng(0).random(160_000), block_size=20_000)
    np.sort(array).collect()
    assert 20_000 <= max(largest) < 1.2 * 20_000


def counting(function, seen):
    def call(*args, **keywords):
        result = function(*args, **keywords)
        seen.append(result.size)
        return result

    return call


def test_nothing_runs_before_it_is_needed():
    array = ds.array(np.arange(100.0), block_size=10)
    with forbid_compute():
        assert np.sort(array).shape == (100,)
        assert np.argsort(ds.zeros((4, 4), block_size=2), 0).dtype == np.intp


def test_the_methods_do_the_same():
    values = np.array([[3, 1, 2], [0, 9, 5]])
    array = ds.array(values, block_size=(1, 2))
    assert_same(array.argsort(axis=0), values.argsort(axis=0))
    array.sort()
    assert_same(array, np.sort(values))


@few
@given(data=st.data())
def test_partitions_have_each_chosen_element_in_its_place(data):
    values = data.draw(ndarrays(["int64", "float64"], st.tuples(st.integers(1, 4), st.integers(1, 6))))
    array = data.draw(blocked(values))
    axis = data.draw(st.sampled_from([0, 1, -1]))
    kth = data.draw(st.integers(-values.shape[axis], values.shape[axis] - 1))
    parted = np.partition(array, kth, axis).collect()
    assert np.array_equal(parted.take(kth, axis), np.partition(values, kth, axis).take(kth, axis), equal_nan=True)
    places = np.argpartition(array, kth, axis).collect()
    assert np.array_equal(np.take_along_axis(values, places, axis), parted, equal_nan=True)


def test_what_is_sorted_as_complex_becomes_complex():
    for dtype in ("int8", "int64", "float32", "complex64"):
        values = np.array([3, 1, 2], dtype=dtype)
        assert_same(np.sort_complex(ds.array(values, block_size=2)), np.sort_complex(values))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: np.sort(a, 1), ValueError, "out of bounds"),
        (lambda a: np.argsort(a, -2), ValueError, "out of bounds"),
        (lambda a: np.sort(a, kind="best"), ValueError, "kind"),
        (lambda a: np.sort(a, order="f"), ValueError, "no fields"),
        (lambda a: np.sort(a, kind="stable", stable=True), ValueError, "kind"),
        (lambda a: np.partition(a, 9), ValueError, "out of bounds"),
        (lambda a: np.partition(a, 1.5), TypeError, "ints"),
        (lambda a: np.argpartition(a, 0, kind="x"), ValueError, "kind"),
    ],
)
def test_what_numpy_refuses_is_refused(call, error, words):
    values = np.arange(4)
    with pytest.raises(error):
        call(values)
    with pytest.raises(error, match=words):
        call(ds.array(values, block_size=2))


def test_sparse_arrays_are_refused():
    import scipy.sparse

    with pytest.raises(TypeError, match="to_dense"):
        np.sort(ds.array(scipy.sparse.eye_array(3)))


@few
@given(st.integers(1, 3), st.integers(0, 2), st.data())
def test_lexsort_agrees_with_numpy(n_keys, n_axes, data):
    shape = tuple(data.draw(st.integers(0, 6)) for _ in range(n_axes))
    keys = [np.array(data.draw(st.lists(st.integers(0, 2), min_size=(n := int(np.prod(shape))), max_size=n)), int)
            .reshape(shape) for _ in range(n_keys)]  # fmt: skip
    axis = data.draw(st.integers(-2, 1))
    arrays = tuple(data.draw(blocked(key)) for key in keys)
    assert_alike(lambda: np.lexsort(arrays, axis), lambda: np.lexsort(tuple(keys), axis))


def test_keys_of_unlike_shapes_are_refused():
    with pytest.raises(ValueError, match="differ"):
        np.lexsort((ds.zeros(3), ds.zeros(4)))
