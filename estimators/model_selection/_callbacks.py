"""scikit-learn's callbacks in tasks: what was set on an estimator, and on the search around it, goes along.

In this process a callback stays itself. To another one a copy goes, which sends what it hears to the original if it is
made for that and within reach: those of scikit-learn are, on one machine.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary

from sklearn.base import clone
from sklearn.callback import CallbackContext
from sklearn.callback._transport import can_reuse_listener

from dsflow import active_session

__all__ = ["come_back", "has_callbacks", "leave_behind", "take_along"]

_HERE: WeakValueDictionary[str, Any] = WeakValueDictionary()
"""Callbacks and contexts of this process that tasks have taken along, and copies of those of another."""


def has_callbacks(estimator: Any) -> bool:
    """Return whether callbacks have been set on an estimator, or on one inside of it."""
    return any(True for _ in _listening(estimator))


def take_along(estimator: Any, context: CallbackContext | None = None) -> Any:
    """Return an unfitted estimator as it goes to a task that fits it, with its callbacks.

    Parameters
    ----------
    estimator : estimator
        It stays as it is.
    context : CallbackContext, optional
        What the fit is to the search around it, whose callbacks go along as well.

    Raises
    ------
    TypeError
        When it has a callback that has to be set on the search.
    """
    if context is None and not has_callbacks(estimator):
        return estimator
    traveller = clone(estimator)
    if context is not None:
        with context.propagate_callback_context(traveller):
            callbacks = list(getattr(traveller, "_skl_callbacks", ()))
        if callbacks:
            traveller._skl_callbacks = callbacks
        traveller._parent_callback_ctx = _Passenger(context)
    return _board(traveller)


def leave_behind(estimator: Any) -> Any:
    """Return an unfitted estimator as it goes where nobody fits it: without callbacks."""
    if not has_callbacks(estimator):
        return estimator
    traveller = clone(estimator)
    for each in _listening(traveller):
        each.set_callbacks()
    return traveller


def come_back(estimator: Any) -> Any:
    """Return a fitted estimator as it leaves the task, without what was the search's."""
    context = estimator.__dict__.pop("_parent_callback_ctx", None)
    foreign = getattr(context, "_propagated_callbacks", ())
    if foreign:
        estimator.set_callbacks(*[each for each in estimator._skl_callbacks if each not in foreign])
    return _board(estimator)


def _listening(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and those inside of it, if they have callbacks."""
    inside = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    for each in (estimator, *inside):
        if getattr(each, "_skl_callbacks", None) and not isinstance(each, type):
            yield each


def _board(estimator: Any) -> Any:
    for each in _listening(estimator):
        each._skl_callbacks = [_Passenger(callback) for callback in each._skl_callbacks]
    return estimator


class _Passenger:
    """Stands for a callback or a context in what is pickled; it arrives as the original, or as a copy of it."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.token = next((key for key, each in _HERE.items() if each is original), None) or uuid.uuid4().hex
        _HERE[self.token] = original

    def __reduce__(self) -> tuple[Any, ...]:
        session = active_session()
        stays = session is not None and not session.engine.remote
        is_context = isinstance(self.original, CallbackContext)
        copied = None if stays else _path_to(self.original) if is_context else self.original
        return _arrive, (self.token, copied)


def _path_to(context: CallbackContext, *children: CallbackContext) -> CallbackContext:
    """Return a copy of a context with those above it, and nothing beside."""
    twin = copy.copy(context)
    twin._children_map = {each.task_id: each for each in children}
    for name in ("_callbacks", "_propagated_callbacks"):
        if hasattr(twin, name):
            setattr(twin, name, [_Passenger(each) for each in getattr(twin, name)])
    if context.parent is not None:
        twin.parent = _path_to(context.parent, twin)
    return twin


def _arrive(token: str, copied: Any) -> Any:
    found = _HERE.get(token)
    if found is None:
        handles = getattr(copied, "_listener_handles", {}).values()  # of a progress bar
        _HERE[token] = found = copied if all(map(can_reuse_listener, handles)) else _Deaf()
    return found


class _Deaf:
    """Takes the place of a callback that cannot reach its original."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Do nothing."""
