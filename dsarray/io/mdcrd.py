"""Trajectories of AMBER as text (mdcrd): frames of coordinates, of which each has the same number of bytes.

What travels to a task is the path and a range of frames; blocks that are read are not kept.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import from_stored
from dsarray.io._paths import File, find_file, read_range, refuse_compressed

__all__ = ["load_mdcrd_file"]

_WHERE = "load_mdcrd_file"
_WIDTH = 8
_PER_LINE = 10


class _Trajectory(NamedTuple):
    """How a file is laid out."""

    file: File
    start: int
    """Offset of the first frame."""
    n_values: int
    """Coordinates of a frame."""
    box: int
    """Values of the line of the box after each frame; 0 if there is none."""
    line_end: int
    """Bytes at the end of a line: 1, or 2 for Windows'."""
    size: int
    """Bytes of the file."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame, with its box."""
        return self.lines_bytes + (self.box * _WIDTH + self.line_end if self.box else 0)

    @property
    def lines_bytes(self) -> int:
        """Bytes of the coordinates of a frame."""
        return self.n_values * _WIDTH + self.n_lines * self.line_end

    @property
    def n_lines(self) -> int:
        """Lines of the coordinates of a frame."""
        return -(-self.n_values // _PER_LINE)


def load_mdcrd_file(
    path: str | os.PathLike[str],
    n_atoms: int,
    block_size: int | tuple[int, int] | None = None,
    has_box: bool = False,
) -> Array:
    """Make an Array of a trajectory in AMBER's text format, which may be larger than memory.

    The file has a line for the title. Then come frames: the x, y and z of each atom, ten values of eight characters on
    a line, and the last line of a frame shorter; if there is a box, another line with its three lengths.

    Parameters
    ----------
    path : str or PathLike
        Path or URL of a file within reach of all workers, not compressed.
    n_atoms : int
        Number of atoms of a frame.
    block_size : int or tuple of int, optional
        Number of frames of a block, or of frames and coordinates; -1 means all. By default the size of the array
        decides.
    has_box : bool, default False
        True if each frame is followed by a line for the box; the box is left out.

    Returns
    -------
    Array of shape (n_frames, 3 * n_atoms)
        Of float64. Each task that needs a block parses it, and no block is kept: don't change the file meanwhile. A
        value that cannot be parsed is an error of such a task, and names the line.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When its size is not that of whole frames, or the first frame does not look like one.
    """
    if isinstance(n_atoms, (bool, np.ndarray)) or not hasattr(n_atoms, "__index__") or n_atoms < 1:
        raise ValueError(
            f"{_WHERE}: n_atoms={n_atoms!r} is not a number of atoms; give an int of at least 1. The size of blocks "
            "comes after it, or by name, as block_size=."
        )
    file = find_file(path, _WHERE)
    refuse_compressed(file, _WHERE)
    layout, n_frames = _look_at(file, 3 * int(n_atoms), 3 if has_box else 0)
    _parse(layout, 0, min(1, n_frames))
    shape = (n_frames, layout.n_values)
    chunks = default_chunks(shape, 8, block_size, _WHERE)
    return from_stored(_read_frames, layout, chunks, np.float64)


def _look_at(file: File, n_values: int, box: int) -> tuple[_Trajectory, int]:
    with file.open() as opened:
        title = opened.readline()
    size = file.size
    layout = _Trajectory(file, len(title), n_values, box, 2 if title.endswith(b"\r\n") else 1, size)
    n_frames, rest = divmod(size - len(title), layout.frame_bytes)
    if rest == layout.frame_bytes - layout.line_end:  # the last line may lack its end
        n_frames, rest = n_frames + 1, 0
    elif rest and not file.read(size - rest, size).strip():
        rest = 0
    if rest or n_frames == 0:
        raise ValueError(
            f"{_WHERE}: {file} has {size - len(title)} bytes after its title, which are not whole frames of "
            f"{layout.frame_bytes} bytes ({n_values // 3} atoms, {'a' if box else 'no'} box); correct n_atoms or "
            "has_box."
        )
    return layout, n_frames


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_frames(layout: _Trajectory, part: tuple[slice, ...]) -> npt.NDArray[np.float64]:
    """Parse some frames, if the file is still what it was."""
    file = find_file(layout.file, _WHERE)
    if file.size != layout.size:
        raise ValueError(
            f"{_WHERE}: {file} has changed from {layout.size} to {file.size} bytes since it was loaded; load it again."
        )
    return _parse(layout, part[0].start, part[0].stop)[:, part[1]]


def _parse(layout: _Trajectory, first: int, stop: int) -> npt.NDArray[np.float64]:
    """Parse frames, by the places of their values: these may touch each other."""
    start = layout.start + first * layout.frame_bytes
    content = read_range(layout.file, _WHERE, start, start + (stop - first) * layout.frame_bytes)
    content = content.ljust((stop - first) * layout.frame_bytes, b"\n")  # the last line may lack its end
    table = np.frombuffer(content, np.uint8).reshape(stop - first, layout.frame_bytes)[:, : layout.lines_bytes]
    n_whole, n_last = divmod(layout.n_values, _PER_LINE)
    line_bytes = _PER_LINE * _WIDTH + layout.line_end
    whole = table[:, : n_whole * line_bytes].reshape(stop - first, n_whole, line_bytes)
    parts = [
        whole[:, :, : _PER_LINE * _WIDTH].reshape(stop - first, -1),
        table[:, n_whole * line_bytes :][:, : n_last * _WIDTH],
    ]
    fields = np.ascontiguousarray(np.concatenate(parts, axis=1)).view(f"S{_WIDTH}")
    ends = np.concatenate([whole[:, :, -1], table[:, -1:]], axis=1)
    if (ends != ord("\n")).any():
        frame, line = np.argwhere(ends != ord("\n"))[0].tolist()
        number = 2 + (first + frame) * (layout.n_lines + bool(layout.box)) + line
        raise ValueError(f"{_WHERE}: {layout.file}, line {number}: it does not end there; correct n_atoms or has_box.")
    try:
        return fields.astype(np.float64)
    except ValueError:
        raise _blame(layout, first, fields) from None


def _blame(layout: _Trajectory, first: int, fields: npt.NDArray[np.bytes_]) -> ValueError:
    """Return an error that names the first value that is none."""
    for (frame, value), field in np.ndenumerate(fields):
        try:
            float(field)
        except ValueError:
            number = first + frame
            line = 2 + number * (layout.n_lines + bool(layout.box)) + value // _PER_LINE
            return ValueError(
                f"{_WHERE}: {layout.file}, line {line}: {field.decode(errors='replace')!r} is no number, for "
                f"coordinate {value} of frame {number}; correct the file, n_atoms or has_box."
            )
    return ValueError(f"{_WHERE}: {layout.file} holds values that are no numbers; correct the file.")
