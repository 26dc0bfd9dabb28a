"""What is known of a network between two steps, as arrays: this is what travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Slopes", "State", "Trained", "add_slopes", "mean_of_trained"]


class State(NamedTuple):
    """A network's state."""

    values: Any
    """ndarray of shape (n_values,): all parameters that are learned, one after the other."""
    buffers: list[Any]
    """ndarrays: what modules keep beside their parameters, such as running means."""
    moments: list[Any]
    """What the optimizer keeps for each parameter: dicts of arrays and numbers. Empty where it has kept nothing yet."""


@dataclass
class Trained:
    """Where rows have led a state."""

    state: State
    loss: float
    """The sum of the losses of rows times their weights."""
    weight: float
    n_rows: int


@dataclass
class Slopes:
    """What rows add to the gradient of the loss."""

    values: Any
    """ndarray of shape (n_values,): the gradient of the sum of losses times weights."""
    buffers: list[Any]
    loss: float
    weight: float
    n_rows: int


def add_slopes(one: Slopes, other: Slopes) -> Slopes:
    """Return the slopes of all rows of both; of buffers, the mean by rows."""
    n_rows = one.n_rows + other.n_rows
    return Slopes(
        one.values + other.values,
        _mean(one.buffers, other.buffers, other.n_rows / n_rows),
        one.loss + other.loss,
        one.weight + other.weight,
        n_rows,
    )


def mean_of_trained(one: Trained | None, other: Trained | None) -> Trained | None:
    """Return the mean of both states by rows; None is a block without rows."""
    if one is None or other is None:
        return one or other
    n_rows = one.n_rows + other.n_rows
    state = State(*_mean(list(one.state), list(other.state), other.n_rows / n_rows))
    return Trained(state, one.loss + other.loss, one.weight + other.weight, n_rows)


def _mean(one: Any, other: Any, share: float) -> Any:
    """Return the mean of arrays and numbers in lists and dicts, with the share of the second."""
    if isinstance(one, list):
        return [_mean(a, b, share) for a, b in zip(one, other, strict=True)]
    if isinstance(one, dict):
        return {key: _mean(value, other[key], share) for key, value in one.items()}
    if not isinstance(one, (np.ndarray, np.generic, int, float)) or isinstance(one, bool):
        return one
    mean: Any = one + (np.asarray(other, dtype=float) - one) * share
    if isinstance(one, (int, float)):
        return type(one)(mean)
    return np.asarray(mean if one.dtype.kind == "f" else np.rint(mean)).astype(one.dtype, copy=False)
