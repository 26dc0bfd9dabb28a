import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_same, cuts, modest, pairs

x = np.arange(24).reshape(6, 4)


@modest
@given(pair=pairs(["int64"]), data=st.data())
def test_other_blocks_hold_the_same_values(pair, data):
    values, array = pair
    chunks = tuple(data.draw(cuts(length)) for length in values.shape)
    cut = array.rechunk(chunks)
    assert cut.chunks == chunks
    assert_same(cut, values)


def test_sizes_may_be_an_array_of_integers():
    assert ds.array(x).rechunk(np.array([3, 2])).chunks == ((3, 3), (2, 2))


def test_blocks_that_stay_cost_nothing(tasks):
    a = ds.array(x, block_size=2)
    b = a.rechunk(((2, 4), -1))
    assert b._cells[0, 0] is a._cells[0, 0]
    assert tasks.n == 0
    assert_same(b, x)
    assert tasks.n == 1


def test_blocks_that_several_need_are_computed_once(tasks):
    a = ds.array(x, block_size=6) + 1
    assert_same(a.rechunk(1), x + 1)
    assert tasks.n == 1 + 6


def test_block_size_is_checked():
    with pytest.raises(ValueError, match="rechunk: block_size=0"):
        ds.array(x).rechunk(0)


def test_views_of_what_is_there_are_no_tasks(tasks):
    x = np.arange(144.0).reshape(12, 12)
    a = ds.array(x, block_size=(3, -1))
    np.testing.assert_array_equal((a + a.T).collect(), x + x.T)
    assert tasks.n == 4  # of the blocks of the sum; transposed blocks are not kept
    tasks.n = 0
    b = a * 2
    np.testing.assert_array_equal((b + b.T).collect(), 2 * (x + x.T))
    assert tasks.n == 4 + 4  # what many need is computed once
