"""A block as a node: made where it travels, or brought here before."""

import pickle

import numpy as np
import pytest

import dsarray as ds
from dsarray._nodes import bring_blocks, name_of, nodes_of


def test_a_block_made_of_a_recipe_travels_as_the_recipe(tasks):
    (node,) = nodes_of((ds.ones((2, 2)) * 3)._cells.flat)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(node))(), np.full((2, 2), 3))
    assert tasks.n == 0


def test_a_block_that_exists_travels_as_its_value():
    (node,) = nodes_of(ds.array([1, 2])._cells.flat)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(node))(), [1, 2])


def test_a_block_that_tasks_make_travels_once_it_is_brought():
    a = ds.array([1, 2]) + 1
    (node,) = nodes_of(a._cells.flat)
    with pytest.raises(RuntimeError, match=r"as_current\(\).* or compute with scheduler='threads'"):
        pickle.dumps(node)
    bring_blocks(a._cells.flat)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(node))(), [2, 3])


def test_a_cell_keeps_its_name_and_its_node_while_a_graph_has_it():
    a = ds.array([1, 2])
    (cell,) = a._cells.flat
    assert name_of(cell) == name_of(cell)
    (node,) = nodes_of([cell])
    assert nodes_of([cell]) == [node]
