"""Where files are: local paths, made absolute, and URLs of any kind that fsspec opens; missed with words.

What travels to a task is a `File`: its path or URL. This file is the only one that names fsspec.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

__all__ = ["SHARED", "File", "claim_file", "find_file", "find_files", "place_of", "read_range", "refuse_compressed"]

SHARED = "put it in a folder that all workers share, under the same path"
"""What to do about a file that a task does not find."""

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".lz4")


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A file, or where one shall be."""

    text: str
    """Its absolute path or URL."""

    def __str__(self) -> str:
        return self.text

    @property
    def is_local(self) -> bool:
        """True for a path, False for a URL."""
        return "://" not in self.text

    @property
    def suffix(self) -> str:
        """The end of the name, from its last dot."""
        return Path(self.text).suffix

    @property
    def size(self) -> int:
        """Number of bytes."""
        if self.is_local:
            return Path(self.text).stat().st_size
        system, path = self._system()
        return int(system.size(path))

    @property
    def exists(self) -> bool:
        """True if it is there, as a file or as a folder."""
        if self.is_local:
            return Path(self.text).exists()
        system, path = self._system()
        return bool(system.exists(path))

    @property
    def is_folder(self) -> bool:
        """True if it is a folder."""
        if self.is_local:
            return Path(self.text).is_dir()
        system, path = self._system()
        return bool(system.isdir(path))

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open it, in a binary mode."""
        if self.is_local:
            return Path(self.text).open(mode)
        system, path = self._system()
        opened: IO[bytes] = system.open(path, mode)
        return opened

    def child(self, name: str) -> File:
        """Return the file of a name in this folder."""
        return File(f"{self.text.rstrip('/')}/{name}")

    def make_folder(self) -> None:
        """Make this folder, and those above, unless it is there."""
        if self.is_local:
            Path(self.text).mkdir(parents=True, exist_ok=True)
        else:
            system, path = self._system()
            system.makedirs(path, exist_ok=True)

    def remove(self) -> None:
        """Remove the file if it is there."""
        if self.is_local:
            Path(self.text).unlink(missing_ok=True)
        elif self.exists:
            system, path = self._system()
            system.rm_file(path)

    def glob(self) -> list[File]:
        """Return the files whose paths match this one, in order."""
        system, path = self._system()
        found = (system.unstrip_protocol(each) for each in system.glob(path))
        return sorted(File(each.removeprefix("file://") if self.is_local else each) for each in found)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes between two offsets."""
        if self.is_local:
            with Path(self.text).open("rb") as file:
                file.seek(start)
                return file.read(stop - start)
        system, path = self._system()
        return bytes(system.cat_file(path, start=start, end=stop)) if stop > start else b""

    def _system(self) -> tuple[Any, str]:
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(self.text)
        except ImportError as error:
            raise ImportError(
                f"{self.text}: files of this kind need another package: {error} "
                "('dsflow[s3]' has what s3:// needs, 'dsflow[gcs]' what gs:// needs)."
            ) from error
        except ValueError as error:
            raise ValueError(f"{self.text} is no URL that fsspec knows: {error}; give a path or such a URL.") from error
        return system, path


def place_of(path: Any, where: str) -> File:
    """Return a path or URL as a File, which need not exist.

    Raises
    ------
    TypeError
        When it is neither.
    """
    if isinstance(path, File):
        return path
    if isinstance(path, str) and path.startswith("file://"):
        path = path.removeprefix("file://")
    if isinstance(path, str) and "://" in path:
        return File(path)
    try:
        return File(str(Path(path).absolute()))
    except TypeError:
        raise TypeError(f"{where}: path={path!r} is a {type(path).__name__}; give a str or a pathlib.Path.") from None


def find_file(path: str | os.PathLike[str] | File, where: str, advice: str = "check the path") -> File:
    """Return a file that exists.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    IsADirectoryError
        When it is a folder.
    TypeError
        When ``path`` is not a path or URL.
    """
    found = place_of(path, where)
    if found.is_folder:
        raise IsADirectoryError(f"{where}: {found} is a folder; give the path of a file.")
    if not found.exists:
        raise FileNotFoundError(f"{where}: {found} does not exist; {advice}.")
    return found


def find_files(path: Any, where: str, pattern: str) -> list[File]:
    """Return the files of a path, a folder (those that match ``pattern``), a pattern with ``*``, or a list of paths.

    Raises
    ------
    FileNotFoundError
        When there is none.
    """
    if isinstance(path, (list, tuple)):
        found = [find_file(each, where) for each in path]
    else:
        place = place_of(path, where)
        if "*" in place.text:
            found = place.glob()
        elif place.is_folder:
            found = place.child(pattern).glob()
        else:
            found = [find_file(place, where)]
    if not found:
        raise FileNotFoundError(f"{where}: there is no file {pattern} in {path}; check the path.")
    return found


def claim_file(path: Any, where: str, *, overwrite: bool) -> File:
    """Return a file that may be written.

    Raises
    ------
    FileExistsError
        When there is one, and ``overwrite`` is False.
    FileNotFoundError
        When its folder is missing.
    """
    place = place_of(path, where)
    if place.is_folder:
        raise IsADirectoryError(f"{where}: {place} is a folder; give the path of a file.")
    if place.exists and not overwrite:
        raise FileExistsError(f"{where}: {place} exists; give another path, or overwrite=True.")
    if place.is_local and not Path(place.text).parent.is_dir():
        raise FileNotFoundError(f"{where}: the folder {Path(place.text).parent} does not exist; make it first.")
    return place


def refuse_compressed(file: File, where: str) -> None:
    """Raise ValueError for a compressed file, by its name."""
    if file.suffix in _COMPRESSED:
        raise ValueError(f"{where}: {file} is compressed, so tasks cannot start in its middle; decompress it first.")


def read_range(file: File, where: str, start: int, stop: int) -> bytes:
    """Return the bytes between two offsets of a file, in a task."""
    return find_file(file, where, SHARED).read(start, stop)
