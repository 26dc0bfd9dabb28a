"""Permutations without memory, and the batches that are drawn by them."""

import numpy as np
import pytest

from estimators.neural._order import LocalOrder, Order, Permutation, Split


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 17, 100, 1797, 70000])
def test_each_number_comes_once_and_is_found_again(size):
    permutation = Permutation(size, (1, 2))
    rows = permutation.rows(np.arange(size))
    assert np.array_equal(np.sort(rows), np.arange(size))
    assert np.array_equal(permutation.positions(rows), np.arange(size))


def test_a_number_may_come_anywhere():
    counts = np.zeros((5, 5))
    for seed in range(2000):
        counts[np.arange(5), Permutation(5, (seed,)).rows(np.arange(5))] += 1
    assert abs(counts - 400).max() < 100


def test_neighbors_are_torn_apart():
    rows = Permutation(10000, (0,)).rows(np.arange(10000))
    assert abs(np.corrcoef(rows, np.arange(10000))[0, 1]) < 0.05
    assert abs(np.corrcoef(rows[1:], rows[:-1])[0, 1]) < 0.05


def test_other_keys_give_other_permutations():
    first, other = (Permutation(1000, (0, epoch)).rows(np.arange(1000)) for epoch in (0, 1))
    assert np.mean(first == other) < 0.02


def test_positions_may_be_asked_for_in_parts():
    permutation = Permutation(1000, (3,))
    parts = [permutation.rows(np.arange(first, first + 100)) for first in range(0, 1000, 100)]
    assert np.array_equal(np.concatenate(parts), permutation.rows(np.arange(1000)))


@pytest.mark.parametrize("n_train", [100, 77])
def test_batches_hold_each_training_row_once(n_train):
    split = Split(100, n_train, seed=5)
    batches = list(Order(split, 16, shuffle=True).batches(epoch=0))
    assert [len(each) for each in batches] == [16] * (n_train // 16) + [n_train % 16]
    kept = [split.part(start, 25, training=True) + start for start in range(0, 100, 25)]
    assert np.array_equal(np.sort(np.concatenate(batches)), np.concatenate(kept))


def test_rows_are_in_their_order_without_shuffling():
    batches = Order(Split(10, 10, 0), 4, shuffle=False).batches(epoch=3)
    assert [each.tolist() for each in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_the_rows_set_aside_do_not_depend_on_blocks():
    split = Split(60, 40, seed=1)
    whole = split.part(0, 60, training=False)
    assert len(whole) == 20
    parts = [split.part(start, 7, training=False) + start for start in range(0, 56, 7)]
    assert np.array_equal(np.concatenate(parts), whole[whole < 56])


def test_a_block_orders_its_own_rows():
    split = Split(60, 40, seed=1)
    batches = list(LocalOrder(split, 5, True, start=30, length=20).batches(epoch=2))
    assert np.array_equal(np.sort(np.concatenate(batches)), split.part(30, 20, training=True))
    assert list(LocalOrder(split, 5, True, start=30, length=0).batches(0)) == []
