"""Files of strangers, read as plain data within bounds: nothing in them is run or resolved.

Plain data are dicts, lists, tuples, numbers, short texts, None, and tensors on the CPU.
"""

import io
import math
import pickle
import pickletools
import re
import struct
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gan.error import UserError, printable
from gan.file import load_json

MOST_BYTES = 2**31  # of a file
MOST_STRUCTURE = 2**24  # bytes of what is no tensor; a checkpoint's is about 20 kB
MOST_VALUES = 200_000  # in a structure, each counted wherever it occurs
DEEPEST = 30
LONGEST = 10_000  # characters of a text
MOST_TUPLES = 50_000  # a checkpoint has five for each tensor; Python crashes on deeper ones as keys
# How torch.save writes plain data: protocol 2 of pickle, and storages of these types.
OPERATIONS = {
    "APPEND", "APPENDS", "BINFLOAT", "BINGET", "BININT", "BININT1", "BININT2", "BINPERSID", "BINPUT", "BINUNICODE",
    "BUILD", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "GLOBAL", "LONG1", "LONG_BINGET", "LONG_BINPUT", "MARK",
    "NEWFALSE", "NEWTRUE", "NONE", "PROTO", "REDUCE", "SETITEM", "SETITEMS", "STOP", "TUPLE", "TUPLE1", "TUPLE2",
    "TUPLE3",
}  # fmt: skip
STORAGES = {
    "BFloat16Storage": torch.bfloat16, "BoolStorage": torch.bool, "ByteStorage": torch.uint8,
    "CharStorage": torch.int8, "DoubleStorage": torch.float64, "FloatStorage": torch.float32,
    "HalfStorage": torch.float16, "IntStorage": torch.int32, "LongStorage": torch.int64, "ShortStorage": torch.int16,
}  # fmt: skip
UNREADABLE = (
    AttributeError, BadZipFile, EOFError, IndexError, KeyError, OSError, OverflowError, pickle.UnpicklingError,
    RuntimeError, SafetensorError, TypeError, ValueError, struct.error,
)  # fmt: skip


class Refused(UserError):
    """A file that is damaged, holds more than plain data, or passes a bound. Says why."""


def load_archive(path: Path) -> dict[str, Any]:
    """The plain data in a file of ``torch.save``. Raises Refused.

    One reader checks and reads: what two readers find in one ZIP file can differ.
    """
    _validate_size(path)
    try:
        with ZipFile(path) as archive:
            contents = _Reader(archive, path.stat().st_size).load()
    except UNREADABLE as error:
        raise _damaged(error) from error
    found = copy_plain(contents)
    if not isinstance(found, dict):
        raise Refused("it is damaged: it holds no dict")
    validate_tensors(_tensors(found), path.stat().st_size)
    return found


class _Reader(pickle.Unpickler):
    """Reads what torch.save wrote. The only names in it are those of :meth:`find_class`."""

    def __init__(self, archive: ZipFile, size: int) -> None:
        """Raises Refused for a file that would grow when unpacked, or holds more than data."""
        parts = archive.infolist()
        for part in parts:
            is_tensor = re.fullmatch(r"[^/]+/data/\d+", part.filename)
            if part.compress_type != ZIP_STORED or part.file_size > (MOST_BYTES if is_tensor else MOST_STRUCTURE):
                raise Refused(f"its part {printable(part.filename, 80)} is compressed or too large")
        if sum(part.file_size for part in parts) > size:
            raise Refused("its parts are larger than the file")
        self.archive, self.folder = archive, parts[0].filename.partition("/")[0]
        self.storages: dict[str, Tensor] = {}
        if f"{self.folder}/byteorder" in archive.namelist() and self._part("byteorder") != sys.byteorder.encode():
            raise Refused("its numbers are of another kind of processor")
        pickled = self._part("data.pkl")
        _validate_pickle(pickled)
        super().__init__(io.BytesIO(pickled))

    def _part(self, name: str) -> bytes:
        return self.archive.read(f"{self.folder}/{name}")

    def find_class(self, module: str, name: str) -> Any:
        """A dict, a function or a type of numbers. Raises Refused for the rest."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self.view
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise Refused(f"it holds more than plain data ({printable(f'{module} {name}', 80)})")

    def persistent_load(self, pid: Any) -> Tensor:
        """The numbers [N] of a part."""
        _, dtype, key, *_ = pid
        if key not in self.storages:
            contents = bytearray(self._part(f"data/{key}"))
            self.storages[key] = torch.frombuffer(contents, dtype=dtype) if contents else torch.empty(0, dtype=dtype)
        if self.storages[key].dtype != dtype:
            raise Refused("it is damaged: one part has two types")
        return self.storages[key]

    def view(self, numbers: Tensor, offset: int, size: Sequence[int], stride: Sequence[int], *_: object) -> Tensor:
        """A tensor of a part's numbers. Raises RuntimeError beyond their end."""
        return numbers.as_strided(size, stride, offset)


def _validate_pickle(pickled: bytes) -> None:
    """Raise Refused for what torch.save does not write, and for what would take memory or time."""
    tuples = 0
    for number, (operation, argument, _) in enumerate(pickletools.genops(pickled)):
        tuples += operation.name.startswith("TUPLE")
        if operation.name not in OPERATIONS:
            raise Refused(f"it holds more than plain data ({operation.name})")
        is_far = operation.name == "LONG_BINPUT" and int(argument or 0) > number  # the memory up to there is filled
        if number > 10 * MOST_VALUES or tuples > MOST_TUPLES or is_far:
            raise Refused(f"it holds more than {MOST_VALUES:,} values")


def _tensors(value: object) -> Iterator[Tensor]:
    """The tensors in plain data."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def _damaged(error: Exception) -> Refused:
    return error if isinstance(error, Refused) else Refused("it is damaged, or holds more than plain data")


def _validate_size(path: Path) -> None:
    if path.stat().st_size > MOST_BYTES:
        raise Refused(f"it has {path.stat().st_size:,} bytes, and {MOST_BYTES:,} are allowed")


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
        if value is None or type(value) in (bool, float):
            return value
        if type(value) is Tensor:
            return value.detach()
        if (type(value) is int and abs(value) < 2**63) or (type(value) is str and len(value) <= LONGEST):
            return value
        raise Refused(f"it holds more than plain data ({type(value).__name__})")

    return copy(value, 0)


def validate_tensors(tensors: Iterable[Tensor], size: int) -> None:
    """Raise Refused if ``tensors`` claim more than the ``size`` bytes that their file has.

    A tensor may claim any shape over few bytes, and a copy of it would need them all.
    """
    if sum(math.prod(value.shape) * value.element_size() for value in tensors) > size:
        raise Refused("its tensors are larger than the file")
