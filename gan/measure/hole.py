"""Figures of accessible digits: whether their loops are open and closed, and how they are read.

Holes are counted in the outlines that people see, and not in the pixels, in which
:mod:`gan.digits.clean` counts them. A second classifier reads beside the one that redraws.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan import terminal
from gan.digits.clean import HOLES
from gan.digits.outline import Outline, trace
from gan.image import to_float
from gan.lab import Lab
from gan.measure.line import load_real
from gan.metric import feature

KINDS: dict[str, dict[str, Any]] = {
    "accessible": {"preset": "accessible"},
    "bold and certain": {"style": {"thickness": 1.0}, "certain": True},
    "plain": {},
}
READERS = ("mnist", "mnist_second")


def measure_accessible(lab: Lab, count: int, seed: int, root: str) -> dict[str, Any]:
    """Figures of ``count`` digits a class in each of :data:`KINDS`, and of as many real ones."""
    real = load_real(root)
    digits = {name: lab.sample(10 * count, seed=seed, **settings) for name, settings in KINDS.items()}
    found = {name: measure_digits(some.images, some.labels) for name, some in digits.items()}
    first = torch.cat([(real.targets == label).nonzero().flatten()[:count] for label in range(10)])
    found["real"] = measure_digits(to_float(real.data[first, None]), real.targets[first])
    unread = {name: some.unread / len(some) for name, some in digits.items() if some.read is not None}
    return {"digits of a class": count, "kinds": found, "unread": unread}


def measure_digits(x: Tensor, y: Tensor) -> dict[str, Any]:
    """Shares of digits x [N, 1, H, W]: without a hole of theirs, by class, and read as y [N]."""
    looped = [label for label, (least, _) in enumerate(HOLES) if least]
    missing = {}
    for label in looped:
        holes = [count_holes(trace(one[0])) for one in terminal.track(x[y == label], int((y == label).sum()), "digits")]
        missing[str(label)] = float(np.mean(np.array(holes) < HOLES[label][0]))
    read = {name: feature.accuracy(feature.load(name).classifier, x, y) for name in READERS}
    return {"missing holes": missing, "read": read}


def count_holes(outlines: list[Outline]) -> int:
    """The outlines that run the other way round than the largest."""
    areas = []
    for outline in outlines:
        right, down = outline.curves[:, 0].T
        areas.append(float(right @ np.roll(down, -1) - down @ np.roll(right, -1)))
    return sum(area * max(areas, key=abs) < 0 for area in areas)
