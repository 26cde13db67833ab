"""Networks: shapes, ranges, conditions."""

import copy
import inspect
import math
from types import ModuleType

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

from gan.error import UserError
from gan.network import Discriminator, Generator, dcgan, equalised, progan, r3gan, report, sagan, sngan

FAMILIES: dict[str, tuple[ModuleType, dict[str, int]]] = {
    "dcgan": (dcgan, {"depth": 1}),
    "equalised": (equalised, {"depth": 1, "fine": 4}),
    "sngan": (sngan, {}),
    "sagan": (sagan, {}),
    "progan": (progan, {"stable_images": 100, "fade_images": 100}),
    "r3gan": (r3gan, {"depth": 1}),
}


def _pair(
    family: str, size: int = 28, channels: int = 1, classes: int = 10, condition: str = "projection"
) -> tuple[Generator, Discriminator]:
    """A small pair of a family."""
    module, extra = FAMILIES[family]
    norm = {"norm": "none"} if family in ("dcgan", "equalised") else {}
    generator = module.Generator(size, channels, classes, latent=16, width=8, **extra)
    return generator, module.Discriminator(size, channels, classes, width=8, condition=condition, **extra, **norm)


def test_the_report_is_layer_for_layer_the_report() -> None:
    g, d = report.Generator(28, 1, 100), report.Discriminator(28, 1)
    # dense + its norm, two transposed convolutions without bias, one norm
    assert sum(p.numel() for p in g.parameters()) == 100 * 3136 + 2 * 3136 + 64 * 32 * 25 + 2 * 32 + 32 * 25
    assert sum(p.numel() for p in d.parameters()) == 32 * 25 + 32 + 32 * 64 * 25 + 64 + 3136 + 1
    norms = [m for m in g.modules() if isinstance(m, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}
    assert {m.negative_slope for net in (g, d) for m in net.modules() if isinstance(m, torch.nn.LeakyReLU)} == {0.3}
    z, y = torch.randn(4, 100), torch.zeros(4, dtype=torch.long)
    assert g(z, y).shape == (4, 1, 28, 28)
    assert d(g(z, y), y).logits.shape == (4,)


def test_glorot_bounds_hold() -> None:
    weight = report.Generator(28, 1, 100).dense[0].weight
    bound = (6 / (100 + 3136)) ** 0.5
    assert bound * 0.99 < weight.abs().max() <= bound


def _grow(*nets: nn.Module, images: int) -> None:
    """Grow networks that can, as after ``images`` images."""
    for part in (part for net in nets for part in net.modules()):
        if isinstance(part, progan.Growth):
            part.images.fill_(images)


@pytest.mark.parametrize("size", [28, *(pytest.param(size, marks=pytest.mark.slow) for size in (32, 48))])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("classes", "condition"), [(0, "projection"), (10, "projection"), (10, "auxiliary"), (10, "both")]
)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_speaks_any_size_channels_and_classes(
    family: str, size: int, channels: int, classes: int, condition: str
) -> None:
    g, d = _pair(family, size, channels, classes, condition)
    _grow(g, d, images=10_000)
    z, y = torch.randn(4, 16), torch.tensor([0, 5, 9, 3])
    x = g(z, y)
    assert x.shape == (4, channels, size, size)
    assert x.abs().max() <= 1
    logits, likelihood = d(x, y)
    assert logits.shape == likelihood.shape == (4,)
    # The label matters where there are classes and nowhere else.
    g.eval(), d.eval()
    other = torch.tensor([1, 6, 0, 4])
    assert torch.equal(g(z, y), g(z, other)) == (classes == 0)
    assert torch.equal(d(x, y).logits, d(x, other).logits) == (classes == 0 or condition == "auxiliary")
    assert torch.equal(d(x, y).likelihood, d(x, other).likelihood) == (condition == "projection")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_learns_and_an_average_is_a_network_of_its_own(family: str) -> None:
    g, d = _pair(family)
    _grow(g, d, images=350)  # in the last fade, where all of a growing network is used but its first image layers
    y = torch.arange(8)
    with torch.no_grad():
        for p in (*g.parameters(), *d.parameters()):  # shares and last layers that start at 0 hide what is before them
            p.add_(torch.randn_like(p) * 0.05)
    d(g(torch.randn(8, 16), y), y).logits.sum().backward()
    idle = {name for net in (g, d) for name, p in net.named_parameters() if p.grad is None or not p.grad.any()}
    assert {name.split(".")[0] for name in idle} <= {"to_image", "from_image"}
    again, z = copy.deepcopy(g.eval()), torch.randn(2, 16)
    before = g(z, y[:2])
    assert torch.equal(again(z, y[:2]), before)
    with torch.no_grad():
        for p in again.parameters():
            p.add_(torch.randn_like(p))
    assert not torch.equal(again(z, y[:2]), before)
    assert torch.equal(g(z, y[:2]), before)


@pytest.mark.parametrize("family", ["sngan", "sagan"])
def test_the_largest_singular_value_under_spectral_norm_is_one(family: str) -> None:
    g, d = _pair(family)
    normed = [net for net in (d, g) if net is d or family == "sagan"]
    for _ in range(100):  # each pass refines the estimate by a step
        d(g(torch.randn(2, 16), torch.zeros(2, dtype=torch.long)), torch.zeros(2, dtype=torch.long))
    weights = [m.weight for net in normed for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    weights += [d.head.embed.weight]
    assert len(weights) >= 12
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_attention_is_the_sum_over_all_places() -> None:
    attention, x = sagan.Attention(16), torch.randn(2, 16, 6, 6)
    assert torch.equal(attention(x), x)  # its share starts at 0
    nn.init.ones_(attention.share)
    query = attention.query(x).flatten(2)
    key, value = (torch.nn.functional.max_pool2d(f(x), 2).flatten(2) for f in (attention.key, attention.value))
    weight = torch.einsum("ncq,nck->nqk", query, key).softmax(2)
    looked = torch.einsum("nqk,nck->ncq", weight, value).view(2, 8, 6, 6)
    torch.testing.assert_close(attention(x), x + attention.out(looked))


def test_a_new_r3gan_block_is_the_identity_and_its_sizes_change_by_means() -> None:
    x = torch.randn(2, 16, 8, 8)
    block = r3gan.Block(16)
    nn.init.zeros_(block.close.weight)
    assert torch.equal(block(x), x)
    torch.testing.assert_close(avg_pool2d(x, 2), interpolate(x, scale_factor=0.5, mode="bilinear"))
    assert all(
        not m.close.weight.any() for m in r3gan.Generator(28, 1, 10, 16, 16, 2).modules() if isinstance(m, r3gan.Block)
    )
    assert not [m for net in _pair("r3gan") for m in net.modules() if "Norm" in type(m).__name__]


NUMBERS = {"size": 28, "channels": 1, "classes": 10, "latent": 16, "width": 8}
STRANGE = [-1, 2.5, 10**10, 10**30, math.nan, math.inf, "8", None, [8], True]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_number_of_a_network_has_a_range(family: str, value: object) -> None:
    module, extra = FAMILIES[family]
    for kind in (module.Generator, module.Discriminator):
        takes = inspect.signature(kind).parameters
        numbers = {name: number for name, number in (NUMBERS | extra).items() if name in takes}
        words = {name: word for name, word in {"condition": "both", "norm": "none"}.items() if name in takes}
        assert takes.keys() == (numbers | words).keys()
        for name in numbers:
            with pytest.raises(UserError, match=rf"\.{name} must be a whole number from \d to [\d,]+, got "):
                kind(**numbers | words | {name: value})


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("large", [{"size": 1024, "width": 1024}, {"size": 1022, "width": 64}], ids=str)
def test_numbers_that_are_too_large_together_are_refused(family: str, large: dict[str, int]) -> None:
    module, extra = FAMILIES[family]
    with pytest.raises(UserError, match=r"network\.width=\d+ makes [\d,]+ channels of \d+x\d+ pixels at this data"):
        module.Generator(**NUMBERS | extra | large)


def test_depth_and_width_make_a_family() -> None:
    small, deep, wide = (
        sum(p.numel() for p in dcgan.Generator(28, 1, 10, 16, w, n).parameters()) for w, n in ((8, 0), (8, 2), (16, 0))
    )
    assert small < deep
    assert small < wide
