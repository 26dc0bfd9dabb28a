"""Tasks that fail, a session that keeps them, and a replay: for the tests of the three."""

import contextlib

import numpy as np

import dsflow
from dsflow import task
from dsflow._keeper import FailureKeeper
from dsflow._replay import replay


@task
def make(x):
    return np.full(3, x)


@task
def fail(*args, **kwargs):
    raise KeyError("as it should")


def keep_failures(session, folder, **limits):
    """Have a session keep its failures."""
    session.keeper = FailureKeeper(folder, **limits)


def end_of(future):
    """The exception of a task, once it has ended; the session then ends too."""
    error = future.exception()
    with contextlib.suppress(type(error)):
        dsflow.stop()
    return error


def run_again(kept, call=lambda function, *args, **kwargs: function(*args, **kwargs)):
    with replay(kept) as again:
        return again.run(call)
