import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from dsflow import share, task
from tests.dsarray.strategies import DTYPES, assert_same, blocked, modest, ndarrays

x = np.arange(12.0).reshape(4, 3)


@modest
@given(data=st.data(), values=ndarrays([*DTYPES, "float16"]))
def test_what_is_made_of_an_array_collects_to_it(data, values):
    assert_same(data.draw(blocked(values)), values)


@pytest.mark.parametrize(
    "value",
    [[[1, 2], [3, 4]], 5, 2.5, True, [], ["a", "bcd"], range(3), pd.DataFrame({"a": [1.0, 2.0]}), pd.Series([1])],
)
def test_whatever_numpy_takes_is_taken(value):
    assert_same(ds.array(value), np.asarray(value))


def test_later_changes_of_the_source_are_not_seen():
    source = x.copy()
    array = ds.array(source, block_size=2)
    source[:] = 0
    assert_same(array, x)


def test_what_is_collected_is_the_callers_own():
    array = ds.array(x)
    array.collect()[:] = 0
    assert_same(array, x)


def test_an_array_is_cut_anew_only_if_asked():
    array = ds.array(x, block_size=3)
    assert ds.array(array).chunks == array.chunks
    assert ds.array(array, block_size=2).chunks == ((2, 2), (3,))
    assert_same(ds.array(array, dtype="int32"), x.astype("int32"))


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_matrices_stay_sparse_and_of_their_flavour(make):
    array = ds.array(make(x), block_size=(3, 2))
    assert array.sparse
    collected = array.collect()
    assert collected.format == "csr"
    assert isinstance(collected, scipy.sparse.sparray) == isinstance(make(x), scipy.sparse.sparray)
    np.testing.assert_array_equal(collected.toarray(), x)
    assert array.blocks[1, 1].result().format == "csr"


def test_objects_and_records_are_refused():
    with pytest.raises(TypeError, match="dtype object"):
        ds.array([None, 1])
    with pytest.raises(TypeError, match="structured"):
        ds.array(np.zeros(2, dtype="i4,f4"))


def test_constant_arrays_cost_nothing_until_needed(tasks):
    huge = ds.zeros((10**9, 10))
    assert huge.nbytes == 8 * 10**10
    assert tasks.n == 0
    assert_same(huge[5, :3], np.zeros(3))
    assert tasks.n == 1


def test_constant_arrays_agree_with_numpy():
    assert_same(ds.zeros((4, 3), block_size=3), np.zeros((4, 3)))
    assert_same(ds.ones(5, block_size=2, dtype="int16"), np.ones(5, dtype="int16"))
    assert_same(ds.full((2, 2), 7), np.full((2, 2), 7))
    assert_same(ds.full((2, 2), 7, dtype="f4"), np.full((2, 2), 7, dtype="f4"))
    assert_same(ds.full((), "ab"), np.full((), "ab"))
    assert_same(ds.eye(7, 5, block_size=(2, 3)), np.eye(7, 5))
    assert_same(ds.identity(5, block_size=2), np.identity(5))


def test_blocks_that_exist_make_an_array():
    blocks = [[share(x[:3]), x[:3, :1]], [x[3:], x[3:, :1]]]
    array = ds.from_blocks(blocks, ((3, 1), (3, 1)), float)
    assert_same(array, np.hstack([x, x[:, :1]]))
    with pytest.raises(ValueError, match="blocks along"):
        ds.from_blocks([x], ((3, 1), (3,)), float)
    with pytest.raises(ValueError, match="has shape"):
        ds.from_blocks([[x]], ((3,), (3,)), float)


def test_blocks_that_tasks_make_must_have_the_shape_declared():
    @task
    def make(n):
        return np.ones((n, 3))

    assert_same(ds.from_blocks([[make(1)], [make(2)]], ((1, 2), (3,)), float), np.ones((3, 3)))
    for chunks in (((2, 1), (3,)), ((1, 1), (3,))):
        with pytest.raises(ValueError, match="has shape"):
            ds.from_blocks([[make(1)], [make(2)]], chunks, float).collect()


def test_a_function_makes_blocks_inside_the_tasks_that_use_them(tasks):
    array = ds.from_function(np.full, ((2, 2), (3,)), int, lambda index: ((2, 3), index[0]))
    assert_same((array + 1).sum(axis=1), np.array([3, 3, 6, 6]))
    assert tasks.n == 2


@pytest.mark.parametrize("dtype", ["U3", "S2", ">f8", "M8[D]", None])
@pytest.mark.parametrize("name", ["zeros", "ones"])
def test_zeros_and_ones_have_exactly_the_type_asked_for(name, dtype):
    assert_same(getattr(ds, name)((2, 3), dtype=dtype), getattr(np, name)((2, 3), dtype=dtype))


def test_a_single_text_keeps_its_width():
    text = np.array("a", dtype="U3")
    assert_same(ds.array(text), text)
    assert_same(ds.array(text).T, text)


def test_what_is_masked_is_not_lost_in_silence():
    with pytest.raises(TypeError, match="masked"):
        ds.array(np.ma.array([1, 2], mask=[True, False]))


def test_a_future_is_no_value():
    with pytest.raises(TypeError, match="wait_on"):
        ds.array(ds.zeros(3).blocks[0])


def test_blocks_of_another_type_than_declared_are_refused():
    with pytest.raises(TypeError, match="dtype float64, not int64"):
        ds.from_blocks([np.array([1.5])], ((1,),), "int64")
    with pytest.raises(TypeError, match="dtype float64, not int64"):
        ds.from_function(np.full, ((1,),), "int64", lambda index: (1, 1.5)).collect()


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("array", ([1, 2], "f4")),
        ("zeros", (3, "i4")),
        ("ones", (3, "i4")),
        ("full", (3, 7, "f4")),
        ("eye", (3, 4, 1, "i4")),
        ("identity", (3, "i4")),
        ("arange", (1, 9, 2, "f4")),
        ("linspace", (1, 9, 5, False, False, "f4")),
        ("logspace", (1, 3, 5, False, 2.0, "f4")),
        ("geomspace", (1, 9, 5, False, "f4")),
        ("tri", (3, 4, 1, "i4")),
        ("indices", ((2, 3), "i4")),
    ],
)
def test_arguments_are_in_numpys_order(name, args):
    assert_same(getattr(ds, name)(*args), getattr(np, name)(*args), rtol=1e-6)


def test_parameters_have_numpys_names():
    assert_same(ds.eye(N=2, M=3, k=-1), np.eye(N=2, M=3, k=-1))
    with pytest.raises(TypeError, match="float"):
        ds.eye(3, k=0.5)


SIZES = [2, (2, 2), -1, ((2, 1), (3,)), [2, 2], np.int64(2), (np.int64(2), np.int32(2)), np.array([2, 2])]


@pytest.mark.parametrize(
    "make", [ds.zeros, ds.ones, ds.empty, ds.full, ds.identity, ds.tri, ds.eye, ds.indices, ds.geomspace]
)
@pytest.mark.parametrize("block_size", SIZES, ids=repr)
def test_a_size_of_blocks_in_the_place_of_the_dtype_is_refused(make, block_size):
    args = {ds.tri: (3, 3, 0), ds.eye: (3, 3, 0), ds.full: (3, 0), ds.indices: ((3, 3),), ds.geomspace: (1, 2, 5, True)}
    with pytest.raises(TypeError, match=rf"{make.__name__}: .* block_size="):
        make(*args.get(make, (3,)), block_size)


@pytest.mark.parametrize("block_size", SIZES, ids=repr)
def test_the_size_of_blocks_of_a_value_may_come_second(block_size):
    values = np.arange(9.0).reshape(3, 3)
    a = ds.array(values, block_size)
    assert a.chunks == ds.array(values, block_size=block_size).chunks
    assert_same(a, values)
    with pytest.raises(TypeError, match=r"array: .* is no dtype; .* block_size="):
        ds.array(values, block_size, block_size=2)


def test_a_size_of_blocks_in_the_place_of_another_argument_is_refused():
    for make in (ds.eye, ds.tri):
        with pytest.raises(TypeError, match=r"k=\(2, 2\) is not an int; .* block_size=\(2, 2\)"):
            make(4, 6, (2, 2))
        with pytest.raises(TypeError, match=r"M=\[2, 2\] is not an int; .* block_size=\(2, 2\)"):
            make(4, [2, 2])
    with pytest.raises(TypeError, match=r"full: 5 is no dtype, beside fill_value=\(2, 2\); .* block_size="):
        ds.full((4, 4), (2, 2), 5)


def test_errors_name_the_function_that_was_called():
    for make in (ds.zeros, ds.ones, ds.empty, ds.identity):
        with pytest.raises(ValueError, match=f"{make.__name__}: block_size=0"):
            make(3, block_size=0)


def test_chunks_that_are_no_lengths_are_refused_with_an_example():
    for chunks in ((4, 3), 4, ((4,), 3), ((4.5,), (3,))):
        with pytest.raises(TypeError, match=r"from_blocks: chunks=.* give a tuple for each, such as"):
            ds.from_blocks([[x]], chunks, float)


def test_sparse_blocks_have_to_be_declared():
    sparse = scipy.sparse.csr_matrix(x)
    chunks = ((4,), (3,))
    for block in (sparse, share(sparse)):
        with pytest.raises(TypeError, match=r"from_blocks\(\) sparse=True"):
            ds.from_blocks([[block]], chunks, float).collect()
    for block in (x, share(x)):
        with pytest.raises(TypeError, match="without sparse=True"):
            ds.from_blocks([[block]], chunks, float, sparse=True).collect()


class Tensor:
    """An array of a library that has NumPy's words only for conversion, as PyTorch."""

    shape = (4, 3)
    dtype = "float64 of another library"

    def __array__(self, dtype=None, copy=None):
        return x


def test_blocks_that_numpy_can_convert_become_ndarrays():
    assert_same(ds.from_blocks([[Tensor()]], ((4,), (3,)), float) + 1, x + 1)
    with pytest.raises(TypeError, match="is no ndarray; make it one"):
        ds.from_blocks([[task(Tensor)()]], ((4,), (3,)), float).collect()


@pytest.mark.parametrize("block", [object(), None, 3.0, "text", [[1.0]]])
def test_blocks_that_are_no_arrays_are_refused(block):
    for each in (block, share(block)):
        with pytest.raises(TypeError, match=r"which is no array; make it one"):
            ds.from_blocks([[each]], ((1,), (1,)), float).collect()
    with pytest.raises(TypeError, match="object is no sequence of blocks; nest lists"):
        ds.from_blocks(object(), ((1,), (1,)), float)
