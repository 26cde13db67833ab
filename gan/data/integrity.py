"""Find damaged, truncated and foreign files of a data set, and unpack those that are compressed."""

import bz2
import hashlib
import logging
import re
from pathlib import Path

import numpy as np

from gan.data import idx
from gan.error import UserError
from gan.file import write_bytes

log = logging.getLogger(__name__)
IDX_NAME = re.compile(r"idx(\d)-(ubyte|int)$")
IDX_TYPES = {"ubyte": ">u1", "int": ">i4"}


def verify_file(path: Path, md5: str | None) -> None:
    """Compare the file's MD5 with ``md5``, or if that is None, check the format its name promises.

    Formats: IDX (``*-idx3-ubyte``, ``*-idx2-int``), ``.mat``, ``.bz2``. Raises UserError.
    """
    if md5 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        fault = "" if found == md5 else f"md5 {found}, not {md5}"
    elif IDX_NAME.search(path.name):
        fault = _fault_of_idx(path)
    else:
        fault = _fault_of_archive(path)
    if fault:
        raise UserError(f"data: {path} is damaged, truncated or another file ({fault}): {_remedy(path, md5)}")


def _remedy(path: Path, md5: str | None) -> str:
    again = "delete it and run again to download it, or point data.root at a good copy"
    if md5 and idx.NAME.fullmatch(path.name) and not _fault_of_idx(path):
        count = idx.read_whole(path).shape[0]
        own = f"it is a whole IDX file of {count:,} items; if they are your own, data=arrays data.root={path.parent}"
        return f"{own} trains on them; otherwise {again}"
    return again


def _fault_of_idx(path: Path) -> str:
    """What is wrong with an IDX file, whose name ends in its dimensions and type."""
    promised = IDX_NAME.search(path.name)
    assert promised
    try:
        header = idx.read_whole(path)
    except ValueError as error:
        return str(error)
    is_kept = (len(header.shape), header.dtype) == (int(promised[1]), np.dtype(IDX_TYPES[promised[2]]))
    return "" if is_kept else "it has no header of this IDX format"


def unpack(root: Path, name: str, md5: str | None) -> None:
    """Unpack ``root/name`` from ``name.gz``, and say so; do nothing where there is none.

    A set whose MD5 is known is also found in ``root`` and ``root/raw``, as it was downloaded.
    Raises UserError for a damaged file and for an unwritable folder.
    """
    place = root / name
    if place.is_file() or not IDX_NAME.search(name):
        return
    plain = [root / place.name, root / "raw" / place.name] if md5 else []
    dotted = [path.with_name(re.sub(r"-(idx\d-\w+)$", r".\1", path.name)) for path in plain]
    packed = [path.with_name(f"{path.name}.gz") for path in (place, *plain, *dotted)]
    source = next((path for path in (*plain, *dotted, *packed) if path.is_file()), None)
    if source is None:
        return
    contents = idx.read_bytes(source)
    if md5 and (found := hashlib.md5(contents, usedforsecurity=False).hexdigest()) != md5:
        own = f"if they are your own, data=arrays data.root={source.parent} trains on them"
        raise UserError(f"data: {source} is a whole IDX file, but not {name} (md5 {found}, not {md5}): {own}")
    try:
        write_bytes(contents, place)
    except OSError as error:
        remedy = f"unpack it there yourself, or train with data=arrays data.root={source.parent}"
        raise UserError(f"data: {source} cannot be unpacked to {place} ({error.strerror}): {remedy}") from error
    log.warning("data: %s is unpacked to %s", source, place)


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
