"""Values of model files. Nothing is made but what is known by name, of plain values; see `_persistence`.

An estimator that compiled code would follow out of bounds, if numbers in the file were others, has a method
``_check_learned()``, which raises ValueError for such numbers. It is called once the estimator is made.
"""

from __future__ import annotations

import base64
import math
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

import dsarray as ds
from estimators._descriptions import known_estimators, make_described
from estimators._model_arrays import StoredArrays, make_csr, make_random_state

__all__ = ["ModelReader", "RefusedError"]

_MOST_IN_RANGES = 1 << 24
"""How many numbers the ranges of a file may stand for, since a small file could fill the memory with them. Those among
the parameters of a search, where they are rows of splits, do not count."""


class RefusedError(ValueError):
    """A file is no model that is known here, and the message says why."""


class ModelReader:
    """Makes values of what `ModelWriter` has written, and nothing else."""

    def __init__(self, archive: zipfile.ZipFile, path: str) -> None:
        self._arrays = StoredArrays(archive)
        self._path = path
        self._left_in_ranges = _MOST_IN_RANGES
        self._counts_ranges = True

    def read(self, content: Any) -> Any:
        """Make a value."""
        if not isinstance(content, dict):
            if isinstance(content, list):
                raise self._wrong("a list where a value was expected")
            return content
        for kind, read in self._kinds().items():
            if kind in content:
                return read(content)
        raise self._wrong(f"a value of unknown kind ({', '.join(map(repr, content))})")

    def _wrong(self, what: str) -> RefusedError:
        return RefusedError(f"load: {self._path} holds {what}; it is damaged, or no model of this library.")

    def _kinds(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "estimator": self._estimator,
            "array": lambda content: self._arrays.take(content["array"]),
            "scalar": lambda content: self._arrays.take(content["scalar"]["array"])[()],
            "objects": self._objects,
            "masked": self._masked,
            "list": lambda content: self._all(content["list"]),
            "tuple": lambda content: tuple(self._all(content["tuple"])),
            "set": lambda content: set(self._all(content["set"])),
            "dict": lambda content: {self.read(key): self.read(value) for key, value in content["dict"]},
            "range": self._range,
            "slice": lambda content: slice(*self._all(content["slice"])),
            "bytes": lambda content: base64.b64decode(content["bytes"], validate=True),
            "complex": lambda content: complex(*content["complex"]),
            "dtype": lambda content: np.dtype(str(content["dtype"])),
            "numpy type": self._type,
            "random state": self._random_state,
            "csr": self._csr,
            "blocks": self._distributed,
            "described": self._described,
        }

    def _all(self, contents: Any) -> list[Any]:
        return [self.read(content) for content in contents]

    def _objects(self, content: Any) -> Any:
        values = self._all(content["objects"])
        array = np.empty(len(values), dtype=object)
        for position, value in enumerate(values):
            array[position] = value
        return array.reshape(content["shape"])

    def _masked(self, content: Any) -> Any:
        values, mask, fill_value = self._all(content["masked"])
        if not isinstance(values, np.ndarray) or not isinstance(mask, np.ndarray):
            raise self._wrong("a masked array of no arrays")
        return np.ma.MaskedArray(values, mask, fill_value=fill_value)

    def _range(self, content: Any) -> range:
        made = range(*map(int, content["range"]))
        if self._counts_ranges:
            self._left_in_ranges -= len(made)
        if self._left_in_ranges < 0:
            raise self._wrong(f"ranges of more than {_MOST_IN_RANGES} numbers")
        return made

    def _counting(self, content: Any, counts: bool) -> Any:
        """Make a value, in which ranges count or not."""
        before, self._counts_ranges = self._counts_ranges, counts
        made = self.read(content)
        self._counts_ranges = before
        return made

    def _type(self, content: Any) -> Any:
        kind = getattr(np, str(content["numpy type"]), None)
        if not isinstance(kind, type) or not issubclass(kind, np.generic):
            raise self._wrong(f"the type {content['numpy type']!r}")
        return kind

    def _random_state(self, content: Any) -> Any:
        return make_random_state(self._counting(content["random state"], True))

    def _csr(self, content: Any) -> Any:
        parts = [self._arrays.take(name) for name in content["csr"]]
        return make_csr(*parts, content["shape"], is_array=bool(content["is_array"]))

    def _distributed(self, content: Any) -> Any:
        chunks = tuple(tuple(map(int, lengths)) for lengths in content["chunks"])
        grid = tuple(map(len, chunks))
        if math.prod(grid) != len(content["blocks"]):
            raise self._wrong(f"{len(content['blocks'])} blocks for a grid of {grid}")
        is_sparse = bool(content.get("is_sparse", False))
        blocks = np.empty(grid, dtype=object)
        for position, block in enumerate(content["blocks"]):
            blocks.flat[position] = self._csr(block) if is_sparse else self._arrays.take(block)
        return ds.from_blocks(blocks.tolist(), chunks, np.dtype(str(content["type"])), sparse=is_sparse)

    def _described(self, content: Any) -> Any:
        kind, name = str(content["described"]), str(content["name"])
        try:
            found = make_described(kind, name, self._counting(content["arguments"], True))
        except TypeError as error:
            raise self._wrong(f"the {kind} {name!r} with arguments that it does not take") from error
        if found is None:
            raise self._wrong(f"the {kind} {name!r}, which this release does not know")
        return found

    def _estimator(self, content: Any) -> Any:
        kind = known_estimators().get(str(content["estimator"]))
        if kind is None:
            raise self._wrong(f"an estimator named {content['estimator']!r}, which this release does not have")
        counts = not issubclass(kind, BaseSearchCV)
        given = {str(key): self._counting(value, counts) for key, value in content["parameters"].items()}
        model = kind(**given)
        vars(model).update({str(key): self._counting(value, True) for key, value in content["learned"].items()})
        if isinstance(model, Pipeline) and model.memory is not None:
            raise self._wrong("a pipeline with a cache of pickles")
        if hasattr(kind, "_check_learned"):
            kind._check_learned(model)
        return model
