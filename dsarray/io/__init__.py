"""Arrays in files: read by the tasks that use them, written by the tasks that compute them."""

from dsarray.io.csv import from_csv, to_csv
from dsarray.io.dataframe import from_dataframe, to_dataframe
from dsarray.io.hdf5 import from_hdf5, to_hdf5
from dsarray.io.mdcrd import load_mdcrd_file
from dsarray.io.npy import from_npy, load_npy_file, to_npy
from dsarray.io.npy_stack import from_npy_stack, to_npy_stack
from dsarray.io.npz import from_npz, to_npz
from dsarray.io.parquet import from_parquet, to_parquet
from dsarray.io.svmlight import load_svmlight_file, save_svmlight_file
from dsarray.io.text import load_txt_file
from dsarray.io.zarr import from_zarr, to_zarr

__all__ = [
    "from_csv",
    "from_dataframe",
    "from_hdf5",
    "from_npy",
    "from_npy_stack",
    "from_npz",
    "from_parquet",
    "from_zarr",
    "load_mdcrd_file",
    "load_npy_file",
    "load_svmlight_file",
    "load_txt_file",
    "save_svmlight_file",
    "to_csv",
    "to_dataframe",
    "to_hdf5",
    "to_npy",
    "to_npy_stack",
    "to_npz",
    "to_parquet",
    "to_zarr",
]
