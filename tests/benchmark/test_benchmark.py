"""The benchmark."""

import copy
import json
from pathlib import Path

import pytest
import torch
from conftest import call

from gan.benchmark import __main__ as benchmark
from gan.benchmark import loop, machine, profile
from gan.benchmark.report import tables
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
    call(benchmark.main, "turns=1", "steps=2", "batch_size=16", "dataset=digits", "default_batches=2", "profile=true")
    found = json.loads(capsys.readouterr().out)
    assert found["times_plain"] > 0
    assert set(found["images_per_second"]) == {"ours", "bare", "plain", "loader"}
    assert 0 < found["share_of_convolution_peak"] < 1.5
    assert set(found["sampling"]) == {"1", "16", "64", "1000"}
    assert found["default_run"]["peak_memory_mib"] > 300
    assert found["profile"]["report"]["shares"]["convolutions, backward"] > 0.05
    assert "| dropout: random bits |" in tables(found)
    assert "reduce-overhead" not in tables(found)  # measured on a GPU alone
    assert "reduce-overhead" in tables(found | {"recorded_run": found["default_run"]})


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


def test_a_step_is_told_by_its_parts() -> None:
    discriminator = report.Discriminator(28, 1)
    optimizer = torch.optim.Adam(discriminator.parameters())
    x, y = torch.randn(8, 1, 28, 28), torch.zeros(8, dtype=torch.long)

    def step() -> None:
        discriminator(x, y).logits.mean().backward()
        optimizer.step()

    before = fast.random_bits
    found = profile.profile_step(step, 2)
    assert fast.random_bits is before
    assert found["milliseconds"] > 0
    assert sum(found["shares"].values()) == pytest.approx(1, abs=0.01)
    expected = {"convolutions, backward", "convolutions, forward", "dropout: random bits", "dense layers", "Adam"}
    expected |= {profile.PYTHON, profile.OTHER}
    assert expected <= found["shares"].keys()
    assert "images of the batch" not in found["shares"]


def test_figures_name_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some(R)  CPU @ 2GHz \nmodel name\t: other\n")
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    assert machine.processor() == "Some(R) CPU @ 2GHz"
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    assert machine.processor()
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: True)
    assert (machine.instructions(True), machine.instructions(False)) == ("AMX bf16", "AVX512")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx512_core_bf16")
    assert machine.instructions(True) == "AVX512 bf16"
