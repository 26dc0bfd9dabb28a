import operator

import numpy as np
import pytest

import dsarray as ds
from dsflow import share, task


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 64, 65, 100])
@pytest.mark.parametrize("arity", [2, 3, 8])
def test_parts_are_combined_in_order(n, arity):
    letters = [chr(65 + i) for i in range(n)]
    assert ds.tree_reduce(operator.add, letters, arity).result() == "".join(letters)


def test_the_shape_of_the_tree_is_fixed(tasks):
    def note(left, right):
        return f"({left}{right})"

    parts = [share(c) if i % 2 else c for i, c in enumerate("abcde")]
    assert ds.tree_reduce(note, parts, arity=2).result() == "(((ab)(cd))e)"
    assert tasks.n == 4


def test_the_function_may_be_a_task():
    @task
    def add(left, right):
        return left + right

    assert ds.tree_reduce(add, [np.ones(2)] * 3).result().tolist() == [3, 3]


def test_nothing_to_combine_is_an_error():
    with pytest.raises(ValueError, match="nothing to combine"):
        ds.tree_reduce(operator.add, [])
    with pytest.raises(ValueError, match="arity=1"):
        ds.tree_reduce(operator.add, [1], arity=1)
