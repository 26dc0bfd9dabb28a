"""Trees as flat arrays, which can be saved, and as scikit-learn's compiled trees, which predict.

`Nodes` of trees lie one after the other in arrays with an element for each node, named as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.tree._tree import Tree

__all__ = ["FIELDS", "Nodes", "check_nodes", "join_nodes", "make_trees", "measure_depth", "take_nodes"]

Nodes = dict[str, Any]
"""By name: `FIELDS` and "value", and "n_nodes" of each tree."""

FIELDS = {
    "left_child": np.int64,
    "right_child": np.int64,
    "feature": np.int64,
    "threshold": np.float64,
    "impurity": np.float64,
    "n_node_samples": np.int64,
    "weighted_n_node_samples": np.float64,
    "missing_go_to_left": np.uint8,
}


def take_nodes(tree: Tree) -> Nodes:
    """Return the nodes of a compiled tree."""
    state = tree.__getstate__()
    nodes: Nodes = {name: np.ascontiguousarray(state["nodes"][name]) for name in FIELDS}
    return nodes | {"value": np.array(state["values"]), "n_nodes": np.array([tree.node_count])}


def join_nodes(parts: Sequence[Nodes]) -> Nodes:
    """Return the nodes of many trees one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check_nodes(nodes: Nodes, n_features: int, n_outputs: int) -> None:
    """Check nodes that come from a file: scikit-learn's compiled trees follow them without looking.

    Raises
    ------
    ValueError
        When some are out of bounds, go in circles, or are not of the types and shapes that they should have.
    """
    total = len(nodes["feature"])
    for name, dtype in FIELDS.items():
        if nodes[name].shape != (total,) or not np.can_cast(nodes[name].dtype, dtype, "safe"):
            raise ValueError(f"{name} of {total} nodes of trees has shape {nodes[name].shape}")
    value, sizes = nodes["value"], nodes["n_nodes"]
    if value.dtype != np.float64 or value.ndim != 3 or value.shape[:2] != (total, n_outputs):
        raise ValueError(f"values of {total} nodes of trees have dtype {value.dtype} and shape {value.shape}")
    if sizes.ndim != 1 or sizes.dtype.kind != "i" or not len(sizes) or min(sizes) < 1 or sum(sizes.tolist()) != total:
        raise ValueError(f"{total} nodes of trees are divided into {sizes}")
    if not isinstance(n_features, Integral) or not _are_trees(nodes, n_features):
        raise ValueError("nodes of trees have other nodes, or features, than there are")


def _are_trees(nodes: Nodes, n_features: int) -> bool:
    """Return whether each node has one parent, which comes before it, but for the first of each tree."""
    sizes, left, right, feature = (nodes[name] for name in ("n_nodes", "left_child", "right_child", "feature"))
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    own = np.arange(len(left)) - starts
    is_leaf = left == -1
    inner = np.flatnonzero(~is_leaf)
    children = np.stack([left[inner], right[inner]])
    if (right[is_leaf] != -1).any() or (children <= own[inner]).any():
        return False
    if (children >= np.repeat(sizes, sizes)[inner]).any():
        return False
    n_parents = np.bincount((children + starts[inner]).ravel(), minlength=len(left))
    is_known = (feature[inner] >= 0) & (feature[inner] < n_features)
    return bool((n_parents == (own > 0)).all() and is_known.all())


def make_trees(nodes: Nodes, n_features: int, n_classes: Any) -> list[Tree]:
    """Return compiled trees; ``n_classes`` has an element for each output, 1 in regression."""
    ends = np.cumsum(nodes["n_nodes"])
    return [
        _compile({name: nodes[name][end - n_nodes : end] for name in (*FIELDS, "value")}, n_features, n_classes)
        for end, n_nodes in zip(ends.tolist(), nodes["n_nodes"].tolist(), strict=True)
    ]


def _compile(nodes: Nodes, n_features: int, n_classes: Any) -> Tree:
    tree = Tree(n_features, np.asarray(n_classes, dtype=np.intp), len(n_classes))
    dtype = tree.__getstate__()["nodes"].dtype
    table = np.zeros(len(nodes["feature"]), dtype=dtype)
    for name in FIELDS:
        table[name] = nodes[name]
    values = np.ascontiguousarray(nodes["value"])
    tree.__setstate__({"max_depth": measure_depth(nodes), "node_count": len(table), "nodes": table, "values": values})
    return tree


def measure_depth(nodes: Nodes) -> int:
    """Return the depth of the deepest node of a tree."""
    depth, level = -1, np.array([0])
    while len(level):
        depth += 1
        below = np.concatenate([nodes["left_child"][level], nodes["right_child"][level]])
        level = below[below > 0]
    return depth
