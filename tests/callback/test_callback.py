"""What a run leaves behind for people to look at."""

import json
import math
import warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import SCHEDULE, SHORT, call, complaint, pixels
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn
from torchmetrics import Metric

from gan.callback import Grid, Quality, Result
from gan.loss import Hinge
from gan.metric.score import LabelAgreement
from gan.model import GAN
from gan.network import Discriminator, Generator
from gan.penalty import Zero
from train import train


@pytest.fixture(scope="module")
def events(short_run: Path) -> EventAccumulator:
    found = EventAccumulator(str(short_run))
    found.Reload()
    return found


def test_tensorboard_shows_figures_losses_logits_grids_and_settings(events: EventAccumulator) -> None:
    tags = events.Tags()
    assert {
        "evaluation/fid_digits_bundled_digits", "real images/fid_digits_bundled_digits",
        "scores/is_digits_bundled_digits", "scores/label_agreement_bundled_digits", "scores/best fid_digits",
        "loss/discriminator", "loss/generator", "loss/penalty", "output/real", "output/fake",
        "speed/images_per_second", "speed/judging_per_training", "speed/peak_memory_mib",
    } <= set(tags["scalars"])  # fmt: skip
    assert len(events.Scalars("evaluation/fid_digits_bundled_digits")) == 2
    assert [image.step for image in events.Images("evaluation/samples above real images")] == [96, 192]
    assert any("hparams" in tag for tag in events.summary_metadata)


def test_a_grid_stands_in_the_folder_after_every_epoch(short_run: Path) -> None:
    paths = sorted((short_run / "grids").iterdir())
    assert [path.name for path in paths] == ["epoch_001.png", "epoch_002.png"]
    pictures = [pixels(path) for path in paths]
    assert pictures[0].shape == (8 * 30 + 2, 10 * 30 + 2)
    assert (pictures[0] != pictures[1]).any()


def test_the_result_holds_the_best_epoch_and_the_history(short_run: Path) -> None:
    result = json.loads((short_run / "result.json").read_text())
    curve = [figures["val_bundled_digits/fid_digits"] for figures in result["history"]]
    assert len(curve) == 2
    assert result["objective"] == min(curve) == result["figures"]["val_bundled_digits/fid_digits"]
    assert result["config"]["optimizer"]["lr"] > 0
    assert result["history"][-1]["speed/images"] == 2 * 3 * 32
    assert result["parameters"]["generator"] > 0


def test_a_resumed_run_keeps_its_history_and_its_best(short_run: Path, tmp_path: Path) -> None:
    call(train, *SHORT, f"run_dir={tmp_path}")
    call(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=2")
    assert "with 2 epochs" in complaint(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=2")
    resumed, whole = (json.loads((folder / "result.json").read_text()) for folder in (tmp_path, short_run))
    name = "val_bundled_digits/fid_digits"
    assert [figures[name] for figures in resumed["history"]] == [figures[name] for figures in whole["history"]]
    assert resumed["history"][-1]["speed/images"] == whole["history"][-1]["speed/images"]
    assert set(resumed["overrides"]) == {
        *SHORT,
        "trainer.max_epochs=2",
    }  # what was typed, and nothing of what is set for it


@pytest.mark.parametrize(
    ("classes", "columns", "first", "last"), [(26, 26, [0, 1], 25), (1000, 10, [0, 12], 987), (0, 10, [-1, -1], -1)]
)
def test_a_grid_has_a_column_for_each_class_or_shows_some_of_many(
    classes: int, columns: int, first: list[int], last: int, tmp_path: Path
) -> None:
    made: list[Tensor] = []

    class Labels(Generator):
        def __init__(self) -> None:
            super().__init__(2, classes, (3, 4, 4))
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, z: Tensor, y: Tensor) -> Tensor:
            made.append(y)
            return torch.zeros(len(y), 3, 4, 4)

    optimizer = partial(torch.optim.Adam, lr=1e-3)
    gan = GAN(Labels(), Discriminator(classes, (3, 4, 4)), Hinge(), Zero(), nn.Identity(), optimizer, 0, **SCHEDULE)
    trainer = SimpleNamespace(is_global_zero=True, current_epoch=0, default_root_dir=tmp_path, loggers=[])
    Grid(8, None).on_validation_epoch_end(trainer, gan)  # type: ignore[arg-type]
    assert pixels(tmp_path / "grids" / "epoch_001.png").shape == (8 * 6 + 2, columns * 6 + 2, 3)
    assert torch.cat(made)[:2].tolist() == first
    assert torch.cat(made).max() == last


def test_a_grid_has_rows_and_columns() -> None:
    with pytest.raises(ValueError, match=r"grid\.(rows|columns) must be a whole number from 1 to 100"):
        Grid(0, 10)


def test_the_best_is_the_lowest_and_nothing_before_the_first() -> None:
    result = Result("x")
    assert result.objective != result.objective
    result.history = [{"epoch": 1, "x": math.nan}, {"epoch": 2, "x": 1.0}, {"epoch": 3, "x": 2.0}, {"epoch": 4}]
    assert (result.objective, result.best["epoch"]) == (1.0, 2)


def test_an_epoch_that_is_not_judged_has_no_figures_of_an_earlier_one() -> None:
    result = Result("val/x")
    figures = {"val/x": torch.tensor(1.0), "speed/images": 5}
    trainer: Any = SimpleNamespace(current_epoch=1, check_val_every_n_epoch=2, callback_metrics=figures, loggers=[])
    result.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
    trainer.current_epoch = 2
    result.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
    assert result.history == [{"epoch": 2, "val/x": 1.0, "speed/images": 5.0}, {"epoch": 3, "speed/images": 5.0}]


def test_a_figure_that_is_not_a_number_is_shown_as_one() -> None:
    class Broken(Metric):
        def update(self, imgs: Tensor) -> None: ...

        def compute(self) -> Tensor:
            return torch.tensor(math.nan)

    quality = Quality({"broken": Broken(), "labels": LabelAgreement(nn.Flatten())})
    quality.stage, quality.metrics = "val", quality._blank
    quality._update(torch.eye(10), False, torch.full((10,), -1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchmetrics: one of them saw no update it knows of
        figures = quality._compute()
    assert list(figures) == ["val/broken"]
    assert math.isnan(figures["val/broken"])


def test_the_report_draws_sixteen_without_labels(tmp_path: Path) -> None:
    words = [word for word in SHORT if not word.startswith("network")]
    call(train, "experiment=report", *words, f"run_dir={tmp_path}", "trainer.max_epochs=1")
    assert pixels(tmp_path / "grids" / "epoch_001.png").shape == (4 * 30 + 2, 4 * 30 + 2)
    assert "val_bundled_digits/label_agreement" not in json.loads((tmp_path / "result.json").read_text())["figures"]
