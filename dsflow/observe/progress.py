"""A progress display: one bar for each task name while the tasks run."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dsflow._context import current_context
from dsflow.observe.record import Recorder

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["progress"]

logger = logging.getLogger("dsflow")

REFRESH_S = 0.1
"""Time between two looks at the totals; tasks themselves pay nothing for the display."""

LOG_S = 30.0
"""Where there is no terminal, a line goes to the log this often."""


@contextlib.contextmanager
def progress(session: Session | None = None) -> Iterator[None]:
    """Show, while the block runs, how many tasks of each name have ended.

    Parameters
    ----------
    session : Session, optional
        By default that of the caller, which is started if there is none.

    Examples
    --------
    >>> with progress():  # doctest: +SKIP
    ...     KMeans(8).fit(x)
    """
    recorder = Recorder.of(session or current_context().session)
    stopped = threading.Event()
    show = _show_bars if _console().is_terminal else _log_lines
    thread = threading.Thread(target=show, args=(recorder, stopped), name="dsflow-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _console() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _show_bars(recorder: Recorder, stopped: threading.Event) -> None:
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console(), redirect_stdout=False, redirect_stderr=False) as display:
        bars: dict[str, Any] = {}
        while True:
            ended = stopped.wait(REFRESH_S)
            for name, total in recorder.totals().items():
                if name not in bars:
                    bars[name] = display.add_task(escape(name))
                failed = f" [red]{total.failed} failed[/]" if total.failed else ""
                display.update(
                    bars[name], description=escape(name) + failed, total=total.called, completed=total.settled
                )
            if ended:
                return


def _log_lines(recorder: Recorder, stopped: threading.Event) -> None:
    start = time.monotonic()
    while not stopped.wait(LOG_S):
        totals = recorder.totals().values()
        settled, called = sum(total.settled for total in totals), sum(total.called for total in totals)
        logger.info("%d of %d tasks have ended after %.0f s", settled, called, time.monotonic() - start)
