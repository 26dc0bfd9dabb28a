"""Blocked arrays with NumPy's meaning: ``import dsarray as ds``."""

from dsarray._array import Array
from dsarray._config import config
from dsarray._creation import array, eye, from_blocks, from_function, full, identity, ones, zeros
from dsarray._elementwise import where
from dsarray._map import apply_along_axis, map_blocks
from dsarray._matmul import matmul
from dsarray._namespace import namespace, to_device, to_host
from dsarray._random import random_array
from dsarray._reshape import concatenate
from dsarray._rows import map_row_blocks
from dsarray._tree import tree_reduce
from dsarray.io import load_npy_file, load_txt_file
from dsarray.io.svmlight import load_svmlight_file

__all__ = [
    "Array",
    "apply_along_axis",
    "array",
    "concatenate",
    "config",
    "eye",
    "from_blocks",
    "from_function",
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
    "tree_reduce",
    "where",
    "zeros",
]
