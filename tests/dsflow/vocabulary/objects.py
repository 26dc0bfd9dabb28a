"""Tasks on objects: made, read, changed, filled, given up, and changed in any order."""

import copy
import time

import numpy as np

from dsflow import COMMUTATIVE, IN, IN_DELETE, INOUT, OUT, task, wait_on
from tests.dsflow.vocabulary.contents import bump, content_of, fill, weigh

# --- making values ---------------------------------------------------------------------------------------------------


@task
def add(x, y):
    return x + y


@task
def slow_add(x, y):
    time.sleep(0.002)
    return x + y


@task
def make_list(n) -> list:
    return list(range(n % 5))


@task
def make_dict(n) -> dict:
    return {"n": n, "inner": [n, n + 1]}


@task
def make_array(n):
    return np.arange(n % 7 + 1) * n


@task(returns=2)
def split(values):
    return copy.deepcopy(values[::2]), copy.deepcopy(values[1::2])


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

    def __init__(self, balance=0):
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

    @task(target_direction=COMMUTATIVE)
    def credit(self, n):
        """A method that commutes with itself."""
        time.sleep(0.001 * (n % 3))
        self.balance += n

    @task(target_direction=OUT)
    def reopen(self, n):
        fill(self, n)

    @task(target_direction=IN)
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


@task(items=INOUT, named=INOUT)
def bump_each(*items, n=1, **named):
    for position, item in enumerate([*items, *named.values()]):
        bump(item, n + position)
    return len(items)


# --- filling: what was there is not read -----------------------------------------------------------------------------


@task(value=OUT)
def refill(value, n):
    fill(value, n)


@task(x=OUT, y=OUT, values=INOUT)
def refill_two(x, y, values, n=5):
    fill(x, n)
    fill(y, n + 1)
    values.append(n)
    return n + 2


@task(items=OUT)
def refill_each(*items):
    for position, item in enumerate(items):
        fill(item, position)


# --- giving up -------------------------------------------------------------------------------------------------------


@task(value=IN_DELETE)
def weight_at_last(value):
    return weigh(value)


@task(values=INOUT, value=IN_DELETE)
def append_at_last(values, value):
    values.append(weigh(value))


# --- changing in any order: bodies that commute with themselves -------------------------------------------------------


@task(values=COMMUTATIVE)
def gather(values, n):
    time.sleep(0.001 * (n % 3))
    values.append(n)
    values.sort(key=repr)


@task(values=COMMUTATIVE)
def gather_weight(values, other):
    values.append(weigh(other))
    values.sort(key=repr)
    return weigh(other)


@task(x=COMMUTATIVE, y=COMMUTATIVE)
def gather_two(x, y, n):
    x.append(n)
    x.sort(key=repr)
    y.append(-n)
    y.sort(key=repr)


@task(x=COMMUTATIVE, y=INOUT)
def gather_and_append(x, y, n):
    x.append(n)
    x.sort(key=repr)
    y.append(n)


@task(mapping=COMMUTATIVE)
def count(mapping, n):
    time.sleep(0.001 * (n % 2))
    mapping["count"] = mapping.get("count", 0) + n


@task(array=COMMUTATIVE)
def increase_in_any_order(array, n):
    array += n


@task(account=COMMUTATIVE)
def credit(account, n):
    account.balance += n
