"""The classifier two-sample test: can a fresh network tell fakes from real images?

Lopez-Paz and Oquab 2017. Half of the pairs train the network, the other half is judged: 50 % is
chance, at 100 % every fake is found. What it misses, another network may find, so the figure is a
lower bound. Copies of training images pass: they are found by the share of ``copies``.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gan import cache
from gan.image import to_float
from gan.metric.feature import Frozen

log = logging.getLogger(__name__)
FORMAT = "1"  # of the cache; a new one when the network or its training changes
WIDTH, LR, DECAY, BATCH = 16, 5e-3, 1e-2, 100  # of the network and its training
INK = 128  # of 255: from here on a pixel is ink
LEAST = 20  # pairs, below which there is no figure
SHOWN = 64  # fakes in a picture

Figures = dict[str, float]
Pair = tuple[Tensor, Tensor]  # bytes [N, C, H, W] and labels int64 [N]


class View(NamedTuple):
    """How the network sees bytes [N, C, H, W], and how many cells a side its features keep.

    One cell, the mean over the image, finds grey levels best: they differ anywhere. Shapes are
    found by their place: of a bad generator, 85 % are told by 7 cells and 80 % by one. Grey levels
    of a good one are told in 97 % of cases by 7 cells and in 99 % by one.
    """

    see: Callable[[Tensor], Tensor]
    cells: int


def shape(x: Tensor) -> Tensor:
    """Bytes as ink, 1, and paper, -1: without grey levels only the shape of strokes is left."""
    return (x >= INK).float().mul_(2).sub_(1)


GREY, SHAPE = View(to_float, 1), View(shape, 7)
VIEWS = {"c2st": GREY, "c2st_binary": SHAPE}


class Scores(NamedTuple):
    """How real the judged images look, above 0 if they pass, and the rows [N] that were judged."""

    real: Tensor
    fake: Tensor
    rows: Tensor

    @property
    def accuracy(self) -> float:
        """Share of the judged images that are told right."""
        return ((self.real > 0).double().mean().item() + (self.fake <= 0).double().mean().item()) / 2

    @property
    def auc(self) -> float:
        """Probability that a real image scores above a fake; ties count half."""
        return share_below(self.real, self.fake).mean().item()


def share_below(scores: Tensor, others: Tensor) -> Tensor:
    """The share of ``others`` [M] below each of ``scores`` [N], ties half. Its mean is the AUC."""
    ordered = others.sort().values
    below = torch.searchsorted(ordered, scores) + torch.searchsorted(ordered, scores, right=True)
    return below.double() / 2 / len(others)


class Verdict(NamedTuple):
    """The figures, the number of pairs, and the 64 judged fakes that look least and most real.

    ``levels``: the share of each grey level in real images and in fakes.
    """

    figures: Figures
    pairs: int
    most_fake: Tensor  # bytes [64, C, H, W]
    most_real: Tensor
    levels: Tensor  # [2, 256]

    @property
    def error(self) -> float | None:
        """The standard error of an accuracy near 50 %, by the choice of the judged half."""
        return 0.5 / self.pairs**0.5 if self.pairs else None


NOTHING = Verdict({}, 0, torch.empty(0), torch.empty(0), torch.empty(0))


class TwoSample:
    """The test of fakes against up to ``images`` real ones, and its floor, the same of other reals.

    Both are halves of ``pool``, divided at random within each class: two files differ by
    themselves. MNIST's test images are told from its training images with an AUC of 0.57.
    ``steps``: of training, with 100 images each. ``bf16`` is faster with native support.
    """

    def __init__(self, pool: Pair, images: int, steps: int, bf16: bool) -> None:
        real, other = divide(pool[1], images).T
        self.real, self.labels, self.other = pool[0][real], pool[1][real], pool[0][other]
        self.steps, self.bf16 = steps, bf16

    def pair(self, fakes: Pair, extractor: Frozen) -> tuple[Tensor, Tensor]:
        """Real images and fakes, bytes [N, C, H, W], of which row i is of one class.

        The class is the label. Where labels are missing, -1, it is what ``extractor`` reads in
        both. Of each class there are as many as both have, so that its share is no help: other
        figures of the card judge it.
        """
        x, y = fakes
        real, fake = self.labels, y
        if (real < 0).any() or (fake < 0).any():
            real, fake = read(extractor, self.real), read(extractor, x)
        rows = match(real, fake)
        return self.real[rows[:, 0]], x[rows[:, 1]]

    def judge(self, fakes: Pair, extractor: Frozen, keep: Path) -> Verdict:
        """Judge ``fakes`` as they are saved, beside the floor, which is kept in the cache ``keep``.

        NOTHING, with a warning, for fewer than 20 pairs.
        """
        real, fake = self.pair(fakes, extractor)
        if len(real) < LEAST:
            log.warning("c2st is left out: only %d pairs are of one class, and it needs %d", len(real), LEAST)
            return NOTHING
        scores = {name: tell(real, fake, self.steps, self.bf16, view) for name, view in VIEWS.items()}
        ranked = fake[scores["c2st"].rows[scores["c2st"].fake.argsort()]]
        levels = torch.stack([x.flatten().bincount(minlength=256) / x.numel() for x in (real, fake)])
        return Verdict(_figures(scores) | self.floor(keep), len(real), ranked[:SHOWN], ranked.flip(0)[:SHOWN], levels)

    def floor(self, keep: Path) -> Figures:
        """The figures of real images against the others, each as NAME_floor."""

        def find() -> cache.Found:
            scores = {name: tell(self.real, self.other, self.steps, self.bf16, view) for name, view in VIEWS.items()}
            return {name: torch.tensor(value, dtype=torch.float64) for name, value in _figures(scores).items()}

        settings = f"two samples {FORMAT} {self.steps} {self.bf16} {WIDTH} {LR} {DECAY} {BATCH} {INK}"
        found = cache.cached(keep, cache.key(settings, self.real, self.other), find)
        return {f"{name}_floor": value.item() for name, value in found.items()}


def _figures(scores: dict[str, Scores]) -> Figures:
    found: Figures = {}
    for name, one in scores.items():
        found |= {name: one.accuracy, f"{name}_auc": one.auc}
    return found


def divide(labels: Tensor, most: int) -> Tensor:
    """Rows [N, 2] of labels int64 [M]: two random sets without a common row, ``most`` at most.

    Both rows of a pair have the same label; the pairs are in random order.
    """
    source = torch.Generator().manual_seed(0)
    order = torch.randperm(len(labels), generator=source)
    own = [order[labels[order] == label] for label in labels.unique()]
    pairs = torch.cat([rows[: len(rows) // 2 * 2].view(-1, 2) for rows in own])
    return pairs[torch.randperm(len(pairs), generator=source)[:most]]


def match(real: Tensor, fake: Tensor) -> Tensor:
    """Rows [N, 2] of classes int64 [M] and [K]: of each class as many pairs as both have."""
    pairs = []
    for label in real.unique():
        one, other = ((y == label).nonzero()[:, 0] for y in (real, fake))
        count = min(len(one), len(other))
        pairs.append(torch.stack([one[:count], other[:count]], 1))
    return torch.cat(pairs)


def read(extractor: Frozen, x: Tensor) -> Tensor:
    """The classes int64 [N] that ``extractor`` reads in bytes."""
    device = next(extractor.parameters()).device
    return torch.cat([extractor(to_float(some).to(device))[1].argmax(1).cpu() for some in x.split(250)])


def tell(real: Tensor, fake: Tensor, steps: int, bf16: bool = False, view: View = GREY) -> Scores:
    """Train a network to tell ``real`` from ``fake`` [N, C, H, W] by one half; judge the other.

    Row i of both is of one class, so each half has the same classes in both.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        known, judged = torch.randperm(len(real)).tensor_split(2)
        fitted = _fit(torch.cat([real[known], fake[known]]), steps, bf16, view)
    return Scores(_scores(fitted, real[judged], view), _scores(fitted, fake[judged], view), judged)


def network(channels: int, cells: int) -> nn.Sequential:
    """Images [N, C, H, W] of any size to logits [N, 1]; see :class:`View` for ``cells``.

    Batch norm in front and behind each convolution learns fine differences in few steps.
    """

    def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]

    blocks = [(channels, WIDTH, 1), (WIDTH, WIDTH, 2), (WIDTH, 2 * WIDTH, 2), (2 * WIDTH, 2 * WIDTH, 1)]
    layers = [layer for one in blocks for layer in block(*one)]
    return nn.Sequential(
        nn.BatchNorm2d(channels), *layers, nn.AdaptiveAvgPool2d(cells), nn.Flatten(), nn.Linear(2 * WIDTH * cells**2, 1)
    )


def _fit(x: Tensor, steps: int, bf16: bool, view: View) -> nn.Sequential:
    """A network fitted to bytes ``x``, the first half real. AdamW, one cycle (Smith 2018)."""
    y, batch = (torch.arange(len(x)) < len(x) // 2).float(), min(BATCH, len(x))
    fitted = network(x.shape[1], view.cells).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(fitted.parameters(), lr=LR, weight_decay=DECAY, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps)
    queue = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(queue) < batch:
            queue = torch.randperm(len(x))
        index, queue = queue[:batch], queue[batch:]
        images = view.see(x[index]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = fitted(images)[:, 0]
        loss = binary_cross_entropy_with_logits(logits.float(), y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cycle.step()
    return fitted.eval()


@torch.no_grad()
def _scores(fitted: nn.Sequential, x: Tensor, view: View) -> Tensor:
    return torch.cat([fitted(view.see(some))[:, 0] for some in x.split(500)])
