"""Distillation of a taste: a generator learns to draw, from each latent, the nearest liked digit.

Digits that are accepted already, and classes of which none was disliked, stay as they are. Where a
generator follows the gradient of a taste instead, it finds digits that only the taste likes.
"""

import copy
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gan import sample
from gan.digits.taste import Critic
from gan.image import to_float, to_uint8
from gan.metric import feature
from gan.metric.frechet import frechet
from gan.network import Generator

LESSON, TEST = 4 * sample.SEEDS, 5 * sample.SEEDS  # the first seeds of digits to learn, and to be judged by
ENOUGH = 0.65  # chance of a like of what is learned: more would move digits farther than half a taste needs
BATCH = 64
RISE = 0.15  # share of the steps in which the learning rate rises
Figures = dict[str, float]


class Lesson(NamedTuple):
    """Latents [N, D], labels [N], the bytes [N, C, H, W] to draw, and which N are to change."""

    z: Tensor
    y: Tensor
    images: Tensor
    changing: Tensor


def teach(teacher: Critic, labels: Tensor, count: int, first: int) -> Lesson:
    """The nearest digits that ``teacher`` accepts, for ``count`` latents from seed ``first``.

    Half of them are of the ``labels`` to change; the others of the other classes, if there are any,
    as they are.
    """
    every, turn = torch.arange(teacher.generator.classes), torch.arange(count)
    others = every[~torch.isin(every, labels)]
    half = count // 2 if len(others) else count
    y = labels[turn % len(labels)]
    if len(others):
        y[half:] = others[turn[half:] % len(others)]
    z, changing = sample.latents(turn + first, teacher.generator.latent), turn < half
    images = to_uint8(teacher.draw(z, y))
    images[changing] = to_uint8(teacher.improve(z[changing], y[changing], ENOUGH).x)
    return Lesson(z, y, images, changing)


def distil(generator: Generator, lesson: Lesson, steps: int, lr: float, seed: int) -> Iterator[Generator]:
    """Fit a copy of ``generator`` to a lesson. Yields it, in evaluation mode, after each step.

    It minimises the mean absolute error of pixels with Adam, in one cycle of the learning rate
    (Smith 2018). Batch norm keeps its statistics, so that the copy starts as the generator is.
    ``seed`` determines the order of the digits.
    """
    student = copy.deepcopy(generator).eval().requires_grad_(True)
    optimizer = torch.optim.Adam(student.parameters(), lr, betas=(0.9, 0.99), fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=RISE)
    source, order = torch.Generator().manual_seed(seed), torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < BATCH:
            order = torch.cat([order, torch.randperm(len(lesson.z), generator=source)])
        some, order = order[:BATCH], order[BATCH:]
        with torch.enable_grad():
            loss = (student(lesson.z[some], lesson.y[some]) - to_float(lesson.images[some])).abs().mean()
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
        cycle.step()
        yield student


def compare(teacher: Critic, judge: Critic, student: Generator, lesson: Lesson) -> dict[str, Figures]:
    """Figures of the digits of a lesson ``before`` and ``after``, and how far digits ``moved``.

    Of the digits that may change, ``liked`` is the share that ``judge`` likes, ``accepted`` that of
    ``teacher``, ``frechet`` the distance of their features from those of the lesson; ``read`` is
    the share of all that are read as asked. A move is the mean absolute difference of pixels in
    [0, 1].
    """
    z, y, images, changing = lesson
    reader, found = teacher.reader, {}
    both = teacher.draw(z, y), torch.cat(list(sample.images(student, z, y)))
    goal = features(teacher, to_float(images[changing]))
    for name, x in zip(("before", "after"), both, strict=True):
        found[name] = {
            "liked": _share(judge.judge(x[changing], y[changing]).liking >= 0.5),
            "accepted": _share(teacher.judge(x[changing], y[changing]).accepts(ENOUGH)),
            "read": feature.accuracy(reader, x, y),
            "frechet": frechet(features(teacher, x[changing]), goal),
        }
    moved = (both[1] - both[0]).abs().flatten(1).mean(1) / 2
    accepted = teacher.judge(*(part[changing] for part in (both[0], y))).accepts(ENOUGH)
    found["moved"] = {
        "changed classes": moved[changing].mean().item(),
        "accepted digits": moved[changing][accepted].mean().item(),
    }
    if not changing.all():
        found["moved"]["other classes"] = moved[~changing].mean().item()
    return found


def features(critic: Critic, x: Tensor) -> Tensor:
    """The features [N, F] that a critic's reader has of images [N, C, H, W]."""
    return torch.cat([critic.reader(some)[0] for some in x.split(500)])


def _share(true: Tensor) -> float:
    return true.double().mean().item()
