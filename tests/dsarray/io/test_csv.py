"""`from_csv` gives the numbers of columns, file after file, and keeps none; `to_csv` writes what is read again."""

import gzip

import numpy as np
import pandas as pd
import pytest

import dsarray as ds

x = np.random.default_rng(0).normal(size=(50, 4))
TABLE = pd.DataFrame(x, columns=["a", "b", "c c", "d"]).assign(name=[f"no. {i}" for i in range(50)])


@pytest.fixture
def path(tmp_path):
    TABLE.to_csv(tmp_path / "a.csv", index=False)
    return tmp_path / "a.csv"


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [None, 1, 7, (7, 1), -1])
@pytest.mark.parametrize("columns", [["a", "b", "c c", "d"], ["d", "a"], [3, 0], [-2, "b"]])
@pytest.mark.parametrize("url", ["", "file://", "local://"])
def test_gives_the_columns_that_pandas_reads(path, block_size, columns, url):
    a = ds.from_csv(f"{url}{path}", columns, block_size=block_size)
    assert a.streamed
    positions = [i % 5 if isinstance(i, int) else TABLE.columns.get_loc(i) for i in columns]
    np.testing.assert_array_equal(a.collect(), x[:, positions])
    np.testing.assert_array_equal(a[3:20].collect(), x[3:20, positions])


@pytest.mark.parametrize("block_size", [None, 7, 60, (7, 3)])
def test_files_follow_each_other_in_the_order_of_their_names(tmp_path, block_size):
    for number in (2, 0, 1):
        np.savetxt(tmp_path / f"{number}.csv", x + number, delimiter=",", header="a,b,c,d")
    whole = np.concatenate([x, x + 1, x + 2])
    for place in (tmp_path, f"{tmp_path}/*.csv", [tmp_path / f"{i}.csv" for i in range(3)]):
        a = ds.from_csv(place, block_size=block_size)
        np.testing.assert_array_equal(a.collect(), whole)
        np.testing.assert_array_equal(a[40:130:3, 1:3].collect(), whole[40:130:3, 1:3])
    np.testing.assert_array_equal(ds.from_csv(tmp_path, ["c", "a"]).collect(), whole[:, [2, 0]])


def test_quotes_other_delimiters_types_and_no_header(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"a";"b;b"\n"1";2\n\n3;"4"\n')
    assert ds.from_csv(path, ["b;b"], delimiter=";", dtype=int).collect().tolist() == [[2], [4]]
    path.write_text("1 2\r\n3   4")
    assert ds.from_csv(path, header=False, delimiter=" ", dtype=np.int8).collect().tolist() == [[1, 2], [3, 4]]


def test_nothing_is_kept(path, tasks):
    a = ds.from_csv(path, ["a"], block_size=20)
    assert tasks.n == 0
    assert (a * 2).sum().item() == pytest.approx(2 * x[:, 0].sum())
    path.write_text(path.read_text().replace("-", "0"))
    assert (a * 2).sum().item() == pytest.approx(2 * abs(x[:, 0]).sum())


def test_a_value_that_cannot_be_parsed_names_file_and_line(path):
    lines = path.read_text().split("\n")
    lines[30] = lines[30].replace(",", ",x", 1)
    path.write_text("\n".join(lines))
    a = ds.from_csv(path, ["a", "b"], block_size=7)
    with pytest.raises(ValueError, match=r"from_csv: .*a\.csv, line 31: .*correct the line"):
        a.collect()
    np.testing.assert_array_equal(ds.from_csv(path, ["a"]).collect(), x[:, :1])
    lines[30] = "1,2,3"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"line 31: 3 values where the first row has 5"):
        ds.from_csv(path, ["a"]).collect()


def test_errors_say_what_is_wrong(path, tmp_path):
    with pytest.raises(ValueError, match=r"line 2: could not convert"):
        ds.from_csv(path)
    with pytest.raises(ValueError, match=r"a\.csv has no column 'z'; it has a, b, c c, d, name"):
        ds.from_csv(path, ["z"])
    with pytest.raises(ValueError, match="has 5 columns; there is no column 5"):
        ds.from_csv(path, [5])
    with pytest.raises(ValueError, match="no names: header=False"):
        ds.from_csv(path, ["a"], header=False)
    with pytest.raises(ValueError, match="names no column"):
        ds.from_csv(path, [])
    with pytest.raises(FileNotFoundError, match="check the path"):
        ds.from_csv(tmp_path / "*.txt")
    (tmp_path / "empty.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match=r"empty\.csv has no rows"):
        ds.from_csv(tmp_path / "empty.csv")
    with gzip.open(tmp_path / "b.csv.gz", "wt") as file:
        file.write("1,2\n")
    with pytest.raises(ValueError, match=r"is compressed, .*decompress it first"):
        ds.from_csv(tmp_path / "b.csv.gz")
    with pytest.raises(ValueError, match="is compressed"):
        ds.load_txt_file(tmp_path / "b.csv.gz")


def test_other_loaders_of_text_take_urls(tmp_path):
    np.savetxt(tmp_path / "a.txt", x, delimiter=",")
    np.testing.assert_array_equal(ds.load_txt_file(f"local://{tmp_path}/a.txt", 7).collect(), x)
    np.testing.assert_array_equal(ds.load_txt_file(f"file://{tmp_path}/a.txt").collect(), x)


# --- writing ----------------------------------------------------------------------------------------------------------

VALUES = {
    "floats": x,
    "special": np.array([[0.1, -0.0, 1e300], [np.nan, np.inf, -np.inf]]),
    "single": x.astype(np.float32),
    "ints": np.arange(-6, 6).reshape(6, 2),
    "big": np.array([[2**63 - 1, -(2**63)]]),
    "bool": np.arange(6).reshape(3, 2) % 2 == 0,
    "complex": x[:, :2] + 1j * x[:, 2:],
    "dates": np.array([["2024-02-29", "NaT"]], dtype="datetime64[D]"),
    "text": np.array([["a b", "ü"], ["c", ""]]),
    "a column": x[:, 0],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("size", [1, 7])
def test_what_is_written_is_read_again_bit_for_bit(tmp_path, values, size):
    columns = None if values.ndim == 1 else [f"c{i}" for i in range(values.shape[1])]
    for place in ("a.csv", "part-*.csv"):
        ds.to_csv(ds.array(values, block_size=(size,) * values.ndim), tmp_path / place, columns=columns)
        again = ds.from_csv(tmp_path / place, header=columns is not None, dtype=values.dtype).collect()
        np.testing.assert_array_equal(again, values.reshape(len(values), -1))


def test_a_star_makes_a_file_for_each_row_of_blocks_also_at_urls(tmp_path):
    a = ds.array(x, block_size=(20, 3))
    ds.to_csv(a, tmp_path / "new" / "part-*.csv", columns=list("abcd"))
    assert sorted(each.name for each in (tmp_path / "new").iterdir()) == [f"part-0000{i}.csv" for i in range(3)]
    assert pd.read_csv(tmp_path / "new" / "part-00002.csv").shape == (10, 4)
    ds.to_csv(a, "memory://csv/*.csv")
    np.testing.assert_array_equal(ds.from_csv("memory://csv", header=False).collect(), x)
    with pytest.raises(FileExistsError, match=r"there are 3 files"):
        ds.to_csv(a, tmp_path / "new" / "part-*.csv")
    ds.to_csv(ds.array(x + 1), tmp_path / "new" / "part-*.csv", overwrite=True)
    assert len(list((tmp_path / "new").iterdir())) == 1


@pytest.mark.parametrize(
    "options",
    [{}, {"fmt": "%.3f", "delimiter": ","}, {"fmt": ["%d", "%.2f", "%g", "%e"]}, {"fmt": "%d %d %f %f"},
     {"header": "a\nb", "footer": "end"}, {"header": "a", "comments": "", "newline": "\r\n", "encoding": "utf-8"}],
)  # fmt: skip
@pytest.mark.parametrize("values", [x, x[:, 0], np.arange(8).reshape(2, 4), x[:0], x + 1j, np.empty((3, 0))])
def test_numpy_savetxt_writes_the_same_bytes(tmp_path, values, options):
    try:
        np.savetxt(tmp_path / "numpy.txt", values, **options)
    except Exception as error:
        with pytest.raises(type(error)):
            np.savetxt(tmp_path / "ours.txt", ds.array(values, block_size=7), **options)
        return
    np.savetxt(tmp_path / "ours.txt", ds.array(values, block_size=7), **options)
    assert (tmp_path / "ours.txt").read_bytes() == (tmp_path / "numpy.txt").read_bytes()


def test_a_file_is_replaced_if_asked_and_never_by_what_is_read_from_it(tmp_path):
    path = tmp_path / "a.csv"
    ds.to_csv(x, path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        ds.to_csv(x, path)
    with pytest.raises(ValueError, match="which it would replace"):
        ds.to_csv(ds.from_csv(path, header=False) + 1, path, overwrite=True)
    ds.to_csv(x + 1, path, overwrite=True)
    np.testing.assert_array_equal(ds.from_csv(path, header=False).collect(), x + 1)
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ValueError, match="3 axes, expected 1 or 2"):
        ds.to_csv(np.ones((2, 2, 2)), tmp_path / "a.csv")
    with pytest.raises(ValueError, match="give as many names"):
        ds.to_csv(x, tmp_path / "a.csv", columns=["a"])
    with pytest.raises(ValueError, match="is the URL of one file"):
        ds.to_csv(x, "memory://a.csv")
    with pytest.raises(ValueError, match=r"'a,b' holds ','; give another delimiter="):
        ds.to_csv(np.array([["a,b"]]), tmp_path / "a.csv")
    with pytest.raises(TypeError, match="not compressed"):
        np.savetxt(tmp_path / "a.gz", ds.array(x))
    assert not list(tmp_path.iterdir())


def test_names_in_the_first_line_are_seen(tmp_path):
    x = np.arange(6.0).reshape(3, 2)
    for columns in (None, ["a", "b"]):
        ds.to_csv(ds.array(x, block_size=2), tmp_path / "x.csv", columns=columns, overwrite=True)
        assert ds.from_csv(tmp_path / "x.csv").collect().tolist() == x.tolist()
        assert ds.from_csv(tmp_path / "x.csv", [1]).collect().tolist() == x[:, 1:].tolist()
