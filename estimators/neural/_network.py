"""A module at work in a task.

A `Blueprint` says how to make a `Network`; it is shared by all tasks. A network has all parameters that it learns in
one vector, and their gradients in another, so that a `State` goes in and out as a copy of a few arrays. Each thread
keeps the network that it has worked with last.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import math
import pickle
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse

import dsarray as ds
from dsflow import active_session
from estimators.neural._modules import import_torch, seeded
from estimators.neural._state import State

__all__ = ["Blueprint", "Network", "diverged", "get_network"]

_kept = threading.local()


@dataclass(frozen=True)
class Blueprint:
    """How to make a network in a task."""

    module: Any
    """A torch.nn.Module, on the CPU."""
    criterion: Any
    optimizer: Any
    optimizer_params: dict[str, Any]
    input_shape: tuple[int, ...]
    device: str
    seed: int | None
    """What random numbers of training depend on; None if it draws none."""
    n_threads: int | None
    """As `count_threads` gives it."""

    def for_main(self) -> Blueprint:
        """Return one for a network of its own in the main program, on the CPU."""
        return replace(self, module=copy.deepcopy(self.module), criterion=copy.deepcopy(self.criterion), device="cpu")

    def pack(self) -> Any:
        """Return this for tasks: as bytes that a thread knows again, where workers find the classes by their names."""
        try:
            packed = pickle.dumps(self)
        except (pickle.PicklingError, AttributeError, TypeError):  # a function or class that has no name
            return self
        session = active_session()
        is_here = session is not None and session.engine.name in ("serial", "threads")
        return packed if is_here or b"__main__" not in packed else self


def get_network(packed: Any) -> Network:
    """Return a network of a packed blueprint, in whatever state it is: this thread's last one, if it is of the same."""
    if isinstance(packed, Blueprint):
        network = Network(packed)
    else:
        if getattr(_kept, "packed", None) != packed:
            _kept.network = None
            _kept.network = Network(pickle.loads(packed))
            _kept.packed = packed
        network = _kept.network
    network.limit_threads()
    return network


class Network:
    """A module at work, with its optimizer."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._torch = torch = import_torch()
        self._blueprint = blueprint
        device = blueprint.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(device)
        self._module = blueprint.module.to(self._device)
        self._parameters = [each for each in self._module.parameters() if each.requires_grad]
        self._buffers = list(self._module.buffers())
        self._values, self._slopes = self._flatten()
        self._criterion = _make_criterion(torch, blueprint.criterion).to(self._device)
        self._optimizer = _make_optimizer(torch, blueprint, self._parameters)

    def _flatten(self) -> tuple[Any, Any]:
        """Move all parameters into one vector, and their gradients into another."""
        torch, parameters = self._torch, self._parameters
        kinds = {each.dtype for each in parameters}
        if len(kinds) != 1:
            found = ", ".join(sorted(map(str, kinds))) or "none"
            raise ValueError(f"estimators.neural: the parameters to learn must have one type, but have {found}.")
        values = torch.cat([each.detach().reshape(-1) for each in parameters])
        slopes = torch.zeros_like(values)
        begin = 0
        for each in parameters:
            end = begin + each.numel()
            each.data = values[begin:end].view(each.shape)
            each.grad = slopes[begin:end].view(each.shape)
            begin = end
        return values, slopes

    def limit_threads(self) -> None:
        """Let this thread compute with so many threads as the blueprint says."""
        limit = self._blueprint.n_threads
        if limit is not None and self._torch.get_num_threads() != limit:
            self._torch.set_num_threads(limit)

    # --- states ------------------------------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        """Take on a state."""
        _put(self._values, state.values)
        self.take(state.buffers)
        if state.moments:
            moments = {place: {key: self._tensor(each) for key, each in kept.items()}
                       for place, kept in enumerate(state.moments)}  # fmt: skip
            self._optimizer.load_state_dict(self._optimizer.state_dict() | {"state": moments})
        else:
            self._optimizer.state.clear()

    def take(self, buffers: list[Any]) -> None:
        """Take on the buffers of a state."""
        for own, given in zip(self._buffers, buffers, strict=True):
            _put(own, given)

    def state(self, *, moments: bool = True) -> State:
        """Return the state as arrays of their own."""
        kept = []
        if moments:
            kept = [{key: _get(each) for key, each in self._optimizer.state.get(parameter, {}).items()}
                    for parameter in self._parameters]  # fmt: skip
        return State(_get(self._values), self.buffers(), kept if any(kept) else [])

    def buffers(self) -> list[Any]:
        """Return copies of the buffers."""
        return [_get(each) for each in self._buffers]

    def slopes(self) -> Any:
        """Return a copy of the gradient."""
        return _get(self._slopes)

    def arrays(self) -> dict[str, Any]:
        """Return the module's ``state_dict()`` as arrays."""
        return {name: _get(each) for name, each in self._module.state_dict().items()}

    def _tensor(self, value: Any) -> Any:
        return self._torch.tensor(value) if isinstance(value, (np.ndarray, np.generic)) else value

    # --- work --------------------------------------------------------------------------------------------------------

    def find_slopes(self, X: Any, targets: Any, weights: Any, place: tuple[int, ...]) -> tuple[float, float]:
        """Find the gradient of the weighted sum of losses of rows; return that sum, and the weights'.

        Parameters
        ----------
        X, targets, weights : ndarray
            A row, a target and a weight for each; X may be sparse, and weights None.
        place : tuple of int
            Epoch, step and block, which random numbers depend on.

        Raises
        ------
        ValueError
            When the sum of losses is NaN or infinite.
        """
        self._module.train()
        with self._seeded(place):
            self._slopes.zero_()
            losses = self._losses(X, targets)
            if weights is not None:
                losses = losses * self._values.new_tensor(weights)
            loss = losses.sum()
            loss.backward()
        found = loss.item()
        if not math.isfinite(found):
            raise diverged(f"the loss in epoch {place[0] + 1} is {found}")
        return found, float(len(targets)) if weights is None else float(weights.sum())

    def step(self, weight: float, slopes: Any = None) -> None:
        """Let the optimizer take a step by the gradient, which is divided by the weight of its rows."""
        if weight <= 0:
            return
        if slopes is not None:
            _put(self._slopes, slopes)
        self._slopes.div_(weight)
        self._optimizer.step()

    def check(self, epoch: int) -> None:
        """Raise ValueError unless all parameters are finite."""
        if not self._torch.isfinite(self._values).all():
            raise diverged(f"not all parameters are finite after epoch {epoch + 1}")

    def judge(self, X: Any, targets: Any) -> Any:
        """Return the loss of each row, as the module answers after training."""
        self._module.eval()
        with self._torch.inference_mode():
            return _get(self._losses(X, targets))

    def answer(self, X: Any) -> Any:
        """Return the outputs of the module for rows, as an array of shape (n_rows, n_outputs)."""
        self._module.eval()
        with self._torch.inference_mode():
            return _get(self._outputs(X))

    def _losses(self, X: Any, targets: Any) -> Any:
        expected = self._torch.from_numpy(targets).to(self._device)
        if expected.is_floating_point():
            expected = expected.to(self._values.dtype)
        losses = self._criterion(self._outputs(X), expected)
        if not losses.ndim or len(losses) != len(targets):
            raise ValueError(
                f"estimators.neural: the criterion gave a loss of shape {tuple(losses.shape)} for {len(targets)} rows; "
                "it must give one for each row, so that they can be weighed."
            )
        return losses if losses.ndim == 1 else losses.flatten(1).mean(1)

    def _outputs(self, X: Any) -> Any:
        dense = X.toarray() if issparse(X) else X
        inputs = self._torch.from_numpy(dense).to(self._device, self._values.dtype)
        outputs = self._module(inputs.view(-1, *self._blueprint.input_shape))
        return outputs.unsqueeze(1) if outputs.ndim == 1 else outputs

    @contextlib.contextmanager
    def _seeded(self, place: tuple[int, ...]) -> Iterator[None]:
        if self._blueprint.seed is None:
            yield
            return
        with seeded(self._torch, int(np.random.SeedSequence((self._blueprint.seed, *place)).generate_state(1)[0])):
            yield


def diverged(what: str) -> ValueError:
    """Return the error of a training that has led to NaN or infinity."""
    return ValueError(
        f"estimators.neural: {what}; take a smaller learning_rate_init, scale X, or mend what gives this in the module "
        "or the criterion, such as the logarithm of a negative number."
    )


def _make_optimizer(torch: Any, blueprint: Blueprint, parameters: list[Any]) -> Any:
    optimizer = _find(torch.optim, blueprint.optimizer)(parameters, **blueprint.optimizer_params)
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is closure.empty:
        raise ValueError(
            f"estimators.neural: optimizer={blueprint.optimizer!r} looks at the loss several times in a step, by a "
            "closure, which is not done here; give one whose step() needs none, such as Adam, AdamW, RMSprop or SGD."
        )
    return optimizer


def _make_criterion(torch: Any, given: Any) -> Any:
    """Return a module that gives a loss for each row."""
    found = _find(torch.nn, given)
    if isinstance(found, type) or (isinstance(found, partial) and isinstance(found.func, type)):
        return found(reduction="none")
    if isinstance(found, torch.nn.Module):
        return _unreduced(found)
    module = torch.nn.Module()
    module.forward = found
    return module


def _unreduced(criterion: Any) -> Any:
    """Return a criterion that leaves the mean over rows, which have weights, to us."""
    reduction = getattr(criterion, "reduction", "none")
    if reduction not in ("mean", "none"):
        raise ValueError(
            f"estimators.neural: criterion={criterion!r} has reduction={reduction!r}, but the loss of a batch is the "
            'mean of those of its rows; give one with reduction="none".'
        )
    found = copy.deepcopy(criterion)
    if reduction == "mean":
        found.reduction = "none"
    return found


def _find(package: Any, given: Any) -> Any:
    """Return what a name stands for in a package of PyTorch; anything else is what it is."""
    if not isinstance(given, str):
        return given
    found = getattr(package, given, None)
    if isinstance(found, type):
        return found
    raise ValueError(
        f"estimators.neural: {package.__name__} has no class {given!r}; give the name of one, with its capitals."
    )


def _put(tensor: Any, array: Any) -> None:
    """Copy an array, which may be read-only, to a tensor."""
    if tensor.device.type == "cpu":
        np.copyto(tensor.detach().numpy(), array, casting="unsafe")
    else:
        tensor.copy_(tensor.new_tensor(ds.to_host(array)))


def _get(value: Any) -> Any:
    """Return a tensor as an array of its own; anything else is what it is."""
    return value.detach().cpu().numpy().copy() if hasattr(value, "detach") else value
