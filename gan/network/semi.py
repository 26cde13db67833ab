"""A conditional GAN from few labels: co-training (S3GAN, Lucic et al. 2019, section 3.2).

The discriminator's auxiliary classifier also guesses the labels that are unknown. It learns from
the known ones, from its own confident guesses (pseudo-labels, Lee 2013), and from fakes. It guesses
from an image as it is and learns from the same image after augment: with a strong one, this is
FixMatch's consistency (Sohn et al. 2020, section 2.2). The networks are those of DCGAN.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from gan.network import Verdict, dcgan

MEMORY = 0.98  # of a batch, for the averages over batches


class Guess(nn.Module):
    """Logits [N, classes] of unlabelled images to labels [N], -1 below an adaptive threshold.

    FreeMatch (Wang et al. 2023, equations 6 to 8): tau is the average confidence E[max p], times
    p(c) / max p(c) for class c, with p(c) its average probability. So rare classes are not lost.
    """

    tau: Tensor
    shares: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("tau", torch.tensor(1 / classes))
        self.register_buffer("shares", torch.full((classes,), 1 / classes))

    @torch.no_grad()
    def forward(self, logits: Tensor) -> Tensor:
        p = logits.float().softmax(1)
        confidence, guess = p.max(1)
        self.tau.lerp_(confidence.mean(), 1 - MEMORY)
        self.shares.lerp_(p.mean(0), 1 - MEMORY)
        least = self.tau * self.shares / self.shares.max()
        return torch.where(confidence >= least[guess], guess, -1)


class Generator(dcgan.Generator):
    """That of DCGAN."""


class Discriminator(dcgan.Discriminator):
    """An image to a verdict. An unknown label, -1, has no likelihood and adds nothing to the logit.

    With ``condition`` projection there is no auxiliary classifier, and so nothing that guesses.
    """

    def __init__(
        self, size: int, channels: int, classes: int, width: int, depth: int, norm: str, condition: str
    ) -> None:
        super().__init__(size, channels, classes, width, depth, norm, condition)
        self.classes, self.guess = classes, Guess(max(classes, 1))
        self.needs_labels = self.head.guess is None

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        if self.head.guess is None:
            return super().forward(x, y)
        known = one_hot(y.clamp(min=0), self.classes) * (y >= 0)[:, None]
        return self.head(self.stack(x), known.float())

    def classify(self, x: Tensor) -> Tensor:
        """The logits [N, classes] of images [N, C, H, W] by the auxiliary classifier."""
        assert self.head.guess is not None
        logits: Tensor = self.head.guess(self.stack(x))
        return logits

    @torch.no_grad()
    def complete(self, x: Tensor, y: Tensor) -> Tensor:
        """The labels ``y`` [N] of images [N, C, H, W], with confident guesses for unknown ones."""
        return y if self.needs_labels else torch.where(y < 0, self.guess(self.classify(x)), y)
