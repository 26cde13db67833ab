"""The floor of a reference: other real images, with the same classes in the same order."""

import logging
import math

import torch
from torch import Tensor

from gan.data import review
from gan.data.batch import Images


def choose_floor(train: Images, order: Tensor, reference: Images, split: str) -> Images:
    """The first images of ``train`` in ``order`` [N] with the labels of the ``reference``.

    Others take the places of those that lack. A line says how many, unless two random draws would
    differ by as many.
    """
    wanted = reference.labels[: len(order)]
    found = train.take(order[match(train.labels[order], wanted)])
    others, by_chance = int((found.labels != wanted).sum()), _differ_by_chance(wanted)
    if others > by_chance:
        line = f"data: {others:,} of the {len(wanted):,} images of the {split} floor are of other classes"
        review.log_once(logging.INFO, f"{line} than the reference's: there are too few training images")
    return found


def _differ_by_chance(labels: Tensor) -> float:
    """How many labels of a random draw like ``labels`` [N] lack in another one, on average.

    Of a class with about n labels, two draws differ by 2 sqrt(n / pi), one half of it lacking.
    """
    counts: list[int] = labels.unique(return_counts=True)[1].tolist()
    return sum(math.sqrt(count / math.pi) for count in counts)


def match(labels: Tensor, wanted: Tensor) -> Tensor:
    """Indices [M] into ``labels`` [N], M <= N, each once: image i is of the class ``wanted[i]``.

    The first ones of each class are chosen; where there are too few, the first of those left.
    """
    found = torch.full_like(wanted, -1)
    for label in wanted.unique().tolist():
        places, known = (wanted == label).nonzero()[:, 0], (labels == label).nonzero()[:, 0]
        count = min(len(places), len(known))
        found[places[:count]] = known[:count]
    is_left = torch.ones(len(labels), dtype=torch.bool)
    is_left[found[found >= 0]] = False
    lacking = (found < 0).nonzero()[:, 0]
    found[lacking] = is_left.nonzero()[:, 0][: len(lacking)]
    return found
