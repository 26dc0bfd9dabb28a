"""What makes a split good: sums over the rows of a node, and how pure they say that it is.

A criterion adds up a few numbers (channels) over the rows of each node, or of each node, feature and bin. Weight times
impurity of a node is its roughness; it is the sum of squares or the like, which a split does not change, minus the
purity, of which a split is to make as much as it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
import sklearn.tree

__all__ = ["Classes", "Criterion", "Numbers"]

_ROUNDING = 1e-13
"""What is left of sums of squares, as a share, where all numbers are equal."""


@dataclass(frozen=True)
class Classes:
    """Gini impurity or entropy, averaged over outputs; channels are the weights of the classes of each output."""

    n_classes: tuple[int, ...]
    """Of each output."""
    is_entropy: bool
    tree_kind = sklearn.tree.DecisionTreeClassifier

    @property
    def n_channels(self) -> int:
        """How many numbers are added up to choose splits."""
        return sum(self.n_classes)

    def tally(self, keys: Any, n_keys: int, targets: Any, weights: Any, *, whole: bool = True) -> Any:
        """Add up rows by key, given the codes of their classes; return an array of shape (n_keys, n_channels)."""
        sums = [
            np.bincount(keys * n_classes + targets[:, output], weights, n_keys * n_classes).reshape(n_keys, n_classes)
            for output, n_classes in enumerate(self.n_classes)
        ]
        return sums[0] if len(sums) == 1 else np.concatenate(sums, axis=1)

    def weigh(self, sums: Any) -> Any:
        """Return the weight of the rows that were added up."""
        return sums[..., : self.n_classes[0]].sum(axis=-1)

    def purity(self, sums: Any) -> Any:
        """Return what a split should make large."""
        weight = self.weigh(sums)
        if self.is_entropy:
            return self._mean(scipy.special.xlogy(sums, sums).sum(axis=-1)) - scipy.special.xlogy(weight, weight)
        squares = np.einsum("...k,...k->...", sums, sums)
        return self._mean(np.divide(squares, weight, out=np.zeros_like(weight), where=weight > 0))

    def impurity(self, sums: Any) -> Any:
        """Return the impurity of nodes that have rows."""
        weight, purity = self.weigh(sums), self.purity(sums)
        if self.is_entropy:
            return np.maximum(0, -purity / weight / np.log(2))
        return np.maximum(0, 1 - purity / weight)

    def gain(self, purity: Any) -> Any:
        """Return by how much roughness goes down if purity goes up."""
        return purity / np.log(2) if self.is_entropy else purity

    def values(self, sums: Any) -> Any:
        """Return the shares of classes, of shape (n_nodes, n_outputs, most classes)."""
        found = np.zeros((len(sums), len(self.n_classes), max(self.n_classes)))
        ends = np.cumsum(self.n_classes)
        for output, (end, n_classes) in enumerate(zip(ends, self.n_classes, strict=True)):
            found[:, output, :n_classes] = sums[:, end - n_classes : end]
        return found / self.weigh(sums)[:, None, None]

    def restore(self, targets: Any) -> Any:
        """Return targets as scikit-learn's tree wants them."""
        return targets

    def spread(self, values: Any, tree: Any) -> Any:
        """Return shares of all classes, given those of the ones that a tree has seen."""
        found = np.zeros((*values.shape[:2], max(self.n_classes)))
        known = [tree.classes_] if values.shape[1] == 1 else tree.classes_
        for output, codes in enumerate(known):
            found[:, output, codes] = values[:, output, : len(codes)]
        return found

    def _mean(self, total: Any) -> Any:
        return total / len(self.n_classes)


@dataclass(frozen=True)
class Numbers:
    """Squared error, averaged over outputs; channels are the weight, and weighted sums of targets and their squares."""

    center: tuple[float, ...]
    """What targets were lessened by, for each output."""
    tree_kind = sklearn.tree.DecisionTreeRegressor

    @property
    def n_channels(self) -> int:
        """How many numbers are added up to choose splits."""
        return 1 + len(self.center)

    def tally(self, keys: Any, n_keys: int, targets: Any, weights: Any, *, whole: bool = True) -> Any:
        """Add up rows by key, given targets and squares of targets; the squares only if ``whole``."""
        columns = targets.T if whole else targets.T[: len(self.center)]
        sums = [np.bincount(keys, weights, n_keys), *(np.bincount(keys, weights * each, n_keys) for each in columns)]
        return np.stack(sums, axis=-1)

    def weigh(self, sums: Any) -> Any:
        """Return the weight of the rows that were added up."""
        return sums[..., 0]

    def purity(self, sums: Any) -> Any:
        """Return what a split should make large."""
        weight, n_outputs = sums[..., 0], len(self.center)
        squares = (sums[..., 1 : 1 + n_outputs] ** 2).sum(axis=-1)
        return np.divide(squares, weight, out=np.zeros_like(weight), where=weight > 0) / n_outputs

    def impurity(self, sums: Any) -> Any:
        """Return the impurity of nodes that have rows."""
        squares = sums[..., 1 + len(self.center) :].mean(axis=-1)
        rough = squares - self.purity(sums)
        return np.where(rough > _ROUNDING * squares, rough, 0.0) / sums[..., 0]

    def gain(self, purity: Any) -> Any:
        """Return by how much roughness goes down if purity goes up."""
        return purity

    def restore(self, targets: Any) -> Any:
        """Return targets as scikit-learn's tree wants them."""
        return targets[:, : len(self.center)] + self.center

    def spread(self, values: Any, tree: Any) -> Any:
        """Return mean targets, given those of a tree: the same."""
        return values

    def values(self, sums: Any) -> Any:
        """Return mean targets, of shape (n_nodes, n_outputs, 1)."""
        return (sums[:, 1 : 1 + len(self.center)] / sums[:, :1] + self.center)[:, :, None]


Criterion = Classes | Numbers
