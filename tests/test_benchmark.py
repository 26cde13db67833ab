"""The benchmark and the leaderboard."""

import json
from pathlib import Path

import pytest
import torch
from conftest import ROOT, call

from gan import benchmark, leaderboard
from gan.network import report


def test_the_plain_networks_are_ours_but_for_the_dropout() -> None:
    torch.manual_seed(0)
    ours = report.Discriminator(28, 1)
    torch.manual_seed(0)
    plain = benchmark.plain_dropout(report.Discriminator(28, 1))
    x = torch.randn(4, 1, 28, 28)
    torch.testing.assert_close(ours.eval()(x, x), plain.eval()(x, x))
    assert sum(isinstance(m, torch.nn.Dropout) for m in plain.modules()) == 2


def test_both_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    call(benchmark.main, "turns=2", "steps=2", "batch_size=16", "dataset=digits")
    found = json.loads(capsys.readouterr().out)
    assert found["times_plain"] > 0
    assert set(found["images_per_second"]) == {"ours", "plain"}


@pytest.mark.slow
def test_training_is_at_least_one_and_a_half_times_a_plain_loop(capsys: pytest.CaptureFixture[str]) -> None:
    call(benchmark.main, "turns=8", "steps=30")
    found = json.loads(capsys.readouterr().out)
    if found["precision"] == "32-true":
        assert found["times_plain"] > 1.2  # a processor without bf16 has only the cheaper dropout and the shared passes
    else:
        assert found["times_plain"] > 1.5


def test_the_readmes_table_is_what_was_measured() -> None:
    readme = (ROOT / "README.md").read_text()
    measured = json.loads((ROOT / "gan" / "measured" / "speed.json").read_text())
    assert leaderboard.between("speed", leaderboard.speed(measured), readme) == readme


def test_a_run_without_its_test_is_told_how(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(SystemExit, match=r"run python -m gan\.evaluate"):
        call(leaderboard.main, f"runs=[{tmp_path}]", f"out={tmp_path}")
