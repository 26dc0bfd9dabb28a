"""The files of a running task: each file argument is a copy of its own, in a folder that goes with the task."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from dsflow._blobs import StoredDirectory, StoredFile, store_folder
from dsflow._graph import FileSlot

__all__ = ["Workplace", "workplace_of"]

_MODES = {"stdin": "r", "stdout": "a", "stderr": "a"}


class Workplace:
    """Makes the files of one call of a task."""

    def __init__(self, slots: Sequence[FileSlot]) -> None:
        self._slots = slots
        self._folder = Path(tempfile.mkdtemp(prefix="task-", dir=store_folder()))
        self._paths: dict[int, Path] = {}

    def path_of(self, position: int, inputs: Sequence[Any]) -> Path:
        """Return the path of the task's own copy of a file."""
        slot = self._slots[position]
        path = self._paths.get(position)
        if path is None:
            path = self._paths[position] = self._make(position, slot, inputs)
        return path

    def _make(self, position: int, slot: FileSlot, inputs: Sequence[Any]) -> Path:
        if slot.shared:
            return Path(inputs[slot.source or 0])
        folder = self._folder / str(position)  # of its own, since two arguments may have one name
        folder.mkdir()
        path = folder / slot.name
        if slot.source is not None:
            inputs[slot.source].write_to(path)
        elif slot.is_directory:
            path.mkdir()
        return path

    @contextlib.contextmanager
    def streams(self) -> Iterator[dict[str, IO[str]]]:
        """Open the files that stand for standard streams."""
        with contextlib.ExitStack() as stack:
            yield {
                slot.stream: stack.enter_context(
                    self._paths[position].open(_MODES[slot.stream], buffering=1, encoding="utf-8")
                )
                for position, slot in enumerate(self._slots)
                if slot.stream is not None
            }

    def taken(self, position: int, parameter: str) -> StoredFile | StoredDirectory | str:
        """Take over what the task has made of a file; of one that is shared, return the path.

        Raises
        ------
        FileNotFoundError
            When there is nothing.
        """
        slot = self._slots[position]
        path = self._paths[position]
        if slot.shared:
            return str(path)
        kind: type[StoredFile | StoredDirectory] = StoredDirectory if slot.is_directory else StoredFile
        if not path.exists():
            raise FileNotFoundError(
                f"the task has not written {'directory' if slot.is_directory else 'file'} {slot.name!r}, its parameter "
                f"{parameter!r}; it must write to the path that it was given ({path})."
            )
        return kind.taken(path)

    def close(self) -> None:
        """Remove what is left."""
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def workplace_of(slots: Sequence[FileSlot]) -> Iterator[Workplace | None]:
    """Give a call the place for its files, if it has any."""
    if not slots:
        yield None
        return
    workplace = Workplace(slots)
    try:
        yield workplace
    finally:
        workplace.close()
