"""A training can be told how far its fakes are from real images, and stays what it was."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import SHORT, call

from gan import checkpoint, sample
from gan.callback import Tell
from gan.callback.tell import draw
from gan.image import to_uint8
from gan.metric.two_sample import TwoSample
from train import train

NAME = "val_bundled_digits/c2st"


def test_an_epoch_is_tested_and_its_training_is_the_same_bit_for_bit(
    short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["c2st_every=2", "callback.tell.images=40", "callback.tell.steps=2"]
    call(train, *SHORT, "trainer.max_epochs=2", *few, f"run_dir={tmp_path}")
    first, second = json.loads((tmp_path / "result.json").read_text())["history"]
    assert NAME not in first
    assert 0 <= second[NAME] <= 1
    assert f"C2ST {second[NAME]:>6.1%}" in capsys.readouterr().out
    states = [checkpoint.load_contents(folder / "last.ckpt")["state_dict"] for folder in (short_run, tmp_path)]
    torch.testing.assert_close(*states, rtol=0, atol=0)


def test_the_figure_of_an_earlier_epoch_is_forgotten() -> None:
    trainer = SimpleNamespace(callback_metrics={NAME: 0.9, "val/fid": 1.0})
    tell = Tell(5, 100, 1, False, "mnist", "_bundled_digits")
    tell.on_validation_start(trainer, None)  # type: ignore[arg-type]
    assert trainer.callback_metrics == {"val/fid": 1.0}


def test_fakes_have_the_labels_of_the_real_images_if_all_have_one() -> None:
    class Fake(torch.nn.Module):
        classes, latent = 3, 2

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return z[:, :, None, None]

    x, seeds = torch.zeros(12, 1, 2, 2, dtype=torch.uint8), torch.arange(6) + 2 * sample.SEEDS
    for labels in (torch.arange(12) % 2, torch.full((12,), -1)):
        test = TwoSample((x, labels), 10, 1, bf16=False)
        images, y = draw(Fake(), test)  # type: ignore[arg-type]
        assert torch.equal(y, sample.labels(seeds, 3) if labels.min() < 0 else test.labels)
        assert torch.equal(images[:, :, 0, 0], to_uint8(sample.latents(seeds, 2)))
