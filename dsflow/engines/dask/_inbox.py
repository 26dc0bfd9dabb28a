"""Receiving: one thread passes on what workers report, and looks for tasks that ended without a report."""

from __future__ import annotations

import asyncio
import functools
import logging
import pickle
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from distributed import Client, KilledWorker

from dsflow._graph import REMOTE, Failure, Node, Outcome, Run
from dsflow.engines.dask._outbox import Flights, Outbox, drop_handles
from dsflow.engines.dask._reports import Measures, failure_of, read_failure, show
from dsflow.engines.dask._unpacking import Unpacker

__all__ = ["Inbox"]

logger = logging.getLogger("dsflow")

WINDOW_S = 0.002
"""Calls are collected for so long at most before they are sent together."""

SWEEP_S = 0.5
"""Time between two looks for tasks that ended without a report."""

MAX_TRIES = 3
"""How often a node whose workers were killed from outside runs again: it may be for memory that they were."""

KEPT_BYTES = 1 << 20
"""Results of tasks with side effects are copied here if they are no larger, since they cannot be made again."""

_NOTHING: dict[str, Any] = {}

Settle = Callable[[Node, Outcome], None]


class Inbox:
    """Passes reports on, sends windows that no one waits for, and looks for tasks that were lost on the way."""

    def __init__(
        self,
        client: Client,
        cluster: Any,
        topic: str,
        flights: Flights,
        outbox: Outbox,
        settle: Settle,
        unpacker: Unpacker,
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._topic = topic
        self._flights = flights
        self._outbox = outbox
        outbox.settle = self.settle
        self._settle = settle
        self._unpacker = unpacker
        self._flush_at: float | None = None
        """When the window is to be sent."""
        self._tries: dict[str, int] = {}
        """How often nodes were run again because their workers had been killed."""
        self._late: set[str] = set()
        """Keys that were found ended, without a report, by the last sweep."""
        self._keeping: set[str] = set()
        """Keys of nodes whose results are on their way here."""
        self.measures = Measures()
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        messages = self._messages  # the client keeps the handler, which must not keep this engine
        client.subscribe_topic(topic, lambda event: messages.put(event[1]))
        self._thread = threading.Thread(target=self._pump, name="dsflow-dask", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called in this thread, soon."""
        self._messages.put(function)

    def is_current(self) -> bool:
        """Return whether the caller is this thread."""
        return threading.current_thread() is self._thread

    def flush(self) -> None:
        """Have the window sent, once calls that come together are in it."""
        self._messages.put(self._set_flush)

    def close(self) -> None:
        """End the thread."""
        self._messages.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()
        if self._client.status == "running":
            self._client.unsubscribe_topic(self._topic)

    def settle(self, node: Node, run: Run | None, failure: Failure | None) -> None:
        """Pass on what came of a node, whose values stay where they are."""
        self._pass_on(node, Outcome([] if failure is not None else [REMOTE] * len(node.outputs), failure, run))

    # --- the thread --------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        try:
            self._pump_until_closed()
        except Exception as error:  # every wait has to end, whatever happened to the connection
            self._outbox.closed = True
            logger.exception("the connection to the Dask cluster failed")
            self._outbox.fail([*self._flights.nodes.values(), *self._outbox.window, *self._outbox.packer], error)

    def _pump_until_closed(self) -> None:
        next_sweep = time.monotonic() + SWEEP_S
        while True:
            due = next_sweep if self._flush_at is None else min(next_sweep, self._flush_at)
            try:
                message = self._messages.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                message = _NOTHING
            if message is None:
                return
            self._handle(message)
            now = time.monotonic()
            if now >= next_sweep:
                next_sweep = now + SWEEP_S
                self._sweep()
            is_due = self._flush_at is not None and now >= self._flush_at
            if is_due or (self._flush_at is None and self._outbox.has_work()):
                self._flush_at = None
                self._outbox.flush()

    def _handle(self, message: Any) -> None:
        if callable(message):
            message()
        elif "pack" in message:
            self._unpacker.receive(message, self.measures)
        elif "text" in message:
            show(message)
        elif "started" in message:
            if (node := self._flights.nodes.get(message["started"])) is not None:
                node.started = message["at"]
        elif "late" in message:
            if (node := self._flights.nodes.get(message["late"])) is not None:
                self._unpacker.note_long(node, message["seconds"])
        elif "run" in message:
            self._receive(message)

    def _set_flush(self) -> None:
        if self._flush_at is None:
            self._flush_at = time.monotonic() + WINDOW_S

    def _receive(self, message: dict[str, Any]) -> None:
        run_key, packed = message["key"], message["failure"]
        run = self.measures.read(message["run"])
        node = self._flights.nodes.get(run_key)
        if node is None:  # it ran a second time, after its worker had died; or it was cancelled
            return
        values = message["values"]
        if values is None and packed is None and node.options.side_effects and run.bytes_out <= KEPT_BYTES:
            self._keep(run_key, node, run)
            return
        self._flights.let_go(run_key)
        self._unpacker.learn(node, run.end - run.start, run.bytes_out)
        if values is not None:
            if node.options.side_effects:  # what is here must not be looked for where it cannot be made again
                with self._outbox.lock:
                    drop_handles(node, always=True)
            self._pass_on(node, Outcome(pickle.loads(values), None, run))
        else:
            self.settle(node, run, None if packed is None else read_failure(packed, node))

    def _pass_on(self, node: Node, outcome: Outcome) -> None:
        if outcome.failure is not None:
            with self._outbox.lock:
                drop_handles(node, always=True)  # if it is ignored, or runs again, others take their place
        self._settle(node, outcome)
        if self._outbox.released(node.key):
            self._outbox.flush()

    # --- results that cannot be made again ---------------------------------------------------------------------------

    def _keep(self, run_key: str, node: Node, run: Run) -> None:
        """Bring the results of a node here before anyone is told that they are there."""
        outputs = [reference() for reference in node.outputs]
        with self._outbox.lock:
            handles = {n: version.handle for n, version in enumerate(outputs) if version is not None}
        self._keeping.add(run_key)
        work = self._client._gather(list(handles.values()))
        fetched = asyncio.run_coroutine_threadsafe(work, self._client.loop.asyncio_loop)
        positions = list(handles)
        fetched.add_done_callback(lambda done: self.call(functools.partial(self._kept, run_key, run, positions, done)))

    def _kept(self, run_key: str, run: Run, positions: list[int], fetched: Any) -> None:
        self._keeping.discard(run_key)
        handle = self._flights.held.get(run_key, [None])[0]
        node = self._flights.let_go(run_key)
        if node is None:  # it was cancelled
            return
        if fetched.cancelled() or fetched.exception() is not None:
            self.settle(node, run, failure_of(node, handle))
            return
        stored = [REMOTE] * len(node.outputs)
        for position, value in zip(positions, fetched.result(), strict=True):
            stored[position] = value
        with self._outbox.lock:
            drop_handles(node, always=True)
        self._pass_on(node, Outcome(stored, None, run))

    # --- tasks without a report --------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Settle tasks that Dask knows to have ended, but that sent no report."""
        late = set()
        for key, held in list(self._flights.held.items()):
            handle = held[0]
            if key in self._keeping or handle.status == "pending":
                continue
            if key not in self._late:
                late.add(key)  # its report may be on its way
                continue
            node = self._flights.nodes.get(key)
            if node is None or (handle.status == "error" and self._may_come_yet(key, node, handle)):
                continue
            if self._flights.let_go(key) is not None:
                self.settle(node, None, None if handle.status == "finished" else failure_of(node, handle))
        self._late = late
        self._unpacker.sweep()
        packer = self._outbox.packer
        if packer and self._cluster is None:  # workers may have come or gone since
            packer.n_slots = max(1, sum(self._client.nthreads().values()))

    def _may_come_yet(self, key: str, node: Node, handle: Any) -> bool:
        """Run a task once more whose workers died, if they were killed from outside; return whether to wait for it."""
        error = handle.exception()
        if not isinstance(error, KilledWorker):
            return False
        if error.task != key and error.task in self._flights.nodes:
            return True  # it is that one which runs again, or fails
        if node.alone and node.started is None:  # it was next in line where another has ended the worker
            self._client.retry([handle])
            return True
        tries = self._tries[node.key] = self._tries.get(node.key, 0) + 1
        if self._cluster is None or tries > MAX_TRIES or not self._cluster.was_killed(error.last_worker.address):
            return False
        logger.warning("%s runs again: its workers were killed from outside", node.key)
        self._client.retry([handle])
        return True
