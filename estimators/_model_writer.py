"""Values for model files; see `_persistence`."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.metrics._scorer import _BaseScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

import dsarray as ds
from estimators._descriptions import describe, known_estimators
from estimators._model_arrays import write_array

__all__ = ["ModelWriter"]

MAX_DEPTH = 100
"""Values that are nested deeper are refused."""

_CALLBACKS = "_skl_callbacks"
"""What scikit-learn keeps callbacks in; they are not of the model, and are left out."""


@dataclass
class _Code:
    """A function, class or the like, which is not written."""

    where: str
    value: Any
    holder: Any = None
    """The estimator whose parameter or attribute it is, or is inside of."""
    place: str = ""
    """The holder, seen from the model."""
    name: str = ""
    """The parameter or attribute."""

    def __str__(self) -> str:
        if isinstance(self.value, type):
            return f"{self.where} is the type {self.value.__qualname__}"
        return f"{self.where} is a {type(self.value).__module__}.{type(self.value).__qualname__}"

    @property
    def is_of_scores(self) -> bool:
        """Whether it is a scorer, or in the place of one."""
        return self.name in ("scoring", "scorer_") or isinstance(self.value, _BaseScorer)

    @property
    def removal(self) -> str:
        """The statement that removes it."""
        is_parameter = self.name in self.holder.get_params(deep=False)
        return f"{self.place}.set_params({self.name}=None)" if is_parameter else f"{self.place}.{self.name} = None"


class ModelWriter:
    """Turns values into what JSON can hold; arrays go to the archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._n_arrays = 0
        self._code: list[_Code] = []

    def write_model(self, model: BaseEstimator) -> Any:
        """Return what a model is.

        Raises
        ------
        TypeError
            When something in it cannot be written; all functions and classes in it are named.
        """
        content = self._write(model, type(model).__name__)
        found: dict[Any, _Code] = {}
        for each in self._code:
            found.setdefault((id(each.holder), each.name, id(each.value)), each)
        if found:
            names = ", ".join(map(str, found.values()))
            raise TypeError(f"save: {names}, which a model file cannot hold; {_advise(list(found.values()))}.")
        return content

    def _write(self, value: Any, where: str, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise TypeError(f"save: {where} is nested more than {MAX_DEPTH} deep, or holds itself.")
        if value is None or type(value) in (bool, int, str, float):
            return value
        for kind, write in self._kinds():
            if isinstance(value, kind):
                return write(value, where, depth + 1)
        described = describe(value)
        if described is not None:
            own = self._write(described.arguments, where, depth + 1)
            return {"described": described.kind, "name": described.name, "arguments": own}
        if callable(value):
            self._code.append(_Code(where, value))
            return None
        raise TypeError(
            f"save: {where} is a {type(value).__module__}.{type(value).__qualname__}, which a model file cannot hold; "
            "set it to a number, text or array first."
        )

    def _kinds(self) -> list[tuple[Any, Callable[[Any, str, int], Any]]]:
        return [
            (type, self._type),
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
            (slice, lambda value, where, depth: {"slice": self._all((value.start, value.stop, value.step), where, depth)}),  # noqa: E501 - one line a kind
            (bytes, lambda value, *_: {"bytes": base64.b64encode(value).decode()}),
            (complex, lambda value, *_: {"complex": [value.real, value.imag]}),
            (np.random.RandomState, lambda value, where, depth: {"random state": self._dict(value.get_state(legacy=False), where, depth)}),  # noqa: E501 - one line a kind
            (scipy.sparse.sparray | scipy.sparse.spmatrix, self._sparse),
        ]  # fmt: skip

    def _all(self, values: Any, where: str, depth: int) -> list[Any]:
        return [self._write(value, f"{where}[{position}]", depth) for position, value in enumerate(values)]

    def _dict(self, value: Any, where: str, depth: int) -> Any:
        items = [[self._write(k, f"a key of {where}", depth), self._write(v, f"{where}[{k!r}]", depth)]
                 for k, v in value.items()]  # fmt: skip
        return {"dict": items}

    def _type(self, value: type, where: str, _depth: int) -> Any:
        if not issubclass(value, np.generic):
            self._code.append(_Code(where, value))
        return {"numpy type": value.__name__}

    def _array(self, value: Any, where: str, depth: int) -> Any:
        if value.dtype.kind == "O":
            return {"objects": self._all(value.ravel().tolist(), where, depth), "shape": list(value.shape)}
        if value.dtype.kind == "V":
            raise TypeError(f"save: {where} has records ({value.dtype}), which a model file cannot hold.")
        return {"array": self._put(np.asarray(value))}

    def _masked(self, value: Any, where: str, depth: int) -> Any:
        parts = (np.ma.getdata(value), np.ma.getmaskarray(value), value.fill_value)
        return {"masked": [self._write(part, where, depth) for part in parts]}

    def _put(self, value: Any) -> str:
        name = f"{self._n_arrays}.npy"
        self._n_arrays += 1
        write_array(self._archive, name, value)
        return name

    def _sparse(self, value: Any, _where: str = "", _depth: int = 0) -> Any:
        matrix = value.tocsr()
        parts = [self._put(part) for part in (matrix.data, matrix.indices, matrix.indptr)]
        is_array = isinstance(value, scipy.sparse.sparray)
        return {"csr": parts, "shape": list(matrix.shape), "is_array": is_array}

    def _distributed(self, value: ds.Array, where: str, depth: int) -> Any:
        put = self._sparse if value.sparse else self._put
        blocks = [put(ds.to_host(future.result())) for future in value.blocks.flat]
        chunks = [list(lengths) for lengths in value.chunks]
        return {"blocks": blocks, "chunks": chunks, "type": value.dtype.str, "is_sparse": value.sparse}

    def _estimator(self, value: BaseEstimator, where: str, depth: int) -> Any:
        name = type(value).__name__
        if known_estimators().get(name) is not type(value):
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
            "parameters": {key: self._member(value, where, key, each, depth) for key, each in parameters.items()},
            "learned": {key: self._member(value, where, key, each, depth) for key, each in learned.items()},
        }

    def _member(self, holder: BaseEstimator, where: str, name: str, value: Any, depth: int) -> Any:
        """Write a parameter or attribute, and note down whose it is if there is code in it."""
        n_known = len(self._code)
        content = self._write(value, f"{where}.{name}", depth)
        for found in self._code[n_known:]:
            if found.holder is None:
                found.holder, found.name = holder, name
                found.place = "model" + "".join(where.partition(".")[1:])
        return content


def _advise(found: Sequence[_Code]) -> str:
    """Return what to do about code in a model."""
    advice = []
    of_scores = [each for each in found if each.is_of_scores]
    of_searches = [each for each in found if isinstance(each.holder, BaseSearchCV) and not each.is_of_scores]
    if of_scores:
        advice.append("let scoring be the name of a scorer, such as 'accuracy', and fit again")
    bests = [f"{each.place}.best_estimator_" for each in of_scores + of_searches
             if hasattr(each.holder, "best_estimator_")]  # fmt: skip
    if bests:
        advice.append(f"{'or ' if of_scores else ''}save what was found, {bests[0]}, alone")
    elif of_searches:
        advice.append("let the search try names, numbers or texts, or save what it finds")
    others = [each for each in found if each not in of_scores and each not in of_searches]
    removals = [each.removal for each in others if not bests or each.place.startswith(bests[0])]
    if removals:
        advice.append(f"before, do {', '.join(dict.fromkeys(removals))}, and set them again after load()")
    return "; ".join(advice)
