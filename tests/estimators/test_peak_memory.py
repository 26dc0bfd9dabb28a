"""Models of five times the memory of the session: its budget holds, as the system measures it in another process."""

import json
import subprocess
import sys

import pytest

BUDGET_MIB = 200

N_ROWS = 2_600_000
"""Of 50 float64 each: 990 MiB, in a Zarr array whose chunks are made for the budget."""

WRITE = """
import sys
import dsarray as ds, dsflow
with dsflow.start("threads", workers=2, memory=sys.argv[1]):
    ds.to_zarr(ds.random_array((int(sys.argv[2]), 50), random_state=0), "in.zarr", compressors=None)
"""

PROGRAM = """
import json, sys, threading, time
from pathlib import Path
import numpy as np, zarr
import dsarray as ds, dsflow, estimators

def resident():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) >> 10

def watch():
    while True:
        peaks[0] = max(peaks[0], resident())
        time.sleep(0.005)

before, peaks = resident(), [0]
threading.Thread(target=watch, daemon=True).start()
with dsflow.start("threads", workers=2, memory=sys.argv[1]) as session:
    x = ds.from_zarr("in.zarr")
    y = x[:, 0] * 3 + x[:, 1]
    {work}
print(json.dumps({{"mib": peaks[0] - before}}))
"""

WORK = {
    "KMeans": "assert estimators.KMeans(5, max_iter=3, tol=0, random_state=0).fit(x).n_iter_ == 3",
    "MiniBatchKMeans": "assert estimators.MiniBatchKMeans(5, random_state=0).fit(x).n_steps_ > 1",
    "PCA": "assert estimators.PCA(3).fit_transform(x).std(axis=0).collect().shape == (3,)",
    "TruncatedSVD": "assert estimators.TruncatedSVD(3, random_state=0).fit(x).components_.shape == (3, 50)",
    "IncrementalPCA": "assert estimators.IncrementalPCA(3, batch_size=50_000).fit(x).n_samples_seen_ == len(x)",
    "GaussianMixture": (
        "m = estimators.GaussianMixture(2, covariance_type='diag', init_params='random', max_iter=2, tol=10).fit(x)\n"
        "    assert m.converged_"
    ),
    "StandardScaler": (
        "ds.to_zarr(estimators.StandardScaler().fit_transform(x), 'out.zarr', compressors=None)\n"
        "    assert abs(float((ds.from_zarr('out.zarr') ** 2).mean()) - 1) < 1e-6"
    ),
    "LinearRegression": "assert estimators.LinearRegression().fit(x, y).score(x, y) > 0.999",
    "Lasso": "assert estimators.Lasso(0.01).fit(x, y).n_features_in_ == 50",
    "LogisticRegression": (
        "m = estimators.LogisticRegression(solver='newton-cholesky', tol=0.01).fit(x, y > 2)\n"
        "    assert m.score(x, y > 2) > 0.9"
    ),
    "RandomForestClassifier": (
        "m = estimators.RandomForestClassifier(2, max_depth=3, random_state=0).fit(x, y > 2)\n"
        "    assert m.score(x, y > 2) > 0.8"
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the array lies."""
    folder = tmp_path_factory.mktemp("peak")
    subprocess.run([sys.executable, "-c", WRITE, f"{BUDGET_MIB} MiB", str(N_ROWS)], check=True, timeout=200, cwd=folder)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", WORK)
def test_a_fit_of_five_times_the_budget_fits_it(name, folder):
    program = PROGRAM.format(work=WORK[name])
    command = [sys.executable, "-W", "ignore", "-c", program, f"{BUDGET_MIB} MiB"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["mib"] <= 1.1 * BUDGET_MIB
