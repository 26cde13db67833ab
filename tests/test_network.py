"""Networks: shapes, ranges, conditions."""

import pytest
import torch

from gan.network import dcgan, report
from gan.network.layer import Dropout, stages


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
    assert d(g(z, y), y).shape == (4,)


def test_glorot_bounds_hold() -> None:
    weight = report.Generator(28, 1, 100).dense[0].weight
    bound = (6 / (100 + 3136)) ** 0.5
    assert bound * 0.99 < weight.abs().max() <= bound


@pytest.mark.parametrize("size", [28, 32, 48])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("classes", [0, 10])
def test_dcgan_speaks_any_size_channels_and_classes(size: int, channels: int, classes: int) -> None:
    g = dcgan.Generator(size, channels, classes, 16, 8, 1)
    d = dcgan.Discriminator(size, channels, classes, 8, 1)
    z, y = torch.randn(3, 16), torch.tensor([0, 5, 9])
    x = g(z, y)
    assert x.shape == (3, channels, size, size)
    assert x.abs().max() <= 1
    assert d(x, y).shape == (3,)
    # The label matters where there are classes and nowhere else.
    g.eval()
    other = torch.tensor([1, 6, 0])
    assert torch.equal(g(z, y), g(z, other)) == (classes == 0)
    assert torch.equal(d(x, y), d(x, other)) == (classes == 0)


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
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_zeroes_its_share_and_keeps_the_mean(layout: torch.memory_format, dtype: torch.dtype) -> None:
    x = torch.ones(64, 32, 14, 14, dtype=dtype).to(memory_format=layout).requires_grad_()
    y = Dropout(0.3)(x)
    assert y.dtype == dtype
    dropped = (y == 0).float().mean().item()
    assert dropped == pytest.approx(0.3, abs=0.004)
    assert y.float().mean().item() == pytest.approx(1, abs=0.01)
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0)


def test_dropout_draws_each_value_by_itself_and_rests_in_evaluation() -> None:
    drop = Dropout(0.5)
    kept = (drop(torch.ones(4096, 4)) > 0).float()
    assert torch.corrcoef(kept.T).fill_diagonal_(0).abs().max() < 0.06
    assert torch.equal(drop.eval()(kept), kept)
    with pytest.raises(ValueError, match="dropout"):
        Dropout(1.0)
