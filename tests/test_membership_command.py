"""The command that attacks a training, from a file to its figures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHORT, call, complaint

from gan import membership
from gan.cli import attacking
from gan.cli.compose import compose
from gan.data import Digits
from train import train


@pytest.fixture(scope="module")
def half_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short training on half of a file, ``pool.npz`` beside it."""
    folder = tmp_path_factory.mktemp("half")
    digits = Digits("", train=True)
    np.savez(folder / "pool.npz", images=digits.data, labels=digits.targets)
    words = ["data=arrays", f"data.root={folder / 'pool.npz'}", "data.test_share=0.5", "data.classifier=mnist"]
    call(train, *words, *SHORT[1:], f"run_dir={folder / 'run'}")
    return folder


def test_a_training_is_attacked_by_all_that_it_gives_away(half_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ckpt, small = half_run / "run" / "last.ckpt", ["fakes=300", "epochs=1", "images=500"]
    call(membership.main, f"ckpt={ckpt}", f"data.root={half_run / 'pool.npz'}", *small)
    found = json.loads((half_run / "run" / "membership.json").read_text())
    assert set(found["attacks"]) == set(membership.MEANING)
    assert found["images"] == {"members": 500, "others": 500, "training": 750}
    for name, one in found["attacks"].items():
        assert abs(one["auc"] - 0.5) < 5 * one["error"], name  # three batches teach nothing about single images
    said = capsys.readouterr().out
    assert "| attack: members are images of which | AUC (0.5: chance) | caught at 1% false alarms |" in said
    assert all(f"| {meaning} | 0." in said for meaning in membership.MEANING.values())


def test_a_generator_that_repeats_its_training_images_is_caught(
    half_run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ckpt, root = half_run / "run" / "last.ckpt", f"data.root={half_run / 'pool.npz'}"
    small = [f"out={tmp_path / 'x.json'}", "fakes=750", "epochs=1"]
    cfg = compose("membership", [f"ckpt={ckpt}", root, *small])
    drawn = []

    def draw_pools(*given: object) -> object:
        drawn.append(pools(*given))
        return drawn[0]

    pools = attacking.draw_pools
    monkeypatch.setattr(attacking, "draw_pools", draw_pools)
    monkeypatch.setattr(attacking, "draw", lambda *_: drawn[0][0])  # members
    attacks = attacking.attack(cfg)["attacks"]
    assert attacks["nearest_pixels"]["auc"] > 0.95 < attacks["nearest_features"]["auc"]
    assert attacks["nearest_pixels"]["caught"] > 0.9


def test_test_images_of_another_file_are_refused(short_run: Path) -> None:
    message = complaint(membership.main, f"ckpt={short_run / 'last.ckpt'}")
    assert "the test images of data=digits are no share of its training images: train on data=arrays" in message


def test_a_damaged_discriminator_is_one_line(half_run: Path, tmp_path: Path) -> None:
    contents = torch.load(half_run / "run" / "last.ckpt", weights_only=True)
    names = [name for name in contents["state_dict"] if name.startswith("discriminator.")]
    contents["state_dict"][names[0]].fill_(torch.nan)
    torch.save(contents, tmp_path / "last.ckpt")
    words = [f"ckpt={tmp_path / 'last.ckpt'}", f"data.root={half_run / 'pool.npz'}", "fakes=256", "epochs=1"]
    assert "discriminator" in complaint(membership.main, *words)
