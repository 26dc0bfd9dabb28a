import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import modest

x = np.arange(60).reshape(20, 3)


def test_rows_of_several_arrays_are_put_in_one_order():
    rows, labels, matrix = ds.shuffle(
        ds.array(x, block_size=(3, 2)), x[:, 0] // 3, scipy.sparse.csr_array(x), random_state=0
    )
    np.testing.assert_array_equal(rows[:, 0], labels * 3)
    np.testing.assert_array_equal(matrix.to_dense(), rows)
    assert not np.array_equal(rows, x)
    np.testing.assert_array_equal(np.sort(rows.collect(), axis=0), x)


def test_blocking_does_not_change_the_order():
    orders = [ds.shuffle(ds.array(x, block_size=n), random_state=5).collect() for n in (1, 7, 20)]
    np.testing.assert_array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders[0], orders[2])
    assert not np.array_equal(ds.shuffle(x), ds.shuffle(x))


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="differ in rows"):
        ds.shuffle(x, x[1:])
    with pytest.raises(ValueError, match="at least one"):
        ds.shuffle()
    with pytest.raises(TypeError, match="shuffle: random_state='x' is no seed"):
        ds.shuffle(x, random_state="x")


@settings(modest, max_examples=30)
@given(st.integers(0, 12), st.integers(1, 5), st.booleans(), st.sampled_from([0, (1,), (1, 0), (0, 1, 2)]))
def test_rows_are_sorted_by_columns(n_rows, block_size, descending, by):
    x = np.random.default_rng(n_rows).integers(0, 3, (n_rows, 3))
    columns = by if isinstance(by, tuple) else (by,)
    order = sorted(range(n_rows), key=lambda i: [x[i, c] for c in columns], reverse=descending)  # stable both ways
    rows, places = ds.sort_by(ds.array(x, block_size=block_size), np.arange(n_rows), by=by, descending=descending)
    np.testing.assert_array_equal(rows, x[order].reshape(n_rows, 3))
    np.testing.assert_array_equal(places, order)


def test_rows_are_sorted_by_keys_of_their_own():
    names = ds.array(["b", "c", "a"], block_size=2)
    assert ds.sort_by(names, by=np.array([3, 1, 2])).tolist() == ["c", "a", "b"]
    assert ds.sort_by(names, by=names, descending=True).tolist() == ["c", "b", "a"]
    sparse = ds.array(scipy.sparse.csr_matrix(np.eye(3)), block_size=2)
    np.testing.assert_array_equal(ds.sort_by(sparse, by=ds.array([2, 1, 0])).collect().toarray(), np.eye(3)[::-1])


def test_keys_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="give a key for each of 3 rows"):
        ds.sort_by(ds.zeros(3), by=np.zeros(4))
    with pytest.raises(ValueError, match="give keys instead"):
        ds.sort_by(ds.zeros(3), by=0)
    with pytest.raises(ValueError, match="sort_by: shapes"):
        ds.sort_by(ds.zeros(3), ds.zeros(4), by=np.zeros(3))


def test_a_list_of_columns_means_what_a_tuple_does():
    a = ds.array(x % 7, block_size=3)
    np.testing.assert_array_equal(ds.sort_by(a, by=[1, 0]), ds.sort_by(a, by=(1, 0)))


@pytest.mark.parametrize("by", [None, True, slice(0, 2), "a", (0, None), [0.5]], ids=repr)
def test_what_names_no_columns_is_refused(by):
    with pytest.raises(TypeError, match=r"sort_by: by=.* names no columns; give ints, or an array"):
        ds.sort_by(ds.array(x), by=by)


def test_a_seed_by_position_is_refused_with_its_name():
    with pytest.raises(TypeError, match=r"shuffle: None is no array; .* random_state="):
        ds.shuffle(ds.array(x), None, 3)
    with pytest.raises(TypeError, match="sort_by: None is no array; leave it away"):
        ds.sort_by(ds.array(x), None, by=0)
