"""Files as data: a path stands for the newest version of its file, as an object's name does for the object.

A file is read into the store when a task is called with it, so that it may change afterwards; a task works on a copy
of its own, wherever it runs; what it has written comes back to the path at `wait_on_file`, or at the end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from dsflow._aliases import path_of
from dsflow._blobs import StoredFile
from dsflow._context import Context, current_context, has_context
from dsflow._directions import Access, Content, Direction
from dsflow._errors import ArgumentError, EngineError
from dsflow._future import Future
from dsflow._graph import FileSlot, Node, Version
from dsflow._paths import FileInUse, bring_home, default_file
from dsflow._task import task

if TYPE_CHECKING:
    from dsflow._binder import Binder

__all__ = [
    "delete_file",
    "file_exists",
    "open",
    "place_file",
    "wait_on_directory",
    "wait_on_file",
]

T = TypeVar("T")
AnyPath = str | os.PathLike[str]


# --- in a call -------------------------------------------------------------------------------------------------------


def place_file(binder: Binder, value: Any, parameter: str, direction: Direction, path: tuple[int | None, Any]) -> Any:
    """What to write in a call for a file or directory."""
    key = path_of(value, f"{binder.where}: argument {parameter!r}")
    if key in binder.file_ids:  # two names for one file are one file
        return ("file" if isinstance(value, str) else "path", binder.file_ids[key])
    direction = binder.merged(direction, key)
    is_directory = direction.content is Content.DIRECTORY
    tracker = binder.context.tracker
    for other in tracker.overlapping(key):  # a directory and a file in it: what is at the path must be whole first
        bring_home(other, binder.context)
    if direction.access is Access.SHARE:
        return _share_file(binder, key, value, parameter, direction, path)
    source = None
    if direction.access is Access.COMMUTE:
        known = tracker.paths.get(key)
        future = None if known is None else known.newest()
        source = binder.input(
            binder.slot_of(key, future, lambda: binder.session.sources.file(key, is_directory, binder.where))
        )
    elif direction.reads:
        source = binder.input(_version_at(binder, key, is_directory))
    if direction.writes:
        binder.change(key, parameter, path, _target_of(binder, key, is_directory, direction))
    return _slot(binder, key, value, source, direction)


def _slot(binder: Binder, key: str, value: Any, source: int | None, direction: Direction) -> tuple[str, int]:
    """Add a file to those of the call; return the reference to it."""
    binder.files.append(
        FileSlot(
            name=_name_of(value, key),
            source=source,
            is_directory=direction.content is Content.DIRECTORY,
            writes=direction.writes,
            stream=direction.stream,
            shared=direction.access is Access.SHARE,
        )
    )
    binder.file_ids[key] = len(binder.files) - 1
    return ("file" if isinstance(value, str) else "path", len(binder.files) - 1)


def _name_of(path: Any, key: str) -> str:
    """What the user calls a file; the link, if it is one."""
    name = Path(path).absolute().name
    return Path(key).name if name == ".." else name


def _version_at(binder: Binder, key: str, is_directory: bool) -> Version:
    """The version to read of a file."""
    known: FileInUse | None = binder.context.tracker.paths.get(key)
    if known is None:
        version: Version = binder.session.sources.file(key, is_directory, binder.where)
        return version
    if known.is_directory != is_directory:
        kinds = ("a directory", "a file") if known.is_directory else ("a file", "a directory")
        raise ArgumentError(f"{binder.where}: tasks write {key!r} as {kinds[0]}, but it is declared as {kinds[1]}.")
    return binder.version_of(known.newest())


def _target_of(binder: Binder, key: str, is_directory: bool, direction: Direction) -> Any:
    context, session, slots = binder.context, binder.session, binder.slots
    original = None
    if binder.may_stay(direction) and key not in context.tracker.paths and Path(key).exists():
        original = session.sources.file(key, is_directory, binder.where)

    def advance(node: Node, version: Version) -> None:
        if direction.access is Access.COMMUTE:
            version = slots[key].join(node, version)
        known = context.tracker.paths.get(key)
        version.before = original
        if known is not None and direction.access is Access.WRITE:
            version.before = known.future._version
        context.tracker.paths[key] = FileInUse(Future(version, session), is_directory)

    return advance


def _share_file(
    binder: Binder, key: str, value: Any, parameter: str, direction: Direction, path: tuple[int | None, Any]
) -> Any:
    """What to write in a call for a file that tasks change at the same time: the path of the one they share."""
    paths, session = binder.context.tracker.paths, binder.session
    known: FileInUse | None = paths.get(key)
    if known is None or known.function is not binder.task:
        content: Future[Any] = Future(_content_to_share(binder, key, known), session)
        folder = tempfile.mkdtemp(prefix="shared-", dir=session.sources.shared_folder())
        live_path = str(Path(folder, Path(key).name))
        live = _make_live(content, live_path)
        known = FileInUse(
            live, False, function=binder.task, live_path=live_path, take_snapshot=partial(_snapshot, folder)
        )
    in_use = known

    def advance(_: Node, version: Version) -> None:
        paths[key] = in_use
        in_use.sharers.append(Future(version, session))

    binder.change(key, parameter, path, advance)
    return _slot(binder, key, value, binder.input(binder.version_of(known.future)), direction)


def _content_to_share(binder: Binder, key: str, known: FileInUse | None) -> Version:
    """The version that tasks begin with that share a file: empty if there is none."""
    if known is None and not Path(key).exists():
        return Version(stored=default_file(None, is_directory=False))
    return _version_at(binder, key, is_directory=False)


def _snapshot(folder: str, live: Future[str], *sharers: Future[Any]) -> Future[StoredFile]:
    """Make the content of a file that was shared; the file itself goes when no one needs that any more."""
    content = _take_snapshot(live, *sharers)
    weakref.finalize(content._version, shutil.rmtree, folder, ignore_errors=True)
    return content


@task
def _make_live(content: StoredFile, path: str) -> str:
    """Make the file that tasks share, unless it is there: a task that runs again must not undo what they did."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise EngineError(
            f"FILE_CONCURRENT: this worker cannot see {folder}, where tasks would share the file; they need to run on "
            "one machine. Use FILE_COMMUTATIVE instead."
        )
    if not Path(path).exists():
        content.write_to(path)
    return path


@task
def _take_snapshot(live: str, *sharers: Any) -> StoredFile:  # noqa: ARG001 - to be run when they have ended
    """Read the file that tasks have shared; what reads the snapshot keeps the file as long as it may be needed."""
    return StoredFile.of(live)


# --- for the user ----------------------------------------------------------------------------------------------------


def wait_on_file(path: T, /, *more: Any) -> Any:
    """Wait until the tasks that write files have ended; then the files are at their paths.

    Parameters
    ----------
    path, *more : str, Path, or list or tuple of such
        Files; one that no task writes is left as it is.

    Returns
    -------
    path or list of path
        What was given.

    Raises
    ------
    FileNotFoundError
        When a file is not there, and no task writes it.
    Exception
        The exception of the task that should have written the file. The file is then as the last task that succeeded
        has left it.
    """
    context = current_context() if has_context() else Context()  # waiting starts no session
    for each in _paths_in([path, *more], "wait_on_file"):
        _settle(each, context)
        if not Path(each).exists():
            raise FileNotFoundError(f"wait_on_file: there is no {each!r}, and no task that was called writes it.")
    return [path, *more] if more else path


def wait_on_directory(path: T, /, *more: Any) -> Any:
    """Wait until the tasks that write directories have ended; see `wait_on_file`."""
    return wait_on_file(path, *more)


def open(path: AnyPath, mode: str = "r", **options: Any) -> IO[Any]:  # noqa: A001 - it is open, for files of tasks
    """Open a file of the main program's, after the tasks that write it have ended.

    Parameters
    ----------
    path : str or Path
        The file.
    mode : str
        As for the built-in ``open``. Tasks that are called once the file is closed see what was written to it.
    **options
        Further arguments of the built-in ``open``.

    Returns
    -------
    file object
    """
    _settle(path_of(path, "open"), current_context() if has_context() else Context())
    return Path(path).open(mode, **options)


def file_exists(path: Any, /, *more: Any) -> Any:
    """Return whether files exist, or will when the tasks that write them have ended.

    Parameters
    ----------
    path, *more : str, Path, or list or tuple of such
        Files or directories.

    Returns
    -------
    bool, or list of bool
        In the order, and the nesting, of what was given.
    """
    context = current_context() if has_context() else Context()

    def exists(each: Any) -> Any:
        if isinstance(each, (list, tuple)):
            return type(each)(map(exists, each))
        key = path_of(each, "file_exists")
        within = [key, *context.tracker.overlapping(key)]
        if any(other in context.tracker.paths for other in within if other.startswith(key)):
            return True
        _settle(key, context)  # a directory that tasks write may have it or not
        return Path(key).exists()

    return [exists(each) for each in (path, *more)] if more else exists(path)


def delete_file(path: Any, /, *more: Any) -> None:
    """Delete files or directories, and forget what tasks make of them; tasks that were called before still see them.

    Parameters
    ----------
    path, *more : str, Path, or list or tuple of such
        Those that are not there are passed over.
    """
    context = current_context() if has_context() else Context()
    tracked = context.tracker.paths
    for name in _names_in([path, *more], "delete_file"):
        if Path(name).is_symlink():  # what it leads to stays
            Path(name).unlink()
            continue
        key = path_of(name, "delete_file")
        for other in (key, *context.tracker.overlapping(key)):
            if other.startswith(key):
                tracked.pop(other, None)
            else:  # a directory that tasks write, and that has it
                bring_home(other, context)
        if Path(name).is_dir():
            shutil.rmtree(name)
        else:
            Path(name).unlink(missing_ok=True)


def _settle(key: str, context: Context) -> None:
    """Have what is at a path as tasks leave it, with the directory that it is in, and what is in it."""
    for other in (key, *context.tracker.overlapping(key)):
        if other in context.tracker.paths:
            bring_home(other, context)


def _paths_in(value: Any, where: str) -> list[str]:
    return [path_of(name, where) for name in _names_in(value, where)]


def _names_in(value: Any, where: str) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [name for each in value for name in _names_in(each, where)]
    path_of(value, where)
    return [value]
