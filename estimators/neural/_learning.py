"""What both estimators do to learn and to answer."""

from __future__ import annotations

import math
import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share
from estimators._rounds import ObservedFit
from estimators._validation import check_rows, check_X, defer_rows, map_rows, rows_to_array
from estimators.neural._modules import build_module, count_threads, is_random, load_arrays
from estimators.neural._network import Blueprint, Network
from estimators.neural._order import Split
from estimators.neural._state import State
from estimators.neural._steps import Part, answer_rows
from estimators.neural._training import Rules, train

__all__ = ["CONSTRAINTS", "TorchLearning"]

_MAX_SEED = 2**31 - 1

_LOCAL_VALUES, _LEAST_LOCAL, _MOST_LOCAL = 2**22, 2**10, 2**16
"""How many elements of X, and rows, one task may have, unless ``local_rows`` says it."""

CONSTRAINTS: dict[str, list[Any]] = {
    "module": [callable, None],
    "module_params": [dict, None],
    "criterion": [str, callable, None],
    "optimizer": [str, callable],
    "optimizer_params": [dict, None],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "sync": [StrOptions({"gradient", "average"})],
    "tol": [Interval(Real, 0, None, closed="left")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "warm_start": ["boolean"],
    "local_rows": [Interval(Integral, 1, None, closed="left"), None],
    "dtype": [StrOptions({"float32", "float64"}), None],
    "device": [str],
    "random_state": ["random_state"],
}
"""What parameters may be."""


class TorchLearning(ObservedFit, BaseEstimator):
    """Training of modules, and their answers."""

    _criterion: str
    """The default, of torch.nn."""
    module: Any
    module_params: Any
    criterion: Any
    optimizer: Any
    optimizer_params: Any
    learning_rate_init: float
    max_iter: int
    batch_size: Any
    shuffle: bool
    sync: str
    tol: float
    n_iter_no_change: int | None
    early_stopping: bool
    validation_fraction: float
    warm_start: bool
    local_rows: int | None
    dtype: str | None
    device: str
    random_state: Any

    @property
    def module_(self) -> Any:
        """A new torch.nn.Module with what was learned, on the CPU, which answers (``eval()``)."""
        check_is_fitted(self)
        module = build_module(
            self.module, self.module_params or {}, (self.n_features_in_, self._n_outputs), self._dtype, 0
        )
        return load_arrays(module, self.state_dict_).eval()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "state_dict_")  # classes are known before, also where training fails

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # --- learning ----------------------------------------------------------------------------------------------------

    def _read(self, X: Any, *, reset: bool) -> ds.Array:
        """Return X as an Array with two axes, in the blocks that tasks of ``fit`` get."""
        rows = check_X(self, self._flatten(X, reset=reset), reset=reset, dtype=self._kinds())
        if self.sync == "gradient" and rows.shape[0] <= self._count_local(rows.shape[1]):
            return rows if rows.grid == (1, 1) else rows.rechunk((-1, -1))
        return rows

    def _kinds(self) -> list[Any]:
        return [np.float64, np.float32] if self.dtype is None else [np.dtype(self.dtype)]

    def _flatten(self, X: Any, *, reset: bool) -> Any:
        """Make rows of samples with more than one axis, such as images; these may be a tensor or lists."""
        if isinstance(X, (list, tuple)) or (not isinstance(X, ds.Array) and getattr(X, "ndim", 0) > 2):
            X = np.asarray(X)
        if isinstance(X, (np.ndarray, ds.Array)) and X.ndim > 2:
            shape = X.shape[1:]
            if isinstance(X, ds.Array):
                X = X.rechunk((X.chunks[0], *(-1,) * len(shape)))
            X = X.reshape((X.shape[0], math.prod(shape)))
        else:
            shape = None
        if reset:
            self._sample_shape = shape
        elif shape is not None and shape != self._input_shape:
            raise ValueError(
                f"{type(self).__name__}: X has samples of shape {shape}, but {self._input_shape} was fitted."
            )
        return X

    @property
    def _input_shape(self) -> tuple[int, ...]:
        return (self.n_features_in_,) if self._sample_shape is None else self._sample_shape

    @property
    def _module_shape(self) -> tuple[int, ...]:
        """Of the samples as the module takes them; the default one takes features in a row."""
        return (self.n_features_in_,) if self.module is None else self._input_shape

    def _count_local(self, n_features: int) -> int:
        if self.local_rows is not None:
            return self.local_rows
        return min(max(_LOCAL_VALUES // n_features, _LEAST_LOCAL), _MOST_LOCAL)

    def _learn(
        self,
        X: ds.Array,
        targets: Any,
        weights: Any,
        *,
        given: tuple[Any, Any, Any],
        known: bool,
        is_part: bool = False,
    ) -> None:
        """Train, from what was learned if that is ``known``; a pass over the rows if they are a part of all.

        ``given`` is what the user gave: X, y and the weights.
        """
        if X.streamed and self.sync == "average":
            rows: Any = defer_rows(self, X)
        else:
            rows = check_rows(self, X).row_blocks()
        self._dtype = X.dtype.name
        starts = np.cumsum((0, *X.chunks[0])).tolist()
        parts = [Part(*each) for each in zip(rows, targets, weights, starts, X.chunks[0], strict=False)]
        blueprint, start = self._prepare(known, is_part)
        rules = self._rules(X.shape[0], self.n_epochs_ if known and is_part else 0, is_part)
        rounds = self._begin_fit(*given, name="epoch", n_rounds=rules.n_epochs)

        def is_enough(state: State) -> bool:
            return rounds.end_round(lambda: {"state_dict_": _arrays_of(blueprint, state)})

        course = train(parts, blueprint, start, rules, is_enough)
        self._keep(blueprint, course, known and is_part)
        rounds.end()
        if not (course.has_ended or is_part or self.n_iter_no_change is None):
            warnings.warn(
                f"{type(self).__name__}.fit: not converged after max_iter={self.max_iter} epochs (tol={self.tol}, "
                f"n_iter_no_change={self.n_iter_no_change}); allow more, or set n_iter_no_change=None to take so many.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _prepare(self, known: bool, is_part: bool) -> tuple[Blueprint, State]:
        """Return what to make networks of, and the state to start from."""
        goes_on = known and is_part
        optimizer_params = self.optimizer_params or {}
        if "lr" in optimizer_params:
            raise ValueError(
                f"{type(self).__name__}.fit: optimizer_params has lr={optimizer_params['lr']!r}, but the learning rate "
                f"is learning_rate_init={self.learning_rate_init!r}; set that one."
            )
        seed = self._seed if goes_on else int(check_random_state(self.random_state).randint(_MAX_SEED))
        shape = (self.n_features_in_, self._n_outputs)
        module = build_module(self.module, self.module_params or {}, shape, self._dtype, seed)
        if known:
            load_arrays(module, self.state_dict_)
        draws = is_random(module, self._module_shape, self._n_outputs)
        blueprint = Blueprint(
            module,
            self._criterion if self.criterion is None else self.criterion,
            self.optimizer,
            {"lr": self.learning_rate_init} | optimizer_params,
            self._module_shape,
            self.device,
            seed if draws else None,
            count_threads(),
        )
        self._seed = seed
        start = Network(blueprint.for_main()).state()
        return blueprint, start._replace(moments=self._moments if goes_on else [])

    def _rules(self, n_rows: int, first_epoch: int, is_part: bool) -> Rules:
        n_train = n_rows
        if self.early_stopping and not is_part:
            n_train = n_rows - math.ceil(n_rows * self.validation_fraction)
            if n_train < 1:
                raise ValueError(
                    f"{type(self).__name__}.fit: validation_fraction={self.validation_fraction} leaves none of "
                    f"{n_rows} rows to learn; set early_stopping=False."
                )
        batch_size = min(200, n_train) if self.batch_size == "auto" else min(self.batch_size, n_train)
        return Rules(
            Split(n_rows, n_train, self._seed),
            batch_size,
            self.shuffle,
            self.sync == "average",
            first_epoch,
            1 if is_part else self.max_iter,
            self.tol,
            math.inf if self.n_iter_no_change is None else self.n_iter_no_change,
        )

    def _keep(self, blueprint: Blueprint, course: Any, goes_on: bool) -> None:
        self.state_dict_ = _arrays_of(blueprint, course.state)
        self._moments = course.state.moments
        before = self.loss_curve_ if goes_on else []
        self.loss_curve_ = before + course.losses
        self.n_iter_ = self.n_epochs_ = len(self.loss_curve_)
        self.loss_ = self.loss_curve_[-1]
        self.validation_loss_curve_ = course.validation_losses if self.early_stopping else None
        self.best_loss_ = min(course.validation_losses or self.loss_curve_)

    # --- answering ---------------------------------------------------------------------------------------------------

    def _answer(self, X: Any, finish: Any = None, dtype: Any = None, n_columns: int | None = None) -> ds.Array:
        """Return what a function makes of the outputs of the module for each row of blocks, in the blocks of X.

        Parameters
        ----------
        X
        finish : callable, optional
            Takes an ndarray of shape (n_rows, n_outputs); by default, this is returned itself.
        dtype : dtype, optional
            Of the result; by default the one of X.
        n_columns : int, optional
            Of the result; by default, it is a vector.
        """
        rows = check_X(self, self._flatten(X, reset=False), reset=False, dtype=self._kinds())
        blueprint = Blueprint(
            self.module_, self._criterion, "SGD", {}, self._module_shape, self.device, None, count_threads()
        )
        found = map_rows(self, answer_rows, rows, share(blueprint.pack()), self._n_outputs, finish)
        return rows_to_array(found, rows, dtype or rows.dtype, n_columns)


def _arrays_of(blueprint: Blueprint, state: State) -> dict[str, Any]:
    """Return the arrays of a module in a state, by name."""
    network = Network(blueprint)
    network.load(state)
    return network.arrays()
