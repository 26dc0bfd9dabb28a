"""What this machine has: memory and GPUs, as far as this process may use them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dsflow._resources import Place
from dsflow._session import inherited_environment

__all__ = ["this_machine"]


def this_machine(cpus: int, memory_bytes: int | None, labels: Iterable[str], n_gpus: int | None = None) -> Place:
    """Return this machine as a place for tasks; by default with all of its memory and GPUs."""
    memory_bytes = _memory_bytes() if memory_bytes is None else memory_bytes
    gpus = tuple(_gpus())
    if n_gpus is not None:  # more than can be found are taken at their word: the user knows the machine
        gpus = gpus[:n_gpus] + tuple(map(str, range(len(gpus), n_gpus)))
    return Place("this machine", cpus, memory_bytes, gpus, frozenset(labels))


def _memory_bytes(root: Path = Path("/")) -> int:
    """The memory of the machine, or the part of it that this process may have."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(physical, *_limits_of_groups(root), physical)


def _limits_of_groups(root: Path) -> Iterator[int]:
    """The limits of the control groups of this process, from both versions of them."""
    groups = _text_of(root / "proc/self/cgroup").splitlines()
    for _, controllers, path in (line.split(":", 2) for line in groups):
        if controllers == "":
            folder, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        inside = Path(path.lstrip("/"))
        for group in (inside, *inside.parents):
            text = _text_of(folder / group / name).strip()
            if text.isdigit():  # not "max"
                yield int(text)


def _text_of(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


def _gpus(devices: Path = Path("/dev")) -> Iterator[str]:
    """Identifiers of the GPUs, as ``CUDA_VISIBLE_DEVICES`` takes them."""
    visible = inherited_environment().get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        n_gpus = sum(re.fullmatch(r"nvidia\d+", each.name) is not None for each in devices.iterdir())
        yield from map(str, range(n_gpus))
        return
    for identifier in map(str.strip, visible.split(",")):
        if identifier in ("", "-1", "NoDevFiles"):  # CUDA looks no further either
            return
        yield identifier
