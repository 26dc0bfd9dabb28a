"""Messages between a process and a child of its own, over a socket; large buffers are sent from where they lie."""

from __future__ import annotations

import collections
import io
import itertools
import pickle
import select
import socket
import struct
from collections.abc import Callable
from typing import Any

from dsflow._freeze import Frozen

__all__ = ["Channel", "PeerGoneError"]

_BUFFERS_AT_ONCE = 512
"""The system takes a limited number of buffers in one call (IOV_MAX, at least 1024 where we run)."""


class PeerGoneError(Exception):
    """The process at the other end of a channel has ended."""


class Channel:
    """Messages over a socket.

    Parameters
    ----------
    connection : socket
        Closed by `close`.
    patience : callable
        Gives the seconds for which to wait before it is asked again, or raises to end the wait.
    """

    def __init__(self, connection: socket.socket, patience: Callable[[], float | None] = lambda: None) -> None:
        self._socket = connection
        self._patience = patience

    def send(self, message: object) -> None:
        """Send a message, its large buffers from where they lie.

        Raises
        ------
        pickle.PicklingError
            When it cannot be pickled; nothing is sent then.
        """
        file = io.BytesIO()
        buffers: list[pickle.PickleBuffer] = []
        try:
            _MessagePickler(file, protocol=5, buffer_callback=buffers.append).dump(message)
        except Exception as error:
            raise pickle.PicklingError(str(error)) from error
        parts = [file.getbuffer(), *(buffer.raw() for buffer in buffers)]
        head = struct.pack(f"<I{len(parts)}Q", len(parts), *(part.nbytes for part in parts))
        self._transfer(self._socket.sendmsg, [memoryview(head), *parts])

    def receive(self) -> Any:
        """Wait for a message; the buffers of what is frozen in it belong to nobody else."""
        (n_parts,) = struct.unpack("<I", self._take(4)[0])
        lengths = struct.unpack(f"<{n_parts}Q", self._take(8 * n_parts)[0])
        payload, *buffers = self._take(*lengths)
        return pickle.loads(payload, buffers=buffers)

    def is_open(self) -> bool:
        """Return whether the other end is still there."""
        poll = select.poll()
        poll.register(self._socket, 0)
        return not poll.poll(0)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _take(self, *lengths: int) -> list[bytearray]:
        parts = [bytearray(length) for length in lengths]
        self._transfer(lambda views: self._socket.recvmsg_into(views)[0], [memoryview(part) for part in parts])
        return parts

    def _transfer(self, move: Callable[[list[memoryview]], int], views: list[memoryview]) -> None:
        """Call ``move`` with what is left of the views, until nothing is."""
        left = collections.deque(view for view in views if view.nbytes)
        while left:
            self._socket.settimeout(self._patience())
            try:
                n_bytes = move(list(itertools.islice(left, _BUFFERS_AT_ONCE)))
            except TimeoutError:
                continue
            except ConnectionError:
                n_bytes = 0
            if n_bytes == 0:
                raise PeerGoneError
            while left and n_bytes >= left[0].nbytes:
                n_bytes -= left.popleft().nbytes
            if n_bytes:
                left[0] = left[0][n_bytes:]


class _MessagePickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if type(value) is not Frozen:
            return NotImplemented
        return _frozen, (value.payload, tuple(map(pickle.PickleBuffer, value.views)), value.has_references)


def _frozen(payload: bytes, buffers: tuple[Any, ...], has_references: bool) -> Frozen:
    """Make a Frozen that holds the buffers themselves, where pickle gives read-only views of them."""
    return Frozen(payload, tuple(b.obj if type(b) is memoryview else b for b in buffers), has_references)
