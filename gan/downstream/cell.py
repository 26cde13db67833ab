"""What a study is made of: cells, and what is kept of each."""

import json
from pathlib import Path
from typing import Any, NamedTuple

NONE = "none"  # no synthetic digits
SOURCES = ("few", "ckpt")
ARMS = {"plain": False, "augmented": True}  # whether the classifier's images are jittered
Record = dict[str, Any]


class Cell(NamedTuple):
    """Where its synthetic digits come from (none, few or ckpt), how many labels a class it has, and its seed."""

    source: str
    labels: int
    seed: int

    @property
    def name(self) -> str:
        """Of its file and its folder."""
        return "_".join(map(str, self))


def finished(folder: Path) -> dict[Cell, Record]:
    """All cells that a study's folder holds."""
    records = [json.loads(path.read_text()) for path in folder.glob("*_*_*.json")]
    return {Cell(*(one[name] for name in Cell._fields)): one for one in records}
