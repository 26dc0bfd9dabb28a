"""What a task does with a parameter: small frozen values given to ``@task(name=DIRECTION)``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from enum import Enum

__all__ = [
    "COLLECTION_FILE_IN",
    "COLLECTION_FILE_INOUT",
    "COLLECTION_FILE_OUT",
    "COLLECTION_IN",
    "COLLECTION_INOUT",
    "COLLECTION_IN_DELETE",
    "COLLECTION_OUT",
    "COMMUTATIVE",
    "CONCURRENT",
    "DICTIONARY_IN",
    "DICTIONARY_INOUT",
    "DICTIONARY_IN_DELETE",
    "DICTIONARY_OUT",
    "DIRECTORY_IN",
    "DIRECTORY_INOUT",
    "DIRECTORY_OUT",
    "FILE_COMMUTATIVE",
    "FILE_COMMUTATIVE_STDERR",
    "FILE_COMMUTATIVE_STDOUT",
    "FILE_CONCURRENT",
    "FILE_CONCURRENT_STDERR",
    "FILE_CONCURRENT_STDOUT",
    "FILE_IN",
    "FILE_INOUT",
    "FILE_INOUT_STDERR",
    "FILE_INOUT_STDOUT",
    "FILE_IN_STDIN",
    "FILE_OUT",
    "FILE_OUT_STDERR",
    "FILE_OUT_STDOUT",
    "FILE_STDERR",
    "FILE_STDIN",
    "FILE_STDOUT",
    "IN",
    "INOUT",
    "IN_DELETE",
    "OUT",
    "Access",
    "Content",
    "Direction",
]


class Access(Enum):
    """What a task does with a datum, and so which version it reads and which it makes."""

    READ = "reads"
    DELETE = "reads for the last time"
    WRITE = "writes without reading"
    CHANGE = "reads and writes"
    COMMUTE = "reads and writes, in any order with its like"
    SHARE = "reads and writes at the same time as its like"


class Content(Enum):
    """What the value of a parameter stands for."""

    OBJECT = "object"
    FILE = "file"
    DIRECTORY = "directory"


_ANY_DEPTH = sys.maxsize


@dataclass(frozen=True, slots=True)
class Direction:
    """How a task uses one of its parameters.

    Call a direction to change its options: ``IN(copy=True)``, ``COLLECTION_INOUT(depth=2)``.
    """

    name: str
    """The name the user writes."""
    access: Access = Access.READ
    content: Content = Content.OBJECT
    copy: bool = False
    """True if the task gets a writable copy of its own, rather than read-only arrays."""
    depth: int = 0
    """How many levels of lists and dicts are taken apart, so that each element is a datum of its own."""
    stream: str | None = None
    """The standard stream of the task that the file stands for."""

    @property
    def writes(self) -> bool:
        """Whether the task's changes to the argument are seen by the caller."""
        return self.access not in (Access.READ, Access.DELETE)

    @property
    def reads(self) -> bool:
        """Whether the task sees the content that the argument has at the call."""
        return self.access is not Access.WRITE

    @property
    def is_limited(self) -> bool:
        """Whether what is deeper than ``depth`` levels is not taken apart."""
        return self.depth < _ANY_DEPTH

    def __call__(self, *, copy: bool | None = None, depth: int | None = None) -> Direction:
        """Return this direction with other options.

        Parameters
        ----------
        copy : bool, optional
            Give the task a private, writable copy of the argument. For libraries that refuse read-only arrays.
        depth : int, optional
            For collections: how many levels of nested lists and dicts are taken apart; all of them by default.

        Raises
        ------
        TypeError
            When the direction has no such option.
        ValueError
            When ``depth`` is not a number of at least 1.
        """
        if depth is not None and not self.depth:
            raise TypeError(f"{self.name}: depth= is for collections; use COLLECTION_{self.name}(depth={depth!r}).")
        if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 1):
            raise ValueError(f"{self.name}: depth={depth!r} is not a number of levels; give an int of at least 1.")
        if copy is not None and self.content is not Content.OBJECT:
            raise TypeError(f"{self.name}: copy= is for objects; a task always gets a copy of a file of its own.")
        return replace(
            self,
            copy=(self.copy if copy is None else copy) or self.writes,
            depth=self.depth if depth is None else depth,
        )

    def __repr__(self) -> str:
        options = [f"depth={self.depth}"] if 0 < self.depth < _ANY_DEPTH else []
        options += ["copy=True"] if self.copy and not self.writes else []
        return f"{self.name}({', '.join(options)})" if options else self.name


def _writing(name: str, access: Access, depth: int = 0) -> Direction:
    return Direction(name, access, copy=True, depth=depth)


def _file(name: str, access: Access, depth: int = 0, stream: str | None = None) -> Direction:
    return Direction(name, access, Content.FILE, depth=depth, stream=stream)


def _directory(name: str, access: Access) -> Direction:
    return Direction(name, access, Content.DIRECTORY)


# --- objects ----------------------------------------------------------------------------------------------------------

IN = Direction("IN")
"""The task reads the argument (the default). Arrays arrive read-only, everything else as a copy."""

IN_DELETE = Direction("IN_DELETE", Access.DELETE)
"""`IN`, for the last time: the caller gives the value up, and it is freed when the task has ended."""

OUT = _writing("OUT", Access.WRITE)
"""The task fills the argument without reading it: it gets an empty one of the same type (and shape)."""

INOUT = _writing("INOUT", Access.CHANGE)
"""The task changes the argument; later uses of the same object, and ``wait_on(it)``, see the change."""

COMMUTATIVE = _writing("COMMUTATIVE", Access.COMMUTE)
"""`INOUT` in any order: calls of the same task on one object run one at a time, whichever is ready first."""

CONCURRENT = _writing("CONCURRENT", Access.SHARE)
"""For files only (`FILE_CONCURRENT`); tasks share no memory, so an object that several change at once cannot be had."""

# --- lists and dicts whose elements are data of their own -------------------------------------------------------------

COLLECTION_IN = Direction("COLLECTION_IN", depth=_ANY_DEPTH)
"""The task reads the elements of a list, at any depth."""

COLLECTION_IN_DELETE = Direction("COLLECTION_IN_DELETE", Access.DELETE, depth=_ANY_DEPTH)
"""`COLLECTION_IN`, for the last time."""

COLLECTION_OUT = _writing("COLLECTION_OUT", Access.WRITE, _ANY_DEPTH)
"""The task fills or replaces the elements of a list; its length is that of the argument."""

COLLECTION_INOUT = _writing("COLLECTION_INOUT", Access.CHANGE, _ANY_DEPTH)
"""The task changes or replaces the elements of a list; its length stays."""

DICTIONARY_IN = Direction("DICTIONARY_IN", depth=_ANY_DEPTH)
"""The task reads the values of a dict."""

DICTIONARY_IN_DELETE = Direction("DICTIONARY_IN_DELETE", Access.DELETE, depth=_ANY_DEPTH)
"""`DICTIONARY_IN`, for the last time."""

DICTIONARY_OUT = _writing("DICTIONARY_OUT", Access.WRITE, _ANY_DEPTH)
"""The task fills or replaces the values of a dict; its keys stay."""

DICTIONARY_INOUT = _writing("DICTIONARY_INOUT", Access.CHANGE, _ANY_DEPTH)
"""The task changes or replaces the values of a dict; its keys stay."""

# --- files and directories: the argument is a path --------------------------------------------------------------------

FILE_IN = _file("FILE_IN", Access.READ)
"""The task reads a file: it gets the path of a copy of its own."""

FILE_OUT = _file("FILE_OUT", Access.WRITE)
"""The task writes a file: it gets a path where nothing is yet."""

FILE_INOUT = _file("FILE_INOUT", Access.CHANGE)
"""The task changes a file, in a copy of its own."""

FILE_COMMUTATIVE = _file("FILE_COMMUTATIVE", Access.COMMUTE)
"""`FILE_INOUT` in any order: calls of the same task on one file run one at a time, whichever is ready first."""

FILE_CONCURRENT = _file("FILE_CONCURRENT", Access.SHARE)
"""Tasks change one file at the same time, in place; they must agree among themselves who writes where."""

DIRECTORY_IN = _directory("DIRECTORY_IN", Access.READ)
"""The task reads a directory: it gets the path of a copy of its own."""

DIRECTORY_OUT = _directory("DIRECTORY_OUT", Access.WRITE)
"""The task fills a directory, which is there and empty."""

DIRECTORY_INOUT = _directory("DIRECTORY_INOUT", Access.CHANGE)
"""The task changes a directory, in a copy of its own."""

COLLECTION_FILE_IN = _file("COLLECTION_FILE_IN", Access.READ, _ANY_DEPTH)
"""The task reads the files of a list of paths."""

COLLECTION_FILE_OUT = _file("COLLECTION_FILE_OUT", Access.WRITE, _ANY_DEPTH)
"""The task writes the files of a list of paths."""

COLLECTION_FILE_INOUT = _file("COLLECTION_FILE_INOUT", Access.CHANGE, _ANY_DEPTH)
"""The task changes the files of a list of paths."""

# --- files that stand for a standard stream of the task ---------------------------------------------------------------

FILE_STDIN = FILE_IN_STDIN = _file("FILE_IN_STDIN", Access.READ, stream="stdin")
"""What the task reads from ``sys.stdin`` comes from the file."""

FILE_STDOUT = FILE_OUT_STDOUT = _file("FILE_OUT_STDOUT", Access.WRITE, stream="stdout")
"""What the task prints goes to the file."""

FILE_STDERR = FILE_OUT_STDERR = _file("FILE_OUT_STDERR", Access.WRITE, stream="stderr")
"""What the task writes to ``sys.stderr`` goes to the file."""

FILE_INOUT_STDOUT = _file("FILE_INOUT_STDOUT", Access.CHANGE, stream="stdout")
"""What the task prints is added to the file."""

FILE_INOUT_STDERR = _file("FILE_INOUT_STDERR", Access.CHANGE, stream="stderr")
"""What the task writes to ``sys.stderr`` is added to the file."""

FILE_COMMUTATIVE_STDOUT = _file("FILE_COMMUTATIVE_STDOUT", Access.COMMUTE, stream="stdout")
"""`FILE_INOUT_STDOUT`, in any order."""

FILE_COMMUTATIVE_STDERR = _file("FILE_COMMUTATIVE_STDERR", Access.COMMUTE, stream="stderr")
"""`FILE_INOUT_STDERR`, in any order."""

FILE_CONCURRENT_STDOUT = _file("FILE_CONCURRENT_STDOUT", Access.SHARE, stream="stdout")
"""What the task prints is added to the file, line by line, while others do the same."""

FILE_CONCURRENT_STDERR = _file("FILE_CONCURRENT_STDERR", Access.SHARE, stream="stderr")
"""What the task writes to ``sys.stderr`` is added to the file, line by line, while others do the same."""
