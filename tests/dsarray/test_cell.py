import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

import dsarray as ds
import dsflow
from dsarray._cell import Apply, Cell, Value, start_cells


class Heavy:
    pass


def add(a, b):
    return a + b


def test_a_chain_of_cells_is_one_task(tasks):
    cell = Cell(Value(np.ones(2)))
    for _ in range(50):
        cell = Cell.of(add, cell, cell)
    assert cell.future.result()[0] == 2.0**50
    assert tasks.n == 1


def test_chains_may_be_longer_than_pythons_stack():
    cell = Cell(Value(np.zeros(1)))
    for _ in range(5000):
        cell = Cell.of(add, cell, 1)
    assert cell.future.result() == [5000]
    anchored = Cell(Value(np.zeros(1)))
    for _ in range(1500):
        anchored = Cell.of(add, anchored, 1, anchor=True)
    assert anchored.future.result() == [1500]


def test_an_anchor_is_started_once_whoever_needs_it(tasks):
    anchor = Cell.of(np.zeros, 3, anchor=True)
    first, second = start_cells([Cell.of(add, anchor, 1), Cell.of(add, anchor, 2)])
    assert tasks.n == 3
    assert (first.result() + second.result()).tolist() == [3, 3, 3]


def test_what_has_been_started_lets_go_of_its_recipe():
    below = Cell.of(np.zeros, 3)
    alive = weakref.ref(below)
    cell = Cell.of(add, below, 1)
    del below
    cell.future.result()
    gc.collect()
    assert alive() is None
    assert not isinstance(cell.state, Apply)


made = []


def make_noted(n):
    block = np.zeros(n)
    made.append(weakref.ref(block))
    return block


def count_alive(block):
    return np.array([sum(ref() is not None for ref in made)])


def test_what_no_later_step_reads_is_freed_inside_the_task():
    cell = Cell.of(add, Cell.of(add, Cell.of(make_noted, 3), 1), 1)
    assert Cell.of(count_alive, cell).future.result() == [0]


def test_the_value_of_a_dropped_array_is_freed(session):
    array = ds.zeros(10) + 1
    version = weakref.ref(array.blocks[0]._version)
    assert version() is not None
    del array
    gc.collect()
    assert version() is None


def test_scalars_become_arrays():
    assert isinstance(Cell.of(np.float64, 3.0).future.result(), np.ndarray)


def test_values_are_placed_anew_in_a_new_session(session, monkeypatch):
    array = ds.array([1, 2, 3])
    first = array._cells[0].future
    assert array._cells[0].future is first
    monkeypatch.setattr("dsarray._cell.active_session", lambda: SimpleNamespace(memory_bytes=None))
    assert array._cells[0].future is not first
    assert array.collect().tolist() == [1, 2, 3]


def test_errors_in_blocks_are_the_users():
    def fail(block):
        raise KeyError("mine")

    failing = ds.map_blocks(fail, ds.zeros(3), dtype=float, block_shape="same") + 1
    with pytest.raises(KeyError, match="mine"):
        failing.collect()


def test_futures_among_the_arguments_arrive_as_values():
    @dsflow.task
    def make(n):
        return np.full(2, n)

    assert ds.map_row_blocks(add, ds.ones(2), make(3))[0].result().tolist() == [4, 4]


def take_too_much(block):
    raise MemoryError("Unable to allocate 7 TiB")


def test_what_does_not_fit_into_memory_is_told_with_the_steps_and_what_to_do():
    cell = Cell.of(take_too_much, Cell.of(add, Cell(Value(np.ones(2))), 1))
    with pytest.raises(MemoryError, match="7 TiB") as caught:
        cell.future.result()
    note = "\n".join(caught.value.__notes__)
    assert "in the steps add → take_too_much" in note
    assert "smaller blocks need less" in note
