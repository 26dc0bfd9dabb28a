"""In which order rows are learned: permutations of row numbers that need no memory, whatever the number of rows.

A `Permutation` is a generalised Feistel network over pairs of digits (J. Black and P. Rogaway, "Ciphers with arbitrary
finite domains", 2002): the row at any position, or the position of any row, is a few operations, so that a task or the
main program takes the rows of a batch without a list of all of them, and blocks don't matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Any

import numpy as np

__all__ = ["LocalOrder", "Order", "Permutation", "Split"]

_ROUNDS = 6

_AT_ONCE = 2**16
"""How many positions are looked up at a time."""

_SPLIT, _EPOCH = 0, 1
"""What a permutation is for; the first part of its key."""


class Permutation:
    """A permutation of the numbers below ``size``, chosen by a key."""

    def __init__(self, size: int, key: tuple[int, ...]) -> None:
        self._size = size
        self._side = np.uint64(isqrt(max(size - 1, 0)) + 1)
        self._keys = np.random.SeedSequence(key).generate_state(_ROUNDS, np.uint64)

    def rows(self, positions: Any) -> Any:
        """Return what is at the given positions."""
        return self._walk(positions, self._forward)

    def positions(self, rows: Any) -> Any:
        """Return where the given numbers are."""
        return self._walk(rows, self._backward)

    def _walk(self, numbers: Any, turn: Any) -> Any:
        """Turn each number until it is below ``size`` again; all are below ``side ** 2``, which is little more."""
        found = turn(np.asarray(numbers, dtype=np.uint64))
        beyond = np.flatnonzero(found >= self._size)
        while beyond.size:
            found[beyond] = turn(found[beyond])
            beyond = beyond[found[beyond] >= self._size]
        return found.astype(np.int64)

    def _forward(self, numbers: Any) -> Any:
        high, low = np.divmod(numbers, self._side)
        for key in self._keys:
            high, low = low, (high + _mix(low + key)) % self._side
        return high * self._side + low

    def _backward(self, numbers: Any) -> Any:
        high, low = np.divmod(numbers, self._side)
        for key in self._keys[::-1]:
            high, low = (low + self._side - _mix(high + key) % self._side) % self._side, high
        return high * self._side + low


def _mix(values: Any) -> Any:
    """Return 32 bits that look random for each value (of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values >> np.uint64(32)


@dataclass(frozen=True)
class Split:
    """Which rows are learned, and which are kept for validation."""

    n_rows: int
    n_train: int
    seed: int

    @cached_property
    def _permutation(self) -> Permutation:
        return Permutation(self.n_rows, (_SPLIT, self.seed))

    def training_rows(self, positions: Any) -> Any:
        """Return the rows at positions among those that are learned."""
        return positions if self.n_train == self.n_rows else self._permutation.rows(positions)

    def part(self, start: int, length: int, *, training: bool) -> Any:
        """Return which rows of a block are learned, or are for validation, counted from its first row."""
        if self.n_train == self.n_rows:
            return np.arange(length if training else 0)
        is_training = self._permutation.positions(np.arange(start, start + length)) < self.n_train
        return np.flatnonzero(is_training == training)


@dataclass(frozen=True)
class Order:
    """The batches of all rows together, as row numbers."""

    split: Split
    batch_size: int
    shuffle: bool

    def batches(self, epoch: int) -> Iterator[Any]:
        """Yield the rows of each batch of an epoch."""
        permutation = Permutation(self.split.n_train, (_EPOCH, self.split.seed, epoch))
        step = max(1, _AT_ONCE // self.batch_size) * self.batch_size
        for first in range(0, self.split.n_train, step):
            positions = np.arange(first, min(first + step, self.split.n_train))
            found = self.split.training_rows(permutation.rows(positions) if self.shuffle else positions)
            for begin in range(0, len(found), self.batch_size):
                yield found[begin : begin + self.batch_size]


@dataclass(frozen=True)
class LocalOrder:
    """The batches of a block by itself, as numbers of its rows."""

    split: Split
    batch_size: int
    shuffle: bool
    start: int
    length: int

    def batches(self, epoch: int) -> Iterator[Any]:
        """Yield the rows of each batch of an epoch."""
        rows = self.split.part(self.start, self.length, training=True)
        if self.shuffle:
            rows = rows[Permutation(len(rows), (_EPOCH, self.split.seed, epoch, self.start)).rows(np.arange(len(rows)))]
        for begin in range(0, len(rows), self.batch_size):
            yield rows[begin : begin + self.batch_size]
