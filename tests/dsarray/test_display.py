import re

import dsarray as ds


def test_text_says_shape_type_and_blocks_and_computes_nothing(tasks):
    a = ds.random_array((100, 30), block_size=(25, 10)) + 1
    assert repr(a) == "<Array: shape (100, 30), float64, 12 blocks of (25, 10)>"
    assert repr(a.sum()) == "<Array: shape (), float64, 1 block of ()>"
    assert "12, of (25, 10)" in a._repr_html_()
    assert tasks.n == 0


def test_the_sketch_has_a_bounded_size():
    for shape in [(10**9, 10**6), (0, 5), (5,), (3, 10**7), (2, 3, 4)]:
        a = ds.zeros(shape, block_size=tuple(max(1, n // 100) for n in shape))
        html = a._repr_html_()
        assert html.count("<line") <= 80
        width, height = map(int, re.search(r'svg width="(\d+)" height="(\d+)"', html).groups())
        assert 10 < width <= 122
        assert 10 < height <= 122
    assert "<svg" not in ds.array(1)._repr_html_()


def test_text_is_escaped():
    assert "&lt;U3" in ds.array(["abc"])._repr_html_()
