"""``.npz`` archives: arrays by name, each read block by block.

What travels to a task is the path and where the array lies in the archive; blocks that are read are not kept.
"""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import check_dtype, from_stored
from dsarray._rechunk import to_chunks
from dsarray._registry import implements
from dsarray.io._parts import dense_array, joined_parts, refuse_to_replace, write_parts
from dsarray.io._paths import SHARED, File, claim_file, find_file
from dsarray.io.npy import Header, parse_header, read_part

__all__ = ["from_npz", "to_npz"]

_LOCAL_HEADER_BYTES = 30


def from_npz(path: str | os.PathLike[str], *, block_size: int | tuple[int, ...] | None = None) -> dict[str, Array]:
    """Make an Array of each array of a ``.npz`` archive, which may be larger than memory.

    Parameters
    ----------
    path : str or PathLike
        Path or URL of what `numpy.savez` has written, within reach of all workers. To read a block of a compressed
        array, a task decompresses all that comes before it, too: cut such arrays into few blocks.
    block_size : int or tuple of int, optional
        Size of the blocks along the first axis, or along each axis; -1 means the whole axis.

    Returns
    -------
    dict of str to Array
        Each task that needs a block reads it, and no block is kept: don't change the file meanwhile.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is not such an archive, or an array holds Python objects.

    Examples
    --------
    >>> import numpy as np
    >>> np.savez("/tmp/example.npz", x=np.arange(4), y=np.ones((2, 2)))
    >>> arrays = from_npz("/tmp/example.npz", block_size=2)
    >>> arrays["x"].collect()
    array([0, 1, 2, 3])
    """
    file = find_file(path, "from_npz")
    with file.open() as opened:
        try:
            archive = zipfile.ZipFile(opened)
        except zipfile.BadZipFile as error:
            raise ValueError(f"from_npz: {file} is not a .npz archive; write it with numpy.savez.") from error
        found = {}
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            found[name] = _array_of(file, archive, member, opened, block_size)
    return found


def _array_of(file: File, archive: zipfile.ZipFile, member: zipfile.ZipInfo, opened: Any, block_size: Any) -> Array:
    with archive.open(member) as content:
        header = parse_header(content, f"{file}, {member.filename}", "from_npz")
    check_dtype(header.dtype, f"from_npz: {file}, {member.filename}")
    chunks = default_chunks(header.shape, header.dtype.itemsize, block_size, "from_npz")
    if member.compress_type != zipfile.ZIP_STORED:
        return from_stored(_read_compressed, (file, member.filename, header), chunks, header.dtype)
    opened.seek(member.header_offset)
    local = opened.read(_LOCAL_HEADER_BYTES)
    start = member.header_offset + len(local) + sum(int.from_bytes(local[i : i + 2], "little") for i in (26, 28))
    placed = header._replace(start=start + header.start)
    return from_stored(_read_stored, (file, member.filename, placed, member.CRC), chunks, header.dtype)


def to_npz(path: str | os.PathLike[str], *, overwrite: bool = False, **arrays: Any) -> None:
    """Write arrays to a ``.npz`` archive, as `numpy.savez` does, without compression.

    Tasks write the rows of blocks beside the archive, and the calling process packs these, as an archive is written
    from its beginning to its end: there has to be room for the bytes twice.

    Parameters
    ----------
    path : str or PathLike
        A local path within reach of all workers; the file takes its name when all of it is written.
    overwrite : bool
        True to replace what is there.
    **arrays : Array or array_like
        By name.

    Raises
    ------
    FileExistsError
        When there is a file, and ``overwrite`` is False.
    TypeError
        When an array is sparse.
    ValueError
        When ``path`` is a URL, or an array is read from this very file.
    """
    place = claim_file(path, "to_npz", overwrite=overwrite)
    wanted = {name: dense_array(each, "to_npz") for name, each in arrays.items()}
    for each in wanted.values():
        refuse_to_replace(each, place, "to_npz")
    with (
        joined_parts(place, "to_npz", 1) as folder,
        zipfile.ZipFile(Path(folder.child("0").text), "w", allowZip64=True) as archive,
    ):
        for name, a in wanted.items():
            _pack(archive, f"{name}.npy", a, folder)


def _pack(archive: zipfile.ZipFile, name: str, a: Array, folder: File) -> None:
    rows = to_chunks(a, (*a.chunks[:1], *((length,) for length in a.shape[1:])))
    write_parts(_write_bytes, rows, lambda number, _: (folder.child(f"part-{number}"),))
    described = {"descr": np.lib.format.dtype_to_descr(a.dtype), "fortran_order": False, "shape": a.shape}
    with archive.open(name, "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, described)
        for number in range(rows.n_blocks):
            part = Path(folder.child(f"part-{number}").text)
            with part.open("rb") as opened:
                while piece := opened.read(1 << 20):
                    member.write(piece)
            part.unlink()


@implements(np.savez)
def _savez(file: Any, *args: Any, allow_pickle: bool = True, **kwds: Any) -> None:  # noqa: ARG001 - NumPy's
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(f"np.savez: tasks cannot write Arrays to an open {type(file).__name__}; give a path.")
    named = {f"arr_{i}": each for i, each in enumerate(args)}
    if named.keys() & kwds.keys():
        raise ValueError(f"np.savez: the name {min(named.keys() & kwds.keys())} is taken by an array without a name.")
    name = os.fspath(file)
    to_npz(name if name.endswith(".npz") else name + ".npz", overwrite=True, **named, **kwds)


# --- in tasks ---------------------------------------------------------------------------------------------------------


def _read_stored(source: tuple[File, str, Header, int], part: tuple[slice, ...]) -> Any:
    """Read a part of an array that lies in the archive as it is."""
    file, name, header, checksum = source
    with find_file(file, "from_npz", SHARED).open() as opened:
        _check_same(file, zipfile.ZipFile(opened).NameToInfo.get(name), checksum)
    return read_part(file, header, part)


def _check_same(file: File, member: zipfile.ZipInfo | None, checksum: int) -> None:
    if member is None or checksum != member.CRC:
        raise ValueError(f"from_npz: {file} has changed since it was loaded; load it again.")


def _read_compressed(source: tuple[File, str, Header], part: tuple[slice, ...]) -> Any:
    """Decompress an array from its beginning to the last row (in Fortran order: column) that is wanted."""
    file, name, header = source
    shape = [each.stop - each.start for each in part]
    if 0 in shape:
        return np.empty(shape, dtype=header.dtype)
    slow = -1 if header.fortran_order else 0
    slab, inner, first, stop = list(header.shape), list[Any](part), 0, 1
    if shape:
        first, stop = part[slow].start, part[slow].stop
        slab[slow], inner[slow] = stop - first, slice(None)
    with find_file(file, "from_npz", SHARED).open() as opened, zipfile.ZipFile(opened).open(name) as content:
        if parse_header(content, f"{file}, {name}", "from_npz") != header:
            _check_same(file, None, 0)
        row_bytes = math.prod(slab) // max(1, stop - first) * header.dtype.itemsize
        content.seek(header.start + first * row_bytes)
        values: Any = np.frombuffer(content.read((stop - first) * row_bytes), header.dtype)
    return np.array(values.reshape(slab, order="F" if header.fortran_order else "C")[(*inner, ...)], order="C")


def _write_bytes(block: Any, file: File) -> None:
    with file.open("wb") as opened:
        opened.write(np.ascontiguousarray(block).tobytes())
