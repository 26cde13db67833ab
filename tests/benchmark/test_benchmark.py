"""The benchmark."""

import copy
import json

import pytest
import torch
from conftest import call

from gan.benchmark import __main__ as benchmark
from gan.benchmark import loop
from gan.network import fast, report


def test_the_plain_networks_are_ours_of_torchs_own_layers() -> None:
    ours = report.Discriminator(28, 1).eval(), report.Generator(28, 1, 100).eval()
    plain = tuple(loop.plain(copy.deepcopy(network)).eval() for network in ours)
    with torch.no_grad():  # features in the order of torch's flattening
        plain[0].head.logit.weight.copy_(ours[0].head.logit.weight.view(1, 7, 7, 64).permute(0, 3, 1, 2).flatten(1))
        for theirs, mine in zip(plain[1].dense.state_dict().values(), ours[1].dense.state_dict().values(), strict=True):
            if mine.ndim:
                theirs.copy_(mine.unflatten(0, (49, 64)).transpose(0, 1).flatten(0, 1))
    x, z = torch.randn(4, 1, 28, 28), torch.randn(4, 100)
    torch.testing.assert_close(ours[0](x, x), plain[0](x, x))
    torch.testing.assert_close(ours[1](z, z), plain[1](z, z))
    used = {type(module) for network in plain for module in network.modules()}
    assert {torch.nn.Dropout, torch.nn.Flatten, torch.nn.Conv2d, torch.nn.ConvTranspose2d} <= used
    assert not used & {fast.LeakyDropout, fast.Flatten, fast.Unflatten, fast.Halve, fast.Double}


@pytest.mark.slow
def test_all_loops_take_turns_and_the_default_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    call(benchmark.main, "turns=1", "steps=2", "batch_size=16", "dataset=digits", "default_batches=2")
    found = json.loads(capsys.readouterr().out)
    assert found["times_plain"] > 0
    assert set(found["images_per_second"]) == {"ours", "bare", "plain", "loader"}
    assert 0 < found["share_of_convolution_peak"] < 1.5
    assert set(found["sampling"]) == {"1", "16", "64", "1000"}
    assert found["default_run"]["peak_memory_mib"] > 300


@pytest.mark.slow
def test_training_is_at_least_one_and_a_half_times_a_plain_loop(capsys: pytest.CaptureFixture[str]) -> None:
    call(benchmark.main, "turns=8", "steps=30")
    found = json.loads(capsys.readouterr().out)
    if found["precision"] == "32-true":
        assert found["times_plain"] > 1.2  # a processor without bf16 has only the cheaper dropout and the shared passes
    else:
        assert found["times_plain"] > 1.5


def test_nothing_is_timed_of_no_turns() -> None:
    with pytest.raises(SystemExit, match="turns must be a whole number from 1 to 1,000,000, got 0"):
        call(benchmark.main, "turns=0")
