"""What the loggers show and keep, over which axis, and what a resumed training makes of it."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import SHORT, call, complaint, copy_writable
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from gan.callback.grid import above
from gan.cli import carry
from gan.cli.compose import compose, plain
from gan.error import MissingExtra, UserError
from gan.logger import Board, Csv, TensorBoard, Wandb, boards
from gan.logger.board import to_table
from train import train

BOTH = ["logger=[tensorboard,csv]", "trainer.max_epochs=2"]
FID = "val_bundled_digits/fid_digits"


@pytest.fixture(scope="module")
def both_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run with two loggers."""
    folder = tmp_path_factory.mktemp("both")
    call(train, *SHORT, *BOTH, f"run_dir={folder}")
    return folder


@pytest.fixture(scope="module")
def events(both_run: Path) -> EventAccumulator:
    return _events(both_run)


def _events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _board(kind: type[Board], folder: Path, images: int = 0, before: int = 0, **hparams: Any) -> Board:
    board = kind(str(folder))
    board.model = SimpleNamespace(images=images, images_before=before, hparams=hparams)  # type: ignore[assignment]
    return board


def test_everything_stands_over_the_images_seen(events: EventAccumulator) -> None:
    tags = events.Tags()
    assert "epoch" not in tags["scalars"]
    steps = {tag: [event.step for event in events.Scalars(tag)] for tag in tags["scalars"]}
    assert steps["loss/generator"] == [32 * step for step in range(1, 7)]
    judged = {steps[tag][-1] for tag in steps} | {image.step for image in events.Images(tags["images"][0])}
    assert judged == {96, 192}
    assert steps["evaluation/fid_digits_bundled_digits"] == [96, 192]


def test_the_first_two_groups_are_fid_and_samples_and_the_losses(events: EventAccumulator) -> None:
    tags = events.Tags()
    shown = sorted(tags["scalars"] + tags["images"])
    groups = list(dict.fromkeys(tag.partition("/")[0] for tag in shown))
    assert groups == ["evaluation", "loss", "output", "real images", "scores", "speed"]
    assert [tag for tag in shown if tag.startswith("evaluation")] == [
        "evaluation/fid_digits_bundled_digits", "evaluation/samples above real images",
    ]  # fmt: skip


def test_a_chart_has_a_score_and_its_floor(events: EventAccumulator) -> None:
    value = events.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0]
    charts = {
        chart.title: list(chart.multiline.tag) for part in Layout.FromString(value).category for chart in part.chart
    }
    assert next(iter(charts)) == "fid_digits with its floor"
    assert charts["fid_digits with its floor"] == [
        "^evaluation/fid_digits_bundled_digits$", r"^real\ images/fid_digits_bundled_digits$",
    ]  # fmt: skip
    assert {"label_agreement with its floor", "losses", "mean logits"} <= charts.keys()


def test_the_table_of_settings_has_what_was_typed_first(events: EventAccumulator, both_run: Path) -> None:
    start = HParamsPluginData.FromString(events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content)
    values = {
        name: value.number_value or value.string_value for name, value in start.session_start_info.hparams.items()
    }
    assert values["network.width"] == 8
    assert values["data"] == "digits"
    assert (values["augment"], values["penalty"], values["network"]) == ("none", "r1", "equalised")
    assert "logger" not in values
    found = HParamsPluginData.FromString(events.SummaryMetadata("_hparams_/experiment").plugin_data.content).experiment
    assert {info.name for info in found.hparam_infos if info.differs} == {*_words(SHORT), "trainer.max_epochs"}
    assert found.metric_infos[0].display_name == "best fid_digits"
    best = events.Scalars(found.metric_infos[0].name.tag)[-1].value
    assert best == pytest.approx(json.loads((both_run / "result.json").read_text())["objective"])


def _words(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words}


def test_classes_are_called_by_their_files() -> None:
    config = plain(compose("train", ["experiment=sagan", "data=digits", "optimizer.lr=3e-4", "run_dir=x"]))
    typed, main = to_table(
        {"config": config, "overrides": ["experiment=sagan", "+x.y='a b'", "~z", "optimizer.lr=3e-4"]}
    )
    assert typed == {"experiment": "sagan", "x.y": "a b", "optimizer.lr": 3e-4}
    assert main["network"] == "sagan"
    assert main["augment"] == "none"
    assert main["loss"] == "hinge"
    assert "optimizer.lr" not in main


def test_the_table_of_figures_has_a_row_for_each_number_of_images(both_run: Path) -> None:
    rows = _rows(both_run)
    assert [int(row["images"]) for row in rows] == [32 * step for step in range(1, 7)]
    history = json.loads((both_run / "result.json").read_text())["history"]
    assert [float(row[FID]) for row in rows if row[FID]] == [figures[FID] for figures in history]
    assert not {"epoch", "step", "speed/images"} & rows[0].keys()


@pytest.mark.slow
def test_a_resumed_training_loses_and_doubles_no_row(both_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    call(train, *SHORT, "logger=[tensorboard,csv]", "trainer.max_epochs=1", f"run_dir={folder}")
    with (folder / "metrics.csv").open("a") as file:
        file.write("97,1" + "," * (len(_rows(folder)[0]) - 2) + "\n")  # of an epoch that a kill cut short
    late = _board(TensorBoard, folder, images=97)
    late.log_metrics({"loss/generator": 9.0})
    late.finalize("failed")
    call(train, f"ckpt={folder}/last.ckpt", "trainer.max_epochs=2")
    whole, resumed = _rows(both_run), _rows(folder)
    assert [row["images"] for row in resumed] == [row["images"] for row in whole]
    assert [row[FID] for row in resumed] == [row[FID] for row in whole]
    assert [event.step for event in _events(folder).Scalars("loss/generator")] == [32 * step for step in range(1, 7)]
    call(train, f"ckpt={folder}/last.ckpt", "trainer.max_epochs=3", f"run_dir={tmp_path / 'new'}")
    assert [row["images"] for row in _rows(tmp_path / "new")] == [str(32 * step) for step in range(1, 10)]
    assert len(_rows(folder)) == 6


def test_an_early_checkpoint_continues_on_the_axis(short_run: Path, tmp_path: Path) -> None:
    copy_writable(short_run, tmp_path)
    contents = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert contents.pop("images") == 192
    torch.save(contents, tmp_path / "last.ckpt")
    call(train, f"ckpt={tmp_path}/last.ckpt", "trainer.max_epochs=3", "logger=csv")
    assert [row["images"] for row in _rows(tmp_path)] == ["224", "256", "288"]


def test_a_billion_images_are_counted_to_the_last_one(tmp_path: Path) -> None:
    board = _board(Csv, tmp_path, images=2**30 + 1)
    board.log_metrics({"a": 1.0, "epoch": 3.0}, step=7)
    board.save()
    assert _rows(tmp_path) == [{"images": str(2**30 + 1), "a": "1.0"}]


@pytest.mark.parametrize("contents", ["images,a\nmany,1\n", "a\n1\n", "\0", 'images\n"1'])
def test_a_damaged_table_is_one_line(contents: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(contents)
    with pytest.raises(UserError, match=r"metrics\.csv is damaged: move it away"):
        _board(Csv, tmp_path, 5, before=5).log_metrics({"a": 1.0})


def test_only_the_first_process_draws(tmp_path: Path) -> None:
    board = _board(Csv, tmp_path)
    assert boards(SimpleNamespace(loggers=[board, object()], is_global_zero=True)) == [board]  # type: ignore[arg-type]
    assert boards(SimpleNamespace(loggers=[board], is_global_zero=False)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("width", "larger"), [(302, 2), (780, 1), (34, 18)])
def test_samples_stand_above_real_images_in_large_pixels(width: int, larger: int) -> None:
    fakes, real = torch.zeros(1, 122, width, dtype=torch.uint8), torch.full((1, 122, width), 9, dtype=torch.uint8)
    picture = above(fakes, real)
    assert picture.shape == (1, 248 * larger, width * larger)
    assert picture[0, :: larger * 61, 0].tolist() == [0, 0, 255, 9, 9]


class _Run:
    """Stands for a run of Weights & Biases."""

    def __init__(self, **settings: Any) -> None:
        self.settings, self.logged = settings, list[Mapping[str, Any]]()

    def define_metric(self, *_: str, **__: str) -> None: ...

    def log(self, figures: Mapping[str, Any]) -> None:
        self.logged.append(figures)

    def finish(self, exit_code: int) -> None:
        self.ended = exit_code


def test_weights_and_biases_gets_figures_pictures_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wandb.init", lambda **settings: _Run(**settings))
    board = Wandb(str(tmp_path / "run"), "digit-gan", offline=True)
    hparams = {"config": {"objective": FID, "seed": 3}, "overrides": ["seed=3"]}
    board.model = SimpleNamespace(images=32, images_before=0, hparams=hparams)  # type: ignore[assignment]
    board.log_metrics({FID: 2.0, "epoch": 0})
    board.opened().add_picture("samples", torch.zeros(1, 4, 4, dtype=torch.uint8))
    board.finalize("success")
    run = board.run
    assert run.logged[0] == {FID: 2.0, "images": 32}
    assert run.logged[1]["images"] == 32
    assert run.logged[1]["samples"].format == "png"
    assert (run.settings["mode"], run.settings["name"], run.settings["id"]) == ("offline", "run", None)
    assert run.settings["config"] == {"objective": FID, "seed": 3, "typed": "seed=3"}
    assert run.ended == 0
    (tmp_path / "run" / "wandb" / "offline-run-20260101_101010-abc12def").mkdir(parents=True)
    board.model.images_before, board.is_open = 32, False
    board.log_metrics({})
    assert board.run.settings["id"] == "abc12def"  # a resumed training is the same run


def test_nobody_is_asked_for_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wandb.login", lambda prompt: prompt)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    refused = complaint(train, *SHORT, "logger=wandb", f"run_dir={tmp_path}")
    assert "there is no login of Weights & Biases here: type wandb login once, or logger.wandb.offline=true" in refused
    monkeypatch.setenv("WANDB_MODE", "offline")
    Wandb("x", "digit-gan", offline=False)
    monkeypatch.setattr("gan.error.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r'wandb is not installed: pip install -e "\.\[wandb\]"'):
        Wandb("x", "digit-gan", offline=False)


def test_a_file_does_not_decide_that_figures_are_sent() -> None:
    assert carry.describes("logger=csv")
    assert carry.describes("logger=[tensorboard,csv]")
    assert carry.to_retype(["logger=[csv,wandb]", "seed=1"]) == ["logger=[csv,wandb]"]


@pytest.mark.slow
def test_weights_and_biases_works_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    call(train, *SHORT, "logger=wandb", f"run_dir={tmp_path}")
    assert list(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))
    assert list(tmp_path.glob("wandb/offline-run-*/files/media/images/*.png"))
    call(train, *SHORT, "logger=none", "overwrite=true", f"run_dir={tmp_path}")
    assert list(tmp_path.glob("wandb/*")) == []
