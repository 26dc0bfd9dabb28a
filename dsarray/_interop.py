"""Arrays of Dask, both ways: the only file of dsarray that names dask.

Of a Dask array, each node of the graph becomes a cell, so that it runs as, or within, a task of ours on any engine. The
other way, each block becomes a node, which computes the block in our session, or where Dask runs it if that takes no
more than a recipe. What travels is recipes; a block that exists travels as a value to Dask workers of another cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array
from dsarray._cell import Cell, Reading, Value, make_cells
from dsarray._grid import Chunks, block_indices, block_shape, grid_of
from dsarray._nodes import BlockNode, bring_blocks, name_of, nodes_of
from dsarray._rechunk import assemble
from dsarray._sparse import is_sparse, to_csr
from dsflow import task

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = [
    "OnInstances",
    "from_dask",
    "graph_of",
    "keys_of",
    "optimize",
    "postcompute",
    "postpersist",
    "run_threaded",
    "to_dask",
    "tokenize",
]

# --- from Dask --------------------------------------------------------------------------------------------------------


def from_dask(x: Any, *, streamed: bool = False) -> Array:
    """Make an Array of a Dask array; each chunk becomes a block, which tasks of this session compute when needed.

    Parameters
    ----------
    x : dask.array.Array
        Or a collection that becomes one: the lengths of a data frame's partitions are computed at once. Chunks that are
        persisted on the cluster of the session stay where they are.
    streamed : bool, default False
        False computes a chunk once, and what several chunks need once for all. True computes a chunk, by its part of
        the graph, anew in each task that needs it, and keeps nothing: for chunks that are read from where they are
        stored and may be larger than memory.

    Returns
    -------
    Array

    Raises
    ------
    TypeError
        When it is not that, or the elements are Python objects or records.
    ValueError
        When the lengths of chunks are not known.

    Examples
    --------
    >>> import dask.array as da
    >>> import dsarray as ds
    >>> x = da.ones((6, 2), chunks=(3, 2))
    >>> ds.from_dask(x + 1).sum(axis=0).collect()
    array([12., 12.])
    """
    import dask.array
    from dask.base import is_dask_collection, optimize
    from dask.delayed import Delayed

    from dsarray._creation import check_dtype

    if is_dask_collection(x) and not isinstance(x, (dask.array.Array, Delayed)) and hasattr(x, "to_dask_array"):
        x = x.to_dask_array(lengths=True)
    if not isinstance(x, dask.array.Array):
        raise TypeError(f"from_dask: a {type(x).__name__} is no array of Dask; use ds.array(x) for other arrays.")
    chunks: Chunks = tuple(tuple(lengths) for lengths in x.chunks)
    if any(length != length for lengths in chunks for length in lengths):  # noqa: PLR0124 - NaN
        raise ValueError("from_dask: the lengths of chunks are not known; call x.compute_chunk_sizes() first.")
    chunks = tuple(tuple(map(int, lengths)) or (0,) for lengths in chunks)
    check_dtype(x.dtype, "from_dask")
    sparse = is_sparse(getattr(x, "_meta", None))
    whole = dict(x.__dask_graph__())
    persisted = {key: node for key, node in whole.items() if _is_future(node)}
    if not any(isinstance(getattr(node, "func", None), BlockNode) for node in whole.values()):
        (x,) = optimize(x)  # Dask drops the nodes that are persisted
        whole = {**x.__dask_graph__(), **persisted}
    keys = _flat_keys(x.__dask_keys__())
    if streamed:
        if persisted:
            raise ValueError("from_dask: chunks are persisted, so they cannot be computed anew; leave streamed= out.")
        cells = _reading_cells(whole, keys, chunks, x.dtype, sparse=sparse)
    else:
        computed = _cells_of_graph(whole, keys)
        cells = [
            Cell.of(_check_chunk, cell, block_shape(chunks, index), x.dtype, sparse)
            for cell, index in zip(computed, block_indices(chunks), strict=True)
        ]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, x.dtype, sparse=sparse)


def _flat_keys(keys: Any) -> list[Any]:
    return [key for each in keys for key in _flat_keys(each)] if isinstance(keys, list) else [keys]


def _cells_of_graph(graph: Mapping[Any, Any], keys: list[Any]) -> list[Cell]:
    """Return the cells of some nodes of a graph; a node that several others need is computed once."""
    from dask._task_spec import Alias, convert_legacy_graph

    held = {key: node for key, node in graph.items() if _is_future(node)}
    nodes = convert_legacy_graph({key: node for key, node in graph.items() if key not in held})
    n_uses = Counter(dependency for node in nodes.values() for dependency in node.dependencies)
    cells = {key: Cell(_take(future)) for key, future in held.items()}
    stack = list(keys)
    while stack:
        key = stack[-1]
        missing = [] if key in cells else [each for each in nodes[key].dependencies if each not in cells]
        if missing:
            stack += missing
            continue
        stack.pop()
        if key not in cells:
            node = nodes[key]
            cells[key] = cells[node.target] if isinstance(node, Alias) else _cell_of_node(node, cells, n_uses[key] > 1)
    return [cells[key] for key in keys]


def _cell_of_node(node: Any, cells: Mapping[Any, Cell], is_shared: bool) -> Cell:
    from dask._task_spec import DataNode

    if isinstance(getattr(node, "func", None), BlockNode):
        block: BlockNode = node.func
        return block.cell
    if isinstance(node, DataNode):
        return Cell(_take(node.value)) if _is_future(node.value) else Cell(Value(node.value))
    needed = tuple(node.dependencies)
    return Cell.of(_run_node, node, needed, *[cells[key] for key in needed], anchor=is_shared)


def _is_future(node: Any) -> bool:
    return type(node).__module__.startswith("distributed.") and type(node).__name__ == "Future"


@task
def _take(value: Any) -> Any:
    """Make a Future of ours of one of Dask's."""
    return value


def _run_node(node: Any, keys: tuple[Any, ...], *values: Any) -> Any:
    return node(dict(zip(keys, values, strict=True)))


def _reading_cells(
    graph: dict[Any, Any], keys: list[Any], chunks: Chunks, dtype: np.dtype[Any], *, sparse: bool
) -> list[Cell]:
    """Return cells each of which computes a chunk by its own part of the graph."""
    from dask.optimization import cull

    from dsarray.io._parts import parts_of

    cells = []
    for key, part in zip(keys, parts_of(chunks), strict=True):
        own = cull(graph, [key])[0]
        cells.append(Cell(Reading(_compute_chunk, ((own, key, part, dtype, sparse), part))))
    return cells


def _compute_chunk(source: tuple[Any, ...], part: tuple[slice, ...]) -> Any:
    """Compute a chunk, and take a part of it."""
    from dask.local import get_sync

    graph, key, whole, dtype, sparse = source
    chunk = _check_chunk(get_sync(graph, key), tuple(each.stop - each.start for each in whole), dtype, sparse)
    if part == whole:
        return chunk
    key = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(part, whole, strict=True))
    return chunk[key] if sparse else chunk[(*key, ...)]


def _check_chunk(chunk: Any, shape: tuple[int, ...], dtype: np.dtype[Any], sparse: bool) -> Any:
    """Return a chunk as a block, of the shape and type that Dask had said."""
    if isinstance(chunk, np.ma.MaskedArray):
        raise TypeError("from_dask: a chunk is a masked array, which is not supported; fill it first.")
    if sparse and is_sparse(chunk):
        chunk = to_csr(chunk)
    elif not hasattr(chunk, "__array_function__") or isinstance(chunk, np.generic):
        chunk = np.asarray(chunk)
    if tuple(chunk.shape) != shape:
        raise ValueError(f"from_dask: a chunk has shape {chunk.shape}, not {shape} as Dask said; correct its chunks.")
    return chunk if chunk.dtype == dtype else chunk.astype(dtype)


# --- to Dask ----------------------------------------------------------------------------------------------------------


def to_dask(a: Array) -> Any:
    """Return the array as one of Dask's: each block is a chunk, which nobody computes before Dask needs it.

    Returns
    -------
    dask.array.Array
        What is read from where it is stored, or made by a recipe, is computed where Dask runs it. Other blocks are
        computed by this session, which has to live until Dask is done; to Dask's workers in other processes they travel
        as values.
    """
    import dask.array

    keys = _flat_keys(keys_of(a))
    graph = graph_of(a)
    _settle_all(a)
    meta = _empty_csr(a) if a.sparse else None
    return dask.array.Array(graph, keys[0][0], chunks=a.chunks, dtype=a.dtype, meta=meta)


def _empty_csr(a: Array) -> Any:
    import scipy.sparse

    return scipy.sparse.csr_matrix((0, 0), dtype=a.dtype)


def _has_workers() -> bool:
    """Return whether Dask would compute in other processes."""
    from dask.base import get_scheduler

    owner = getattr(get_scheduler(), "__self__", None)
    return type(owner).__module__.startswith("distributed.")


def _settle_all(a: Array) -> None:
    """Bring the blocks here that could not travel otherwise to other processes of Dask's."""
    if _has_workers():
        bring_blocks(a._cells.flat)


# --- Dask's protocol for collections ----------------------------------------------------------------------------------


class OnInstances:
    """A method that the class itself does not show: dsflow takes classes with ``__dask_graph__`` for Dask's own."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[[], Any]:
        if instance is None:
            raise AttributeError(self.function.__name__)
        method: Callable[[], Any] = self.function.__get__(instance, owner)
        return method


def graph_of(a: Array) -> dict[Any, Any]:
    """Return a node for each block."""
    from dask._task_spec import Task

    keys = _flat_keys(keys_of(a))
    return {key: Task(key, node) for key, node in zip(keys, nodes_of(a._cells.flat), strict=True)}


def keys_of(a: Array) -> Any:
    """Return the key of each block, in as many nested lists as there are axes."""
    name = f"dsarray-{_digest(a)}"

    def nested(index: tuple[int, ...]) -> Any:
        if len(index) == a.ndim:
            return (name, *index)
        return [nested((*index, i)) for i in range(a.grid[len(index)])]

    keys = nested(())
    return keys if a.ndim else [keys]


def _digest(a: Array) -> str:
    from dask.base import tokenize as digest

    found: str = digest(tokenize(a))
    return found


def tokenize(a: Array) -> tuple[Any, ...]:
    """Return what tells the array from others."""
    names = tuple(name_of(cell) for cell in a._cells.flat)
    return "dsarray.Array", a.chunks, str(a.dtype), a.sparse, names


def optimize(graph: Any, keys: Any, **keywords: Any) -> Any:  # noqa: ARG001 - Dask's parameters
    """Leave out the nodes that nobody needs."""
    from dask.optimization import cull

    return cull(dict(graph), _flat_keys(keys))[0]


def run_threaded(*args: Any, **keywords: Any) -> Any:
    """Run a graph in threads of this process, unless the user says otherwise."""
    from dask.threaded import get

    return get(*args, **keywords)


def postcompute(a: Array) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return what makes one ndarray, or CSR matrix, of computed blocks; those that have to travel come here."""
    _settle_all(a)
    return _join, (a.chunks,)


def _join(results: Any, chunks: Chunks) -> Any:
    blocks = _flat_keys(results)
    return assemble(chunks, *blocks) if len(blocks) > 1 else blocks[0]


def postpersist(a: Array) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return what makes an Array of the blocks that Dask keeps; those that have to travel come here."""
    _settle_all(a)
    return _rebuild, (_flat_keys(keys_of(a)), a.chunks, a.dtype, a.sparse)


def _rebuild(
    graph: Any, keys: list[Any], chunks: Chunks, dtype: Any, sparse: bool, *, rename: Mapping[str, str] | None = None
) -> Array:
    renamed = [((rename or {}).get(key[0], key[0]), *key[1:]) for key in keys]
    cells = _cells_of_graph(dict(graph), renamed)
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, dtype, sparse=sparse)
