"""Parquet files: row groups are read by the tasks that use them, rows of blocks written by the tasks that compute them.

What travels to a task is the paths and the numbers of its row groups; blocks that are read are not kept. This file is
the only one that names pyarrow.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._grid import Chunks
from dsarray._rechunk import to_chunks
from dsarray.io._parts import dense_array, from_readings, refuse_to_replace, target_bytes, write_parts
from dsarray.io._paths import SHARED, File, find_file, find_files, place_of

__all__ = ["from_parquet", "to_parquet"]


class _Group(NamedTuple):
    """A row group."""

    file: File
    number: int
    start: int
    """Number of rows before it, in all files."""
    n_rows: int


def from_parquet(
    path: Any,
    columns: str | Sequence[str] | None = None,
    *,
    block_size: int | tuple[int, ...] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Array:
    """Make an Array of columns of numbers or times of Parquet files, which may be larger than memory.

    Parameters
    ----------
    path : str, PathLike or list of them
        A file, a folder (its ``*.parquet``), a pattern with ``*``, or a list of files: paths or URLs. The files follow
        each other in the order of their names, or of the list.
    columns : str or sequence of str, optional
        Which columns, in this order; by default all of them. A single name gives an array of one axis.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis. By default a block is made
        of whole row groups, as many as fit into 32 MB; a block that is less reads all of its row group.
    dtype : dtype, optional
        Type of the elements. By default the one that holds the values of all columns, as `numpy.result_type` says,
        where a column of integers that lack values counts as float64. Dates and durations keep their unit.

    Returns
    -------
    Array of shape (n_rows, n_columns) or (n_rows,)
        Missing values are NaN or NaT. Each task that needs a block reads it, and no block is kept: don't change the
        files meanwhile.

    Raises
    ------
    ImportError
        When pyarrow is not installed.
    FileNotFoundError
        When there is no such file.
    TypeError
        When a column holds neither numbers nor times, or some columns hold numbers and others times.
    ValueError
        When a column is missing, or files differ in their columns.

    Examples
    --------
    >>> import dsarray as ds
    >>> ds.to_parquet(ds.ones((6, 2), block_size=3), "/tmp/example_parquet", columns=["a", "b"], overwrite=True)
    >>> ds.from_parquet("/tmp/example_parquet", "b").sum().item()
    6.0
    """
    files = find_files(path, "from_parquet", "*.parquet")
    names = [columns] if isinstance(columns, str) else columns if columns is None else list(columns)
    groups, names, found = _survey(files, names)
    wanted = found if dtype is None else np.dtype(dtype)
    lengths = _group_lengths([group.n_rows for group in groups], len(names) * wanted.itemsize)
    chunks: Chunks = (lengths,) if isinstance(columns, str) else (lengths, (len(names),))

    def source_of(part: tuple[slice, ...]) -> tuple[Any, ...]:
        rows = part[0]
        own = [each for each in groups if each.start < rows.stop and each.start + each.n_rows > rows.start]
        return tuple(own), tuple(names), wanted

    a = from_readings(_read_rows, source_of, chunks, wanted)
    return to_chunks(a, default_chunks(a.shape, wanted.itemsize, block_size, "from_parquet", lambda *_: a.chunks))


def to_parquet(
    array: Any, folder: str | os.PathLike[str], columns: Sequence[str] | None = None, *, overwrite: bool = False
) -> None:
    """Write an array to Parquet files in a folder: one for each row of blocks, by the task that computes it.

    Parameters
    ----------
    array : Array or array_like
        With one axis, of which a column is made, or two. Dates in seconds are written in milliseconds, which is what
        the format has.
    folder : str or PathLike
        Path or URL of a folder within reach of all workers. Its files are called ``part-00000.parquet`` and so on.
    columns : sequence of str, optional
        Names of the columns; by default "0", "1" and so on.
    overwrite : bool
        True to remove the ``*.parquet`` of the folder first.

    Raises
    ------
    ImportError
        When pyarrow is not installed.
    FileExistsError
        When the folder has such files, and ``overwrite`` is False.
    TypeError
        When the array is sparse, or its dtype is one that the format does not have.
    ValueError
        When it has another number of axes, or no column, or the array is read from the folder.
    """
    _import_pyarrow()
    a = dense_array(array, "to_parquet")
    if a.ndim not in (1, 2):
        raise ValueError(f"to_parquet: the array has {a.ndim} axes; reshape it to rows and columns.")
    _check_dtype(a.dtype)
    n_columns = 1 if a.ndim == 1 else a.shape[1]
    names = [str(i) for i in range(n_columns)] if columns is None else [*columns]
    if len(names) != n_columns or len(set(names)) != n_columns or not all(isinstance(name, str) for name in names):
        raise ValueError(f"to_parquet: columns={names} for {n_columns} columns; give as many different names.")
    if not names:
        raise ValueError(f"to_parquet: an array of shape {a.shape} has no column, and the files would have no rows.")
    place = place_of(folder, "to_parquet")
    old = place.child("*.parquet").glob() if place.exists else []
    for file in old:
        refuse_to_replace(a, file, "to_parquet")
    if old and not overwrite:
        raise FileExistsError(f"to_parquet: {place} has {len(old)} Parquet files; give another, or overwrite=True.")
    place.make_folder()
    for file in old:
        file.remove()
    rows = to_chunks(a, (a.chunks[0], *((length,) for length in a.shape[1:])))
    n_digits = max(5, len(str(rows.n_blocks)))
    write_parts(_write_rows, rows, lambda number, _: (place.child(f"part-{number:0{n_digits}}.parquet"), tuple(names)))


def _check_dtype(dtype: np.dtype[Any]) -> None:
    unit = np.datetime_data(dtype)[0] if dtype.kind in "mM" else None
    known = (None, "s", "ms", "us", "ns", *("D",) * (dtype.kind == "M"))
    if dtype.kind == "c" or unit not in known or (unit and np.datetime_data(dtype)[1] != 1):
        raise TypeError(f"to_parquet: dtype {dtype} is not one that Parquet has; convert it with astype() first.")


def _import_pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("Parquet files need the package pyarrow: pip install 'dsflow[parquet]'.") from error
    return pyarrow


# --- what files say ---------------------------------------------------------------------------------------------------


def _survey(files: Iterable[File], names: list[str] | None) -> tuple[list[_Group], list[str], np.dtype[Any]]:
    """Return the row groups of files, the names of the columns, and the type that holds them all."""
    groups: list[_Group] = []
    kinds: list[np.dtype[Any]] = []
    start = 0
    parquet = _import_pyarrow().parquet
    for file in files:
        with file.open() as opened:
            metadata = _read_metadata(parquet, opened, file)
            schema = metadata.schema.to_arrow_schema()
            names = schema.names if names is None else names
            positions = _positions(metadata, schema, names, file)
            for number in range(metadata.num_row_groups):
                group = metadata.row_group(number)
                kinds += [_kind(schema.field(name).type, group.column(i), name, file) for name, i in positions.items()]
                groups.append(_Group(file, number, start, group.num_rows))
                start += group.num_rows
            if not metadata.num_row_groups:
                kinds += [_kind(schema.field(name).type, None, name, file) for name in positions]
    assert names is not None
    if not names:
        raise ValueError("from_parquet: there are no columns; give at least one in columns=.")
    if len({kind.kind if kind.kind in "mM" else "number" for kind in kinds}) > 1:
        found = ", ".join(sorted({str(kind) for kind in kinds}))
        raise TypeError(f"from_parquet: columns hold {found}, which no one dtype holds; choose some in columns=.")
    return groups, names, np.result_type(*set(kinds))


def _read_metadata(parquet: Any, opened: Any, file: File) -> Any:
    try:
        return parquet.read_metadata(opened)
    except OSError as error:  # pyarrow's ArrowInvalid is a ValueError
        raise ValueError(f"from_parquet: {file} cannot be read: {error}") from error
    except ValueError as error:
        raise ValueError(f"from_parquet: {file} is not a Parquet file: {error}") from error


def _positions(metadata: Any, schema: Any, names: Sequence[str], file: File) -> dict[str, int]:
    """Return where columns are in a row group."""
    paths = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
    missing = [name for name in names if name not in schema.names]
    if missing:
        raise ValueError(f"from_parquet: {file} has no column {missing[0]!r}; it has {', '.join(schema.names)}.")
    nested = [name for name in names if name not in paths]
    if nested:
        raise TypeError(f"from_parquet: {file}: column {nested[0]!r} does not hold single numbers; leave it out.")
    return {name: paths[name] for name in names}


def _kind(arrow_type: Any, column: Any, name: str, file: File) -> np.dtype[Any]:
    """Return the type of a column's elements as an ndarray."""
    types = _import_pyarrow().types
    if (types.is_timestamp(arrow_type) and arrow_type.tz is None) or types.is_duration(arrow_type):
        return np.dtype(f"{'M' if types.is_timestamp(arrow_type) else 'm'}8[{arrow_type.unit}]")
    if types.is_date(arrow_type):
        return np.dtype("M8[D]" if types.is_date32(arrow_type) else "M8[ms]")
    is_number = types.is_integer(arrow_type) or types.is_floating(arrow_type) or types.is_boolean(arrow_type)
    if not is_number:
        raise TypeError(
            f"from_parquet: {file}: column {name!r} holds {arrow_type}, not numbers; name others in columns=."
        )
    found = np.dtype(arrow_type.to_pandas_dtype())
    statistics = column.statistics if column is not None else None
    lacks_values = statistics is not None and statistics.has_null_count and statistics.null_count > 0
    return np.dtype(np.float64) if lacks_values and found.kind != "f" else found


def _group_lengths(n_rows: Sequence[int], row_bytes: int) -> tuple[int, ...]:
    """Return the lengths of blocks that are made of whole row groups that follow each other."""
    target = target_bytes(sum(n_rows) * row_bytes)
    lengths: list[int] = []
    for rows in n_rows:
        if lengths and (lengths[-1] + rows) * row_bytes <= target:
            lengths[-1] += rows
        else:
            lengths.append(rows)
    return tuple(lengths) or (0,)


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_rows(source: tuple[tuple[_Group, ...], tuple[str, ...], np.dtype[Any]], part: tuple[slice, ...]) -> Any:
    """Read some columns of the row groups of which rows are wanted."""
    groups, names, dtype = source
    rows, wanted = part[0], names if len(part) == 1 else names[part[1]]
    block = np.empty((rows.stop - rows.start, len(wanted)), dtype=dtype)
    parquet = _import_pyarrow().parquet
    for file, own in itertools.groupby(groups, key=lambda group: group.file):
        with find_file(file, "from_parquet", SHARED).open() as opened:
            stored = parquet.ParquetFile(opened)
            for group in own:
                first, last = max(rows.start, group.start), min(rows.stop, group.start + group.n_rows)
                if first >= last:
                    continue
                table = stored.read_row_group(group.number, columns=list(wanted), use_threads=False)
                if table.num_rows != group.n_rows:
                    raise ValueError(f"from_parquet: {file} has changed since it was loaded; load it again.")
                table = table.slice(first - group.start, last - first)
                for i, name in enumerate(wanted):
                    block[first - rows.start : last - rows.start, i] = _values(table.column(name), dtype, name, file)
    return block if len(part) == 2 else block[:, 0]


def _values(column: Any, dtype: np.dtype[Any], name: str, file: File) -> npt.NDArray[Any]:
    if column.null_count and dtype.kind not in "fcmM":
        raise ValueError(
            f"from_parquet: {file}: column {name!r} lacks values, which dtype {dtype} cannot say; give dtype=float."
        )
    values: npt.NDArray[Any] = column.to_numpy()
    if values.dtype.kind == "O":  # booleans that lack values
        values = column.cast("float64").to_numpy()
    return values


def _write_rows(block: npt.NDArray[Any], file: File, names: tuple[str, ...]) -> None:
    """Write a file of one row group."""
    pyarrow = _import_pyarrow()
    columns = [block] if block.ndim == 1 else [block[:, i] for i in range(block.shape[1])]
    native = [np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("=")) for column in columns]
    table = pyarrow.table([pyarrow.array(column) for column in native], names=list(names))
    with file.open("wb") as opened:
        pyarrow.parquet.write_table(table, opened, row_group_size=max(1, len(block)))
