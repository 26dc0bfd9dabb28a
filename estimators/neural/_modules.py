"""PyTorch itself: the only file that imports it, when it is asked for something; its modules, threads and generator."""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from dsflow import active_session

__all__ = ["build_module", "count_threads", "import_torch", "is_random", "load_arrays", "seeded", "sharing_threads"]

_RANDOM = threading.RLock()
"""Held while random numbers of a seed are drawn: all threads draw from PyTorch's one generator."""


def import_torch() -> Any:
    """Return the package ``torch``.

    Raises
    ------
    ImportError
        When it is not installed, with what to install.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            'estimators.neural needs PyTorch, which is not installed: pip install "dsflow[torch]"'
        ) from error
    return torch


def build_module(given: Any, params: dict[str, Any], shape: tuple[int, int], dtype: Any, seed: int) -> Any:
    """Make a module with values to begin with.

    Parameters
    ----------
    given : class, function, torch.nn.Module or None
        What makes it; a module is copied; None is a multi-layer perceptron.
    params : dict
        Arguments of the class or function.
    shape : tuple of int
        The numbers of features and outputs.
    dtype : dtype
    seed : int
        What random numbers depend on.
    """
    torch = import_torch()
    with seeded(torch, seed):
        module = _make(torch, given, params, dict(zip(("n_features", "n_outputs"), shape, strict=True)))
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"estimators.neural: module={given!r} gave a {type(module).__name__}; give a torch.nn.Module.")
    return module.to(getattr(torch, np.dtype(dtype).name))


def _make(torch: Any, given: Any, params: dict[str, Any], sizes: dict[str, Any]) -> Any:
    if isinstance(given, torch.nn.Module):
        if params:
            raise ValueError("estimators.neural: module_params has no meaning for a module that is made already.")
        return copy.deepcopy(given).cpu()
    make = partial(_perceptron, torch) if given is None else given
    signature = inspect.signature(make)
    known = signature.parameters
    takes_all = any(each.kind is each.VAR_KEYWORD for each in known.values())
    arguments = {name: size for name, size in sizes.items() if takes_all or name in known} | params
    try:
        signature.bind(**arguments)
    except TypeError as error:
        available = ", ".join(f"{name}={size}" for name, size in sizes.items())
        raise TypeError(
            f"estimators.neural: module={given!r} has the parameters ({', '.join(known)}), which {available} and "
            f"module_params={params} do not fill ({error}); name parameters n_features and n_outputs, or set others in "
            "module_params."
        ) from error
    return make(**arguments)


def _perceptron(
    torch: Any, n_features: int, n_outputs: int, hidden_layer_sizes: Any = (100,), activation: str = "relu"
) -> Any:
    kinds = {
        "identity": torch.nn.Identity,
        "logistic": torch.nn.Sigmoid,
        "tanh": torch.nn.Tanh,
        "relu": torch.nn.ReLU,
    }
    if activation not in kinds:
        raise ValueError(f"estimators.neural: activation={activation!r} is not known; give one of {', '.join(kinds)}.")
    sizes = [n_features, *np.atleast_1d(hidden_layer_sizes).tolist()]
    hidden = [part for one, other in itertools.pairwise(sizes)
              for part in (torch.nn.Linear(one, other), kinds[activation]())]  # fmt: skip
    return torch.nn.Sequential(*hidden, torch.nn.Linear(sizes[-1], n_outputs))


def is_random(module: Any, input_shape: tuple[int, ...], n_outputs: int) -> bool:
    """Try a module on two rows of zeros; return whether it draws random numbers.

    Raises
    ------
    TypeError, ValueError
        When its outputs are no tensor, or have another shape than those that are asked for.
    Exception
        What the module raises for such rows, with a note that says what they are.
    """
    torch = import_torch()
    twin = copy.deepcopy(module).train()
    dtype = next((each.dtype for each in module.parameters()), torch.float32)
    with seeded(torch, 0), torch.no_grad():
        before = torch.get_rng_state()
        outputs = _try(twin, torch.zeros((2, *input_shape), dtype=dtype))
        drew = not torch.equal(before, torch.get_rng_state())
    if not isinstance(outputs, torch.Tensor):
        raise TypeError(
            f"estimators.neural: the module gives a {type(outputs).__name__}; let its forward() return a tensor of "
            f"shape (n_rows, {n_outputs})."
        )
    found = tuple(outputs.shape)
    if found != (2, n_outputs) and (found, n_outputs) != ((2,), 1):
        raise ValueError(
            f"estimators.neural: the module gives outputs of shape {found} for 2 rows; (2, {n_outputs}) is expected."
        )
    return drew


def _try(module: Any, rows: Any) -> Any:
    try:
        return module(rows)
    except Exception as error:
        shape = tuple(rows.shape[1:])
        columns = f"{shape[0]} columns" if len(shape) == 1 else f"samples of shape {shape}"
        error.add_note(
            f"estimators.neural: X has {columns}, and the module refused two such rows, of zeros of type {rows.dtype}, "
            "in a trial before training; give a module that takes them. Integers come as floats too: where they are to "
            "be looked up, as by Embedding, call .long() in forward()."
        )
        raise


def load_arrays(module: Any, arrays: dict[str, Any]) -> Any:
    """Return the module with the values of a ``state_dict()``, of arrays."""
    torch = import_torch()
    try:
        module.load_state_dict({name: torch.tensor(each) for name, each in arrays.items()})
    except RuntimeError as error:
        raise ValueError(
            "estimators.neural: what was learned does not fit the module; set the parameters module and module_params "
            f"to those of the fit ({error})."
        ) from error
    return module


def count_threads() -> int | None:
    """Return with how many threads a task may compute: PyTorch's, over the slots; None to leave it to the worker."""
    session = active_session()
    if session is None or session.engine.name != "threads":
        return None
    n_threads: int = import_torch().get_num_threads() // session.engine.n_slots
    return max(1, n_threads)


@contextlib.contextmanager
def sharing_threads(n_threads: int | None) -> Iterator[None]:
    """Let this thread compute with as many threads as tasks do, since a part of PyTorch has one limit for all."""
    torch = import_torch()
    before = torch.get_num_threads()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        if n_threads is not None:
            torch.set_num_threads(before)


@contextlib.contextmanager
def seeded(torch: Any, seed: int) -> Iterator[None]:
    """Draw from a seed, and leave PyTorch's generators as they were."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with _RANDOM, torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
