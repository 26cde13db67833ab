"""Files and folders that appear complete or not at all. Without torch at the top: help is quick."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gan.error import UserError

if TYPE_CHECKING:
    from torch import nn

_PACKAGE = Path(__file__).parent
CONF = next(path for path in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if path.is_dir())  # installed, or a checkout


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` to write to; it replaces ``path`` if the block succeeds.

    Raises UserError if something other than a file is there: root would replace even a device.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is a folder or a device, not a file: choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path`` to fill; it replaces ``path`` if the block succeeds.

    The caller checks that an existing folder at ``path`` may be overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as aside:
        made = Path(aside) / "made"
        made.mkdir()
        yield made
        if path.is_dir():
            path.replace(Path(aside) / "old")
        made.replace(path)


def write_bytes(contents: bytes, path: Path) -> None:
    """Write ``contents`` to ``path``."""
    with atomic_write(path) as partial:
        partial.write_bytes(contents)


def write_text(text: str, path: Path) -> None:
    """Write ``text`` and a newline to ``path``."""
    with atomic_write(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def load_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises UserError for a damaged file."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:  # no UTF-8, no JSON, no object
        raise UserError(f"{path} is damaged ({error}): restore it, or delete it") from error


def pack_weights(network: "nn.Module") -> bytes:
    """Return the state of ``network`` as safetensors."""
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in network.state_dict().items()})


def write_weights(network: "nn.Module", path: Path) -> None:
    """Write the state of ``network`` to ``path`` as safetensors."""
    write_bytes(pack_weights(network), path)  # save_file would make a file that only its owner may read


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
