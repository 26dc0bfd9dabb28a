"""What tasks print: whole lines, tagged with the task and where it runs."""

from __future__ import annotations

import sys
from typing import Any

from dsflow._context import Context, active_context

__all__ = ["TaggedOutput", "flush_output", "write_tagged"]


class _TaggedStream:
    """Stands for a standard stream: passes on what is written outside of tasks, collects by line what tasks write."""

    def __init__(self, name: str, stream: Any) -> None:
        self._dsflow_name = name
        self._dsflow_stream = stream

    def write(self, text: str) -> int:
        context = active_context()
        if context is None or context.emit is None:
            written: int = self._dsflow_stream.write(text)
            return written
        lines = (context.unwritten.pop(self._dsflow_name, "") + text).split("\n")
        if lines[-1]:
            context.unwritten[self._dsflow_name] = lines[-1]
        if len(lines) > 1:
            context.emit(self._dsflow_name, "\n".join(lines[:-1]))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dsflow_stream, name)


class TaggedOutput:
    """Puts the tagging streams in place, until `remove`."""

    def __init__(self) -> None:
        self._streams = {}
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and not isinstance(stream, _TaggedStream):
                self._streams[name] = _TaggedStream(name, stream)
                setattr(sys, name, self._streams[name])

    def remove(self) -> None:
        """Put the streams back that were there before."""
        for name, stream in self._streams.items():
            if getattr(sys, name) is stream:
                setattr(sys, name, stream._dsflow_stream)


def flush_output(context: Context) -> None:
    """Write the unfinished lines of a task that has ended."""
    for name, text in context.unwritten.items():
        assert context.emit is not None
        context.emit(name, text)
    context.unwritten.clear()


def write_tagged(key: str, worker: str, stream_name: str, text: str) -> None:
    """Write lines to the user, each with the task's key and its worker in front."""
    stream = getattr(sys, stream_name)
    stream = stream._dsflow_stream if isinstance(stream, _TaggedStream) else stream
    lines = "".join(f"[{key} {worker}] {line}\n" for line in text.split("\n"))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(lines.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
