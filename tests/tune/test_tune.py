"""The command: a study runs, fails, stops and continues, and refuses what it cannot do."""

import csv
import json
import math
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from conftest import SHORT, call, complaint, run, spawn
from omegaconf import DictConfig
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from gan import checkpoint
from gan.callback import Prune
from gan.cli.compose import compose
from gan.tune import report
from gan.tune.__main__ import divide, main

Params = dict[str, Any]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def _trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(folder / "journal.log")))
    return optuna.load_study(study_name=folder.name, storage=storage).trials


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Params]:
    """The settings of each training, which takes no time; its objective falls in three epochs."""
    asked: list[Params] = []

    def fit(cfg: DictConfig, words: list[str], prune: Prune) -> float:
        asked.append({"folder": cfg.run_dir, "lr": cfg.optimizer.lr, "batch_size": cfg.batch_size, "words": words})
        objective = math.log(cfg.optimizer.lr / 1e-3) ** 2 + 1
        if cfg.optimizer.lr > 3e-3:
            raise FloatingPointError("loss not finite")
        trainer = SimpleNamespace(max_epochs=3, should_stop=False, callback_metrics={}, check_val_every_n_epoch=1)
        for trainer.current_epoch in range(3):
            trainer.callback_metrics = {cfg.objective: objective * (3 - trainer.current_epoch)}
            prune.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
            if trainer.should_stop:
                break
        return objective

    monkeypatch.setattr("gan.cli.training.fit", fit)
    monkeypatch.setattr("gan.tune.study.settle_data", list)
    return asked


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sweep.optimizer.lr.low=1"], "sweep: optimizer.lr: `low <= high` must hold"),
        (["sweep.optimizer.lr.low=0"], "sweep: optimizer.lr: `low > 0` must hold for `log=True`"),
        (["sweep.batch_size.choices=[]"], "sweep: batch_size: The `choices` must contain one or more"),
        (["sweep.batch_size.choices=[64,big]"], "batch_size must be a whole number, got big"),
        (["+sweep.network.width={low: 16, high: big}"], "sweep: network.width: high must be a number, got big"),
        (
            ["+sweep.network.widht={low: 16, high: 48}"],
            "network.widht: there is no such setting; did you mean network.width?",
        ),
        (["+sweep.network.width={low: 16.5, high: 48}"], "network.width must be a whole number, got 16.5"),
        (["+sweep.network.width={low: 16, hihg: 48}"], "network.width must have low and high"),
        (
            ["+sweep.network.width=16"],
            "sweep: network.width must be {low, high}, with log or step, or {choices}, got 16",
        ),
        (["sweep=recipe", "sweep.loss.choices=[hing]"], "loss=hing: there is no such choice; there are hinge"),
        (["sweep=defalt"], "sweep=defalt: there is no such choice; there are default, recipe"),
        (["trails=5"], "trails: there is no such setting; did you mean trials?"),
        (["optimizer.lrr=1e-4"], "optimizer.lrr: there is no such setting; did you mean optimizer.lr?"),
        (["optimizer.lr=1e-3,2e-3"], "optimizer.lr takes one value, got 1e-3,2e-3"),
        (["trials=many"], "trials must be a whole number, got many"),
        (["trials=0"], "trials must be a whole number from 1 to 1,000,000, got 0"),
        (["storage=nowhere://x"], "storage: "),
        (["storage=postgresql://nowhere/x"], "storage: "),  # its driver is not installed
        (["optimzer.lr=1e-4"], "optimzer.lr: there is no such setting; did you mean optimizer.lr?"),
        (["ckpt=x"], "a trial has its own checkpoint"),
        (["trainer=ddp"], "trains on one device"),
    ],
)
def test_a_wrong_word_is_one_clear_line(words: list[str], expected: str, tmp_path: Path) -> None:
    assert expected in complaint(main, "data=digits", *words, f"run_dir={tmp_path / 'study'}")
    assert not (tmp_path / "study" / "journal.log").exists()


def test_words_are_divided_between_the_study_and_train_py() -> None:
    mine = ["trials=3", "~sweep.batch_size", "hydra.verbose=false", "sampler.seed=1"]
    theirs = ["data=digits", "optimizer.betas=[0.5,0.9]", "+trainer.detect_anomaly=true", "data.root=it's, mine"]
    divided = divide([*mine, *theirs])
    assert divided[1:] == mine
    words = list(compose("tune", divided).train)
    assert words == [*theirs[:3], r"data.root='it\'s, mine'"]


@pytest.mark.slow
def test_a_study_finds_the_best_notes_failures_and_ends_with_its_trials(
    tmp_path: Path, trained: list[Params], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "ENOUGH", 4)
    words = ["data=digits", "batch_size=32", f"run_dir={tmp_path}", "sampler.seed=2"]
    call(main, *words, "trials=12")
    assert len(trained) == 12
    assert {one["batch_size"] for one in trained} == {32}
    assert len({one["lr"] for one in trained}) == 12
    rows = _rows(tmp_path)
    assert sorted(int(row["number"]) for row in rows) == list(range(12))
    states = [row["state"] for row in rows]
    assert states == sorted(states, key=["COMPLETE", "PRUNED", "FAIL"].index)
    assert {"PRUNED", "FAIL"} <= set(states)
    assert rows[-1]["error"] == "loss not finite"
    done = [float(row["objective"]) for row in rows if row["state"] == "COMPLETE"]
    assert done == sorted(done)
    assert 1 <= done[0] < 1.3
    out = capsys.readouterr().out
    assert f"{done[0]:.4g}" in out
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("history.png", "importance.png"))

    call(main, *words, "trials=12")  # all are done
    assert len(trained) == 12
    assert _rows(tmp_path) == rows
    call(main, *words, "trials=13")
    assert len(trained) == 13


def test_a_trial_that_was_interrupted_goes_on_in_its_folder_with_the_same_settings(
    tmp_path: Path, trained: list[Params], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["data=digits", "trials=4", f"run_dir={tmp_path}"]

    def stop(self: Prune, *_: object) -> None:
        if self.trial.number == 2:
            self.trial.report(9.0, 1)
            raise SystemExit(1)

    with monkeypatch.context() as patch:
        patch.setattr("gan.callback.Prune.on_train_epoch_end", stop)
        with pytest.raises(SystemExit):
            call(main, *words)
    assert [one.state for one in _trials(tmp_path)][2] == TrialState.RUNNING
    call(main, *words)
    assert [Path(one["folder"]).name for one in trained] == ["0", "1", "2", "2", "3"]
    assert trained[2] == trained[3]
    assert [one.state for one in _trials(tmp_path)] == [TrialState.COMPLETE] * 4
    assert _trials(tmp_path)[2].intermediate_values[1] == 9.0  # what was reported stands


def test_a_full_disk_stops_the_worker_and_spends_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "last.ckpt")

    monkeypatch.setattr("gan.cli.training.fit", full)
    words = ["data=digits", "trials=2", f"run_dir={tmp_path}"]
    for _ in range(2):
        assert "last.ckpt: No space left on device" in complaint(main, *words)
        assert [(one.number, one.state) for one in _trials(tmp_path)] == [(0, TrialState.RUNNING)]


def test_where_every_trial_fails_the_study_says_so(tmp_path: Path, trained: list[Params]) -> None:
    message = complaint(main, "data=digits", "trials=2", "optimizer.lr=4e-3", f"run_dir={tmp_path}")
    assert message == "error: all 2 trials failed; the last error: loss not finite"


def test_a_trial_that_was_not_timed_has_no_minutes(tmp_path: Path, trained: list[Params]) -> None:
    (tmp_path / "0").mkdir()
    call(main, "data=digits", "trials=1", f"run_dir={tmp_path}")
    (tmp_path / "0" / "result.json").write_text(json.dumps({"history": [{"epoch": 1}]}))
    call(main, "data=digits", "trials=1", f"run_dir={tmp_path}")
    assert [row["minutes"] for row in _rows(tmp_path)] == [""]


def test_half_a_line_that_a_power_cut_left_is_mended(tmp_path: Path, trained: list[Params]) -> None:
    words = ["data=digits", f"run_dir={tmp_path}"]
    call(main, *words, "trials=1")
    with (tmp_path / "journal.log").open("a") as file:
        file.write('{"op_code":8,"wor')
    call(main, *words, "trials=2")
    assert [one.state for one in _trials(tmp_path)] == [TrialState.COMPLETE] * 2


def test_a_database_is_a_storage_too(tmp_path: Path, trained: list[Params]) -> None:
    call(main, "data=digits", "trials=2", f"storage=sqlite:///{tmp_path}/study.db", f"run_dir={tmp_path / 'x'}")
    assert len(_rows(tmp_path / "x")) == 2
    assert not (tmp_path / "x" / "journal.log").exists()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.error.find_spec", lambda name: None if name == "optuna" else True)
    assert complaint(main, "data=digits") == 'error: optuna is not installed: pip install -e ".[tune]"'


def test_a_real_study_trains_evaluates_and_keeps(tmp_path: Path) -> None:
    call(main, *SHORT, "trials=2", f"run_dir={tmp_path}")
    rows = _rows(tmp_path)
    assert [row["state"] for row in rows] == ["COMPLETE"] * 2
    for row in rows:
        folder = tmp_path / row["number"]
        result = json.loads((folder / "result.json").read_text())
        assert float(row["objective"]) == result["objective"]
        assert (float(row["minutes"]) > 0, row["epochs"]) == (True, "1")
        kept = checkpoint.load_contents(folder / "best.ckpt")["hyper_parameters"]
        assert kept["config"]["optimizer"]["lr"] == float(row["optimizer.lr"])
        assert f"optimizer.lr={row['optimizer.lr']}" in kept["overrides"]
    assert report.ENOUGH > 2
    assert not (tmp_path / "importance.png").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_study_killed_twice_ends_with_every_trial_once(tmp_path: Path) -> None:
    words = ["-m", "gan.tune", *SHORT, "trainer.max_epochs=4", "trials=20", f"run_dir={tmp_path}"]
    interrupted: dict[int, Params] = {}
    results: dict[Path, int] = {}
    for number in (4, 11):
        process = spawn(*words, env={"OMP_NUM_THREADS": "1"})
        end = time.monotonic() + 120
        while not (tmp_path / str(number) / "last.ckpt").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        trials = _trials(tmp_path)
        assert [one.number for one in trials if one.state == TrialState.RUNNING] == [number]
        interrupted[number] = trials[number].params
        assert {path: path.stat().st_mtime_ns for path in results} == results
        results = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/result.json")}
        assert len(results) == number
    done = run(*words, "workers=2")
    assert done.returncode == 0, done.stderr
    trials = _trials(tmp_path)
    assert [one.number for one in trials] == list(range(20))
    assert {one.state for one in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert len({tuple(one.params.values()) for one in trials}) == 20
    assert {number: trials[number].params for number in interrupted} == interrupted
    assert {path: path.stat().st_mtime_ns for path in results} == results
    for number in range(20):
        epochs = [one["epoch"] for one in json.loads((tmp_path / str(number) / "result.json").read_text())["history"]]
        assert epochs == list(range(1, len(epochs) + 1))
        assert list(trials[number].intermediate_values) == epochs
    assert sorted(int(row["number"]) for row in _rows(tmp_path)) == list(range(20))


def test_more_workers_than_a_machine_bears_are_refused_at_once(tmp_path: Path) -> None:
    assert "workers must be at most" in complaint(main, "workers=999", f"run_dir={tmp_path}")
    (tmp_path / "last.ckpt").touch()
    assert "holds a training: choose another run_dir" in complaint(main, "data=digits", f"run_dir={tmp_path}")
