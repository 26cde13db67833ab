"""The encoder: from an image of a digit and its label to a latent that draws it.

A small network learns it for one generator, by what the generator draws from its latents.
:mod:`gan.digits.invert` starts from it.
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from gan import file, foreign, sample
from gan.digits import attribute
from gan.digits.style import Axes
from gan.error import UserError
from gan.foreign import Refused
from gan.image import to_float
from gan.network import Generator
from gan.network.layer import ClassNorm

log = logging.getLogger(__name__)
WIDTH = 32  # channels of the first convolution
HIDDEN = 256
SMALLEST = 4  # pixels of a side, to which convolutions halve an image
PRIOR = 1e-3  # weight of the latent's mean square, which keeps it among usual latents
RISE = 0.15  # share of the steps in which the learning rate rises
COMMAND = "python -m gan.fit_encoder"


class Encoder(nn.Module):
    """Images [N, C, H, W] in [-1, 1] and labels, as a generator takes them, to latents [N, D]."""

    def __init__(self, latent: int, classes: int, channels: int, size: int) -> None:
        super().__init__()
        layers, width = [], WIDTH
        while size > SMALLEST:
            layers.append(nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False))
            channels, width, size = width, 2 * WIDTH, -(-size // 2)
        layers.append(nn.Conv2d(channels, HIDDEN, size, bias=False))
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList([ClassNorm(layer.out_channels, classes) for layer in layers])
        self.last = nn.Linear(HIDDEN, latent)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = leaky_relu(norm(layer(x), y), 0.2)
        z: Tensor = self.last(x.flatten(1))
        return z.float()


def make_encoder(generator: Generator) -> Encoder:
    """An encoder with random weights for the latents, classes and images of ``generator``."""
    channels, size, _ = generator.shape
    return Encoder(generator.latent, generator.classes, channels, size)


def residuals(x: Tensor, image: Tensor) -> Tensor:
    """Differences [N, R] of images [N, C, H, W], whose squares sum to their :func:`distance`."""
    apart = (x - image).flatten(1)
    coarse = avg_pool2d(x - image, 4, 2).flatten(1)
    return torch.cat([apart / apart.shape[1] ** 0.5, coarse * (2 / coarse.shape[1]) ** 0.5], 1)


def distance(x: Tensor, image: Tensor) -> Tensor:
    """Mean square differences [N] of pixels, and twice those of 4x4 means."""
    return residuals(x, image).square().sum(1)


def error(x: Tensor, image: Tensor) -> Tensor:
    """Mean absolute differences [N] of pixels in [0, 1], of images in [-1, 1]."""
    return (x - image).abs().flatten(1).mean(1) / 2


def fit(
    generator: Generator,
    images: Tensor,
    labels: Tensor,
    steps: int,
    lr: float,
    batch: int,
    seed: int,
    bf16: bool = False,
) -> Iterator[Encoder]:
    """Fit an encoder to real images, bytes [N, C, H, W], and their labels int64 [N].

    It minimises the :func:`distance` of what ``generator`` draws. Yields the encoder in evaluation
    mode after each step. Adam, one cycle of the learning rate (Smith 2018). ``seed`` determines the
    weights and the order of the images. ``bf16`` is faster with native support.
    """
    with torch.random.fork_rng(devices=[]), sample.evaluating(generator), torch.enable_grad():
        torch.manual_seed(seed)
        encoder = make_encoder(generator).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(encoder.parameters(), lr, betas=(0.9, 0.99), fused=True)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=RISE)
        order = torch.empty(0, dtype=torch.long)
        for _ in range(steps):
            while len(order) < batch:
                order = torch.cat([order, torch.randperm(len(images))])
            some, order = order[:batch], order[batch:]
            x, y = to_float(images[some]).contiguous(memory_format=torch.channels_last), labels[some]
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                z = encoder.train()(x, y)
                drawn = generator(z, y)
            loss = distance(drawn.float(), x).mean() + PRIOR * z.square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            yield encoder.eval()


def figures(encoder: Encoder, generator: Generator, axes: Axes, images: Tensor, labels: Tensor) -> dict[str, Any]:
    """What tells how near the digits are that the encoder has drawn again.

    ``error``: the mean of the images' mean absolute differences. ``style``: the correlation of each
    attribute of the images with that of the drawings, over all digits; ``style_in_class``: of their
    deviations from the mean of the class. ``ms_a_digit``: of one digit alone.
    """
    x = to_float(images)
    with torch.no_grad():
        z = torch.cat([encoder(*some) for some in zip(x.split(100), labels.split(100), strict=True)])
        began = time.perf_counter()
        for i in range(min(50, len(x))):
            encoder(x[i : i + 1], labels[i : i + 1])
        seconds = (time.perf_counter() - began) / min(50, len(x))
    drawn = torch.cat(list(sample.images(generator, z, labels)))
    apart = error(drawn, x)
    measured = torch.stack([attribute.measure(x), attribute.measure(drawn)])
    standard = (measured - axes.mean[labels]) / axes.std[labels]
    return {
        "images": len(x),
        "error": apart.mean().item(),
        "error_median": apart.median().item(),
        "style": _correlations(measured),
        "style_in_class": _correlations(standard),
        "ms_a_digit": round(1000 * seconds, 2),
    }


def _correlations(values: Tensor) -> dict[str, float]:
    """The correlation of each attribute in values [2, N, 4]."""
    return {name: torch.corrcoef(values[:, :, i])[0, 1].item() for i, name in enumerate(attribute.NAMES)}


def encoder_path(ckpt: Path) -> Path:
    """Where the encoder of a generator's file lies: best_encoder.safetensors beside best.ckpt."""
    return ckpt.with_name(f"{ckpt.stem}_encoder.safetensors")


def load_encoder(ckpt: Path, generator: Generator, sha256: str) -> Encoder | None:
    """The encoder beside a generator's file; None without one.

    ``sha256`` is that of the generator's weights: an encoder of others gives a warning and None.
    The files may be a stranger's: they are read as plain data. Raises UserError if they are
    damaged.
    """
    path = encoder_path(ckpt)
    if not path.is_file():
        return None
    try:
        card = foreign.load_object(path.with_suffix(".json"))
        if card.get("generator_sha256") != sha256:
            log.warning("like: %s belongs to another generator, so it is not used: %s fits one", path, COMMAND)
            return None
        if card.get("sha256") != file.sha256(path):
            raise Refused("its sha256 is not that of its JSON")
        return _build(generator, foreign.load_tensors(path))
    except (FileNotFoundError, Refused) as error:
        reason = "its JSON is missing" if isinstance(error, FileNotFoundError) else error
        raise UserError(f"like: {path} is not loaded: {reason}: delete it, or fit it again by {COMMAND}") from error


def _build(generator: Generator, state: dict[str, Tensor]) -> Encoder:
    """The encoder with the weights ``state``. Raises Refused if they do not fit."""
    encoder = make_encoder(generator)
    fits = {name: value.shape for name, value in state.items()} == {
        name: value.shape for name, value in encoder.state_dict().items()
    }
    if not fits or not all(value.isfinite().all() for value in state.values()):
        raise Refused("its weights do not fit its generator, or are NaN or infinite")
    encoder.load_state_dict(state)
    return encoder.requires_grad_(False).eval()
