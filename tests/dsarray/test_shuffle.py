import numpy as np
import pytest
import scipy.sparse

import dsarray as ds

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
