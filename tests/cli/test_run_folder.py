"""A folder that holds a training loses nothing, and one process writes there."""

import os
import signal
import time
from pathlib import Path
from tempfile import gettempdir

import pytest
import torch
from conftest import SHORT, call, complaint, copy_writable, run, spawn

from gan.callback.result import remedy
from gan.cli import run_folder
from gan.cli.compose import compose, plain
from gan.cli.trainer import validate_trainer
from gan.error import UserError
from gan.file import CONF, cache_folder, lock_folder
from train import train

LEFT = ["last.ckpt", "best.ckpt", "result.json", "epoch_005.ckpt", "metrics.csv", "grids/epoch_001.png"]
LEFT += ["events.out.tfevents.1.host.2.0"]
NOTES = ["hparams.yaml", "train.log", "test.json", "test.md", ".hydra/config.yaml"]


def _put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("_target_: gan.model.GAN")


def _claim(folder: Path, *words: str) -> None:
    with run_folder.held:
        run_folder.claim([f"hydra.run.dir='{folder}'", f"hydra.sweep.dir='{folder}'", *words])


@pytest.mark.parametrize("name", LEFT)
def test_a_folder_with_a_training_is_refused(name: str, tmp_path: Path) -> None:
    _put(tmp_path, name)
    with pytest.raises(UserError, match="overwrite=true replaces it, or choose another run_dir") as caught:
        _claim(tmp_path)
    assert f"holds a training ({name})" in str(caught.value)
    assert (f"ckpt={tmp_path}/last.ckpt continues it" in str(caught.value)) == (name == "last.ckpt")
    with pytest.raises(UserError, match="choose another run_dir for a sweep"):
        _claim(tmp_path, "-m", "overwrite=true")


@pytest.mark.parametrize("name", ["train.log", "notes.txt", ".hydra/config.yaml", "grids/mine.png", "model.ckpt"])
def test_a_folder_without_results_is_not_refused(name: str, tmp_path: Path) -> None:
    _put(tmp_path, name)
    _claim(tmp_path)
    _claim(tmp_path, "-m")


OPENED = [
    ".lock",
    "train.log",
    ".hydra",
    ".hydra/config.yaml",
    ".hydra/overrides.yaml",
    "grids",
    "multirun.yaml",
    "0",
    "wandb",
]


@pytest.mark.parametrize("kind", ["file", "folder", "nothing", "pipe"])
@pytest.mark.parametrize("name", OPENED)
def test_nothing_is_written_through_a_link_or_into_a_pipe(name: str, kind: str, tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    (run / name).parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(run / name)
    else:
        (run / name).symlink_to(elsewhere)
    if kind == "file":
        elsewhere.write_text("kept")
    elif kind == "folder":
        elsewhere.mkdir()
    for words in ([], ["overwrite=true"], ["-m"]):
        with pytest.raises(UserError, match=r"^run_dir: \S+ is a link or a device, .*: remove it") as caught:
            _claim(run, *words)
        assert str(run / name) in str(caught.value)
    assert kind != "file" or elsewhere.read_text() == "kept"
    assert kind != "folder" or not any(elsewhere.iterdir())


def test_a_run_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "data").symlink_to(tmp_path)  # nothing of a training
    _claim(tmp_path / "runs")


@pytest.mark.parametrize("name", ["0/job.json", "multirun.yaml", "study.lock"])
def test_a_sweep_or_a_study_is_no_place_for_a_training(name: str, tmp_path: Path) -> None:
    _put(tmp_path, name)
    for words in ([], ["overwrite=true"]):
        with pytest.raises(UserError, match=r"holds a (sweep|study).*: choose another run_dir"):
            _claim(tmp_path, *words)


def test_overwriting_removes_what_a_training_leaves_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = ["notes.txt", "model.ckpt", "grids/mine.png", "grids/epoch_1.txt", "deep/last.ckpt", "best.ckpt.bak"]
    mine += ["wandb/mine.txt", "epoch_5.ckpt.old"]
    _put(tmp_path, *LEFT, *NOTES, *mine, "wandb/offline-run-20260101_101010-abc12def/files/a.png")
    (tmp_path / "wandb" / "latest-run").symlink_to(tmp_path / "grids")
    _claim(tmp_path, "overwrite=true")
    run_folder.clear(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left - {".lock"} == set(mine)
    assert capsys.readouterr().err.startswith(f"overwrite=true: removed from {tmp_path}: last.ckpt, best.ckpt, result")


def test_files_of_another_program_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_text("of another program")
    with pytest.raises(UserError, match=r"holds last\.ckpt, which this project did not write"):
        _claim(tmp_path, "overwrite=true")


def test_only_its_own_last_checkpoint_continues_a_training(tmp_path: Path) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    _put(here, *LEFT, *NOTES)
    _put(other, *LEFT, *NOTES)
    _claim(here, f"ckpt='{here}/last.ckpt'")
    _claim(tmp_path / "new", f"ckpt='{here}/last.ckpt'")
    with pytest.raises(UserError, match="holds a training"):
        _claim(other, f"ckpt='{here}/last.ckpt'")
    with pytest.raises(UserError, match=r"last\.ckpt is later and would be lost"):
        _claim(here, f"ckpt='{here}/best.ckpt'")
    with pytest.raises(UserError, match=r"would remove .*last\.ckpt, which is to be continued"):
        _claim(here, f"ckpt='{here}/last.ckpt'", "overwrite=true")


@pytest.mark.parametrize("rank", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_one_process_at_a_time_has_a_folder(rank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_folder(tmp_path)
    assert lock
    with pytest.raises(UserError, match="is in use by another training: wait for its end"):
        _claim(tmp_path)
    monkeypatch.setenv(rank, "1")  # a further process of the same training
    _claim(tmp_path)
    lock.release()
    monkeypatch.delenv(rank)
    _claim(tmp_path)
    _claim(tmp_path)


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = "import time; from pathlib import Path; from gan.file import lock_folder; "
    code += f"lock = lock_folder(Path({str(tmp_path)!r})); print('locked', flush=True); time.sleep(60)"
    holder = spawn("-c", code)
    assert holder.stdout
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(UserError, match="is in use"):
        _claim(tmp_path)
    holder.kill()
    holder.communicate()
    _claim(tmp_path)


def test_a_file_system_without_locks_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def acquire(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", acquire)
    _claim(tmp_path)
    assert "this file system has no locks: let no second process write there" in caplog.text


def test_the_commands_line_refuses_before_anything_is_written(tmp_path: Path, short_run: Path) -> None:
    copy_writable(short_run, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.name != ".lock"}
    assert "holds a training" in complaint(train, *SHORT, f"run_dir={tmp_path / 'run'}")
    finished = complaint(train, f"ckpt={tmp_path / 'run' / 'last.ckpt'}")
    assert "is of a finished training, with 2 epochs: to train longer, add trainer.max_epochs=N" in finished
    assert "README.md is a file: choose a folder" in complaint(train, *SHORT, "run_dir=README.md")
    with run_folder.held:
        run_folder.bring(tmp_path, [f"ckpt='{tmp_path}/run/last.ckpt'"])
    assert (tmp_path / "best.ckpt").read_bytes() == (tmp_path / "run" / "best.ckpt").read_bytes()
    after = {path: path.stat().st_mtime_ns for path in before if path.is_file() and path.suffix in (".ckpt", ".json")}
    assert after == {path: before[path] for path in after}


def test_a_best_checkpoint_of_a_later_epoch_is_not_taken_along(short_run: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    copy_writable(short_run, old)
    contents = torch.load(old / "last.ckpt", weights_only=True)
    torch.save(contents, old / "best.ckpt")
    torch.save(contents | {"epoch": 0}, old / "epoch_001.ckpt")
    run_folder.bring(new, [f"ckpt='{old}/epoch_001.ckpt'"])
    assert not new.exists()
    run_folder.bring(new, [f"ckpt='{old}/last.ckpt'"])
    assert [path.name for path in new.iterdir()] == ["best.ckpt"]


@pytest.mark.slow
def test_two_trainings_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    words = [*SHORT, "trainer.max_epochs=400", f"run_dir={tmp_path / 'run'}"]
    first = spawn("train.py", *words)
    while not (tmp_path / "run" / "last.ckpt").exists():
        assert first.poll() is None
        time.sleep(0.1)
    second = run("train.py", *words)
    assert second.returncode == 1
    assert "is in use by another training" in second.stderr
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert len(list((tmp_path / "run").glob("events*"))) == 1
    call(train, *SHORT, f"run_dir={tmp_path / 'run'}", "overwrite=true")
    assert len(list((tmp_path / "run").glob("events*"))) == 1


def test_the_way_on_has_the_paths_that_were_typed(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").touch()
    assert remedy(tmp_path, ["data.root='/x/Daten, alt'"]) == (
        f"go on: python train.py ckpt={tmp_path}/last.ckpt 'data.root='\"'\"'/x/Daten, alt'\"'\"''"
    )
    assert "overwrite=true" in remedy(tmp_path / "new")


def test_the_way_on_is_short_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "last.ckpt").touch()
    monkeypatch.chdir(tmp_path)
    assert remedy(tmp_path / "runs") == "go on: python train.py ckpt=runs/last.ckpt"


def test_without_a_home_the_cache_goes_on_and_a_path_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_: object) -> None:
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert cache_folder("").is_relative_to(gettempdir())
    assert cache_folder("/x") == Path("/x")
    for word in ("run_dir=~/x", "data.root=~/x"):
        assert "~ in a path has no meaning here" in complaint(train, "data=folder", word)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("trainer.precision=bf16-true", "trainer.precision must be 32-true, bf16-mixed, 16-mixed, 64-true or auto"),
        ("trainer.precision=fp16", "trainer.precision must be"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0 would train nothing"),
        ("trainer.limit_train_batches=0", "trainer.limit_train_batches=0 would train nothing"),
        ("trainer.max_time=soon", "trainer.max_time must be a length of time, as 90m, 1h30m or 2d"),
        ("trainer.devices=999", "processes on this machine's CPU, got 999"),
        ("trainer.num_nodes=999", "trainer.num_nodes=999: no other machine is known here"),
        ("trainer.strategy=ddp", "trainer=ddp sets it"),
        ("trainer.accelerator=mps", "trainer.accelerator=mps: there is no such device here: choose auto or cpu"),
    ],
)
def test_a_trainer_that_cannot_train_here_is_one_line(
    words: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MASTER_ADDR", "SLURM_JOB_ID", "LSB_JOBID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("torch.mps.is_available", lambda: False)
    trainer = plain(compose("train", ["data=digits", "trainer.accelerator=cpu", words, "run_dir=x"]))["trainer"]
    with pytest.raises(UserError) as caught:
        validate_trainer(trainer)
    assert expected in str(caught.value)


def test_patience_without_validation_is_refused() -> None:
    assert "patience needs validation" in complaint(train, "data=digits", "patience=2", "trainer.limit_val_batches=0")


def test_what_is_typed_wins_over_an_experiment() -> None:
    for path in sorted((CONF / "experiment").glob("*.yaml")):
        limits = compose("train", [f"experiment={path.stem}", "trainer=debug", "run_dir=x"]).trainer
        assert (limits.max_epochs, limits.limit_train_batches, limits.limit_val_batches) == (1, 3, 1)
    assert (
        compose("train", ["experiment=best", "trainer=debug", "trainer.max_epochs=7", "run_dir=x"]).trainer[
            "max_epochs"
        ]
        == 7
    )


def test_batch_norm_needs_two_images(tmp_path: Path) -> None:
    words = ["data=digits", "trainer=debug", "trainer.accelerator=cpu", "network=report", "penalty=none"]
    refused = complaint(train, *words, "batch_size=1", f"run_dir={tmp_path}")
    assert "batch_size: batch norm needs two images or more on each device" in refused
