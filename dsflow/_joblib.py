"""The joblib backend "dsflow": what joblib, and so scikit-learn, runs in parallel becomes tasks of the session.

What moves: a batch of calls, with its arguments, to the worker that runs it; its results back. An array of joblib's
``max_nbytes`` (1 MiB) or more goes out once for all batches that hold it, wherever in the arguments it is, and arrives
read-only, as joblib's own memory maps do.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import importlib
import sys
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from dsflow._calls import CallFuture, Courier, cancel_calls, site_of, start_call
from dsflow._context import active_context, current_context
from dsflow._errors import DsflowError
from dsflow._executor import name_of, named_task
from dsflow._failure import describe_value
from dsflow._freeze import Frozen, freeze, is_array, thaw
from dsflow._future import Future
from dsflow._session import Session
from dsflow._task import task

__all__ = ["register_joblib_backend"]

_NOT_THE_USERS = {"contextlib", "dsflow", "joblib", "sklearn"}
"""Packages that stand between a call of joblib and the line of the user's that it is for."""


def register_joblib_backend() -> None:
    """Let joblib run its calls as tasks: ``with joblib.parallel_config(backend="dsflow"):``.

    ``n_jobs=-1``, the default under it, is all slots of the session that is active, or of the default one, which the
    first call starts; with ``n_jobs=1`` joblib itself makes the calls, where it is. What calls run in parallel
    themselves stays in their own slot, unless it asks for an ``n_jobs``: then it becomes tasks too.

    Examples
    --------
    >>> import joblib
    >>> from dsflow import register_joblib_backend
    >>> register_joblib_backend()
    >>> with joblib.parallel_config(backend="dsflow"):
    ...     joblib.Parallel()(joblib.delayed(abs)(-i) for i in range(3))
    [0, 1, 2]
    """
    _joblib().register_parallel_backend("dsflow", _make_backend)


def _joblib() -> Any:
    """joblib, imported when it is needed: `import dsflow` must be quick."""
    return importlib.import_module("joblib.parallel")


def _make_backend(nesting_level: int | None = None, n_slots: int | None = None) -> Any:
    backend = _backend_class()(nesting_level=nesting_level)
    backend.n_slots = n_slots
    return backend


@functools.cache
def _backend_class() -> type[Any]:
    joblib = _joblib()
    return type("DsflowBackend", (_Backend, joblib.AutoBatchingMixin, joblib.ParallelBackendBase), {})


class _Backend:
    """What joblib asks of a backend, but for what its own classes provide."""

    default_n_jobs = -1
    supports_retrieve_callback = True
    nesting_level: int | None
    reset_batch_stats: Callable[[], None]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_slots: int | None = None
        """Slots of the session, if the backend is for calls inside of tasks: a worker does not know."""
        self._batches: weakref.WeakKeyDictionary[Any, _Batches] = weakref.WeakKeyDictionary()
        """By the joblib.Parallel they are of; several may be at work in turns."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_backend, (self.nesting_level, self.n_slots)

    # --- how many -----------------------------------------------------------------------------------------------------

    def _slots(self) -> int:
        return self.n_slots or max(1, current_context().session.engine.n_slots)

    def _limit(self, n_jobs: int | None) -> int:
        """How many batches run at a time."""
        n_slots = self._slots()
        if n_jobs is None:
            return n_slots
        return min(n_jobs, n_slots) if n_jobs > 0 else max(1, n_slots + 1 + n_jobs)

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many calls run at a time; at least two, for with one joblib would make them itself, here."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        return 1 if n_jobs == 1 else max(2, self._limit(n_jobs))

    def get_nested_backend(self) -> tuple[Any, int]:
        """Return the backend and the default n_jobs for what calls run in parallel themselves."""
        return _make_backend((self.nesting_level or 0) + 1, self._slots()), 1

    # --- one joblib.Parallel ------------------------------------------------------------------------------------------

    def configure(self, n_jobs: int = 1, parallel: Any = None, max_nbytes: int | None = None, **_: Any) -> int:
        """Get ready for the calls of ``parallel``; return how many run at a time."""
        # the user of a generator would keep the slot of the task, or lose it, as long as it is open
        if n_jobs == 1 or (parallel.return_generator and active_context() is not None):
            joblib = _joblib()
            raise joblib.FallbackToBackend(joblib.SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        limit = self._limit(n_jobs)
        if limit == self._slots() and current_context().session.engine.remote:
            limit = sys.maxsize  # workers want to have the next batch before they have ended one
        self._batches[parallel] = _Batches(self.get_nested_backend(), limit, max_nbytes)
        return self.effective_n_jobs(n_jobs)

    def submit(self, func: Any, callback: Any) -> None:
        """Run a batch; call ``callback`` with a Future once it has ended."""
        self._batches[callback.parallel].submit(func, callback)

    def retrieve_result_callback(self, out: concurrent.futures.Future[Any]) -> Any:
        """Return the results of a batch, or raise what a call raised."""
        error = out.exception()
        if error is not None:  # joblib is about to drop the frames
            frames = "".join(traceback.format_tb(error.__traceback__))
            error.add_note(f"Traceback of the call (most recent call last):\n{frames.rstrip()}")
        return out.result()

    @contextlib.contextmanager
    def retrieval_context(self) -> Iterator[None]:
        """Give up the slot of a task that waits for its calls."""
        with current_context().session.engine.waiting():
            yield

    def abort_everything(self, **_: Any) -> None:
        """Cancel the batches of those joblib.Parallel that have failed, timed out or are no longer wanted."""
        for parallel, batches in list(self._batches.items()):
            if parallel._aborting:
                self._batches[parallel] = batches.abort()
                parallel._ready_batches.queue.clear()  # they would be run, and returned, by its next call

    def terminate(self) -> None:
        """Forget how long batches took."""
        self.reset_batch_stats()


# --- batches as tasks -------------------------------------------------------------------------------------------------


@task
def _run_batch(payload: bytes, buffers: list[bytes], /, *shared: Any) -> list[Any]:
    calls, (nested, n_jobs) = thaw(Frozen(payload, tuple(buffers), True), writable=True, lookup=shared.__getitem__)
    with _joblib().parallel_config(backend=nested, n_jobs=n_jobs):
        return [_call(function, args, kwargs) for function, args, kwargs in calls]


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return function(*args, **kwargs)
    except Exception as error:
        described = [describe_value(value) for value in args]
        described += [f"{name}={describe_value(value)}" for name, value in kwargs.items()]
        error.add_note(f"The call was {name_of(function)}({', '.join(described)}).")
        if isinstance(error, ValueError) and "read-only" in str(error):
            error.add_note("joblib passes large arrays read-only; with max_nbytes=None, each call has its own copy.")
        raise


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Sharing:
    """A value that batches hold, placed where all can use it. It is shared until the last of them has ended."""

    value: Any
    future: Future[Any]


class _Batches:
    """The batches of one joblib.Parallel: those that run, and those that wait until fewer than its n_jobs do."""

    def __init__(self, nested: tuple[Any, int], limit: int, max_nbytes: int | None) -> None:
        self._nested = nested
        """The backend and the default n_jobs for what the calls run in parallel themselves."""
        self._limit = limit
        self._max_nbytes = max_nbytes
        self._session: Session = current_context().session
        self._site = site_of(_users_frame())
        self._courier = Courier()
        self._lock = threading.Lock()
        self._held: deque[tuple[Any, Callable[[Any], Any]]] = deque()
        self._n_running = 0
        self._filling = False
        """Whether a thread is starting batches: one that ends at once starts the next there, not on top of itself."""
        self._running: dict[Any, list[_Sharing]] = {}
        """What the batches that run have shared, by their Futures."""
        self._shared: weakref.WeakValueDictionary[int, _Sharing] = weakref.WeakValueDictionary()
        """By the identity of the value."""

    def submit(self, batch: Any, callback: Callable[[Any], Any]) -> None:
        """Start a batch, or hold it back."""
        self._held.append((batch, callback))
        self._fill()

    def abort(self) -> _Batches:
        """Cancel all batches; return what takes those to come."""
        self._held.clear()
        futures = [future for future in list(self._running) if isinstance(future, CallFuture)]
        cancel_calls(futures, "joblib has given up the calls it is one of")
        return _Batches(self._nested, self._limit, self._max_nbytes)

    def _fill(self) -> None:
        with self._lock:
            if self._filling:
                return
            self._filling = True
        while True:
            with self._lock:
                if not self._held or self._n_running >= self._limit:
                    self._filling = False
                    return
                batch, callback = self._held.popleft()
                self._n_running += 1
            sharings: list[_Sharing] = []
            future = self._start(batch.items, sharings)
            self._running[future] = sharings
            future.add_done_callback(functools.partial(self._ended, callback))

    def _ended(self, callback: Callable[[Any], Any], future: Any) -> None:
        callback(future)  # which submits another batch: it may hold what this one has shared
        del self._running[future]
        with self._lock:
            self._n_running -= 1
        self._fill()

    def _start(self, calls: list[Any], sharings: list[_Sharing]) -> concurrent.futures.Future[Any]:
        """Call the task; add to ``sharings`` what is shared with it."""
        name = name_of(calls[0][0])
        try:
            packed = self._packed(calls, name, sharings)
            buffers = list(map(bytes, packed.views))  # a Frozen must not be frozen: see there why no memoryviews
            arguments = (packed.payload, buffers, *(sharing.future for sharing in sharings))
            return start_call(named_task(_run_batch, name), arguments, {}, self._courier, self._site)
        except Exception as error:  # noqa: BLE001 - raised in a thread that calls back, joblib would wait for ever
            failed: concurrent.futures.Future[Any] = concurrent.futures.Future()
            failed.set_exception(error)
            return failed

    def _packed(self, calls: list[Any], name: str, sharings: list[_Sharing]) -> Frozen:
        """Freeze calls; large arrays and Futures inside become references to ``sharings``."""
        positions: dict[int, int] = {}

        def reference(value: Any) -> int | None:
            if not (type(value) is Future or self._is_large(value)):
                return None
            if id(value) not in positions:
                positions[id(value)] = len(sharings)
                sharings.append(self._share(value))
            return positions[id(value)]

        portable = self._session.engine.remote
        try:
            packed = freeze((calls, self._nested), portable=portable, reference=reference)
        except DsflowError:
            raise
        except Exception as error:
            raise TypeError(
                f"joblib backend 'dsflow': a call of {name} cannot be copied for a task: {error}; "
                "pass what it is made from (a path, a configuration) and open it inside the call."
            ) from error
        assert isinstance(packed, Frozen)
        return packed

    def _is_large(self, value: Any) -> bool:
        if self._max_nbytes is None or not is_array(value):
            return False
        large: bool = value.nbytes >= self._max_nbytes and not value.dtype.hasobject
        return large

    def _share(self, value: Any) -> _Sharing:
        sharing = self._shared.get(id(value))
        if sharing is None:
            future = value if type(value) is Future else self._session.put(value)
            sharing = self._shared[id(value)] = _Sharing(value, future)
        return sharing


def _users_frame() -> FrameType:
    """The frame of the user's that has called joblib, directly or through scikit-learn."""
    frame: FrameType = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_THE_USERS:
        frame = frame.f_back
    return frame
