"""The doctor names the illness of a run, once, and finds nothing in a healthy run."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import SHORT, call
from lightning.pytorch import Trainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from torchvision.datasets import MNIST

import gan.data.batch
from gan.callback import Doctor
from gan.callback.doctor import classify, compare_pixels, diagnose
from gan.image import to_float
from gan.logger import TensorBoard
from gan.metric.feature import load
from gan.network import dcgan
from train import train

Images = tuple[Tensor, Tensor, Tensor]  # real, fake, labels


@pytest.fixture(scope="module")
def digits(mnist: str) -> Images:
    """Five hundred real images, as many others as perfect fakes of the same labels; labels."""
    data = MNIST(mnist, train=False)
    images, labels = to_float(data.data[:, None]), data.targets
    stock = {y: iter((labels[500:] == y).nonzero().flatten() + 500) for y in range(10)}
    fake = torch.stack([images[next(stock[y])] for y in labels[:500].tolist()])
    return images[:500], fake, labels[:500]


def _trainer(**more: Any) -> Trainer:
    strategy = SimpleNamespace(broadcast=lambda said: said)
    settings = {"is_global_zero": True, "current_epoch": 0, "should_stop": False, "world_size": 1, "loggers": []} | more
    return SimpleNamespace(strategy=strategy, **settings)  # type: ignore[return-value]


def _visit(
    doctor: Doctor, images: Images, won: float = 0.8, learned: int = 50_000, trainer: Trainer | None = None
) -> list[str]:
    """The names of what the doctor has found after one epoch of ``learned`` images."""
    trainer, nothing = trainer or _trainer(), torch.tensor(0.0)
    step = {"logit/won": torch.tensor(won), "loss/generator": nothing}
    doctor.on_train_batch_end(trainer, None, step, [range(learned)], 0)  # type: ignore[arg-type]
    for real, fake, labels in zip(*(part.split(250) for part in images), strict=True):
        doctor.on_validation_batch_end(trainer, None, {"real": real, "fake": fake, "labels": labels})  # type: ignore[arg-type]
    doctor.on_validation_epoch_end(trainer, None)  # type: ignore[arg-type]
    return [finding["name"] for finding in doctor.findings]


def _doctor(stop: bool = False) -> Doctor:
    return Doctor("mnist", 50_000, stop)


def _one_for_each_label(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    first = torch.stack([fake[(y == label).nonzero()[0, 0]] for label in y])
    return real, first + 0.02 * torch.randn_like(first), y


def _a_third_repeated(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, torch.where(torch.rand(len(y), 1, 1, 1) < 0.4, _one_for_each_label(real, fake, y)[1], fake), y


def _three_digits_without_labels(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    few = fake[y < 3].repeat(4, 1, 1, 1)[:500]
    return real, (few + 0.1 * torch.randn_like(few)).clamp(-1, 1), torch.full_like(y, -1)


def _labels_shuffled(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, fake[torch.randperm(len(y))], y


def _noise(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, torch.randn_like(fake).tanh(), y


def _perfect(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, fake, y


def _perfect_without_labels(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, fake, torch.full_like(y, -1)


def _slightly_blurred(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, torch.nn.functional.avg_pool2d(fake, 3, 1, 1), y


def _half_range(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, (fake + 1) / 2, y


def _unbounded(real: Tensor, fake: Tensor, y: Tensor) -> Images:
    return real, fake * 3, y


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "make", "won"),
    [
        ("mode collapse", _one_for_each_label, 0.8),
        ("mode collapse", _a_third_repeated, 0.8),
        ("mode collapse", _three_digits_without_labels, 0.8),
        ("ignored labels", _labels_shuffled, 0.8),
        ("unbeatable discriminator", _noise, 1.0),
        ("helpless discriminator", _noise, 0.5),
        ("wrong range", _half_range, 0.8),
        ("wrong range", _unbounded, 0.8),
    ],
)
def test_an_illness_is_called_by_its_name(name: str, make: Callable[..., Images], won: float, digits: Images) -> None:
    sick = make(*digits)
    assert name in _visit(_doctor(), sick, won)
    assert _visit(_doctor(), sick, won, learned=49_999) == []


@pytest.mark.parametrize("make", [_labels_shuffled, _noise, _one_for_each_label, _three_digits_without_labels])
def test_and_by_no_other(make: Callable[..., Images], digits: Images) -> None:
    assert len(_visit(_doctor(), make(*digits), won=0.5 if make is _noise else 0.8)) == 1


@pytest.mark.sampled
@pytest.mark.parametrize("make", [_perfect, _perfect_without_labels, _slightly_blurred])
@pytest.mark.parametrize("won", [0.5, 0.8, 1.0])
def test_good_images_are_never_sick_however_the_game_stands(
    make: Callable[..., Images], won: float, digits: Images
) -> None:
    assert _visit(_doctor(), make(*digits), won) == []


@pytest.mark.parametrize(
    "scale",
    [lambda x: (x + 1) / 2, lambda x: ((x + 1) / 2 - 0.1307) / 0.3081, lambda x: (x + 1) * 127.5],
    ids=["to [0, 1]", "by mean and deviation", "bytes"],
)
def test_data_in_another_range_is_told_at_the_first_judging(scale: Callable[[Tensor], Tensor], digits: Images) -> None:
    real, fake, y = digits
    assert _visit(_doctor(), (scale(real), fake, y), learned=1) == ["wrong range"]


def test_an_illness_is_told_once_even_across_a_resume(digits: Images, capsys: pytest.CaptureFixture[str]) -> None:
    doctor = _doctor()
    _visit(doctor, _noise(*digits), won=1.0)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("doctor: unbeatable discriminator after epoch 1: it put real above fake in 100.0% of pairs")
    assert "model.lr_ratio" in said
    resumed = _doctor()
    resumed.load_state_dict(json.loads(json.dumps(doctor.state_dict())))
    assert _visit(resumed, _noise(*digits), won=1.0) == ["unbeatable discriminator"]
    assert capsys.readouterr().err == ""
    assert resumed.images == 100_000


def test_who_won_is_of_the_last_epoch_alone(digits: Images) -> None:
    doctor = _doctor()
    _visit(doctor, _noise(*digits), won=1.0, learned=1000)
    assert _visit(doctor, _noise(*digits), won=0.8) == []


@pytest.mark.parametrize("stop", [False, True])
def test_a_sick_run_ends_where_that_is_asked_for(stop: bool, digits: Images) -> None:
    trainer = _trainer()
    _visit(_doctor(stop), _noise(*digits), 1.0, trainer=trainer)
    assert trainer.should_stop == stop
    trainer = _trainer()
    _visit(_doctor(stop), digits, trainer=trainer)
    assert not trainer.should_stop


def test_tensorboard_shows_the_finding(digits: Images, tmp_path: Path) -> None:
    logger = TensorBoard(str(tmp_path))
    _visit(_doctor(), _noise(*digits), 1.0, trainer=_trainer(loggers=[logger]))
    logger.finalize("success")
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert "doctor/text_summary" in events.Tags()["tensors"]


def test_images_that_the_classifier_cannot_read_are_judged_by_their_pixels(digits: Images) -> None:
    large = [part.expand(-1, 3, -1, -1).repeat(1, 1, 1, 2) if part.ndim == 4 else part for part in digits]
    assert _visit(_doctor(), (large[0], large[1], large[2]), won=1.0) == []
    assert _visit(_doctor(), _one_for_each_label(*large)) == ["mode collapse"]


def test_the_figures_of_known_images() -> None:
    real, labels = torch.eye(8).view(8, 1, 2, 4) * 2 - 1, torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    fake = real.clone()
    fake[1], fake[5] = fake[0], fake[0]  # one twin of the same label, and one of another, which is none
    figures = compare_pixels(real, fake, labels)
    assert (figures["real_low"], figures["real_high"], figures["real_twins"]) == (-1, 1, 0)
    assert figures["fake_twins"] == 2 / 8


def test_real_images_are_as_strange_as_real_ones(digits: Images) -> None:
    figures = classify(*digits, load("mnist"))
    assert 0.9 < figures["strangeness"] < 1.1
    assert 9.5 < figures["fake_kinds"] <= 10
    assert figures["fake_agreement"] > 0.98
    assert "fake_agreement" not in classify(*_perfect_without_labels(*digits), load("mnist"))


def test_a_short_run_is_given_its_chance(short_run: Path) -> None:
    assert json.loads((short_run / "result.json").read_text())["findings"] == []


def test_data_normalised_by_mean_and_deviation_is_told_by_a_run_of_three_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gan.data.batch, "to_float", lambda image: (image / 255 - 0.1307) / 0.3081)
    call(train, *SHORT, f"run_dir={tmp_path}", "callback.doctor.stop=true", "trainer.max_epochs=2")
    result = json.loads((tmp_path / "result.json").read_text())
    assert [finding["name"] for finding in result["findings"]] == ["wrong range"]
    assert len(result["history"]) == 1
    assert "doctor: wrong range after epoch 1: real images lie in [-0.42, 2.82]" in capsys.readouterr().err


# A small network on 20,480 images: a sabotaged run is as sick as it will ever be.
SMALL = [
    "network.width=8", "network.depth=0", "trainer.accelerator=cpu", "trainer.max_epochs=1",
    "trainer.limit_train_batches=160", "trainer.limit_val_batches=4", "callback.doctor.patience_images=20000",
]  # fmt: skip


def _names(folder: Path) -> list[str]:
    return [finding["name"] for finding in json.loads((folder / "result.json").read_text())["findings"]]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_healthy_run_is_left_in_peace(seed: int, mnist: str, tmp_path: Path) -> None:
    early = "callback.doctor.patience_images=50000"  # with half the patience of a real run
    call(train, f"run_dir={tmp_path}", f"seed={seed}", "trainer.max_epochs=1", "trainer.accelerator=cpu", early)
    assert _names(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["optimizer.lr=1e-6", "model.lr_ratio=1000"], "unbeatable discriminator"),  # the generator stands still
        (["model.lr_ratio=1e-4"], "helpless discriminator"),  # the discriminator does
    ],
)
def test_players_out_of_balance_are_told(words: list[str], name: str, mnist: str, tmp_path: Path) -> None:
    call(train, *SMALL, *words, f"run_dir={tmp_path}")
    assert name in _names(tmp_path)


@pytest.mark.slow
def test_a_generator_that_ignores_its_latents_has_collapsed(
    mnist: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = dcgan.Generator.forward
    monkeypatch.setattr(dcgan.Generator, "forward", lambda self, z, y: forward(self, torch.zeros_like(z), y))
    call(train, *SMALL, f"run_dir={tmp_path}")
    assert "mode collapse" in _names(tmp_path)


def test_a_missing_figure_is_no_illness() -> None:
    assert diagnose({}, early=False) == []
    assert diagnose({"won": math.nan, "strangeness": 9.0}, early=False) == []
