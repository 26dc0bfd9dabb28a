"""The user's own modules as files: which modules those are, and what they consist of.

A bundle is one top-level module or package, with all of its Python files.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
import sysconfig
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

__all__ = ["Bundle", "find_digest", "local_modules", "read_bundle"]

_OURS = frozenset({"dsflow", "dsarray", "estimators"})
"""One distribution: whoever runs tasks has it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The source of one top-level module."""

    name: str
    digest: str
    """Hash of the names and contents of the files."""
    files: Mapping[str, bytes]
    """Content by path, relative to where the module is imported from."""

    @property
    def nbytes(self) -> int:
        """Size of the files in bytes."""
        return sum(map(len, self.files.values()))


def local_modules() -> dict[str, ModuleType]:
    """Return the modules that are loaded and belong to the user, by name.

    They come from the folder of the script, the working directory or another entry of the search path: neither from
    the standard library nor from what is installed, for development or otherwise.
    """
    known: dict[Path, bool] = {}
    found = {}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top == "__main__" or top in _OURS or top in sys.stdlib_module_names:
            continue
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py"):
            continue
        root = _root_of(top)
        if root is not None and known.setdefault(root, _is_users(root)):
            found[name] = module
    return found


def read_bundle(top: str) -> Bundle | None:
    """Read the source of a top-level module as it is now; None if it has none."""
    return None if (root := _root_of(top)) is None else _read(top, root)


def find_digest(top: str) -> str | None:
    """Return the hash of the source that importing a top-level module would find here, or has found; None without."""
    bundle = read_bundle(top)
    return None if bundle is None else bundle.digest


def _root_of(top: str) -> Path | None:
    """Where a top-level module is imported from."""
    module = sys.modules.get(top)
    if module is not None:
        origin, folders = getattr(module, "__file__", None), list(getattr(module, "__path__", ()))
    else:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        origin, folders = spec.origin if spec.has_location else None, list(spec.submodule_search_locations or ())
    if folders:
        return Path(folders[0]).absolute().parent
    return None if origin is None else Path(origin).absolute().parent


def _read(top: str, root: Path) -> Bundle | None:
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(_sources(top, root))}
    if not files:
        return None
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{len(name)} {len(content)} {name}".encode())
        digest.update(content)
    return Bundle(top, digest.hexdigest(), files)


def _sources(top: str, root: Path) -> Iterator[Path]:
    if (root / f"{top}.py").is_file():
        yield root / f"{top}.py"
    for path in (root / top).rglob("*.py"):
        if path.is_file():
            yield path


def _is_users(root: Path) -> bool:
    """Whether what lies in an entry of the search path is the user's own."""
    if any(root.is_relative_to(folder) for folder in _installed_folders()):
        return False
    return not {"site-packages", "dist-packages"}.intersection(root.parts) and root not in _editable_folders()


@functools.cache
def _installed_folders() -> list[str]:
    """Where the standard library and what is installed lie."""
    folders = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return [folder for folder in folders if folder]


@functools.cache
def _editable_folders() -> set[Path]:
    """Folders of projects that are installed for development, where they may be imported from."""
    folders = set()
    for distribution in importlib.metadata.distributions():
        told = distribution.read_text("direct_url.json")
        if told is None or '"editable": true' not in told.replace('":true', '": true'):
            continue
        project = Path(urllib.request.url2pathname(urllib.parse.urlparse(json.loads(told)["url"]).path))
        folders |= {project, project / "src"}
    return folders
