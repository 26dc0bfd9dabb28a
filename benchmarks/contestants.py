"""Sides in processes of their own, which do what they are asked one after the other.

So none of them shares an interpreter, its threads or its settings with another; what crosses to them is the name of a
function and a few numbers, and back comes what it measured by its own clock.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from sides import open_side

HERE = Path(__file__).parent
LIMIT_S = 90.0
"""A measurement that takes longer has failed."""


class ContestantError(Exception):
    """A side did not do what it was asked."""


class Contestant:
    """The process of a side."""

    def __init__(self, side: str, limit_s: float = LIMIT_S) -> None:
        self.side = side
        self._limit_s = limit_s
        self._ours, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from contestants import serve; serve({theirs.fileno()}, {side!r})"],
            pass_fds=[theirs.fileno()],
            env=environment(),
            start_new_session=True,  # an interrupt from the terminal is for the program, which then closes us
        )
        theirs.close()
        self._receive()

    def measure(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """Return what ``function(side, *args, **keywords)`` returns there; the function is one of a module."""
        if self._process.poll() is not None:
            raise ContestantError(f"the process of {self.side} has ended with {self._process.returncode}")
        module = Path(sys.modules[function.__module__].__file__ or "").stem
        self._ours.send((module, function.__qualname__, args, keywords))
        return self._receive()

    def _receive(self) -> Any:
        try:
            if not self._ours.poll(self._limit_s):
                self.kill()
                raise ContestantError(f"{self.side} did not answer within {self._limit_s:g} s")
            value, error = self._ours.recv()
        except EOFError:
            raise ContestantError(f"the process of {self.side} has ended; see what it wrote above") from None
        if error:
            raise ContestantError(error)
        return value

    def close(self) -> None:
        """End the process, and all that it has started."""
        with contextlib.suppress(OSError):
            self._ours.send(None)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self._ours.close()

    def kill(self) -> None:
        """End the process, and all that it has started, at once."""
        kill_tree(self._process.pid)
        self._process.wait()


def kill_tree(pid: int) -> None:
    """End a process after all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


@contextlib.contextmanager
def contestants(names: Sequence[str]) -> Iterator[Mapping[str, Contestant]]:
    """Start sides, and end them. One that does not start is left out, with a line that says so."""
    started: dict[str, Contestant] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for name in names:
            try:
                started[name] = Contestant(name)
            except ContestantError as error:
                print(f"{name} is left out: {error}")
        yield started
    except BaseException:
        for contestant in started.values():
            contestant.kill()
        raise
    for contestant in started.values():
        contestant.close()


def environment() -> dict[str, str]:
    """Return the environment for processes that import these modules."""
    places = [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}


def serve(file_descriptor: int, name: str) -> None:
    """Be the process of a side: measure until told to end."""
    connection = Connection(file_descriptor)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        side = open_side(name)
    except Exception as error:  # noqa: BLE001 - it is passed on
        connection.send((None, _line(error)))
        return
    connection.send((None, ""))
    try:
        while (asked := _next(connection)) is not None:
            module, function, args, keywords = asked
            try:
                reply: Any = (getattr(importlib.import_module(module), function)(side, *args, **keywords), "")
            except Exception as error:  # noqa: BLE001 - it is passed on
                reply = (None, _line(error))
            connection.send(reply)
            gc.collect()
    finally:
        side.close()


def _end_with(parent: int) -> None:
    """End, whatever hangs here, some seconds after the program that measures."""
    while os.getppid() == parent:
        time.sleep(1)
    time.sleep(10)
    kill_tree(os.getpid())


def _next(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, pickle.UnpicklingError):
        return None


def _line(error: BaseException) -> str:
    """Say in one line what happened and where."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name != "serve"]
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{where}".split())[:400]
