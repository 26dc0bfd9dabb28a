"""Arrays in model files: written as ``.npy``, and read with all checks that NumPy and SciPy leave out.

A file may come from anybody. Compiled code follows the numbers of a sparse matrix or a random state without looking, so
they are looked at here; and no memory is taken for more than the file has.
"""

from __future__ import annotations

import math
import zipfile
from typing import Any

import numpy as np
import scipy.sparse

import dsarray as ds

__all__ = ["StoredArrays", "check_entries", "make_csr", "make_random_state", "write_array"]

_N_WORDS = 624
"""Of the state of the Mersenne twister."""


def write_array(archive: zipfile.ZipFile, name: str, value: Any) -> None:
    """Write an array, which may be a GPU's."""
    with archive.open(name, "w", force_zip64=True) as file:
        np.lib.format.write_array(file, np.asanyarray(ds.to_host(value)), allow_pickle=False)


def check_entries(archive: zipfile.ZipFile, n_bytes: int) -> None:
    """Raise ValueError unless all entries of an archive lie in its ``n_bytes``, side by side and as they are."""
    entries = archive.infolist()
    if any(each.compress_type != zipfile.ZIP_STORED or each.file_size != each.compress_size for each in entries):
        raise ValueError("its entries are compressed, as save() does not do it")
    if sum(each.file_size for each in entries) > n_bytes:
        raise ValueError("its entries are larger than the file")


class StoredArrays:
    """The arrays of an archive. Each is read once: a file cannot ask for more memory than it has bytes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._taken: set[str] = set()

    def take(self, name: Any) -> Any:
        """Read an array.

        Raises
        ------
        KeyError
            When there is none of this name.
        ValueError
            When it is not what `write_array` writes, or was read already.
        """
        entry = self._archive.getinfo(str(name))
        if name in self._taken:
            raise ValueError(f"{name} is used twice")
        self._taken.add(name)
        with self._archive.open(entry) as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{name} is not of version 1.0 of its format")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            n_bytes = entry.file_size - file.tell()
        if dtype.kind in "OV":
            raise ValueError(f"{name} has elements of dtype {dtype}, which save() does not write")
        n_values = math.prod(shape)
        if min(shape, default=0) < 0 or n_values > max(n_bytes, 0) or n_values * dtype.itemsize != n_bytes:
            raise ValueError(f"{name} has {n_bytes} bytes of values, but shape {shape} and dtype {dtype}")
        with self._archive.open(entry) as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def make_csr(data: Any, indices: Any, indptr: Any, shape: Any, *, is_array: bool) -> Any:
    """Return a CSR matrix whose elements are all inside of it.

    Raises
    ------
    ValueError
        When they are not, which SciPy does not always see.
    """
    n_rows, n_columns = map(int, shape)
    parts = (data, indices, indptr)
    if any(part.ndim != 1 for part in parts) or {indices.dtype.kind, indptr.dtype.kind} - set("iu"):
        raise ValueError("a sparse matrix has positions that are no vectors of integers")
    if n_rows < 0 or len(indptr) != n_rows + 1 or indptr[0] != 0 or (indptr[1:] < indptr[:-1]).any():
        raise ValueError(f"a sparse matrix has rows that do not follow each other, or not {n_rows} of them")
    n_stored = int(indptr[-1])
    if min(len(data), len(indices)) < n_stored:
        raise ValueError(f"a sparse matrix has fewer elements than the {n_stored} of its rows")
    data, indices = data[:n_stored], indices[:n_stored]
    if n_stored and (indices.min() < 0 or indices.max() >= n_columns):
        raise ValueError(f"a sparse matrix has elements outside of its {n_columns} columns")
    kind = scipy.sparse.csr_array if is_array else scipy.sparse.csr_matrix
    made = kind((data, indices, indptr), shape=(n_rows, n_columns))
    made.check_format(full_check=True)
    return made


def make_random_state(content: dict[str, Any]) -> np.random.RandomState:
    """Return a random state.

    Raises
    ------
    ValueError
        When numbers would be drawn from outside of it, or all would be 0, which NumPy does not see.
    """
    inner = content["state"]
    if inner["key"].shape != (_N_WORDS,) or inner["key"].dtype != np.uint32 or not 0 <= inner["pos"] <= _N_WORDS:
        raise ValueError("a random state has other than 624 words, or a position outside of them")
    if not inner["key"][1:].any() and not inner["key"][0] >> 31:
        raise ValueError("a random state is 0, which draws nothing else")
    state = np.random.RandomState()
    state.set_state(content)
    return state
