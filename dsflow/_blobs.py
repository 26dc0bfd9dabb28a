"""Files as values: snapshots of files and directories, kept once per content and only as long as someone has them.

The content lies in a folder of this process, its store. To another process goes the content itself, that of a large
file as buffers over the mapped file, so that the sender never reads it; the receiver writes it into its own store.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import mmap
import os
import pickle
import shutil
import stat
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self, SupportsIndex

from dsflow._errors import ArgumentError

__all__ = [
    "StoredDirectory", "StoredFile", "clear_store", "from_frames", "set_store_parent", "store_folder", "store_parent",
    "to_frames",
]  # fmt: skip

PART_BYTES = 1 << 26
"""Content travels in buffers of at most so many bytes."""
MAPPED_BYTES = 1 << 23
"""Smaller files are read: each map keeps a file descriptor, and a directory may hold thousands of files."""
BUILT = ".dsflow-"  # begins the names of folders in which something is built

AnyPath = str | os.PathLike[str]
Files = tuple[tuple[str, "StoredFile"], ...]
Folders = tuple[tuple[str, int], ...]
Links = tuple[tuple[str, str], ...]


def _itself(value: Any, _memo: Any = None) -> Any:
    return value


@dataclass(frozen=True, slots=True, weakref_slot=True)
class StoredFile:
    """The content of a file at one moment, and its permissions. Made by `of` or `taken`."""

    digest: str
    """SHA-256 of the content, in hexadecimal."""
    nbytes: int = field(compare=False)
    """Size of the content in bytes."""
    mode: int
    """Permission bits."""
    _blob: _Blob = field(compare=False, repr=False)

    __copy__ = __deepcopy__ = _itself  # it cannot change

    @classmethod
    def of(cls, path: AnyPath) -> Self:
        """Snapshot the file at ``path``: copy it into the store.

        Raises FileNotFoundError, IsADirectoryError or ArgumentError when there is no regular file at ``path``.
        """
        mode = _mode_of(path, "StoredFile.of", "file")
        with _store.draft() as blob:
            with Path(path).open("rb") as source, blob.path.open("wb") as target:
                digest, nbytes = _hash(source, target.write)
            return cls(digest, nbytes, mode, _store.keep(blob, digest))

    @classmethod
    def taken(cls, path: AnyPath) -> Self:
        """Move the file at ``path`` into the store; nobody may write to it any more. Raises as `of` does."""
        mode = _mode_of(path, "StoredFile.taken", "file")
        with _store.draft() as blob:
            if _move(Path(path), blob.path):
                blob.path.chmod(0o400)  # it may have been unreadable
                with blob.path.open("rb") as source:
                    digest, nbytes = _hash(source)
                return cls(digest, nbytes, mode, _store.keep(blob, digest))
        stored = cls.of(path)
        Path(path).unlink()
        return stored

    def write_to(self, path: AnyPath) -> None:
        """Make a file at ``path`` that is the caller's own, in one step: no one sees a part of it.

        A link is followed, and a device or pipe is written to, as by ``open(path, "w")``. The owner may read and write
        the file, whatever `mode` says. Raises FileNotFoundError when the folder of ``path`` does not exist.
        """
        if Path(path).exists() and not Path(path).is_file():
            with self.open() as source, Path(path).open("wb") as device:
                shutil.copyfileobj(source, device)
            return
        target = Path(path).resolve()
        _mode_of(target.parent, "StoredFile.write_to", "directory")
        with tempfile.TemporaryDirectory(prefix=BUILT, dir=target.parent) as work:
            new = Path(work, "new")
            self._copy_to(new)
            new.replace(target)

    def open(self) -> BinaryIO:
        """Open the content for reading."""
        return self._blob.path.open("rb")

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        wrap = pickle.PickleBuffer if protocol.__index__() >= 5 else bytes
        return _rebuild, (self.digest, self.nbytes, self.mode, *map(wrap, self._parts()))

    def _parts(self) -> list[bytes] | list[mmap.mmap]:
        """The content, as mapped memory if it is large, which is unmapped when nobody has it any more.

        A map for each part, not views of one map: the garbage collector may clear a memoryview while it is exported,
        which crashes the interpreter.
        """
        with self.open() as file:
            if self.nbytes < MAPPED_BYTES:
                return [file.read()] if self.nbytes else []
            sizes = {at: min(PART_BYTES, self.nbytes - at) for at in range(0, self.nbytes, PART_BYTES)}
            return [mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ, offset=at) for at, size in sizes.items()]

    def _copy_to(self, path: Path) -> None:
        source, n_copied = self._blob.path, -1
        # this shares blocks where the file system can; where it is missing, fails or stops early, the plain way works
        with contextlib.suppress(AttributeError, OSError), source.open("rb", 0) as reader, path.open("wb", 0) as writer:
            while os.copy_file_range(reader.fileno(), writer.fileno(), 1 << 30):
                pass
            n_copied = writer.tell()
        if n_copied != self.nbytes:
            shutil.copyfile(source, path)
        path.chmod(self.mode | 0o600)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class StoredDirectory:
    """The content of a directory at one moment; paths in it are relative, and sorted. Made by `of` or `taken`."""

    mode: int
    """Permission bits of the directory itself."""
    files: Files
    """Path and content of each file."""
    folders: Folders
    """Path and permission bits of each directory inside, the empty ones too."""
    links: Links
    """Path and target of each symbolic link; links are not followed."""

    __copy__ = __deepcopy__ = _itself  # it cannot change

    @property
    def nbytes(self) -> int:
        """Size of the files in bytes."""
        return sum(stored.nbytes for _, stored in self.files)

    @classmethod
    def of(cls, path: AnyPath) -> Self:
        """Snapshot the directory at ``path``: copy its files into the store.

        Raises FileNotFoundError or NotADirectoryError when there is no directory at ``path``, and ArgumentError when
        there is something else in it than files, directories and links.
        """
        mode = _mode_of(path, "StoredDirectory.of", "directory")
        files, folders, links = _scan(Path(path))
        return cls(mode, _store_files(Path(path), files, StoredFile.of), folders, links)

    @classmethod
    def taken(cls, path: AnyPath) -> Self:
        """Move the directory at ``path`` into the store; nobody may write to it any more. Raises as `of` does."""
        mode = _mode_of(path, "StoredDirectory.taken", "directory")
        root = Path(path)
        if root.is_symlink():  # only the link is the caller's to give
            stored = cls.of(root)
            root.unlink()
            return stored
        files, folders, links = _scan(root)
        for name, _ in (("", mode), *folders):
            (root / name).chmod(0o700)  # what is in it could not be moved out of it otherwise
        stored = cls(mode, _store_files(root, files, StoredFile.taken), folders, links)
        shutil.rmtree(root)
        return stored

    def write_to(self, path: AnyPath) -> None:
        """Make the directory at ``path`` exactly this one; its files are the caller's own.

        All is built first and moved into place then. A directory that is there stays and gets another content, since it
        may be some process's current directory, or a mount point. Raises FileNotFoundError when its folder is missing.
        """
        target = Path(path).resolve()
        beside = target if target.exists() else target.parent
        _mode_of(beside, "StoredDirectory.write_to", "directory")
        with contextlib.suppress(PermissionError):  # it is another user's, but we may write in it
            if beside == target:
                target.chmod(self.mode | 0o700)
        with tempfile.TemporaryDirectory(prefix=BUILT, dir=beside) as work:
            new = Path(work, "new")
            self._build(new)
            if beside == target:
                _replace_content(target, new)
            else:
                new.rename(target)

    def _build(self, root: Path) -> None:
        for path, mode in (("", self.mode), *self.folders):
            (root / path).mkdir()
            (root / path).chmod(mode | 0o700)
        for path, stored in self.files:
            stored._copy_to(root / path)
        for path, target in self.links:  # last, so that nothing is written through one
            (root / path).symlink_to(target)


def to_frames(stored: StoredFile) -> tuple[dict[str, Any], list[memoryview]]:
    """Give what `from_frames` makes the file from: a small header, and the content without reading it."""
    return {"file": (stored.digest, stored.nbytes, stored.mode)}, [memoryview(part) for part in stored._parts()]


def from_frames(header: dict[str, Any], frames: Iterable[Any]) -> StoredFile:
    """Make a file from what `to_frames` gave."""
    return _rebuild(*header["file"], *frames)


def _rebuild(digest: str, nbytes: int, mode: int, *parts: Any) -> StoredFile:
    known = _store.blobs.get(digest)
    if known is not None:
        return StoredFile(digest, nbytes, mode, known)
    with _store.draft() as blob:
        with blob.path.open("wb") as target:
            n_written = sum(map(target.write, parts))
        if n_written != nbytes:
            raise pickle.UnpicklingError(f"StoredFile: {n_written} bytes of {nbytes} have arrived; send them again")
        return StoredFile(digest, nbytes, mode, _store.keep(blob, digest))


def _mode_of(path: AnyPath, where: str, kind: str) -> int:
    """Permission bits of a "file" or a "directory", if it is one."""
    name = repr(os.fspath(path))
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"{where}: there is no {kind} {name}; make it first, or correct the path") from None
    if kind == "directory" and not stat.S_ISDIR(mode):
        raise NotADirectoryError(f"{where}: {name} is not a directory; give a directory, or declare it as a file")
    if kind == "file" and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{where}: {name} is a directory; give a file, or declare it as a directory")
    if kind == "file" and not stat.S_ISREG(mode):
        raise ArgumentError(f"{where}: {name} is a pipe, socket or device; write its content to a file first")
    return mode & 0o777


def _hash(source: BinaryIO, write: Callable[[bytes], Any] = len) -> tuple[str, int]:
    """Digest and size of what is read from ``source``, which is passed on to ``write``."""
    digest, nbytes = hashlib.sha256(), 0
    while chunk := source.read(1 << 18):
        digest.update(chunk)
        nbytes += len(chunk)
        write(chunk)
    return digest.hexdigest(), nbytes


def _move(source: Path, target: Path) -> bool:
    """Rename a file; False if it has to be copied: others may reach its content by another name, say."""
    found = source.lstat()
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid():
        with contextlib.suppress(OSError):  # on another file system, as a rule; else copying meets the error again
            source.replace(target)
            return True
    return False


def _scan(root: Path) -> tuple[list[str], Folders, Links]:
    """Paths in a directory, relative to it: of files, of folders with their modes, of links with their targets."""
    files, folders, links = [], [], []
    todo = [""]
    while todo:
        prefix = todo.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                path = prefix + entry.name
                if entry.is_symlink():
                    links.append((path, str(Path(entry.path).readlink())))
                elif entry.is_dir():
                    folders.append((path, entry.stat().st_mode & 0o777))
                    todo.append(path + "/")
                else:
                    files.append(path)
    return sorted(files), tuple(sorted(folders)), tuple(sorted(links))


def _store_files(root: Path, paths: list[str], store: Callable[[Path], StoredFile]) -> Files:
    seen: dict[StoredFile, StoredFile] = {}  # equal files are one object, which is pickled once
    return tuple((path, seen.setdefault(file := store(root / path), file)) for path in paths)


def _replace_content(target: Path, new: Path) -> None:
    """Move what is in ``new``, two levels below ``target``, into the place of what is in ``target``; all or nothing."""
    old = Path(tempfile.mkdtemp(prefix=BUILT, dir=target))
    moves = [(child, old / child.name) for child in target.iterdir() if child not in (old, new.parent)]
    moves += [(child, target / child.name) for child in new.iterdir()]
    try:
        for source, place in moves:
            source.rename(place)
    except BaseException:
        for source, place in reversed(moves):
            if not os.path.lexists(source):
                place.rename(source)
        old.rmdir()  # not with its content, should it still have any: that is somebody's only copy
        raise
    shutil.rmtree(old)


class _Blob:
    """A file of the store that is deleted with this object."""

    __slots__ = ("__weakref__", "delete", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        # Not __del__: while that runs, another thread could still get the object from the store's weak references. The
        # file's name is its own, so deleting it needs no lock and may happen at any moment, in any thread.
        self.delete = weakref.finalize(self, _delete, path, os.getpid())
        self.delete.atexit = False


def _delete(path: Path, pid: int) -> None:
    if pid == os.getpid():  # else it belongs to the process that we were forked from
        path.unlink(missing_ok=True)


class _Store:
    """A folder of files, of which each content is there once."""

    def __init__(self) -> None:
        self.parent: Path | None = None
        self.forget()

    def forget(self) -> None:
        """Begin without a folder. In a forked process the old one is the parent's, whose threads may hold the lock."""
        self._folder: Path | None = None
        self.blobs: weakref.WeakValueDictionary[str, _Blob] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()  # the garbage collector may run a destructor that stores a file

    def folder(self) -> Path:
        """Give the folder of the store, in which a file can be made that `StoredFile.taken` is to move."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="dsflow-files-", dir=self.parent))
            return self._folder

    @contextlib.contextmanager
    def draft(self) -> Iterator[_Blob]:
        """Make an empty file, which is deleted when filling it fails."""
        with self._lock:  # until the file is there, clear() might remove the folder
            descriptor, name = tempfile.mkstemp(dir=self.folder())
        os.close(descriptor)
        blob = _Blob(Path(name))
        try:
            yield blob
        except BaseException:
            blob.delete()  # not later: the traceback holds it, for as long as anyone holds the exception
            raise

    def keep(self, draft: _Blob, digest: str) -> _Blob:
        """Enter a file that has got its content; give the one to use, which may be another with this content."""
        draft.path.chmod(0o400)
        with self._lock:
            return self.blobs.setdefault(digest, draft)

    def clear(self) -> bool:
        """Remove the folder of the store unless it holds files that are alive; give True if it is gone."""
        with self._lock:
            if self._folder is not None:
                with contextlib.suppress(OSError):  # not empty
                    self._folder.rmdir()
                if not self._folder.exists():
                    self._folder = None
            return self._folder is None

    def set_parent(self, folder: AnyPath | None) -> None:
        """Choose where the store is made when it is made next; the folder must outlive all files of this process."""
        self.clear()
        self.parent = None if folder is None else Path(folder).absolute()

    def remove(self) -> None:
        """Remove the folder with what is in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


_store = _Store()
os.register_at_fork(after_in_child=_store.forget)
atexit.register(_store.remove)
store_folder, set_store_parent, clear_store = _store.folder, _store.set_parent, _store.clear


def store_parent() -> Path | None:
    """Return the folder that goes away with what is made in it; None for the system's own."""
    return _store.parent
