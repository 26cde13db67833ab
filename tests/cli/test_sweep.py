"""Sweeps lose nothing."""

import csv
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import SHORT, call, run
from omegaconf import DictConfig

from gan.cli import jobs, sweep
from gan.cli.compose import compose, plain, quote
from gan.cli.prepare import data_overrides
from gan.error import UserError
from gan.file import lock_folder, write_text
from gan.tune.__main__ import divide
from train import train


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_sweep_runs_all_skips_what_is_finished_and_survives_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*SHORT[:-1], "-m", "batch_size=16,99999,32", f"run_dir={tmp_path}"]  # anywhere among the words
    with pytest.raises(SystemExit, match=r"1 of 3 jobs failed \(job 1\).*same command"):
        call(train, *words)
    rows = _rows(tmp_path)
    assert [row["job"] for row in rows][2] == "1"  # best first, what failed last
    assert "batch_size=99999 is more than" in rows[2]["error"]
    assert float(rows[0]["objective"]) <= float(rows[1]["objective"])
    assert {row["batch_size"] for row in rows} == {"16", "32", "99999"}
    assert "batch_size" in capsys.readouterr().out
    results = {job: (tmp_path / job / "result.json").stat().st_mtime_ns for job in ("0", "2")}

    # The same folder again: only the failed job is tried.
    steps = []
    monkeypatch.setattr("gan.model.GAN.on_train_start", lambda self: steps.append(1))
    with pytest.raises(SystemExit, match="1 of 3 jobs failed"):
        call(train, *words)
    assert steps == []
    assert {job: (tmp_path / job / "result.json").stat().st_mtime_ns for job in ("0", "2")} == results
    assert _rows(tmp_path) == rows


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The configurations of the jobs that are trained, which here only write their results."""
    done: list[dict[str, Any]] = []

    def fit(cfg: DictConfig, overrides: list[str]) -> float:
        if cfg.batch_size == 99999:
            raise UserError("batch_size=99999 is more than there are")
        done.append(plain(cfg))
        result = {"objective": float(cfg.seed), "figures": {"epoch": 1}, "overrides": overrides}
        write_text(json.dumps(result), Path(cfg.run_dir) / "result.json")
        return float(cfg.seed)

    monkeypatch.setattr("gan.cli.training.fit", fit)
    return done


def _sweep(folder: Path, *words: str) -> None:
    call(train, "-m", "data=digits", *words, f"run_dir={folder}")


def test_a_sweep_with_a_value_added_runs_that_value_alone(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0,1", "batch_size=8")
    _sweep(tmp_path, "++batch_size=8", "seed=2,1,0")  # another order
    assert [config["seed"] for config in fits] == [0, 1, 2]
    assert [Path(config["run_dir"]).name for config in fits] == ["0", "1", "2"]
    assert [(row["job"], row["seed"]) for row in _rows(tmp_path)] == [("0", "0"), ("1", "1"), ("2", "2")]


def test_a_job_with_a_default_typed_is_the_same_job(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "batch_size=8,16")
    _sweep(tmp_path, "batch_size=16,8,32", "seed=0")
    assert [config["batch_size"] for config in fits] == [8, 16, 32]
    assert sorted(row["job"] for row in _rows(tmp_path)) == ["0", "1", "2"]


def test_a_job_that_fails_is_counted_and_tried_again(
    tmp_path: Path, fits: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with pytest.raises(SystemExit, match=r"1 of 2 jobs failed \(job 1\)"):
            _sweep(tmp_path, "batch_size=8,99999")
    assert len(fits) == 1
    _sweep(tmp_path, "batch_size=8")  # the table still has the failure
    assert [row["batch_size"] for row in _rows(tmp_path)] == ["8", "99999"]
    assert "batch_size=99999 is more than" in capsys.readouterr().out


def test_damaged_records_are_made_again(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    seeds = "seed=0,1,2,3,4"
    _sweep(tmp_path, seeds)
    rows = _rows(tmp_path)
    damage = {
        "0/job.json": "",
        "1/job.json": '{"x": 1}',
        "2/result.json": "",
        "3/result.json": "{}",
        "4/failed.json": "",
    }
    for name, contents in damage.items():
        (tmp_path / name).write_text(contents)
    _sweep(tmp_path, seeds)
    assert [config["seed"] for config in fits] == [0, 1, 2, 3, 4, 2, 3]
    assert _rows(tmp_path) == rows
    assert all(json.loads((tmp_path / str(job) / "job.json").read_text())["overrides"] for job in range(5))


RECORDS = [
    [5], "seed=1", {"seed": 1}, None, [["seed=1"]], ["seed"], ["="], ["x" * 10_000], ["data=nosuch"],
    ["seed=${oc.env:HOME}"],
    ["hydra.searchpath=[file:///evil]"], ["+hydra.callbacks.x._target_=os.system"], ["hydra/launcher=joblib"],
]  # fmt: skip


@pytest.mark.parametrize("words", RECORDS, ids=str)
def test_a_strangers_record_neither_stops_a_sweep_nor_is_taken(words: object, tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "job.json").write_text(json.dumps({"overrides": words}))
    result = {"objective": 1.0, "figures": {"\x1b[31m": "\x1b[31m"}}
    (tmp_path / "0" / "result.json").write_text(json.dumps(result))
    jobs.assign_folders(tmp_path, ["-m", "seed=1", "data=digits"])
    assert jobs.key(jobs.read_words(tmp_path / "1" / "job.json") or []) == jobs.key(["data=digits", "seed=1"])


def test_a_folder_without_any_record_is_left_and_its_job_gets_another(
    tmp_path: Path, fits: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    _sweep(tmp_path, "seed=0,1")
    (tmp_path / "1" / "job.json").write_text("")
    (tmp_path / "1" / ".hydra" / "overrides.yaml").write_text("")
    _sweep(tmp_path, "seed=0,1")
    assert [Path(config["run_dir"]).name for config in fits] == ["0", "1", "2"]
    assert [(row["job"], row["seed"]) for row in _rows(tmp_path)] == [("0", "0"), ("2", "1")]


def test_a_full_disk_fails_jobs_that_run_once_there_is_room(
    tmp_path: Path, fits: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(text: str, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr("gan.cli.jobs.write_text", full)
        with pytest.raises(SystemExit, match=r"job.json: No space left on device; make room there"):
            _sweep(tmp_path, "seed=0,1")
    with monkeypatch.context() as patch:
        patch.setattr("gan.cli.sweep.write_text", full)  # after the folders were assigned
        with pytest.raises(SystemExit, match="2 of 2 jobs failed"):
            _sweep(tmp_path, "seed=0,1")
    _sweep(tmp_path, "seed=0,1")
    assert [(row["job"], row["seed"]) for row in _rows(tmp_path)] == [("0", "0"), ("1", "1")]


def test_overwrite_runs_the_jobs_of_a_sweep_again(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0,1,2")
    _sweep(tmp_path, "seed=0,1", "overwrite=true")
    assert [config["seed"] for config in fits] == [0, 1, 2, 0, 1]
    assert len(_rows(tmp_path)) == 3


ODD = ["/x/Daten, alt", "a[1] {b}", "it's", "a=b#c", "Zahlen-ä", 'say "x"', "two  spaces", "back\\slash", "a,b"]


def test_a_value_with_a_comma_is_a_value(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    for _ in range(2):
        _sweep(tmp_path, f"data.root={ODD[0]}", "seed=0,1")
        assert [config["data"]["root"] for config in fits] == [ODD[0], ODD[0]]
        assert [row["data.root"] for row in _rows(tmp_path)] == [ODD[0], ODD[0]]


@pytest.mark.parametrize("root", ODD)
def test_odd_paths_go_the_whole_way(root: str, tmp_path: Path) -> None:
    word = quote(f"data.root={root}")
    assert data_overrides(["-m", "seed=0,1", word]) == [word]
    words = jobs.expand(["data=digits", word, "seed=0,1"])
    assert [compose("train", [*job, "run_dir=."]).data.root for job in words] == [root, root]
    assert len(set(map(jobs.key, words))) == 2
    write_text(json.dumps({"overrides": words[0]}), tmp_path / "job.json")
    assert sweep._row(tmp_path)["data.root"] == root
    # In a list of settings too, as a study has them.
    gathered = divide([word, "trials=1"])
    assert compose("tune", gathered).train == [word]


def test_a_folder_of_ones_own_may_be_chosen_for_each_job(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0,1", "hydra.sweep.subdir=seeds/${seed}")
    _sweep(tmp_path, "seed=0,1", "hydra.sweep.subdir=seeds/${seed}")
    assert [Path(config["run_dir"]).relative_to(tmp_path).as_posix() for config in fits] == ["seeds/0", "seeds/1"]
    with pytest.raises(SystemExit, match="2 of 2 jobs failed"):
        _sweep(tmp_path, "seed=0,1", "batch_size=8", "hydra.sweep.subdir=seeds/${seed}")
    assert len(fits) == 2
    assert len(_rows(tmp_path)) == 2


def test_a_sweep_in_use_is_refused(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0")
    lock = lock_folder(tmp_path)
    assert lock
    with pytest.raises(SystemExit, match="is in use by another training"):
        _sweep(tmp_path, "seed=0,1")
    lock.release()
    _sweep(tmp_path, "seed=0,1")
    assert len(fits) == 2


def test_a_job_that_was_killed_goes_on_from_its_last_epoch(tmp_path: Path, short_run: Path) -> None:
    words = ["-m", *SHORT, "trainer.max_epochs=2", "seed=0,1", f"run_dir={tmp_path}"]
    call(train, *words)
    whole = json.loads((tmp_path / "0" / "result.json").read_text())
    (tmp_path / "0" / "result.json").unlink()  # as if killed after its last epoch
    call(train, *words)
    again = json.loads((tmp_path / "0" / "result.json").read_text())
    assert again["history"] == whole["history"]


def test_jobs_side_by_side_divide_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    from omegaconf import OmegaConf

    def threads(launcher: dict[str, object], words: list[str]) -> str | None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        config = OmegaConf.create({"hydra": {"launcher": launcher, "overrides": {"task": words}}})
        sweep.Table().on_multirun_start(config)
        return os.environ.get("OMP_NUM_THREADS")

    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    four = ["optimizer.lr=1e-4,2e-4", "batch_size=64,128"]
    assert threads({"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}, four) is None
    assert threads({"_target_": "x.JoblibLauncher", "n_jobs": -1}, four) == "2"
    assert threads({"_target_": "x.JoblibLauncher", "n_jobs": 2}, four) == "4"
    assert threads({"_target_": "x.JoblibLauncher", "n_jobs": -1}, ["seed=range(100)"]) == "1"


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers_run_jobs_side_by_side(launcher: str, tmp_path: Path) -> None:
    done = run("train.py", "-m", f"hydra/launcher={launcher}", *SHORT, "seed=0,1", f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert len(_rows(tmp_path)) == 2
    assert all(float(row["objective"]) > 0 for row in _rows(tmp_path))
