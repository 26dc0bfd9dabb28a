"""`from_dataframe` takes tables of pandas, Polars and Arrow; `to_dataframe` gives one of pandas."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import dsarray as ds

COLUMNS = {"i": [1, None, 3], "b": [True, None, False], "f": [1.5, None, 2], "s": ["1", "b", "c"], "j": [1, 2, 3]}
ARROW = pa.table({**COLUMNS, "u": pa.array([1, 2, 3], pa.uint8())})
TABLES = {
    "pandas": pd.DataFrame({**COLUMNS, "u": np.array([1, 2, 3], np.uint8)}).astype({"i": "Int64", "b": "boolean"}),
    "pandas of Arrow": ARROW.to_pandas(types_mapper=pd.ArrowDtype),
    "Polars": pl.DataFrame({**COLUMNS, "u": pl.Series([1, 2, 3], dtype=pl.UInt8)}),
    "lazy Polars": pl.LazyFrame({**COLUMNS, "u": pl.Series([1, 2, 3], dtype=pl.UInt8)}),
    "Arrow": ARROW,
    "Arrow batch": ARROW.to_batches()[0],
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("block_size", [None, 1, (2, 1)])
def test_columns_of_numbers_become_an_array_with_nan_for_what_is_missing(table, block_size):
    a = ds.from_dataframe(table, ["i", "b", "f"], block_size=block_size)
    np.testing.assert_array_equal(a.collect(), [[1, 1, 1.5], [np.nan] * 3, [3, 0, 2]])
    assert ds.from_dataframe(table, ["j", "u"]).dtype == np.int64
    assert ds.from_dataframe(table, ["j", "u"], dtype=np.float32).dtype == np.float32
    column = ds.from_dataframe(table, "u")
    assert (column.shape, column.dtype) == ((3,), np.uint8)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_columns_that_are_missing_or_hold_no_numbers_are_named(table):
    with pytest.raises(TypeError, match="column 's'"):
        ds.from_dataframe(table)
    with pytest.raises(ValueError, match="there is no column 'z'; there are i, b, f, s, j, u"):
        ds.from_dataframe(table, ["i", "z"])


@pytest.mark.parametrize("series", [TABLES["pandas"]["i"], TABLES["Polars"]["i"], ARROW["i"], pa.array([1, None, 3])])
def test_a_single_column_becomes_one_axis(series):
    np.testing.assert_array_equal(ds.from_dataframe(series).collect(), [1, np.nan, 3])


def test_dates_are_of_one_kind():
    table = pd.DataFrame({"d": pd.to_datetime(["2024-01-01"]), "n": [1]})
    assert ds.from_dataframe(table, "d").dtype.kind == "M"
    with pytest.raises(TypeError, match="dates do not share an array with numbers"):
        ds.from_dataframe(table)


def test_what_is_no_table_is_refused():
    with pytest.raises(TypeError, match=r"a list is no table .*ds\.array"):
        ds.from_dataframe([1, 2])
    with pytest.raises(ValueError, match="the same name"):
        ds.from_dataframe(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(ValueError, match="there are no columns"):
        ds.from_dataframe(pd.DataFrame())
    with pytest.raises(TypeError, match="hold"):
        ds.from_dataframe(pd.DataFrame({"o": [object()]}))


def test_an_array_becomes_a_data_frame_of_pandas():
    x = np.arange(6.0).reshape(3, 2)
    pd.testing.assert_frame_equal(
        ds.to_dataframe(ds.array(x, block_size=2), ["a", "b"]), pd.DataFrame(x, columns=["a", "b"])
    )
    pd.testing.assert_frame_equal(ds.to_dataframe(ds.array(x[:, 0], block_size=2)), pd.DataFrame(x[:, 0]))
    with pytest.raises(ValueError, match="0 axes"):
        ds.to_dataframe(ds.array(1))


def test_without_pandas_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'dsflow\[dataframe\]'"):
        ds.to_dataframe(ds.ones((2, 2)))
