"""Find damaged, truncated and foreign files of a data set."""

import bz2
import hashlib
import math
import re
from pathlib import Path

import numpy as np

from gan.error import UserError

IDX_TYPES = {"ubyte": (8, 1), "int": (12, 4)}  # the header's code of a type, and its size in bytes


def verify_file(path: Path, md5: str | None) -> None:
    """Compare the file's MD5 with ``md5``, or if that is None, check the format its name promises.

    Formats: IDX (``*-idx3-ubyte``, ``*-idx2-int``), ``.mat``, ``.bz2``. Raises UserError.
    """
    if md5 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        fault = "" if found == md5 else f"md5 {found}, not {md5}"
    elif idx := re.search(r"idx(\d)-(ubyte|int)$", path.name):
        fault = _fault_of_idx(path, int(idx[1]), *IDX_TYPES[idx[2]])
    else:
        fault = _fault_of_archive(path)
    if fault:
        raise UserError(
            f"data: {path} is damaged, truncated or another file ({fault}): "
            "delete it and run again to download it, or point data.root at a good copy"
        )


def _fault_of_idx(path: Path, dimensions: int, code: int, size: int) -> str:
    """What is wrong with an IDX file: big-endian header of magic number and shape, then values."""
    with path.open("rb") as file:
        header = file.read(4 * (1 + dimensions))
    if header[:4] != bytes((0, 0, code, dimensions)) or len(header) < 4 * (1 + dimensions):
        return "it has no header of this IDX format"
    shape = np.frombuffer(header, ">u4")[1:].tolist()
    expected, found = len(header) + math.prod(shape) * size, path.stat().st_size
    return "" if found == expected else f"{found} bytes, but its header says {expected}"


def _fault_of_archive(path: Path) -> str:
    """What is wrong with a file that has to be unpacked."""
    try:
        if path.suffix == ".mat":
            from scipy.io import loadmat  # slow to import, and only SVHN needs it

            if missing := {"X", "y"} - loadmat(path).keys():
                return f"it lacks {' and '.join(sorted(missing))}"
        elif path.suffix == ".bz2":
            bz2.decompress(path.read_bytes())
    except Exception as error:  # scipy lets all kinds of errors through
        return " ".join(str(error).split()) or type(error).__name__
    return ""
