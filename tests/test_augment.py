"""Augments: digits stay digits, gradients exist to any order, ADA adapts its strength."""

import math
from collections.abc import Callable

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn
from torchvision.datasets import MNIST
from torchvision.transforms import functional as tv

from gan.augment import Adaptive, Affine, DiffAugment, Elastic, Identity, affine
from gan.file import CONF
from gan.image import to_float, warp
from gan.metric import feature
from gan.penalty import R1


def _make(name: str, **changes: float) -> nn.Module:
    """The choice ``augment=name`` as it is shipped, at its strongest."""
    augment: nn.Module = instantiate(OmegaConf.load(f"{CONF}/augment/{name}.yaml"), **changes, _convert_="all")
    if isinstance(augment, Adaptive):
        augment.p.fill_(augment.max_p)
    return augment


EVERY = ["none", "affine", "elastic", "diff_augment", "adaptive"]
STILL: dict[str, Callable[[], nn.Module]] = {
    "affine": lambda: Affine(0, 0, 0),
    "elastic": lambda: Elastic(0, 4),
    "diff_augment": lambda: DiffAugment(0, 0, 0, 0, 0),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("shape", [(4, 1, 28, 28), (3, 3, 32, 32), (2, 1, 20, 31)], ids=str)
def test_shape_type_and_range_stay(name: str, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape) * 2 - 1
    for layout in (torch.contiguous_format, torch.channels_last):
        for dtype in (torch.float32, torch.bfloat16):
            y = _make(name)(x.to(dtype).contiguous(memory_format=layout))
            assert (y.shape, y.dtype) == (x.shape, dtype)
            assert -1 - 1e-6 <= y.min() <= y.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", EVERY)
def test_the_layout_in_memory_changes_nothing(name: str) -> None:
    x, augment = torch.rand(4, 3, 28, 28) * 2 - 1, _make(name)
    torch.manual_seed(1)
    plain = augment(x)
    torch.manual_seed(1)
    torch.testing.assert_close(augment(x.contiguous(memory_format=torch.channels_last)), plain)


@pytest.mark.parametrize("name", STILL)
def test_nothing_moves_at_zero_strength(name: str) -> None:
    x = torch.rand(5, 3, 20, 31) * 2 - 1
    torch.testing.assert_close(STILL[name]()(x), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["affine", "elastic", "diff_augment", "adaptive"])
def test_each_image_goes_its_own_way_every_time(name: str) -> None:
    x = (torch.rand(1, 1, 28, 28) * 2 - 1).expand(16, -1, -1, -1)
    first, second = _make(name)(x), _make(name)(x)
    assert len(torch.unique(first.flatten(1), dim=0)) >= 14
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", EVERY)
def test_the_global_seed_fixes_it(name: str) -> None:
    x, augment = torch.rand(4, 1, 28, 28), _make(name)
    torch.manual_seed(3)
    first = augment(x)
    torch.manual_seed(3)
    assert torch.equal(augment(x), first)


@pytest.mark.parametrize("name", EVERY)
def test_gradients_of_both_orders_are_right(name: str) -> None:
    augment = _make(name)

    def seeded(x: Tensor) -> Tensor:
        torch.manual_seed(5)
        return augment(x).square()  # so that there is a second order

    x = (torch.rand(2, 1, 6, 5, dtype=torch.double) * 2 - 1).requires_grad_()
    assert torch.autograd.gradcheck(seeded, (x,))
    assert torch.autograd.gradgradcheck(seeded, (x,))


@pytest.mark.parametrize("name", EVERY)
def test_a_gradient_penalty_reaches_the_critics_weights_through_it(name: str) -> None:
    augment, net = _make(name), nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.Softplus(), nn.Linear(8, 1))
    x = torch.rand(4, 1, 28, 28) * 2 - 1
    R1(1.0, 1.0)(lambda x: net(augment(x)).squeeze(1), x, x).backward()
    assert net[1].weight.grad.abs().sum() > 0


def test_a_warp_under_autocast_is_float32s() -> None:
    x = torch.rand(4, 1, 28, 28) * 2 - 1
    for augment in (Affine(10, 0.1, 2), Elastic(1, 4)):
        torch.manual_seed(0)
        plain = augment(x)
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(augment(x), plain)


def test_a_warp_agrees_with_torchs_and_its_outside_is_background() -> None:
    x, grid = torch.rand(2, 3, 6, 6) * 2 - 1, torch.rand(2, 4, 5, 2) * 2.4 - 1.2
    torch.testing.assert_close(warp(x, grid), torch.nn.functional.grid_sample(x + 1, grid, align_corners=False) - 1)
    assert torch.equal(warp(x, torch.full((2, 4, 5, 2), 9.0)), torch.full((2, 3, 4, 5), -1.0))


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (1, 3, 20, 31)], ids=str)
def test_a_known_motion_agrees_with_torchvisions(shape: tuple[int, ...]) -> None:
    x = torch.rand(shape)  # torchvision's background is 0
    ours = affine(x * 2 - 1, torch.tensor([math.radians(10)]), torch.tensor([1.1]), torch.tensor([[2.0], [-1.0]]))
    theirs = tv.affine(x, -10, [2, -1], 1.1, [0.0], tv.InterpolationMode.BILINEAR)  # it counts clockwise
    torch.testing.assert_close((ours + 1) / 2, theirs, atol=1e-5, rtol=0)


def test_a_pixel_goes_where_it_is_sent() -> None:
    x = torch.full((1, 1, 9, 9), -1.0)
    x[0, 0, 4, 6] = 1  # two right of the centre: a quarter turn puts it two above
    y = affine(x, torch.tensor([math.pi / 2]), torch.tensor([1.0]), torch.tensor([[1.0], [0.0]]))
    assert y.argmax() == 2 * 9 + 5


def test_elastic_moves_pixels_by_its_strength_and_smoothly() -> None:
    ramp = torch.arange(40.0).expand(1000, 1, 40, 40) / 40
    moved = (Elastic(1.0, 4.0)(ramp) - ramp)[:, 0, 5:35, 5:35] * 40  # in pixels, along one axis
    assert moved.mean().abs() < 0.05
    assert 0.95 < moved.std() < 1.05
    assert moved.diff(dim=2).std() < 0.3


def test_cutout_greys_a_square_and_nothing_else() -> None:
    holes = (DiffAugment(0, 0, 0, 0, 0.25)(torch.ones(500, 3, 28, 28)) == 0)[:, 0]
    assert holes.sum((1, 2)).max() == 49
    assert 36 < holes.float().sum((1, 2)).mean() < 44  # of 49, some over the border


def test_colour_is_zhaos() -> None:
    x = torch.rand(64, 3, 8, 8) - 0.5
    bright = DiffAugment(0.5, 0, 0, 0, 0)(x) - x
    torch.testing.assert_close(bright.std((1, 2, 3)), torch.zeros(64), atol=1e-5, rtol=0)
    assert 0.4 < bright.abs().max() <= 0.5
    torch.testing.assert_close(DiffAugment(0, 1, 0, 0, 0)(x).mean(1), x.mean(1), atol=1e-6, rtol=0)
    stretch = DiffAugment(0, 0, 0.5, 0, 0)(x).std((1, 2, 3)) / x.std((1, 2, 3))
    assert 0.5 <= stretch.min() < 0.6 < 1.4 < stretch.max() <= 1.5


@pytest.mark.parametrize("name", ["affine", "elastic", "adaptive"])
def test_a_digit_stays_the_digit_it_is(name: str, mnist: str) -> None:
    data, augment, frozen = MNIST(mnist, train=False), _make(name), feature.load("mnist")
    parts = zip(to_float(data.data[:2000, None]).split(500), data.targets[:2000].split(500), strict=True)
    read = torch.cat([frozen(augment(x))[1].argmax(1) == y for x, y in parts])
    assert read.float().mean() >= 0.97


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Affine(31, 0, 0), lambda: Affine(-1, 0, 0), lambda: Affine(0, 1, 0), lambda: Affine(0, 0, -1),
        lambda: Elastic(-1, 4), lambda: Elastic(1, 0), lambda: DiffAugment(0, 0, 0, 0, 2),
        lambda: Adaptive({}, 0.6, 0, 1), lambda: Adaptive({}, 0.6, 1, 2),
    ],
)  # fmt: skip
def test_what_would_not_do_is_refused_in_one_line(wrong: Callable[[], nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"^augment[^\n]*, got [^\n]*$"):
        wrong()


def _adaptive(**more: float) -> Adaptive:
    settings = {"target": 0.6, "adjust_images": 1000.0, "max_p": 0.8} | more
    return Adaptive({"affine": Affine(10, 0.1, 2)}, **settings)


def test_at_p_zero_an_image_is_the_very_same() -> None:
    x = torch.rand(8, 1, 28, 28)
    assert torch.equal(_adaptive()(x), x)


def test_p_is_the_share_of_images_that_change() -> None:
    augment, x = _adaptive(), torch.rand(1000, 1, 8, 8)
    augment.p.fill_(0.3)
    changed = (augment(x) != x).flatten(1).any(1).float().mean()
    assert 0.25 < changed < 0.35


def test_p_rises_where_the_discriminator_is_sure_of_real_images_falls_where_not_and_is_clamped() -> None:
    augment, sure, unsure = _adaptive(), torch.ones(8), torch.tensor([1.0, -1.0])
    assert augment.follow(100, sure)["augment/p"] == pytest.approx(0.1)
    assert augment.follow(200, sure)["augment/p"] == pytest.approx(0.3)
    assert augment.follow(100, unsure)["augment/p"] == pytest.approx(0.2)
    assert augment.follow(900, unsure)["augment/p"] == 0
    for _ in range(20):
        p = augment.follow(100, sure)["augment/p"]
    assert p == pytest.approx(0.8)
    assert (p.ndim, p.requires_grad) == (0, False)
    augment.follow(100, unsure)
    assert p == pytest.approx(0.8)  # a figure, not the buffer


def test_p_travels_with_the_weights() -> None:
    before, after = _adaptive(), _adaptive()
    before.follow(500, torch.ones(8))
    after.load_state_dict(before.state_dict())
    assert after.p == pytest.approx(0.5)


def test_no_augmentation_is_the_image_itself() -> None:
    x = torch.rand(2, 1, 8, 8)
    assert Identity()(x) is x
