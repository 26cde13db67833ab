"""Is a file of a data set what its name says, whole and undamaged?"""

import bz2
import hashlib
import math
import re
from pathlib import Path

import numpy as np

BYTES = {"ubyte": (8, 1), "int": (12, 4)}  # of IDX: the code of the type in the header, and its size


def check(path: Path, md5: str | None) -> None:
    """Compare with the known sum, or where none is known read the file as what its name says it is.

    Known by name are IDX (``*-idx3-ubyte``, ``*-idx2-int``), ``.mat`` and ``.bz2``. Raises ValueError with the file's name.
    """
    if md5 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        fault = "" if found == md5 else f"md5 {found}, not {md5}"
    elif idx := re.search(r"idx(\d)-(ubyte|int)$", path.name):
        fault = _idx(path, int(idx[1]), *BYTES[idx[2]])
    else:
        fault = _packed(path)
    if fault:
        raise ValueError(
            f"data: {path} is damaged, truncated or another file ({fault}): "
            "delete it and run again to download it anew, or point data.root at a good copy"
        )


def _idx(path: Path, dimensions: int, code: int, size: int) -> str:
    """What is wrong with an IDX file: big-endian header of magic number and shape, then the values."""
    with path.open("rb") as file:
        header = file.read(4 * (1 + dimensions))
    if header[:4] != bytes((0, 0, code, dimensions)) or len(header) < 4 * (1 + dimensions):
        return "not the header of such an IDX file"
    shape = np.frombuffer(header, ">u4")[1:].tolist()
    expected, found = len(header) + math.prod(shape) * size, path.stat().st_size
    return "" if found == expected else f"{found} bytes, not the {expected} that its header says"


def _packed(path: Path) -> str:
    """What is wrong with a file that unpacking checks."""
    try:
        if path.suffix == ".mat":
            from scipy.io import loadmat

            if missing := {"X", "y"} - loadmat(path).keys():
                return f"it lacks {' and '.join(sorted(missing))}"
        elif path.suffix == ".bz2":
            with bz2.open(path) as file:
                while file.read(1 << 20):
                    pass
    except Exception as error:  # scipy raises whatever it stumbles over
        return " ".join(str(error).split()) or type(error).__name__
    return ""
