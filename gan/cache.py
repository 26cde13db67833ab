"""A cache of slow, deterministic results: tensors, kept under the hash of what they depend on."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gan.file import write_bytes

log = logging.getLogger(__name__)
Found = dict[str, Tensor]
HASH = 32  # bytes of SHA-256 before the tensors


def key(*parts: Tensor | str) -> str:
    """SHA-256, in hexadecimal, of texts and of the shapes and bytes of tensors on the CPU."""
    found = hashlib.sha256()
    for part in parts:
        text = part if isinstance(part, str) else f"{part.dtype} {tuple(part.shape)}"
        found.update(f"{len(text)} {text}".encode())
        if not isinstance(part, str):
            found.update(part.contiguous().numpy().data)
    return found.hexdigest()


def cached(folder: Path, name: str, find: Callable[[], Found]) -> Found:
    """The cached result of ``find``; replaces a damaged file, only warns if it cannot write."""
    path = folder / name
    try:
        raw = path.read_bytes()
        if hashlib.sha256(raw[HASH:]).digest() == raw[:HASH]:
            return load(raw[HASH:])
    except (OSError, SafetensorError):
        pass
    found = find()
    contents = save({part: value.contiguous() for part, value in found.items()})
    try:
        write_bytes(hashlib.sha256(contents).digest() + contents, path)
    except OSError as error:
        log.warning("cache: cannot write %s (%s): the result is computed again next time", path, error.strerror)
    return found
