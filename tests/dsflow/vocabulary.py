"""The tasks that the random programs of law 1 call. They obey the law: they change only what they declare, return
nothing that aliases an argument, and are deterministic.

`programs.run_plain` loads this file a second time with a `task` that does nothing, so that the same source is also a
program of plain functions. The import from dsflow must therefore stay on one line, and be the only one.
"""

import time
import zlib
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsflow import IN, INOUT, barrier, share, task, wait_on

__all__ = ["barrier", "share"]  # for the programs
Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


class Holder:
    """A Future inside is not looked for: the task gets it as a Future."""

    def __init__(self, content):
        self.content = content


def content_of(value):
    """A copy of ``value`` that shows all of its content: built from tuples, so that ``==`` compares everything."""
    if isinstance(value, np.ndarray):
        return ("ndarray", str(value.dtype), value.shape, str(value.tolist()) if value.size < 99 else value.tobytes())
    if isinstance(value, dict):
        return ("dict", *((key, content_of(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *map(content_of, value))
    if hasattr(value, "__dict__"):
        return (type(value).__name__, content_of(vars(value)))
    return value


def weigh(value):
    """An int that depends on everything in ``value``, and on the order of it."""
    if isinstance(value, (str, bytes)):
        return zlib.crc32(value.encode() if isinstance(value, str) else value) % 9973
    if isinstance(value, int):
        return value
    if isinstance(value, np.ndarray):
        return int(value.ravel() @ np.arange(1, value.size + 1)) % 9973
    parts = content_of(value)
    return sum(position * weigh(part) for position, part in enumerate(parts, start=1)) % 9973


# --- making values ---------------------------------------------------------------------------------------------------


@task
def add(x, y):
    return x + y


@task
def slow_add(x, y):
    time.sleep(0.002)
    return x + y


@task
def make_list(n):
    return list(range(n % 5))


@task
def make_dict(n):
    return {"n": n, "inner": [n, n + 1]}


@task
def make_array(n):
    return np.arange(n % 7 + 1) * n


@task(returns=2)
def split(values):
    return list(values[::2]), list(values[1::2])


@task(returns=3)
def describe(value):
    return weigh(value), {"content": content_of(value)}, [type(value).__name__]


# --- reading ---------------------------------------------------------------------------------------------------------


@task
def weight(value):
    return weigh(value)


@task
def slow_weight(value):
    time.sleep(0.002)
    return weigh(value)


@task
def weight_of_all(*values, scale=1, **named):
    return weigh([values, named]) * scale % 9973


@task
def deep_copy(value):
    return [content_of(value)]


@task
def held(holder):
    return weigh(wait_on(holder.content))


@task
def merged(x, y):
    return [*map(weigh, x), *map(weigh, y)]


@task
def total_of(array, extra=0):
    return int(array.sum()) + extra


# --- changing --------------------------------------------------------------------------------------------------------


@task(values=INOUT)
def append(values, item):
    values.append(item)


@task(values=INOUT)
def slow_append(values, item):
    time.sleep(0.002)
    values.append(item)


@task(values=INOUT)
def extend(values, more):
    values.extend(map(weigh, list(more)))


@task(values=INOUT)
def append_weight(values, other):
    values.append(weigh(other))
    return len(values)


@task(mapping=INOUT)
def put(mapping, item):
    mapping[f"k{len(mapping) % 4}"] = item
    mapping["latest"] = item


@task(array=INOUT)
def increase(array, n):
    array += n


@task(array=INOUT)
def add_array(array, other):
    array[: len(other)] += other[: len(array)]


@task(x=INOUT, y=INOUT)
def exchange(x, y):
    x.append(len(y))
    y.append(len(x))


@task(x=INOUT, pair=IN)
def append_pair(x, pair):
    x.append(weigh(pair))
    return [weigh(pair)]


class Account:
    """A user's object with methods that are tasks."""

    def __init__(self, balance):
        self.balance = balance
        self.log = []

    @task
    def deposit(self, n):
        self.balance += n
        self.log.append(n)

    @task
    def slow_withdraw(self, n):
        time.sleep(0.002)
        self.balance -= n
        return self.balance

    @task
    def compound(self, n):
        """A method that calls methods: they are tasks inside of a task."""
        self.deposit(n)
        self.deposit(weight(self))

    @task(self=IN)
    def total(self, extra=0):
        return self.balance + sum(self.log) + extra

    @staticmethod
    @task
    def rate(n):
        return n * 3 + 1


@task
def open_account(n) -> Account:
    return Account(n)


@task(account=INOUT)
def transfer(account, other):
    account.balance += weigh(other)


# --- tasks that call tasks -------------------------------------------------------------------------------------------


@task
def add_twice(x, y):
    return add(add(x, y), y)


@task
def fibonacci(n):
    n = n % 5
    return n if n < 2 else add(fibonacci(n - 1), fibonacci(n - 2))


@task
def nested_results(n):
    return {"sum": add(n, 1), "list": [make_list(n), (weight([n]), n)], "pair": Pair(add(n, 2), n)}


@task(values=INOUT)
def append_inside(values, n):
    append(values, n)
    before = weight(values)
    slow_append(values, add(n, 1))
    append(values, before)


@task
def build_list(n):
    values = [n]
    slow_append(values, n + 1)
    size = weight(values)
    append(values, size)
    wait_on(values)
    values.append(len(values))
    append(values, n)
    return values


@task
def sum_after_wait(value, n):
    part = add(n, 1)
    found = wait_on(part)
    return add(found, weigh(value))
