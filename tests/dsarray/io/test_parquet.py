"""`from_parquet` gives the columns that pandas reads, for any blocks, and keeps none; `to_parquet` writes them."""

import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dsarray as ds

x = np.random.default_rng(0).normal(size=(50, 4))
TABLE = pd.DataFrame(x, columns=list("abcd")).assign(
    small=np.arange(50, dtype=np.uint8), flag=np.arange(50) % 3 == 0, name=[f"no. {i}" for i in range(50)]
)


@pytest.fixture
def path(tmp_path):
    TABLE.to_parquet(tmp_path / "a.parquet", row_group_size=8)
    return tmp_path / "a.parquet"


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [None, 1, 8, (20, 1), -1])
@pytest.mark.parametrize(
    "columns", [["a", "b", "c", "d"], ["d", "a"], ["small", "flag"], ["flag", "a"], ["small"], "b"]
)
@pytest.mark.parametrize("url", ["", "file://", "local://"])
def test_gives_the_columns_that_pandas_reads(path, block_size, columns, url):
    if columns == "b" and isinstance(block_size, tuple):
        block_size = 20
    a = ds.from_parquet(f"{url}{path}", columns, block_size=block_size)
    assert a.streamed
    expected = TABLE[columns].to_numpy() if columns != ["flag", "a"] else TABLE[columns].astype(float).to_numpy()
    assert a.shape == expected.shape
    assert a.dtype == np.result_type(*np.atleast_1d(TABLE[columns].dtypes))
    np.testing.assert_array_equal(a.collect(), expected)
    np.testing.assert_array_equal(a[3:30].collect(), expected[3:30])


@pytest.mark.parametrize("block_size", [None, 7, (60, 2)])
def test_files_follow_each_other_in_the_order_of_their_names(tmp_path, block_size):
    for number in (2, 0, 1):
        (TABLE[list("abcd")] + number).to_parquet(tmp_path / f"{number}.parquet", row_group_size=20)
    whole = np.concatenate([x, x + 1, x + 2])
    for place in (tmp_path, f"{tmp_path}/*.parquet", [tmp_path / f"{i}.parquet" for i in range(3)]):
        a = ds.from_parquet(place, block_size=block_size)
        np.testing.assert_array_equal(a.collect(), whole)
        np.testing.assert_array_equal(a[40:130:3, 1:3].collect(), whole[40:130:3, 1:3])


def test_missing_values_are_nan(tmp_path):
    table = pa.table({"i": [1, None, 3], "b": [True, None, False], "f": [1.5, None, 2.5], "j": [1, 2, 3]})
    pq.write_table(table, tmp_path / "a.parquet")
    a = ds.from_parquet(tmp_path / "a.parquet", ["i", "b", "f"])
    np.testing.assert_array_equal(a.collect(), [[1, 1, 1.5], [np.nan] * 3, [3, 0, 2.5]])
    assert ds.from_parquet(tmp_path / "a.parquet", "j").dtype == np.int64
    with pytest.raises(ValueError, match="column 'i' lacks values, which dtype int64 cannot say; give dtype=float"):
        ds.from_parquet(tmp_path / "a.parquet", "i", dtype=int).collect()
    pq.write_table(table, tmp_path / "a.parquet", write_statistics=False)
    with pytest.raises(ValueError, match="column 'i' lacks values"):
        ds.from_parquet(tmp_path / "a.parquet", "i").collect()
    np.testing.assert_array_equal(ds.from_parquet(tmp_path / "a.parquet", "i", dtype=float), [1, np.nan, 3])


def test_a_block_reads_its_own_row_groups_and_columns_and_nothing_is_kept(path, tasks, monkeypatch):
    reads = []
    read = pq.ParquetFile.read_row_group

    def spy(self, number, columns, **options):
        reads.append((number, columns))
        return read(self, number, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", spy)
    a = ds.from_parquet(path, ["a", "b", "c"], block_size=16)
    assert tasks.n == 0
    a[17:20, 1:2].collect()
    assert reads == [(2, ["b"])]
    assert a.sum().item() == pytest.approx(x[:, :3].sum())
    TABLE.assign(a=0.0).to_parquet(path, row_group_size=8)
    assert a.sum().item() == pytest.approx(x[:, 1:3].sum())


def test_blocks_are_made_of_whole_row_groups(tmp_path):
    pq.write_table(pa.table({"a": np.zeros(1_000_000)}), tmp_path / "a.parquet", row_group_size=30_000)
    lengths = ds.from_parquet(tmp_path / "a.parquet").chunks[0]
    assert len(lengths) > 1
    assert all(length % 30_000 == 0 for length in lengths[:-1])


def test_errors_name_the_file_and_the_column(path, tmp_path):
    with pytest.raises(TypeError, match=r"a\.parquet: column 'name' holds .*string, not numbers; .*columns="):
        ds.from_parquet(path)
    with pytest.raises(ValueError, match=r"a\.parquet has no column 'z'; it has a, b, c, d, small, flag, name"):
        ds.from_parquet(path, "z")
    with pytest.raises(ValueError, match="there are no columns"):
        ds.from_parquet(path, [])
    with pytest.raises(FileNotFoundError, match=r"no file \*\.parquet in"):
        ds.from_parquet(tmp_path / "nothing*")
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(ValueError, match=r"text\.parquet is not a Parquet file"):
        ds.from_parquet(tmp_path / "text.parquet")
    pq.write_table(pa.table({"a": [[1], [2]]}), tmp_path / "lists.parquet")
    with pytest.raises(TypeError, match="column 'a' does not hold single numbers"):
        ds.from_parquet(tmp_path / "lists.parquet")


def test_a_file_that_has_changed_is_an_error(path):
    a = ds.from_parquet(path, "a", block_size=8)
    TABLE.to_parquet(path, row_group_size=9)
    with pytest.raises(ValueError, match="has changed since it was loaded"):
        a.collect()


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [7, (7, 3), ((20, 0, 30), 4), -1])
def test_pandas_reads_what_is_written_and_so_do_we(tmp_path, tasks, block_size):
    a = ds.array(x, block_size=block_size)
    ds.to_parquet(a, tmp_path / "new" / "a", columns=list("abcd"))
    assert tasks.n == a.grid[0]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "new" / "a"), TABLE[list("abcd")])
    np.testing.assert_array_equal(ds.from_parquet(tmp_path / "new" / "a").collect(), x)
    assert len(list((tmp_path / "new" / "a").iterdir())) == a.grid[0]


@pytest.mark.parametrize(
    "values", [np.arange(5), np.arange(6, dtype=">i4").reshape(2, 3), np.array([True, False]), np.empty((0, 3))]
)
def test_other_types_and_one_axis(tmp_path, values):
    ds.to_parquet(values, tmp_path / "a")
    again = ds.from_parquet(tmp_path / "a", "0" if values.ndim == 1 else None)
    assert again.dtype == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(again.collect(), values)


def test_folders_at_urls():
    ds.to_parquet(ds.array(x, block_size=7), "memory://parquet")
    np.testing.assert_array_equal(ds.from_parquet("memory://parquet").collect(), x)


def test_what_is_there_is_replaced_if_asked_only(tmp_path):
    ds.to_parquet(ds.array(x, block_size=7), tmp_path)
    with pytest.raises(FileExistsError, match=r"has 8 Parquet files; .*overwrite=True"):
        ds.to_parquet(x, tmp_path)
    with pytest.raises(ValueError, match="which it would replace"):
        ds.to_parquet(ds.from_parquet(tmp_path) + 1, tmp_path, overwrite=True)
    ds.to_parquet(x + 1, tmp_path, overwrite=True)
    np.testing.assert_array_equal(ds.from_parquet(tmp_path).collect(), x + 1)


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ValueError, match="3 axes"):
        ds.to_parquet(np.ones((2, 2, 2)), tmp_path)
    with pytest.raises(ValueError, match="give as many different names"):
        ds.to_parquet(x, tmp_path, columns=["a", "a", "b", "c"])


def test_without_pyarrow_the_error_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"pip install 'dsflow\[parquet\]'"):
        ds.from_parquet(path)


# --- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    "bool int8 uint8 int64 uint64 float16 float32 float64 M8[D] M8[ms] M8[us] M8[ns] m8[s] m8[ms] m8[ns]".split(),
)
@pytest.mark.parametrize("shape", [(5,), (5, 2), (0, 2)])
def test_types_and_values_survive(tmp_path, dtype, shape):
    values = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    ds.to_parquet(ds.array(values, block_size=2), tmp_path)
    back = ds.from_parquet(tmp_path) if len(shape) == 2 else ds.from_parquet(tmp_path, "0")
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back.collect(), values)


def test_times_that_lack_are_not_a_time(tmp_path):
    table = pa.table({"a": pa.array([1, None, 3], pa.timestamp("ms")), "b": pa.array([1, None, 3], pa.date32())})
    pq.write_table(table, tmp_path / "a.parquet")
    back = ds.from_parquet(tmp_path)
    assert back.dtype == "M8[ms]"
    np.testing.assert_array_equal(np.isnat(back).collect(), [[False] * 2, [True] * 2, [False] * 2])
    assert ds.from_parquet(tmp_path, "b")[2].item() == np.datetime64("1970-01-04").item()


def test_numbers_beside_times_and_times_of_a_zone_are_refused(tmp_path):
    table = pa.table({"t": pa.array([1], pa.timestamp("s")), "n": [1], "z": pa.array([1], pa.timestamp("s", "UTC"))})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(TypeError, match=r"datetime64\[ms\], int64, which no one dtype holds"):
        ds.from_parquet(tmp_path, ["t", "n"])
    with pytest.raises(TypeError, match="tz=UTC"):
        ds.from_parquet(tmp_path, ["z"])


@pytest.mark.parametrize("dtype", ["complex128", "M8[m]", "m8[D]", "M8[10s]"])
def test_types_that_the_format_lacks_are_refused_at_once(tmp_path, dtype, tasks):
    with pytest.raises(TypeError, match="is not one that Parquet has"):
        ds.to_parquet(ds.zeros(3, int).astype(dtype), tmp_path)
    with pytest.raises(ValueError, match="has no column"):
        ds.to_parquet(ds.zeros((4, 0)), tmp_path)
    assert tasks.n == 0
