"""What a forest says of the rows that it was fitted to, by the trees that have not seen them.

One task for each row of blocks draws anew which trees these are. The answers stay where the rows are; sums for the
score come to the main program.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import Future, share, task, wait_on
from estimators.ensemble._bootstrap import Bootstrap
from estimators.tree._histograms import add_arrays
from estimators.tree._learning import Large

__all__ = ["judge_out_of_bag"]


def judge_out_of_bag(trees: Sequence[Any], data: Large, draws: Sequence[Bootstrap], weights: Sequence[Any]) -> Any:
    """Return the mean answers of trees for the rows that they have not seen, in blocks, and the score.

    ``trees`` are compiled. The answers have a shape of (n_rows, n_outputs, n_values); the score is the accuracy or the
    coefficient of determination.
    """
    criterion = data.targets.criterion
    center = np.array(getattr(criterion, "center", ()))
    shared = share(list(trees))
    pairs = [
        judge_rows(*each, shared, center)
        for each in zip(data.blocks, data.targets.blocks, draws, weights, strict=True)
    ]  # fmt: skip
    sums = wait_on(ds.tree_reduce(add_arrays, [each for _, each in pairs]))
    if sums[0].any():
        warnings.warn(
            "Some inputs do not have OOB scores. This probably means too few trees were used to compute any reliable "
            "OOB estimates.",
            UserWarning,
            stacklevel=5,
        )
    answers: list[Future[Any]] = [each for each, _ in pairs]
    if not len(center):
        return answers, float((sums[1] / data.n_rows).mean())
    spread = sums[3] - sums[2] ** 2 / data.n_rows
    return answers, float((1 - sums[1] / spread).mean())


@task(returns=2)
def judge_rows(
    block: ds.Deferred, targets: Any, draws: Bootstrap, weights: Any, trees: Sequence[Any], center: Any
) -> tuple[Any, Any]:
    """Return the mean answers for rows, and sums by output: rows without, hits or errors, targets and their squares."""
    rows = ds.to_host(block.make())
    rows = rows.astype(np.float32, copy=False)
    n_rows, seen = rows.shape[0], draws.make(weights, rows.shape[0]) > 0
    answers = np.zeros((n_rows, trees[0].n_outputs, trees[0].max_n_classes))
    for tree, known in zip(trees, seen, strict=True):
        new = np.flatnonzero(~known)
        if len(new):
            answers[new] += tree.predict(rows[new]).reshape(len(new), *answers.shape[1:])
    n_trees = (~seen).sum(axis=0)
    answers /= np.maximum(n_trees, 1)[:, None, None]
    lacking = np.full(answers.shape[1], (n_trees == 0).sum())
    if not len(center):
        hits = (answers.argmax(axis=2) == targets).sum(axis=0)
        return answers, np.stack([lacking, hits]).astype(float)
    known = targets[:, : len(center)]
    errors = ((known + center - answers[:, :, 0]) ** 2).sum(axis=0)
    return answers, np.stack([lacking, errors, known.sum(axis=0), (known**2).sum(axis=0)]).astype(float)
