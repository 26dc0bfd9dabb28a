import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_same, modest, pairs

few = settings(modest, max_examples=60)


@few
@given(shape=st.lists(st.integers(0, 4), max_size=3), sparse=st.booleans(), dtype=st.sampled_from([int, "f4"]))
def test_indices_agree_with_numpy(shape, sparse, dtype):
    block_size = (2,) * len(shape)
    ours, numpys = ds.indices(shape, dtype, sparse, block_size=block_size), np.indices(shape, dtype, sparse)
    if not sparse:
        assert_same(ours, numpys)
        return
    assert len(ours) == len(numpys)
    for mine, theirs in zip(ours, numpys, strict=True):
        assert_same(mine, theirs)


def test_a_function_of_coordinates_is_called_once_with_arrays(tasks):
    made = ds.fromfunction(lambda i, j: 10 * i + j, (5, 4), block_size=(2, 3), dtype=int)
    assert tasks.n == 0
    assert_same(made, np.fromfunction(lambda i, j: 10 * i + j, (5, 4), dtype=int))
    assert made.chunks == ((2, 2, 1), (3, 1))
    assert_same(ds.fromfunction(np.add, (2, 3)), np.fromfunction(np.add, (2, 3)))


@few
@given(data=st.data(), sparse=st.booleans(), indexing=st.sampled_from(["xy", "ij"]), n=st.integers(1, 3))
def test_grids_agree_with_numpy(data, sparse, indexing, n):
    drawn = [data.draw(pairs(["int64", "float32"])) for _ in range(n)]
    ours = np.meshgrid(*[array for _, array in drawn], sparse=sparse, indexing=indexing)
    numpys = np.meshgrid(*[values for values, _ in drawn], sparse=sparse, indexing=indexing)
    assert isinstance(ours, tuple)
    for mine, theirs in zip(ours, numpys, strict=True):
        assert_same(mine, theirs)


def test_an_open_mesh_is_of_ndarrays():
    mesh = np.ix_(ds.array([0, 2]), ds.array([True, False, True]))
    for mine, theirs in zip(mesh, np.ix_([0, 2], [True, False, True]), strict=True):
        assert type(mine) is np.ndarray
        np.testing.assert_array_equal(mine, theirs)


def test_an_unknown_indexing_is_refused():
    with pytest.raises(ValueError, match="'xy' or 'ij'"):
        np.meshgrid(ds.arange(3), indexing="yx")
