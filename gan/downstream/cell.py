"""The cells of a study and the records kept of them."""

from pathlib import Path
from typing import Any, NamedTuple

from gan.file import load_record

NONE = "none"  # no synthetic digits
UNLABELLED = "unlabelled"
SOURCES = ("few", "ckpt", UNLABELLED)
ARMS = {"plain": False, "augmented": True}  # whether the classifier's images are jittered
METHODS = ("pseudo", "consistency", "discriminator", "both")  # those of UNLABELLED
Record = dict[str, Any]


class Cell(NamedTuple):
    """What a classifier learns from."""

    source: str  # of the synthetic digits: none or one of SOURCES
    labels: int  # a class
    seed: int

    @property
    def name(self) -> str:
        """The name of its file and folder."""
        return "_".join(map(str, self))


def finished(folder: Path) -> dict[Cell, Record]:
    """The records of all finished cells in a study's folder. A damaged one is not finished."""
    records = [load_record(path) for path in folder.glob("*_*_*.json")]
    return {Cell(*(one[name] for name in Cell._fields)): one for one in records if one}
