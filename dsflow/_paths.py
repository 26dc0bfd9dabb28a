"""The files that tasks are changing: what stands for each, and how it comes back to its path."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsflow._blobs import StoredDirectory, StoredFile

if TYPE_CHECKING:
    from dsflow._context import Context
    from dsflow._future import Future

__all__ = ["FileInUse", "bring_files_home", "bring_home", "default_file"]


@dataclass(slots=True, eq=False)
class FileInUse:
    """A file that tasks are changing."""

    future: Future[Any]
    """Stands for the newest version; while tasks share the file, for the path they share."""
    is_directory: bool
    sharers: list[Future[Any]] = field(default_factory=list)
    """What the calls give that change the shared file, in place."""
    function: Any = None
    """The task whose calls share it; None if none do."""
    take_snapshot: Callable[..., Future[Any]] | None = None
    """Makes the content, when those that share the file have ended."""

    def newest(self) -> Future[Any]:
        """Return the Future of the content; from now on the file is not shared any more."""
        if self.function is not None:
            assert self.take_snapshot is not None
            self.future = self.take_snapshot(self.future, *self.sharers)
            self.function, self.sharers = None, []
        return self.future


def bring_home(key: str, context: Context) -> None:
    """Put the newest version of a file at its path, and stop tracking it."""
    known: FileInUse = context.tracker.paths[key]
    version = known.newest()._current()
    try:
        stored = context.session.stored_of(version)
    except BaseException:
        if version.settled:
            if version.before is not None:
                _write(context.session.stored_of(version.before), key)
            del context.tracker.paths[key]
        raise
    _write(stored, key)
    context.session.sources.note_file(key, version)
    if context.tracker.paths.get(key) is known:
        del context.tracker.paths[key]


def _write(stored: StoredFile | StoredDirectory, key: str) -> None:
    Path(key).parent.mkdir(parents=True, exist_ok=True)
    stored.write_to(key)


def bring_files_home(context: Context, *, quiet: bool = False) -> None:
    """Put all files that tasks have changed at their paths; with ``quiet``, failures are left for others to raise."""
    for key in list(context.tracker.paths):
        try:
            bring_home(key, context)
        except Exception:
            if not quiet:
                raise


def default_file(path: Any, *, is_directory: bool) -> StoredFile | StoredDirectory:
    """Return the content of a file, or that of an empty one."""
    if path is not None:
        return StoredDirectory.of(path) if is_directory else StoredFile.of(path)
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty")
        if is_directory:
            empty.mkdir()
            return StoredDirectory.of(empty)
        empty.touch()
        return StoredFile.of(empty)
