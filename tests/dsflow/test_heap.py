import sys

import pytest

from dsflow import _heap
from dsflow._heap import Heap


@pytest.fixture
def trims(monkeypatch):
    """Notes each time that memory is given back; what the process has is ``trims.resident``."""

    class Trims(list):
        resident = 1000

    found = Trims()
    monkeypatch.setattr(_heap, "_trimmer", lambda: found.append)
    monkeypatch.setattr(_heap, "_resident", lambda: found.resident)
    monkeypatch.setattr(_heap, "PAUSE_S", 0.0)
    return found


def test_memory_is_given_back_once_the_process_has_grown_by_half_of_what_it_may_take(trims):
    heap = Heap(600)
    heap.look()
    trims.resident = 1300
    heap.look()
    assert not trims
    trims.resident = 1301
    heap.look()
    assert trims == [0]


def test_looks_are_rare(trims, monkeypatch):
    monkeypatch.setattr(_heap, "PAUSE_S", 1000.0)
    heap = Heap(0)
    trims.resident = 2000
    for _ in range(10):
        heap.look()
    assert trims == [0]


def test_without_a_limit_nothing_is_looked_at(trims):
    trims.resident = 1 << 50
    Heap(None).look()
    assert not trims


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_the_memory_of_this_process_is_known_and_can_be_given_back():
    assert 1 << 20 < _heap._resident() < 1 << 40
    trim = _heap._trimmer()
    assert trim is None or trim(0) in (0, 1)
