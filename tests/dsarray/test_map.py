import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from dsflow import share
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest

x = np.arange(24.0).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))

FUNCTIONS = {
    "mean": np.mean,
    "sort": np.sort,
    "scalar int": len,
    "two": lambda lane: np.array([lane.sum(), lane[:1].sum()]),
    "outer": lambda lane: np.outer(lane[:2], lane[:3]),
    "none": lambda lane: lane[:0],
}


@modest
@given(function=st.sampled_from(list(FUNCTIONS.values())), data=st.data())
def test_functions_along_an_axis_agree_with_numpy(function, data):
    shape = data.draw(st.sampled_from([(5,), (3, 4), (2, 3, 2), (1, 3), (3, 1), (0, 2), (4, 1, 3)]))
    values = np.random.default_rng(0).normal(size=shape)
    axis = data.draw(st.integers(-len(shape), len(shape)))
    array = data.draw(blocked(values))
    assert_alike(
        lambda: ds.apply_along_axis(function, axis, array),
        lambda: np.apply_along_axis(function, axis, values),
        rtol=1e-12,
    )


def test_the_example_of_the_issue():
    means = ds.apply_along_axis(np.mean, 0, ds.random_array((100, 100), block_size=(25, 25)))
    assert means.shape == (100,)
    assert 0.4 < float(means.mean()) < 0.6


def test_the_type_of_the_first_result_holds_for_all_as_in_numpy():
    def parity(lane):
        return int(lane[0]) if lane[0] == 0 else lane[0] + 0.5

    assert_same(ds.apply_along_axis(parity, 1, a), np.apply_along_axis(parity, 1, x))


def test_further_arguments_are_passed_on():
    assert_same(np.apply_along_axis(np.quantile, 0, a, 0.5), np.quantile(x, 0.5, axis=0))
    assert_same(ds.apply_along_axis(np.sum, 0, x, keepdims=True), x.sum(axis=0, keepdims=True))


def test_results_of_several_shapes_are_refused():
    ragged = ds.apply_along_axis(lambda lane: lane[: int(lane[0] % 3)], 1, ds.array(x, block_size=1))
    with pytest.raises(ValueError, match="return one shape"):
        ragged.collect()


def test_declared_maps_are_lazy_and_computed_once(tasks):
    y = a.map_blocks(np.square, dtype=float, block_shape="same")
    assert tasks.n == 0
    assert_same(y + y.sum(), x**2 + (x**2).sum())
    assert tasks.n == 4 + (4 + 1) + 4


def test_shapes_that_are_not_declared_are_learnt():
    y = ds.map_blocks(lambda block: block[:1].astype(int), a)
    assert (y.chunks, y.dtype) == (((1, 1), (3, 1)), np.dtype(int))
    assert_same(y, x[[0, 4]].astype(int))


def test_maps_of_vectors_and_scalars_are_learnt_too():
    y = ds.map_blocks(np.cumsum, ds.array(np.arange(4), block_size=2))
    assert_same(y, np.array([0, 1, 2, 5]))
    assert_same(ds.map_blocks(np.negative, ds.array(5)), np.array(-5))
    halves = ds.map_blocks(lambda block: block if block[0] else block / 2, ds.array([0, 1, 2], block_size=1))
    assert_same(halves, np.array([0.0, 1.0, 2.0]))


def test_several_arrays_are_cut_alike_and_other_arguments_passed_whole():
    y = ds.map_blocks(
        lambda p, q, r, s, factor: (p + q) * r.sum() * factor + s, a, ds.array(x[0]), np.ones(2), share(1.0), factor=3
    )
    assert_same(y, (x + x[0]) * 6 + 1)


def test_sparse_results_make_a_sparse_array():
    y = ds.map_blocks(scipy.sparse.csr_array, a)
    assert y.sparse
    np.testing.assert_array_equal(y.collect().toarray(), x)


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="not 'same'"):
        a.map_blocks(np.square, dtype=float, block_shape=(1,))
    with pytest.raises(ValueError, match="as declared"):
        a.map_blocks(np.square, dtype=float, block_shape=(1, 1)).collect()
    with pytest.raises(ValueError, match="keepdims"):
        a.map_blocks(np.sum)
    with pytest.raises(ValueError, match="make them equal"):
        a.map_blocks(lambda block: block[: block.shape[1]])
    with pytest.raises(ValueError, match="none of the arguments"):
        ds.map_blocks(np.square, x)
    with pytest.raises(ValueError, match="some blocks are sparse"):
        a.map_blocks(lambda block: block if len(block) > 2 else scipy.sparse.csr_array(block))
    with pytest.raises(TypeError, match="dtype object"):
        ds.apply_along_axis(lambda lane: None, 0, a)
    with pytest.raises(TypeError, match="dtype object"):
        a.map_blocks(lambda block: block.astype(object))


def test_along_an_axis_the_first_slice_of_all_gives_the_type():
    def sometimes_an_int(lane):
        return 0 if lane[0] == 2 else lane[0] / 4

    values = np.arange(1.0, 7.0).reshape(6, 1)
    expected = np.apply_along_axis(sometimes_an_int, 1, values)
    for block_size in (1, 2, 3, (6, 1), ((1, 3, 2), 1)):
        assert_same(ds.apply_along_axis(sometimes_an_int, 1, ds.array(values, block_size=block_size)), expected)
