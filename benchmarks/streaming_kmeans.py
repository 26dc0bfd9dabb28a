"""KMeans over a Zarr array that need not fit memory, beside scikit-learn's on the same data, loaded whole.

    python benchmarks/streaming_kmeans.py [--rows 5000000] [--repeats 1] [--compressed] [--chunk-rows 40000]
                                          [--folder FOLDER] [--keep] [--json FILE]

The array has 100 columns of float64, uniform in [0, 1): 4 GB by default, which is written once. All start from the same
10 centers, its first rows, and do 5 iterations. Each runs in a process of its own, in turn; ours is a session of two
threads with a budget of 800 MiB. Peaks are of the resident memory of the whole process, with all imports.

Such numbers hardly compress. Chunks are written as they are unless ``--compressed``, which takes zarr's default codec.
dask-ml takes part if it is installed. Where memory is short, scikit-learn gets fewer rows, and its seconds are scaled.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

N_COLUMNS = 100
PARAMETERS = {"n_clusters": 10, "n_init": 1, "max_iter": 5, "tol": 0.0}
BUDGET = "800 MiB"


# --- what runs in a process of its own --------------------------------------------------------------------------------


def make(path, rows, chunk_rows, compressed):
    """Write the array, in parallel and block by block."""
    import dsarray as ds
    import dsflow

    with dsflow.start("threads", workers=2, memory=BUDGET):
        x = ds.random_array((rows, N_COLUMNS), block_size=chunk_rows, random_state=0)
        ds.to_zarr(x, path, compressors="auto" if compressed else None)
    return {"rows": rows}


def ours(path, rows):
    import dsarray as ds
    import dsflow
    from estimators.cluster import KMeans

    with dsflow.start("threads", workers=2, memory=BUDGET):
        start = time.perf_counter()
        x = ds.from_zarr(path)[:rows]
        model = KMeans(init=x[:10].collect(), **PARAMETERS).fit(x)
        return described(model, fit=time.perf_counter() - start)


def sklearn(path, rows):
    import zarr
    from sklearn.cluster import KMeans

    start = time.perf_counter()
    x = zarr.open_array(path, mode="r")[:rows]
    loaded = time.perf_counter()
    model = KMeans(init=x[:10].copy(), **PARAMETERS).fit(x)
    return described(model, load=loaded - start, fit=time.perf_counter() - loaded)


def dask_ml(path, rows):
    import dask
    import dask.array
    from dask_ml.cluster import KMeans

    with dask.config.set(scheduler="threads", num_workers=2):
        start = time.perf_counter()
        x = dask.array.from_zarr(path)[:rows]
        parameters = {name: value for name, value in PARAMETERS.items() if name != "n_init"}
        model = KMeans(init=x[:10].compute(), **parameters).fit(x)
        return described(model, fit=time.perf_counter() - start)


def described(model, **seconds):
    total = sum(seconds.values())
    return {"seconds": total, **seconds, "inertia": float(model.inertia_), "peak_mib": peak_mib()}


def peak_mib():
    """Most memory that this process has had at once. `getrusage` would count what its parent had, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


# --- the parent, which stays small ------------------------------------------------------------------------------------


def run(what, *arguments):
    """Call one of the functions above in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps([what, *arguments])]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout)


def memory_bytes():
    lines = Path("/proc/meminfo").read_text(encoding="ascii").split("MemAvailable:")
    return int(lines[1].split()[0]) << 10


def compare(arguments, path):
    start = time.perf_counter()
    if not Path(path).exists():
        run("make", path, arguments.rows, arguments.chunk_rows, arguments.compressed)
    print(f"{arguments.rows:,} rows, {arguments.rows * N_COLUMNS * 8 / 1e9:.1f} GB, in {path}: "
          f"{time.perf_counter() - start:.1f} s to write")  # fmt: skip
    others = ["sklearn"] + ["dask_ml"] * (find_spec("dask_ml") is not None)
    rows = dict.fromkeys(("ours", *others), arguments.rows)
    while rows["sklearn"] * N_COLUMNS * 8 * 2.5 > memory_bytes():
        rows["sklearn"] //= 2
    found = {name: [] for name in rows}
    for _ in range(arguments.repeats):
        for name, results in found.items():
            results.append(run(name, path, rows[name]))
            report(name, results[-1], rows[name])
    ratios = {}
    for name in others:
        scale = arguments.rows / rows[name]
        pairs = zip(found["ours"], found[name], strict=True)
        ratios[name] = [mine["seconds"] / (scale * theirs["seconds"]) for mine, theirs in pairs]
        print(f"ours / {name}: {statistics.median(ratios[name]):.2f} "
              f"({min(ratios[name]):.2f} to {max(ratios[name]):.2f})")  # fmt: skip
    if "dask_ml" not in others:
        print("dask-ml: not installed")
    return {"rows": rows, "compressed": arguments.compressed, "ratios": ratios, "runs": found}


def report(name, result, rows):
    parts = ", ".join(f"{part} {result[part]:.1f} s" for part in ("load", "fit") if part in result)
    print(f"{name}, {rows:,} rows: {parts}; peak {result['peak_mib']:.0f} MiB; inertia {result['inertia']:.9g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--chunk-rows", type=int, default=40_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--compressed", action="store_true", help="write the chunks with zarr's default codec")
    parser.add_argument("--folder", type=Path, help="where to write the array; by default a temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave the array there, and use one that is there")
    parser.add_argument("--json", type=Path, help="write all figures into this file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        warnings.simplefilter("ignore")
        what, *given = json.loads(arguments.child)
        print(json.dumps(globals()[what](*given)))
        return
    with tempfile.TemporaryDirectory(dir=None if arguments.keep else arguments.folder) as temporary:
        folder = (arguments.folder or Path(tempfile.gettempdir())) if arguments.keep else Path(temporary)
        kind = "compressed" if arguments.compressed else "plain"
        result = compare(arguments, str(folder / f"{kind}-{arguments.rows}-{arguments.chunk_rows}.zarr"))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
