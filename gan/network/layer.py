"""Blocks that several networks share."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, interpolate
from torch.nn.utils.parametrizations import spectral_norm

from gan.error import UserError
from gan.network import Verdict
from gan.validate import integer


def split_size(size: int) -> tuple[int, int]:
    """Return the least base >= 4, and n, with size = base * 2^n (28: 7, 2). UserError if n = 0."""
    base, count = size, 0
    while base % 2 == 0 and base >= 8:
        base, count = base // 2, count + 1
    if not count:
        raise UserError(f"network: image size {size} is not base * 2^n with base >= 4 and n >= 1 (28, 32, 64 are)")
    return base, count


def widths(width: int, count: int, base: int) -> list[int]:
    """Return channels at full size and after each of ``count`` halvings: (16, 2) is 16, 32, 64.

    Raises UserError if there are more than 2,048, or more than 2^18 values of ``base`` x ``base``.
    """
    found = [integer("network.width", width, 1, 1024) * 2**i for i in range(count + 1)]
    if (last := found[-1]) > 2048 or last * base**2 > 2**18:
        reason = f"makes {last:,} channels of {base}x{base} pixels"
        raise UserError(f"network.width={width} {reason} at this data.size, which is too large: choose a smaller one")
    return found


def validate_depth(depth: int) -> int:
    """``depth``, the layers at each size. Raises UserError unless it is in [0, 32]."""
    return integer("network.depth", depth, 0, 32)


def he_normal(module: nn.Module) -> None:
    """He normal weights for leaky ReLU 0.2 and zero biases (He et al. 2015, equation 15)."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, 0.2, nonlinearity="leaky_relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def glorot_uniform(module: nn.Module) -> None:
    """Glorot uniform weights and zero biases (Glorot & Bengio 2010, equation 16)."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def add_spectral_norm(network: nn.Module) -> None:
    """Divide each initialised weight by its largest singular value (Miyato et al. 2018).

    Power iteration estimates it. Norm layers are left out.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d):
            spectral_norm(module)
        if isinstance(module, Head) and module.embed is not None:
            spectral_norm(module.embed)


def look_up(table: Tensor, y: Tensor) -> Tensor:
    """Return rows of ``table`` [classes, width] for labels [N] or mixtures [N, classes]."""
    return y.to(table.dtype) @ table if y.dim() == 2 else embedding(y, table)


class Labelled(nn.Module):
    """Latents [N, latent] beside embeddings of labels [N] or mixtures [N, classes]: [N, width]."""

    def __init__(self, latent: int, classes: int) -> None:
        super().__init__()
        self.classes, self.width = classes, latent * 2 if classes else latent
        self.embed = nn.Embedding(max(classes, 1), latent if classes else 0)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return torch.cat([z, look_up(self.embed.weight, y if self.classes else torch.zeros_like(y))], 1)


class Head(nn.Module):
    """The last layer of a discriminator: features [N, features] and labels to a verdict.

    Labels are [N], or mixtures [N, classes], in which a row of zeros adds nothing.

    With ``classes``, ``condition`` "projection" adds the inner product of features and class
    embedding, times ``scale``, to the logit (Miyato & Koyama 2018, equation 3), "auxiliary"
    classifies the image (Odena et al. 2017, section 4), and "both" does both. Embeddings are
    standard normal, and ``scale`` None is 1 / sqrt(features). A given ``scale`` is for embeddings
    under spectral norm: they start small, so that a step turns them further.
    """

    __call__: Callable[["Head", Tensor, Tensor], Verdict]

    def __init__(self, features: int, classes: int, condition: str, scale: float | None = None) -> None:
        super().__init__()
        if condition not in ("projection", "auxiliary", "both"):
            message = f"network.condition must be projection, auxiliary or both, got {condition}"
            raise UserError(f"{message}; network.classes=0 for no labels")
        self.scale = features**-0.5 if scale is None else scale
        self.logit = nn.Linear(features, 1)
        self.embed = nn.Embedding(classes, features) if classes and condition != "auxiliary" else None
        if self.embed is not None and scale is not None:
            nn.init.normal_(self.embed.weight, 0, 0.05)
        self.guess = nn.Linear(features, classes) if classes and condition != "projection" else None

    def forward(self, features: Tensor, y: Tensor) -> Verdict:
        logits = self.logit(features).squeeze(1)
        likelihood = torch.zeros_like(logits)
        if self.embed is not None:
            logits = logits + (features * look_up(self.embed.weight, y)).sum(1) * self.scale
        if self.guess is not None:
            likelihood = -cross_entropy(self.guess(features).float(), y, reduction="none")
        return Verdict(logits, likelihood)


class ClassNorm(nn.Module):
    """Batch norm with scale and shift for each class (Dumoulin et al. 2017; Miyato & Koyama 2018).

    Classes start slightly different, so that the discriminator can tell them apart from the start.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Parameter(torch.ones(max(classes, 1), channels))
        self.shift = nn.Parameter(torch.zeros(max(classes, 1), channels))
        if classes:
            nn.init.normal_(self.scale, 1, 0.2)
            nn.init.normal_(self.shift, 0, 0.2)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Values [N, channels, H, W] and labels [N] or mixtures [N, classes]."""
        y = y if self.classes else torch.zeros_like(y)
        scale, shift = (look_up(table, y).to(x.dtype)[:, :, None, None] for table in (self.scale, self.shift))
        return torch.addcmul(shift, self.norm(x), scale)


class Up(nn.Module):
    """A residual block [N, before, H, W] to [N, after, 2H, 2W] (Miyato et al. 2018, figure 8)."""

    def __init__(self, before: int, after: int, classes: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([ClassNorm(before, classes), ClassNorm(after, classes)])
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.short = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.first(interpolate(self.norms[0](x, y).relu(), scale_factor=2))
        h = self.second(self.norms[1](h, y).relu())
        # A 1x1 convolution gives the same before and after doubling, and costs less before it.
        return torch.add(h, interpolate(self.short(x), scale_factor=2))


class Down(nn.Module):
    """A residual block without norms that may halve an image (Miyato et al. 2018, figure 8)."""

    def __init__(self, before: int, after: int, halve: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.short = nn.Conv2d(before, after, 1)
        self.halve: nn.Module = nn.AvgPool2d(2) if halve else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Values [N, before, H, W] to [N, after, H / 2, W / 2], or [N, after, H, W]."""
        return torch.add(self.halve(self.second(self.first(x.relu()).relu())), self.short(self.halve(x)))
