"""Running one task, the same way on every engine: thaw the arguments, call the function, freeze what it gives.

A task ends when the tasks it has started have ended; a Future in its result stands for the value, as it would in a
program of plain functions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dsflow._context import Context, enter_context
from dsflow._failure import explain_failure
from dsflow._freeze import Frozen, HandleFound, Stored, freeze, nbytes_of, thaw
from dsflow._future import Future
from dsflow._graph import Call, Failure, Outcome, Run, raise_failure_of
from dsflow._loading import Loaded, load_arguments
from dsflow._output import flush_output, redirected
from dsflow._paths import bring_files_home
from dsflow._workplace import workplace_of

if TYPE_CHECKING:
    from dsflow._graph import Node
    from dsflow._session import Session

__all__ = ["run_node", "run_task"]


_NO_FILES = nullcontext()


def run_node(
    node: Node, session: Session, worker: str, emit: Callable[[str, str], None] | None = None
) -> Outcome | None:
    """Run a node in this process, where its inputs are; ``emit`` takes what it prints. None if it was cancelled."""
    call, inputs, handles = node.call, node.inputs, node.handles
    if node.settled:  # it may have let go of these before they were looked at; from now on it would be interrupted
        return None
    node.started = time.time()
    return run_task(
        node.function,
        call,
        [version.stored for version in inputs],
        [Future(version, session) for version in handles],
        Context(session, node, node.key, emit=emit),
        site=node.site,
        worker=worker,
        portable=False,
    )


def run_task(
    task: Any,
    call: Call,
    inputs: Sequence[Stored],
    handles: Sequence[Future[Any]],
    context: Context,
    *,
    site: str,
    worker: str,
    portable: bool,
) -> Outcome:
    """Run a task and return what came of it; the user's exceptions are part of that.

    Parameters
    ----------
    task : Task
        The decorated function.
    call, inputs, handles
        Its arguments, and the stored values and Futures they refer to.
    context : Context
        The context for calls that the task makes itself.
    site, worker : str
        Where it was called and where it runs, for messages.
    portable : bool
        True if results may travel to another process.
    """
    before = enter_context(context)
    start = time.time()
    loaded: Loaded | None = None
    try:
        with workplace_of(call.files) if call.files else _NO_FILES as workplace:
            loaded = load_arguments(call, inputs, handles, workplace)
            with redirected(context, workplace) if workplace is not None else _NO_FILES:
                result = task.function(*loaded.positional, **loaded.named)
            stored = _freeze_results(task, result, loaded, context, portable)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        if context.children and not isinstance(error, Exception):  # it was stopped, and so are they
            context.session.cancel(context.children, "the task that has called it was stopped")
        positional, named = (loaded.positional, loaded.named) if loaded is not None else ([], {})
        explain_failure(error, task, positional, named, site, worker)
        return Outcome(failure=Failure(error, context.label), run=Run(worker, start, time.time(), 0, 0))
    finally:
        if context.unwritten:
            flush_output(context)
        enter_context(before)
    bytes_in = sum(map(nbytes_of, inputs)) + sum(nbytes_of(pack) for pack in (call.shared, call.private) if pack)
    run = Run(worker, start, time.time(), bytes_in, sum(map(nbytes_of, stored)))
    return Outcome(stored=stored, run=run)


def _freeze_results(task: Any, result: Any, loaded: Loaded, context: Context, portable: bool) -> list[Stored]:
    if context.children:
        _finish_children(loaded, context)
    elif context.tracker.paths:
        bring_files_home(context)
    values = [*_split(task, result), *loaded.changed()]
    if not context.children:
        try:
            return [_frozen_result(task, value, portable) for value in values]
        except HandleFound:
            pass

    written: list[Stored] = []

    def reference(value: Any) -> tuple[Stored] | None:
        future = value if type(value) is Future else context.tracker.find(value)
        if future is None:
            return None
        written.append(future._session.stored_of(future._current()))
        return (written[-1],)

    found = [freeze(value, portable=portable, reference=reference) for value in values]
    finish = partial(_flatten, portable=portable) if written else _without_references
    return list(map(finish, found))


def _frozen_result(task: Any, value: Any, portable: bool) -> Stored:
    try:
        return freeze(value, portable=portable)
    except HandleFound:
        raise
    except Exception as error:
        raise TypeError(
            f"{task.name}: what it returned or changed, a {type(value).__name__}, cannot be copied: {error}; "
            "return plain data, such as what it was made from."
        ) from error


def _without_references(stored: Stored) -> Stored:
    return replace(stored, has_references=False) if type(stored) is Frozen else stored


def _flatten(stored: Stored, portable: bool) -> Stored:
    """Replace references to values of other tasks by the values."""
    thawed: dict[int, Any] = {}  # a Future that is there twice stands for one object

    def lookup(reference: tuple[Stored]) -> Any:
        if id(reference[0]) not in thawed:
            thawed[id(reference[0])] = (reference, thaw(reference[0]))
        return thawed[id(reference[0])][1]

    return freeze(thaw(stored, lookup=lookup), portable=portable)


def _finish_children(loaded: Loaded, context: Context) -> None:
    """Wait for the tasks that this one has started, and bring what they have changed up to date."""
    session = context.session
    session.wait(context.children)
    raise_failure_of(context.children)
    bring_files_home(context)
    for argument in loaded.arguments:
        if context.tracker.find(argument) is not None:
            session.bring_up_to_date(argument, context)


def _split(task: Any, result: Any) -> Sequence[Any]:
    n_returns: int | None = task.returns
    if n_returns is None or n_returns == 1:
        return (result,)
    if not isinstance(result, (tuple, list)) or len(result) != n_returns:
        got = f"{len(result)} values" if isinstance(result, (tuple, list)) else f"a {type(result).__name__}"
        raise ValueError(f"{task.name}: returns={n_returns} was declared, but the function returned {got}.")
    return result
