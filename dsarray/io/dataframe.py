"""Data frames: tables of pandas, Polars and Arrow, in the memory of the calling process.

Each block is cut from the table here; what travels to tasks is blocks. This file is the only one that names pandas;
Polars and Arrow are known by what their tables can do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._creation import array
from dsarray._elementwise import as_array
from dsarray._sparse import refuse

__all__ = ["from_dataframe", "to_dataframe"]


def from_dataframe(
    table: Any,
    columns: str | Sequence[str] | None = None,
    *,
    block_size: int | tuple[int, ...] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Array:
    """Make an Array of columns of numbers of a data frame.

    Parameters
    ----------
    table : pandas.DataFrame, polars.DataFrame, polars.LazyFrame, pyarrow.Table or pyarrow.RecordBatch
        Or a single column: a Series, or an Arrow array. It is copied. For tables in files see `from_parquet`.
    columns : str or sequence of str, optional
        Which columns, in this order; by default all of them. A single name gives an array of one axis.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis.
    dtype : dtype, optional
        Type of the elements. By default the one that holds the values of all columns, as `numpy.result_type` says,
        where a column of integers or booleans that lacks values counts as float64.

    Returns
    -------
    Array of shape (n_rows, n_columns) or (n_rows,)
        Missing values are NaN.

    Raises
    ------
    TypeError
        When it is no such table, or a column does not hold numbers.
    ValueError
        When a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import dsarray as ds
    >>> table = pd.DataFrame({"name": ["a", "b"], "x": [1, 2], "y": [0.5, 1.5]})
    >>> ds.from_dataframe(table, ["x", "y"]).collect()
    array([[1. , 0.5],
           [2. , 1.5]])
    """
    if hasattr(table, "collect_schema") and hasattr(table, "collect"):  # Polars' LazyFrame
        known = columns is not None and set(_listed(columns)) <= set(table.collect_schema().names())
        table = (table.select(columns) if known else table).collect()
    names = _column_names(table)
    if names is None:
        if columns is not None:
            raise TypeError("from_dataframe: columns= is given for a single column; leave it out.")
        return array(_converted(_values(table, "the column"), dtype), block_size=block_size)
    wanted = names if columns is None else _listed(columns)
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(
            f"from_dataframe: there is no column {missing[0]!r}; there are {', '.join(map(str, names[:50]))}."
        )
    if not wanted:
        raise ValueError("from_dataframe: there are no columns; give a table with at least one.")
    take = _taker(table, names)
    values = [_values(take(name), f"column {name!r}") for name in wanted]
    if isinstance(columns, str):
        return array(_converted(values[0], dtype), block_size=block_size)
    common = _common_dtype(values) if dtype is None else np.dtype(dtype)
    whole = np.empty((len(values[0]), len(values)), dtype=common)
    for position, column in enumerate(values):
        whole[:, position] = column
    return array(whole, block_size=block_size)


def to_dataframe(a: Any, columns: Sequence[Any] | None = None) -> Any:
    """Bring all elements here, as a data frame of pandas.

    Parameters
    ----------
    a : Array or array_like
        With one axis, which makes a column, or two.
    columns : sequence, optional
        Names of the columns.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ImportError
        When pandas is not installed.
    TypeError
        When the array is sparse.
    ValueError
        When it has another number of axes.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("Data frames need the package pandas: pip install 'dsflow[dataframe]'.") from error
    whole = as_array(a)
    if whole.sparse:
        raise refuse("to_dataframe")
    if whole.ndim not in (1, 2):
        raise ValueError(f"to_dataframe: the array has {whole.ndim} axes; reshape it to rows and columns.")
    return pd.DataFrame(whole.collect(), columns=None if columns is None else list(columns))


def _listed(columns: str | Sequence[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else [*columns]


def _common_dtype(values: Sequence[npt.NDArray[Any]]) -> np.dtype[Any]:
    kinds = {each.dtype.kind for each in values}
    if kinds & set("mM") and len(kinds) > 1:
        raise TypeError("from_dataframe: dates do not share an array with numbers; name columns of one kind.")
    return np.result_type(*{each.dtype for each in values})


def _column_names(table: Any) -> list[Any] | None:
    """Return the names of a table's columns, or None for a single column."""
    if hasattr(table, "column_names"):  # Arrow
        return list(table.column_names)
    if hasattr(table, "columns") and hasattr(table, "to_numpy"):  # pandas and Polars
        return list(table.columns)
    if hasattr(table, "to_numpy"):
        return None
    raise TypeError(
        f"from_dataframe: a {type(table).__name__} is no table of pandas, Polars or Arrow; use ds.array(x) for arrays."
    )


def _taker(table: Any, names: list[Any]) -> Callable[[Any], Any]:
    """Return what gives a column of a name."""
    if len(set(names)) != len(names):
        raise ValueError("from_dataframe: columns have the same name; rename them.")
    if hasattr(table, "column_names"):
        return lambda name: table.column(names.index(name))
    return lambda name: table[name]


def _values(column: Any, what: str) -> npt.NDArray[Any]:
    """Return a column as an ndarray of numbers, with NaN for what is missing."""
    values = np.asarray(column.to_numpy(zero_copy_only=False) if _is_arrow(column) else column.to_numpy())
    if values.dtype.kind == "O" and not any(isinstance(each, str) for each in values):  # float() would take strings
        try:
            values = np.array([np.nan if _is_missing(each) else each for each in values], dtype=float)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"from_dataframe: {what} holds objects that are no numbers ({error}); convert it, or leave it out."
            ) from error
    if values.dtype.kind not in "biufcmM" or values.ndim != 1:
        raise TypeError(f"from_dataframe: {what} holds {values.dtype}, not numbers; leave it out, or convert it first.")
    return values


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType"


def _is_arrow(column: Any) -> bool:
    return type(column).__module__.partition(".")[0] == "pyarrow" and type(column).__name__ != "ChunkedArray"


def _converted(values: npt.NDArray[Any], dtype: npt.DTypeLike | None) -> npt.NDArray[Any]:
    return values if dtype is None else values.astype(dtype)
