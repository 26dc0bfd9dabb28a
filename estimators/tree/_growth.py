"""Trees for data of any size: upper levels by histograms, small nodes by scikit-learn.

Some trees are grown at a time, level by level. In each level, one task for each row of blocks moves its rows on to the
nodes of the level and adds them up there; another adds up, for the features that are tried at each node, rows by bin;
trees of tasks add up what they give, and one chooses the splits. Once a node has no more rows than one task should
have, they are brought together and finished there.

B. Panda, J. S. Herbach, S. Basu and R. J. Bayardo, "PLANET: massively parallel learning of tree ensembles with
MapReduce" (VLDB 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import Future, task, wait_on
from estimators.tree._finish import Job, finish_nodes
from estimators.tree._histograms import Fates, Front, add_arrays, advance_rows, emit_rows, start_rows
from estimators.tree._nodes import FIELDS, Nodes
from estimators.tree._splits import Binned, Limits, find_splits

__all__ = ["MAX_SEED", "Rules", "grow_trees"]

MAX_SEED = np.iinfo(np.int32).max
_EPSILON = np.finfo(float).eps

_LEAST_GROUP = 2**12
"""So many rows may be finished by one task in any case."""


@dataclass(frozen=True)
class Rules:
    """When nodes are split."""

    criterion: str
    """In scikit-learn's words."""
    max_depth: int | None
    min_samples_split: int
    min_samples_leaf: int
    min_weight_fraction_leaf: float
    min_impurity_decrease: float
    max_features: int
    local_rows: int
    """Nodes with at most so many rows are finished by one task."""


@dataclass
class _Tree:
    """A tree that is growing: its nodes in the order of levels."""

    rng: np.random.RandomState
    weight: float
    """Of all rows."""
    sums: list[Any] = field(default_factory=list)
    left: dict[int, int] = field(default_factory=dict)
    """The left child of each node that is split; the right one follows."""
    split: dict[int, tuple[int, float, bool]] = field(default_factory=dict)
    """Feature, threshold, and whether NaN goes to the left."""

    def add(self, sums: Any) -> int:
        self.sums.append(sums)
        return len(self.sums) - 1


@dataclass(frozen=True)
class _Level:
    """Nodes of the same depth, over all trees."""

    depth: int
    trees: Any
    nodes: Any
    sums: Any
    """Number of rows, and channels of the criterion, for each."""


def grow_trees(
    data: Binned, rules: Rules, seeds: Sequence[int], draws: Sequence[Any], by_class: Sequence[Any]
) -> list[Nodes]:
    """Return the nodes of trees.

    Parameters
    ----------
    data, rules
    seeds : sequence of int
        One for each tree.
    draws : sequence
        For each row of blocks, what says how often its rows are in the trees; see `start_rows`.
    by_class : sequence of ndarray
        Further weights; see `start_rows`.
    """
    blocks = zip(draws, data.targets, data.weights, strict=True)
    fronts, sums = _collect([start_rows(*each, data.criterion, by_class) for each in blocks])
    if not sums[:, 0].all():
        raise ValueError("fit: a tree has not got any row; let max_samples be larger, or weights positive.")
    weights = data.criterion.weigh(sums[:, 1:])
    trees = [_Tree(np.random.RandomState(seed), weight) for seed, weight in zip(seeds, weights, strict=True)]
    level = _Level(0, np.arange(len(trees)), np.array([tree.add(s) for tree, s in zip(trees, sums, strict=True)]), sums)
    jobs: list[Job] = []
    while True:
        fates = _decide(data, rules, fronts, level, trees, jobs)
        if not fates.n_children:
            break
        rows = zip(fronts, data.codes, data.targets, strict=True)
        fronts, sums = _collect([advance_rows(*each, data.criterion, fates) for each in rows])
        level = _descend(level, fates, trees, sums)
    return _assemble(trees, jobs, _finish(data, rules, fronts, fates, jobs), data)


def _collect(pairs: Sequence[Any]) -> tuple[list[Future[Front]], Any]:
    return [front for front, _ in pairs], wait_on(ds.tree_reduce(add_arrays, [sums for _, sums in pairs]))


def _decide(
    data: Binned, rules: Rules, fronts: Sequence[Future[Front]], level: _Level, trees: list[_Tree],
    jobs: list[Job],
) -> Fates:  # fmt: skip
    """Return what becomes of the nodes of a level, and note it down in trees and jobs."""
    bins, criterion, counts, sums = data.bins, data.criterion, level.sums[:, 0], level.sums[:, 1:]
    totals = np.array([tree.weight for tree in trees])[level.trees]
    least = rules.min_weight_fraction_leaf * totals
    grows = criterion.impurity(sums) > _EPSILON
    grows &= counts >= max(rules.min_samples_split, 2, 2 * rules.min_samples_leaf)
    grows &= criterion.weigh(sums) >= 2 * least
    if rules.max_depth is not None and level.depth >= rules.max_depth:
        grows[:] = False
    is_small = counts <= rules.local_rows
    job = np.full(len(counts), -1)
    for place in np.flatnonzero(grows & is_small):
        job[place] = len(jobs)
        share_of_tree = criterion.weigh(sums[place]) / totals[place]
        jobs.append(_make_job(rules, level, int(place), trees, len(jobs), share_of_tree))
    none = np.full(len(counts), -1)
    fates = Fates(none.copy(), none.copy(), none.copy(), none.copy(), job, 0)
    active = np.flatnonzero(grows & ~is_small)
    useful = np.flatnonzero(bins.n_bins + bins.has_missing > 1)
    if not len(active) or not len(useful):
        return fates
    orders = np.array([trees[tree].rng.permutation(useful) for tree in level.trees[active]])
    limits = Limits(rules.max_features, rules.min_samples_leaf, least[active])
    found = find_splits(data, fronts, active, len(counts), orders, limits)
    gain = criterion.gain(found.purity - criterion.purity(sums[active])) / totals[active]
    good = np.flatnonzero(gain + _EPSILON >= rules.min_impurity_decrease)
    chosen = active[good]
    fates.feature[chosen], fates.code[chosen] = found.feature[good], found.below[good]
    fates.child[chosen] = 2 * np.arange(len(chosen))
    fates.missing[chosen] = np.where(found.missing_left[good], bins.n_bins[found.feature[good]], -1)
    thresholds = bins.thresholds(found.feature[good], found.below[good], found.above[good])
    splits = zip(found.feature[good], thresholds, found.missing_left[good], strict=True)
    for place, split in zip(chosen, splits, strict=True):
        trees[level.trees[place]].split[level.nodes[place]] = split
    return replace(fates, n_children=2 * len(chosen))


def _make_job(rules: Rules, level: _Level, place: int, trees: list[_Tree], number: int, share_of_tree: float) -> Job:
    tree = level.trees[place]
    parameters = {
        "criterion": rules.criterion,
        "max_depth": None if rules.max_depth is None else rules.max_depth - level.depth,
        "min_samples_split": max(2, rules.min_samples_split),
        "min_samples_leaf": rules.min_samples_leaf,
        "min_weight_fraction_leaf": min(0.5, rules.min_weight_fraction_leaf / share_of_tree),
        "max_features": rules.max_features,
        "min_impurity_decrease": rules.min_impurity_decrease / share_of_tree,
        "random_state": int(trees[tree].rng.randint(MAX_SEED)),
    }
    return Job(number, int(tree), int(level.nodes[place]), int(level.sums[place, 0]), parameters)


def _descend(level: _Level, fates: Fates, trees: list[_Tree], sums: Any) -> _Level:
    """Return the next level, whose nodes are added to the trees."""
    parents = np.flatnonzero(fates.feature >= 0)
    owners = np.repeat(level.trees[parents], 2)
    nodes = np.array([trees[tree].add(each) for tree, each in zip(owners, sums, strict=True)])
    for parent, left in zip(parents, nodes[::2], strict=True):
        trees[level.trees[parent]].left[level.nodes[parent]] = left
    return _Level(level.depth + 1, owners, nodes, sums)


def _finish(data: Binned, rules: Rules, fronts: Sequence[Future[Front]], fates: Fates, jobs: list[Job]) -> list[Nodes]:
    """Return what grows from each job."""
    if not jobs:
        return []
    groups = _group(jobs, max(rules.local_rows, _LEAST_GROUP))
    ends = [group[-1].number + 1 for group in groups]
    emit = task(returns=len(groups))(emit_rows) if len(groups) > 1 else task(emit_rows)
    rows = zip(fronts, data.blocks, data.targets, strict=True)
    emitted = [emit(*each, fates, ends) for each in rows]
    pieces = zip(*emitted, strict=True) if len(groups) > 1 else [emitted]
    found = [finish_nodes(group, list(parts), data.criterion) for group, parts in zip(groups, pieces, strict=True)]
    return [nodes for group in wait_on(found) for nodes in group]


def _group(jobs: list[Job], most_rows: int) -> list[list[Job]]:
    """Return jobs in groups of not too many rows, in the order of their numbers."""
    groups: list[list[Job]] = []
    n_rows = most_rows
    for job in jobs:
        n_rows += job.n_rows
        if n_rows > most_rows:
            groups.append([])
            n_rows = job.n_rows
        groups[-1].append(job)
    return groups


def _assemble(trees: list[_Tree], jobs: list[Job], finished: list[Nodes], data: Binned) -> list[Nodes]:
    parts: list[list[tuple[int, Nodes]]] = [[] for _ in trees]
    for job, nodes in zip(jobs, finished, strict=True):
        parts[job.tree].append((job.node, nodes))
    return [_graft(_flatten(tree, data), each) for tree, each in zip(trees, parts, strict=True)]


def _flatten(tree: _Tree, data: Binned) -> Nodes:
    sums, n_nodes = np.array(tree.sums), len(tree.sums)
    nodes: Nodes = {name: np.zeros(n_nodes, dtype=dtype) for name, dtype in FIELDS.items()}
    for name in ("left_child", "right_child"):
        nodes[name][:] = -1
    nodes["feature"][:], nodes["threshold"][:] = -2, -2
    for node, left in tree.left.items():
        nodes["left_child"][node], nodes["right_child"][node] = left, left + 1
        for name, value in zip(("feature", "threshold", "missing_go_to_left"), tree.split[node], strict=True):
            nodes[name][node] = value
    nodes["impurity"] = data.criterion.impurity(sums[:, 1:])
    nodes["n_node_samples"] = sums[:, 0].astype(np.int64)
    nodes["weighted_n_node_samples"] = data.criterion.weigh(sums[:, 1:])
    return nodes | {"value": data.criterion.values(sums[:, 1:]), "n_nodes": np.array([n_nodes])}


def _graft(nodes: Nodes, grafts: list[tuple[int, Nodes]]) -> Nodes:
    """Return a tree in which some of the nodes have become trees."""
    size = len(nodes["feature"])
    tails = []
    for node, below in grafts:
        moved = dict(below)
        for name in ("left_child", "right_child"):
            moved[name] = np.where(below[name] > 0, below[name] + size - 1, -1)
        for name in (*FIELDS, "value"):
            nodes[name][node] = moved[name][0]
        tails.append({name: moved[name][1:] for name in (*FIELDS, "value")})
        size += len(below["feature"]) - 1
    joined: Nodes = {
        name: np.concatenate([nodes[name], *(tail[name] for tail in tails)]) for name in (*FIELDS, "value")
    }
    return joined | {"n_nodes": np.array([size])}
