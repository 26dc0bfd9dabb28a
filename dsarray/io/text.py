"""Load a text file of numbers: the calling process finds where lines start, tasks parse.

One task parses one row of blocks, with NumPy's reader. What travels to it is the path and a range of bytes; the file
has to be within reach of all workers.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import from_function
from dsarray._grid import offsets
from dsarray.io._lines import BLANKS, Layout, Place, scan_lines
from dsarray.io._paths import find_file

__all__ = ["load_txt_file"]

_WHERE = "load_txt_file"


def load_txt_file(
    path: str | os.PathLike[str],
    block_size: int | tuple[int, int] | None = None,
    discard_first_row: bool = False,
    col_of_index: bool = False,
    delimiter: str = ",",
    dtype: npt.DTypeLike = np.float64,
) -> Array:
    r"""Make an Array of a text file: a row for each line, and values separated by a delimiter.

    Blank lines are ignored, and so is everything from a ``#`` to the end of its line.

    Parameters
    ----------
    path : str or PathLike
        A file in UTF-8 whose lines end with ``\n`` or ``\r\n``.
    block_size : int or tuple of int, optional
        Number of rows of a block, or of rows and columns; -1 means all. By default the size of the array decides.
    discard_first_row : bool, default False
        True to leave out the first line that is not blank, such as a header, even if it is a comment.
    col_of_index : bool, default False
        True to leave out the first column, which may hold any text.
    delimiter : str, default ","
        One character; ``" "`` means any white space.
    dtype : dtype, default float64
        Type of the values: numbers, booleans, dates or strings of a fixed length.

    Returns
    -------
    Array of shape (n_rows, n_columns)
        Its blocks are parsed by the tasks that use them: don't change the file meanwhile. A value that cannot be
        parsed is an error of such a task, and names the line.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file has no rows, or the first of them cannot be parsed.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("/tmp/example.csv").write_text("a,b\n1,2\n3,4\n")
    >>> load_txt_file("/tmp/example.csv", discard_first_row=True).collect()
    array([[1., 2.],
           [3., 4.]])
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in "\r\n#":
        raise ValueError(f"{_WHERE}: delimiter={delimiter!r} is not a character; give one, or ' ' for white space.")
    blanks = BLANKS if delimiter == " " else BLANKS.replace(delimiter.encode(), b"")
    layout = scan_lines(find_file(path, _WHERE), blanks=blanks, discard_first_row=discard_first_row)
    if layout.n_rows == 0:
        raise ValueError(f"{_WHERE}: {layout.path} has no rows; give a file with at least one line of values.")
    form = _Format(str(layout.path), delimiter, blanks, _checked_dtype(dtype), skips_index=bool(col_of_index))
    n_columns = _check_first_row(layout, form)
    chunks = default_chunks((layout.n_rows, n_columns), form.dtype.itemsize, block_size, _WHERE)
    borders = offsets(chunks[0])
    places = layout.locate(borders)

    def part_of(index: tuple[int, ...]) -> tuple[Any, ...]:
        row = index[0]
        return form, places[row], places[row + 1].offset, (chunks[0][row], n_columns)

    rows = from_function(_parse_rows, (chunks[0], (n_columns,)), form.dtype, part_of)
    return rows if len(chunks[1]) == 1 else rows.rechunk(chunks)


@dataclass(frozen=True, slots=True)
class _Format:
    """What tells a reader how to read a file."""

    path: str
    delimiter: str
    blanks: bytes
    """The bytes that a blank line may hold."""
    dtype: np.dtype[Any]
    skips_index: bool
    """True if the first column is not one of the values."""

    def read(self, lines: Iterable[str], n_columns: int) -> npt.NDArray[Any]:
        """Parse lines into so many columns; raise ValueError where that cannot be done."""
        if not self.skips_index:
            values = np.loadtxt(lines, dtype=self.dtype, **self._keywords, ndmin=2)
        else:  # `usecols` would leave out the index too, but accept rows that are too long
            fields = np.dtype([("index", "U1"), ("values", self.dtype, (n_columns,))])
            values = np.loadtxt(lines, dtype=fields, **self._keywords, ndmin=1)["values"]
        if values.shape[1] != n_columns:
            raise ValueError("rows of different lengths")
        return np.ascontiguousarray(values)

    def count_columns(self, line: str) -> int:
        """Return how many values a line holds."""
        return int(np.loadtxt([line], dtype="U1", **self._keywords, ndmin=2).shape[1]) - self.skips_index

    def rows(self, content: bytes, number: int) -> Iterator[tuple[int, str]]:
        """Yield those lines of ``content`` that are rows, with their numbers; its first line has ``number``."""
        for line in io.BytesIO(content):
            stripped = line.strip(self.blanks + b"\n")
            if stripped and not stripped.startswith(b"#"):
                yield number, line.rstrip(b"\r\n").decode("utf-8", errors="surrogateescape")
            number += 1

    @property
    def _keywords(self) -> dict[str, Any]:
        return {"delimiter": None if self.delimiter == " " else self.delimiter, "comments": "#"}


def _checked_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    checked = np.dtype(dtype)
    if checked.hasobject or checked.itemsize == 0 or checked.names is not None:
        raise ValueError(
            f"{_WHERE}: dtype={dtype!r} has no fixed size or is no single value; give a type such as float64 or 'U10'."
        )
    return checked


def _check_first_row(layout: Layout, form: _Format) -> int:
    """Return the number of columns, once the first row has been parsed with success."""
    start, stop = layout.locate([0, 1])
    rows = list(form.rows(_read_bytes(form.path, start.offset, stop.offset), start.line))
    n_columns = form.count_columns(rows[0][1])
    if n_columns == 0:
        raise ValueError(
            f"{_WHERE}: {form.path}, line {start.line}: col_of_index=True leaves no column of {rows[0][1]!r}; "
            f"check delimiter={form.delimiter!r}."
        )
    _parse_or_blame(form, rows, n_columns)
    return n_columns


def _parse_rows(form: _Format, start: Place, stop: int, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Parse the rows between two places of a file."""
    content = _read_bytes(form.path, start.offset, stop)
    try:
        text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="surrogateescape")
        values = form.read(text, shape[1])
    except ValueError:  # NumPy's reader takes lines of blanks for rows; without them it may succeed
        values = _parse_or_blame(form, list(form.rows(content, start.line)), shape[1])
    if values.shape != shape:
        raise ValueError(
            f"{_WHERE}: {form.path}, from line {start.line}: {len(values)} rows instead of {shape[0]}; end lines with "
            r"\n or \r\n, and don't change the file once it is loaded."
        )
    return values


def _parse_or_blame(form: _Format, rows: list[tuple[int, str]], n_columns: int) -> npt.NDArray[Any]:
    """Parse rows; if that fails, find the first one that is to blame by halving."""
    try:
        return form.read([line for _, line in rows], n_columns)
    except ValueError as error:
        if len(rows) > 1:
            middle = len(rows) // 2
            _parse_or_blame(form, rows[:middle], n_columns)
            return _parse_or_blame(form, rows[middle:], n_columns)
        raise _blame(form, *rows[0], n_columns, error) from None


def _blame(form: _Format, number: int, line: str, n_columns: int, error: ValueError) -> ValueError:
    n_found = form.count_columns(line)
    if n_found != n_columns:
        what = f"{n_found} values where the first row has {n_columns}"
    else:
        what = re.sub(r" at row \d+, column (\d+)\.$", r" in column \1", str(error))
    excerpt = line if len(line) <= 80 else line[:77] + "..."
    return ValueError(f"{_WHERE}: {form.path}, line {number}: {what}: {excerpt!r}; correct the line or the arguments.")


def _read_bytes(path: str, start: int, stop: int) -> bytes:
    found = find_file(path, _WHERE, "put it in a folder that all workers share, under the same path")
    with found.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)
