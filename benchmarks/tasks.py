"""Tiny tasks: independent ones, and a chain, on each engine beside plain Dask. Run: python benchmarks/tasks.py

Every round measures all sides in turn, in this process; a ratio is taken within its round.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from distributed import Client, LocalCluster

import dsflow


def add(x, y):
    return x + y


add_task = dsflow.task(add)


def ours(n_tasks, n_links):
    start = time.perf_counter()
    futures = [add_task(i, 1) for i in range(n_tasks)]
    dsflow.barrier()
    independent = time.perf_counter() - start
    del futures
    start = time.perf_counter()
    future = add_task(0, 1)
    for _ in range(n_links):
        future = add_task(future, 1)
    assert future.result() == n_links + 1
    return n_tasks / independent, n_links / (time.perf_counter() - start)


def plain_dask(client, n_tasks, n_links):
    start = time.perf_counter()
    client.gather([client.submit(add, i, 1, pure=False) for i in range(n_tasks)])
    independent = time.perf_counter() - start
    start = time.perf_counter()
    future = client.submit(add, 0, 1, pure=False)
    for _ in range(n_links):
        future = client.submit(add, future, 1, pure=False)
    assert future.result() == n_links + 1
    return n_tasks / independent, n_links / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--links", type=int, default=400)
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()

    rates = {"plain Dask": [], "serial": [], "threads": [], "dask": []}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        for _ in range(options.rounds):
            rates["plain Dask"].append(plain_dask(client, options.tasks, options.links))
            for engine in ("serial", "threads", "dask"):
                with dsflow.start(engine, workers=2):
                    ours(50, 10)
                    rates[engine].append(ours(options.tasks, options.links))

    print(f"{'':12} {'tasks/s':>10} {'x plain Dask':>22} {'links/s':>10} {'x plain Dask':>22}")
    for side, rounds in rates.items():
        cells = []
        for column in range(2):
            ratios = [r[column] / plain[column] for r, plain in zip(rounds, rates["plain Dask"], strict=True)]
            spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} - {max(ratios):.1f})"
            cells.append(f"{statistics.median(r[column] for r in rounds):>10,.0f} {spread:>22}")
        print(f"{side:12} {' '.join(cells)}")
    if options.json:
        Path(options.json).write_text(json.dumps(rates, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
