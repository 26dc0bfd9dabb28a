"""Spilling: values of this process that do not fit its memory lie on disk until a task needs them.

For engines that keep values in this process; the workers of a cluster spill what they keep themselves.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import shutil
import tempfile
import threading
import uuid
import weakref
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dsflow._freeze import Frozen
from dsflow._heap import Heap

__all__ = ["Hoard"]

logger = logging.getLogger("dsflow")

SHARE = 0.4
"""How much of the memory values may take; the rest is for what tasks work with."""

SPILLED_BYTES = 1 << 16
"""Smaller buffers, and values whose buffers are all smaller, stay in memory."""


class Hoard:
    """The values that are kept in this process, the oldest of which are written to disk when they become too many.

    Parameters
    ----------
    memory_bytes : int or None
        Memory of which values may take `SHARE`; None if there is nothing to watch over.
    """

    def __init__(self, memory_bytes: int | None) -> None:
        self.limit_bytes = None if memory_bytes is None else int(SHARE * memory_bytes)
        self._heap = Heap(memory_bytes)
        self.n_bytes = 0
        """Bytes of the values in memory."""
        self.spilled_bytes = 0
        """Bytes that have been written."""
        self._kept: dict[weakref.ref[Frozen], int] = {}
        """The values in memory, oldest first, and their sizes in bytes."""
        self._gone: deque[weakref.ref[Frozen]] = deque()
        self._folder: str | None = None
        self._lock = threading.Lock()

    def add(self, values: Iterable[Any]) -> None:
        """Note stored values, which are not to be changed any more."""
        if self.limit_bytes is None:
            return
        self._heap.look()
        for stored in values:
            if type(stored) is Frozen:
                kept = zip(stored.buffers, stored.sizes, strict=True)
                n_bytes = sum(_large(size) for buffer, size in kept if type(buffer) is not _OnDisk)
                if n_bytes:
                    self._add(stored, n_bytes, self.limit_bytes)

    def _add(self, stored: Frozen, n_bytes: int, limit_bytes: int) -> None:
        with self._lock:
            while self._gone:
                self.n_bytes -= self._kept.pop(self._gone.popleft(), 0)
            reference = weakref.ref(stored, self._gone.append)  # called anywhere, so it takes no lock
            if reference not in self._kept:
                self._kept[reference] = n_bytes
                self.n_bytes += n_bytes
            while self.n_bytes > limit_bytes and self._kept:
                self._spill_oldest()

    def _spill_oldest(self) -> None:
        reference, n_bytes = next(iter(self._kept.items()))
        del self._kept[reference]
        self.n_bytes -= n_bytes
        frozen = reference()
        if frozen is None:
            return
        try:
            self._spill(frozen)
        except OSError as error:
            logger.warning("%d bytes stay in memory, since they cannot be written to disk: %s", n_bytes, error)
            return
        self.spilled_bytes += n_bytes

    def _spill(self, frozen: Frozen) -> None:
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="dsflow-spill-", dir=_folder_on_disk())
            logger.info("values of more than %d bytes are written to %s", self.limit_bytes, self._folder)
        path = Path(self._folder, uuid.uuid4().hex)
        weakref.finalize(frozen, _remove, path)
        kept = []
        with path.open("xb", buffering=0) as file:
            for buffer, view in zip(frozen.buffers, frozen.views, strict=True):
                if not _large(view.nbytes):
                    kept.append(buffer)
                    continue
                file.seek(-(-file.tell() // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY)
                kept.append(_OnDisk(path, file.tell(), view.nbytes))
                left = view
                while left:
                    left = left[file.write(left) :]
        frozen.buffers = tuple(kept)

    def close(self) -> None:
        """Remove what is on disk."""
        with self._lock:
            self._kept.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)


class _OnDisk:
    """A buffer in a file, of which each task that needs it reads as much as it looks at."""

    __slots__ = ("_path", "_start", "nbytes")

    def __init__(self, path: Path, start: int, n_bytes: int) -> None:
        self._path = path
        self._start = start
        self.nbytes = n_bytes

    def raw(self) -> memoryview:
        """Return the content, mapped into memory."""
        with self._path.open("rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size < self._start + self.nbytes:  # to read on would end the process
                raise OSError(f"{self._path} was cut short by somebody; it held a value of the session.")
            return memoryview(mmap.mmap(file.fileno(), self.nbytes, access=mmap.ACCESS_READ, offset=self._start))


def _folder_on_disk() -> str | None:
    """Return a folder for temporary files that is not in memory itself; None for the usual one."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return None
    kinds = {fields[1]: fields[2] for fields in map(str.split, mounts.read_text(encoding="utf-8").splitlines())}
    for folder in (tempfile.gettempdir(), "/var/tmp"):  # noqa: S108 - a folder with a name of its own is made there
        mounted = next(str(each) for each in (Path(folder), *Path(folder).parents) if str(each) in kinds)
        if kinds[mounted] not in ("tmpfs", "ramfs") and os.access(folder, os.W_OK):
            return folder
    return None


def _large(n_bytes: int) -> int:
    return n_bytes if n_bytes >= SPILLED_BYTES else 0


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
