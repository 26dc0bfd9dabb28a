"""What `make test` leaves to `make test-all`, and what it runs without a look at which lines run.

Five of six cases of the longest tables are left. Looking at lines doubles the time: of arrays and estimators, tests of
many examples and all but the first case of each table run without it.
"""

import pytest

LONG_TABLE = 6
KEPT = 6


def pytest_collection_modifyitems(items):
    """Mark tests as slow or untraced; of a test with more than 6 cases, every sixth one is kept."""
    cases = {}
    for item in items:
        test = item.nodeid.partition("[")[0]
        if test.startswith(("tests/dsarray/", "tests/estimators/")):
            cases.setdefault(test, []).append(item)
    for table in cases.values():
        is_sampled = len(table) > LONG_TABLE and table[0].path.name != "test_contract.py"
        for position, item in enumerate(table):
            if is_sampled and position % KEPT:
                item.add_marker(pytest.mark.slow)
            if position or getattr(item.obj, "is_hypothesis_test", False):
                item.add_marker(pytest.mark.untraced)
