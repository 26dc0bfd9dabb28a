"""How Dask moves and measures stored values: their large parts are sent from where they lie."""

from __future__ import annotations

from typing import Any

from dask.sizeof import sizeof
from distributed.protocol import dask_deserialize, dask_serialize

from dsflow._blobs import StoredDirectory, StoredFile, from_frames, to_frames
from dsflow._freeze import Frozen

__all__: list[str] = []

_ON_DISK_BYTES = 200
"""What a stored file takes in memory: its content lies on the worker's disk."""


def _sizeof_frozen(frozen: Frozen) -> int:
    return frozen.nbytes


def _serialize_frozen(frozen: Frozen) -> tuple[dict[str, Any], list[Any]]:
    return {"has_references": frozen.has_references}, [frozen.payload, *frozen.views]


def _deserialize_frozen(header: dict[str, Any], frames: list[Any]) -> Frozen:
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
