import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse

import dsarray as ds
from dsflow import INOUT, Future, task, wait_on
from tests.dsarray.strategies import assert_same

x = np.arange(12.0).reshape(4, 3)
a = ds.array(x, block_size=(3, 2))


def test_an_array_says_what_it_is():
    assert (a.shape, a.ndim, a.size, a.nbytes, a.itemsize, a.dtype) == ((4, 3), 2, 12, 96, 8, np.float64)
    assert (a.chunks, a.block_shape, a.block_size, a.grid, a.n_blocks) == (((3, 1), (2, 1)), (3, 2), (3, 2), (2, 2), 4)
    assert not a.sparse


def test_blocks_are_futures_in_a_grid():
    assert isinstance(a.blocks[1, 0], Future)
    assert wait_on(a.blocks[1, 0]).tolist() == [[9, 10]]
    assert (a.blocks.shape, a.blocks.ndim, a.blocks.size, len(a.blocks)) == ((2, 2), 2, 4, 2)
    assert [wait_on(future).shape for future in a.blocks[:, -1]] == [(3, 1), (1, 1)]
    assert wait_on(a.blocks.tolist())[0][1].tolist() == [[2], [5], [8]]
    assert [wait_on(row[0]).shape for row in a.blocks] == [(3, 2), (1, 2)]
    assert repr(a.blocks) == "<Blocks: grid (2, 2)>"
    assert wait_on(ds.array(5).blocks[()]) == 5


def test_a_task_that_changes_a_block_changes_no_array():
    @task(block=INOUT)
    def double(block):
        block *= 2

    b = a.copy()
    total = b + 1
    taken = [b.blocks[0, 0], total.blocks[0, 0], b.blocks.tolist()[0][0], b.blocks.flat[0], b[:, :2].row_blocks()[0]]
    for block in taken:
        double(block)
    assert wait_on(taken[2]).tolist() == [[0, 2], [6, 8], [12, 14]]
    assert wait_on(taken[1]).tolist() == [[2, 4], [8, 10], [14, 16]]
    assert_same(b, x)
    assert_same(total, x + 1)


def test_a_task_that_changes_a_future_changes_no_array_made_of_it_before():
    @task
    def make():
        return np.ones(3)

    @task(block=INOUT)
    def double(block):
        block *= 2

    made = make()
    b = ds.from_blocks([made], ((3,),), float)
    double(made)
    assert_same(b, np.ones(3))
    assert wait_on(made).tolist() == [2, 2, 2]


def test_the_grid_of_blocks_itself_is_refused_as_an_argument_with_what_to_pass():
    @task
    def count(blocks):
        return len(blocks)

    with pytest.raises(TypeError, match=r"pass x\.blocks\.tolist\(\)"):
        count(a.blocks)
    assert wait_on(count(a.blocks.tolist())) == 2


def test_taking_one_block_starts_one_task_and_remembers_it(tasks):
    y = a + 1
    assert wait_on([y.blocks[0, 0], y.blocks[0, 0]])[1].tolist() == [[1, 2], [4, 5], [7, 8]]
    assert tasks.n == 1


def test_an_array_passed_to_a_task_arrives_as_an_array():
    @task
    def total(array, factor):
        return type(array).__name__, float((array * factor).sum())

    assert wait_on(total(a + 1, 2)) == ("Array", 156.0)
    assert wait_on(total([a][0], 2)) == ("Array", 132.0)


def test_an_array_returned_by_a_task_is_an_array():
    @task
    def double(array):
        return array * 2

    assert_same(wait_on(double(a)), x * 2)


def test_copies_change_apart():
    b = ds.array(x)
    others = [b.copy(), copy.copy(b), copy.deepcopy(b), np.copy(b)]
    b += 1
    for other in others:
        assert_same(other, x)


def test_an_array_becomes_only_what_has_its_shape_and_type():
    b = ds.array(x, block_size=2)
    name = b
    b.become(ds.array(x + 1, block_size=3))
    assert_same(name, x + 1)
    assert name.block_shape == (3, 3)
    with pytest.raises(ValueError, match=r"become: shape \(3, 4\) is not \(4, 3\)"):
        b.become(b.T)
    for other in (b.astype("f4"), ds.array(scipy.sparse.csr_array(x))):
        with pytest.raises(TypeError, match=r"become: .* is not of the type of"):
            b.become(other)
    assert_same(b, x + 1)


def test_arrays_are_not_hashable_and_equality_is_elementwise():
    assert_same(a == x, np.ones((4, 3), dtype=bool))
    with pytest.raises(TypeError):
        hash(a)
    assert 5.0 in a
    assert 99.0 not in a


def test_matrix_multiplication_in_place_by_a_vector_is_refused_as_in_numpy():
    a = ds.array(np.eye(2))
    with pytest.raises(ValueError, match="1 dimensions, but needs 2"):
        a @= np.ones(2)
    a @= np.full((2, 2), 2.0)
    assert a.collect().tolist() == [[2, 2], [2, 2]]


def test_the_axes_of_a_transpose_may_be_integers_of_numpy():
    assert ds.zeros(3).transpose(np.int64(0)).shape == (3,)


def test_the_conjugate_of_real_numbers_keeps_their_type():
    assert ds.array([True, False]).conj().dtype == bool


def test_texts_have_no_conjugate():
    with pytest.raises(TypeError):
        ds.array(["a"]).conj()


def test_methods_take_numpys_arguments():
    x = ds.array([[3.0, 1], [2, 4]], block_size=1)
    assert x.argsort(kind="stable").collect().tolist() == [[1, 0], [0, 1]]
    assert (x.item(3), x.item(1, 0), x.item((0, 1))) == (4, 2, 1)
    assert f"{x.mean():.2f}|{x.sum().astype(int):d}" == "2.50|10"
    assert f"{x}" == str(x)
    assert round(ds.array(2.6)) == 3
    assert round(x.mean(), 1).item() == 2.5
    assert x.astype(int, copy=False).dtype == int
    assert x.copy("F").reshape(4, copy=True).shape == (4,)
    assert x.std(ddof=1, mean=None).item() == np.std([3, 1, 2, 4], ddof=1)
    assert not np.may_share_memory(x, x.T)
    with pytest.raises(TypeError, match="cannot cast from float64 to int32 by the rule 'safe'"):
        x.astype("i4", casting="safe")
    assert ds.ones(3, "i4").dtype == "i4"


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
@pytest.mark.parametrize("index", [(), (0,), ((0,),), (-1,), (9,), (1, 1), ((1, 1),)])
def test_items_are_those_of_numpy_and_so_are_their_errors(shape, index):
    values = np.arange(int(np.prod(shape))).reshape(shape)
    try:
        expected = values.item(*index)
    except (IndexError, ValueError) as error:
        with pytest.raises(type(error)):
            ds.array(values).item(*index)
    else:
        assert ds.array(values).item(*index) == expected


# --- pickles of the user's --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_holds_the_values(protocol):
    array = ds.array(np.arange(6.0), block_size=4) + 1
    again = pickle.loads(pickle.dumps({"x": array}, protocol))["x"]
    assert again.chunks == array.chunks
    assert_same(again, np.arange(6.0) + 1)
    again += 1
    assert_same(array, np.arange(6.0) + 1)
    assert_same(pickle.loads(pickle.dumps(ds.array(3), protocol)), np.array(3))
    sparse = ds.array(scipy.sparse.csr_matrix(np.eye(3)), block_size=2)
    assert pickle.loads(pickle.dumps(sparse, protocol)).sparse


def test_a_pickle_outlives_the_session():
    pickled = pickle.dumps(ds.arange(5, block_size=2) * 2)
    program = f"import pickle; print(pickle.loads({pickled!r}).collect().tolist())"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[0, 2, 4, 6, 8]"


def test_a_pickle_in_a_task_holds_the_values():
    @task
    def again(array):
        return pickle.loads(pickle.dumps(array)).sum().item()

    assert wait_on(again(ds.ones(5, block_size=2))) == 5.0


def test_a_pickle_of_more_than_the_budget_is_refused_with_the_bytes(session, monkeypatch):
    monkeypatch.setattr(session, "memory_bytes", 1000)
    with pytest.raises(MemoryError, match=r"pickle: .* has 8000 bytes, more than the 1000 bytes"):
        pickle.dumps(ds.ones(1000))


def test_a_pickle_of_what_is_read_says_where(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(10_000))
    pickled = pickle.dumps(ds.from_npy(tmp_path / "x.npy"))
    assert len(pickled) < 2000
    assert_same(pickle.loads(pickled), np.arange(10_000))
