"""Where the rows of a text file lie: one quick pass over its bytes, in bounded memory, that parses nothing.

A *row* is a line that is neither blank nor a comment. The pass remembers the number of rows of each piece of the file;
where single rows start is found by looking again at the pieces that hold them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from dsarray.io._paths import File

__all__ = ["BLANKS", "Layout", "Place", "scan_lines"]

_PIECE_BYTES = 4 << 20
BLANKS = b" \t\r\v\f"
"""The bytes of white space that do not end a line."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, always at the start of a line or at the end of the file."""

    offset: int
    """Bytes from the start of the file."""
    line: int
    """Number of the line, from 1, as editors count."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the pass over a file has found."""

    file: File
    pieces: tuple[Place, ...]
    """Where the pieces of the file start, and its end."""
    rows_before: tuple[int, ...]
    """Number of rows before each of ``pieces``; the last one is the number of all rows."""
    blanks: bytes
    """The bytes that a blank line may hold."""

    @property
    def n_rows(self) -> int:
        """Number of rows of the file."""
        return self.rows_before[-1]

    def locate(self, rows: Sequence[int]) -> list[Place]:
        """Return where rows start; row ``n_rows`` is the end of the file. ``rows`` have to be in order."""
        pieces = np.searchsorted(self.rows_before, rows, side="right") - 1
        places: list[Place] = []
        with self.file.open() as opened:
            for piece, group in itertools.groupby(zip(rows, pieces.tolist(), strict=True), key=lambda pair: pair[1]):
                wanted = [row - self.rows_before[piece] for row, _ in group]
                start = self.pieces[piece]
                if piece == len(self.pieces) - 1:
                    places += [start] * len(wanted)
                    continue
                opened.seek(start.offset)
                offsets, lines, _ = _find_rows(opened.read(self.pieces[piece + 1].offset - start.offset), self.blanks)
                places += [Place(start.offset + int(offsets[row]), start.line + int(lines[row])) for row in wanted]
        return places


def scan_lines(file: File, *, blanks: bytes, discard_first_row: bool) -> Layout:
    """Pass over a file and count its rows.

    Parameters
    ----------
    file : File
    blanks : bytes
        What a blank line may hold: `BLANKS`, or those of them that are not delimiters.
    discard_first_row : bool
        True to leave out the first line that is not blank, even if it is a comment.
    """
    with file.open() as opened:
        start = _first_place(opened, discard_first_row, blanks)
        pieces, rows_before = [start], [0]
        for piece in _whole_lines(opened):
            offsets, _, n_lines = _find_rows(piece, blanks)
            pieces.append(Place(pieces[-1].offset + len(piece), pieces[-1].line + n_lines))
            rows_before.append(rows_before[-1] + len(offsets))
    return Layout(file, tuple(pieces), tuple(rows_before), blanks)


def _first_place(file: IO[bytes], discard: bool, blanks: bytes) -> Place:
    """Move to where the rows may start: past a byte order mark and, if asked, past the first line that is not blank."""
    n_lines = 0
    offset = len(_BYTE_ORDER_MARK) if file.read(len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK else 0
    file.seek(offset)
    while discard:
        line = file.readline()
        offset += len(line)
        n_lines += 1
        discard = line != b"" and not line.strip(blanks + b"\n")
    return Place(offset, 1 + n_lines)


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the rest of a file in pieces that end with a line."""
    while piece := file.read(_PIECE_BYTES):
        yield piece + file.readline()


def _find_rows(piece: bytes, blanks: bytes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], int]:
    """Return where the rows of a piece start, on which of its lines each one is, and how many lines there are."""
    if not piece.endswith(b"\n"):
        piece += b"\n"
    content = np.frombuffer(piece, dtype=np.uint8)
    ends = np.flatnonzero(content == ord("\n"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    is_blank = np.zeros(256, dtype=bool)
    is_blank[list(blanks)] = True
    first = starts.copy()
    looking = np.flatnonzero(is_blank[content[first]])
    while looking.size:  # as many rounds as the most indented line has blanks; only those lines take part
        first[looking] += 1
        looking = looking[is_blank[content[first[looking]]]]
    lines = np.flatnonzero((content[first] != ord("\n")) & (content[first] != ord("#")))
    return starts[lines], lines, len(ends)
