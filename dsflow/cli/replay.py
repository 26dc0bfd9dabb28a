"""``dsflow replay``: run a failed task again, here and in pdb, with the inputs that it had."""

from __future__ import annotations

import bdb
import contextlib
import os
import pdb
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from dsflow import _replay
from dsflow._errors import DsflowError
from dsflow._failure import describe_value
from dsflow._freeze import thaw
from dsflow._graph import Outcome
from dsflow._kept import KeptFailure, load_failures

__all__ = ["replay"]

_PACKAGE = str(Path(__file__).parents[1]) + os.sep

HANGS = ("TaskTimeoutError", "TaskLostError")
"""Failures of tasks that were ended from outside, so that nothing is raised in them."""


@click.command(epilog="Reading a failure runs what is in it: replay only what your own programs have kept.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("key", required=False)
@click.option("--trace", is_flag=True, help="Open pdb at the first line, not only where it fails.")
def replay(folder: Path, key: str | None, trace: bool) -> None:
    """Run a failed task again, here and in pdb, with the inputs that it had.

    FOLDER is that of `dsflow run --keep-failures FOLDER program.py`. Without KEY, which may be the beginning of one,
    the failures in it are listed. The task runs in this process, in the folder of the program, and tasks that it calls
    run where they are called; pdb opens where it raises, or at an interrupt. A function of a module is the one that the
    module has now; one of the program itself is the one that failed.
    """
    with _clear_errors():
        failures = load_failures(folder)
        if key is None:
            _list(failures, folder)
            return
        kept = _find(failures, key, folder)
        click.echo(f"{kept.key} (called at {kept.site}) ran on {kept.worker} and failed: {kept.exception}")
        if kept.exception.startswith(HANGS) and not trace:
            click.echo("It was ended from outside: an interrupt opens pdb where it is, --trace at its first line.")
        with _replay.replay(kept) as again:
            debugger = _Debugger(trace)
            outcome = again.run(debugger.call)
            debugger.look_at(outcome)
    sys.exit(_told(outcome, kept))


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, ValueError, DsflowError) as error:
        raise click.ClickException(str(error)) from None


def _list(failures: Sequence[KeptFailure], folder: Path) -> None:
    if not failures:
        click.echo(f"There are no failures in {folder}.")
        return
    rows = [("KEY", "WHEN", "SIZE", "CALLED AT", "FAILED WITH")]
    for kept in failures:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(kept.time_s))
        size = f"{kept.nbytes / 2**20:.3g} MiB"
        rows.append((kept.key, when, size, kept.site.removeprefix(kept.folder + os.sep), kept.exception))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    click.echo(f"`dsflow replay {shlex.quote(str(folder))} KEY` opens one in pdb.", err=True)


def _find(failures: Sequence[KeptFailure], key: str, folder: Path) -> KeptFailure:
    found = [kept for kept in failures if kept.key == key] or [kept for kept in failures if kept.key.startswith(key)]
    if len(found) != 1:
        keys = ", ".join(kept.key for kept in found or failures)
        how_many = f"{len(found)} failures have a key that begins" if found else "no failure has a key that begins"
        raise click.BadParameter(f"{how_many} with {key!r} in {folder}: {keys}.", param_hint="KEY")
    return found[0]


class _Debugger:
    """Calls a function, and opens pdb where it fails.

    It uses the standard streams of now: the task may have files for its own.
    """

    def __init__(self, trace: bool) -> None:
        self._trace = trace
        self._streams = sys.stdin, sys.stdout
        self._seen: BaseException | None = None

    def _pdb(self) -> pdb.Pdb:
        stdin, stdout = self._streams
        redirected = (sys.stdin, sys.stdout) != self._streams
        return pdb.Pdb(stdin=stdin, stdout=stdout) if redirected else pdb.Pdb()

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        call = partial(self._traced, function) if self._trace else function
        try:
            return call(*args, **kwargs)
        except bdb.BdbQuit:
            raise
        except BaseException as error:
            self._open(error)
            raise

    def _traced(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        tracer, before = self._pdb(), sys.gettrace()
        tracer.reset()
        sys.settrace(tracer.trace_dispatch)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(before)

    def look_at(self, outcome: Outcome) -> None:
        """Open pdb for what has failed after the function: its result cannot be copied, say."""
        if outcome.failure is not None and not _is_quit(outcome):
            self._open(outcome.failure.exception)

    def _open(self, error: BaseException) -> None:
        if error is self._seen:
            return
        self._seen = error
        frames = _users_frames(error.__traceback__)
        click.echo("".join(traceback.format_exception(type(error), error, frames)), nl=False, file=self._streams[1])
        debugger, before = self._pdb(), sys.gettrace()
        debugger.reset()
        debugger.interaction(None, frames)
        sys.settrace(before)  # who leaves pdb has ended that of someone else too


def _users_frames(frames: TracebackType | None) -> TracebackType | None:
    """Leave out our own frames, unless there are no others."""
    every = []
    while frames is not None:
        every.append(frames)
        frames = frames.tb_next
    users = [each for each in every if not each.tb_frame.f_code.co_filename.startswith(_PACKAGE)]
    shown: TracebackType | None = None
    for each in reversed(users or every):
        shown = TracebackType(shown, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return shown


def _is_quit(outcome: Outcome) -> bool:
    return outcome.failure is not None and isinstance(outcome.failure.exception, bdb.BdbQuit)


def _told(outcome: Outcome, kept: KeptFailure) -> int:
    """Say how it ended; return the exit code."""
    if outcome.failure is not None:
        return 0 if _is_quit(outcome) else 1
    given = ", ".join(describe_value(thaw(stored)) for stored in outcome.stored)
    click.echo(f"It did not fail this time; it gave {given}. It had failed with:\n\n{kept.trace}", nl=False)
    return 0
