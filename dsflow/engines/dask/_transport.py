"""How Dask moves and measures stored values: their large parts are sent, or shared, from where they lie."""

from __future__ import annotations

from typing import Any

from dask.sizeof import sizeof
from distributed.protocol import dask_deserialize, dask_serialize

from dsflow._blobs import StoredDirectory, StoredFile, from_frames, to_frames
from dsflow._freeze import Frozen
from dsflow.engines.dask._segments import Parked, load, park, shared_folder

__all__: list[str] = []

_ON_DISK_BYTES = 200
"""What a stored file takes in memory: its content lies on the worker's disk."""


def _sizeof_frozen(frozen: Frozen) -> int:
    return frozen.nbytes


def _serialize_frozen(frozen: Frozen, context: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[Any]]:
    """Return what is sent; without a context, what is written to disk."""
    folder = None if context is None else shared_folder()
    parked = None if folder is None else park(frozen, folder)
    if parked is not None:
        return {"parked": (parked.path, parked.lengths, parked.order, parked.has_references)}, list(parked.rest)
    return {"has_references": frozen.has_references}, [frozen.payload, *frozen.views]


def _deserialize_frozen(header: dict[str, Any], frames: list[Any]) -> Frozen:
    if "parked" in header:
        path, lengths, order, has_references = header["parked"]
        return load(Parked(path, tuple(lengths), tuple(map(bytes, frames)), tuple(order), has_references))
    payload, *buffers = frames
    return Frozen(bytes(payload), tuple(buffers), header["has_references"])


def _sizeof_file(_: StoredFile) -> int:
    return _ON_DISK_BYTES


def _sizeof_directory(stored: StoredDirectory) -> int:
    return _ON_DISK_BYTES * (1 + len(stored.files) + len(stored.folders) + len(stored.links))


sizeof.register(Frozen, _sizeof_frozen)
dask_serialize.register(Frozen, _serialize_frozen)
dask_deserialize.register(Frozen, _deserialize_frozen)
sizeof.register(StoredFile, _sizeof_file)
sizeof.register(StoredDirectory, _sizeof_directory)
dask_serialize.register(StoredFile, to_frames)
dask_deserialize.register(StoredFile, from_frames)
