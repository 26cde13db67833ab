"""Blocks that several networks share."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, interpolate
from torch.nn.utils.parametrizations import spectral_norm

from gan.network import Verdict


def stages(size: int) -> tuple[int, int]:
    """The base >= 4 that doubles to ``size`` in the most stages, and how many: 28 is 7 in 2, 32 is 4 in 3.

    Raises ValueError where ``size`` is no base times 2^n with n >= 1.
    """
    base, count = size, 0
    while base % 2 == 0 and base >= 8:
        base, count = base // 2, count + 1
    if not count:
        raise ValueError(f"network: image size {size} is not base * 2^n with base >= 4 and n >= 1 (28, 32, 64 are)")
    return base, count


def widths(width: int, count: int) -> list[int]:
    """Channels after each of ``count`` halvings of an image that has ``width`` at full size: 16, 32, 64 for 16 and 2."""
    return [width * 2**i for i in range(count + 1)]


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


def spectral(network: nn.Module) -> None:
    """Divide every weight by its largest singular value, by one step of power iteration a pass (Miyato et al. 2018).

    After the initialisation, from which the first estimate is made. Norms stay as they are.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d):
            spectral_norm(module)
        if isinstance(module, Head) and module.embed is not None:
            spectral_norm(module.embed)


def of_class(table: Tensor, y: Tensor) -> Tensor:
    """Rows [N, width] of a ``table`` [classes, width] for labels int64 [N], or their mixtures for shares [N, classes]."""
    return y.to(table.dtype) @ table if y.dim() == 2 else embedding(y, table)


class Labelled(nn.Module):
    """A latent [N, latent] and the embedding of its class side by side, [N, width]: the input of a generator."""

    def __init__(self, latent: int, classes: int) -> None:
        super().__init__()
        self.classes, self.width = classes, latent * 2 if classes else latent
        self.embed = nn.Embedding(max(classes, 1), latent if classes else 0)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] and labels [N] or shares [N, classes], ignored where there are no classes."""
        return torch.cat([z, of_class(self.embed.weight, y if self.classes else torch.zeros_like(y))], 1)


class Head(nn.Module):
    """The end of a discriminator: from features [N, features] and labels [N] to a verdict.

    ``condition`` says how the label enters, where there are ``classes``: "projection" adds the inner product of the features
    and the class's embedding, times ``scale``, to the logit (Miyato & Koyama 2018, equation 3); "auxiliary" also guesses the
    class (Odena et al. 2017, section 4); "both" does the one and the other. ``scale`` is 1 over the root of ``features``,
    since embeddings are standard normal; where it is given, it is for embeddings under spectral norm, which start small
    because a step then turns them further.
    Raises ValueError for another condition.
    """

    def __init__(self, features: int, classes: int, condition: str, scale: float | None = None) -> None:
        super().__init__()
        if condition not in ("projection", "auxiliary", "both"):
            raise ValueError(
                f"network.condition must be projection, auxiliary or both, got {condition}; network.classes=0 for none"
            )
        self.scale = features**-0.5 if scale is None else scale
        self.logit = nn.Linear(features, 1)
        self.embed = nn.Embedding(classes, features) if classes and condition != "auxiliary" else None
        if self.embed is not None and scale is not None:
            nn.init.normal_(self.embed.weight, 0, 0.05)
        self.guess = nn.Linear(features, classes) if classes and condition != "projection" else None

    def forward(self, features: Tensor, y: Tensor) -> Verdict:
        """Features [N, features] and labels [N] to a verdict."""
        logits = self.logit(features).squeeze(1)
        likelihood = torch.zeros_like(logits)
        if self.embed is not None:
            logits = logits + (features * self.embed(y)).sum(1) * self.scale
        if self.guess is not None:
            likelihood = -cross_entropy(self.guess(features).float(), y, reduction="none")
        return Verdict(logits, likelihood)


class ClassNorm(nn.Module):
    """Batch norm whose scale and shift are the class's own (Dumoulin et al. 2017; Miyato & Koyama 2018, section 5).

    Classes start a little apart, so that the discriminator has something to tell them by.
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
        """Values [N, channels, H, W] and labels [N], ignored where there are no classes."""
        y = y if self.classes else torch.zeros_like(y)
        x = self.norm(x)
        scale, shift = (of_class(table, y).to(x.dtype)[:, :, None, None] for table in (self.scale, self.shift))
        return torch.addcmul(shift, x, scale)


class Up(nn.Module):
    """A residual block that doubles an image: class norm, ReLU, twice (Miyato et al. 2018, figure 8)."""

    def __init__(self, before: int, after: int, classes: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([ClassNorm(before, classes), ClassNorm(after, classes)])
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.short = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Values [N, before, H, W] and labels [N] to [N, after, 2H, 2W]."""
        h = self.first(interpolate(self.norms[0](x, y).relu(), scale_factor=2))
        h = self.second(self.norms[1](h, y).relu())
        # A 1x1 convolution costs less before doubling, and is the same.
        return torch.add(h, interpolate(self.short(x), scale_factor=2))


class Down(nn.Module):
    """A residual block without norms that halves an image, or keeps its size (Miyato et al. 2018, figure 8)."""

    def __init__(self, before: int, after: int, halve: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.short = nn.Conv2d(before, after, 1)
        self.halve: nn.Module = nn.AvgPool2d(2) if halve else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Values [N, before, H, W] to [N, after, H / 2, W / 2], or [N, after, H, W]."""
        return torch.add(self.halve(self.second(self.first(x.relu()).relu())), self.short(self.halve(x)))
