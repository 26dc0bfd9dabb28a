"""Paths as loaders take them: made absolute, and missed with words."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["find_file"]


def find_file(path: str | os.PathLike[str], where: str, advice: str = "check the path") -> Path:
    """Return the absolute path of a file.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    IsADirectoryError
        When it is a folder.
    TypeError
        When ``path`` is not a path.
    """
    try:
        found = Path(path).absolute()
    except TypeError:
        raise TypeError(f"{where}: path={path!r} is a {type(path).__name__}; give a str or a pathlib.Path.") from None
    if found.is_dir():
        raise IsADirectoryError(f"{where}: {found} is a folder; give the path of a file.")
    if not found.exists():
        raise FileNotFoundError(f"{where}: {found} does not exist; {advice}.")
    return found
