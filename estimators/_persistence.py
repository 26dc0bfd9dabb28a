"""Models in files: ``save(model, path)`` and ``load(path)``. Loading runs no code, whatever the file holds.

A model is a zip file: ``model.json`` says which estimator it is, its parameters and what it has learned, and each array
is an ``.npy`` file beside it. Only estimators and searches of this library, scikit-learn's pipelines of them, and what
`_descriptions` knows are made, by name, and only plain values are read: no pickle, no eval. An Array is written block
by block, and read back as an Array.
"""

from __future__ import annotations

import base64
import errno
import functools
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

import dsarray as ds
from estimators._descriptions import describe, make_described

__all__ = ["load", "save"]

FORMAT = "dsflow model"

VERSION = 1
"""Of the format. A reader refuses later ones."""

MAX_DEPTH = 100
"""Values that are nested deeper are refused."""

_CALLBACKS = "_skl_callbacks"
"""What scikit-learn keeps callbacks in; they are not of the model, and are left out."""

_DAMAGES = (
    *(zipfile.BadZipFile, json.JSONDecodeError, UnicodeDecodeError, EOFError),
    *(LookupError, TypeError, AttributeError, RecursionError, OverflowError),
)
"""What reading a file may raise that `save` has not written."""


def save(model: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Write a model, fitted or not, to a file.

    Parameters
    ----------
    model : estimator
        One of this library, a search of it, or a pipeline of scikit-learn, with parameters and attributes that are
        numbers, texts, arrays, lists, tuples, dicts, random states, splitters, scorers that have a name,
        distributions of SciPy or such estimators.
    path : str or PathLike
        The file, which is replaced when all is written.

    Raises
    ------
    TypeError
        When it is no model, or something in it cannot be written: a function given as a parameter, say.
    FileNotFoundError
        When there is no such folder.

    Examples
    --------
    >>> import numpy as np
    >>> import estimators
    >>> from estimators.cluster import KMeans
    >>> model = KMeans(n_clusters=2, random_state=0).fit(np.array([[0.0], [1.0], [10.0]]))
    >>> estimators.save(model, "/tmp/example.model")
    >>> estimators.load("/tmp/example.model").predict([[9.0]]) == model.predict([[9.0]])
    array([ True])
    """
    if not isinstance(model, BaseEstimator):
        raise TypeError(f"save: a {type(model).__name__} is no model; give an estimator, a search or a pipeline.")
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "save: there is no such folder; make it first", str(target.parent))
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            content = _Writer(archive).write(model, type(model).__name__)
            header = {"format": FORMAT, "version": VERSION, "model": content}
            archive.writestr("model.json", json.dumps(header, allow_nan=True))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Any:
    """Read a model that `save` has written.

    Returns
    -------
    estimator

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is no model, is of a later version, or names something that is not known.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("model.json")) if "model.json" in archive.namelist() else None
            if not isinstance(header, dict) or header.get("format") != FORMAT:
                raise ValueError(f"load: {path} is no model of this library; give a file that save() has written.")
            if header.get("version") != VERSION:
                raise ValueError(
                    f"load: {path} has version {header.get('version')!r} of the format, but version {VERSION} is "
                    "what is known here; use the release of dsflow that has written it, or a later one."
                )
            model = _Reader(archive, str(path)).read(header["model"])
    except _DAMAGES as error:
        raise ValueError(f"load: {path} cannot be read as a model ({error}); it may be damaged.") from error
    if not isinstance(model, BaseEstimator):
        raise ValueError(f"load: {path} holds a {type(model).__name__}, not a model; it is damaged.")  # noqa: TRY004 - it is no argument
    return model


@functools.cache
def _known() -> dict[str, type]:
    """The estimators of this library and its searches, by name, and the pipeline."""
    import estimators
    from estimators import model_selection

    found = {name: getattr(room, name) for room in (estimators, model_selection) for name in room.__all__}
    kinds = {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, BaseEstimator)}
    return kinds | {"Pipeline": Pipeline}


class _Writer:
    """Turns values into what JSON can hold; arrays go to the archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._n_arrays = 0

    def write(self, value: Any, where: str, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise TypeError(f"save: {where} is nested more than {MAX_DEPTH} deep, or holds itself.")
        if value is None or type(value) in (bool, int, str, float):
            return value
        for kind, write in self._kinds():
            if isinstance(value, kind):
                return write(value, where, depth + 1)
        described = describe(value)
        if described is not None:
            own = self.write(described.arguments, where, depth + 1)
            return {"described": described.kind, "name": described.name, "arguments": own}
        raise TypeError(
            f"save: {where} is a {type(value).__module__}.{type(value).__qualname__}, which a model file cannot hold; "
            "set it to a number, text or array first."
        )

    def _kinds(self) -> list[tuple[Any, Callable[[Any, str, int], Any]]]:
        return [
            (BaseEstimator, self._estimator),
            (ds.Array, self._distributed),
            (np.ma.MaskedArray, self._masked),
            (np.ndarray, self._array),
            (np.generic, lambda value, where, depth: {"scalar": self._array(np.asarray(value), where, depth)}),
            (np.dtype, lambda value, *_: {"dtype": value.str}),
            (list, lambda value, where, depth: {"list": self._all(value, where, depth)}),
            (tuple, lambda value, where, depth: {"tuple": self._all(value, where, depth)}),
            ((set, frozenset), lambda value, where, depth: {"set": self._all(sorted(value, key=repr), where, depth)}),
            (dict, self._dict),
            (range, lambda value, *_: {"range": [value.start, value.stop, value.step]}),
            (slice, lambda value, *_: {"slice": [value.start, value.stop, value.step]}),
            (bytes, lambda value, *_: {"bytes": base64.b64encode(value).decode()}),
            (complex, lambda value, *_: {"complex": [value.real, value.imag]}),
            (np.random.RandomState, lambda value, where, depth: {"random state": self._dict(value.get_state(legacy=False), where, depth)}),  # noqa: E501 - one line a kind
            (scipy.sparse.sparray | scipy.sparse.spmatrix, self._sparse),
            (type, self._type),
        ]  # fmt: skip

    def _all(self, values: Any, where: str, depth: int) -> list[Any]:
        return [self.write(value, f"{where}[{position}]", depth) for position, value in enumerate(values)]

    def _dict(self, value: Any, where: str, depth: int) -> Any:
        items = [[self.write(k, f"a key of {where}", depth), self.write(v, f"{where}[{k!r}]", depth)]
                 for k, v in value.items()]  # fmt: skip
        return {"dict": items}

    def _type(self, value: type, where: str, _depth: int) -> Any:
        if not issubclass(value, np.generic):
            raise TypeError(f"save: {where} is the type {value.__name__}, which a model file cannot hold.")
        return {"numpy type": value.__name__}

    def _array(self, value: Any, where: str, depth: int) -> Any:
        if value.dtype.kind == "O":
            return {"objects": self._all(value.ravel().tolist(), where, depth), "shape": list(value.shape)}
        if value.dtype.kind == "V":
            raise TypeError(f"save: {where} has records ({value.dtype}), which a model file cannot hold.")
        return {"array": self._put(np.asarray(value))}

    def _masked(self, value: Any, where: str, depth: int) -> Any:
        parts = (np.ma.getdata(value), np.ma.getmaskarray(value), value.fill_value)
        return {"masked": [self.write(part, where, depth) for part in parts]}

    def _put(self, value: Any) -> str:
        name = f"{self._n_arrays}.npy"
        self._n_arrays += 1
        with self._archive.open(name, "w", force_zip64=True) as file:
            np.lib.format.write_array(file, np.asanyarray(ds.to_host(value)), allow_pickle=False)
        return name

    def _sparse(self, value: Any, _where: str, _depth: int) -> Any:
        matrix = value.tocsr()
        parts = [self._put(part) for part in (matrix.data, matrix.indices, matrix.indptr)]
        is_array = isinstance(value, scipy.sparse.sparray)
        return {"csr": parts, "shape": list(matrix.shape), "is_array": is_array}

    def _distributed(self, value: ds.Array, where: str, depth: int) -> Any:
        if value.sparse:
            raise TypeError(f"save: {where} is a sparse Array, which a model file cannot hold.")
        names = [self._put(future.result()) for future in value.blocks.flat]
        return {"blocks": names, "chunks": [list(lengths) for lengths in value.chunks], "type": value.dtype.str}

    def _estimator(self, value: BaseEstimator, where: str, depth: int) -> Any:
        name = type(value).__name__
        if _known().get(name) is not type(value):
            kind = type(value)
            raise TypeError(
                f"save: {where} is a {kind.__module__}.{kind.__qualname__}, which is no estimator of this library; "
                "save that with the tools of its own."
            )
        parameters = value.get_params(deep=False)
        if isinstance(value, Pipeline) and value.memory is not None:
            raise TypeError(f"save: {where}.memory is {value.memory!r}, a cache of pickles; set it to None first.")
        learned = {key: each for key, each in vars(value).items() if key not in parameters and key != _CALLBACKS}
        return {
            "estimator": name,
            "parameters": {key: self.write(each, f"{where}.{key}", depth) for key, each in parameters.items()},
            "learned": {key: self.write(each, f"{where}.{key}", depth) for key, each in learned.items()},
        }


class _Reader:
    """Makes values of what `_Writer` has written, and nothing else."""

    def __init__(self, archive: zipfile.ZipFile, path: str) -> None:
        self._archive = archive
        self._path = path

    def read(self, content: Any) -> Any:
        if not isinstance(content, dict):
            if isinstance(content, list):
                raise self._wrong("a list where a value was expected")
            return content
        for kind, read in self._kinds().items():
            if kind in content:
                return read(content)
        raise self._wrong(f"a value of unknown kind ({', '.join(map(repr, content))})")

    def _wrong(self, what: str) -> ValueError:
        return ValueError(f"load: {self._path} holds {what}; it is damaged, or no model of this library.")

    def _kinds(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "estimator": self._estimator,
            "array": lambda content: self._get(content["array"]),
            "scalar": lambda content: self._get(content["scalar"]["array"])[()],
            "objects": self._objects,
            "masked": lambda content: _mask(*self._all(content["masked"])),
            "list": lambda content: self._all(content["list"]),
            "tuple": lambda content: tuple(self._all(content["tuple"])),
            "set": lambda content: set(self._all(content["set"])),
            "dict": lambda content: {self.read(key): self.read(value) for key, value in content["dict"]},
            "range": lambda content: range(*map(int, content["range"])),
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

    def _get(self, name: Any) -> Any:
        with self._archive.open(str(name)) as file:
            return np.lib.format.read_array(file, allow_pickle=False)

    def _objects(self, content: Any) -> Any:
        values = self._all(content["objects"])
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array.reshape(content["shape"])

    def _type(self, content: Any) -> Any:
        kind = getattr(np, str(content["numpy type"]), None)
        if not isinstance(kind, type) or not issubclass(kind, np.generic):
            raise self._wrong(f"the type {content['numpy type']!r}")
        return kind

    def _random_state(self, content: Any) -> Any:
        state = np.random.RandomState()
        state.set_state(self.read(content["random state"]))
        return state

    def _csr(self, content: Any) -> Any:
        parts = tuple(self._get(name) for name in content["csr"])
        kind = scipy.sparse.csr_array if content["is_array"] else scipy.sparse.csr_matrix
        return kind(parts, shape=tuple(content["shape"]))

    def _distributed(self, content: Any) -> Any:
        chunks = tuple(tuple(map(int, lengths)) for lengths in content["chunks"])
        grid = tuple(map(len, chunks))
        blocks = np.empty(grid, dtype=object)
        for position, name in enumerate(content["blocks"]):
            blocks.flat[position] = self._get(name)
        return ds.from_blocks(blocks.tolist(), chunks, np.dtype(str(content["type"])))

    def _described(self, content: Any) -> Any:
        kind, name = str(content["described"]), str(content["name"])
        try:
            found = make_described(kind, name, self.read(content["arguments"]))
        except TypeError as error:
            raise self._wrong(f"the {kind} {name!r} with arguments that it does not take") from error
        if found is None:
            raise self._wrong(f"the {kind} {name!r}, which this release does not know")
        return found

    def _estimator(self, content: Any) -> Any:
        kind = _known().get(str(content["estimator"]))
        if kind is None:
            raise self._wrong(f"an estimator named {content['estimator']!r}, which this release does not have")
        model = kind(**{str(key): self.read(value) for key, value in content["parameters"].items()})
        vars(model).update({str(key): self.read(value) for key, value in content["learned"].items()})
        if isinstance(model, Pipeline) and model.memory is not None:
            raise self._wrong("a pipeline with a cache of pickles")
        return model


def _mask(values: Any, mask: Any, fill_value: Any) -> Any:
    return np.ma.MaskedArray(values, mask, fill_value=fill_value)
