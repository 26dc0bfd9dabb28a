"""class Array: a blocked array that is computed when needed."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray import (
    _assignment,
    _display,
    _elementwise,
    _indexing,
    _interop,
    _map,
    _protocol,
    _rechunk,
    _rows,
    _sinks,
    _standard,
)
from dsarray._blocks import Blocks
from dsarray._cell import Cells, Reading, start_cells
from dsarray._grid import BlockSize, Chunks, shape_of
from dsarray._methods import NumPyMethods
from dsarray._operators import Operators
from dsarray._plan import Plan, note_sizes, plan_of
from dsflow import Future, is_freezing

__all__ = ["Array"]


class Array(NumPyMethods, Operators):
    """A blocked N-D array with NumPy's meaning: a recorded expression whose blocks are started when needed.

    Arrays are made by `dsarray.array`, `dsarray.random_array` and the like, and by operations on other arrays. An
    operation records what to do; a block becomes a Future when a value (`collect`), a task or ``blocks`` asks for it,
    and is remembered from then on.

    Unlike with NumPy, a slice is a value: changing an array later does not change what was sliced from it.

    Attributes
    ----------
    chunks : tuple of tuple of int
        Lengths of the blocks along each axis.
    dtype : numpy.dtype
        Type of the elements.
    sparse : bool
        True if the blocks are SciPy CSR matrices.
    is_scalar : bool
        True if it is what NumPy gives as a scalar, such as a sum or an element: ``a += 1`` then makes another one.
    """

    __slots__ = ("__weakref__", "_cells", "chunks", "dtype", "is_scalar", "sparse")

    def __init__(self, cells: Cells, chunks: Chunks, dtype: npt.DTypeLike, *, sparse: bool = False) -> None:
        self._cells = cells
        self.chunks = chunks
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.sparse = sparse
        self.is_scalar = not chunks
        if not sparse:
            note_sizes(cells, chunks, self.dtype.itemsize)

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        return shape_of(self.chunks)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.chunks)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements; of a sparse array, those it would have if it were dense."""
        return self.size * self.itemsize

    @property
    def block_shape(self) -> tuple[int, ...]:
        """Shape of the largest block."""
        return tuple(map(max, self.chunks))

    block_size = block_shape

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of blocks along each axis."""
        return tuple(map(len, self.chunks))

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return math.prod(self.grid)

    @property
    def blocks(self) -> Blocks:
        """The Futures of the blocks: ``a.blocks[i, j]`` is a Future, which is started if need be."""
        return Blocks(self._cells)

    @property
    def streamed(self) -> bool:
        """True if blocks are read from where they are stored, anew by each task that needs them, and not kept."""
        return any(cell.streamed for cell in self._cells.flat)

    def row_blocks(self, lengths: Sequence[int] | None = None) -> list[Future[Any]]:
        """Return Futures of the rows of blocks, each joined along all other axes.

        Parameters
        ----------
        lengths : sequence of int, optional
            Number of rows in each; by default they are cut as the blocks are.
        """
        return _rows.row_blocks(self, lengths)

    def explain(self) -> Plan:
        """Say what computing the array takes: tasks, bytes and memory. Nothing runs.

        Returns
        -------
        Plan
            Shown as text, and with the figures as attributes.

        Examples
        --------
        >>> import dsarray as ds
        >>> x = ds.random_array((1000, 1000), block_size=250)
        >>> plan = ((x - 1) * 2).sum().explain()
        >>> plan.n_tasks, plan.task_bytes
        (5, 4000000)
        """
        return plan_of(self._cells.flat)

    def visualize(self, path: str | os.PathLike[str] | None = None) -> _display.Picture:
        """Draw the tasks that computing the array would run, named after what they do. Nothing runs.

        Parameters
        ----------
        path : str or PathLike, optional
            Where to write the picture, usually ``*.svg``.

        Returns
        -------
        Picture
            Shown by notebooks; ``svg`` is its text. Of more than 300 tasks, those that are alike share a box.

        Raises
        ------
        ImportError
            When igraph, which places the boxes, is not installed.
        """
        return _display.draw(self, path)

    def __repr__(self) -> str:
        return _display.text(self)

    def _repr_html_(self) -> str:
        return _display.html(self)

    # --- getting values ----------------------------------------------------------------------------------------------

    def collect(self) -> Any:
        """Bring all elements here.

        Returns
        -------
        ndarray or scipy.sparse matrix
            The caller's own; sparse arrays give CSR.
        """
        return _sinks.collect(self)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return _sinks.as_ndarray(self, dtype, copy)

    def item(self, *index: Any) -> Any:
        """Return an element, given by its place or its number in C order, or the only one, as a Python scalar."""
        place = index[0] if len(index) == 1 and isinstance(index[0], tuple) else index
        if len(place) == 1:
            return _sinks.scalar(self.ravel()[place[0]], "item()", lambda value: value.item(), ValueError)
        if place and len(place) != self.ndim:
            raise ValueError(f"item(): {len(place)} indices for an array of {self.ndim} dimensions; give one for each.")
        if place:
            return self[place].item()
        return _sinks.scalar(self, "item()", lambda value: value.item(), ValueError)

    def tolist(self) -> Any:
        """Return the elements as nested lists."""
        return np.asarray(self).tolist()

    def __bool__(self) -> bool:
        return bool(_sinks.scalar(self, "bool()", bool, ValueError))

    def __int__(self) -> int:
        return int(_sinks.scalar(self, "int()", int))

    def __float__(self) -> float:
        return float(_sinks.scalar(self, "float()", float))

    def __complex__(self) -> complex:
        return complex(_sinks.scalar(self, "complex()", complex))

    def __index__(self) -> int:
        return int(_sinks.scalar(self, "index()", lambda value: value.__index__()))

    def __len__(self) -> int:
        if not self.chunks:
            raise TypeError("len() of a 0-dimensional Array; it has no axis to measure.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return _indexing.iterate(self)

    def __contains__(self, value: object) -> bool:
        return bool((self == value).any())

    # --- parts -------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Array:
        return _indexing.get(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _assignment.assign(self, key, value)

    def rechunk(self, block_size: BlockSize) -> Array:
        """Return the same array in other blocks.

        Parameters
        ----------
        block_size : int or tuple of int
            Size of the blocks along the first axis, or along each axis; -1 means the whole axis, and a tuple in place
            of a size gives the length of each block along that axis.
        """
        return _rechunk.to_block_size(self, block_size)

    # --- NumPy's protocols -------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        return _elementwise.apply_ufunc(ufunc, method, inputs, keywords)

    def __imatmul__(self, other: Any) -> Array:
        if np.ndim(other) < 2:
            raise ValueError(f"@=: the right side has {np.ndim(other)} dimensions, but needs 2; use a = a @ b.")
        product: Array = _elementwise.apply_ufunc(np.matmul, "__call__", (self, other), {"out": (self,)})
        return product

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        return _protocol.apply_function(function, args, keywords)

    # --- the array API standard's protocols --------------------------------------------------------------------------

    __array_namespace__ = _standard.array_namespace
    device = property(_standard.device_of, doc='Where the blocks lie: "cpu" or "cuda".')
    to_device = _standard.to_device
    __dlpack__ = _standard.dlpack
    __dlpack_device__ = _standard.dlpack_device

    # --- Dask's protocol ---------------------------------------------------------------------------------------------

    to_dask = to_dask_array = _interop.to_dask
    __dask_graph__ = _interop.OnInstances(_interop.graph_of)
    __dask_keys__ = _interop.keys_of
    __dask_tokenize__ = _interop.tokenize
    __dask_postcompute__ = _interop.postcompute
    __dask_postpersist__ = _interop.postpersist
    __dask_optimize__ = staticmethod(_interop.optimize)
    __dask_scheduler__ = staticmethod(_interop.run_threaded)

    # --- other types and functions -----------------------------------------------------------------------------------

    def astype(self, dtype: npt.DTypeLike, order: str = "K", casting: Any = "unsafe", **_options: bool) -> Array:  # noqa: ARG002 - NumPy's
        """Return the array with another type of elements, if ``casting`` allows it; other options have no effect."""
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"astype: cannot cast from {self.dtype} to {np.dtype(dtype)} by the rule {casting!r}.")
        converted = _elementwise.astype(self, dtype)
        converted.is_scalar = self.is_scalar
        return converted

    def to_dense(self) -> Array:
        """Return the array with ndarrays as blocks."""
        return _elementwise.to_dense(self)

    def map_blocks(self, function: Callable[..., Any], *arrays: Any, **keywords: Any) -> Array:
        """Return the array of ``function(block, …)``; see `dsarray.map_blocks`."""
        return _map.map_blocks(function, self, *arrays, **keywords)

    # --- copies and travel -------------------------------------------------------------------------------------------

    def copy(self, order: str = "C") -> Array:  # noqa: ARG002 - NumPy's
        """Return an array that changes apart from this one (``a += 1``); ``order`` has no effect."""
        copied = Array(self._cells, self.chunks, self.dtype, sparse=self.sparse)
        copied.is_scalar = self.is_scalar
        return copied

    def become(self, other: Array) -> None:
        """Take the value of an array of the same shape and type, in its blocks; all who hold this array see it.

        Raises
        ------
        ValueError
            When the shape is another one.
        TypeError
            When the type of the elements is, or only one of the arrays is sparse.
        """
        if other.shape != self.shape:
            raise ValueError(f"become: shape {other.shape} is not {self.shape}; reshape it, or use it under its name.")
        if other.dtype != self.dtype or other.sparse != self.sparse:
            raise TypeError(
                f"become: {other!r} is not of the type of {self!r}; use astype() or to_dense(), or it under its name."
            )
        self._cells, self.chunks = other._cells, other.chunks

    def __copy__(self) -> Array:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Array:
        return copy.copy(self)

    def __reduce__(self) -> tuple[Any, ...]:
        from dsarray._creation import rebuild, restore

        if not is_freezing():
            return restore, (_sinks.block_values(self), self.chunks, self.dtype, self.sparse, self.is_scalar)
        start_cells(cell for cell in self._cells.flat if not isinstance(cell.state, Reading))
        blocks = [cell.portable() for cell in self._cells.flat]
        return rebuild, (blocks, self.chunks, self.dtype, self.sparse, self.is_scalar)
