"""Files in svmlight's format: the calling process finds where lines start, tasks parse; tasks write.

One task parses one row of blocks, with scikit-learn's reader. What travels to it is the path and a range of bytes; the
file has to be within reach of all workers.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._cell import Cell, start_cells
from dsarray._config import default_chunks
from dsarray._creation import array, from_function
from dsarray._elementwise import as_array
from dsarray._grid import Lengths, offsets
from dsarray._namespace import to_host
from dsarray._rechunk import to_chunks
from dsarray._sparse import is_sparse
from dsarray.io._lines import BLANKS, Layout, Place, scan_lines
from dsarray.io._parts import joined_parts, refuse_to_replace, wait_for_all
from dsarray.io._paths import File, claim_file, find_file, read_range, refuse_compressed

__all__ = ["load_svmlight_file", "save_svmlight_file"]

_WHERE = "load_svmlight_file"


def load_svmlight_file(
    path: str | os.PathLike[str],
    block_size: int | tuple[int, int] | None = None,
    n_features: int | None = None,
    store_sparse: bool = True,
    query_id: bool = False,
) -> tuple[Array, ...]:
    r"""Make two Arrays, of samples and of labels, of a file in svmlight's (libsvm's) format.

    Each line is a label followed by pairs ``index:value``, the indices increasing. Blank lines, what follows a ``#``,
    and ``qid:`` (unless ``query_id``) are ignored. Indices count from 0 if any of them is 0, else from 1: the whole
    file decides, so all blocks agree.

    Parameters
    ----------
    path : str or PathLike
        Path or URL of a file whose lines end with ``\n`` or ``\r\n``.
    block_size : int or tuple of int, optional
        Number of rows of a block, or of rows and columns; -1 means all. By default the size of the array decides.
    n_features : int, optional
        Number of columns. By default as many as the largest index of the file asks for; give it where two files have
        to agree.
    store_sparse : bool, default True
        True for CSR blocks, False for dense ones.
    query_id : bool, default False
        True to return the query of each row, too.

    Returns
    -------
    x : Array of shape (n_rows, n_features)
        Its blocks are parsed by the tasks that use them: don't change the file meanwhile. What cannot be parsed is an
        error of such a task, and names the line.
    y : Array of shape (n_rows,)
        The labels, with the same rows in each block. A line has one: several, as in ``1,3 …``, are an error.
    q : Array of shape (n_rows,)
        The numbers after ``qid:``, if ``query_id`` is True. A line without is an error of the task.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file has no rows, or an index that exceeds ``n_features`` or that is not one.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("/tmp/example.svm").write_text("1 1:0.5 3:2\n-1 2:4\n")
    >>> x, y = load_svmlight_file("/tmp/example.svm", store_sparse=False)
    >>> x.collect()
    array([[0.5, 0. , 2. ],
           [0. , 4. , 0. ]])
    >>> y.collect()
    array([ 1., -1.])
    """
    _check_n_features(n_features)
    found = find_file(path, _WHERE)
    refuse_compressed(found, _WHERE)
    layout = scan_lines(found, blanks=BLANKS, discard_first_row=False)
    if layout.n_rows == 0:
        raise ValueError(f"{_WHERE}: {found} has no rows; give a file with at least one line 'label index:value …'.")
    form = _decide_format(layout, n_features, is_sparse=bool(store_sparse))
    shape = (layout.n_rows, form.n_features)
    stored_bytes = max(1, found.size // (shape[0] * shape[1])) if store_sparse else 8
    chunks = default_chunks(shape, stored_bytes, block_size, _WHERE)
    borders = offsets(chunks[0])
    places = layout.locate(borders)

    def part_of(index: tuple[int, ...]) -> tuple[Any, ...]:
        row = index[0]
        return form, places[row], places[row + 1].offset, chunks[0][row]

    rows = from_function(_parse_samples, (chunks[0], (form.n_features,)), np.float64, part_of, sparse=form.is_sparse)
    labels = from_function(_parse_labels, (chunks[0],), np.float64, part_of)
    found_arrays = (rows if len(chunks[1]) == 1 else rows.rechunk(chunks)), labels
    if not query_id:
        return found_arrays
    return *found_arrays, from_function(_parse_queries, (chunks[0],), np.int64, part_of)


def save_svmlight_file(
    x: Any,
    y: Any,
    path: str | os.PathLike[str],
    *,
    zero_based: bool = True,
    query_id: Any = None,
    overwrite: bool = False,
) -> None:
    """Write samples and labels in svmlight's (libsvm's) format; tasks write the rows, and leave zeros out.

    Values have 16 digits, as scikit-learn writes them: the last bit may change. Tasks write parts in the folder of the
    file, the calling process joins these, and the file takes its name when all of it is written.

    Parameters
    ----------
    x : Array or array_like of shape (n_rows, n_columns)
        Dense or sparse.
    y : Array or array_like of shape (n_rows,) or (n_rows, 1)
        The labels.
    path : str or PathLike
        A local path within reach of all workers.
    zero_based : bool, default True
        True to count columns from 0, False from 1. A file in which no row has the first column is read as if counted
        from 1, unless the reader is told: scikit-learn's is, by its ``zero_based``; ours decides by the file.
    query_id : Array or array_like of shape (n_rows,), optional
        The query of each row.
    overwrite : bool
        True to replace what is there.

    Raises
    ------
    FileExistsError
        When there is such a file, and ``overwrite`` is False.
    ValueError
        When the shapes do not fit, ``path`` is a URL, or an array is read from this very file.
    """
    where = "save_svmlight_file"
    samples = x if isinstance(x, Array) else array(x)
    if samples.ndim != 2:
        raise ValueError(f"{where}: x has {samples.ndim} axes; give rows and columns.")
    lengths = samples.chunks[0]
    columns = [to_chunks(samples, (lengths, (samples.shape[1],)))]
    for name, given in (("y", y), ("query_id", query_id)):
        if given is not None:
            columns.append(_as_column(given, name, lengths))
    place = claim_file(path, where, overwrite=overwrite)
    for column in columns:
        refuse_to_replace(column, place, where)
    with joined_parts(place, where, len(lengths)) as folder:
        wait_for_all(
            start_cells(
                Cell.of(_write_lines, folder.child(str(number)), bool(zero_based), *cells)
                for number, cells in enumerate(zip(*(column._cells.flat for column in columns), strict=True))
            )
        )


def _as_column(given: Any, name: str, lengths: Lengths) -> Array:
    column = as_array(given)
    n_rows = sum(lengths)
    if column.sparse or column.shape not in ((n_rows,), (n_rows, 1)):
        raise ValueError(
            f"save_svmlight_file: {name} has shape {column.shape} for {n_rows} rows of x; give one value a row, dense."
        )
    if name == "query_id" and column.dtype.kind not in "iu":
        raise ValueError(f"save_svmlight_file: query_id has dtype {column.dtype}; give ints.")
    return to_chunks(column if column.ndim == 1 else column[:, 0], (lengths,))


def _write_lines(file: File, zero_based: bool, x: Any, y: Any, queries: Any = None) -> None:
    """Write some rows, with scikit-learn's writer."""
    from sklearn.datasets import dump_svmlight_file

    queries = None if queries is None else np.array(to_host(queries), dtype=np.int64)
    x = to_host(x)
    x = x.copy() if is_sparse(x) else x  # the writer refuses read-only matrices
    with file.open("wb") as opened:
        if x.shape[0]:
            dump_svmlight_file(x, to_host(y), opened, zero_based=zero_based, query_id=queries)


@dataclass(frozen=True, slots=True)
class _Format:
    """What tells a reader how to read a file."""

    file: File
    n_features: int
    """Number of columns."""
    zero_based: bool
    """True if the first column has the index 0 in the file, False if it has 1."""
    is_sparse: bool
    """True for CSR blocks."""

    def read(self, content: bytes) -> Any:
        """Parse whole lines into a CSR matrix; raise ValueError or OverflowError where that cannot be done."""
        from sklearn.datasets import load_svmlight_file as read_svmlight

        samples, _ = read_svmlight(io.BytesIO(content), n_features=self.n_features, zero_based=self.zero_based)
        samples.indices = samples.indices.astype(np.int32, copy=False)  # the only ones that scikit-learn's SVMs take
        samples.indptr = samples.indptr.astype(np.int32, copy=False)
        return samples


def _check_n_features(n_features: int | None) -> None:
    if n_features is None:
        return
    if isinstance(n_features, bool) or not hasattr(n_features, "__index__") or n_features < 1:
        raise ValueError(
            f"{_WHERE}: n_features={n_features!r} is not a number of columns; give an int of at least 1, or None to "
            "have it found."
        )


# --- the pass over the file -------------------------------------------------------------------------------------------


def _decide_format(layout: Layout, n_features: int | None, *, is_sparse: bool) -> _Format:
    """Find the smallest and the largest index: as the indices of a line increase, its first and last pair tell."""
    smallest: int | None = None
    largest, line_of_largest = 0, 0
    for number, line in _pass_over(layout):
        first, last = _first_and_last_index(layout, number, line)
        if first is None or last is None:
            continue
        smallest = first if smallest is None else min(smallest, first)
        if last > largest:
            largest, line_of_largest = last, number
    zero_based = not smallest  # without any pair, it does not matter
    n_found = largest + zero_based
    if n_features is not None and n_found > n_features:
        raise ValueError(
            f"{_WHERE}: {layout.file}, line {line_of_largest}: index {largest} (counted from {0 if zero_based else 1}) "
            f"exceeds n_features={n_features}; give n_features={n_found} or more."
        )
    return _Format(layout.file, int(n_features or n_found), zero_based, is_sparse)


def _pass_over(layout: Layout) -> Iterator[tuple[int, bytes]]:
    """Yield all rows of a file, without comments, with their numbers."""
    with layout.file.open() as file:
        for start, stop in zip(layout.pieces, layout.pieces[1:], strict=False):
            file.seek(start.offset)
            yield from _rows(file.read(stop.offset - start.offset), start.line)


def _rows(content: bytes, number: int) -> Iterator[tuple[int, bytes]]:
    """Yield those lines of ``content`` that are rows, without comments; its first line has ``number``."""
    for line in content.split(b"\n"):
        stripped = line.partition(b"#")[0].strip() if b"#" in line else line.strip()
        if stripped:
            yield number, stripped
        number += 1


def _first_and_last_index(layout: Layout, number: int, line: bytes) -> tuple[int | None, int | None]:
    """Return the first and the last index of a row, or None twice if it has no pairs."""
    parts = line.split(None, 2)[1:]
    if parts and parts[0].startswith(b"qid"):
        parts = parts[1].split(None, 1) if len(parts) > 1 else []
    if not parts:
        return None, None
    last = parts[-1].rsplit(None, 1)[-1]
    try:
        return int(parts[0].partition(b":")[0]), int(last.partition(b":")[0])
    except ValueError:
        raise _blame(layout.file, number, line, "a pair index:value has no int for an index") from None


# --- what tasks do ----------------------------------------------------------------------------------------------------


def _parse_samples(form: _Format, start: Place, stop: int, n_rows: int) -> Any:
    """Parse the samples between two places of the file into a CSR matrix or an ndarray."""
    content = read_range(form.file, _WHERE, start.offset, stop)
    try:
        samples = form.read(content)
    except (ValueError, OverflowError) as error:
        raise _find_culprit(form, content, start.line, error) from None
    _check_n_rows(form, start, samples.shape[0], n_rows)
    return samples if form.is_sparse else samples.toarray()


def _parse_labels(form: _Format, start: Place, stop: int, n_rows: int) -> npt.NDArray[np.float64]:
    """Parse the labels of the rows between two places of the file."""
    labels: list[float] = []
    for number, line in _rows(read_range(form.file, _WHERE, start.offset, stop), start.line):
        label = line.split(None, 1)[0]
        try:
            labels.append(float(label))
        except ValueError:
            what = f"the label {label.decode(errors='replace')!r} is no number"
            raise _blame(form.file, number, line, what) from None
    _check_n_rows(form, start, len(labels), n_rows)
    return np.array(labels)


def _parse_queries(form: _Format, start: Place, stop: int, n_rows: int) -> npt.NDArray[np.int64]:
    """Parse the queries of the rows between two places of the file."""
    queries: list[int] = []
    for number, line in _rows(read_range(form.file, _WHERE, start.offset, stop), start.line):
        found = re.match(rb"\S+\s+qid:(-?\d+)(\s|$)", line)
        if found is None:
            raise _blame(form.file, number, line, "there is no 'qid:' with an int after the label")
        queries.append(int(found[1]))
    _check_n_rows(form, start, len(queries), n_rows)
    return np.array(queries, dtype=np.int64)


def _check_n_rows(form: _Format, start: Place, n_found: int, n_expected: int) -> None:
    if n_found != n_expected:
        raise ValueError(
            f"{_WHERE}: {form.file}, from line {start.line}: {n_found} rows instead of {n_expected}; don't change the "
            "file once it is loaded."
        )


def _find_culprit(form: _Format, content: bytes, number: int, error: Exception) -> Exception:
    """Return an error that names the first line that cannot be parsed."""
    for line_number, line in _rows(content, number):
        try:
            form.read(line)
        except (ValueError, OverflowError) as own_error:
            return _blame(form.file, line_number, line, str(own_error).rstrip("."))
    return error


def _blame(file: File, number: int, line: bytes, what: str) -> ValueError:
    text = line.decode(errors="replace")
    excerpt = text if len(text) <= 80 else text[:77] + "..."
    return ValueError(
        f"{_WHERE}: {file}, line {number}: {what}: {excerpt!r}; write 'label index:value …' with increasing indices."
    )
