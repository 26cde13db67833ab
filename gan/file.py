"""Files and folders that appear whole or not at all, and the tables and weights in them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import save
from torch import nn


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to, which takes its place when the block ends well and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder beside ``path`` to fill, which takes its place when the block ends well and vanishes otherwise.

    What was at ``path`` is gone then: whether it may go is the caller's to check.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as aside:
        made = Path(aside) / "made"
        made.mkdir()
        yield made
        if path.is_dir():
            path.replace(Path(aside) / "old")
        made.replace(path)


def write_text(text: str, path: Path) -> None:
    """Write ``text`` and a newline to ``path``."""
    with whole(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def packed(network: nn.Module) -> bytes:
    """The state of ``network`` as safetensors."""
    return save({name: value.contiguous() for name, value in network.state_dict().items()})


def write_bytes(contents: bytes, path: Path) -> None:
    """Write ``contents`` to ``path``."""
    with whole(path) as partial:
        partial.write_bytes(contents)


def write_weights(network: nn.Module, path: Path) -> None:
    """Write the state of ``network`` to ``path`` as safetensors."""
    write_bytes(packed(network), path)  # not save_file, whose files nobody else may read


def table(*rows: list[str]) -> str:
    """Rows of cells as a Markdown table, the first being its head."""
    head, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))
