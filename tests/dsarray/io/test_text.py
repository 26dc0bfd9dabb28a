r"""`load_txt_file` gives what `numpy.loadtxt` gives, block by block, and errors that name the line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from dsarray.io import _lines, load_txt_file


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("block_size", [None, 1, 7, -1, (7, 2), (1000, 1000)])
def test_gives_what_was_saved(tmp_path, block_size):
    values = np.random.default_rng(0).normal(size=(50, 3))
    np.savetxt(tmp_path / "a.csv", values, delimiter=",")
    loaded = load_txt_file(tmp_path / "a.csv", block_size)
    assert loaded.shape == (50, 3)
    np.testing.assert_array_equal(loaded.collect(), values)


def test_blocks_are_cut_as_asked(write):
    assert load_txt_file(write("1,2\n" * 5), block_size=2).chunks == ((2, 2, 1), (2,))
    assert load_txt_file(write("1,2\n" * 5), block_size=(2, 1)).chunks == ((2, 2, 1), (1, 1))


def test_block_size_of_the_configuration_holds(write):
    with ds.config(block_size=2):
        assert load_txt_file(write("1,2\n" * 5)).chunks == ((2, 2, 1), (2,))


CONTENTS = {
    "plain": "1,2\n3,4\n5,6\n",
    "no newline at the end": "1,2\n3,4\n5,6",
    "Windows": "1,2\r\n\r\n3,4\r\n5,6\r\n",
    "blank lines": "\n1,2\n\n   \n\t\n3,4\n5,6\n\n \n  ",
    "comments": "# a, b\n1,2\n  # more\n3,4 # four\n#\n5,6\n# end",
    "white space": " 1, 2\n\t3 ,4\n5 , 6 \n",
    "byte order mark": b"\xef\xbb\xbf1,2\n3,4\n5,6\n",
    "comment in another alphabet": "# Größe\n1,2\n3,4\n5,6\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("block_size", [1, 2, None])
@pytest.mark.parametrize("piece_bytes", [1, 5, 1 << 20])
def test_lines_that_are_not_rows_are_ignored(write, monkeypatch, content, block_size, piece_bytes):
    monkeypatch.setattr(_lines, "_PIECE_BYTES", piece_bytes)
    loaded = load_txt_file(write(content), block_size)
    np.testing.assert_array_equal(loaded.collect(), [[1, 2], [3, 4], [5, 6]])


LINES = st.sampled_from(["1,2", "-3.5,4e3", " 5 ,6", "", "  ", "\t ", "# 7,8", "  #", "9,10#,11"])


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(LINES, min_size=1, max_size=30),
    newline=st.sampled_from(["\n", "\r\n"]),
    at_end=st.booleans(),
    piece_bytes=st.integers(1, 40),
    block_size=st.integers(1, 9),
)
def test_any_mixture_of_lines_gives_its_rows(tmp_path_factory, lines, newline, at_end, piece_bytes, block_size):
    rows = [line.split("#")[0] for line in lines if line.split("#")[0].strip()]
    path = tmp_path_factory.mktemp("text") / "table.csv"
    path.write_bytes((newline.join(lines) + newline * at_end).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_lines, "_PIECE_BYTES", piece_bytes)
        if not rows:
            with pytest.raises(ValueError, match="has no rows"):
                load_txt_file(path, block_size)
            return
        loaded = load_txt_file(path, block_size)
    np.testing.assert_array_equal(loaded.collect(), [[float(value) for value in row.split(",")] for row in rows])


@pytest.mark.parametrize(("content", "delimiter"), [("1;2\n3;4", ";"), ("1\t2\n3\t4", "\t"), (" 1  2\n\t3\t 4", " ")])
def test_values_are_separated_by_the_delimiter(write, content, delimiter):
    np.testing.assert_array_equal(load_txt_file(write(content), delimiter=delimiter).collect(), [[1, 2], [3, 4]])


def test_one_column_stays_a_column(write):
    np.testing.assert_array_equal(load_txt_file(write("1\n2\n3"), block_size=2).collect(), [[1], [2], [3]])


@pytest.mark.parametrize("content", ["a,b\n1,2\n3,4\n", "\n \na,b\n1,2\n3,4\n", "# a,b\n1,2\n3,4\n"])
def test_first_row_is_discarded_even_if_it_is_a_comment(write, content):
    loaded = load_txt_file(write(content), discard_first_row=True)
    np.testing.assert_array_equal(loaded.collect(), [[1, 2], [3, 4]])


@pytest.mark.parametrize("block_size", [1, None])
def test_column_of_index_is_left_out_whatever_it_holds(write, block_size):
    loaded = load_txt_file(write("Zoë,1,2\n7,3,4\n,5,6\n"), block_size, col_of_index=True)
    np.testing.assert_array_equal(loaded.collect(), [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize("dtype", [np.float32, int, "u1", complex, "U3", "datetime64[Y]"])
def test_values_have_the_type_that_was_asked_for(write, dtype):
    loaded = load_txt_file(write("1970,1971\n1972,1973\n".replace("19", "")), block_size=1, dtype=dtype)
    expected = np.loadtxt(["70,71", "72,73"], dtype=dtype, delimiter=",")
    assert loaded.dtype == expected.dtype
    np.testing.assert_array_equal(loaded.collect(), expected)


def test_nothing_is_parsed_before_it_is_used(write):
    loaded = load_txt_file(write("1,2\n3,x\n"), block_size=1)
    np.testing.assert_array_equal(loaded[:1].collect(), [[1, 2]])
    with pytest.raises(ValueError, match="line 2"):
        loaded.collect()


ERRORS = {
    "too few values": ("1,2\n\n#\n3\n5,6\n", {}, r"line 4: 1 values where the first row has 2: '3'; correct"),
    "too many values": ("1,2\n3,4,5\n", {}, r"line 2: 3 values where the first row has 2: '3,4,5'"),
    "too many beside an index": ("a,2\nb,4,5\n", {"col_of_index": True}, "line 2: 2 values where the first row has 1"),
    "too few beside an index": ("a,2\nb\n", {"col_of_index": True}, "line 2: 0 values where the first row has 1"),
    "text": ("1,2\n3,4\n5,six\n7,8\n", {}, r"line 3: could not convert string 'six' to float64 in column 2: '5,six'"),
    "missing value": ("1,2\n3,\n", {}, r"line 2: could not convert string '' to float64 in column 2"),
    "text after a header": ("a,b\n\n1,2\n3,y\n", {"discard_first_row": True}, "line 4: could not convert string 'y'"),
    "fraction for int": ("1,2\n3,4.5\n", {"dtype": int}, r"line 2: could not convert string '4\.5' to int64"),
    "too large": ("1\n300\n", {"dtype": "u1"}, r"line 2: could not convert string '300' to uint8"),
    "not UTF-8": (b"1,2\n3,\xff\n", {}, "line 2: could not convert string"),
    "empty fields between tabs": ("1\t2\n\t\n", {"delimiter": "\t"}, "line 2: could not convert string ''"),
}


@pytest.mark.parametrize(("content", "keywords", "words"), ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("block_size", [1, 2, None])
def test_bad_rows_are_errors_that_name_file_and_line(write, content, keywords, words, block_size):
    with pytest.raises(ValueError, match=r"load_txt_file: .*table\.csv, " + words):
        load_txt_file(write(content), block_size, **keywords).collect()


def test_first_row_is_checked_at_once(write):
    with pytest.raises(ValueError, match="line 2: could not convert string 'a'"):
        load_txt_file(write("\na,b\n1,2\n"))


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "  \n\r\n", b"\xef\xbb\xbf"])
def test_file_without_rows_is_an_error(write, content):
    with pytest.raises(ValueError, match=r"table\.csv has no rows; give a file with at least one line"):
        load_txt_file(write(content))


def test_header_alone_has_no_rows(write):
    with pytest.raises(ValueError, match="has no rows"):
        load_txt_file(write("a,b\n"), discard_first_row=True)


def test_index_alone_has_no_columns(write):
    with pytest.raises(ValueError, match=r"line 1: col_of_index=True leaves no column of '1 2'; check delimiter=','"):
        load_txt_file(write("1 2\n3 4\n"), col_of_index=True)


def test_lines_that_end_as_on_old_computers_are_an_error(write):
    with pytest.raises(ValueError, match=r"embedded newline|end lines with"):
        load_txt_file(write("1,2\r3,4\r")).collect()


def test_file_that_has_changed_is_an_error(write):
    loaded = load_txt_file(write("1,2\n" * 6), block_size=3)
    write("1,2\n" * 4)
    with pytest.raises(ValueError, match=r"1 rows instead of 3; .*don't change the file"):
        loaded.collect()


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"load_txt_file: .*nothing\.csv does not exist; check the path"):
        load_txt_file(str(tmp_path / "nothing.csv"))


def test_file_that_a_worker_does_not_see_is_named(write):
    path = write("1,2\n")
    loaded = load_txt_file(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="all workers share"):
        loaded.collect()


@pytest.mark.parametrize("delimiter", ["", ",,", "\n", "#", None])
def test_delimiter_is_one_character(write, delimiter):
    with pytest.raises(ValueError, match=r"delimiter=.* is not a character"):
        load_txt_file(write("1,2\n"), delimiter=delimiter)


@pytest.mark.parametrize("dtype", [object, str, [("a", int)]])
def test_dtype_has_a_fixed_size(write, dtype):
    with pytest.raises(ValueError, match="has no fixed size"):
        load_txt_file(write("1,2\n"), dtype=dtype)


@pytest.mark.parametrize("flag", ["discard_first_row", "col_of_index"])
def test_a_delimiter_in_the_place_of_a_flag_costs_no_row_in_silence(write, flag):
    with pytest.raises(TypeError, match=f"{flag}=';' is not True or False; .* delimiter="):
        load_txt_file(write("1;2\n3;4\n"), **{flag: ";"})
    assert load_txt_file(write("1,2\n3,4\n"), None, np.True_).shape == (1, 2)
