"""Small nodes: all their rows are brought to one task, where scikit-learn's compiled tree grows what is below them.

What travels is the rows, in single precision, with their targets and weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsflow import task
from estimators.tree._criteria import Criterion
from estimators.tree._nodes import Nodes, take_nodes

__all__ = ["Job", "finish_nodes"]


@dataclass(frozen=True)
class Job:
    """A node to grow from."""

    number: int
    tree: int
    node: int
    n_rows: int
    parameters: dict[str, Any]
    """Of scikit-learn's tree."""


@task
def finish_nodes(jobs: Sequence[Job], pieces: Sequence[Any], criterion: Criterion) -> list[Nodes]:
    """Return what grows from each node, given pieces of their rows in the order of rows."""
    numbers, rows, targets, weights = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.searchsorted(numbers[order], [job.number for job in jobs])[1:])
    return [
        _grow(job, rows[part], criterion.restore(targets[part]), weights[part], criterion)
        for job, part in zip(jobs, parts, strict=True)
    ]


def _grow(job: Job, rows: Any, targets: Any, weights: Any, criterion: Criterion) -> Nodes:
    tree = criterion.tree_kind(**job.parameters)
    tree.fit(rows.astype(np.float32, copy=False), targets, sample_weight=weights)
    nodes = take_nodes(tree.tree_)
    nodes["value"] = criterion.spread(nodes["value"], tree)
    return nodes
