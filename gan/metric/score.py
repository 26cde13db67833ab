"""Scores that torchmetrics lacks or that need another form here.

All take ``update(imgs, real, labels)`` or a part of it: images [N, C, H, W] in [-1, 1], whether
they are real, and the labels int64 [N] they were generated for (-1: no label).
"""

import warnings

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.image import inception

from gan.metric.feature import Logits


class InceptionScore(inception.InceptionScore):
    """The Inception Score of fakes under the logits of ``feature`` (Salimans et al. 2016, 4).

    IS = exp E_x[ KL(p(y|x) || p(y)) ]: 1 for one class or for noise, the number of classes at best.
    Unlike torchmetrics', it always draws the same order, and leaves the global generator alone.
    """

    def __init__(self, feature: nn.Module, splits: int = 1) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*will save all extracted features", UserWarning)
            super().__init__(feature=feature, splits=splits, normalize=False)

    def update(self, imgs: Tensor, real: bool) -> None:  # type: ignore[override]
        if not real:
            super().update(imgs)

    def compute(self) -> Tensor:  # type: ignore[override]
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "std", UserWarning)  # one split has no standard deviation
            torch.manual_seed(0)
            return super().compute()[0]


class SmallestClass(Metric):
    """Share of the rarest class among classified fakes: from 0 to, at best, 1 / classes."""

    higher_is_better = True
    counts: Tensor

    def __init__(self, feature: Logits) -> None:
        super().__init__()
        self.feature = feature
        self.add_state("counts", torch.zeros(feature.num_features, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, imgs: Tensor, real: bool) -> None:
        if not real:
            self.counts += torch.bincount(self.feature(imgs).argmax(1), minlength=len(self.counts))

    def compute(self) -> Tensor:
        return self.counts.min() / self.counts.sum()


class ModesCovered(SmallestClass):
    """The number of classes among classified fakes (Metz et al. 2017, section 3.3.1).

    modes = #{k: n_k > 0}: all classes at best, 1,000 for stacked MNIST. It grows with the number of
    fakes N: if they were spread evenly over K classes, it would be K (1 - (1 - 1/K)^N) on average.
    """

    def compute(self) -> Tensor:
        return (self.counts > 0).sum()


class ModeKL(SmallestClass):
    """How unevenly fakes fall into classes (Metz et al. 2017; Srivastava et al. 2017, section 4.2).

    KL(p || uniform) = sum_k p_k ln(K p_k) with p_k = n_k / N, in nats: 0 at best, ln K for a single
    class. It falls with the number of fakes N: about (K - 1) / 2N is due to chance.
    """

    higher_is_better = False

    def compute(self) -> Tensor:
        p = self.counts.double() / self.counts.sum()
        return p.xlogy(p * len(p)).sum()


class LabelAgreement(Metric):
    """Share of fakes classified as the label they were generated for; NaN if none has a label."""

    higher_is_better = True
    hits: Tensor
    count: Tensor

    def __init__(self, feature: Logits) -> None:
        super().__init__()
        self.feature = feature
        self.add_state("hits", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, imgs: Tensor, real: bool, labels: Tensor) -> None:
        if not real:
            labelled = labels >= 0
            self.hits += ((self.feature(imgs).argmax(1) == labels) & labelled).sum()
            self.count += labelled.sum()

    def compute(self) -> Tensor:
        return self.hits / self.count
