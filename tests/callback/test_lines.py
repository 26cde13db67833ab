"""The lines of a training say how it goes in words that a person knows."""

import math
import shlex
from pathlib import Path

import pytest

from gan.callback.lines import Epoch, beside_floor, end, epoch_line, labelled, name, next_steps, shown, typed, value

FID = "val/fid_digits"
FIGURES = {FID: 1.934, f"{FID}_floor": 0.231, "val/label_agreement": 0.9876, "val/is_digits": 9.8}


def _line(figures: dict[str, float], width: int = 1000, objective: str = FID, is_best: bool = True) -> str:
    return epoch_line(Epoch(3, 32, figures, is_best, 1304.4, 57.6), objective, width).plain


def test_an_epoch_has_its_figure_beside_the_floor_and_its_speed() -> None:
    assert _line(FIGURES) == "epoch  3/32  FID   1.93 (real 0.23)  labels right  98.8%   58 s  1,304 images/s  best"
    assert not _line(FIGURES, is_best=False).endswith("best")


def test_the_two_sample_test_is_a_share() -> None:
    assert "labels right  98.8%  C2ST  97.3%   58 s" in _line(FIGURES | {"val/c2st": 0.9734})


@pytest.mark.parametrize("width", [60, 72, 80])
def test_a_narrow_terminal_loses_what_matters_least(width: int) -> None:
    line = _line(FIGURES, width)
    assert len(line) <= width
    assert line.startswith("epoch  3/32  FID   1.93 (real 0.23)")
    assert line.endswith("best")


def test_an_epoch_without_a_figure_has_its_time_alone() -> None:
    assert _line({}, is_best=False) == "epoch  3/32   58 s  1,304 images/s"
    assert epoch_line(Epoch(3, -1, {}, False, 10, 1), FID, 99).plain == "epoch 3    1 s  10 images/s"


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (FID, "FID"),
        ("val/fid_inception", "Inception FID"),
        ("val_bundled_digits/fid_digits", "FID of bundled digits"),  # never taken for MNIST's
        ("val_stacked_mnist/mode_kl", "mode KL of stacked mnist"),
        ("val/my_own", "my own"),
    ],
)
def test_figures_have_names_for_people(figure: str, words: str) -> None:
    assert name(figure) == words


def test_other_metrics_stand_beside_their_floor_too() -> None:
    stacked = {"val_stacked_mnist/modes_covered": 812.0, "val_stacked_mnist/mode_kl": 0.0512}
    stacked["val_stacked_mnist/mode_kl_floor"] = 0.02
    line = _line(stacked, objective="val_stacked_mnist/mode_kl")
    assert "mode KL of stacked mnist  0.051 (real 0.02)  modes    812" in line
    assert "Inception FID  12.50 " in _line({"val/fid_inception": 12.5}, objective="val/fid_inception")


def test_numbers_are_short() -> None:
    shorts = [value(FID, {FID: number}) for number in (827.961, 1.934, 0.05123, math.nan)]
    assert shorts == ["827.96", "1.93", "0.051", "nan"]
    assert "".join(part if isinstance(part, str) else part[0] for part in beside_floor(FID, {FID: 2.0})) == "FID 2.00"


def test_the_end_names_the_best_epoch_and_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    best, pictures = (line.plain for line in end(FID, {"epoch": 31.0, **FIGURES}, 32, tmp_path))
    assert best == f"best      FID 1.93 (real 0.23) in epoch 31 of 32: {tmp_path / 'best.ckpt'}"
    assert pictures == f"pictures  {tmp_path / 'grids'}"
    (none,) = end(FID, {}, 32, tmp_path)
    assert none.plain == f"end       no epoch was judged: {tmp_path / 'last.ckpt'}"
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "runs" / "x") == "runs/x"
    assert shown(Path("runs/x")) == "runs/x"


def test_next_steps_can_be_copied(tmp_path: Path) -> None:
    folder = tmp_path / "my runs"
    folder.mkdir()
    assert len(next_steps(folder, [])) == 2  # without TensorBoard, no curves
    (folder / "events.out.tfevents.1").touch()
    draw, judge, curves = map(shlex.split, next_steps(folder, ["data.root=/x/my digits", "logger.x=1"]))
    assert draw == ["python", "-m", "gan.generate", f"ckpt={folder}/best.ckpt", "out=digits.png"]
    assert judge == [
        "python", "-m", "gan.evaluate", f"ckpt={folder}/best.ckpt", "data.root=/x/my digits", "split=test",
    ]  # fmt: skip
    assert curves == ["tensorboard", "--logdir", str(folder)]


def test_what_was_typed_cannot_control_a_terminal() -> None:
    assert typed([]) == "default recipe"
    assert typed(["seed=1", "data.root=a b\x1b[2J"]) == "seed=1 'data.root=a b?[2J'"
    assert labelled("model", "two").plain == "model     two"
