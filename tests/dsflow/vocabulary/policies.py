"""Tasks that fail, and are to run again or to be ignored; tasks with a priority, a constraint, a time limit."""

import time
from pathlib import Path

from dsflow import (
    COLLECTION_INOUT,
    COMMUTATIVE,
    DIRECTORY_INOUT,
    FILE_INOUT,
    FILE_OUT,
    IGNORE,
    INOUT,
    OUT,
    RETRY,
    constraint,
    task,
)
from tests.dsflow.vocabulary.contents import add_to, bump_all, fill, weigh, write

# --- failing a few times ---------------------------------------------------------------------------------------------


def fail_at_first(tries, n):
    """Raise the first ``n`` times; they are counted in a file, so that it does not matter where."""
    path = Path(tries)
    n_tries = path.stat().st_size if path.exists() else 0
    add_to(path, ".")
    if n_tries < n:
        raise RuntimeError(f"try {n_tries + 1} fails")


@task(on_failure=RETRY)
def add_at_last(x, y, tries, n_failures):
    fail_at_first(tries, n_failures)
    return x + y


@task(on_failure=RETRY, values=INOUT)
def retry_append(values, item, tries, n_failures):
    values.append(item)
    fail_at_first(tries, n_failures)
    values.append(n_failures)


@task(on_failure=RETRY, array=INOUT, returns=2)
def retry_increase(array, n, tries, n_failures):
    array += n
    fail_at_first(tries, n_failures)
    return weigh(array), [n]


@task(on_failure=RETRY, values=COMMUTATIVE)
def retry_gather(values, n, tries, n_failures):
    values.append(n)
    values.sort(key=repr)
    fail_at_first(tries, n_failures)


@task(on_failure=RETRY, items=COLLECTION_INOUT(depth=1))
def retry_bump_items(items, n, tries, n_failures):
    bump_all(items, n, deep=False)
    fail_at_first(tries, n_failures)


@task(on_failure=RETRY, path=FILE_OUT)
def retry_write(path, n, tries, n_failures):
    add_to(path, f"text {n}\n")
    fail_at_first(tries, n_failures)


@task(on_failure="RETRY", path=FILE_INOUT)
def retry_add_line(path, n, tries, n_failures):
    add_to(path, f"line {n}\n")
    fail_at_first(tries, n_failures)
    return n


@task(on_failure=RETRY, folder=DIRECTORY_INOUT)
def retry_add_to_folder(folder, name, tries, n_failures):
    add_to(Path(folder, name), "once more\n")
    fail_at_first(tries, n_failures)


# --- failing in vain -------------------------------------------------------------------------------------------------


def refuse(n):
    """Raise for some numbers."""
    if n % 2:
        raise ValueError(f"{n} is odd")


@task(on_failure=IGNORE, defaults={"returns": 11})
def add_if_even(x, y):
    refuse(y)
    return x + y


@task(on_failure=IGNORE, returns=2, defaults={"returns": (5, [1])})
def split_if_even(n):
    refuse(n)
    return n, [n]


@task(on_failure=IGNORE, values=INOUT)
def append_if_even(values, n):
    values.append(n)
    refuse(n)


@task(on_failure=IGNORE, values=INOUT, defaults={"values": [8, 8], "returns": 3})
def append_or_reset(values, n):
    refuse(n)
    values.append(n)
    return len(values)


@task(on_failure=IGNORE, x=COMMUTATIVE)
def gather_if_even(x, n):
    x.append(n)
    x.sort(key=repr)
    refuse(n)


@task(on_failure=IGNORE, items=COLLECTION_INOUT(depth=1), defaults={"returns": 2})
def bump_items_if_even(items, n):
    bump_all(items, n, deep=False)
    refuse(n)
    return len(items)


@task(on_failure=IGNORE, value=OUT)
def refill_if_even(value, n):
    fill(value, n)
    refuse(n)


@task(on_failure=IGNORE, path=FILE_INOUT)
def add_line_if_even(path, n):
    add_to(path, f"line {n}\n")
    refuse(n)


@task(on_failure=IGNORE, path=FILE_OUT, defaults={"returns": 0})
def write_if_even(path, n):
    write(path, f"text {n}\n")
    refuse(n)
    return n


# --- failing: whoever waits is told ----------------------------------------------------------------------------------


@task(values=INOUT)
def append_or_fail(values, n):
    refuse(n)
    values.append(n)
    return n


@task(account=INOUT)
def deposit_or_fail(account, n):
    refuse(n)
    account.balance += n


@task(path=FILE_INOUT)
def add_line_or_fail(path, n):
    refuse(n)
    add_to(path, f"line {n}\n")


# --- how a task is to be run -----------------------------------------------------------------------------------------


@task(priority=5)
def urgent_add(x, y):
    return x + y


@task(priority=-1, values=INOUT)
def append_some_time(values, n):
    values.append(n)


@constraint(cpus=1)
@task
def modest_add(x, y):
    time.sleep(0.001)
    return x + y


@constraint(cpus="cpus")
@task(values=INOUT)
def append_with_cpus(values, n, cpus):
    values.append(n)


@constraint(cpus=1)
@task(values=INOUT, on_failure=RETRY)
def retry_modest_append(values, n, tries, n_failures):
    fail_at_first(tries, n_failures)
    values.append(n)


@task(time_out=100)
def add_in_time(x, y):
    return x + y


@task(time_out=100, values=INOUT, path=FILE_INOUT)
def append_in_time(values, path, n):
    values.append(n)
    add_to(path, f"line {n}\n")
