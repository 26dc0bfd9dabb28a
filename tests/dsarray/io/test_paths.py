"""Files are found by path or URL; what a URL needs is said."""

import pytest

from dsarray.io._paths import File, claim_file, find_file, find_files, place_of


@pytest.mark.parametrize("scheme", ["", "file://", "local://"])
def test_a_file_is_read_in_parts(tmp_path, scheme):
    (tmp_path / "a").write_bytes(b"0123456789")
    file = find_file(f"{scheme}{tmp_path}/a", "me")
    assert (file.size, file.read(3, 5), file.read(8, 20), file.read(4, 4)) == (10, b"34", b"89", b"")
    with file.open() as opened:
        assert opened.read() == b"0123456789"


def test_a_url_of_a_local_file_is_its_path(tmp_path):
    assert place_of(f"file://{tmp_path}/a", "me") == File(f"{tmp_path}/a") == place_of(tmp_path / "a", "me")


def test_folders_patterns_and_lists_give_files_in_order(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).touch()
    names = [f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"]
    for place in (tmp_path, f"{tmp_path}/*.csv", f"file://{tmp_path}"):
        assert [file.text for file in find_files(place, "me", "*.csv")] == names
    assert [file.text for file in find_files(names[::-1], "me", "*.csv")] == names[::-1]
    assert [file.text for file in find_files(f"local://{tmp_path}", "me", "*.csv")] == [
        f"file://{each}" for each in names
    ]


def test_memory_counts_within_a_process():
    with File("memory://folder/a").open("wb") as file:
        file.write(b"abc")
    assert [str(file) for file in find_files("memory://folder", "me", "*")] == ["memory:///folder/a"]
    assert find_file("memory://folder/a", "me").read(1, 3) == b"bc"
    File("memory://folder/a").remove()
    with pytest.raises(FileNotFoundError, match="me: memory://folder/a does not exist; check the path"):
        find_file("memory://folder/a", "me")


def test_errors_say_what_is_wrong(tmp_path):
    with pytest.raises(TypeError, match=r"me: path=3 is a int; give a str or a pathlib\.Path"):
        place_of(3, "me")
    with pytest.raises(IsADirectoryError, match="is a folder; give the path of a file"):
        find_file(tmp_path, "me")
    with pytest.raises(ValueError, match="nothing://a is no URL that fsspec knows"):
        find_file("nothing://a", "me")
    (tmp_path / "a").touch()
    with pytest.raises(FileExistsError, match="exists; give another path, or overwrite=True"):
        claim_file(tmp_path / "a", "me", overwrite=False)
    assert claim_file(tmp_path / "a", "me", overwrite=True).text == f"{tmp_path}/a"


def test_a_package_that_a_url_needs_is_named(monkeypatch):
    import fsspec

    def lacks(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacks)
    with pytest.raises(ImportError, match=r"Install s3fs to access S3 \('dsflow\[s3\]'"):
        find_file("s3://bucket/a", "me")
