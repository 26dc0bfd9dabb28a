"""Load arrays from files: ``load_*_file``."""

from dsarray.io.npy import load_npy_file
from dsarray.io.svmlight import load_svmlight_file
from dsarray.io.text import load_txt_file

__all__ = ["load_npy_file", "load_svmlight_file", "load_txt_file"]
