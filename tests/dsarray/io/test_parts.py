"""What readers and writers share: failures are told once, and nothing half-written is left."""

import numpy as np
import pytest

import dsarray as ds
from dsarray.io._parts import joined_parts, parts_of, write_parts
from dsarray.io._paths import File


def test_parts_are_where_the_blocks_lie():
    assert parts_of(((2, 1), (3,))) == [(slice(0, 2), slice(0, 3)), (slice(2, 3), slice(0, 3))]
    assert parts_of(()) == [()]


def test_each_block_is_written_by_one_task_and_what_is_returned_comes_here(tasks):
    a = ds.array(np.arange(6), block_size=4)
    assert write_parts(lambda block, position, part: (position, part, block.sum()), a, lambda *args: args) == [
        (0, (slice(0, 4),), 6),
        (1, (slice(4, 6),), 9),
    ]
    assert tasks.n == 2


def test_parts_are_joined_in_order_and_a_failure_leaves_the_old_file(tmp_path):
    place = File(str(tmp_path / "a"))
    with joined_parts(place, "me", 11, b"<", b">") as folder:
        for number in reversed(range(11)):
            with folder.child(str(number)).open("wb") as file:
                file.write(b"%d," % number)
    assert (tmp_path / "a").read_bytes() == b"<0,1,2,3,4,5,6,7,8,9,10,>"
    with pytest.raises(ArithmeticError), joined_parts(place, "me", 1):
        raise ArithmeticError
    assert (tmp_path / "a").read_bytes().startswith(b"<0")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
