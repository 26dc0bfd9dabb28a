"""The user's own modules on workers that cannot import them.

A task of a module is sent by name. So the modules go to the workers of a cluster that is not ours, in so far as these
do not find the same files; a module that has changed goes again, and is read anew. With the program they go away.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from distributed import Client, WorkerPlugin

from dsflow.engines.dask._bundles import Bundle, find_digest, local_modules, read_bundle
from dsflow.engines.dask._worker import forget_tasks

__all__ = ["Courier"]

logger = logging.getLogger("dsflow")

PATIENCE_S = 60.0
"""How long workers may take to answer, or to write modules down."""

LOOK_S = 1.0
"""Time between two looks for new workers."""


class Courier:
    """Brings the modules of one program to the workers.

    Parameters
    ----------
    client : Client
        The client of the cluster.
    root : str
        The name of the program.
    all_import : bool
        True if workers import from where this process does, so that they have to be told of changes only.
    """

    def __init__(self, client: Client, root: str, *, all_import: bool) -> None:
        self._client = client
        self._root = root
        self._all_import = all_import
        self._n_modules = -1
        self._loaded: dict[str, Any] = {}
        """What tells that a module of the user's was loaded anew."""
        self._digests: dict[str, str] = {}
        """Hashes of the top-level modules that workers were asked about."""
        self._shipped: set[str] = set()
        self._workers: frozenset[str] = frozenset()
        self._looked_at = float("-inf")

    def bring(self) -> None:
        """See that workers can import what the program has imported, as it is now."""
        changed = self._changed()
        new_workers = self._digests and not self._all_import and self._has_new_workers()
        wanted = {}
        for top in changed if not new_workers else changed | self._digests.keys():
            bundle = read_bundle(top)
            if bundle is not None and (new_workers or self._digests.get(top) != bundle.digest):
                wanted[top] = bundle
        known = {top for top in wanted if top in self._digests}
        self._digests.update({top: bundle.digest for top, bundle in wanted.items()})
        if self._all_import:
            wanted = {top: bundle for top, bundle in wanted.items() if top in known}
        if wanted:
            self._ship([wanted[top] for top in sorted(self._lacking(wanted, known))])

    async def end(self) -> None:
        """Take the modules away."""
        for top in self._shipped:
            with contextlib.suppress(ValueError):  # the scheduler was restarted
                await self._client._unregister_worker_plugin(_name_of(self._root, top))

    def _changed(self) -> set[str]:
        """Top-level modules of which something was loaded, for the first time or anew, since the last call."""
        if len(sys.modules) != self._n_modules:
            self._n_modules = len(sys.modules)
            for name in local_modules():
                self._loaded.setdefault(name, None)
        changed = set()
        for name, before in self._loaded.items():
            module = sys.modules.get(name)
            now = getattr(module, "__spec__", None) or module  # a reload makes another
            if now is not None and now is not before:
                self._loaded[name] = now
                changed.add(name.partition(".")[0])
        return changed

    def _has_new_workers(self) -> bool:
        if time.monotonic() < self._looked_at + LOOK_S:
            return False
        self._looked_at = time.monotonic()
        before, self._workers = self._workers, frozenset(self._client.nthreads())
        return bool(self._workers - before)

    def _lacking(self, bundles: Mapping[str, Bundle], anew: set[str]) -> set[str]:
        """Which of the modules some worker does not find as they are here."""
        digests = {top: bundle.digest for top, bundle in bundles.items()}
        ask = functools.partial(lacking, digests, anew, _this_process())
        replies = self._client.sync(self._client._run, ask, on_error="return", callback_timeout=PATIENCE_S)
        if not replies:  # there is no worker yet: whatever comes may need them
            return set(digests)
        return {top for reply in replies.values() for top in (digests if isinstance(reply, Exception) else reply)}

    def _ship(self, bundles: list[Bundle]) -> None:
        if not bundles:
            return
        nbytes = sum(bundle.nbytes for bundle in bundles)
        names = ", ".join(bundle.name for bundle in bundles[:8]) + (", …" if len(bundles) > 8 else "")
        logger.info("shipping %d modules, %.1f KiB: %s", len(bundles), nbytes / 1024, names)
        for bundle in bundles:
            plugin, name = _Shipment(bundle, self._root), _name_of(self._root, bundle.name)
            self._client.sync(
                self._client._register_worker_plugin, plugin, name, idempotent=False, callback_timeout=PATIENCE_S
            )
            self._shipped.add(bundle.name)


def _name_of(root: str, top: str) -> str:
    return f"{root}-module-{top}"


# --- on the worker ---------------------------------------------------------------------------------------------------

_seen: dict[str, str] = {}
"""Hashes of the top-level modules of users as this process has found or got them."""


def _this_process() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def lacking(digests: Mapping[str, str], anew: Collection[str], program: tuple[str, int]) -> list[str]:
    """Return the modules that this worker does not find with these hashes; of others, read those in ``anew`` again."""
    missing: list[str] = []
    if _this_process() == program:  # the program's modules are the worker's
        return missing
    for top, digest in digests.items():
        if find_digest(top) != digest:
            missing.append(top)
            continue
        if top in anew and _seen.get(top) != digest:
            _unload(top)
        _seen[top] = digest
    return missing


def _unload(top: str) -> None:
    """Have a module read anew by who imports it next."""
    for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    forget_tasks()


class _Shipment(WorkerPlugin):  # type: ignore[misc]  # distributed has no annotations
    """A module, in a folder of its own on the search path of a worker that does not find it otherwise."""

    def __init__(self, bundle: Bundle, root: str) -> None:
        self._bundle = bundle
        self._root = root
        self._program = _this_process()
        self._folder: Path | None = None

    def setup(self, worker: Any) -> None:
        """Write the module down, unless it is there."""
        bundle = self._bundle
        if _this_process() == self._program or find_digest(bundle.name) == bundle.digest:
            return
        self._folder = Path(worker.local_directory) / f"{self._root}-{bundle.name}-{bundle.digest[:16]}"
        for name, content in bundle.files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        sys.path.insert(0, str(self._folder))
        _seen[bundle.name] = bundle.digest
        _unload(bundle.name)

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 - as Dask calls it
        """Take the module away."""
        if self._folder is None:
            return
        with contextlib.suppress(ValueError):
            sys.path.remove(str(self._folder))
        _unload(self._bundle.name)
        _seen.pop(self._bundle.name, None)
        shutil.rmtree(self._folder, ignore_errors=True)
