"""Blocks of array libraries other than NumPy, in which NumPy's words are understood."""

from dsarray.foreign._array import Foreign, fallbacks, wrap
from dsarray.foreign._creation import Dialect
from dsarray.foreign._library import Library, on_host

__all__ = ["Dialect", "Foreign", "Library", "fallbacks", "on_host", "wrap"]
