"""How much memory a piece of a program takes at most, as the system measures it in a process of its own."""

import json
import subprocess
import sys

BUDGET_MIB = 200

N_ROWS = 2_600_000
"""Of 50 float64 each: 990 MiB."""

PROGRAM = """
import json, sys, threading, time
from pathlib import Path
import numpy as np, scipy.linalg, zarr
import dsarray as ds, dsflow
{imports}

def resident():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) >> 10

def watch():
    while True:
        peaks[0] = max(peaks[0], resident())
        time.sleep(0.005)

before, peaks = resident(), [0]
threading.Thread(target=watch, daemon=True).start()
with dsflow.start("threads", workers=2, memory=sys.argv[1]) as session:
    {work}
print(json.dumps({{"mib": peaks[0] - before, "spilled": session.hoard.spilled_bytes}}))
"""


def measure_peak(work, folder, imports=""):
    """Run lines, indented by four spaces, in a session of the budget; return MiB that it grew by and bytes spilled."""
    program = PROGRAM.format(work=work.strip(), imports=imports)
    command = [sys.executable, "-W", "ignore", "-c", program, f"{BUDGET_MIB} MiB"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["mib"], found["spilled"]
