"""When a training ends before its last epoch, and which epochs are kept."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import SCHEDULE, SHORT, call, complaint

from gan import checkpoint
from gan.callback import Keep, KeepEvery, Stop
from gan.cli.run_folder import results
from gan.error import UserError
from gan.model import GAN, Schedule
from gan.validate import seconds
from train import train


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90m", 5400), ("1h30m", 5400), ("2d", 172800), ("45s", 45), ("1d1h1m1s", 90061), ("00:01:30:00", 5400)],
)
def test_a_length_of_time_is_typed_as_people_say_it(text: str, expected: float) -> None:
    assert seconds("trainer.max_time", text) == expected


@pytest.mark.parametrize("text", ["soon", "90", 90, "0m", "", "-5m", "1m1h", "1:30", "00:00:00:00", "1e9h", True])
def test_what_is_no_length_of_time_is_refused(text: object) -> None:
    with pytest.raises(UserError, match=r"trainer\.max_time must be a length of time, as 90m, 1h30m or 2d"):
        seconds("trainer.max_time", text)


def _trainer(folder: Path, epoch: int = 0, value: float = math.nan, last: int = -1, every: int = 1) -> Any:
    strategy = SimpleNamespace(broadcast=lambda value: value)
    return SimpleNamespace(
        default_root_dir=folder, current_epoch=epoch, max_epochs=last, callback_metrics={"val/fid": value},
        should_stop=False, is_global_zero=True, strategy=strategy, check_val_every_n_epoch=every,
    )  # fmt: skip


def _epochs(stop: Stop, folder: Path, values: list[float], first: int = 0) -> int:
    """Show a callback the values of epochs; return how many it allows."""
    stop.on_train_start(_trainer(folder), None)  # type: ignore[arg-type]
    for epoch, value in enumerate(values, first):
        trainer = _trainer(folder, epoch, value)
        stop.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
        if trainer.should_stop:
            return epoch + 1
    return first + len(values)


def test_patience_counts_epochs_without_a_better_value_over_a_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [3.0, 2.0, 2.0, math.nan, 1.9, 2.5, 2.0, 2.1, 1.0]
    assert _epochs(Stop("val/fid", 3, None), tmp_path, values) == 8
    assert "patience=3: no better fid for 3 epochs: the training ends after epoch 8" in capsys.readouterr().err
    before, after = Stop("val/fid", 3, None), Stop("val/fid", 3, None)
    assert _epochs(before, tmp_path, values[:6]) == 6
    after.load_state_dict(before.state_dict())
    assert _epochs(after, tmp_path, values[6:], first=6) == 8
    assert _epochs(Stop("val/fid", None, None), tmp_path, values) == 9


def test_patience_waits_for_epochs_that_are_judged(tmp_path: Path) -> None:
    stop = Stop("val/fid", 2, None)
    for epoch, value in enumerate([math.nan, 3.0, 3.0, 4.0, 4.0, 5.0]):  # every second is judged
        trainer = _trainer(tmp_path, epoch, value, every=2)
        stop.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
        assert trainer.should_stop == (epoch == 5)


def test_patience_names_the_objective_as_people_do() -> None:
    stop = Stop("val_kmnist/fid_digits", 1, None)
    stop.waited = 1
    assert stop.reason == "patience=1: no better FID of kmnist for 1 epoch"


def test_time_ends_with_the_last_epoch_that_fits_and_counts_over_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 20))  # an epoch takes 20 seconds
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert _epochs(Stop("val/fid", None, "50s"), tmp_path, [1.0] * 9) == 2
    assert _epochs(Stop("val/fid", None, "5s"), tmp_path, [1.0] * 9) == 1
    before, after = Stop("val/fid", None, "1m"), Stop("val/fid", None, "2m")
    assert _epochs(before, tmp_path, [1.0] * 9) == 3
    after.load_state_dict(before.state_dict())
    assert _epochs(after, tmp_path, [1.0] * 9, first=3) == 6


def test_what_has_ended_is_refused_unless_its_result_is_missing(tmp_path: Path) -> None:
    stop = Stop("val/fid", None, "1m")
    stop.elapsed, stop.epoch = 50.0, 20.0
    with pytest.raises(UserError, match=r"ckpt: trainer\.max_time=1m: no time for one more epoch: type a larger"):
        stop.on_train_start(_trainer(tmp_path), None)  # type: ignore[arg-type]
    (tmp_path / "last.ckpt").touch()  # killed between its last epoch and its result
    trainer = _trainer(tmp_path)
    stop.on_train_start(trainer, None)  # type: ignore[arg-type]
    assert trainer.should_stop


@pytest.mark.slow
def test_a_training_without_time_ends_well_keeps_epochs_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    call(
        train,
        *SHORT,
        "trainer.max_epochs=-1",
        "trainer.max_time=1s",
        "keep_every=1",
        "logger=none",
        f"run_dir={folder}",
    )
    assert "trainer.max_time=1s: no time for one more epoch: the training ends after epoch" in capsys.readouterr().err
    done = len(json.loads((folder / "result.json").read_text())["history"])
    kept = [f"epoch_{epoch:03d}.ckpt" for epoch in range(1, done + 1)]
    assert {"last.ckpt", "best.ckpt", *kept} <= set(results(folder))
    refused = complaint(train, f"ckpt={folder}/last.ckpt")
    assert "trainer.max_time=1s: no time for one more epoch: type a larger number to continue" in refused
    more = [f"trainer.max_epochs={done + 1}", "trainer.max_time=null", "keep_every=null"]
    call(train, f"ckpt={folder}/last.ckpt", *more)
    assert len(json.loads((folder / "result.json").read_text())["history"]) == done + 1
    first = checkpoint.load_contents(folder / "epoch_001.ckpt")
    assert (first["epoch"], first["images"]) == (0, 96)
    assert not [name for name in results(folder) if name.startswith("events")]


def test_every_second_epoch_is_kept(tmp_path: Path) -> None:
    saved: list[str] = []
    trainer = SimpleNamespace(save_checkpoint=lambda path, weights_only: saved.append(path.name), current_epoch=0)
    for keep in (KeepEvery(str(tmp_path), 2), KeepEvery(str(tmp_path), None)):
        for trainer.current_epoch in range(5):
            keep.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
    assert saved == ["epoch_002.ckpt", "epoch_004.ckpt"]


@pytest.mark.parametrize(
    ("words", "file"),
    [("patience=2", "stop"), ("trainer.max_time=1m", "stop"), ("keep_every=2", "checkpoint"), ("c2st_every=2", "tell")],
)
def test_a_setting_without_its_callback_is_refused(words: str, file: str, tmp_path: Path) -> None:
    few = ["callback=[quality,result]", words, f"run_dir={tmp_path / 'x'}"]
    assert f"{words} needs callback={file}: add it to the list" in complaint(train, *SHORT, *few)


@pytest.mark.parametrize(
    ("epoch", "epochs", "time", "expected"),
    [(0, 4, 0.0, 0.0), (3, 4, 0.0, 0.75), (3, 4, 0.9, 0.9), (7, -1, 0.0, 0.0), (7, -1, 0.5, 0.5)],
)
def test_rates_fall_towards_the_end_that_comes_first(epoch: int, epochs: int, time: float, expected: float) -> None:
    model = SimpleNamespace(current_epoch=epoch, trainer=SimpleNamespace(max_epochs=epochs), time_share=time)
    assert GAN.share_over.fget(model) == expected  # type: ignore[attr-defined]


def test_rates_never_fall_below_zero() -> None:
    schedule = Schedule(**SCHEDULE | {"lr_decay": 0.5})
    assert [schedule.rate(over) for over in (0.0, 0.5, 0.75, 1.0, 1.1)] == [1.0, 1.0, 0.5, 0.0, 0.0]
    assert Schedule(**SCHEDULE).rate(0.9) == 1.0


def test_a_best_checkpoint_that_was_left_behind_is_forgotten(tmp_path: Path) -> None:
    state = {"best_model_path": "x/best.ckpt", "best_model_score": torch.tensor(1.0), "best_k_models": {}}
    keep = Keep(str(tmp_path), "best", monitor="fid")
    keep.load_state_dict(state)
    assert (keep.best_model_path, keep.best_model_score) == ("", None)
