"""KMeans beside scikit-learn's: the same data and start, in turn, in one process.

    python benchmarks/kmeans.py [repeats]

Each line gives the seconds of both (least of all repeats) and the ratio of each pair of runs: median, least, greatest.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
import warnings

import numpy as np
import sklearn.cluster
from sklearn.datasets import load_sample_image, make_blobs

import dsflow
from estimators.cluster import KMeans


def photo(dtype):
    """Pixels of a photo: 273,280 rows of 3 numbers."""
    return (load_sample_image("china.jpg").reshape(-1, 3) / 255).astype(dtype)


def blobs(dtype):
    """200,000 rows of 50 numbers in 20 groups that overlap."""
    return make_blobs(200_000, n_features=50, centers=20, cluster_std=8.0, random_state=0)[0].astype(dtype)


CASES = {
    "photo, 64 clusters": (photo, np.float64, {"n_clusters": 64}),
    "photo, 64 clusters, float32": (photo, np.float32, {"n_clusters": 64}),
    "photo, 64 clusters, 20 iterations from random rows": (
        photo,
        np.float64,
        {"n_clusters": 64, "init": "random", "n_init": 1, "max_iter": 20, "tol": 0.0},
    ),
    "blobs, 20 clusters": (blobs, np.float64, {"n_clusters": 20}),
    "blobs, 20 clusters, 20 iterations from random rows": (
        blobs,
        np.float64,
        {"n_clusters": 20, "init": "random", "n_init": 1, "max_iter": 20, "tol": 0.0},
    ),
}


def timed(model, data, engine=None):
    """Seconds to fit, and the fitted model. The session is open for our own only: it limits the threads of others."""
    with dsflow.start(engine) if engine else contextlib.nullcontext():
        start = time.perf_counter()
        model.fit(data)
        return time.perf_counter() - start, model


def main(repeats):
    """Print one line for each case."""
    warnings.simplefilter("ignore")
    for name, (make, dtype, parameters) in CASES.items():
        data = make(dtype)
        ours, theirs = [], []
        for repeat in range(repeats + 1):
            pair = [
                (ours, *timed(KMeans(random_state=0, **parameters), data, "threads")),
                (theirs, *timed(sklearn.cluster.KMeans(random_state=0, **parameters), data)),
            ]
            if repeat:  # the first pair warms up
                for seconds, spent, _ in pair:
                    seconds.append(spent)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        fitted = [model for _, _, model in pair]
        print(
            f"{name}: {min(ours):.3f} s, scikit-learn {min(theirs):.3f} s; "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); "
            f"iterations {fitted[0].n_iter_} and {fitted[1].n_iter_}; "
            f"inertia {fitted[0].inertia_ / fitted[1].inertia_:.9f} of scikit-learn's"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
