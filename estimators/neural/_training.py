"""How a network is trained: epochs of steps, in one task or in many, until the loss gets no better.

"gradient": a step takes a task for each row of blocks that has rows of the batch, and a tree that adds up gradients;
the main program takes the step. Where all rows are in one block, an epoch is one task. "average": an epoch takes a task
for each row of blocks, which steps through its own rows, and a tree of means (B. McMahan et al., "Communication-
efficient learning of deep networks from decentralized data", 2017; S. U. Stich, "Local SGD", 2019).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import share, wait_on
from estimators.neural._modules import sharing_threads
from estimators.neural._network import Blueprint, Network, diverged
from estimators.neural._order import LocalOrder, Order, Split
from estimators.neural._state import State, add_slopes, mean_of_trained
from estimators.neural._steps import Part, find_slopes, judge_rows, learn_epoch

__all__ = ["Course", "Rules", "train"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rules:
    """When to step and when to stop."""

    split: Split
    batch_size: int
    shuffle: bool
    averages: bool
    """Whether blocks step for themselves."""
    first_epoch: int
    n_epochs: int
    tol: float
    patience: float
    """After how many epochs without progress to stop."""


@dataclass
class Course:
    """What training has come to."""

    state: State
    losses: list[float]
    validation_losses: list[float]
    has_ended: bool = False
    """Whether there was reason to stop, rather than epochs at an end."""


def train(
    parts: Sequence[Part], blueprint: Blueprint, start: State, rules: Rules, is_enough: Callable[[State], bool]
) -> Course:
    """Train a network from a state; ``is_enough`` is told it after each epoch, and returns whether that is it."""
    with sharing_threads(blueprint.n_threads):
        return _train(parts, blueprint, start, rules, is_enough)


def _train(
    parts: Sequence[Part], blueprint: Blueprint, start: State, rules: Rules, is_enough: Callable[[State], bool]
) -> Course:
    trainer = _Trainer(parts, blueprint, rules)
    course = Course(start, [], [])
    best, best_loss, n_worse = start, math.inf, 0
    validates = rules.split.n_train < rules.split.n_rows
    for epoch in range(rules.first_epoch, rules.first_epoch + rules.n_epochs):
        course.state, loss = trainer.run_epoch(course.state, epoch)
        course.losses.append(loss)
        if validates:
            loss = trainer.judge(course.state, epoch)
            course.validation_losses.append(loss)
        logger.debug("epoch %d: loss %g", epoch, loss)
        n_worse = 0 if loss < best_loss - rules.tol else n_worse + 1
        if loss < best_loss:
            best, best_loss = course.state, loss
        if is_enough(course.state) or n_worse >= rules.patience:
            course.has_ended = True
            break
    if validates:
        course.state = best
    return course


class _Trainer:
    """Runs epochs."""

    def __init__(self, parts: Sequence[Part], blueprint: Blueprint, rules: Rules) -> None:
        self._parts = parts
        self._rules = rules
        self._order = Order(rules.split, rules.batch_size, rules.shuffle)
        self._packed = share(blueprint.pack())
        self._ends = np.cumsum([part.length for part in parts])
        self._network = None if rules.averages or len(parts) == 1 else Network(blueprint.for_main())

    def run_epoch(self, state: State, epoch: int) -> tuple[State, float]:
        """Return the state after an epoch, and the mean loss of its rows."""
        if self._network is not None:
            return self._step_together(self._network, state, epoch)
        shared = share(state)
        found = [
            learn_epoch(part, self._order_of(part), shared, self._packed, epoch) for part in self._parts if part.length
        ]
        trained = wait_on(ds.tree_reduce(mean_of_trained, found))
        return trained.state, _mean(trained.loss, trained.weight)

    def _order_of(self, part: Part) -> Order | LocalOrder:
        if not self._rules.averages:
            return self._order
        return LocalOrder(self._order.split, self._order.batch_size, self._order.shuffle, part.start, part.length)

    def _step_together(self, network: Network, state: State, epoch: int) -> tuple[State, float]:
        network.load(state)
        losses, total = 0.0, 0.0
        for step, picked in enumerate(self._order.batches(epoch)):
            shared = share(network.state(moments=False))
            slopes = wait_on(
                ds.tree_reduce(
                    add_slopes,
                    [find_slopes(part, own, shared, self._packed, (epoch, step)) for part, own in self._deal(picked)],
                )
            )
            network.take(slopes.buffers)
            network.step(slopes.weight, slopes.values)
            losses, total = losses + slopes.loss, total + slopes.weight
        network.check(epoch)
        return network.state(), _mean(losses, total)

    def _deal(self, picked: Any) -> list[tuple[Part, Any]]:
        """Return which rows of which blocks a batch has; those of a block in the order of the batch."""
        blocks = np.searchsorted(self._ends, picked, side="right")
        return [(self._parts[block], picked[blocks == block] - self._parts[block].start) for block in np.unique(blocks)]

    def judge(self, state: State, epoch: int) -> float:
        """Return the mean loss of the rows for validation after an epoch."""
        shared = share(state._replace(moments=[]))
        found = [judge_rows(part, self._rules.split, shared, self._packed) for part in self._parts if part.length]
        loss, weight = wait_on(ds.tree_reduce(np.add, found))
        if not math.isfinite(loss):
            raise diverged(f"the loss of the rows for validation is {loss} after epoch {epoch + 1}")
        return _mean(float(loss), float(weight))


def _mean(loss: float, weight: float) -> float:
    """Return the mean loss of rows with this sum of weights."""
    if not weight:
        raise ValueError(
            "estimators.neural: all rows that are learned, or all for validation, have the weight 0; give some of them "
            "a positive sample_weight."
        )
    return loss / weight
