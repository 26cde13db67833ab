"""The floor of a reference: other real images, with the same classes in the same order."""

import logging

import torch
from torch import Tensor

from gan.data import review
from gan.data.batch import Images


def choose_floor(train: Images, order: Tensor, reference: Images, split: str) -> Images:
    """The first images of ``train`` in ``order`` [N] with the labels of the ``reference``.

    Others take the places of those that lack; a line says how many.
    """
    wanted = reference.labels[: len(order)]
    found = train.take(order[match(train.labels[order], wanted)])
    if others := int((found.labels != wanted).sum()):
        line = f"data: {others:,} of the {len(wanted):,} images of the {split} floor are of other classes"
        review.log_once(logging.INFO, f"{line} than the reference's: there are too few training images")
    return found


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
