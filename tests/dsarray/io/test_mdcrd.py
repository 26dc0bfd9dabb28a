"""`load_mdcrd_file` gives the coordinates of frames, block by block."""

import numpy as np
import pytest

import dsarray as ds


def written(folder, frames, box=False, end="\n", last=True):
    """The path of a trajectory."""
    lines = ["a title"]
    for frame in frames:
        lines += ["".join(f"{value:8.3f}" for value in frame[i : i + 10]) for i in range(0, len(frame), 10)]
        if box:
            lines.append("".join(f"{value:8.3f}" for value in (30, 31, 32)))
    (folder / "a.mdcrd").write_bytes((end.join(lines) + end * last).encode())
    return folder / "a.mdcrd"


def frames_of(n_atoms, n_frames=13):
    return np.round(np.random.default_rng(n_atoms).uniform(-999, 999, size=(n_frames, 3 * n_atoms)), 3)


@pytest.mark.parametrize("n_atoms", [1, 3, 4, 10, 11, 20])
@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize(("end", "last"), [("\n", True), ("\n", False), ("\r\n", True)])
@pytest.mark.parametrize("block_size", [None, 4, (5, 2)])
def test_gives_the_coordinates_for_any_blocks(tmp_path, n_atoms, box, end, last, block_size):
    frames = frames_of(n_atoms)
    a = ds.load_mdcrd_file(written(tmp_path, frames, box, end, last), n_atoms, block_size, has_box=box)
    assert a.streamed
    assert a.dtype == np.float64
    np.testing.assert_array_equal(a.collect(), frames)
    np.testing.assert_array_equal(a[3:12, 1:].collect(), frames[3:12, 1:])


def test_values_that_touch_each_other_and_urls(tmp_path):
    frames = np.full((2, 30), -999.999)
    np.testing.assert_array_equal(ds.load_mdcrd_file(f"local://{written(tmp_path, frames)}", 10).collect(), frames)


def test_a_number_of_atoms_or_a_box_that_does_not_fit_is_an_error(tmp_path):
    path = written(tmp_path, frames_of(10))
    with pytest.raises(ValueError, match=r"not whole frames .*correct n_atoms or has_box"):
        ds.load_mdcrd_file(path, 11)
    with pytest.raises(ValueError, match="correct n_atoms or has_box"):
        ds.load_mdcrd_file(path, 10, has_box=True)
    path = written(tmp_path, frames_of(10, 20))  # 60 lines of ten values: as many bytes as other frames
    with pytest.raises(ValueError, match=r"line \d+: it does not end there|not whole frames"):
        ds.load_mdcrd_file(path, 4).collect()
    for bad in (0, 2.5, True, (10, 3), np.array([10, 3])):
        with pytest.raises(ValueError, match=r"is not a number of atoms; .* size of blocks comes after it"):
            ds.load_mdcrd_file(path, bad)


def test_a_value_that_is_no_number_names_the_line(tmp_path):
    path = written(tmp_path, frames_of(11), box=True)  # four lines and one for the box
    lines = path.read_text().split("\n")
    lines[1 + 5 * 7 + 2] = lines[1 + 5 * 7 + 2][:8] + "********" + lines[1 + 5 * 7 + 2][16:]
    path.write_text("\n".join(lines))
    a = ds.load_mdcrd_file(path, 11, 2, has_box=True)
    with pytest.raises(ValueError, match=r"line 39: '\*{8}' is no number, for coordinate 21 of frame 7"):
        a.collect()


def test_a_file_that_has_changed_is_an_error(tmp_path):
    a = ds.load_mdcrd_file(written(tmp_path, frames_of(10)), 10)
    written(tmp_path, frames_of(10, 12))
    with pytest.raises(ValueError, match=r"has changed .*load it again"):
        a.collect()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ds.load_mdcrd_file(tmp_path / "nothing", 10)
