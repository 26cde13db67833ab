"""What stands on the terminal during a training: a header, one bar, a line for each epoch."""

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from conftest import SHORT, call
from rich.console import Console

from gan import terminal
from gan.callback import Progress, Result, Stop
from gan.callback.progress import Pace
from train import train

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
WORDS = [word for word in SHORT if word != "trainer=debug"]


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Run(NamedTuple):
    """What a terminal got of a run, and the lines that stay."""

    raw: str
    folder: Path

    @property
    def kept(self) -> list[str]:
        """What follows the time and the level in the log."""
        return [line[32:] for line in (self.folder / "train.log").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of three epochs, two of them judged, on a terminal of 110 columns."""
    folder, screen = tmp_path_factory.mktemp("my run"), Screen()
    console = Console(file=screen, force_terminal=True, force_interactive=True, width=110, color_system="standard")
    limits = ["trainer.max_epochs=3", "trainer.limit_train_batches=3", "trainer.limit_val_batches=2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal, "make_console", lambda stderr=False: console)
        patch.delenv("JPY_PARENT_PID", raising=False)
        patch.setattr(terminal, "in_series", False)
        call(train, *WORDS, *limits, "trainer.check_val_every_n_epoch=2", f"run_dir={folder}")
    return Run(screen.getvalue(), folder)


def test_the_header_says_what_is_trained_by_what_and_where(shown: Run) -> None:
    training, model, folder = shown.kept[:3]
    assert training.startswith("training  data=digits trainer.accelerator=cpu network.width=8 ")
    assert training.endswith(
        "equalised on digits, 1,500 images (20 times an epoch) of 10 classes, judged by 750 of them"
    )
    assert re.match(r"model     generator [\d,]+, discriminator [\d,]+ parameters; CPU \(\d+ threads?\), ", model)
    assert model.endswith("; 3 epochs")
    assert folder == f"folder    {shown.folder}"


def test_each_epoch_leaves_one_line_with_its_figure_beside_the_floor(shown: Run) -> None:
    first, second, third = (line for line in shown.kept if line.startswith("epoch "))
    assert re.fullmatch(r"epoch 1/3 +\d+ s  [\d,]+ images/s", first)  # not judged
    figure = r"FID of bundled digits [\d. ]+ \(real [\d.]+\)  labels right +[\d.]+%"
    assert re.fullmatch(rf"epoch 2/3  {figure} +\d+ s  [\d,]+ images/s  best", second)
    assert re.fullmatch(r"epoch 3/3 +\d+ s  [\d,]+ images/s", third)


def test_one_bar_shows_training_and_judging_and_vanishes(shown: Run) -> None:
    drawn = [CODES.sub("", part) for part in shown.raw.split("\r")]
    bars = [part for part in drawn if "━" in part]
    assert [part for part in bars if not re.match(r"epoch \d/3.{,98}$", part.strip().split("\n")[-1])] == []
    assert any("judging" in part for part in bars)
    assert any(re.search(r"[\d,]+ images/s  \d+:\d\d left", part) for part in bars)
    left = shown.raw[shown.raw.rindex("\x1b[2K") :]
    assert "━" not in left


def test_the_end_says_what_to_type_next(shown: Run) -> None:
    rest = CODES.sub("", shown.raw[shown.raw.rindex("\x1b[2K") :])
    assert f"--logdir '{shown.folder}'" in rest
    assert f"python -m gan.evaluate 'ckpt={shown.folder}/best.ckpt' split=test\n" in rest
    assert "in epoch 2 of 3: " in "".join(shown.kept)


def test_the_log_has_lines_with_times_and_no_codes(shown: Run) -> None:
    lines = (shown.folder / "train.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3 + 3 + 2
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    \w", line) for line in lines)
    assert not any("\x1b" in line or "━" in line for line in lines)


def test_after_a_trial_one_sentence_says_that_all_works(short_run: Path) -> None:
    said = (short_run / "train.log").read_text(encoding="utf-8")
    assert "everything works; figures after 6 batches mean nothing: train without trainer=debug\n" in said


def test_the_pace_tells_what_is_left() -> None:
    pace = Pace()
    pace.add_batch(9.0, is_first=True)
    assert pace.left(10, 1) is None
    for _ in range(4):
        pace.add_batch(0.5, is_first=False)
    assert pace.left(10, 1) == 5.0  # a judging was not seen yet
    pace.add_judging(3.0)
    assert pace.ratio == 6.0
    assert pace.left(10, 2) == 5.0 + 2 * 3.0


def _progress(callbacks: list[Any], **more: Any) -> Progress:
    progress = Progress("val/x", Console(file=io.StringIO()))
    settings = {"current_epoch": 2, "max_epochs": 10, "check_val_every_n_epoch": 2, "num_training_batches": 100}
    settings |= {"num_val_batches": [4], "enable_validation": True, "callbacks": callbacks, "is_global_zero": True}
    progress._trainer = SimpleNamespace(**(settings | more))  # type: ignore[assignment]
    progress.pace.batches, progress.pace.training = 10, 5.0
    return progress


def test_what_is_left_counts_training_and_judging_of_a_continued_run() -> None:
    progress = _progress([])
    progress.load_state_dict({"ratio": 20.0})
    assert progress.state_dict() == {"ratio": 20.0}
    assert progress._left() == (8 * 100 + 4 * 20) * 0.5  # epochs 3 to 10; 4, 6, 8 and 10 are judged
    progress._done, progress._is_judging, progress._judged = 100, True, 1
    assert progress._left() == (7 * 100 + 3.75 * 20) * 0.5


def test_the_time_limit_ends_a_run_sooner_than_its_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    timer = Stop("fid", None, "30s")
    monkeypatch.setattr(timer, "time_remaining", lambda: 30.0)
    assert _progress([timer])._left() == 30.0
    assert _progress([timer], max_epochs=-1)._left() == 30.0
    assert _progress([], max_epochs=-1)._left() is None


def test_only_an_epoch_better_than_all_before_is_the_best() -> None:
    result = Result("val/x")
    result.history = [{"epoch": 1, "val/x": 2.0}, {"epoch": 2}]
    progress = _progress([result])
    trainer: Any = progress.trainer
    assert progress._is_best(trainer, {"val/x": 1.9})
    assert not progress._is_best(trainer, {"val/x": 2.0})
    assert not progress._is_best(trainer, {"val/x": float("nan")})
    assert not progress._is_best(trainer, {})


def test_other_processes_show_nothing() -> None:
    progress = _progress([], is_global_zero=False)
    progress.setup(progress.trainer, None, "fit")  # type: ignore[arg-type]
    progress.on_train_start(progress.trainer, None)  # type: ignore[arg-type]
    progress.on_train_epoch_end(progress.trainer, None)  # type: ignore[arg-type]
    assert progress.console.file.getvalue() == ""  # type: ignore[attr-defined]
