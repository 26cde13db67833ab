"""A generator that draws in a wanted style, and what else a page computes, as programs.

Masks are float32, and 1 is true. A program has one shape for all requests, so a mask takes the
place of a list.
"""

import logging
from functools import partial

import torch
from torch import Tensor, nn

from gan import sample
from gan.digits import layout
from gan.digits.style import Axes, reframe
from gan.digits.taste import find_taste
from gan.error import UserError
from gan.export import program
from gan.lab import Lab
from gan.metric.feature import Frozen
from gan.network import Generator

log = logging.getLogger(__name__)


class Steered(nn.Module):
    """Draws images [N, C, H, W] of latents [N, D] and shares of classes [N, K] in a style.

    ``style`` [N, 4] is in standard deviations of :data:`gan.digits.attribute.NAMES`; ``held``
    [N, 4] masks those that are wanted, and ``kept`` [N, 4] those that are otherwise as the hands of
    the latents ``hand`` [N, D] have them, as :class:`gan.digits.line.Pen` does. Also returns the
    wanted attributes [N, 4] in their units, for :class:`Finish`, and the style [N, 4] that the
    digits would have if nothing were held.
    """

    def __init__(self, generator: Generator, axes: Axes) -> None:
        super().__init__()
        self.generator = generator
        self.names = [f"axes_{name}" for name in vars(axes)]  # of buffers, apart from those of nodes as "mean"
        for name, value in zip(self.names, vars(axes).values(), strict=True):
            self.register_buffer(name, value)

    def forward(
        self, z: Tensor, shares: Tensor, hand: Tensor, kept: Tensor, style: Tensor, held: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        axes = Axes(*(getattr(self, name) for name in self.names))
        hands = axes.hand_style(hand)
        wanted = torch.where(held > 0, style, hands)
        x = self.generator(axes.steer(z, shares, wanted, (held > 0) | (kept > 0)), shares)
        return x, axes.measured(style, shares), torch.where(kept > 0, hands, axes.expected(z, shares))


class Finish(nn.Module):
    """Shears and stretches images [N, C, H, W] to the wanted slant, width and height [N, 4].

    Of what is not ``held`` [N, 4], images stay as they are.
    """

    def forward(self, x: Tensor, wanted: Tensor, held: Tensor) -> Tensor:
        asked = held > 0
        return torch.where(asked[:, 1:].any(1)[:, None, None, None], reframe(x, wanted, asked), x)


class Read(nn.Module):
    """The chances [N, K] of classes, and the features [N, F], of images [N, C, H, W]."""

    def __init__(self, reader: Frozen) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = self.reader.classify(x)
        return logits.softmax(1), features


class Lean(nn.Module):
    """Shears images [N, 1, H, H] by ``degrees`` [N] to the right: [N, 1, H, 2 H]."""

    def forward(self, x: Tensor, degrees: Tensor) -> Tensor:
        return layout.lean(x, degrees.deg2rad().tan())


def to_onnx(lab: Lab, info: program.Info) -> dict[str, bytes]:
    """ONNX models, with metadata: ``steered`` and ``finish``; ``lean`` of grey images.

    And ``encoder`` and ``read``, if the lab has an encoder and a classifier of its labels, with
    ``taste`` of grey images. A classifier of other classes gives a warning.
    """
    generator = lab.generator
    steered = Steered(generator, lab.axes)
    inputs = partial(_inputs, generator)

    def drawn(count: int) -> dict[str, Tensor]:
        asked = inputs(count)
        with sample.evaluating(steered):
            x, wanted, _ = steered(*asked.values())
        return {"x": x, "wanted": wanted, "held": asked["held"]}

    def image(count: int) -> dict[str, Tensor]:
        return {"x": drawn(count)["x"]}

    def shared(count: int) -> dict[str, Tensor]:
        return image(count) | {"shares": inputs(count)["shares"]}

    def leant(count: int) -> dict[str, Tensor]:
        return image(count) | {"degrees": torch.linspace(-20.0, 20.0, count)}

    found = {
        "steered": program.onnx_of(steered, inputs, ["image", "wanted", "own"], info),
        "finish": program.onnx_of(Finish(), drawn, ["image"], info),
    }
    if generator.shape[0] == 1:
        found["lean"] = program.onnx_of(Lean(), leant, ["image"], info)
    if generator.classes and lab.encoder is not None:  # of labels, a page takes the nearest
        found["encoder"] = program.onnx_of(lab.encoder, shared, ["z"], info)
    if (reader := _find_reader(lab)) is not None:
        found["read"] = program.onnx_of(Read(reader), image, ["chances", "features"], info)
    if reader is not None and generator.shape[0] == 1:
        taste, marked = find_taste(generator, reader), partial(_mark, reader, shared)
        found["taste"] = program.onnx_of(taste, marked, ["liking", "step"], info)
    return found


def _mark(reader: Frozen, shared: program.Inputs, count: int) -> dict[str, Tensor]:
    """Examples of digits to a taste: disliked, without a mark, and liked."""
    x, shares = shared(count).values()
    return {"x": x, "features": reader(x)[0], "shares": shares, "opinion": torch.arange(count) % 3 - 1.0}


def _find_reader(lab: Lab) -> Frozen | None:
    """The classifier of a lab; None if there is none of its classes."""
    try:
        return lab.reader
    except (UserError, FileNotFoundError) as error:
        log.warning("%s; until then, the page checks no digit", error)
        return None


def _inputs(generator: Generator, count: int) -> dict[str, Tensor]:
    """Examples of what a page asks: single and mixed classes; attributes held, kept and neither."""
    z = sample.latents(torch.arange(count), generator.latent)
    shares = torch.eye(max(generator.classes, 1))[torch.arange(count) % max(generator.classes, 1)]
    style = torch.linspace(-1.5, 1.5, 4 * count).view(count, 4)
    held, kept = ((torch.arange(4 * count) % turn > 0).view(count, 4).float() for turn in (3, 5))
    shares = shares.lerp(shares.roll(1, 0), 0.1)
    return {"z": z, "shares": shares, "hand": z.roll(1, 0) + 0.1, "kept": kept, "style": style, "held": held}
