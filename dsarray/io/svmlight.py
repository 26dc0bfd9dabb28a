"""Load a file in svmlight's format: the calling process finds where lines start, tasks parse.

One task parses one row of blocks, with scikit-learn's reader. What travels to it is the path and a range of bytes; the
file has to be within reach of all workers.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
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

__all__ = ["load_svmlight_file"]

_WHERE = "load_svmlight_file"


def load_svmlight_file(
    path: str | os.PathLike[str],
    block_size: int | tuple[int, int] | None = None,
    n_features: int | None = None,
    store_sparse: bool = True,
) -> tuple[Array, Array]:
    r"""Make two Arrays, of samples and of labels, of a file in svmlight's (libsvm's) format.

    Each line is a label followed by pairs ``index:value``, the indices increasing. Blank lines, what follows a ``#``,
    and ``qid:`` are ignored. Indices count from 0 if any of them is 0, else from 1: the whole file decides, so all
    blocks agree.

    Parameters
    ----------
    path : str or PathLike
        A file whose lines end with ``\n`` or ``\r\n``.
    block_size : int or tuple of int, optional
        Number of rows of a block, or of rows and columns; -1 means all. By default the size of the array decides.
    n_features : int, optional
        Number of columns. By default as many as the largest index of the file asks for; give it where two files have
        to agree.
    store_sparse : bool, default True
        True for CSR blocks, False for dense ones.

    Returns
    -------
    x : Array of shape (n_rows, n_features)
        Its blocks are parsed by the tasks that use them: don't change the file meanwhile. What cannot be parsed is an
        error of such a task, and names the line.
    y : Array of shape (n_rows,)
        The labels, with the same rows in each block.

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
    if found.suffix in (".gz", ".bz2", ".xz", ".zst"):
        raise ValueError(f"{_WHERE}: {found} is compressed, so tasks cannot start in its middle; decompress it first.")
    layout = scan_lines(found, blanks=BLANKS, discard_first_row=False)
    if layout.n_rows == 0:
        raise ValueError(f"{_WHERE}: {found} has no rows; give a file with at least one line 'label index:value …'.")
    form = _decide_format(layout, n_features, is_sparse=bool(store_sparse))
    shape = (layout.n_rows, form.n_features)
    stored_bytes = max(1, found.stat().st_size // (shape[0] * shape[1])) if store_sparse else 8
    chunks = default_chunks(shape, stored_bytes, block_size, _WHERE)
    borders = offsets(chunks[0])
    places = layout.locate(borders)

    def part_of(index: tuple[int, ...]) -> tuple[Any, ...]:
        row = index[0]
        return form, places[row], places[row + 1].offset, chunks[0][row]

    rows = from_function(_parse_samples, (chunks[0], (form.n_features,)), np.float64, part_of, sparse=form.is_sparse)
    labels = from_function(_parse_labels, (chunks[0],), np.float64, part_of)
    return (rows if len(chunks[1]) == 1 else rows.rechunk(chunks)), labels


@dataclass(frozen=True, slots=True)
class _Format:
    """What tells a reader how to read a file."""

    path: str
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
            f"{_WHERE}: {layout.path}, line {line_of_largest}: index {largest} (counted from {0 if zero_based else 1}) "
            f"exceeds n_features={n_features}; give n_features={n_found} or more."
        )
    return _Format(str(layout.path), int(n_features or n_found), zero_based, is_sparse)


def _pass_over(layout: Layout) -> Iterator[tuple[int, bytes]]:
    """Yield all rows of a file, without comments, with their numbers."""
    with layout.path.open("rb") as file:
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
        raise _blame(str(layout.path), number, line, "a pair index:value has no int for an index") from None


# --- what tasks do ----------------------------------------------------------------------------------------------------


def _parse_samples(form: _Format, start: Place, stop: int, n_rows: int) -> Any:
    """Parse the samples between two places of the file into a CSR matrix or an ndarray."""
    content = _read_bytes(form.path, start.offset, stop)
    try:
        samples = form.read(content)
    except (ValueError, OverflowError) as error:
        raise _find_culprit(form, content, start.line, error) from None
    _check_n_rows(form, start, samples.shape[0], n_rows)
    return samples if form.is_sparse else samples.toarray()


def _parse_labels(form: _Format, start: Place, stop: int, n_rows: int) -> npt.NDArray[np.float64]:
    """Parse the labels of the rows between two places of the file."""
    labels: list[float] = []
    for number, line in _rows(_read_bytes(form.path, start.offset, stop), start.line):
        label = line.split(None, 1)[0]
        try:
            labels.append(float(label))
        except ValueError:
            what = f"the label {label.decode(errors='replace')!r} is no number"
            raise _blame(form.path, number, line, what) from None
    _check_n_rows(form, start, len(labels), n_rows)
    return np.array(labels)


def _check_n_rows(form: _Format, start: Place, n_found: int, n_expected: int) -> None:
    if n_found != n_expected:
        raise ValueError(
            f"{_WHERE}: {form.path}, from line {start.line}: {n_found} rows instead of {n_expected}; don't change the "
            "file once it is loaded."
        )


def _find_culprit(form: _Format, content: bytes, number: int, error: Exception) -> Exception:
    """Return an error that names the first line that cannot be parsed."""
    for line_number, line in _rows(content, number):
        try:
            form.read(line)
        except (ValueError, OverflowError) as own_error:
            return _blame(form.path, line_number, line, str(own_error).rstrip("."))
    return error


def _blame(path: str, number: int, line: bytes, what: str) -> ValueError:
    text = line.decode(errors="replace")
    excerpt = text if len(text) <= 80 else text[:77] + "..."
    return ValueError(
        f"{_WHERE}: {path}, line {number}: {what}: {excerpt!r}; write 'label index:value …' with increasing indices."
    )


def _read_bytes(path: str, start: int, stop: int) -> bytes:
    found = find_file(path, _WHERE, "put it in a folder that all workers share, under the same path")
    with found.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)
