"""What is sent to the scheduler: nodes as Dask tasks, the values they read, and no more history than is needed."""

from __future__ import annotations

import logging
import threading
import uuid
import weakref
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from dask._task_spec import Task as DaskTask
from dask._task_spec import TaskRef

from dsflow._failure import pack_failure
from dsflow._freeze import nbytes_of
from dsflow._graph import REMOTE, Node, Version
from dsflow.engines.dask._care import care_of
from dsflow.engines.dask._profiles import SMALL_RESULT
from dsflow.engines.dask._segments import load, park
from dsflow.engines.dask._worker import Job, pick, run_job

if TYPE_CHECKING:
    from distributed import Client

    from dsflow._freeze import Stored

__all__ = ["LARGE_TASK", "Window", "build_graph", "cut_lineage"]

LINEAGE = 100
"""A value that would take a chain of more nodes to make again is copied here before it is used further."""


LARGE_TASK = 1 << 16
"""A pickled task of more bytes, one with a large closure, is sent once, apart from the calls, which go apart too."""


class Window:
    """Nodes on their way to the scheduler, in order.

    A node that reads the end of a chain of `LINEAGE` nodes is held until that end is there to be copied; one that
    reads what a task with side effects makes, until that is safe; and so are nodes that read what held nodes make.
    """

    def __init__(self) -> None:
        self._nodes: deque[Node] = deque()
        self._held: dict[str, list[Node]] = {}
        """Nodes that are held, by the key of the node they are held for."""
        self._held_keys: set[str] = set()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._nodes) + len(self._held_keys)

    @property
    def is_waiting(self) -> bool:
        """Whether there are nodes that are not held."""
        return bool(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return chain(list(self._nodes), *list(self._held.values()))

    def add(self, nodes: Sequence[Node]) -> bool:
        """Add nodes at the end; return whether there were none before."""
        with self._lock:
            was_empty = not self._nodes
            self._nodes.extend(nodes)
        return was_empty

    def take(self, limit: int) -> list[Node]:
        """Remove and return up to ``limit`` nodes that may be sent."""
        with self._lock:
            return self._take(limit)

    def _take(self, limit: int) -> list[Node]:
        taken: list[Node] = []
        while self._nodes and len(taken) < limit:
            node = self._nodes.popleft()
            blocker = None if node.settled else _blocker(node, self._held_keys)
            if blocker is not None:
                self._held.setdefault(blocker.key, []).append(node)
                self._held_keys.add(node.key)
                if blocker.settled:  # in the meantime, in another thread
                    self.release(blocker.key)
                continue
            self._held_keys.discard(node.key)
            self.release(node.key)
            if not node.settled:
                _set_depth(node)
                taken.append(node)
        return taken

    def release(self, key: str) -> bool:
        """Put nodes that are held for the node ``key`` in front again; return whether there are any."""
        with self._lock:
            held = self._held.pop(key, ())
            self._nodes.extendleft(reversed(held))
        return bool(held)


def _blocker(node: Node, held_keys: set[str]) -> Node | None:
    """The node that ``node`` has to be held for, or None."""
    for version in (*node.inputs, *node.handles):
        maker = version.node
        if maker is None:
            continue
        if maker.key in held_keys or version.depth >= LINEAGE or maker.options.side_effects:
            return maker
    return None


def _set_depth(node: Node) -> None:
    """Note how many nodes in a row would have to run to make the outputs again."""
    depth = 1 + max((0 if _is_old(version) else version.depth for version in node.inputs), default=0)
    for reference in node.outputs:
        output = reference()
        if output is not None:
            output.depth = depth


LargeTasks = weakref.WeakKeyDictionary[Any, Version]
"""The versions that hold the large pickled tasks."""

Keys = list[tuple[Node | Version, str]]
"""Whose handle the Dask Future of a key will be."""


class _Pending:
    """Stands for a Dask Future while the graph that makes it is put together."""

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key


def build_graph(
    nodes: Sequence[Node], topic: str, large_tasks: LargeTasks, probes: Collection[str], segments: str | None
) -> tuple[dict[str, DaskTask], dict[str, DaskTask], Keys, int]:
    """Return a Dask graph for nodes, one for what they read of this process, their keys, and how many bytes they hold.

    Parameters
    ----------
    nodes
        Each after those it reads.
    topic
        Topic of Dask events that reports go to.
    large_tasks
        The versions that hold large pickled tasks; filled here.
    probes
        Keys of the nodes that are to tell if they take long.
    segments
        Folder through which large values are shared with the workers; None if they are sent.
    """
    graph: dict[str, DaskTask] = {}
    values: dict[str, DaskTask] = {}
    keys: Keys = []
    log_level = logging.getLogger().getEffectiveLevel()
    n_bytes = 0
    for node in nodes:
        inputs, handles = node.inputs, node.handles
        for version in inputs:
            n_bytes += 0 if _goes_along(version) else _add_value(version, values, keys, segments)
        for version in handles:
            n_bytes += _add_value(version, values, keys, segments)
        if node.settled or any(version.failure is not None for version in inputs):
            continue  # an input has failed since: the node is settled, or about to be
        n_bytes += sum(nbytes_of(pack) for pack in (node.call.shared, node.call.private) if pack)
        task = node.handle  # as it was pickled at the call
        if len(task) > LARGE_TASK:
            holder = _holder_of(node, large_tasks)
            n_bytes += _add_value(holder, values, keys, segments)
            task = TaskRef(holder.handle.key)
        _add_node(node, task, graph, keys, topic, log_level, probes)
    return graph, values, keys, n_bytes


def _holder_of(node: Node, large_tasks: LargeTasks) -> Version:
    """The version that holds the pickled task of a node."""
    holder = large_tasks.get(node.function)
    if holder is None or holder.stored is not node.handle:
        holder = large_tasks[node.function] = Version(stored=node.handle)
    return holder


def _add_value(version: Version, graph: dict[str, DaskTask], keys: Keys, segments: str | None) -> int:
    """Add a value of this process, unless the cluster has it, and return how many bytes of it are sent.

    The scheduler keeps it, or where it is, so no worker can lose it.
    """
    if version.handle is not None or version.stored is REMOTE:
        return 0
    key = f"data-{uuid.uuid4().hex}"
    parked = None if segments is None else park(version.stored, segments, key)
    graph[key] = DaskTask(key, _keep, version.stored) if parked is None else DaskTask(key, load, parked)
    _announce(version, key, keys)
    return nbytes_of(version.stored) if parked is None else 0


def _add_node(
    node: Node,
    task: bytes | TaskRef,
    graph: dict[str, DaskTask],
    keys: Keys,
    topic: str,
    log_level: int,
    probes: Collection[str],
) -> None:
    run_key = node.run_key
    job = Job(
        key=node.key,
        run_key=run_key,
        call=node.call,
        handles=tuple(map(_handle_of, node.handles)),
        site=node.site,
        topic=topic,
        log_level=log_level,
        several=len(node.outputs) > 1,
        care=care_of(node),
        is_announced=bool(node.groups) or node.alone,
        is_probe=run_key in probes,
    )
    graph[run_key] = DaskTask(run_key, run_job, job, task, *map(_reference_to, node.inputs))
    keys.append((node, run_key))
    for position, reference in enumerate(node.outputs):
        output = reference()
        if output is None:
            continue
        key = run_key
        if job.several:
            key = f"{run_key}/{position}"
            graph[key] = DaskTask(key, pick, TaskRef(run_key), position)
        _announce(output, key, keys)


def _goes_along(version: Version) -> bool:
    """Whether a value of this process is so small that it is sent with each call that reads it."""
    return version.handle is None and version.stored is not REMOTE and nbytes_of(version.stored) <= SMALL_RESULT


def _reference_to(version: Version) -> TaskRef | Stored:
    """What to write for an input: its Dask key, or the value itself."""
    return version.stored if version.handle is None else TaskRef(version.handle.key)


def _handle_of(version: Version) -> str | bytes:
    """What a task needs for a Future: the key of the value, or why there is none."""
    if version.failure is not None:
        return pack_failure(version.failure)
    key: str = version.handle.key
    return key


def _announce(version: Version, key: str, keys: Keys) -> None:
    version.handle = _Pending(key)
    keys.append((version, key))


def _keep(stored: Stored) -> Stored:
    return stored


def cut_lineage(nodes: Sequence[Node], client: Client) -> None:
    """Copy what ``nodes`` read at the end of long chains here, so that the scheduler can forget how it was made."""
    versions = list({version for node in nodes for version in node.inputs if _is_old(version)})
    if not versions:
        return
    remote = [version for version in versions if version.stored is REMOTE]
    for version, stored in zip(remote, client.gather([version.handle for version in remote]), strict=True):
        version.stored = stored
    for version in versions:
        version.handle = None
        version.depth = 0


def _is_old(version: Version) -> bool:
    return version.settled and version.handle is not None and version.depth >= LINEAGE
