"""Studies: what is searched, who takes which trial, and that a kill loses and repeats nothing."""

import csv
import importlib.util
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
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from gan import checkpoint, override
from gan.callback import Prune
from gan.tune import report, space, study
from gan.tune.__main__ import divide, main

Params = dict[str, Any]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def _trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(folder / "journal.log")))
    return optuna.load_study(study_name=folder.name, storage=storage).trials


def _open(folder: Path, *words: str) -> tuple[DictConfig, optuna.Study, space.Space]:
    cfg = override.compose("tune", [f"run_dir={folder}", *words])
    searched = space.read(cfg.sweep, [])
    return cfg, study.open_study(cfg, [], searched), searched


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Params]:
    """What was asked of a training of no time, whose objective falls over three epochs to (log lr / 0.001)^2 + 1."""
    asked: list[Params] = []

    def fit(cfg: DictConfig, words: list[str], prune: Prune) -> float:
        asked.append({"folder": cfg.run_dir, "lr": cfg.optimizer.lr, "batch_size": cfg.batch_size, "words": words})
        objective = math.log(cfg.optimizer.lr / 1e-3) ** 2 + 1
        if cfg.optimizer.lr > 3e-3:
            raise FloatingPointError("loss not finite")
        trainer = SimpleNamespace(max_epochs=3, should_stop=False, callback_metrics={})
        for trainer.current_epoch in range(3):
            trainer.callback_metrics = {cfg.objective: objective * (3 - trainer.current_epoch)}
            prune.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
            if trainer.should_stop:
                break
        return objective

    monkeypatch.setattr("gan.training.fit", fit)
    monkeypatch.setattr("gan.command.settle_data", list)
    return asked


def test_a_space_has_the_kinds_of_train_pys_settings() -> None:
    cfg = override.compose(
        "tune", ["+sweep.network.width={low: 16, high: 48, step: 16}", "+sweep.model.d_steps={choices: [1, 2]}"]
    )
    found = space.read(cfg.sweep, [])
    assert found["optimizer.lr"] == FloatDistribution(1e-4, 4e-3, log=True)
    assert found["optimizer.betas.0"] == FloatDistribution(0.0, 0.5)
    assert found["network.width"] == IntDistribution(16, 48, step=16)
    assert found["model.d_steps"] == CategoricalDistribution([1, 2])
    assert "batch_size" not in space.read(cfg.sweep, ["batch_size=64"])  # typed is fixed


def test_a_space_may_be_written_with_dots_and_choose_lists() -> None:
    found = space.read(DictConfig({"optimizer.lr": {"low": 0.001, "high": 1}, "optimizer.betas": {"choices": [[0, 0.9]]}}), [])
    assert found["optimizer.lr"] == FloatDistribution(0.001, 1.0)
    assert space.word("optimizer.betas", found["optimizer.betas"].choices[0]) == "optimizer.betas=[0, 0.9]"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sweep.optimizer.lr.low=1"], "sweep: optimizer.lr: `low <= high` must hold"),
        (["sweep.optimizer.lr.low=0"], "sweep: optimizer.lr: `low > 0` must hold for `log=True`"),
        (["sweep.batch_size.choices=[]"], "sweep: batch_size: The `choices` must contain one or more"),
        (["sweep.batch_size.choices=[64,big]"], "batch_size must be a whole number, got big"),
        (["+sweep.network.width={low: 16, high: big}"], "sweep: network.width: high big is no number"),
        (["+sweep.network.widht={low: 16, high: 48}"], "network.widht: there is no such setting; did you mean network.width?"),
        (["+sweep.network.width={low: 16.5, high: 48}"], "network.width must be a whole number, got 16.5"),
        (["+sweep.network.width={low: 16, hihg: 48}"], "network.width must have low and high"),
        (["+sweep.network.width=16"], "sweep: network.width must be {low, high}, with log or step, or {choices}, got 16"),
        (["sweep=recipe", "sweep.loss.choices=[hing]"], "loss=hing: there is no such choice; there are hinge"),
        (["sweep=defalt"], "sweep=defalt: there is no such choice; there are default, recipe"),
        (["trails=5"], "trails: there is no such setting; did you mean trials?"),
        (["optimizer.lrr=1e-4"], "optimizer.lrr: there is no such setting; did you mean optimizer.lr?"),
        (["optimizer.lr=1e-3,2e-3"], "optimizer.lr takes one value, got 1e-3,2e-3"),
        (["trials=many"], "trials must be a whole number, got many"),
        (["trials=0"], "trials and workers must be 1 or more, got 0"),
        (["storage=nowhere://x"], "storage: "),
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
    words = list(override.compose("tune", divided).train)
    assert words == [*theirs[:3], r"data.root='it\'s, mine'"]


def test_a_study_finds_the_best_notes_what_fails_and_ends_with_its_trials(
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


def test_the_same_seed_proposes_the_same_and_a_pause_changes_nothing(tmp_path: Path) -> None:
    drawn: dict[str, list[Params]] = {"whole": [], "paused": []}
    for name, params in drawn.items():
        cfg, opened, searched = _open(tmp_path / name, "trials=8", "sampler.n_startup_trials=3")
        while taken := study.take(opened, cfg, searched):
            params.append(taken[0].params)
            opened.tell(taken[0], params[-1]["optimizer.lr"])
            taken[1].release()
            if name == "paused":
                opened = study.open_study(cfg, [], searched)
    assert len(drawn["whole"]) == 8
    assert drawn["whole"] == drawn["paused"]
    assert len({one["optimizer.lr"] for one in drawn["whole"]}) == 8


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


def test_a_trial_is_taken_by_one_worker_and_by_another_only_when_that_one_is_gone(tmp_path: Path) -> None:
    cfg, mine, searched = _open(tmp_path, "trials=2")
    _, theirs, _ = _open(tmp_path, "trials=2")
    first, second = study.take(mine, cfg, searched), study.take(theirs, cfg, searched)
    assert first
    assert second
    assert (first[0].number, second[0].number) == (0, 1)
    assert study.take(theirs, cfg, searched) is None
    first[1].release()  # as the system does when a process ends
    again = study.take(theirs, cfg, searched)
    assert again
    assert again[0].number == 0
    assert again[0].params == first[0].params
    assert first[0].params != second[0].params
    theirs.tell(again[0], 1.0)
    again[1].release()
    assert study.take(mine, cfg, searched) is None


def test_a_trial_killed_while_its_settings_were_drawn_is_filled_up(tmp_path: Path) -> None:
    cfg, opened, searched = _open(tmp_path, "trials=1")
    (tmp_path / "0").mkdir()
    drawn = opened.ask().suggest_float("optimizer.lr", 1e-4, 4e-3, log=True)
    taken = study.take(opened, cfg, searched)
    assert taken
    assert taken[0].number == 0
    assert taken[0].params["optimizer.lr"] == drawn
    assert taken[0].params.keys() == searched.keys()


def test_a_trial_killed_before_it_could_tell_is_not_trained_again(tmp_path: Path, trained: list[Params]) -> None:
    cfg, opened, searched = _open(tmp_path, "trials=2")
    for ended in ({"objective": 3.5, "history": []}, None):
        taken = study.take(opened, cfg, searched)
        assert taken
        if ended:
            (tmp_path / "0" / "result.json").write_text(json.dumps(ended))
        else:
            taken[0].report(5.0, 1)
            taken[0].set_user_attr("pruned", True)
        study.attempt(opened, taken[0], cfg, [])
        taken[1].release()
    assert trained == []
    assert [(one.state, one.value) for one in opened.trials] == [(TrialState.COMPLETE, 3.5), (TrialState.PRUNED, 5.0)]


def test_another_study_or_run_in_the_folder_is_refused(tmp_path: Path) -> None:
    cfg, _, searched = _open(tmp_path)
    with pytest.raises(ValueError, match=r"another words \(\): choose another run_dir"):
        study.open_study(cfg, ["seed=3"], searched)
    with pytest.raises(ValueError, match="another search space: choose another run_dir"):
        study.open_study(cfg, [], searched | {"optimizer.lr": FloatDistribution(0.1, 0.2)})
    cfg, opened, searched = _open(tmp_path / "sweep")
    (tmp_path / "sweep" / "0").mkdir()
    (tmp_path / "sweep" / "0" / "result.json").write_text("{}")
    with pytest.raises(ValueError, match="0 holds a run that is not of this study"):
        study.take(opened, cfg, searched)


def test_a_full_disk_stops_the_worker_and_spends_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "last.ckpt")

    monkeypatch.setattr("gan.training.fit", full)
    words = ["data=digits", "trials=2", f"run_dir={tmp_path}"]
    for _ in range(2):
        assert "last.ckpt: No space left on device" in complaint(main, *words)
        assert [(one.number, one.state) for one in _trials(tmp_path)] == [(0, TrialState.RUNNING)]


def test_where_every_trial_fails_the_study_says_so(tmp_path: Path, trained: list[Params]) -> None:
    message = complaint(main, "data=digits", "trials=2", "optimizer.lr=4e-3", f"run_dir={tmp_path}")
    assert message == "error: all 2 trials failed, the last so: loss not finite"


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
    there = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "optuna" else there(name))
    assert complaint(main, "data=digits") == 'error: tuning needs optuna: pip install -e ".[tune]"'


def test_a_real_study_trains_judges_and_keeps(tmp_path: Path) -> None:
    call(main, *SHORT, "trials=2", f"run_dir={tmp_path}")
    rows = _rows(tmp_path)
    assert [row["state"] for row in rows] == ["COMPLETE"] * 2
    for row in rows:
        folder = tmp_path / row["number"]
        result = json.loads((folder / "result.json").read_text())
        assert float(row["objective"]) == result["objective"]
        assert (float(row["minutes"]) > 0, row["epochs"]) == (True, "1")
        kept = checkpoint.read(folder / "best.ckpt")["hyper_parameters"]
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
