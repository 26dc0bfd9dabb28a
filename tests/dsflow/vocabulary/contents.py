"""What the tasks of the vocabulary do with values of any kind. These are plain functions, that programs use too."""

import zlib
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


class Holder:
    """A Future inside is not looked for: the task gets it as a Future."""

    def __init__(self, content):
        self.content = content


def content_of(value):
    """A copy of ``value`` that shows all of its content: built from tuples, so that ``==`` compares everything."""
    if isinstance(value, np.ndarray):
        return ("ndarray", str(value.dtype), value.shape, str(value.tolist()) if value.size < 99 else value.tobytes())
    if isinstance(value, dict):
        return ("dict", *((key, content_of(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *map(content_of, value))
    if hasattr(value, "__dict__"):
        return (type(value).__name__, content_of(vars(value)))
    return value


def weigh(value):
    """An int that depends on everything in ``value``, and on the order of it."""
    if isinstance(value, (str, bytes)):
        return zlib.crc32(value.encode() if isinstance(value, str) else value) % 9973
    if isinstance(value, int):
        return value
    if value is None:
        return 7
    if isinstance(value, np.ndarray):
        return int(value.ravel() @ np.arange(1, value.size + 1)) % 9973
    parts = content_of(value)
    return sum(position * weigh(part) for position, part in enumerate(parts, start=1)) % 9973


# --- changing values of any kind -------------------------------------------------------------------------------------


def bump(value, n):
    """Change ``value`` and return it; if it cannot change, return another one."""
    if isinstance(value, list):
        value.append(n)
    elif isinstance(value, dict):
        value["bumped"] = n
    elif isinstance(value, np.ndarray):
        value *= 3
        value += n
    elif isinstance(value, int):
        return value * 3 + n
    elif isinstance(value, (str, tuple)) or value is None:
        return (value, n)
    elif hasattr(value, "log"):
        value.balance += n
        value.log.append(n)
    return value


def fill(value, n):
    """Give ``value`` a content that does not depend on what it was; if it cannot change, return another one."""
    if isinstance(value, list):
        value[:] = [n, n + 1]
    elif isinstance(value, dict):
        value.clear()
        value["filled"] = n
    elif isinstance(value, np.ndarray):
        value[...] = n
    elif hasattr(value, "log"):
        value.balance, value.log = n, [n]
    else:
        return n
    return value


def bump_all(container, n, deep):
    """Change or replace each element of a list or dict; with ``deep``, the elements of those inside too."""
    change_all(container, bump, n, deep)


def fill_all(container, n, deep):
    """Fill each element of a list or dict; with ``deep``, the elements of those inside."""
    change_all(container, fill, n, deep)


def change_all(container, change, n, deep):
    for key, value in list(container.items() if isinstance(container, dict) else enumerate(container)):
        if deep and isinstance(value, (list, dict)):
            change_all(value, change, n + 1, deep)
        else:
            container[key] = change(value, n)
        n += 1


# --- files -----------------------------------------------------------------------------------------------------------


def text_of(path):
    """What is in a file; the lines of a log come in any order, and are sorted."""
    text = Path(path).read_text()
    return "".join(sorted(text.splitlines(keepends=True))) if str(path).endswith(".log") else text


def write(path, text):
    Path(path).write_text(text)


def add_to(path, text):
    with Path(path).open("a") as file:
        file.write(text)


def content_of_folder(root):
    """What is in a folder, as values to compare: paths in it, their permissions, and what is there."""
    found = []
    for path in sorted(Path(root).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found.append((name, "link", str(path.readlink())))
        else:
            found.append((name, path.stat().st_mode, None if path.is_dir() else text_of(path)))
    return tuple(found)
