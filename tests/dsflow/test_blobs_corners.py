"""Files as values where something goes wrong in the middle, or somebody acts at the worst moment."""

import os
import pickle
import shutil
import threading
import weakref
from pathlib import Path
from unittest.mock import Mock

import pytest

from dsflow import _blobs
from dsflow._blobs import StoredDirectory, StoredFile, store_folder
from tests.dsflow.test_blobs import NOISE, content_of, file_of, full, listing, mode_of, stored_files

__all__ = ["full", "stored_files"]  # fixtures


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    stored, target = StoredFile.of(file_of(tmp_path / "a")), file_of(tmp_path / "b", b"old")
    monkeypatch.setattr(Path, "replace", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        stored.write_to(target)
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_links_and_pipes_are_written_to_not_replaced(tmp_path):
    stored, link, pipe = StoredFile.of(file_of(tmp_path / "a")), tmp_path / "link", tmp_path / "pipe"
    link.symlink_to("target")
    stored.write_to(link)
    assert (link.readlink(), (tmp_path / "target").read_bytes()) == (Path("target"), b"content")
    os.mkfifo(pipe)
    writer = threading.Thread(target=stored.write_to, args=(pipe,))
    writer.start()
    assert pipe.read_bytes() == b"content"
    writer.join()
    assert pipe.is_fifo()


@pytest.mark.parametrize("way", ["missing", "fails", "fails later", "stops early"])
def test_copying_works_where_the_file_system_cannot_do_it(tmp_path, monkeypatch, way):
    calls = []

    def copy_some(source, target, count):
        calls.append(count)
        if way == "fails" or len(calls) > 1:
            raise OSError(18, "Invalid cross-device link")
        return os.write(target, os.read(source, 10)) if way == "fails later" else 0

    stored = StoredFile.of(file_of(tmp_path / "a", NOISE))
    monkeypatch.setattr(os, "copy_file_range", copy_some)
    if way == "missing":
        monkeypatch.delattr(os, "copy_file_range")
    stored.write_to(tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == NOISE
    assert bool(calls) == (way != "missing")


def test_every_change_makes_another_directory(full):
    seen = {StoredDirectory.of(full)}
    for change in [
        lambda: (full / "program").write_bytes(b"changed"),
        lambda: (full / "program").chmod(0o600),
        lambda: (full / "deep!").chmod(0o755),
        lambda: (full / "deep!").rmdir(),
        lambda: (full / "dangling").unlink(),
        lambda: full.chmod(0o700),
    ]:
        change()
        assert StoredDirectory.of(full) not in seen
        seen.add(StoredDirectory.of(full))


def test_taking_a_link_to_a_directory_leaves_the_directory(tmp_path, full):
    before = listing(full)
    (tmp_path / "link").symlink_to(full)
    assert StoredDirectory.taken(tmp_path / "link") == StoredDirectory.of(full)
    assert listing(full) == before
    assert list(tmp_path.iterdir()) == [full]


def test_a_directory_whose_replacement_is_interrupted_stays_as_it_was(tmp_path, full, monkeypatch):
    stored, target, rename = StoredDirectory.of(full), tmp_path / "target", Path.rename
    shutil.copytree(full, target, symlinks=True)
    file_of(target / "more")
    before, n_renames = listing(target), 2 * len(list(full.iterdir())) + 1
    for last in range(1, n_renames + 1):
        calls = []

        def interrupted(self, place, calls=calls, last=last):
            rename(self, place)
            calls.append(place)
            if len(calls) == last:  # when the work is done, which is the worst moment
                raise KeyboardInterrupt

        monkeypatch.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stored.write_to(target)
        monkeypatch.undo()
        assert listing(target) == before
    stored.write_to(target)
    assert listing(target) == listing(full)


def test_a_directory_of_many_small_files_needs_few_descriptors(tmp_path):
    for i in range(50):
        file_of(tmp_path / str(i), str(i).encode())
    before, buffers = len(list(Path("/proc/self/fd").iterdir())), []
    pickle.dumps(StoredDirectory.of(tmp_path), 5, buffer_callback=buffers.append)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # what others had open may be closed by now
    assert len(buffers) == 50


@pytest.mark.parametrize("taken", [True, False])
def test_what_cannot_be_put_back_is_not_deleted(tmp_path, full, monkeypatch, taken):
    stored, target, rename = StoredDirectory.of(full), tmp_path / "target", Path.rename
    target.mkdir()
    file_of(target / "precious")

    def only_once(self, place):
        monkeypatch.setattr(Path, "rename", Mock(side_effect=PermissionError))
        rename(self, place)
        if taken:
            file_of(self, b"someone has made it anew")

    monkeypatch.setattr(Path, "rename", only_once)
    with pytest.raises(OSError, match="not empty" if taken else None):
        stored.write_to(target)
    left = [path.read_bytes() for path in target.rglob("precious")]
    assert sorted(left) == [b"content", b"someone has made it anew"][: len(left)]
    assert len(left) == 1 + taken


def test_a_destructor_may_store_a_file_at_any_moment(tmp_path, monkeypatch):
    path, stored, make_file = file_of(tmp_path / "a"), [], _blobs.tempfile.mkstemp

    class Dropped:
        def __del__(self):
            stored.append(StoredFile.of(path))

    def make_file_and_drop(**options):  # it is called while the store is locked
        monkeypatch.setattr(_blobs.tempfile, "mkstemp", make_file)
        Dropped()
        return make_file(**options)

    monkeypatch.setattr(_blobs.tempfile, "mkstemp", make_file_and_drop)
    thread = threading.Thread(target=lambda: stored.append(StoredFile.of(path)), daemon=True)
    thread.start()
    thread.join(10)
    assert [content_of(file) for file in stored] == [b"content"] * 2


def test_a_file_that_was_made_in_the_store_is_taken_without_copying(tmp_path, stored_files):
    path = file_of(store_folder() / "mine")
    inode = path.stat().st_ino
    stored = StoredFile.taken(path)
    assert [file.stat().st_ino for file in stored_files()] == [inode]
    assert weakref.ref(stored)() is stored


def test_a_file_that_cannot_be_read_can_be_taken(tmp_path):
    stored = StoredFile.taken(file_of(tmp_path / "a", mode=0))
    stored.write_to(tmp_path / "b")
    assert (stored.mode, mode_of(tmp_path / "b")) == (0, 0o600)


def test_the_content_can_be_sent_when_its_file_is_gone(tmp_path, stored_files, monkeypatch):
    monkeypatch.setattr(_blobs, "MAPPED_BYTES", 1)
    stored = StoredFile.of(file_of(tmp_path / "a", NOISE))
    buffers = []
    pickled = pickle.dumps(stored, 5, buffer_callback=buffers.append)
    del stored
    assert stored_files() == []
    assert b"".join(buffers) == NOISE
    assert len(pickled) < 300
    assert all(buffer.raw().readonly for buffer in buffers)
