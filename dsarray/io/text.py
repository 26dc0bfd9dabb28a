"""Text files of numbers: the calling process finds where lines start, tasks parse.

One task parses one row of blocks. What travels to it is the path and a range of bytes; the file has to be within reach
of all workers.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import from_function
from dsarray._grid import offsets
from dsarray.io._fields import Format, blanks_of, check_first_row, checked_dtype, parse_rows
from dsarray.io._lines import scan_lines
from dsarray.io._paths import find_file, refuse_compressed

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

    Blank lines are ignored, and so is everything from a ``#`` to the end of its line. Blocks that have been parsed are
    kept, unlike with `from_csv`.

    Parameters
    ----------
    path : str or PathLike
        Path or URL of a file in UTF-8 whose lines end with ``\n`` or ``\r\n``.
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
    TypeError
        When ``discard_first_row`` or ``col_of_index`` is not True or False.
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
    _check_flag("discard_first_row", discard_first_row)
    _check_flag("col_of_index", col_of_index)
    blanks = blanks_of(delimiter, _WHERE)
    found = find_file(path, _WHERE)
    refuse_compressed(found, _WHERE)
    layout = scan_lines(found, blanks=blanks, discard_first_row=discard_first_row)
    if layout.n_rows == 0:
        raise ValueError(f"{_WHERE}: {layout.file} has no rows; give a file with at least one line of values.")
    form = Format(layout.file, delimiter, blanks, checked_dtype(dtype, _WHERE), _WHERE, skips_index=bool(col_of_index))
    n_columns = check_first_row(layout, form)
    chunks = default_chunks((layout.n_rows, n_columns), form.dtype.itemsize, block_size, _WHERE)
    borders = offsets(chunks[0])
    places = layout.locate(borders)

    def part_of(index: tuple[int, ...]) -> tuple[Any, ...]:
        row = index[0]
        return form, places[row], places[row + 1].offset, (chunks[0][row], n_columns)

    rows = from_function(parse_rows, (chunks[0], (n_columns,)), form.dtype, part_of)
    return rows if len(chunks[1]) == 1 else rows.rechunk(chunks)


def _check_flag(name: str, value: Any) -> None:
    """Raise TypeError for a delimiter in the place of a flag, which it would set."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"{_WHERE}: {name}={value!r} is not True or False; the delimiter is given by name, as delimiter=','."
        )
