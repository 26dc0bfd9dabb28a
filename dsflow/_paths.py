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
    from dsflow._session import Session

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
    """The task whose calls share it; None if none do any more."""
    live_path: str | None = None
    """The path that they share."""
    take_snapshot: Callable[..., Future[Any]] | None = None
    """Makes the content, when those that share the file have ended."""

    def newest(self) -> Future[Any]:
        """Return the Future of the content; from now on the file is not shared any more."""
        if self.function is not None:
            assert self.take_snapshot is not None
            self.future = self.take_snapshot(self.future, *self.sharers)
            self.function = None
        return self.future

    def left_behind(self, session: Session) -> StoredFile | StoredDirectory | None:
        """Return what is left of the file when the newest version of it has failed; None if nothing is."""
        if self.live_path is not None:  # one of those that share it has failed; the others have written to it
            session.wait([each._version.node for each in self.sharers if each._version.node is not None])
            return StoredFile.of(self.live_path) if Path(self.live_path).exists() else None
        before = self.future._version.before
        return None if before is None else session.stored_of(before)


def bring_home(key: str, context: Context) -> None:
    """Put the newest version of a file at its path, and stop tracking it."""
    known: FileInUse = context.tracker.paths[key]
    version = known.newest()._current()
    try:
        stored = context.session.stored_of(version)
    except BaseException:
        if version.settled:
            left = known.left_behind(context.session)
            if left is not None:
                _write(left, key)
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
