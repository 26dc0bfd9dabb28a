import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import assert_same, cuts, modest

x = np.where(np.arange(24) % 3 == 0, np.arange(24.0), 0).reshape(6, 4)
csr = scipy.sparse.csr_array(x)
a = ds.array(csr, block_size=(4, 3))
matrix = ds.array(scipy.sparse.csr_matrix(x), block_size=(4, 3))


@st.composite
def sparse_pairs(draw):
    """Small values, and the same in random blocks, some of which are not what they were made of."""
    shape = draw(st.tuples(st.integers(0, 6), st.integers(0, 6)))
    values = draw(hnp.arrays(st.sampled_from(["int8", "float64", "complex128"]), shape, elements=st.integers(0, 2)))
    make = draw(st.sampled_from([scipy.sparse.csr_array, scipy.sparse.csr_matrix]))
    array = ds.array(make(values), block_size=tuple(draw(cuts(n)) for n in shape))
    return (values, array) if draw(st.booleans()) else (values * 2, array * 2)


KEEPS_ZEROS = [
    lambda v: -v, lambda v: abs(v), lambda v: np.sqrt(v), lambda v: v * 2, lambda v: 3 * v, lambda v: v / 4,
    lambda v: v**2, lambda v: v + v, lambda v: v - v * 2, lambda v: v * v,
    lambda v: v.T, lambda v: v[1:5], lambda v: v[::-1],
    lambda v: v[[3, 0, 5]], lambda v: v[x[:, 0] > 5], lambda v: v[:, 1:3], lambda v: np.log1p(v),
    lambda v: v.astype(np.float32),
]  # fmt: skip
REFUSED = [
    lambda v: v**0, lambda v: 2**v,
    lambda v: v + 1, lambda v: np.exp(v), lambda v: v > 0, lambda v: v * np.inf, lambda v: 1 / v, lambda v: v / 0,
    lambda v: v.std(), lambda v: v.reshape(-1), lambda v: v.argmax(), lambda v: np.asarray(v), lambda v: v + v[:1],
    lambda v: v[None], lambda v: v[[[0, 1], [2, 3]]], lambda v: v[x > 5],
]  # fmt: skip


@pytest.mark.parametrize("call", KEEPS_ZEROS)
@pytest.mark.parametrize("array", [a, matrix], ids=["array", "matrix"])
def test_what_keeps_zeros_stays_sparse(call, array):
    result = call(array)
    assert result.sparse
    expected = call(x)
    collected = result.collect()
    assert collected.format == "csr"
    assert collected.dtype == result.dtype == expected.dtype
    np.testing.assert_allclose(collected.toarray(), expected)


@pytest.mark.parametrize("call", REFUSED)
def test_what_does_not_is_refused(call):
    with pytest.raises(TypeError, match="to_dense"):
        call(a)


def test_dense_partners_give_sparse_products():
    np.testing.assert_allclose((a * x[0]).collect().toarray(), x * x[0])
    np.testing.assert_allclose((x * a).collect().toarray(), x * x)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", ["sum", "mean", "min", "max"])
@pytest.mark.parametrize("array", [a, matrix], ids=["array", "matrix"])
def test_reductions_give_dense_results(array, name, axis):
    assert_same(getattr(array, name)(axis=axis), getattr(x, name)(axis=axis), rtol=1e-12)


@pytest.mark.parametrize("array", [a, matrix], ids=["array", "matrix"])
def test_products_with_matrices(array):
    dense = np.arange(8.0).reshape(4, 2)
    assert_same(array @ dense, x @ dense)
    assert_same(array @ dense[:, 0], x @ dense[:, 0])
    assert_same(dense.T @ array.T, dense.T @ x.T)
    product = array @ array.T
    assert product.sparse
    np.testing.assert_allclose(product.collect().toarray(), x @ x.T)


def test_other_blocks_rows_and_dense_copies():
    np.testing.assert_array_equal(a.rechunk((5, 2)).collect().toarray(), x)
    assert [block.shape for block in (f.result() for f in a.row_blocks())] == [(4, 4), (2, 4)]
    assert_same(a.to_dense(), x)
    assert_same(ds.apply_along_axis(np.max, 0, a), x.max(axis=0))
    assert_same(np.concatenate([a, x]), np.vstack([x, x]))
    assert np.concatenate([a, a]).sparse


@modest
@given(pair=sparse_pairs(), data=st.data())
def test_integers_in_an_index_give_what_numpy_gives(pair, data):
    values, array = pair
    key = data.draw(hnp.basic_indices(values.shape, allow_newaxis=True, max_dims=4))
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, int) for part in parts):
        assert_same(array[key], values[key])
        assert array[key].is_scalar == isinstance(values[key], np.generic)
    elif None not in parts:
        np.testing.assert_array_equal(array[key].collect().toarray(), values[key])


@modest
@given(pair=sparse_pairs().filter(lambda pair: pair[0].size), data=st.data())
def test_pairs_of_positions_give_what_numpy_gives(pair, data):
    values, array = pair
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=5))
    key = tuple(data.draw(hnp.arrays(int, shape, elements=st.integers(-n, n - 1))) for n in values.shape)
    found = array[key]
    assert_same(found.to_dense(), values[key])  # what numpy.ix_ makes of two lists gives a sparse array
    assert not (found.sparse and len(shape) == 1)
    assert_same(array[key[0], -1], values[key[0], -1])


def test_rows_come_one_after_the_other_and_decide_about_order():
    for row, expected in zip(a, x, strict=True):
        assert_same(row, expected)
    np.testing.assert_array_equal(ds.sort_by(a, by=0, descending=True).collect().toarray(), x[[3, 0, 1, 2, 4, 5]])


def test_no_more_is_made_dense_than_is_taken_or_set():
    n = 10**6
    large = ds.array(scipy.sparse.csr_array(([1.0, 2.0], ([3, n - 1], [5, n - 1])), shape=(n, n)), block_size=-1)
    large[7, 5] = 4
    large[8:90] = 0
    assert [large[3, 5], large[n - 1].sum(), large[:, 5].sum(), large[[3, 7], [5, 5]].sum()] == [1, 2, 5, 5]
    large[1 : n // 2] = large[n // 2 + 1 :] * 2
    large[n // 2 :] = scipy.sparse.csr_array(([8], ([0], [9])), shape=(n // 2, n))
    assert [large[:, n - 1].sum(), large[n // 2, 9], large.sum()] == [4, 8, 12]


@modest
@given(pair=sparse_pairs(), data=st.data())
def test_what_is_set_at_integers_and_slices_is_sparse_as_before(pair, data):
    values, array = pair
    before = array[:]
    key = data.draw(hnp.basic_indices(values.shape, allow_newaxis=True, max_dims=4))
    changed = values.copy()
    shape = np.shape(values[key])
    new = np.arange(np.prod(shape, dtype=int)).reshape(shape)[..., :1] % 3 if shape else 1
    changed[key] = new
    array[key] = new
    collected = array.collect()
    assert array.sparse
    assert (collected.format, collected.dtype) == ("csr", values.dtype)
    np.testing.assert_array_equal(collected.toarray(), changed)
    np.testing.assert_array_equal(before.collect().toarray(), values)


def test_positions_in_an_assignment_are_refused_with_a_way():
    s = a.copy()
    for key in ([0, 1], x > 3):
        with pytest.raises(TypeError, match=r"to_dense\(\).*map_blocks\(scipy.sparse.csr_array\)"):
            s[key] = 1
    s[0] = a[1:2] * 2
    s[-1] += s[0]
    np.testing.assert_array_equal(s.collect().toarray(), np.vstack([2 * x[1], x[1:5], x[5] + 2 * x[1]]))
    d = s.to_dense()
    d[[0, 1]] = 0
    assert d.map_blocks(scipy.sparse.csr_array).sparse


def test_elements_that_scipy_cannot_hold_are_refused():
    small = ds.array(scipy.sparse.eye_array(3, format="csr", dtype=np.int8), block_size=2)
    for call in (lambda: np.sqrt(small), lambda: small.astype("float16"), lambda: small.astype("U3")):
        with pytest.raises(TypeError, match="to_dense"):
            call()


def test_a_reduction_over_no_axis_and_a_complex_power_are_refused():
    s = ds.array(scipy.sparse.eye_array(3, format="csr"), block_size=2)
    for call in (lambda: s.sum(axis=()), lambda: s**1j):
        with pytest.raises(TypeError, match="to_dense"):
            call()


def test_a_product_with_a_single_element_keeps_its_type_and_wraps_as_numpy():
    values = np.array([[0, 100], [1, 0]], dtype=np.int8)
    s = ds.array(scipy.sparse.csr_array(values), block_size=(2, 1))
    row = ds.array(scipy.sparse.csr_array(np.array([[2, 2]], dtype=np.int8)), block_size=(1, 1))
    assert_same((row * s).to_dense(), values * np.array([[2, 2]], dtype=np.int8))
    assert_same((row * s).sum(), (values * np.array([[2, 2]], dtype=np.int8)).sum())


def test_a_type_for_two_arrays_is_refused():
    s = ds.array(scipy.sparse.eye_array(3, format="csr"))
    with pytest.raises(TypeError, match="dtype= for two arrays"):
        np.add(s, s, dtype="float32")


def test_blocks_whose_columns_are_not_in_order_are_reduced():
    unsorted = scipy.sparse.csr_array((np.array([1.0, 2.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    s = ds.from_blocks([[unsorted]], ((1,), (2,)), float, sparse=True)
    assert [s.mean().collect(), s.max().collect(), s.min().collect(), s.sum().collect()] == [1.5, 2, 1, 3]
