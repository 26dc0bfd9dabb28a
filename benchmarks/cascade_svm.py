"""CascadeSVM beside scikit-learn's SVC: the same samples and parameters, in turn, in one process.

    python benchmarks/cascade_svm.py [repeats]

Each line gives the seconds to fit of both (least of all repeats), how many times SVC's time is ours in each pair of
runs (median, least, greatest), and the share of other samples that each tells right.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_sample_image, make_classification, make_moons
from sklearn.svm import SVC

import dsarray as ds
import dsflow
from estimators.svm import CascadeSVM

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from make_data import features

N_TEST = 5_000


def pixels(n_samples):
    """Pixels of two photographs with what is around them: which of the photographs?"""
    rng = np.random.default_rng(0)
    half = n_samples // 2
    x = np.vstack([features(load_sample_image(name), rng, half) for name in ("flower.jpg", "china.jpg")])
    order = rng.permutation(2 * half)
    return x[order], np.repeat([1, -1], half)[order]


def moons(n_samples):
    """Two half moons that overlap."""
    return make_moons(n_samples, noise=0.25, random_state=0)


def clusters(n_samples):
    """Classes of three groups in 20 dimensions that overlap, with some labels wrong: a third of all support."""
    return make_classification(
        n_samples, n_features=20, n_informative=8, n_clusters_per_class=3, flip_y=0.02, random_state=0
    )


CASES = [
    (pixels, 20_000, {"C": 1.0, "gamma": 1.0}, 4),
    (pixels, 20_000, {"C": 10_000.0, "gamma": 0.01}, 4),
    (pixels, 60_000, {"C": 10.0, "gamma": 1.0}, 8),
    (moons, 20_000, {"C": 1.0, "gamma": 1.0}, 4),
    (moons, 100_000, {"C": 1.0, "gamma": 1.0}, 16),
    (clusters, 20_000, {"C": 1.0, "gamma": 0.05}, 4),
    (clusters, 40_000, {"C": 1.0, "gamma": 0.05}, 8),
]
"""Data, number of samples, parameters of both, number of blocks."""


def timed(model, x, y, engine=None):
    """Seconds to fit. The session is open for our own only: it limits the threads of others."""
    with dsflow.start(engine) if engine else contextlib.nullcontext():
        start = time.perf_counter()
        model.fit(x, y)
        return time.perf_counter() - start


def main(repeats):
    """Print one line for each case."""
    warnings.simplefilter("ignore")
    for make, n_samples, parameters, n_blocks in CASES:
        x, y = make(n_samples + N_TEST)
        block_size = -(-n_samples // n_blocks)
        cut = [ds.array(values[N_TEST:], block_size=block_size) for values in (x, y)]
        ours, theirs = [], []
        for _ in range(repeats):
            machine, reference = CascadeSVM(**parameters), SVC(**parameters)
            ours.append(timed(machine, *cut, engine="threads"))
            theirs.append(timed(reference, x[N_TEST:], y[N_TEST:]))
        ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
        right = [model.score(x[:N_TEST], y[:N_TEST]) for model in (machine, reference)]
        dsflow.stop()
        print(
            f"{make.__name__} {n_samples} {parameters}: {min(ours):.2f} s, SVC {min(theirs):.2f} s; "
            f"{statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f}); "
            f"right {right[0]:.4f} and {right[1]:.4f}; support {len(machine.support_)} and {len(reference.support_)}; "
            f"passes {machine.n_iter_}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
