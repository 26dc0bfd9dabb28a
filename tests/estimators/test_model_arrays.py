"""Arrays of model files: what is not as it was written is refused, before memory is taken for it."""

import zipfile

import numpy as np
import pytest
import scipy.sparse

from estimators._model_arrays import StoredArrays, check_entries, make_csr, make_random_state, write_array

HEADER = b"\x93NUMPY\x01\x00v\x00"


def npy(header, values=b""):
    return HEADER + header.encode().ljust(117) + b"\n" + values


def archive_of(path, content=None, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        if content is None:
            write_array(archive, "0.npy", np.arange(6.0).reshape(2, 3))
        else:
            archive.writestr("0.npy", content)
    return zipfile.ZipFile(path)


def test_an_array_is_what_it_was_and_is_read_once(tmp_path):
    arrays = StoredArrays(archive_of(tmp_path / "m"))
    assert arrays.take("0.npy").tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match=r"0\.npy is used twice"):
        arrays.take("0.npy")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000, ), }"), "has 0 bytes of values, but"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, ), }", b"0" * 8), "has 8 bytes of values"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, ), }", b"0" * 16), "has 16 bytes of values"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -2), }", b"0" * 16), "has 16 bytes of values"),
        (npy("{'descr': '<U0', 'fortran_order': False, 'shape': (100, ), }"), "has 0 bytes of values"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, ), }", b"0" * 8), "elements of dtype object"),
        (npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1, ), }", b"0" * 8), "elements of dtype"),
        (b"\x93NUMPY\x02\x00", "version 1.0"),
    ],
)
def test_what_is_not_written_so_is_refused(content, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        StoredArrays(archive_of(tmp_path / "m", content)).take("0.npy")


def test_entries_that_a_small_file_makes_large_are_refused(tmp_path):
    with pytest.raises(ValueError, match="compressed"):
        check_entries(archive_of(tmp_path / "m", compression=zipfile.ZIP_DEFLATED), 10**6)
    with pytest.raises(ValueError, match="larger than the file"):
        check_entries(archive_of(tmp_path / "m"), 100)


GOOD = {"data": [1.0, 2.0, 3.0], "indices": [0, 2, 1], "indptr": [0, 2, 3], "shape": [2, 3], "is_array": True}


def csr(**changes):
    content = GOOD | changes
    parts = [np.array(content[name]) for name in ("data", "indices", "indptr")]
    return make_csr(*parts, content["shape"], is_array=content["is_array"])


@pytest.mark.parametrize("is_array", [True, False])
def test_a_matrix_is_what_it_was(is_array):
    made = csr(is_array=is_array)
    assert isinstance(made, scipy.sparse.sparray) == is_array
    assert made.toarray().tolist() == [[1, 0, 2], [0, 3, 0]]
    assert csr(data=[], indices=np.empty(0, int), indptr=[0, 0, 0]).nnz == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"indices": [0, 3, 1]},
        {"indices": [0, -1, 1]},
        {"indices": [0.0, 2.0, 1.0]},
        {"indices": [[0, 2, 1]]},
        {"indices": [0, 2]},
        {"data": [1.0]},
        {"indptr": [0, 4, 3]},
        {"indptr": [1, 2, 3]},
        {"indptr": [0, 2, 4]},
        {"indptr": [0, 3]},
        {"indptr": np.array([0, 2**64 - 1, 3], np.uint64)},
        {"indptr": [0, 50_000_000, 0], "data": [], "indices": np.empty(0, int)},  # which SciPy takes
        {"shape": [-1, 3]},
        {"shape": [2, 2]},
    ],
    ids=str,
)
def test_a_matrix_with_elements_outside_is_refused(changes):
    with pytest.raises(ValueError, match="a sparse matrix has"):
        csr(**changes)


def test_a_random_state_goes_on_where_it_was():
    state = np.random.RandomState(0)
    state.rand(5)
    assert make_random_state(state.get_state(legacy=False)).rand() == state.rand()


@pytest.mark.parametrize(
    "changes", [{"pos": 10**9}, {"pos": -1}, {"key": np.zeros(624, np.uint32)}, {"key": np.ones(3, np.uint32)}], ids=str
)
def test_a_random_state_that_would_crash_or_hang_is_refused(changes):
    content = np.random.RandomState(0).get_state(legacy=False)
    content["state"] |= changes
    with pytest.raises(ValueError, match="a random state"):
        make_random_state(content)
