"""What tasks print: whole lines, tagged with the task and where it runs."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO, TYPE_CHECKING, Any

from dsflow._context import Context, active_context

if TYPE_CHECKING:
    from dsflow._workplace import Workplace

__all__ = ["TaggedOutput", "flush_output", "redirected", "write_tagged"]


class _TaskStream:
    """Stands for a standard stream: passes on what happens outside of tasks, and knows what is a task's.

    What a task writes goes to the file that stands for the stream, or is collected by line and tagged; what it reads
    comes from the file that stands for the stream.
    """

    def __init__(self, name: str, stream: Any) -> None:
        self._dsflow_name = name
        self._dsflow_stream = stream

    def write(self, text: str) -> int:
        context = active_context()
        file = None if context is None else context.streams.get(self._dsflow_name)
        if context is None or file is not None or context.emit is None:
            written: int = (file or self._dsflow_stream).write(text)
            return written
        lines = (context.unwritten.pop(self._dsflow_name, "") + text).split("\n")
        if lines[-1]:
            context.unwritten[self._dsflow_name] = lines[-1]
        if len(lines) > 1:
            context.emit(self._dsflow_name, "\n".join(lines[:-1]))
        return len(text)

    def __iter__(self) -> Iterator[str]:
        return iter(self._dsflow_target())

    def _dsflow_target(self) -> Any:
        context = active_context()
        return (context and context.streams.get(self._dsflow_name)) or self._dsflow_stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dsflow_target(), name)


_lock = threading.Lock()
_users: dict[str, int] = {}
"""How many need a stream of ours in place, by its name."""


class TaggedOutput:
    """Puts streams in place that know what is a task's, until `remove`; several may do so at a time."""

    def __init__(self, names: Iterable[str] = ("stdout", "stderr")) -> None:
        self._names: list[str] = []
        with _lock:
            for name in names:
                stream = getattr(sys, name)
                if stream is None:
                    continue
                if not isinstance(stream, _TaskStream):
                    setattr(sys, name, _TaskStream(name, stream))
                    _users[name] = 0
                _users[name] = _users.get(name, 0) + 1
                self._names.append(name)

    def remove(self) -> None:
        """Put the streams back that were there before, unless others need ours."""
        names, self._names = self._names, []
        with _lock:
            for name in names:
                _users[name] -= 1
                stream = getattr(sys, name)
                if _users[name] == 0 and isinstance(stream, _TaskStream):
                    setattr(sys, name, stream._dsflow_stream)


@contextlib.contextmanager
def redirected(context: Context, workplace: Workplace | None) -> Iterator[None]:
    """Let files of the running task stand for its standard streams, if it has such."""
    files: AbstractContextManager[dict[str, IO[str]]] = nullcontext({}) if workplace is None else workplace.streams()
    with files as streams:
        if not streams:
            yield
            return
        output = TaggedOutput(streams)
        context.streams = streams
        try:
            yield
        finally:
            context.streams = {}
            output.remove()


def flush_output(context: Context) -> None:
    """Write the unfinished lines of a task that has ended."""
    for name, text in context.unwritten.items():
        assert context.emit is not None
        context.emit(name, text)
    context.unwritten.clear()


def write_tagged(key: str, worker: str, stream_name: str, text: str) -> None:
    """Write lines to the user, each with the task's key and its worker in front."""
    stream = getattr(sys, stream_name)
    stream = stream._dsflow_stream if isinstance(stream, _TaskStream) else stream
    lines = "".join(f"[{key} {worker}] {line}\n" for line in text.split("\n"))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(lines.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
