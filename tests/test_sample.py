"""Images from seeds."""

import pytest
import torch
from torch import nn

from gan import sample
from gan.network import dcgan, report


@pytest.fixture(params=["report", "dcgan"])
def generator(request: pytest.FixtureRequest) -> nn.Module:
    made = report.Generator(28, 1, 16) if request.param == "report" else dcgan.Generator(28, 1, 10, 16, 8, 1)
    for _ in range(3):  # give batch norm statistics of its own
        made(torch.randn(32, 16), torch.randint(0, 10, (32,)))
    return made


def _images(generator: nn.Module, first: int, n: int, batch: int) -> torch.Tensor:
    seeds = torch.arange(first, first + n)
    return torch.cat(list(sample.generate(generator, seeds, sample.labels(seeds, generator.classes), batch)))


def test_image_i_is_the_same_alone_and_in_any_batch(generator: nn.Module) -> None:
    many = _images(generator, 0, 20, batch=20)
    torch.testing.assert_close(_images(generator, 0, 20, batch=7), many)
    torch.testing.assert_close(_images(generator, 13, 1, batch=1), many[13:14])
    assert not torch.allclose(many[0], many[10])


def test_generation_restores_the_mode_and_touches_no_statistics(generator: nn.Module) -> None:
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    _images(generator, 0, 8, batch=4)
    assert generator.training
    assert all(torch.equal(before[name], value) for name, value in generator.state_dict().items())


def test_latents_are_standard_normal_and_leave_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    z = sample.latents(torch.arange(2000), 32)
    assert torch.equal(torch.get_rng_state(), state)
    assert abs(z.mean().item()) < 0.02
    assert abs(z.std().item() - 1) < 0.02
    assert torch.corrcoef(z[:50]).fill_diagonal_(0).abs().max() < 0.75


def test_labels_are_balanced_or_none() -> None:
    seeds = torch.arange(40)
    assert torch.bincount(sample.labels(seeds, 10)).tolist() == [4] * 10
    assert (sample.labels(seeds, 0) == -1).all()


def test_seeds_beyond_what_torch_tells_apart_are_told_apart() -> None:
    seeds = torch.tensor([7, 7 + sample.SEEDS, 7 + 2 * sample.SEEDS, 7 + 16 * sample.SEEDS])
    z = sample.latents(seeds, 64)
    assert torch.equal(sample.latents(seeds[2:3], 64)[0], z[2])
    assert torch.corrcoef(z).fill_diagonal_(0).abs().max() < 0.5
