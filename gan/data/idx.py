"""IDX files, the format of MNIST's four files: a header of type and shape, then the values."""

import gzip
import io
import math
import re
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np

from gan.error import UserError

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}  # by the header's code
MOST_BYTES = 2**31  # of a file that is read into memory; a larger set belongs into an images.npy, which is mapped
UNPACKED = 2**26  # bytes that anything may be packed to
RATIO = 100  # of packed images at most; written digits have about 5, and bombs 1,000 or more
NAME = re.compile(r"(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(\.gz)?")  # as they are downloaded
FOLDERS = (".", "raw", "MNIST/raw")  # below data.root
UNREADABLE = (ValueError, EOFError, zlib.error, gzip.BadGzipFile)


class Header(NamedTuple):
    """The type and shape of the values, and the byte at which they begin."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int

    @property
    def file_bytes(self) -> int:
        return self.start + math.prod(self.shape) * self.dtype.itemsize


def read_header(file: BinaryIO) -> Header:
    """The header at the beginning of ``file``. Raises ValueError if there is none."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= 4:
        raise ValueError("it has no header of this IDX format")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError("it ends within its header")
    return Header(np.dtype(TYPES[magic[2]]), tuple(np.frombuffer(sizes, ">u4").tolist()), 4 + len(sizes))


def read_whole(path: Path) -> Header:
    """The header of a file that is not compressed. Raises ValueError unless its size fits."""
    with path.open("rb") as file:
        header = read_header(file)
    if (found := path.stat().st_size) != header.file_bytes:
        raise ValueError(f"{found} bytes, but its header says {header.file_bytes}")
    return header


def most_unpacked(packed: int) -> int:
    """The bytes that ``packed`` bytes of an archive may unpack to, since it may be a bomb."""
    return max(UNPACKED, RATIO * packed)


def read_bytes(path: Path) -> bytes:
    """The bytes of an IDX file, unpacked if it ends in .gz. Raises UserError for a damaged one."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = read_header(cast(BinaryIO, file))
            if header.file_bytes > MOST_BYTES:
                raise ValueError(f"its header says {header.file_bytes:,} bytes, {MOST_BYTES:,} is the limit")
            if path.suffix == ".gz" and header.file_bytes > most_unpacked(path.stat().st_size):
                raise ValueError(f"its header says {header.file_bytes:,} bytes, far more than can be packed into it")
            file.seek(0)
            contents = file.read(header.file_bytes + 1)  # no more: it may be a bomb
        if len(contents) != header.file_bytes:
            size = "more" if len(contents) > header.file_bytes else len(contents)
            raise ValueError(f"{size} bytes, but its header says {header.file_bytes}")
        return contents
    except UNREADABLE as error:
        raise _damaged(path, error) from error


def load(path: Path) -> np.ndarray:
    """The values of an IDX file, mapped unless it is compressed. Raises UserError if damaged."""
    if path.suffix == ".gz":
        contents = read_bytes(path)
        header = read_header(io.BytesIO(contents))
        return np.frombuffer(bytearray(contents), header.dtype, offset=header.start).reshape(header.shape)
    try:
        header = read_whole(path)
        return np.memmap(path, header.dtype, "c", header.start, header.shape)
    except UNREADABLE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: BaseException) -> UserError:
    why = " ".join(str(error).split())
    return UserError(f"data: {path} is damaged, truncated or another file ({why}): copy or download it again")
