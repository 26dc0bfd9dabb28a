"""The names of dsflow for a program of plain functions: what each means when a call runs at once.

The directions say nothing here, but for those that prepare something: a file that stands for a standard stream, and a
file or directory that is written anew. Of the options only ``on_failure`` is of interest.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

import dsflow
from dsflow import IGNORE, RETRY, Direction
from dsflow._directions import Access, Content

N_TRIES = 4

globals().update({name: value for name, value in vars(dsflow).items() if isinstance(value, Direction)})


def task(
    function=None,
    *,
    returns=None,
    target_direction=None,
    on_failure=None,
    defaults=None,
    time_out=None,
    priority=0,
    **directions,
):
    if function is None:
        return lambda decorated: _wrapped(decorated, returns, on_failure, defaults or {}, directions)
    return function


def _wrapped(function: Any, returns: Any, on_failure: Any, defaults: dict[str, Any], directions: Any) -> Any:
    signature = inspect.signature(function)
    if on_failure is None and all(each.content is Content.OBJECT for each in directions.values()):
        return function

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(*args, **kwargs).arguments
        described = [(directions[name], value) for name, value in arguments.items() if name in directions]
        saved = [_Saved(value, each) for each, value in described if on_failure and each.writes]
        for left in reversed(range(N_TRIES if on_failure == RETRY else 1)):
            try:
                with contextlib.ExitStack() as stack:
                    for direction, value in described:
                        _prepare(value, direction, stack)
                    return function(*args, **kwargs)
            except Exception:
                if not left and on_failure != IGNORE:
                    raise
                for each in saved:
                    each.restore(anew=on_failure == IGNORE)
        return _give_defaults(defaults, arguments, returns)

    return wrapper


def _give_defaults(defaults: dict[str, Any], arguments: dict[str, Any], returns: int | None) -> Any:
    """Let the defaults take the place of what a call should have changed; return those of its results."""
    defaults = {"returns": (None,) * returns if returns else None, **copy.deepcopy(defaults)}
    result = defaults.pop("returns")
    for name, value in defaults.items():
        _Saved(value).give(arguments[name])
    return result


def _prepare(value: Any, direction: Direction, stack: contextlib.ExitStack) -> None:
    if direction.content is Content.OBJECT or value is None:
        return
    if isinstance(value, (list, tuple)):
        for each in value:
            _prepare(each, direction, stack)
        return
    path = Path(value)
    if direction.access is Access.WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        if direction.content is Content.DIRECTORY:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        else:
            path.resolve().unlink(missing_ok=True)
            path.resolve().touch()
    if direction.stream == "stdin":
        before = sys.stdin
        sys.stdin = stack.enter_context(path.open())
        stack.callback(setattr, sys, "stdin", before)
    elif direction.stream is not None:
        redirect = contextlib.redirect_stdout if direction.stream == "stdout" else contextlib.redirect_stderr
        stack.enter_context(redirect(stack.enter_context(path.open("a"))))


class _Saved:
    """What an argument was before a try, so that it can be that again: the same objects, with the same content."""

    def __init__(self, value: Any, direction: Direction | None = None) -> None:
        self.value = value
        self.is_filled = direction is not None and direction.access is Access.WRITE
        is_file = direction is not None and direction.content is not Content.OBJECT
        self.path = Path(value).resolve() if is_file else None
        self.parts: list[_Saved] = []
        if self.path is not None:
            self.content: Any = _tree(self.path)
        elif isinstance(value, (list, dict)):
            self.content = value.copy()
            self.parts = list(map(_Saved, value.values() if isinstance(value, dict) else value))
        elif isinstance(value, np.ndarray):
            self.content = value.copy()
        elif hasattr(value, "__dict__"):
            self.content = vars(value).copy()
            self.parts = list(map(_Saved, self.content.values()))

    def restore(self, *, anew: bool = False) -> None:
        """Make the argument what it was; with ``anew``, empty if it was to be filled."""
        if anew and self.is_filled and self.content is None:  # a file that was not there
            self.content = _empty(self.value, self.content)
        self.give(self.value)
        for part in self.parts:
            part.restore()

    def give(self, target: Any) -> None:
        """Make ``target`` what this was."""
        if self.path is not None:
            _restore_tree(Path(target).resolve(), self.content)
        elif isinstance(target, list):
            target[:] = self.content
        elif isinstance(target, np.ndarray):
            target[...] = self.content
        elif isinstance(target, dict) or hasattr(target, "__dict__"):
            mapping = target if isinstance(target, dict) else vars(target)
            mapping.clear()
            mapping.update(self.content)


def _empty(value: Any, content: Any) -> Any:
    """What there is in place of ``content`` after a task that was to make it, and failed, was ignored."""
    if isinstance(value, (str, Path)):
        return {} if isinstance(content, dict) else b""
    if isinstance(value, np.ndarray):
        return np.zeros_like(value)
    return type(value)() if isinstance(value, (list, dict)) else vars(type(value)())


def _tree(path: Path) -> Any:
    if path.is_dir():
        return {each.name: _tree(each) for each in path.iterdir()}
    return path.read_bytes() if path.exists() else None


def _restore_tree(path: Path, content: Any) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    if isinstance(content, dict):
        path.mkdir()
        for name, each in content.items():
            _restore_tree(path / name, each)
    elif content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


# --- what there is to call besides tasks -----------------------------------------------------------------------------


def constraint(**_):
    return lambda decorated: decorated


def wait_on(value, *more):
    return [value, *more] if more else value


wait_on_file = wait_on_directory = wait_on


def share(value):
    return value


def barrier():
    pass


def barrier_group(name):
    pass


class TaskGroup(contextlib.nullcontext):
    def __init__(self, name, implicit_barrier=True):
        super().__init__()


def open(path, mode="r"):  # noqa: A001 - so is dsflow's
    return Path(path).open(mode)


def file_exists(path, *more):
    if more or isinstance(path, list):
        return [file_exists(each) for each in ((path, *more) if more else path)]
    return Path(path).exists()


def delete_file(path, *more):
    for each in (path, *more):
        if Path(each).is_dir():
            shutil.rmtree(each)
        else:
            Path(each).unlink(missing_ok=True)
