"""What tasks do with a row of blocks and the state of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import task
from estimators.neural._network import get_network
from estimators.neural._order import LocalOrder, Order, Split
from estimators.neural._state import Slopes, State, Trained

__all__ = ["Part", "answer_rows", "find_slopes", "judge_rows", "learn_epoch"]

_AT_ONCE = 1024
"""How many rows a network answers at a time."""


@dataclass(frozen=True)
class Part:
    """A row of blocks as tasks get it."""

    rows: Any
    """A Future, or how to make the rows."""
    targets: Any
    weights: Any
    """Futures; None if all weights are 1."""
    start: int
    length: int


def _read(part: Part) -> tuple[Any, Any, Any]:
    rows = ds.to_host(part.rows.make() if isinstance(part.rows, ds.Deferred) else part.rows)
    rows = rows.tocsr() if hasattr(rows, "tocsr") else rows
    return rows, ds.to_host(part.targets), None if part.weights is None else ds.to_host(part.weights)


def _pick(part: tuple[Any, Any, Any], picked: Any) -> tuple[Any, Any, Any]:
    rows, targets, weights = part
    return rows[picked], targets[picked], None if weights is None else weights[picked]


@task
def find_slopes(part: Part, picked: Any, state: State, packed: Any, place: tuple[int, ...]) -> Slopes:
    """Return what some rows of a block add to the gradient."""
    network = get_network(packed)
    network.load(state)
    loss, weight = network.find_slopes(*_pick(_read(part), picked), (*place, part.start))
    return Slopes(network.slopes(), network.buffers(), loss, weight, len(picked))


@task
def learn_epoch(part: Part, order: Order | LocalOrder, state: State, packed: Any, epoch: int) -> Trained | None:
    """Return where the batches of a block lead a state, one after the other; None if there are none."""
    read = _read(part)
    losses, total, n_rows = 0.0, 0.0, 0
    network = get_network(packed)
    network.load(state)
    for step, picked in enumerate(order.batches(epoch)):
        loss, weight = network.find_slopes(*_pick(read, picked), (epoch, step, part.start))
        network.step(weight)
        losses, total, n_rows = losses + loss, total + weight, n_rows + len(picked)
    network.check(epoch)
    return Trained(network.state(), losses, total, n_rows) if n_rows else None


@task
def judge_rows(part: Part, split: Split, state: State, packed: Any) -> Any:
    """Return the sum of weighted losses of the rows for validation, and that of their weights."""
    read = _read(part)
    found = split.part(part.start, part.length, training=False)
    sums = np.zeros(2)
    network = get_network(packed)
    network.load(state)
    for begin in range(0, len(found), _AT_ONCE):
        rows, targets, weights = _pick(read, found[begin : begin + _AT_ONCE])
        losses = network.judge(rows, targets)
        weights = np.ones(len(losses)) if weights is None else weights
        sums += losses @ weights, weights.sum()
    return sums


def answer_rows(rows: Any, packed: Any, n_outputs: int, finish: Callable[[Any], Any] | None) -> Any:
    """Return what a function makes of the outputs of a network for rows, of which there may be none."""
    host = ds.to_host(rows)
    host = host.tocsr() if hasattr(host, "tocsr") else host
    found = np.empty((host.shape[0], n_outputs), host.dtype)
    network = get_network(packed)
    for begin in range(0, host.shape[0], _AT_ONCE):
        picked = np.arange(begin, min(begin + _AT_ONCE, host.shape[0]))
        found[picked] = network.answer(host[picked])
    return found if finish is None else finish(found)
