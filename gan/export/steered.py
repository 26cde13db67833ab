"""A generator that draws in a wanted style, as programs for a page, and its encoder.

The first two compute what :class:`gan.digits.style.Axes` does. A mask takes the place of its list
of held attributes, and a closed form that of its solver: a program has one shape for all requests.
"""

from functools import partial

import torch
from torch import Tensor, nn

from gan import sample
from gan.digits import attribute
from gan.digits.encoder import Encoder
from gan.digits.style import DAMPING, IN_LATENT, Axes, attributes_of, reframe
from gan.export import program
from gan.network import Generator


class Steered(nn.Module):
    """Draws images [N, C, H, W] of latents [N, D] and shares of classes [N, K] in a style.

    ``style`` [N, 4] is in standard deviations of :data:`gan.digits.attribute.NAMES`; ``held``
    [N, 4] is 1 for those that are wanted, else 0. Also returns the wanted attributes [N, 4] in
    their units, for :class:`Finish`, and the style [N, 4] that the digits have without a wish.
    """

    weight: Tensor  # of Axes, with its shapes
    bias: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, generator: Generator, axes: Axes) -> None:
        super().__init__()
        self.generator = generator
        for name, value in vars(axes).items():
            self.register_buffer(name, value)

    def forward(self, z: Tensor, shares: Tensor, style: Tensor, held: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight = (shares @ self.weight.flatten(1)).unflatten(1, self.weight.shape[1:])
        own = (weight @ z[:, :, None]).squeeze(2) + shares @ self.bias
        part = list(IN_LATENT)
        w = weight[:, part] * held[:, part, None]
        missing = ((style - own) * held)[:, part, None]
        step = w.mT @ _inverse(w @ w.mT + DAMPING * torch.eye(len(part))) @ missing
        x = self.generator(z + step.squeeze(2), shares)
        return x, shares @ self.mean + (shares @ self.std) * style, own


class Finish(nn.Module):
    """Shears and stretches images [N, C, H, W] to the wanted slant, width and height [N, 4].

    What is not ``held`` [N, 4] stays. It costs as much as drawing, so it is a program of its own.
    """

    def forward(self, x: Tensor, wanted: Tensor, held: Tensor) -> Tensor:
        box = attribute.frame(attribute.ink(x))
        return reframe(x, box, torch.where(held[:, 1:] > 0, wanted[:, 1:], attributes_of(box)))


def to_onnx(generator: Generator, axes: Axes, encoder: Encoder | None, info: program.Info) -> dict[str, bytes]:
    """ONNX models: ``steered``, ``finish`` and ``encoder``, if there is one; with metadata."""
    steered = Steered(generator, axes)
    inputs = partial(_inputs, generator)

    def drawn(count: int) -> dict[str, Tensor]:
        asked = inputs(count)
        with sample.evaluating(steered):
            x, wanted, _ = steered(*asked.values())
        return {"x": x, "wanted": wanted, "held": asked["held"]}

    def seen(count: int) -> dict[str, Tensor]:
        return {"x": drawn(count)["x"], "shares": inputs(count)["shares"]}

    found = {
        "steered": program.onnx_of(steered, inputs, ["image", "wanted", "own"], info),
        "finish": program.onnx_of(Finish(), drawn, ["image"], info),
    }
    return found if encoder is None else found | {"encoder": program.onnx_of(encoder, seen, ["z"], info)}


def _inputs(generator: Generator, count: int) -> dict[str, Tensor]:
    """Examples of what a page asks: single and mixed classes, every attribute held and not."""
    z = sample.latents(torch.arange(count), generator.latent)
    shares = torch.eye(max(generator.classes, 1))[torch.arange(count) % max(generator.classes, 1)]
    style = torch.linspace(-1.5, 1.5, 4 * count).view(count, 4)
    held = (torch.arange(4 * count) % 3 > 0).view(count, 4).float()
    return {"z": z, "shares": shares.lerp(shares.roll(1, 0), 0.1), "style": style, "held": held}


def _inverse(a: Tensor) -> Tensor:
    """The inverse of symmetric matrices [N, 3, 3], by cofactors."""
    p, q, r = a.unbind(1)
    cofactors = torch.stack([_cross(q, r), _cross(r, p), _cross(p, q)], 2)
    return cofactors / (p * cofactors[:, :, 0]).sum(1)[:, None, None]


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a.roll(-1, 1) * b.roll(-2, 1) - a.roll(-2, 1) * b.roll(-1, 1)
