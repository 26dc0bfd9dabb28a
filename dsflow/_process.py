"""A child process, as its parent sees it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from dsflow._blobs import store_parent
from dsflow._channel import Channel
from dsflow._job import CACHED_TASKS, Job, is_cached

__all__ = ["ChildProcess", "Emit", "OverdueError", "end_all"]

START_TIMEOUT_S = 60.0

SLICE_S = 0.25
"""Longest wait without a look at signals, and at exceptions that other threads raise in this one."""

END_S = 1.0
"""Idle processes have so long to end by themselves, so that exit handlers of libraries clean up."""

Emit = Callable[[str, str], None]
"""Takes the name of a stream and lines without the last line's end."""


class OverdueError(Exception):
    """The time for what a child does is over."""


class ChildProcess:
    """A child process, as its parent sees it."""

    def __init__(self, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self._folder = tempfile.mkdtemp(prefix="dsflow-child-", dir=store_parent())
        """Where it keeps files, so that none are left when it was killed."""
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - a module of ours
                    [sys.executable, "-P", "-m", "dsflow._child", str(theirs.fileno()), self._folder],
                    stdin=subprocess.PIPE,
                    bufsize=0,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # an interrupt from the terminal is for the program, which then kills us
                    env=environment,
                )
            except BaseException:
                ours.close()
                shutil.rmtree(self._folder)
                raise
        self.environment = environment
        self.channel = Channel(ours, self._patience)
        self.is_ready = False
        self.idle_since = 0.0
        self.ending = False
        """True once it is about to be reaped, and must not be killed by its number any more."""
        self.reason: str | None = None
        """Why it was killed, if it was."""
        self._tasks: set[int] = set()
        """Ids of the tasks that it has."""
        self._deadline: float | None = time.monotonic() + START_TIMEOUT_S

    def perform(self, job: Job, time_out_s: float | None, emit: Emit) -> Any:
        """Have a job done; return stored results, the packed failure and the run."""
        assert job.task is not None
        if job.task_id in self._tasks:
            job.task = None
        elif is_cached(job.task):
            if len(self._tasks) >= CACHED_TASKS:
                self._tasks.clear()
            self._tasks.add(job.task_id)
        self.channel.send(job)
        while True:
            kind, *content = self.channel.receive()
            if kind == "text":
                emit(*content)
                continue
            self._deadline = None
            if kind == "done":
                return content
            if kind == "ready":
                self.is_ready = True
            elif time_out_s is not None:
                self._deadline = time.monotonic() + time_out_s

    def kill(self) -> None:
        """Kill the process and those it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter when it has ended
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self, patience_s: float = 0.0) -> str:
        """End the process, if it does not do so by itself in that time; return how it ended."""
        self.channel.close()
        if patience_s > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_s)
        self.kill()
        code = self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    def forget(self) -> None:
        """In a forked process: the child is the parent's."""
        self.channel.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.returncode = 0

    def _patience(self) -> float:
        left = SLICE_S if self._deadline is None else self._deadline - time.monotonic()
        if left <= 0:
            raise OverdueError
        return min(left, SLICE_S)


def end_all(children: Sequence[ChildProcess]) -> None:
    """End idle children together."""
    deadline = time.monotonic() + END_S
    for child in children:
        child.channel.close()
    for child in children:
        child.end(max(deadline - time.monotonic(), 0.0))
