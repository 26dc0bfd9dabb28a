"""CSV files: parsed by the tasks that use them, written by the tasks that compute them.

What travels to a task is the path and a range of bytes; blocks that are read are not kept.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._grid import Lengths, offsets
from dsarray._rechunk import to_chunks
from dsarray._registry import implements
from dsarray.io._fields import Format, blanks_of, check_first_row, checked_dtype, parse_rows
from dsarray.io._lines import Layout, scan_lines
from dsarray.io._parts import dense_array, from_readings, joined_parts, refuse_to_replace, write_parts
from dsarray.io._paths import File, claim_file, find_files, place_of, read_range, refuse_compressed

__all__ = ["from_csv", "to_csv"]

BEGINNING_BYTES = 1 << 16
"""The first line of a file is looked for in so many bytes."""


def from_csv(
    path: Any,
    columns: Sequence[str] | Sequence[int] | None = None,
    *,
    block_size: int | tuple[int, int] | None = None,
    delimiter: str = ",",
    header: bool | None = None,
    dtype: npt.DTypeLike = np.float64,
) -> Array:
    r"""Make an Array of columns of numbers of CSV files, which may be larger than memory.

    Blank lines are ignored, and so is everything from a ``#`` to the end of its line. Values may stand in double
    quotes, which must not hold the end of a line.

    Parameters
    ----------
    path : str, PathLike or list of them
        A file, a folder (its ``*.csv``), a pattern with ``*``, or a list of files: paths or URLs of files in UTF-8, not
        compressed, whose lines end with ``\n`` or ``\r\n``. The files follow each other in the order of their names, or
        of the list.
    columns : sequence of str or of int, optional
        Which columns, in this order; the others may hold any text. By default all.
    block_size : int or tuple of int, optional
        Number of rows of a block, or of rows and columns; -1 means all. By default the size of the array decides. A
        block ends where its file ends.
    delimiter : str, default ","
        One character; ``" "`` means any white space.
    header : bool, optional
        Whether the first line of each file that is not blank holds the names of the columns. By default it does if
        columns are given by name, or the line does not hold values of the type that is read.
    dtype : dtype, default float64
        Type of the values: numbers, booleans, dates or strings of a fixed length.

    Returns
    -------
    Array of shape (n_rows, n_columns)
        Each task that needs a block parses it, and no block is kept: don't change the files meanwhile. A value that
        cannot be parsed, a missing one too, is an error of such a task, and names the file and the line.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When a file has no rows, the first of them cannot be parsed, or a column is missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("/tmp/example_named.csv").write_text("name,width,height\na,1,2\nb,3,4\n")
    >>> from_csv("/tmp/example_named.csv", ["height", "width"]).collect()
    array([[2., 1.],
           [4., 3.]])
    """
    where = "from_csv"
    blanks = blanks_of(delimiter, where)
    wanted = checked_dtype(dtype, where)
    tables: list[tuple[Format, Layout]] = []
    widths: list[int] = []
    for file in find_files(path, where, "*.csv"):
        refuse_compressed(file, where)
        plain = Format(file, delimiter, blanks, wanted, where, quote='"')
        has_names = _has_names(plain, columns) if header is None else header
        layout = scan_lines(file, blanks=blanks, discard_first_row=has_names)
        if layout.n_rows == 0:
            raise ValueError(f"{where}: {file} has no rows; give a file with at least one line of values.")
        form = plain if columns is None else _choose(plain, layout, columns, header=has_names)
        widths.append(check_first_row(layout, form))
        if widths[-1] != widths[0]:
            raise ValueError(f"{where}: {file} has {widths[-1]} columns, not {widths[0]} as the others; name columns.")
        tables.append((form, layout))
    shape = (sum(layout.n_rows for _, layout in tables), widths[0])
    chunks = default_chunks(shape, wanted.itemsize, block_size, where)
    sources, lengths = _cut_tables(tables, chunks[0], widths[0])
    found = iter(sources)
    rows = from_readings(_read_rows, lambda _: next(found), (lengths, (widths[0],)), wanted)
    return to_chunks(rows, (lengths, chunks[1]))


def _has_names(plain: Format, columns: Sequence[Any] | None) -> bool:
    """Whether the first line of a file holds names: of columns, or at least not values."""
    if any(isinstance(column, str) for column in columns or ()):
        return True
    beginning = read_range(plain.file, plain.where, 0, BEGINNING_BYTES).removeprefix(b"\xef\xbb\xbf")
    first = next((line for _, line in plain.rows(beginning, 1)), None)
    if first is None:
        return False
    wanted = None if columns is None else list(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            np.loadtxt([first], dtype=plain.dtype, usecols=wanted, **plain.keywords)
        except (ValueError, IndexError, UserWarning):
            return True
    return False


def _choose(plain: Format, layout: Layout, columns: Sequence[Any], *, header: bool) -> Format:
    """Return a format that keeps some columns, by name or by position."""
    start, stop = layout.locate([0, 1])
    first = list(plain.rows(read_range(plain.file, plain.where, start.offset, stop.offset), start.line))
    n_fields = plain.count_columns(first[0][1])
    names: list[str] = []
    if header:
        line = read_range(plain.file, plain.where, 0, start.offset).decode("utf-8-sig").strip("\r\n \t").lstrip("# ")
        names = [str(name).strip() for name in np.loadtxt([line], dtype=f"U{len(line) + 1}", **plain.keywords, ndmin=1)]
    kept = []
    for column in columns:
        if isinstance(column, str):
            if column not in names:
                there = ", ".join(names) or "no names: header=False"
                raise ValueError(f"{plain.where}: {plain.file} has no column {column!r}; it has {there}.")
            kept.append(names.index(column))
        else:
            if not -n_fields <= column < n_fields:
                raise ValueError(f"{plain.where}: {plain.file} has {n_fields} columns; there is no column {column}.")
            kept.append(column % n_fields)
    if not kept:
        raise ValueError(f"{plain.where}: columns={columns!r} names no column; name one or leave it out.")
    return replace(plain, kept=tuple(kept), n_fields=n_fields)


def _cut_tables(
    tables: Sequence[tuple[Format, Layout]], lengths: Lengths, n_columns: int
) -> tuple[list[tuple[Any, ...]], Lengths]:
    """Return where the blocks of files are, and how many rows each has, once blocks also end where a file ends."""
    ends = offsets(tuple(layout.n_rows for _, layout in tables))
    borders = sorted({*offsets(lengths), *ends})
    sources: list[tuple[Any, ...]] = []
    for (form, layout), first, last in zip(tables, ends, ends[1:], strict=False):
        own = [border for border in borders if first <= border <= last]
        places = layout.locate([border - first for border in own])
        for place, stop, row, end in zip(places, places[1:], own, own[1:], strict=False):
            sources.append((form.file, form, place, stop.offset, row, (end - row, n_columns)))
    return sources, tuple(source[-1][0] for source in sources)


def to_csv(
    array: Any,
    path: str | os.PathLike[str],
    *,
    delimiter: str = ",",
    columns: Sequence[str] | None = None,
    fmt: str | None = None,
    overwrite: bool = False,
) -> None:
    r"""Write an array as text: a line for each row; each row of blocks is written by the task that computes it.

    Parameters
    ----------
    array : Array or array_like
        With one axis, which makes a column, or two.
    path : str or PathLike
        Within reach of all workers. With a ``*`` in its name there is a file for each row of blocks, with its number in
        place of the star, and ``path`` may be a URL. Without, tasks write parts in the folder of the file, the calling
        process joins these, and the file takes its name when all of it is written.
    delimiter : str, default ","
    columns : sequence of str, optional
        Names of the columns, for a first line.
    fmt : str, optional
        How to write a value, as in `numpy.savetxt`: "%.3f" say. By default as short as makes the same value again;
        booleans as 0 and 1.
    overwrite : bool
        True to replace what is there.

    Raises
    ------
    FileExistsError
        When there is such a file, and ``overwrite`` is False.
    TypeError
        When the array is sparse.
    ValueError
        When it has another number of axes, or ``path`` is the URL of one file, or the array is read from it.

    Examples
    --------
    >>> import dsarray as ds
    >>> to_csv(ds.eye(2), "/tmp/example_eye.csv", columns=["a", "b"], overwrite=True)
    >>> from pathlib import Path
    >>> Path("/tmp/example_eye.csv").read_text()
    'a,b\n1.0,0.0\n0.0,1.0\n'
    """
    rows = _rows_to_write(array, "to_csv")
    n_columns = 1 if rows.ndim == 1 else rows.shape[1]
    if columns is not None and len(columns) != n_columns:
        raise ValueError(f"to_csv: columns={list(columns)} for {n_columns} columns; give as many names.")
    header = b"" if columns is None else (delimiter.join(columns) + "\n").encode()
    style = {"delimiter": delimiter, "fmt": fmt}
    place = place_of(path, "to_csv")
    if "*" not in place.text:
        _write_joined(rows, place, style, header, b"", overwrite=overwrite, where="to_csv")
        return
    old = place.glob()
    if old and not overwrite:
        raise FileExistsError(f"to_csv: there are {len(old)} files {place}; give another path, or overwrite=True.")
    for file in old:
        refuse_to_replace(rows, file, "to_csv")
    for file in old:
        file.remove()
    File(place.text.rpartition("/")[0]).make_folder()
    n_digits = max(5, len(str(rows.n_blocks)))
    write_parts(_write_lines, rows, lambda n, _: (File(place.text.replace("*", f"{n:0{n_digits}}")), style, header))


@implements(np.savetxt)
def _savetxt(
    fname: Any,
    X: Any,  # noqa: N803 - NumPy's name
    fmt: Any = "%.18e",
    delimiter: str = " ",
    newline: str = "\n",
    header: str = "",
    footer: str = "",
    comments: str = "# ",
    encoding: str | None = None,
) -> None:
    if not isinstance(fname, (str, os.PathLike)) or os.fspath(fname).endswith((".gz", ".xz", ".bz2")):
        raise TypeError("np.savetxt: an Array is written to a path, not compressed; give one.")
    style = {"delimiter": delimiter, "fmt": fmt, "newline": newline, "encoding": encoding}
    before, after = (_commented(text, comments, newline).encode(encoding or "latin1") for text in (header, footer))
    place = place_of(fname, "np.savetxt")
    _write_joined(_rows_to_write(X, "np.savetxt"), place, style, before, after, overwrite=True, where="np.savetxt")


def _commented(text: str, comments: str, newline: str) -> str:
    return comments + text.replace("\n", "\n" + comments) + newline if text else ""


def _rows_to_write(array: Any, where: str) -> Array:
    a = dense_array(array, where)
    if a.ndim not in (1, 2):
        raise ValueError(f"{where}: the array has {a.ndim} axes, expected 1 or 2; reshape it to rows and columns.")
    return to_chunks(a, (a.chunks[0], *((length,) for length in a.shape[1:])))


def _write_joined(
    rows: Array, path: File, style: dict[str, Any], before: bytes, after: bytes, *, overwrite: bool, where: str
) -> None:
    """Write parts of a file, and join them."""
    place = claim_file(path, where, overwrite=overwrite)
    refuse_to_replace(rows, place, where)
    with joined_parts(place, where, rows.n_blocks, before, after) as folder:
        write_parts(_write_lines, rows, lambda number, _: (folder.child(str(number)), style, b""))


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_rows(source: tuple[Any, ...], part: tuple[slice, ...]) -> npt.NDArray[Any]:
    """Parse the rows of a block, and take a part of them."""
    _, form, place, stop, first, shape = source
    rows = parse_rows(form, place, stop, shape)
    return rows[part[0].start - first : part[0].stop - first, part[1]]


def _write_lines(block: npt.NDArray[Any], file: File, style: dict[str, Any], header: bytes) -> None:
    """Write the lines of some rows."""
    form = dict(style)
    if form["fmt"] is None:
        form["fmt"] = "%d" if block.dtype.kind == "b" else "%s"
        form["encoding"] = "utf-8"
        if block.dtype.kind in "US":
            _check_strings(block.astype(str), form["delimiter"], file)
    with file.open("wb") as opened:
        opened.write(header)
        if len(block):
            np.savetxt(opened, block, **form)


def _check_strings(block: npt.NDArray[Any], delimiter: str, file: File) -> None:
    """Raise ValueError for a string that would not be read as one value again."""
    for taken in (delimiter, "\n", "\r", '"', "#"):
        found = np.char.find(block, taken) >= 0
        if found.any():
            raise ValueError(
                f"to_csv: {file}: the string {str(block[found][0])!r} holds {taken!r}; give another delimiter=, or "
                "fmt='%s' to write it nevertheless."
            )
