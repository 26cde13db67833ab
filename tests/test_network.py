"""Networks: shapes, ranges, conditions."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from gan.network import Verdict, dcgan, progan, r3gan, report, sagan, sngan
from gan.network.fast import Double, Halve, LeakyDropout, random_bits
from gan.network.layer import Down, Head, Up, stages

GROWTH = {"stable_images": 100, "fade_images": 100}
# A small pair of each family: from size, channels, classes and the discriminator's condition.
FAMILIES: dict[str, Callable[[int, int, int, str], tuple[nn.Module, nn.Module]]] = {
    "dcgan": lambda s, c, k, how: (dcgan.Generator(s, c, k, 16, 8, 1), dcgan.Discriminator(s, c, k, 8, 1, "none", how)),
    "sngan": lambda s, c, k, how: (sngan.Generator(s, c, k, 16, 8), sngan.Discriminator(s, c, k, 8, how)),
    "sagan": lambda s, c, k, how: (sagan.Generator(s, c, k, 16, 8), sagan.Discriminator(s, c, k, 8, how)),
    "progan": lambda s, c, k, how: (
        progan.Generator(s, c, k, 16, 8, **GROWTH),
        progan.Discriminator(s, c, k, 8, **GROWTH, condition=how),
    ),
    "r3gan": lambda s, c, k, how: (r3gan.Generator(s, c, k, 16, 8, 1), r3gan.Discriminator(s, c, k, 8, 1, how)),
}


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
    """As if a run had shown ``images`` images; for those that grow."""
    for net in nets:
        if hasattr(net, "growth"):
            net.growth.images.fill_(images)


@pytest.mark.parametrize("size", [28, 32, 48])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("classes", "condition"), [(0, "projection"), (10, "projection"), (10, "auxiliary"), (10, "both")])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_speaks_any_size_channels_and_classes(
    family: str, size: int, channels: int, classes: int, condition: str
) -> None:
    g, d = FAMILIES[family](size, channels, classes, condition)
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
    g, d = FAMILIES[family](28, 1, 10, "projection")
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


def test_a_head_adds_what_the_label_says() -> None:
    head, features = Head(6, 10, "projection"), torch.randn(4, 6)
    y = torch.arange(4)
    label = (features * head.embed.weight[:4]).sum(1) / 6**0.5
    torch.testing.assert_close(head(features, y).logits, head.logit(features).squeeze(1) + label)
    head = Head(6, 10, "auxiliary")
    assert head(features, y).likelihood.exp().sum() < 4
    everything = torch.stack([head(features, torch.full((4,), k)).likelihood.exp() for k in range(10)])
    torch.testing.assert_close(everything.sum(0), torch.ones(4))
    head = Head(6, 10, "both")
    assert not torch.equal(head(features, y).logits, head(features, y.flip(0)).logits)
    assert (head(features, y).likelihood < 0).all()
    with pytest.raises(ValueError, match=r"network\.condition must be projection, auxiliary or both, got neither"):
        Head(6, 10, "neither")


@pytest.mark.parametrize("family", ["sngan", "sagan"])
def test_the_largest_singular_value_under_spectral_norm_is_one(family: str) -> None:
    g, d = FAMILIES[family](28, 1, 10, "projection")
    normed = [net for net in (d, g) if net is d or family == "sagan"]
    for _ in range(100):  # each pass refines the estimate by a step
        d(g(torch.randn(2, 16), torch.zeros(2, dtype=torch.long)), torch.zeros(2, dtype=torch.long))
    weights = [m.weight for net in normed for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    weights += [d.head.embed.weight]
    assert len(weights) >= 12
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_residual_blocks_are_what_they_abbreviate() -> None:
    up, x, y = Up(4, 6, 10).eval(), torch.randn(2, 4, 7, 7), torch.tensor([1, 2])
    torch.testing.assert_close(interpolate(up.short(x), scale_factor=2), up.short(interpolate(x, scale_factor=2)))
    assert up(x, y).shape == (2, 6, 14, 14)
    down, x = Down(4, 6), torch.randn(2, 4, 14, 14)
    torch.testing.assert_close(down.short(down.halve(x)), down.halve(down.short(x)))
    assert down(x).shape == (2, 6, 7, 7)
    assert Down(4, 6, halve=False)(x).shape == (2, 6, 14, 14)


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
    assert all(not m.close.weight.any() for m in r3gan.Generator(28, 1, 10, 16, 16, 2).modules() if isinstance(m, r3gan.Block))
    assert not [m for net in FAMILIES["r3gan"](28, 1, 10, "projection") for m in net.modules() if "Norm" in type(m).__name__]


def _drawn(images: int, scale: int = 1) -> tuple[Tensor, Verdict]:
    """What a pair draws and says after ``images``, on a schedule ``scale`` times as long."""
    torch.manual_seed(0)
    growth = {name: value * scale for name, value in GROWTH.items()}
    g = progan.Generator(28, 1, 10, 16, 8, **growth)
    d = progan.Discriminator(28, 1, 10, 8, **growth)
    _grow(g, d, images=images)
    y = torch.arange(8)
    x = torch.randn(8, 1, 28, 28).tanh()
    with torch.no_grad():
        return g(torch.randn(8, 16), y), d(x, y)


@pytest.mark.parametrize("border", [100, 200, 300, 400])
def test_growth_does_not_jump(border: int) -> None:
    """Two images of a fade over a million, across a border, move nothing, though the fade as a whole changes much."""
    (x, verdict), (later, after) = (_drawn(border * 10**4 + step, scale=10**4) for step in (-1, 1))
    assert (later - x).abs().max() < 1e-3
    assert (after.logits - verdict.logits).abs().max() < 1e-3
    fade = (100, 200) if border <= 200 else (300, 400)
    assert (_drawn(fade[0])[0] - _drawn(fade[1])[0]).abs().max() > 0.2


@pytest.mark.parametrize(("images", "shown"), [(0, 7), (100, 7), (200, 14), (300, 14), (400, 28), (10_000, 28)])
def test_growth_draws_each_size_on_its_schedule(images: int, shown: int) -> None:
    x, _ = _drawn(images)
    coarse = interpolate(avg_pool2d(x, 28 // shown), scale_factor=28 // shown)
    torch.testing.assert_close(x, coarse)
    if shown < 28:
        _, verdict = _drawn(images)
        torch.manual_seed(0)
        _, d = FAMILIES["progan"](28, 1, 10, "projection")
        _grow(d, images=images)
        real = torch.randn(8, 1, 28, 28).tanh()
        blurred = interpolate(avg_pool2d(real, 28 // shown), scale_factor=28 // shown)
        y = torch.arange(8)
        torch.testing.assert_close(d(real, y).logits, d(blurred, y).logits)  # it sees no more than is drawn
        assert verdict.logits.isfinite().all()


def test_growth_follows_images_and_says_where_it_stands() -> None:
    growth = progan.Growth(2, 100, 100)
    stood = [growth.follow(50, torch.zeros(1))["growth"].item() for _ in range(8)]
    assert stood == [0, 0, 0.5, 1, 1, 1, 1.5, 2]
    assert "images" in growth.state_dict()
    with pytest.raises(ValueError, match=r"network\.fade_images 1 or more"):
        progan.Growth(2, 0, 0)


def test_the_deviation_channel_is_that_of_groups_of_four() -> None:
    x = torch.randn(8, 3, 2, 2)
    expected = torch.stack([part.var(0, unbiased=False).add(1e-8).sqrt().mean() for part in x.split(4)])
    torch.testing.assert_close(progan._deviation(x)[:, 3, 0, 0], expected.repeat_interleave(4))
    assert progan._deviation(x[:3]).shape == (3, 4, 2, 2)


def test_depth_and_width_make_a_family() -> None:
    small, deep, wide = (
        sum(p.numel() for p in dcgan.Generator(28, 1, 10, 16, w, n).parameters()) for w, n in ((8, 0), (8, 2), (16, 0))
    )
    assert small < deep
    assert small < wide


@pytest.mark.parametrize(("size", "expected"), [(28, (7, 2)), (32, (4, 3)), (64, (4, 4)), (20, (5, 2)), (10, (5, 1))])
def test_stages_end_at_the_smallest_base(size: int, expected: tuple[int, int]) -> None:
    assert stages(size) == expected


@pytest.mark.parametrize("size", [0, 7, 27, 4])
def test_a_size_that_cannot_be_doubled_to_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="image size"):
        dcgan.Generator(size, 1, 10, 16, 8, 0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_leaky_dropout_zeroes_its_share_and_keeps_the_mean(layout: torch.memory_format, dtype: torch.dtype) -> None:
    leaf = torch.ones(64, 32, 14, 14, dtype=dtype).to(memory_format=layout)
    leaf[::2] = -1
    leaf.requires_grad_()
    y = LeakyDropout(0.2, 0.3)(leaf.clone())
    assert y.dtype == dtype
    assert (y == 0).float().mean().item() == pytest.approx(0.3, abs=0.004)
    assert y[1::2].float().mean().item() == pytest.approx(1, abs=0.01)
    assert y[::2].float().mean().item() == pytest.approx(-0.2, abs=0.002)
    y.sum().backward()
    assert torch.equal(leaf.grad, y / leaf)


def test_leaky_dropout_draws_each_value_by_itself_and_rests_in_evaluation() -> None:
    drop = LeakyDropout(0.2, 0.5)
    kept = (drop(torch.ones(4096, 8)) > 0).float()
    assert torch.corrcoef(kept.T).fill_diagonal_(0).abs().max() < 0.06
    assert torch.equal(drop.eval()(torch.tensor([-1.0, 2.0])), torch.tensor([-0.2, 2.0]))
    with pytest.raises(ValueError, match="dropout"):
        LeakyDropout(0.2, 1.0)


def test_random_bits_are_splitmix64() -> None:
    # The first outputs for the state 0, as in the reference implementation.
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [z % 2**64 for z in random_bits(3, 1).tolist()] == known
    ones = random_bits(10_000, 7)
    shares = [((ones >> bit) & 1).double().mean().item() for bit in range(64)]
    assert min(shares) > 0.475
    assert max(shares) < 0.525


@pytest.mark.parametrize(("kernel", "padding", "output_padding"), [(4, 1, 0), (5, 2, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_halve_and_double_are_the_convolutions_they_stand_for(
    kernel: int, padding: int, output_padding: int, channels: int
) -> None:
    halve = Halve(channels, 8, kernel, 2, padding).double()
    double = Double(8, channels, kernel, 2, padding, output_padding).double()
    image = torch.randn(3, channels, 12, 12, dtype=torch.double, requires_grad=True)
    small = torch.randn(3, 8, 6, 6, dtype=torch.double, requires_grad=True)
    torch.testing.assert_close(halve(image), nn.Conv2d.forward(halve, image))
    torch.testing.assert_close(halve(image.detach()), nn.Conv2d.forward(halve, image))
    torch.testing.assert_close(double(small), nn.ConvTranspose2d.forward(double, small))
    assert torch.autograd.gradgradcheck(halve, torch.randn(1, channels, 4, 4, dtype=torch.double, requires_grad=True))
