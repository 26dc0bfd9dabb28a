"""Grown trees made smaller: to the best so many leaves, and to subtrees that are worth their complexity.

Which leaves are split does not depend on the order in which they are. So a tree that grows the best leaf first is the
part of the whole tree that one reaches by always taking the best split that is left.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import sklearn.tree

from estimators.tree._nodes import FIELDS, Nodes, make_trees, take_nodes

__all__ = ["prune_tree"]


def prune_tree(nodes: Nodes, max_leaf_nodes: int | None, ccp_alpha: float, n_features: int) -> Nodes:
    """Return one tree with as many leaves as there may be, and without subtrees that are not worth ``ccp_alpha``."""
    if max_leaf_nodes is not None:
        nodes = _keep_best(nodes, max_leaf_nodes)
    return _prune_by_complexity(nodes, ccp_alpha, n_features) if ccp_alpha else nodes


def _keep_best(nodes: Nodes, most: int) -> Nodes:
    left, right = nodes["left_child"], nodes["right_child"]
    roughness = nodes["impurity"] * nodes["weighted_n_node_samples"]
    gains = roughness - np.where(left > 0, roughness[left] + roughness[right], roughness)
    kept, heap = [0], [(-gains[0], 0)] if left[0] > 0 else []
    is_split = np.zeros(len(left), dtype=bool)
    while heap and is_split.sum() + 1 < most:
        _, node = heapq.heappop(heap)
        is_split[node] = True
        for child in (left[node], right[node]):
            kept.append(child)
            if left[child] > 0:
                heapq.heappush(heap, (-gains[child], child))
    number = np.full(len(left), -1)
    number[kept] = np.arange(len(kept))
    found: Nodes = {name: nodes[name][kept] for name in (*FIELDS, "value")} | {"n_nodes": np.array([len(kept)])}
    leaves = ~is_split[kept]
    for name in ("left_child", "right_child"):
        found[name] = np.where(leaves, -1, number[found[name]])
    found["feature"], found["threshold"] = found["feature"].copy(), found["threshold"].copy()
    found["feature"][leaves], found["threshold"][leaves] = -2, -2
    return found


def _prune_by_complexity(nodes: Nodes, ccp_alpha: float, n_features: int) -> Nodes:
    _, n_outputs, n_values = nodes["value"].shape
    tree: Any = sklearn.tree.DecisionTreeClassifier(ccp_alpha=ccp_alpha)
    tree.n_features_in_, tree.n_outputs_, tree.n_classes_ = n_features, n_outputs, np.full(n_outputs, n_values)
    [tree.tree_] = make_trees(nodes, n_features, [n_values] * n_outputs)
    tree._prune_tree()
    return take_nodes(tree.tree_)
