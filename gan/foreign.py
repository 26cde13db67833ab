"""Files of strangers, read as plain data within bounds: nothing in them is run or resolved.

Plain data are dicts, lists, tuples, numbers, short texts, None, and tensors on the CPU.
"""

import math
import pickle
import pickletools
import re
import struct
from collections import OrderedDict
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gan.error import UserError
from gan.file import load_json

MOST_BYTES = 2**31  # of a file
MOST_STRUCTURE = 2**24  # bytes of what is no tensor; a checkpoint's is about 20 kB
MOST_VALUES = 200_000  # in a structure, each counted wherever it occurs
DEEPEST = 30
LONGEST = 10_000  # characters of a text
# The only names that torch writes into checkpoints of plain data.
GLOBALS = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_tensor_v2|torch \w{3,10}Storage|torch \w?float\d+"
)
UNREADABLE = (
    BadZipFile, EOFError, IndexError, KeyError, OSError, pickle.UnpicklingError, RuntimeError, SafetensorError,
    TypeError, ValueError, struct.error,
)  # fmt: skip


class Refused(UserError):
    """A file that is damaged, holds more than plain data, or passes a bound. Says why."""


def load_archive(path: Path) -> dict[str, Any]:
    """The plain data in a file of ``torch.save``. Raises Refused."""
    _validate_size(path)
    try:
        with ZipFile(path) as archive:
            _validate_zip(archive)
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise _damaged(error) from error
    found = copy_plain(contents)
    if not isinstance(found, dict):
        raise Refused("it is damaged: it holds no dict")
    return found


def _damaged(error: Exception) -> Refused:
    return error if isinstance(error, Refused) else Refused("it is damaged, or holds more than plain data")


def _validate_size(path: Path) -> None:
    if path.stat().st_size > MOST_BYTES:
        raise Refused(f"it has {path.stat().st_size:,} bytes, and {MOST_BYTES:,} are allowed")


def _validate_zip(archive: ZipFile) -> None:
    """Raise Refused for files that would grow when unpacked, and for pickles of more than data."""
    for part in archive.infolist():
        is_tensor = re.fullmatch(r"[^/]+/data/\d+", part.filename)
        if part.compress_type != ZIP_STORED or part.file_size > (MOST_BYTES if is_tensor else MOST_STRUCTURE):
            raise Refused(f"its part {part.filename[:80]!r} is compressed or too large")
        if part.filename.endswith("data.pkl"):
            for operation, argument, _ in pickletools.genops(archive.read(part)):
                is_name = operation.name in ("GLOBAL", "STACK_GLOBAL", "INST")
                if is_name and not (operation.name == "GLOBAL" and GLOBALS.fullmatch(str(argument))):
                    raise Refused(f"it holds more than plain data ({str(argument)[:80]!r})")


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name. Raises Refused."""
    _validate_size(path)
    try:
        return dict(load_file(path))
    except UNREADABLE as error:
        raise _damaged(error) from error


def load_object(path: Path) -> dict[str, Any]:
    """The plain data in a JSON file. Raises Refused."""
    if path.stat().st_size > MOST_STRUCTURE:
        raise Refused(f"{path.name} is too large")
    try:
        return dict(copy_plain(load_json(path)))
    except UserError as error:
        raise Refused(str(error)) from error


def copy_plain(value: object) -> Any:
    """A copy of plain data. Raises Refused for other data, and beyond a bound."""
    visits = count(1)

    def copy(value: object, depth: int) -> object:
        if next(visits) > MOST_VALUES or depth > DEEPEST:
            raise Refused(f"it holds more than {MOST_VALUES:,} values or is nested too deeply")
        if type(value) in (dict, OrderedDict):
            items: Any = dict.items(value)  # type: ignore[arg-type]
            return {copy(key, depth + 1): copy(part, depth + 1) for key, part in items}
        if type(value) in (list, tuple):
            return type(value)(copy(part, depth + 1) for part in value)  # type: ignore[call-arg, attr-defined]
        if value is None or type(value) in (bool, float, Tensor):
            return value
        if (type(value) is int and abs(value) < 2**63) or (type(value) is str and len(value) <= LONGEST):
            return value
        raise Refused(f"it holds more than plain data ({type(value).__name__})")

    return copy(value, 0)


def validate_tensors(tensors: dict[str, Tensor], size: int) -> None:
    """Raise Refused if ``tensors`` claim more than the ``size`` bytes that their file has.

    A tensor may claim any shape over few bytes, and a copy of it would need them all.
    """
    if sum(math.prod(value.shape) * value.element_size() for value in tensors.values()) > size:
        raise Refused("its tensors are larger than the file")
    if not all(value.layout == torch.strided and value.device.type == "cpu" for value in tensors.values()):
        raise Refused("its tensors are not dense")


def printable(text: object, most: int = 200) -> str:
    """A stranger's text for a message: one line, without control characters, at most so long."""
    line = "".join(c if c.isprintable() else "?" for c in str(text))
    return line if len(line) <= most else f"{line[:most]}..."
