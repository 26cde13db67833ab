"""Feedback: which digits of a generator somebody liked, as a page saves it: a stranger's file.

    {"generator": SHA-256 of the weights, "marks": [{"seed": 17, "label": "6", "liked": false}]}

A mark is of the digit that ``gan.generate`` draws of this seed and label, without a style.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan import foreign, sample
from gan.error import UserError, printable
from gan.foreign import Refused
from gan.names import shown

MOST = 1_000  # marks
LEAST, LEAST_EACH = 20, 5  # marks that a taste needs; likes, and dislikes
FIELDS = {"seed", "label", "liked"}


class Feedback(NamedTuple):
    """Marks of M digits: ``seeds`` and ``labels``, int64 [M], and whether they are liked, bool [M].

    ``repeated``: how many further marks the file has of these digits; the last one of each counts.
    """

    seeds: Tensor
    labels: Tensor
    liked: Tensor
    repeated: int = 0

    def of(self, marks: Tensor) -> "Feedback":
        """Some of the marks, bool [M]."""
        return Feedback(self.seeds[marks], self.labels[marks], self.liked[marks])


def load_feedback(path: Path, names: Sequence[str], generator: str) -> Feedback:
    """The marks in a file about the ``generator`` of this SHA-256, whose classes are ``names``.

    Raises FileNotFoundError without a file, UserError for a damaged one, for one about another
    generator, and for marks that are none of its digits.
    """
    if not path.is_file():
        raise FileNotFoundError(f"feedback: {path} is no file: give the feedback.json that a page of gan.studio saved")
    try:
        found = foreign.load_object(path)
        about, marks = found.get("generator"), found.get("marks")
        if not isinstance(about, str) or not isinstance(marks, list):
            raise Refused("it has no generator or no list of marks")
        if about != generator:
            raise Refused(f"it is about the generator {printable(about, 16)}, not {generator[:16]}: choose its ckpt")
        if len(marks) > MOST:
            raise Refused(f"it has {len(marks):,} marks, and {MOST:,} are allowed")
        liked = [_read(mark, number, names) for number, mark in enumerate(marks, 1)]
    except Refused as error:
        raise UserError(f"feedback: {path} is not used: {error}") from error
    last = dict(liked)
    seeds, labels = torch.tensor(list(last), dtype=torch.long).view(-1, 2).T
    return Feedback(seeds, labels, torch.tensor(list(last.values()), dtype=torch.bool), len(marks) - len(last))


def _read(mark: Any, number: int, names: Sequence[str]) -> tuple[tuple[int, int], bool]:
    """Seed and label of a mark, and whether it is a like. Raises Refused for a wrong one."""
    if not isinstance(mark, dict) or mark.keys() != FIELDS or type(mark["liked"]) is not bool:
        raise Refused(f"mark {number} is not as {{seed: 17, label: 6, liked: false}}")
    seed, label = mark["seed"], mark["label"]
    if type(seed) is not int or not 0 <= seed < sample.SEEDS:
        raise Refused(f"mark {number} has the seed {printable(seed, 20)}: seeds are 0 to {sample.SEEDS - 1:,}")
    if label not in names:
        raise Refused(f"mark {number} has the label {printable(label, 20)}: the classes are {shown(names)}")
    return (seed, names.index(label)), mark["liked"]
