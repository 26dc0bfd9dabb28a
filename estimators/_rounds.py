"""Telling scikit-learn's callbacks how a fit goes on: progress bars, monitors of scores, early stops.

Everything here happens in the main program. What has been learned so far is put together only if a callback asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sklearn.callback import CallbackContext, CallbackSupportMixin, FitCallback

__all__ = ["ObservedFit", "Rounds"]


class ObservedFit(CallbackSupportMixin):
    """Makes an estimator take callbacks; its ``fit`` is decorated with ``_fit_context`` or ``with_callbacks``."""

    def set_callbacks(self, *callbacks: FitCallback) -> Any:
        """Have callbacks told how ``fit`` goes on; a round of it ends the fit if one of them returns True then.

        Parameters
        ----------
        *callbacks : FitCallback
            In place of those set before; none, to have none.

        Raises
        ------
        TypeError
            When one of them is no callback.
        """
        return CallbackSupportMixin.set_callbacks(self, *callbacks)  # for all solvers, unlike scikit-learn's

    def _begin_fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, name: str = "iteration", n_rounds: int | None = 0
    ) -> Rounds:
        """Tell callbacks that a fit begins, of so many rounds at most; None if that is not known."""
        return Rounds(self, X, y, sample_weight, name, n_rounds)


class Rounds:
    """The rounds of a fit."""

    def __init__(self, model: ObservedFit, X: Any, y: Any, sample_weight: Any, name: str, n_rounds: int | None) -> None:
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": model, "X": X, "y": y, "metadata": metadata}
        self._name = name
        self._n_left = math.inf if n_rounds is None else n_rounds
        self._context = model._init_callback_context(max_subtasks=n_rounds)
        self._round: CallbackContext | None = None
        self._context.call_on_fit_task_begin(**self._given)
        if getattr(model, "_skl_callbacks", None):
            self._begin_round()

    def _begin_round(self) -> None:
        if self._n_left > 0:
            self._n_left -= 1
            self._round = self._context.subcontext(task_name=self._name)
            self._round.call_on_fit_task_begin(**self._given)

    def end_round(self, learned: Callable[[], dict[str, Any]]) -> bool:
        """Tell callbacks that a round has ended; return whether one of them wants no more.

        Parameters
        ----------
        learned : callable
            Returns the attributes that the estimator would have if this was the last round.
        """
        if self._round is None:
            return False
        ended, self._round = self._round, None
        is_last = bool(ended.call_on_fit_task_end(**self._given, reconstruction_attributes=learned))
        if not is_last:
            self._begin_round()
        return is_last

    def end(self) -> None:
        """Tell callbacks that the fit has ended, and before that the round that was not needed."""
        if self._round is not None:
            self._round.call_on_fit_task_end(estimator=self._given["estimator"])
        self._context.call_on_fit_task_end(**self._given, reconstruction_attributes=dict)
