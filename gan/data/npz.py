"""Arrays of an .npz file, which is a ZIP file of .npy files. Nothing pickled is ever loaded."""

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from gan.data.idx import MOST_BYTES, most_unpacked
from gan.error import UserError

# Keys of training images, training labels, test images and test labels, in any case.
KEYS = (
    ("images", "labels", "test_images", "test_labels"),  # of this project
    ("x_train", "y_train", "x_test", "y_test"),  # mnist.npz of Keras
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x", "y", "", ""),
    ("arr_0", "arr_1", "", ""),
)
Arrays = dict[str, np.ndarray]  # by part: images, labels, test_images, test_labels, names


def load(path: Path) -> Arrays:
    """The arrays of a file: ``images``, ``labels``, ``test_images``, ``test_labels``, ``names``.

    Only images must be there. ``names`` are those of the labels, by number.

    Raises UserError for a damaged file, for other keys, and for more than 2 GiB.
    """
    try:
        with zipfile.ZipFile(path) as file:
            members = {info.filename.removesuffix(".npy").lower(): info for info in file.infolist()}
            keys = next((keys for keys in KEYS if keys[0] in members), None)
            if keys is None:
                known = "; ".join(f"{images} and {labels}" for images, labels, *_ in KEYS)
                raise UserError(f"data: {path} has the arrays {', '.join(members)[:200]}; there must be {known}")
            found: Arrays = {}
            left = MOST_BYTES
            for part, key in [*zip(KEYS[0], keys, strict=True), ("names", "names")]:
                if key in members:
                    _validate_packing(members[key], f"{path}, {key}")
                    with file.open(members[key]) as member:
                        found[part] = _read(member, f"{path}, {key}", members[key].file_size, left)
                    left -= found[part].nbytes
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise UserError(f"data: {path} is damaged, truncated or no .npz file ({error}): save it again") from error


def _validate_packing(member: zipfile.ZipInfo, name: str) -> None:
    """Raise UserError for an array that NumPy does not pack so."""
    is_numpys = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not is_numpys or member.file_size > most_unpacked(member.compress_size):
        packed = f"{member.file_size:,} bytes packed into {member.compress_size:,}"
        raise UserError(f"data: {name} is {packed}, as no images are: save it by numpy.savez")


def _read(file: IO[bytes], name: str, size: int, most: int) -> np.ndarray:
    """An array in .npy format of ``size`` bytes, by the ZIP's directory."""
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, kind = header(file)
    except ValueError as error:
        raise UserError(f"data: {name} is no array ({error}): save it again") from error
    if kind.hasobject or kind.names:
        raise UserError(f"data: {name} holds {kind}, not plain numbers or texts: save it again as numbers")
    expected = math.prod(shape) * kind.itemsize
    if min(shape, default=0) < 0 or expected > min(most, size):
        limit = f"{most:,} is the limit: save larger sets as images.npy" if expected > most else f"{size:,} are there"
        raise UserError(f"data: {name} is {kind} {list(shape)}, {expected:,} bytes; {limit}")
    contents = bytearray(file.read(expected))
    if len(contents) != expected:
        raise UserError(f"data: {name} is truncated: {len(contents):,} bytes of {expected:,}; save it again")
    return np.frombuffer(contents, kind).reshape(shape, order="F" if is_fortran else "C")
