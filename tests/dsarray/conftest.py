"""A serial session for each module; no array depends on the engine."""

import pytest

import dsflow


class Counter:
    """Counts the tasks that are called."""

    def __init__(self):
        self.n = 0

    def submitted(self, node):
        self.n += 1

    def settled(self, node):
        pass


@pytest.fixture(scope="module", autouse=True)
def session():
    session = dsflow.start("serial")
    yield session
    session._failures.clear()  # of the failures that a test makes it has seen one
    dsflow.stop()


@pytest.fixture
def tasks(session):
    """``tasks.n`` is the number of tasks called since the test began."""
    counter = Counter()
    session.listeners.append(counter)
    yield counter
    session.listeners.remove(counter)
