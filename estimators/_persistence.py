"""Models in files: ``save(model, path)`` and ``load(path)``. Loading runs no code, whatever the file holds.

A model is a zip file: ``model.json`` says which estimator it is, its parameters and what it has learned, and each array
is an ``.npy`` file beside it. Only estimators and searches of this library, scikit-learn's pipelines of them, and what
`_descriptions` knows are made, by name, and only plain values are read: no pickle, no eval. An Array is written block
by block, and read back as an Array. What compiled code would follow without looking is checked first.
"""

from __future__ import annotations

import errno
import json
import os
import zipfile
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from estimators._model_arrays import check_entries
from estimators._model_reader import ModelReader, RefusedError
from estimators._model_writer import ModelWriter

__all__ = ["load", "save"]

FORMAT = "dsflow model"

VERSION = 1
"""Of the format. A reader refuses later ones."""


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
            header = {"format": FORMAT, "version": VERSION, "model": ModelWriter(archive).write_model(model)}
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
        When the file is no model, is damaged, is of a later version, or names something that is not known.
    """
    with Path(path).open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                check_entries(archive, os.fstat(file.fileno()).st_size)
                return _read(archive, str(path))
        except (RefusedError, MemoryError):
            raise
        except Exception as error:
            what = str(error) or type(error).__name__
            raise ValueError(f"load: {path} cannot be read as a model ({what}); it may be damaged.") from error


def _read(archive: zipfile.ZipFile, path: str) -> Any:
    header = json.loads(archive.read("model.json")) if "model.json" in archive.namelist() else None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise RefusedError(f"load: {path} is no model of this library; give a file that save() has written.")
    if header.get("version") != VERSION:
        raise RefusedError(
            f"load: {path} has version {header.get('version')!r} of the format, but version {VERSION} is "
            "what is known here; use the release of dsflow that has written it, or a later one."
        )
    model = ModelReader(archive, path).read(header["model"])
    if not isinstance(model, BaseEstimator):
        raise RefusedError(f"load: {path} holds a {type(model).__name__}, not a model; it is damaged.")
    return model
