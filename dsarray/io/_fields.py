"""Lines of text as rows of values: NumPy's reader, and the line that is to blame if it fails."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray.io._lines import BLANKS, Layout, Place
from dsarray.io._paths import File, read_range

__all__ = ["Format", "blanks_of", "check_first_row", "checked_dtype", "parse_rows"]


@dataclass(frozen=True, slots=True)
class Format:
    """What tells a reader how to read a file."""

    file: File
    delimiter: str
    blanks: bytes
    """The bytes that a blank line may hold."""
    dtype: np.dtype[Any]
    where: str
    """Who asks, for messages."""
    skips_index: bool = False
    """True if the first column is not one of the values."""
    kept: tuple[int, ...] | None = None
    """The columns that are values, where others may hold any text."""
    n_fields: int = 0
    """How many columns there are, if only some are kept."""
    quote: str | None = None

    def read(self, lines: Iterable[str], n_columns: int) -> npt.NDArray[Any]:
        """Parse lines into so many columns; raise ValueError where that cannot be done."""
        if self.kept is not None:
            return self._read_some(lines)
        if not self.skips_index:
            values = np.loadtxt(lines, dtype=self.dtype, **self.keywords, ndmin=2)
        else:  # `usecols` would leave out the index too, but accept rows that are too long
            fields = np.dtype([("index", "U1"), ("values", self.dtype, (n_columns,))])
            values = np.loadtxt(lines, dtype=fields, **self.keywords, ndmin=1)["values"]
        if values.shape[1] != n_columns:
            raise ValueError("rows of different lengths")
        return np.ascontiguousarray(values)

    def _read_some(self, lines: Iterable[str]) -> npt.NDArray[Any]:
        """Parse lines into the columns that are kept."""
        assert self.kept is not None
        fields = [(f"f{i}", self.dtype if i in self.kept else np.dtype("U1")) for i in range(self.n_fields)]
        table = np.loadtxt(lines, dtype=np.dtype(fields), **self.keywords, ndmin=1)
        values = np.empty((len(table), len(self.kept)), dtype=self.dtype)
        for position, i in enumerate(self.kept):
            values[:, position] = table[f"f{i}"]
        return values

    def count_columns(self, line: str) -> int:
        """Return how many values a line holds."""
        return int(np.loadtxt([line], dtype="U1", **self.keywords, ndmin=2).shape[1]) - self.skips_index

    def rows(self, content: bytes, number: int) -> Iterator[tuple[int, str]]:
        """Yield those lines of ``content`` that are rows, with their numbers; its first line has ``number``."""
        for line in io.BytesIO(content):
            stripped = line.strip(self.blanks + b"\n")
            if stripped and not stripped.startswith(b"#"):
                yield number, line.rstrip(b"\r\n").decode("utf-8", errors="surrogateescape")
            number += 1

    @property
    def keywords(self) -> dict[str, Any]:
        """Arguments of NumPy's reader."""
        return {
            "delimiter": None if self.delimiter == " " else self.delimiter,
            "comments": "#",
            "quotechar": self.quote,
        }


def blanks_of(delimiter: str, where: str) -> bytes:
    """Return what a blank line may hold."""
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in "\r\n#":
        raise ValueError(f"{where}: delimiter={delimiter!r} is not a character; give one, or ' ' for white space.")
    return BLANKS if delimiter == " " else BLANKS.replace(delimiter.encode(), b"")


def checked_dtype(dtype: npt.DTypeLike, where: str) -> np.dtype[Any]:
    checked = np.dtype(dtype)
    if checked.hasobject or checked.itemsize == 0 or checked.names is not None:
        raise ValueError(
            f"{where}: dtype={dtype!r} has no fixed size or is no single value; give a type such as float64 or 'U10'."
        )
    return checked


def check_first_row(layout: Layout, form: Format) -> int:
    """Return the number of columns, once the first row has been parsed with success."""
    start, stop = layout.locate([0, 1])
    rows = list(form.rows(read_range(form.file, form.where, start.offset, stop.offset), start.line))
    n_columns = form.count_columns(rows[0][1]) if form.kept is None else len(form.kept)
    if n_columns == 0:
        raise ValueError(
            f"{form.where}: {form.file}, line {start.line}: col_of_index=True leaves no column of {rows[0][1]!r}; "
            f"check delimiter={form.delimiter!r}."
        )
    _parse_or_blame(form, rows, n_columns)
    return n_columns


def parse_rows(form: Format, start: Place, stop: int, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Parse the rows between two places of a file."""
    content = read_range(form.file, form.where, start.offset, stop)
    try:
        text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="surrogateescape")
        values = form.read(text, shape[1])
    except ValueError:  # NumPy's reader takes lines of blanks for rows; without them it may succeed
        values = _parse_or_blame(form, list(form.rows(content, start.line)), shape[1])
    if values.shape != shape:
        raise ValueError(
            f"{form.where}: {form.file}, from line {start.line}: {len(values)} rows instead of {shape[0]}; end lines "
            r"with \n or \r\n, and don't change the file once it is loaded."
        )
    return values


def _parse_or_blame(form: Format, rows: list[tuple[int, str]], n_columns: int) -> npt.NDArray[Any]:
    """Parse rows; if that fails, find the first one that is to blame by halving."""
    try:
        return form.read([line for _, line in rows], n_columns)
    except ValueError as error:
        if len(rows) > 1:
            middle = len(rows) // 2
            _parse_or_blame(form, rows[:middle], n_columns)
            return _parse_or_blame(form, rows[middle:], n_columns)
        raise _blame(form, *rows[0], n_columns, error) from None


def _blame(form: Format, number: int, line: str, n_columns: int, error: ValueError) -> ValueError:
    n_found = form.count_columns(line)
    n_expected = n_columns if form.kept is None else form.n_fields
    if n_found != n_expected:
        what = f"{n_found} values where the first row has {n_expected}"
    else:
        what = re.sub(r" at row \d+, column (\d+)\.$", r" in column \1", str(error))
    excerpt = line if len(line) <= 80 else line[:77] + "..."
    return ValueError(
        f"{form.where}: {form.file}, line {number}: {what}: {excerpt!r}; correct the line or the arguments."
    )
