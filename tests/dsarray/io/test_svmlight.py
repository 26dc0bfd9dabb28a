"""`load_svmlight_file` gives what scikit-learn's reader gives, block by block, and errors that name the line."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import dump_svmlight_file, load_breast_cancer
from sklearn.datasets import load_svmlight_file as reference

import dsarray as ds
import dsflow
from dsarray.io import _lines
from dsarray.io.svmlight import load_svmlight_file


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "samples.svm"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture(params=[True, False], ids=["from 0", "from 1"])
def real(request, tmp_path):
    """A file of real numbers, some made zero, and what scikit-learn reads of it."""
    x, y = load_breast_cancer(return_X_y=True)
    x, y = np.where(x < np.median(x, axis=0), 0, x)[:100, :9], y[:100]
    path = tmp_path / "real.svm"
    dump_svmlight_file(x, y, str(path), zero_based=request.param)
    return path, *reference(str(path))


@pytest.mark.parametrize("block_size", [None, 1, 7, 50, -1, (7, 2), (1000, 1000)])
@pytest.mark.parametrize("store_sparse", [True, False])
def test_gives_what_scikit_learn_gives(real, block_size, store_sparse):
    path, x_true, y_true = real
    x, y = load_svmlight_file(path, block_size, store_sparse=store_sparse)
    assert (x.shape, y.shape) == (x_true.shape, y_true.shape)
    assert x.sparse == store_sparse
    assert x.chunks[0] == y.chunks[0]
    np.testing.assert_array_equal(x.collect().toarray() if store_sparse else x.collect(), x_true.toarray())
    np.testing.assert_array_equal(y.collect(), y_true)


def test_blocks_are_cut_as_asked(write):
    path = write("1 1:2 4:1\n" * 5)
    assert load_svmlight_file(path, block_size=(2, 3))[0].chunks == ((2, 2, 1), (3, 1))
    assert load_svmlight_file(path, (5000, 22), 22, True)[0].chunks == ((5,), (22,))
    with ds.config(block_size=2):
        assert load_svmlight_file(path)[1].chunks == ((2, 2, 1),)


def test_sparse_blocks_are_csr_with_indices_that_libsvm_takes(write):
    block = dsflow.wait_on(load_svmlight_file(write("1 1:2 4:1\n-1 2:1\n"))[0].blocks[0, 0])
    assert scipy.sparse.issparse(block)
    assert block.format == "csr"
    assert block.indices.dtype == block.indptr.dtype == np.int32


CONTENTS = {
    "plain": "1 1:1 3:2\n-1 2:3\n2.5\n",
    "no newline at the end": "1 1:1 3:2\n-1 2:3\n2.5",
    "Windows": "1 1:1 3:2\r\n\r\n-1 2:3\r\n2.5\r\n",
    "blank lines": "\n1 1:1 3:2\n\n  \n\t\n-1 2:3\n2.5\n\n \n ",
    "comments": "# a:b\n1 1:1 3:2 # 9:9\n  # 7:7\n-1 2:3#8:8\n2.5 # 0:1\n#",
    "white space": " 1\t1:1  3:2 \n\t-1 2:3\t\n2.5 \n",
    "queries": "1 qid:0 1:1 3:2\n-1 qid:99 2:3\n2.5 qid:7\n",
    "byte order mark": b"\xef\xbb\xbf1 1:1 3:2\n-1 2:3\n2.5\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("block_size", [1, 2, -1])
@pytest.mark.parametrize("piece_bytes", [1, 8, 4 << 20])
def test_layout_of_the_file_does_not_matter(write, monkeypatch, content, block_size, piece_bytes):
    monkeypatch.setattr(_lines, "_PIECE_BYTES", piece_bytes)
    x, y = load_svmlight_file(write(content), block_size)
    np.testing.assert_array_equal(x.collect().toarray(), [[1, 0, 2], [0, 3, 0], [0, 0, 0]])
    np.testing.assert_array_equal(y.collect(), [1, -1, 2.5])


def test_one_index_0_anywhere_means_that_all_blocks_count_from_0(write):
    x, _ = load_svmlight_file(write("1 1:5\n1 0:7\n1 2:6\n"), block_size=1)
    np.testing.assert_array_equal(x.collect().toarray(), [[0, 5, 0], [7, 0, 0], [0, 0, 6]])


def test_more_features_than_the_file_has_may_be_asked_for(write):
    assert load_svmlight_file(write("1 1:5\n"), n_features=4)[0].shape == (1, 4)
    assert load_svmlight_file(write("1\n2\n"))[0].shape == (2, 1)


def test_a_sample_is_parsed_by_the_task_that_uses_it_alone(write):
    x, y = load_svmlight_file(write("1 1:5\n1 1:x 2:1\n"), block_size=1)
    np.testing.assert_array_equal(y.collect(), [1, 1])
    np.testing.assert_array_equal(x[:1].collect().toarray(), [[5, 0]])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1 1:1 2:x 3:1", "could not convert string to float"),
        ("1 1:1 2 3:1", "line 4: .*'1 1:1 2 3:1'"),
        ("1 1:1 3:1 2:1", "sorted and unique"),
        ("1 1:1 1:1 2:1", "sorted and unique"),
        ("1 1:1 -2:1 3:1", "Invalid index -2"),
        ("1 1:1 99999999999:1 3:1", "line 4"),
        ("1 1:1 a:1 3:1", "increasing indices"),
    ],
)
def test_a_malformed_pair_is_an_error_that_names_the_line(write, line, words):
    path = write(f"# first\n1 1:1\n\n{line}\n1 1:1\n")
    x, _ = load_svmlight_file(path, block_size=1)
    assert x[:1].collect().sum() == 1
    with pytest.raises(ValueError, match=words) as caught:
        x.collect()
    assert f"load_svmlight_file: {path}, line 4: " in str(caught.value)


def test_an_index_that_is_no_int_is_noticed_by_the_call(write):
    with pytest.raises(ValueError, match="line 2: a pair index:value has no int for an index: '1 x:1'"):
        load_svmlight_file(write("1 1:1\n1 x:1\n"))


def test_a_label_that_is_no_number_is_an_error_that_names_the_line(write):
    with pytest.raises(ValueError, match="line 2: the label '1,2' is no number"):
        load_svmlight_file(write("1 1:1\n1,2 1:1\n"))[1].collect()


def test_an_index_beyond_n_features_is_noticed_by_the_call(write):
    path = write("1 1:1\n1 2:1 5:1\n1 3:1\n")
    with pytest.raises(ValueError, match=r"line 2: index 5 \(counted from 1\) exceeds n_features=4; give n_features=5"):
        load_svmlight_file(path, n_features=4)


def test_a_file_that_changes_is_an_error(write):
    x, y = load_svmlight_file(write("1 1:1\n1 1:2\n"))
    write("1 1:1234567\n")
    for array in (x, y):
        with pytest.raises(ValueError, match="1 rows instead of 2; don't change the file"):
            array.collect()


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n"])
def test_a_file_without_rows_is_an_error(write, content):
    with pytest.raises(ValueError, match="has no rows"):
        load_svmlight_file(write(content))


def test_a_file_that_is_missing_or_compressed_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.svm does not exist"):
        load_svmlight_file(tmp_path / "nowhere.svm")
    (tmp_path / "a.svm.gz").write_bytes(b"")
    with pytest.raises(ValueError, match="is compressed"):
        load_svmlight_file(tmp_path / "a.svm.gz")


@pytest.mark.parametrize("n_features", [0, -1, 2.5, True, "22"])
def test_a_number_of_features_that_is_none_is_an_error(write, n_features):
    with pytest.raises(ValueError, match=r"n_features=.* is not a number of columns"):
        load_svmlight_file(write("1 1:1\n"), n_features=n_features)


def test_urls_are_read(tmp_path):
    (tmp_path / "a.svm").write_text("1 1:2\n-1 2:3\n")
    x, y = ds.load_svmlight_file(f"local://{tmp_path}/a.svm", 1, store_sparse=False)
    assert (x.collect().tolist(), y.collect().tolist()) == ([[2, 0], [0, 3]], [1, -1])


# --- queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [1, 7, -1])
def test_queries_are_those_of_scikit_learn(tmp_path, block_size):
    rng = np.random.default_rng(0)
    values, queries = rng.normal(size=(20, 3)), rng.integers(0, 2**40, 20)
    dump_svmlight_file(values, np.arange(20), str(tmp_path / "a.svm"), query_id=queries)
    found = ds.load_svmlight_file(tmp_path / "a.svm", block_size, query_id=True)
    expected = reference(str(tmp_path / "a.svm"), query_id=True)
    assert found[2].dtype == np.int64
    np.testing.assert_array_equal(found[2].collect(), queries)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.to_dense().collect(), theirs.toarray() if theirs.ndim == 2 else theirs)


def test_a_line_without_query_or_with_several_labels_is_named(tmp_path):
    (tmp_path / "a.svm").write_text("1 qid:3 1:2\n-1 2:3\n")
    with pytest.raises(ValueError, match="line 2: there is no 'qid:'"):
        ds.load_svmlight_file(tmp_path / "a.svm", query_id=True)[2].collect()
    (tmp_path / "a.svm").write_text("1,2 1:2\n")
    with pytest.raises(ValueError, match="line 1: the label '1,2' is no number"):
        ds.load_svmlight_file(tmp_path / "a.svm")[1].collect()


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [4, (7, 2), -1])
@pytest.mark.parametrize("options", [{}, {"zero_based": False}, {"query_id": np.arange(25) // 5}])
@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array])
def test_scikit_learn_writes_the_same_lines(tmp_path, tasks, block_size, options, make):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(25, 5)) * rng.integers(0, 2, size=(25, 5))
    labels = rng.normal(size=25)
    a = ds.array(make(values), block_size=block_size)
    tasks.n = 0
    ds.save_svmlight_file(a, ds.array(labels, block_size=3), tmp_path / "ours.svm", **options)
    assert tasks.n == a.grid[0]
    dump_svmlight_file(values, labels, str(tmp_path / "theirs.svm"), **{"zero_based": True, **options})
    assert (tmp_path / "ours.svm").read_bytes() == (tmp_path / "theirs.svm").read_bytes()
    x, y = ds.load_svmlight_file(tmp_path / "ours.svm", 6)
    np.testing.assert_allclose(y.collect(), labels, rtol=1e-15)
    np.testing.assert_allclose(x.to_dense().collect(), values, rtol=1e-15)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_written_is_refused(tmp_path):
    x = np.ones((4, 2))
    with pytest.raises(ValueError, match=r"y has shape \(3,\) for 4 rows"):
        ds.save_svmlight_file(x, np.ones(3), tmp_path / "a.svm")
    with pytest.raises(ValueError, match="query_id has dtype float64; give ints"):
        ds.save_svmlight_file(x, np.ones(4), tmp_path / "a.svm", query_id=np.ones(4))
    with pytest.raises(ValueError, match="x has 1 axes"):
        ds.save_svmlight_file(np.ones(3), np.ones(3), tmp_path / "a.svm")
    ds.save_svmlight_file(x, np.ones((4, 1)), tmp_path / "a.svm")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        ds.save_svmlight_file(x, np.ones(4), tmp_path / "a.svm")
    ds.save_svmlight_file(x * 2, np.ones(4), tmp_path / "a.svm", overwrite=True)
    assert ds.load_svmlight_file(tmp_path / "a.svm")[0].sum().item() == 16
    with pytest.raises(ValueError, match="is the URL of one file"):
        ds.save_svmlight_file(x, np.ones(4), "memory://a.svm")
