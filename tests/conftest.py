"""What `make test` leaves to `make test-all`: five of six cases of the longest tables."""

import pytest

LONG_TABLE = 6
KEPT = 6


def pytest_collection_modifyitems(items):
    """Mark slow all but every sixth case of a test with more than 6, so that each is sampled."""
    cases = {}
    for item in items:
        test = item.nodeid.partition("[")[0]
        if test.startswith(("tests/dsarray/", "tests/estimators/")) and item.path.name != "test_contract.py":
            cases.setdefault(test, []).append(item)
    for table in cases.values():
        if len(table) > LONG_TABLE:
            for position, item in enumerate(table):
                if position % KEPT:
                    item.add_marker(pytest.mark.slow)
