"""A small search in which things go wrong: bad inputs, a task that never ends, and a group that is given up."""

import logging
import tempfile

from dsflow import IGNORE, RETRY, TaskGroup, TaskTimeoutError, constraint, task, wait_on

logging.basicConfig(format="  log: %(message)s")


@task(on_failure=IGNORE, defaults={"returns": None})
def parse(text):
    return float(text)


@task(on_failure=RETRY)
def measure(path, value):
    with open(path, "a+") as file:  # a device that answers at the third try
        file.seek(0)
        tries = len(file.read())
        file.write("x")
    if tries < 2:
        raise OSError("the device is busy")
    return value


@constraint(cpus=1, memory="100 MB")
@task(time_out=1.0)
def simulate(x):
    while x is None:  # a bad input: this would go on for ever
        pass
    return x * x


@task
def check(x):
    if x > 10:
        raise ValueError(f"{x} is out of range")
    return x


values = [parse(text) for text in ("1.5", "two", "3")]
print("parsed:", wait_on(values))
with tempfile.TemporaryDirectory() as folder:
    print("measured:", wait_on(measure(f"{folder}/tries", 7)))
results = [simulate(value) for value in values]
print("simulated:", wait_on(results[0]), wait_on(results[2]))
try:
    wait_on(results[1])
except TaskTimeoutError as error:
    print("stopped:", error)
try:
    with TaskGroup("checks"):
        for x in (1, 20, *range(10)):
            check(x)
except ValueError as error:
    print("given up:", error)
