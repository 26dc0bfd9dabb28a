import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_same, blocked, modest

x = np.arange(24.0).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))


@st.composite
def factors(draw):
    k = draw(st.integers(0, 5))
    left = draw(st.sampled_from([(k,), (3, k), (1, k), (2, 3, k), (1, 4, k), (2, 1, 2, k), (0, k)]))
    right = draw(st.sampled_from([(k,), (k, 2), (k, 0), (2, k, 3), (1, k, 1), (3, 1, k, 2)]))
    return left, right


@modest
@given(shapes=factors(), dtype=st.sampled_from(["float64", "int32", "bool", "complex64"]), data=st.data())
def test_products_agree_with_numpy(shapes, dtype, data):
    rng = np.random.default_rng(0)
    left, right = (rng.integers(0, 5, shape).astype(dtype) for shape in shapes)
    ours = data.draw(blocked(left)), data.draw(blocked(right))
    try:
        expected = left @ right
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            ours[0] @ ours[1]
    else:
        assert_same(ours[0] @ ours[1], expected, rtol=1e-6)
        assert_same(left @ ours[1], expected, rtol=1e-6)


def test_other_ways_to_multiply():
    assert_same(np.matmul(a, x.T), x @ x.T)
    assert_same(np.dot(a, x.T), x @ x.T)
    assert_same(a.dot(2), x * 2)
    assert_same(ds.matmul(a, [1, 2, 3, 4]), x @ [1, 2, 3, 4])
    b = ds.array(x[:4])
    b @= np.eye(4)
    assert_same(b, x[:4])


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="4 columns for 6 rows"):
        a @ a
    with pytest.raises(ValueError, match="scalar"):
        a @ 2


def test_factors_are_computed_once_and_products_added_in_a_few_chains(tasks):
    left, right = ds.ones((4, 20), block_size=(2, 1)) + 0, ds.ones((20, 2), block_size=1) + 0
    assert_same(left @ right, np.full((4, 2), 20.0))
    assert tasks.n == 20 + 2 * 5 + 2  # five tasks add four products each; the left blocks are used once, and fuse


def test_a_block_of_many_is_summed_along_one_chain(tasks):
    left, right = ds.ones((40, 20), block_size=(10, 2)), ds.ones((20, 40), block_size=(2, 10))
    assert_same(left @ right, np.full((40, 40), 20.0))
    assert tasks.n == 2 * 40 + 16 * 3  # of four, four and two products; no sum waits for another chain


def test_sums_so_far_are_not_changed_in_place():
    left, right = ds.ones((4, 20), block_size=(1, 1)), ds.ones((20, 4), block_size=(1, 1))
    product = left @ right
    total = product + product
    assert_same(total, np.full((4, 4), 40.0))
    assert_same(product, np.full((4, 4), 20.0))
