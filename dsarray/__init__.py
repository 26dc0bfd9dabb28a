"""Blocked arrays with NumPy's meaning: ``import dsarray as ds``."""

from dsarray import functions as functions
from dsarray import linalg as linalg
from dsarray import random as random
from dsarray import xp as xp
from dsarray._array import Array
from dsarray._config import config
from dsarray._creation import array, eye, from_blocks, from_function, full, identity, ones, zeros
from dsarray._deferred import Deferred
from dsarray._elementwise import where
from dsarray._interop import from_dask
from dsarray._join import concatenate
from dsarray._map import apply_along_axis, map_blocks
from dsarray._matmul import matmul
from dsarray._namespace import namespace, to_device, to_host
from dsarray._random import random_array
from dsarray._ranges import arange, empty, geomspace, linspace, logspace, tri
from dsarray._row_order import shuffle, sort_by
from dsarray._rows import defer_row_blocks, map_row_blocks
from dsarray._tree import tree_reduce
from dsarray.functions import fromfunction, indices
from dsarray.io import (
    from_csv,
    from_dataframe,
    from_hdf5,
    from_npy,
    from_npy_stack,
    from_npz,
    from_parquet,
    from_zarr,
    load_mdcrd_file,
    load_npy_file,
    load_svmlight_file,
    load_txt_file,
    save_svmlight_file,
    to_csv,
    to_dataframe,
    to_hdf5,
    to_npy,
    to_npy_stack,
    to_npz,
    to_parquet,
    to_zarr,
)

__all__ = [
    "Array",
    "Deferred",
    "apply_along_axis",
    "arange",
    "array",
    "concatenate",
    "config",
    "defer_row_blocks",
    "empty",
    "eye",
    "from_blocks",
    "from_csv",
    "from_dask",
    "from_dataframe",
    "from_function",
    "from_hdf5",
    "from_npy",
    "from_npy_stack",
    "from_npz",
    "from_parquet",
    "from_zarr",
    "fromfunction",
    "full",
    "geomspace",
    "identity",
    "indices",
    "linspace",
    "load_mdcrd_file",
    "load_npy_file",
    "load_svmlight_file",
    "load_txt_file",
    "logspace",
    "map_blocks",
    "map_row_blocks",
    "matmul",
    "namespace",
    "ones",
    "random_array",
    "save_svmlight_file",
    "shuffle",
    "sort_by",
    "to_csv",
    "to_dataframe",
    "to_device",
    "to_hdf5",
    "to_host",
    "to_npy",
    "to_npy_stack",
    "to_npz",
    "to_parquet",
    "to_zarr",
    "tree_reduce",
    "tri",
    "where",
    "zeros",
]
