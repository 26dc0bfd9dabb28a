"""A block that is deferred is made by the task that takes it, anew each time."""

import numpy as np
import pytest

import dsarray as ds
from dsflow import task, wait_on

x = np.arange(24.0).reshape(6, 4)


@task
def total(rows, factor):
    return float(rows.make().sum() * factor)


@pytest.mark.parametrize("block_size", [4, 1, (4, 3), -1, ((2, 0, 4), 4)])
def test_rows_are_made_in_the_task_that_takes_them(block_size):
    a = ds.array(x, block_size=block_size)
    deferred = ds.defer_row_blocks(np.add, a * 2, 1)
    sums = [(part * 2 + 1).sum() for part in np.split(x, np.cumsum(a.chunks[0])[:-1])]
    assert wait_on([total(rows, 10) for rows in deferred]) == [10 * each for each in sums]
    assert wait_on([total(rows, 1) for rows in deferred]) == sums


def test_only_what_is_too_dear_to_be_made_twice_is_started(tasks):
    a = ds.array(x, block_size=4)
    deferred = ds.defer_row_blocks(np.negative, (a + 1) / (a + 1).max())
    assert tasks.n == 3  # two partial results, and the greatest
    assert wait_on([total(rows, -1) for rows in deferred]) == pytest.approx(
        [(x[:4] + 1).sum() / 24, (x[4:] + 1).sum() / 24]
    )
    assert tasks.n == 5


def test_a_block_that_exists_is_passed_on():
    a = ds.from_blocks([[block] for block in ds.array(x, block_size=4).row_blocks()], ((4, 2), (4,)), float)
    assert wait_on([total(rows, 1) for rows in ds.defer_row_blocks(np.copy, a)]) == [x[:4].sum(), x[4:].sum()]


def test_it_says_what_it_is_in_few_words():
    assert len(repr(ds.defer_row_blocks(len, ds.ones(3))[0])) < 100


def test_there_has_to_be_an_array():
    with pytest.raises(ValueError, match="defer_row_blocks: none of the arguments is an Array"):
        ds.defer_row_blocks(len, x)
