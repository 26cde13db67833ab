"""The generator alone: what it draws, what it says of itself, and what is refused."""

import json
import re
from pathlib import Path

import pytest
import torch
from conftest import ROOT, call
from safetensors.torch import load_file, save_file

from gan import checkpoint, export, generate, sample
from gan.metric.feature import digest


@pytest.fixture
def exported(short_run: Path, tmp_path: Path) -> Path:
    call(export.main, f"ckpt={short_run / 'best.ckpt'}", f"out={tmp_path / 'g.safetensors'}")
    return tmp_path / "g.safetensors"


def test_it_draws_what_the_checkpoint_draws(short_run: Path, exported: Path) -> None:
    seeds = torch.arange(20)
    drawn = [
        torch.cat(list(sample.generate(checkpoint.generator(path), seeds, sample.labels(seeds, 10))))
        for path in (short_run / "best.ckpt", exported)
    ]
    assert torch.equal(*drawn)


def test_its_card_says_what_made_it(exported: Path) -> None:
    card = json.loads(exported.with_suffix(".json").read_text())
    assert card["command"].startswith("python train.py data=digits")
    assert card["sha256"] == digest(exported)
    made = [value.numel() for name, value in load_file(exported).items() if name.endswith(("weight", "bias"))]
    assert card["parameters"] == sum(made)
    assert exported.stat().st_mode == exported.with_suffix(".json").stat().st_mode  # whoever reads the one reads the other


def test_what_cannot_be_is_refused(short_run: Path, exported: Path, tmp_path: Path) -> None:
    words = f"ckpt={short_run / 'best.ckpt'}"
    with pytest.raises(SystemExit, match=r"out must end in \.safetensors"):
        call(export.main, words, f"out={tmp_path / 'x.pt'}")
    before = exported.read_bytes()
    with pytest.raises(SystemExit, match="exists: choose another name, or overwrite=true"):
        call(export.main, words, f"out={exported}")
    assert exported.read_bytes() == before


@pytest.mark.parametrize("spoil", ["json", "weights", "other", "target", "alone"])
def test_a_damaged_or_foreign_generator_is_one_line(exported: Path, spoil: str) -> None:
    card = exported.with_suffix(".json")
    if spoil == "json":
        card.write_text("{")
    elif spoil == "weights":
        exported.write_bytes(exported.read_bytes()[:100])
    elif spoil == "other":
        save_file({"x": torch.zeros(1)}, exported)
    elif spoil == "target":
        card.write_text(json.dumps({"generator": {"_target_": "os.system", "command": "true"}}))
    else:
        card.unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=r"^ckpt: [^\n]*$"):
        checkpoint.generator(exported)


def test_the_shipped_generator_is_small_is_the_one_its_card_describes_and_draws_without_training(tmp_path: Path) -> None:
    card = json.loads(checkpoint.SHIPPED.with_suffix(".json").read_text())
    assert checkpoint.SHIPPED.stat().st_size < 2e6
    assert card["sha256"] == digest(checkpoint.SHIPPED)
    assert card["test"]["split"] == "test"
    assert card["command"] in (ROOT / "README.md").read_text()
    assert not re.search(r"/(home|root|work|tmp)/", json.dumps(card))
    call(generate.main, f"out={tmp_path / 'x.npz'}", "n=20")


def test_the_shipped_generators_digits_are_read_as_what_they_are() -> None:
    from gan.metric import feature

    seeds = torch.arange(500)
    y = sample.labels(seeds, 10)
    x = torch.cat(list(sample.generate(checkpoint.generator(None), seeds, y)))
    assert feature.accuracy(feature.load("mnist").classifier, x, y) > 0.98
