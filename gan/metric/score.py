"""Scores that torchmetrics lacks, and those of its scores that need a different manner here.

All take ``update(imgs, real, labels)`` or a part of it: images [N, C, H, W] in [-1, 1], whether they are real, and the
labels int64 [N] they were made for (-1: made for none).
"""

import warnings
from typing import cast

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.image import inception, kid
from torchmetrics.utilities import dim_zero_cat


class InceptionScore(inception.InceptionScore):
    """The Inception Score of fakes under the logits of ``feature`` (Salimans et al. 2016, section 4).

    IS = exp E_x[ KL(p(y|x) || p(y)) ]: 1 for one class or for noise, the number of classes at best. torchmetrics draws a
    random order from the global generator; here that order is always the same and the global generator stays as it is.
    """

    def __init__(self, feature: nn.Module, splits: int = 1) -> None:
        with warnings.catch_warnings():  # it keeps all "features": here ten numbers for each image
            warnings.filterwarnings("ignore", message=".*will save all extracted features", category=UserWarning)
            super().__init__(feature=feature, splits=splits, normalize=False)

    def update(self, imgs: Tensor, real: bool) -> None:  # type: ignore[override]
        """Take fakes; real images are not what is scored."""
        if not real:
            super().update(imgs)

    def compute(self) -> Tensor:  # type: ignore[override]
        """The mean over the splits, a scalar."""
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="std", category=UserWarning)  # of one split there is none
            torch.manual_seed(0)
            mean, _ = super().compute()
        return mean


class KernelInceptionDistance(kid.KernelInceptionDistance):
    """The kernel distance of fakes from real images under ``feature`` (Binkowski et al. 2018, section 4).

    KID = MMD^2 with the kernel (x y / D + 1)^3, the mean over ``subsets`` random subsets of ``subset_size`` images, or of
    all where there are fewer: 0 at best, without bias, so that it may fall a little below. torchmetrics draws the subsets
    from the global generator; here they are always the same and the global generator stays as it is.
    """

    def __init__(
        self, feature: nn.Module, subsets: int = 100, subset_size: int = 1000, reset_real_features: bool = True
    ) -> None:
        with warnings.catch_warnings():  # it keeps all features: what it is for
            warnings.filterwarnings("ignore", message=".*will save all extracted features", category=UserWarning)
            super().__init__(feature, subsets, subset_size, reset_real_features=reset_real_features)
        self.largest = subset_size

    def update(self, imgs: Tensor, real: bool) -> None:
        """Take real images and fakes."""
        super().update(imgs, real)

    def compute(self) -> Tensor:  # type: ignore[override]
        """The mean over the subsets, a scalar."""
        self.subset_size = min(self.largest, *(len(dim_zero_cat(x)) for x in (self.real_features, self.fake_features)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            mean, _ = super().compute()
        return mean


class SmallestClass(Metric):
    """Share of the rarest class among fakes as a classifier reads them: 1 / classes at best, 0 where one is never made.

    ``feature`` gives logits and says in ``num_features`` how many classes there are.
    """

    higher_is_better = True
    counts: Tensor

    def __init__(self, feature: nn.Module) -> None:
        super().__init__()
        self.feature = feature
        self.add_state("counts", torch.zeros(cast(int, feature.num_features), dtype=torch.long), dist_reduce_fx="sum")

    def update(self, imgs: Tensor, real: bool) -> None:
        """Take fakes; real images are not what is scored."""
        if not real:
            self.counts += torch.bincount(self.feature(imgs).argmax(1), minlength=len(self.counts))

    def compute(self) -> Tensor:
        """A scalar in [0, 1 / classes]."""
        return self.counts.min() / self.counts.sum()


class ModesCovered(SmallestClass):
    """How many classes there are among fakes as a classifier reads them (Metz et al. 2017, section 3.3.1).

    modes = #{k: n_k > 0}: all classes at best, of 1,000 for stacked MNIST. It grows with the number of fakes N: were they
    spread evenly over K classes, K (1 - (1 - 1/K)^N) could be expected.
    """

    def compute(self) -> Tensor:
        """A scalar in [1, classes]."""
        return (self.counts > 0).sum()


class ModeKL(SmallestClass):
    """How unevenly fakes fall into classes as a classifier reads them (Metz et al. 2017; Srivastava et al. 2017, section 4.2).

    KL(p || uniform) = sum_k p_k ln(K p_k) with p_k = n_k / N, in nats: 0 at best, ln K for one class alone. It falls with
    the number of fakes N: about (K - 1) / 2N is chance.
    """

    higher_is_better = False

    def compute(self) -> Tensor:
        """A scalar in [0, ln classes]."""
        p = self.counts.double() / self.counts.sum()
        return cast(Tensor, torch.special.xlogy(p, p * len(p)).sum())


class LabelAgreement(Metric):
    """Share of fakes that a classifier reads as the label they were made for; NaN, and not ``applies``, where none had one."""

    higher_is_better = True
    hits: Tensor
    count: Tensor

    def __init__(self, feature: nn.Module) -> None:
        super().__init__()
        self.feature = feature
        self.add_state("hits", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, imgs: Tensor, real: bool, labels: Tensor) -> None:
        """Take labelled fakes; real images are not what is scored."""
        if not real:
            made = labels >= 0
            self.hits += ((self.feature(imgs).argmax(1) == labels) & made).sum()
            self.count += made.sum()

    @property
    def applies(self) -> bool:
        """Whether any fake had a label."""
        return bool(self.count)

    def compute(self) -> Tensor:
        """A scalar in [0, 1]."""
        return self.hits / self.count
