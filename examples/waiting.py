"""What is it waiting for, and what went wrong?"""

import time

from dsflow import explain, task, wait_on


@task
def load(name, seconds):
    time.sleep(seconds)
    return name


@task
def join(*names):
    return "+".join(names)


@task
def check(name):
    assert "?" not in name, f"{name!r} has a question mark"
    return name


both = join(load("a", 0.5), load("b", 0.1))
time.sleep(0.2)
print("while it is not done:", explain(both))
print("the value:", wait_on(both))

bad = join(check(load("c?", 0.0)), both)
error = bad.exception()
print("what went wrong:", repr(error))
print("where:", *error.__notes__)
print("why there is no value:", explain(bad))
