"""Values of the caller that become versions: frozen as they are at the call, and known again by their content."""

from __future__ import annotations

import functools
import hashlib
import shutil
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsflow._blobs import StoredDirectory, StoredFile
from dsflow._freeze import HandleFound, Stored, freeze
from dsflow._graph import Version

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["Sources", "is_foreign"]

Signature = tuple[int, ...]
"""Changes when a file does, as far as its folder tells."""


class Sources:
    """Makes the versions that no task has made."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._arrays: weakref.WeakValueDictionary[bytes, Version] = weakref.WeakValueDictionary()
        """Versions of large arrays, by the hash of their content."""
        self._files: dict[str, tuple[Signature, weakref.ref[Version]]] = {}
        """Versions of files, with what their folder said of them then, by path."""
        self._shared_folder: str | None = None

    def given(self, value: Any) -> Version:
        """Return a version of a value that its owner has given up; its arrays are not copied."""
        return Version(stored=freeze(value, portable=self._session.engine.remote))

    def copied(self, value: Any) -> Version:
        """Return a version of a value as it is now."""
        try:
            return self._kept(freeze(value, portable=self._session.engine.remote, snapshot=True))
        except HandleFound:  # it holds Futures, of which a task makes values
            from dsflow._task import task

            return task(_identity)(value)._current()

    def array(self, array: Any) -> Version:
        """Return a version of a large array as it is now; on a remote engine, one for all equal arrays."""
        if not self._session.engine.remote:
            return self._kept(freeze(array, portable=False, snapshot=True))
        stored = freeze(array, portable=True)
        digest = hashlib.sha256(stored.payload)
        for buffer in stored.buffers:
            digest.update(buffer)
        version = self._arrays.get(digest.digest())
        if version is None:
            version = Version(stored=freeze(array, portable=True, snapshot=True))
            self._arrays[digest.digest()] = version
        return version

    def _kept(self, stored: Stored) -> Version:
        self._session.hoard.add([stored])
        return Version(stored=stored)

    # --- files -------------------------------------------------------------------------------------------------------

    def file(self, path: str, is_directory: bool, where: str) -> Version:
        """Return a version of a file or directory as it is now; one for all calls as long as it does not change.

        Raises
        ------
        FileNotFoundError, IsADirectoryError, NotADirectoryError
            When there is no such file or directory.
        """
        _check_path(path, is_directory, where)
        signature = None if is_directory else _signature_of(path)
        known = self._files.get(path)
        version = known[1]() if known is not None and known[0] == signature and signature is not None else None
        if version is None:
            version = Version(stored=StoredDirectory.of(path) if is_directory else StoredFile.of(path))
            if signature is not None:
                self._files[path] = (signature, weakref.ref(version, lambda _: self._files.pop(path, None)))
        return version

    def note_file(self, path: str, version: Version) -> None:
        """Remember that what is at a path is a version, so that it need not be read when it is passed to a task."""
        signature = None if Path(path).is_dir() else _signature_of(path)
        if signature is not None:
            self._files[path] = (signature, weakref.ref(version))

    def shared_folder(self) -> str:
        """Return a folder for files that tasks of this machine share, as long as the session lives."""
        if self._shared_folder is None:
            self._shared_folder = tempfile.mkdtemp(prefix="dsflow-shared-")
        return self._shared_folder

    # --- values of other libraries -----------------------------------------------------------------------------------

    def adopted(self, value: Any, where: str) -> Version:
        """Return a version of a Dask collection or Future."""
        version: Version = self._session.engine.adopt(value, where)
        return version

    def close(self) -> None:
        """Remove what lies on disk."""
        self._files.clear()
        if self._shared_folder is not None:
            shutil.rmtree(self._shared_folder, ignore_errors=True)


def is_foreign(kind: Any) -> bool:
    """Whether values of a type are computed by Dask: its collections and Futures."""
    return "dask" in sys.modules and _is_of_dask(kind)


@functools.lru_cache(maxsize=1024)
def _is_of_dask(kind: Any) -> bool:
    return hasattr(kind, "__dask_graph__") or (kind.__module__.startswith("distributed.") and kind.__name__ == "Future")


def _identity(value: Any) -> Any:
    return value


_SETTLED_NS = 50_000_000
"""A file that was changed more recently may change again without its folder telling."""


def _signature_of(path: str) -> Signature | None:
    found = Path(path).stat()
    if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < _SETTLED_NS:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)


def _check_path(path: str, is_directory: bool, where: str) -> None:
    found = Path(path)
    if not found.exists():
        raise FileNotFoundError(f"{where}: there is no {path!r}, and no task that was called before writes it.")
    if found.is_dir() and not is_directory:
        raise IsADirectoryError(f"{where}: {path!r} is a directory; declare the parameter DIRECTORY_IN or the like.")
    if is_directory and not found.is_dir():
        raise NotADirectoryError(f"{where}: {path!r} is a file; declare the parameter FILE_IN or the like.")
