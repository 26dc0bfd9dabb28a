"""Blocked arrays with NumPy's meaning: ``import dsarray as ds``."""

from dsarray import _reduce as _reduce
from dsarray._array import Array
from dsarray._config import config
from dsarray._creation import array, eye, from_blocks, from_function, full, identity, ones, zeros
from dsarray._deferred import Deferred
from dsarray._elementwise import where
from dsarray._map import apply_along_axis, map_blocks
from dsarray._matmul import matmul
from dsarray._namespace import namespace, to_device, to_host
from dsarray._random import random_array
from dsarray._reshape import concatenate
from dsarray._rows import defer_row_blocks, map_row_blocks
from dsarray._tree import tree_reduce
from dsarray.io import from_zarr, load_npy_file, load_txt_file, to_zarr
from dsarray.io.svmlight import load_svmlight_file

__all__ = [
    "Array",
    "Deferred",
    "apply_along_axis",
    "array",
    "concatenate",
    "config",
    "defer_row_blocks",
    "eye",
    "from_blocks",
    "from_function",
    "from_zarr",
    "full",
    "identity",
    "load_npy_file",
    "load_svmlight_file",
    "load_txt_file",
    "map_blocks",
    "map_row_blocks",
    "matmul",
    "namespace",
    "ones",
    "random_array",
    "to_device",
    "to_host",
    "to_zarr",
    "tree_reduce",
    "where",
    "zeros",
]
