"""Classifiers that learn from few labelled and many unlabelled images, without a GAN."""

import copy
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gan.metric import feature
from gan.metric.classifier import Classifier, bend
from gan.network.semi import Guess

DECAY = 0.99  # of a step, for the average of the weights
DISTORT = 1.0  # pixels, the standard deviation of an elastic displacement
RAMP, MOST = 0.6, 0.3  # of pseudo-labels: the share of the steps in which their weight grows, and to what


class Lesson(NamedTuple):
    """Images [N, C, H, W] to learn from, guessed labels [N] (-1: none), and their weight."""

    x: Tensor
    y: Tensor
    weight: float


class Method(Protocol):
    """A lesson of unlabelled images ``x`` [N, C, H, W]; ``over``: the share of the steps done."""

    def __call__(self, classifier: Classifier, average: Classifier, x: Tensor, over: float) -> Lesson: ...


class PseudoLabels:
    """The classifier's own guess for every image (Lee 2013, equations 15 and 16).

    Their weight grows linearly from 0 to ``MOST``.
    """

    def __init__(self, seed: int) -> None:
        self.source = torch.Generator().manual_seed(seed)

    def __call__(self, classifier: Classifier, average: Classifier, x: Tensor, over: float) -> Lesson:
        x = feature.jitter(x, self.source)
        return Lesson(x, classifier.eval()(x)[1].argmax(1), MOST * min(1.0, over / RAMP))


class Consistency:
    """FixMatch (Sohn et al. 2020, section 2.2) with the threshold of FreeMatch (Wang et al. 2023).

    The averaged classifier guesses from an image, and the classifier learns the guess from the same
    image distorted. One in four stays as it is, as those are that will be read. Uncertain guesses
    do not count.
    """

    def __init__(self, seed: int, classes: int) -> None:
        self.source, self.guess = torch.Generator().manual_seed(seed), Guess(classes)

    def __call__(self, classifier: Classifier, average: Classifier, x: Tensor, over: float) -> Lesson:
        y = self.guess(average(x)[1])
        return Lesson(bend(x, self.source, DISTORT), y, 1.0)


def learn(
    labelled: Iterator[tuple[Tensor, Tensor]],
    unlabelled: Iterator[tuple[Tensor, Tensor]],
    method: Method,
    classes: int,
    steps: int,
    lr: float,
    seed: int,
    bf16: bool,
) -> Classifier:
    """The average of a classifier that was fitted to ``steps`` batches of each kind.

    Batches are x [N, C, H, W] in [-1, 1] and y int64 [N]; of the second kind, y is not used. As in
    :func:`gan.metric.feature.learn`, AdamW and one cycle of the learning rate.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step in range(steps):
            (x, y), (z, _) = next(labelled), next(unlabelled)
            if not step:
                classifier = Classifier(classes, *x.shape[1:3]).to(memory_format=torch.channels_last)
                average = copy.deepcopy(classifier).eval().requires_grad_(False)
                optimizer = torch.optim.AdamW(classifier.parameters(), lr=lr, weight_decay=1e-2, fused=True)
                cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16), torch.no_grad():
                lesson = method(classifier, average, z, step / steps)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):  # anew: it keeps weights as they were
                both = torch.cat([x, lesson.x]).to(memory_format=torch.channels_last)
                logits = classifier.train()(both)[1].float()
            guessed = cross_entropy(logits[len(x) :], lesson.y, ignore_index=-1, reduction="sum") / len(z)
            loss = cross_entropy(logits[: len(x)], y) + lesson.weight * guessed
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            _follow(average, classifier, min(DECAY, (1 + step) / (10 + step)))
    return average


@torch.no_grad()
def _follow(average: Classifier, classifier: Classifier, decay: float) -> None:
    for mine, other in zip(average.state_dict().values(), classifier.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(other, 1 - decay)
