"""Checkpoints: plain data, one load() for every tool, and no trust in strangers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gan import checkpoint, sample
from gan.metric.feature import load as load_classifier


def test_it_loads_as_plain_data_and_carries_its_configuration(short_run: Path) -> None:
    for name in ("best.ckpt", "last.ckpt"):
        contents = torch.load(short_run / name, weights_only=True)
        config = contents["hyper_parameters"]["config"]
        assert json.loads(json.dumps(config)) == config
        assert config["data"]["name"] == "digits"
        assert config["batch_size"] == 32


def test_it_holds_the_players_and_the_average_and_nothing_of_the_judge(short_run: Path) -> None:
    names = {name.split(".")[0] for name in checkpoint.read(short_run / "last.ckpt")["state_dict"]}
    assert names == {"generator", "discriminator", "ema"}
    assert load_classifier("mnist") is not None


def test_load_gives_the_same_images_in_a_fresh_process_from_an_empty_folder(short_run: Path, tmp_path: Path) -> None:
    seeds = torch.arange(4)
    here = torch.cat(list(sample.generate(checkpoint.load(short_run / "last.ckpt").ema.generator, seeds, seeds)))
    code = f"""
import torch
from gan import checkpoint, sample
seeds = torch.arange(4)
generator = checkpoint.load({str(short_run / "last.ckpt")!r}).ema.generator
torch.save(torch.cat(list(sample.generate(generator, seeds, seeds))), "x.pt")
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert torch.equal(torch.load(tmp_path / "x.pt", weights_only=True), here)


@pytest.mark.parametrize("target", ["os.system", "builtins.eval", "gan_evil.Loss", "torch.load"])
def test_a_foreign_target_is_refused_wherever_it_stands(target: str) -> None:
    with pytest.raises(ValueError, match="none of this project's classes"):
        checkpoint.check_targets({"a": [{"b": {"_target_": target}}]}, "x")


def test_weights_of_another_network_are_refused(short_run: Path, tmp_path: Path) -> None:
    contents = checkpoint.read(short_run / "last.ckpt")
    contents["state_dict"].pop("generator.dense.weight")
    torch.save(contents, tmp_path / "x.ckpt")
    with pytest.raises(ValueError, match="do not fit its own configuration"):
        checkpoint.load(tmp_path / "x.ckpt")
