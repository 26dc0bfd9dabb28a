"""What some tasks need besides being run: a process of their own, devices, threads, or never to run twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsflow._resources import Grant
from dsflow._session import inherited_environment

if TYPE_CHECKING:
    from dsflow._graph import Node

__all__ = ["Care", "care_of"]

_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class Care:
    """What a worker has to see to when it runs a node."""

    isolated: bool
    """True to run it in a child process."""
    time_out_s: float | None
    once: bool
    """True to refuse to run it a second time."""
    cpus: int | None
    """For how many cores libraries may start threads; None for the worker's usual number."""
    grant: Grant | None
    """What it has been given of the machine."""

    def environment(self) -> dict[str, str]:
        """Return variables for a process of the task's own, on the worker."""
        changes = {}
        if self.cpus is not None:
            changes["OMP_NUM_THREADS"] = str(self.cpus)
        if self.grant is not None and self.grant.place.gpus:
            changes[_VISIBLE] = ",".join(_names_of(self.grant))
        return changes


def _names_of(grant: Grant) -> list[str]:
    """What CUDA calls the GPUs; those of a worker that is a place of its own are counted among the ones it sees."""
    visible = [name for name in inherited_environment().get(_VISIBLE, "").split(",") if name]
    if not grant.place.workers or not visible:
        return list(grant.gpus)
    return [visible[int(gpu)] for gpu in grant.gpus if int(gpu) < len(visible)]


def care_of(node: Node) -> Care | None:
    """Return what a node needs, or None if it is like most."""
    options, grant = node.options, node.grant
    if grant is None and not options.isolated and not options.side_effects:
        return None
    has_own = grant is not None and node.needs is not None
    # which GPUs a process sees is settled when it first uses one: only another process can see less
    sees_less = has_own and grant is not None and 0 < len(grant.gpus) < len(grant.place.gpus)
    return Care(
        isolated=options.isolated or sees_less,
        time_out_s=options.time_out_s,
        once=options.side_effects,
        cpus=grant.needs.cpus if has_own and grant is not None else None,
        grant=grant,
    )
