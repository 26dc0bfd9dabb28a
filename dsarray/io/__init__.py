"""Arrays in files: ``load_*_file``, and Zarr arrays of any size."""

from dsarray.io.npy import load_npy_file
from dsarray.io.svmlight import load_svmlight_file
from dsarray.io.text import load_txt_file
from dsarray.io.zarr import from_zarr, to_zarr

__all__ = ["from_zarr", "load_npy_file", "load_svmlight_file", "load_txt_file", "to_zarr"]
