"""What the failure of a task means: once more, a default in its place, or the end of what depends on it."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any

from dsflow._errors import EngineError, TaskCancelledError, WallClockError
from dsflow._freeze import freeze
from dsflow._graph import REMOTE, Failure, Node, Outcome, Version
from dsflow._loading import load_arguments
from dsflow._options import N_RETRIES, OnFailure
from dsflow._paths import default_file

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["judge"]

logger = logging.getLogger("dsflow")


def judge(node: Node, failed: Outcome, session: Session) -> Outcome | None:
    """Return what is to come of a node that has failed; None if that is seen later: it runs again, say."""
    policy, failure = node.options.on_failure, failed.failure
    assert failure is not None
    if isinstance(failure.exception, (TaskCancelledError, WallClockError)):
        return Outcome(failure=failure)
    if policy is OnFailure.RETRY and not isinstance(failure.exception, EngineError) and node.attempt < N_RETRIES:
        node.attempt += 1
        node.started = None
        logger.warning("%s failed and runs again (%d of %d): %r", node.key, node.attempt, N_RETRIES, failure.exception)
        session.engine.submit([node])
        return None
    if policy is OnFailure.IGNORE:
        again = functools.partial(session.settle, node, failed)
        pending = next((before.node for before in _all_before(node) if before and before.node), None)
        if pending is not None:  # what the task was to replace, and stays now, is not there yet
            session.graph.on_settled(pending, lambda _: again())
            return None
        if not session.engine.may_wait() and _has_to_fetch(node):
            threading.Thread(target=again, name=f"dsflow-defaults-{node.key}", daemon=True).start()
            return None
        return _ignored(node, failure, session)
    if policy is OnFailure.CANCEL_SUCCESSORS:
        logger.warning("%s failed, and what depends on it is cancelled: %r", node.key, failure.exception)
        session.note_seen(failure)
    return Outcome(failure=failure)


def _ignored(node: Node, failure: Failure, session: Session) -> Outcome:
    """The defaults, as an outcome."""
    try:
        stored = [*_returned(node, session), *_kept(node, session)]
    except Exception as error:  # noqa: BLE001 - a default that cannot be had is as good as none
        failure.exception.add_note(f"Its failure was to be ignored, but there is no default: {error}")
        return Outcome(failure=failure)
    logger.warning("%s failed and is ignored: %r", node.key, failure.exception)
    return Outcome(stored)


def _returned(node: Node, session: Session) -> list[Any]:
    n_returns = node.function.returns or 1
    default = node.options.defaults.get("returns")
    if n_returns == 1:
        values = [default]
    elif default is None:
        values = [None] * n_returns
    else:
        values = list(default)
    if len(values) != n_returns:
        raise ValueError(f"defaults['returns'] has {len(values)} values for {n_returns} results")
    return [freeze(value, portable=session.engine.remote, snapshot=True) for value in values]


def _kept(node: Node, session: Session) -> list[Any]:
    """For each datum that the task was to change: its default, else what it was."""
    call = node.call
    loaded = None
    kept: list[Any] = []
    for nth, parameter in enumerate(call.parameters):
        before, slot = _before(node, nth), node.slot_changed(nth)
        default = node.options.defaults.get(parameter)
        if slot is not None and (parameter in node.options.defaults or before is None):
            kept.append(default_file(default, is_directory=slot.is_directory))
        elif parameter in node.options.defaults:
            kept.append(freeze(default, portable=session.engine.remote, snapshot=True))
        elif before is not None:
            kept.append(before)
        else:
            if loaded is None:
                loaded = load_arguments(call, _stored_inputs(node, session), (), None)
            kept.append(freeze(loaded.changed()[nth], portable=session.engine.remote, snapshot=True))
    return kept


def _has_to_fetch(node: Node) -> bool:
    """Whether something that the task was to change is a part of a value that is not here."""
    defaults, parameters = node.options.defaults, node.call.parameters
    kept = [nth for nth, parameter in enumerate(parameters) if parameter not in defaults and not _before(node, nth)]
    is_part = any(node.slot_changed(nth) is None for nth in kept)
    return is_part and any(version.stored is REMOTE for version in node.inputs)


def _all_before(node: Node) -> list[Version | None]:
    return [_before(node, nth) for nth in range(len(node.call.parameters))]


def _before(node: Node, nth: int) -> Version | None:
    """What the task was to change, or to replace."""
    output = node.outputs[(node.function.returns or 1) + nth]()
    replaced = None if output is None else output.before
    return node.input_changed(nth) or (None if replaced is None else replaced.whole)


def _stored_inputs(node: Node, session: Session) -> list[Any]:
    remote: list[Version] = [version for version in node.inputs if version.stored is REMOTE]
    fetched = dict(zip(remote, session.engine.fetch(remote), strict=True)) if remote else {}
    return [fetched.get(version, version.stored) for version in node.inputs]
