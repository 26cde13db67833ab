"""What takes long to find and is always the same, kept in a folder under the hash of what it was found from."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gan.file import whole

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


def remember(folder: Path, name: str, find: Callable[[], Found]) -> Found:
    """What ``find`` found when it was first asked for under ``name``.

    Where the file is damaged it is asked again, and where none can be written, each time.
    """
    path = folder / name
    try:
        raw = path.read_bytes()
        if hashlib.sha256(raw[HASH:]).digest() == raw[:HASH]:
            return load(raw[HASH:])
    except (OSError, SafetensorError):
        pass
    found, contents = find(), b""
    try:
        contents = save({part: value.contiguous() for part, value in found.items()})
        with whole(path) as partial:
            partial.write_bytes(hashlib.sha256(contents).digest() + contents)
    except OSError as error:
        log.warning("cache: %s cannot be kept (%s): it will be found anew each time", path, error.strerror)
    return found
