"""class Generator: draws blocked arrays that do not depend on how they are cut.

A generator holds a seed and the number of its calls. What has the size of the data is drawn and moved by tasks; only
the positions of a permutation, 8 bytes for each row, are made here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _creation, _elementwise, _rechunk
from dsarray._array import Array
from dsarray._cell import Cell, Value, make_cells
from dsarray._config import default_chunks
from dsarray._grid import check_shape
from dsarray._namespace import namespace, to_host
from dsarray._random import Drawing, draw_array, tile_chunks, tile_shape
from dsarray.random._distributions import Distributions

__all__ = ["Generator", "default_rng"]

MAX_POSITIONS = 1 << 27
"""Positions that are made in the main program, at most: 1 GiB of them."""


class Generator(Distributions):
    """Draws random Arrays, with the methods of `numpy.random.Generator`.

    The numbers are other ones than NumPy's for the same seed. They depend on the seed, the calls made before, and the
    shape; neither on blocks nor on where and in which order these are computed.

    Parameters
    ----------
    seed : None, int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
        None takes one from the operating system; a generator is drawn from once.

    Examples
    --------
    >>> import dsarray as ds
    >>> rng = ds.random.default_rng(0)
    >>> x = rng.normal(10, 2, size=(10_000, 3), block_size=1000)
    >>> bool(abs(x.mean() - 10) < 0.1)
    True
    """

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, (np.random.Generator, np.random.BitGenerator)):
            bits = seed if isinstance(seed, np.random.BitGenerator) else seed.bit_generator
            seed = int(bits.random_raw())
        sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        self._entropy: Any = sequence.entropy
        self._key: tuple[int, ...] = tuple(sequence.spawn_key)
        self._n_calls = 0
        self._n_children = 0

    def __repr__(self) -> str:
        return f"<Generator: {self._n_calls} calls made>"

    def spawn(self, n_children: int) -> list[Generator]:
        """Return generators whose numbers are independent of each other and of this one's."""
        if n_children < 0:
            raise ValueError(f"spawn: n_children={n_children} is negative; give at least 0.")
        found = []
        for _ in range(n_children):
            found.append(Generator(np.random.SeedSequence(self._entropy, spawn_key=(*self._key, 1, self._n_children))))
            self._n_children += 1
        return found

    def _next_key(self) -> tuple[int, ...]:
        key = (*self._key, 0, self._n_calls)
        self._n_calls += 1
        return key

    def _here(self) -> np.random.Generator:
        """A generator for one call, of what is drawn in the main program."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self._entropy, spawn_key=self._next_key())))

    def _drawn(
        self,
        method: str,
        parameters: tuple[Any, ...],
        size: Any,
        block_size: Any,
        dtype: npt.DTypeLike = np.float64,
        event: tuple[int, ...] = (),
        options: dict[str, Any] | None = None,
    ) -> Array:
        known = [each if np.ndim(each) == 0 and not isinstance(each, Array) else _elementwise.as_array(each)
                 for each in parameters]  # fmt: skip
        _try_out(method, parameters, options or {})
        shapes = [each.shape for each in known if isinstance(each, Array)]
        shape = np.broadcast_shapes(*shapes) if size is None else check_shape(size, method)
        if np.broadcast_shapes(shape, *shapes) != shape:
            raise ValueError(f"{method}: parameters of shapes {shapes} do not broadcast to size={size!r}.")
        kind: np.dtype[Any] = np.dtype(dtype)
        chunks = default_chunks((*shape, *event), kind.itemsize, block_size, method)
        drawing = Drawing(method, self._entropy, self._next_key(), kind, options or {}, event)
        return draw_array(drawing, shape, chunks, known)

    # --- orders ------------------------------------------------------------------------------------------------------

    def _positions(self, n: int, where: str) -> npt.NDArray[np.int64]:
        if n > MAX_POSITIONS:
            raise ValueError(
                f"{where}: {n} rows are more than {MAX_POSITIONS}, whose order can be made here; take parts."
            )
        return self._here().permutation(n)

    def permutation(self, x: Any, axis: int = 0, *, block_size: Any = None) -> Array:
        """Return the rows of an array, or the ints below ``x``, in random order.

        Parameters
        ----------
        x : int, Array or array_like
            The order of all rows is drawn here, 8 bytes a row; the rows move from block to block.
        axis : int
            Which axis is put in another order, as a whole.
        block_size : int, optional
            Of the ints; an array stays cut in blocks of its size.
        """
        if np.ndim(x) == 0 and not isinstance(x, Array):
            return _creation.array(self._positions(_count(x, "permutation"), "permutation"), block_size=block_size)
        a = _elementwise.as_array(x)
        axis = normalize_axis_index(axis, a.ndim)
        return _take(a, self._positions(a.shape[axis], "permutation"), axis)

    def shuffle(self, x: Array, axis: int = 0) -> None:
        """Put the rows of an Array in random order, for all who hold it."""
        if not isinstance(x, Array):
            raise TypeError(f"shuffle: a {type(x).__name__} is not changed in place; use permutation(), or an Array.")
        x.become(self.permutation(x, axis))

    def permuted(self, x: Any, axis: int | None = None) -> Array:
        """Return an array whose slices along an axis are put in random order, each in one of its own.

        Parameters
        ----------
        x : Array or array_like
        axis : int, optional
            Slices along it must fit into a block. None puts all elements in random order, as `permutation` does.
        """
        a = _elementwise.as_array(x).to_dense()
        if axis is None:
            return self.permutation(a.ravel()).reshape(a.shape) if a.ndim else a.copy()
        axis = normalize_axis_index(axis, a.ndim)
        rest = tuple(n for i, n in enumerate(a.shape) if i != axis)
        sides = list(tile_shape(rest, a.shape[axis]))
        sides.insert(axis, max(1, a.shape[axis]))
        tile = tuple(sides)
        whole = tuple((a.shape[axis],) if i == axis else lengths for i, lengths in enumerate(a.chunks))
        lanes = _rechunk.to_chunks(a, tile_chunks(whole, tile))
        drawing = Drawing("permuted", self._entropy, self._next_key(), a.dtype)
        starts = [np.cumsum([0, *lengths]) // side for lengths, side in zip(lanes.chunks, tile, strict=True)]
        cells = [
            Cell.of(_permuted, cell, drawing, tile, tuple(int(s[i]) for s, i in zip(starts, index, strict=True)), axis)
            for index, cell in np.ndenumerate(lanes._cells)
        ]
        return _rechunk.to_chunks(Array(make_cells(lanes.grid, cells), lanes.chunks, a.dtype), a.chunks)

    # --- choices -----------------------------------------------------------------------------------------------------

    def choice(
        self,
        a: Any,
        size: Any = None,
        replace: bool = True,
        p: Any = None,
        axis: int = 0,
        shuffle: bool = True,
        *,
        block_size: Any = None,
    ) -> Array:
        """Draw rows of an array, or ints below ``a``.

        Parameters
        ----------
        a : int, Array or array_like
        size : int or tuple of int, optional
        replace : bool
            False to draw each at most once; then the positions drawn are made here, and so they are for an Array.
        p : array_like, optional
            Probability of each; it has to fit into memory.
        axis : int
            The axis of ``a`` to draw from.
        shuffle : bool
            False saves time where nothing is replaced and the order does not matter.
        block_size : int or tuple of int, optional
            Of ints that are drawn.
        """
        is_count = np.ndim(a) == 0 and not isinstance(a, Array)
        source = None if is_count else _elementwise.as_array(a)
        n = _count(a, "choice") if source is None else source.shape[normalize_axis_index(axis, source.ndim)]
        shape: tuple[int, ...] = () if size is None else check_shape(size, "choice")
        weights = None if p is None else _weights(p, n)
        n_drawn: int = math.prod(shape)
        if n == 0 and n_drawn:
            raise ValueError("choice: a is empty; there is nothing to draw.")
        if source is not None or not replace:
            _check_number(n_drawn if p is None or replace else max(n, n_drawn))
        if not replace:
            chosen = self._here().choice(n, shape, replace=False, p=weights, shuffle=shuffle)
            found = _creation.array(chosen, np.int64, block_size=block_size)
        elif weights is None:
            found = self.integers(0, max(1, n), shape, block_size=block_size)
        else:
            found = _weighted(self.random(shape, block_size=block_size), weights)
        if source is None:
            return found
        place = normalize_axis_index(axis, source.ndim)
        taken = _take(source, found.collect().ravel(), place)
        return taken.reshape((*source.shape[:place], *shape, *source.shape[place + 1 :])) if len(shape) != 1 else taken


def default_rng(seed: Any = None) -> Generator:
    """Return a generator of random Arrays; see `Generator`.

    Parameters
    ----------
    seed : None, int, sequence of int, numpy.random.SeedSequence or generator
        The same int gives the same numbers. A `Generator` is returned as it is.
    """
    return seed if isinstance(seed, Generator) else Generator(seed)


def _try_out(method: str, parameters: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Have NumPy draw once with the parameters that are at hand; it raises what it would for the whole."""
    if any(isinstance(each, Array) or np.size(each) > 1 << 16 for each in parameters):
        return
    getattr(np.random.default_rng(0), method)(*parameters, size=None, **options)


def _count(value: Any, where: str) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{where}: {value!r} is neither an int nor an array; give one of them.")
    n = int(value.__index__())
    if n < 0:
        raise ValueError(f"{where}: {n} is negative; give at least 0.")
    return n


def _check_number(n: int) -> None:
    if n > MAX_POSITIONS:
        raise ValueError(f"choice: {n} positions are more than {MAX_POSITIONS}, which can be made here; draw fewer.")


def _weights(p: Any, n: int) -> npt.NDArray[np.float64]:
    weights = np.asarray(p, dtype=np.float64)
    if weights.shape != (n,):
        raise ValueError(f"choice: p has shape {weights.shape}, not ({n},); give one probability for each.")
    if not (weights >= 0).all() or not math.isclose(weights.sum(), 1, abs_tol=1.5e-8):
        raise ValueError("choice: p is no distribution; give probabilities of at least 0 that add up to 1.")
    return weights


def _weighted(uniform: Array, weights: npt.NDArray[np.float64]) -> Array:
    """The ints whose share of [0, 1) uniform numbers fall into."""
    ends = np.cumsum(weights)
    shared = Cell(Value(ends / ends[-1] if ends.size else ends))
    cells = [Cell.of(_fall, shared, cell) for cell in uniform._cells.flat]
    return Array(make_cells(uniform.grid, cells), uniform.chunks, np.int64)


def _fall(ends: Any, uniform: Any) -> Any:
    return np.asarray(np.searchsorted(ends, uniform, side="right")).astype(np.int64, copy=False)


def _take(a: Array, positions: Any, axis: int) -> Array:
    return a[(*(slice(None),) * axis, positions)]


def _permuted(
    lanes: Any, drawing: Drawing, tile: tuple[int, ...], first: tuple[int, ...], axis: int
) -> npt.NDArray[Any]:
    """Put each slice along an axis in random order; ``first`` is the place of the first tile."""
    result: npt.NDArray[Any] = np.empty_like(lanes)
    on_host = to_host(lanes)
    counts = [-(-n // side) for n, side in zip(lanes.shape, tile, strict=True)]
    for local in np.ndindex(*counts):
        key = tuple(slice(i * side, (i + 1) * side) for i, side in zip(local, tile, strict=True))
        place = tuple(a + b for a, b in zip(first, local, strict=True))
        result[key] = namespace(lanes).asarray(drawing.generator(place).permuted(on_host[key], axis=axis))
    return result
