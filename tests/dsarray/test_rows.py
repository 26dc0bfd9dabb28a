import numpy as np
import pytest

import dsarray as ds
from dsflow import share, wait_on

x = np.arange(24.0).reshape(6, 4)


def test_rows_of_a_single_column_of_blocks_are_the_blocks(tasks):
    a = ds.array(x, block_size=4)
    assert [block.tolist() for block in wait_on(a.row_blocks())] == [x[:4].tolist(), x[4:].tolist()]
    assert tasks.n == 0


def test_rows_are_joined_along_all_other_axes():
    a = ds.array(x, block_size=(4, 3))
    assert [block.tolist() for block in wait_on(a.row_blocks())] == [x[:4].tolist(), x[4:].tolist()]
    assert [len(block) for block in wait_on(a.row_blocks((1, 0, 5)))] == [1, 0, 5]
    assert [block.shape for block in wait_on(ds.array(np.ones((4, 2, 3)), block_size=(3, 1, 1)).row_blocks())] == [
        (3, 2, 3),
        (1, 2, 3),
    ]


def test_a_function_of_rows_is_fused_with_what_is_left_to_compute(tasks):
    a, y = ds.array(x, block_size=(4, 3)) + 1, ds.array(x[:, 0], block_size=2) * 2
    futures = ds.map_row_blocks(lambda rows, target, scale: float((rows.sum() + target.sum()) * scale), a, y, share(10))
    assert tasks.n == 2
    assert wait_on(futures) == [
        ((x[:4] + 1).sum() + 2 * x[:4, 0].sum()) * 10,
        ((x[4:] + 1).sum() + 2 * x[4:, 0].sum()) * 10,
    ]


def test_rows_that_do_not_fit_are_refused():
    a = ds.array(x)
    with pytest.raises(ValueError, match="5 rows"):
        a.row_blocks((5,))
    with pytest.raises(ValueError, match="6 rows"):
        ds.map_row_blocks(len, a, ds.zeros(5))
    with pytest.raises(ValueError, match="0-dimensional"):
        ds.array(1).row_blocks()
    with pytest.raises(ValueError, match="none of the arguments"):
        ds.map_row_blocks(len, x)


def test_rows_cannot_be_of_negative_number():
    with pytest.raises(ValueError, match="all of it"):
        ds.zeros((4, 2)).row_blocks([5, -1])
