"""Sweeps lose nothing."""

import csv
import errno
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from conftest import SHORT, call, complaint, run
from omegaconf import DictConfig, OmegaConf

from gan.cli import jobs, prepare, sweep
from gan.cli.compose import compose, parse, plain, quote
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
    names = ("0_batch_size=16", "2_batch_size=32")
    with pytest.raises(SystemExit, match=r"1 of 3 jobs failed \(job 1\).*same command"):
        call(train, *words)
    rows = _rows(tmp_path)
    assert [row["job"] for row in rows][2] == "1_batch_size=99999"  # best first, what failed last
    assert "batch_size=99999 is more than" in rows[2]["error"]
    assert float(rows[0]["objective"]) <= float(rows[1]["objective"])
    assert {row["batch_size"] for row in rows} == {"16", "32", "99999"}
    assert "batch_size" in capsys.readouterr().out
    results = {job: (tmp_path / job / "result.json").stat().st_mtime_ns for job in names}

    # The same folder again: only the failed job is tried.
    steps = []
    monkeypatch.setattr("gan.model.GAN.on_train_start", lambda self: steps.append(1))
    with pytest.raises(SystemExit, match="1 of 3 jobs failed"):
        call(train, *words)
    assert steps == []
    assert {job: (tmp_path / job / "result.json").stat().st_mtime_ns for job in names} == results
    assert _rows(tmp_path) == rows


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The configurations of the jobs that are trained, which here only write their results."""
    done: list[dict[str, Any]] = []

    def fit(cfg: DictConfig, overrides: list[str]) -> float:
        if cfg.batch_size == 99999:
            raise UserError("batch_size=99999 is more than there are")
        done.append(plain(cfg) | {"had_result": (Path(cfg.run_dir) / "result.json").exists()})
        result = {"objective": float(cfg.seed), "figures": {"epoch": 1}, "overrides": overrides, "config": {}}
        write_text(json.dumps(result), Path(cfg.run_dir) / "result.json")
        return float(cfg.seed)

    monkeypatch.setattr("gan.cli.training.fit", fit)
    return done


def _sweep(folder: Path, *words: str) -> None:
    call(train, "-m", "data=digits", *words, f"run_dir={folder}")


def test_a_sweep_with_a_value_added_runs_that_value_alone(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0,1", "batch_size=8")
    _sweep(tmp_path, "++batch_size=8", "seed=2,1,0")  # another order
    _sweep(tmp_path, "seed=2,1,0", "batch_size=8")
    assert (tmp_path / "results.png").is_file()
    assert len(list(tmp_path.glob("events*"))) == 1
    assert [config["seed"] for config in fits] == [0, 1, 2]
    assert [Path(config["run_dir"]).name for config in fits] == ["0_seed=0", "1_seed=1", "2_seed=2"]
    assert [(row["job"], row["seed"]) for row in _rows(tmp_path)] == [
        ("0_seed=0", "0"),
        ("1_seed=1", "1"),
        ("2_seed=2", "2"),
    ]


@pytest.mark.slow
def test_a_job_with_a_default_typed_is_the_same_job(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "batch_size=8,16")
    _sweep(tmp_path, "batch_size=16,8,32", "seed=0")
    assert [config["batch_size"] for config in fits] == [8, 16, 32]
    assert sorted(row["job"] for row in _rows(tmp_path)) == ["0_batch_size=8", "1_batch_size=16", "2_batch_size=32"]


@pytest.mark.slow
def test_a_job_that_fails_is_counted_and_tried_again(
    tmp_path: Path, fits: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with pytest.raises(SystemExit, match=r"1 of 2 jobs failed \(job 1\)"):
            _sweep(tmp_path, "batch_size=8,99999")
    assert len(fits) == 1
    _sweep(tmp_path, "batch_size=8")  # the table still has the failure
    assert [row["batch_size"] for row in _rows(tmp_path)] == ["8", "99999"]
    assert re.search(r"^1 +- +99999 +batch_size=99999 is more than", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.slow
def test_damaged_records_are_made_again(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    seeds = "seed=0,1,2,3,4"
    _sweep(tmp_path, seeds)
    rows = _rows(tmp_path)
    damage = {
        "0_seed=0/job.json": "",
        "1_seed=1/job.json": '{"x": 1}',
        "2_seed=2/result.json": "",
        "3_seed=3/result.json": "{}",
        "4_seed=4/failed.json": "",
    }
    for name, contents in damage.items():
        (tmp_path / name).write_text(contents)
    _sweep(tmp_path, seeds)
    assert [config["seed"] for config in fits] == [0, 1, 2, 3, 4, 2, 3]
    assert _rows(tmp_path) == rows
    assert all(json.loads((tmp_path / row["job"] / "job.json").read_text())["overrides"] for row in rows)


def test_a_finished_job_with_a_damaged_result_is_made_again_from_its_checkpoint(
    tmp_path: Path, fits: list[dict[str, Any]]
) -> None:
    _sweep(tmp_path, "seed=0,1")
    (tmp_path / "0_seed=0" / "last.ckpt").touch()
    result = tmp_path / "0_seed=0" / "result.json"
    result.write_text("{")
    _sweep(tmp_path, "seed=0,1")
    assert [config["ckpt"] for config in fits] == [None, None, str(result.with_name("last.ckpt"))]
    assert fits[-1]["had_result"] is False  # training would refuse to continue


def test_a_job_keeps_the_words_as_they_were_typed(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "optimizer.lr=1e-4", "model.lr_ratio=1e0,2e0")
    words = [json.loads((path / "result.json").read_text())["overrides"] for path in sorted(tmp_path.glob("*_*"))]
    assert words == [["data=digits", "optimizer.lr=1e-4", f"model.lr_ratio={ratio}"] for ratio in ("1e0", "2e0")]
    assert all((Path(config["run_dir"]) / "train.log").is_file() for config in fits)


def test_a_stopped_sweep_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(sweep, "say", said.append)

    def stop(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("gan.cli.training.fit", stop)
    with pytest.raises(SystemExit):
        _sweep(tmp_path, "seed=0,1")
    assert said == [f"the sweep goes on with the same command and run_dir={tmp_path}; finished jobs are not run again"]


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
    (place,) = jobs.assign_folders(tmp_path, ["-m", "seed=1", "data=digits"])
    assert place.name[0] == "1"
    assert jobs.key(jobs.read_words(place / "job.json") or []) == jobs.key(["data=digits", "seed=1"])


def test_a_folder_without_any_record_is_left_and_its_job_gets_another(
    tmp_path: Path, fits: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    _sweep(tmp_path, "seed=0,1")
    (tmp_path / "1_seed=1" / "job.json").write_text("")
    (tmp_path / "1_seed=1" / ".hydra" / "overrides.yaml").write_text("")
    _sweep(tmp_path, "seed=0,1")
    assert [Path(config["run_dir"]).name for config in fits] == ["0_seed=0", "1_seed=1", "2_seed=1"]
    assert [row["job"] for row in _rows(tmp_path)] == ["0_seed=0", "2_seed=1"]


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
        patch.setattr("gan.cli.training.fit", lambda *_: full("", tmp_path))  # after the folders were assigned
        patch.setattr("gan.cli.sweep.write_text", full)
        with pytest.raises(SystemExit, match="2 of 2 jobs failed"):
            _sweep(tmp_path, "seed=0,1")
    _sweep(tmp_path, "seed=0,1")
    assert [row["job"] for row in _rows(tmp_path)] == ["0_seed=0", "1_seed=1"]


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


def test_a_sweep_over_all_files_of_a_group_fixes_none_of_them() -> None:
    words = ["-m", "experiment=glob(*)", "batch_size=8,16", "metric=digits", "data=digits"]
    assert prepare._fixed(words) == ["metric=digits", "data=digits"]


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


@pytest.mark.slow
def test_a_folder_of_ones_own_may_be_chosen_for_each_job(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0,1", "hydra.sweep.subdir=seeds/${seed}")
    _sweep(tmp_path, "seed=0,1", "hydra.sweep.subdir=seeds/${seed}")
    assert [Path(config["run_dir"]).relative_to(tmp_path).as_posix() for config in fits] == ["seeds/0", "seeds/1"]
    with pytest.raises(SystemExit, match="2 of 2 jobs failed"):
        _sweep(tmp_path, "seed=0,1", "batch_size=8", "hydra.sweep.subdir=seeds/${seed}")
    assert len(fits) == 2
    assert len(_rows(tmp_path)) == 2


def test_a_sweep_in_use_is_refused(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0,1")
    lock = lock_folder(tmp_path)
    assert lock
    with pytest.raises(SystemExit, match="is in use by another training"):
        _sweep(tmp_path, "seed=2")
    lock.release()
    _sweep(tmp_path, "seed=2")
    assert len(fits) == 3


@pytest.mark.slow
def test_a_job_that_was_killed_goes_on_from_its_last_epoch(tmp_path: Path, short_run: Path) -> None:
    words = ["-m", *SHORT, "trainer.max_epochs=2", "seed=0,1", f"run_dir={tmp_path}"]
    call(train, *words)
    whole = json.loads((tmp_path / "0_seed=0" / "result.json").read_text())
    (tmp_path / "0_seed=0" / "result.json").unlink()  # as if killed after its last epoch
    call(train, *words)
    again = json.loads((tmp_path / "0_seed=0" / "result.json").read_text())
    assert again["history"] == whole["history"]


def test_one_of_several_processes_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    settings = {"sweep": {"dir": str(tmp_path)}, "overrides": {"task": ["seed=0,1"]}}
    sweep.Table().on_multirun_end(OmegaConf.create({"hydra": settings}))
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_jobs_side_by_side_divide_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
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


NAMES = [
    (["optimizer.lr=1e-4,2e-4", "batch_size=8"], "lr=1e-4", "lr=2e-4"),
    (["loss=hinge,wasserstein", "batch_size=8,16"], "loss=hinge_batch_size=8", "loss=hinge_batch_size=16"),
    (["optimizer.lr=1e-4,2e-4", "++model.other.lr=1,2"], "optimizer.lr=1e-4_model.other.lr=1",),
    (["optimizer.betas=[0,0.9],[0.5,0.9]"], "betas=0-0.9", "betas=0.5-0.9"),
    (["data.root='/x/Daten, alt','it is: $HOME'"], "root=x-Daten-alt", "root=it-is-HOME"),
    ([f"data.root=/{'x' * 99}/a,/{'y' * 99}/b"], f"root={'x' * 38}-a"),
    ([f"model.{name * 12}={name}1,{name}2" for name in "abcdef"], "_".join(f"{n * 12}={n}1" for n in "abcde")),
    (["seed=0,00"], ""),
]  # fmt: skip


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case[1])
def test_a_job_is_called_by_what_varies(case: tuple[list[str], str]) -> None:
    words, *expected = case
    values = jobs.complete(jobs.expand(words))
    names = [jobs.describe(job, jobs.varied(values)) for job in values]
    assert names[: len(expected)] == expected
    assert all(re.fullmatch(r"[A-Za-z0-9_.+=-]{0,80}", name) for name in names)


def test_the_folder_of_a_job_needs_no_quotes() -> None:
    path = "runs/lr/0_lr=1e-4_batch_size=64"
    assert shlex.quote(f"ckpt={path}/best.ckpt") == f"ckpt={path}/best.ckpt"
    for name in ("ckpt", "init_from", "run_dir"):
        assert parse(quote(f"{name}={path}")).value() == path
    assert parse(quote(f"runs=[{path},runs/mine]")).value() == [path, "runs/mine"]


def test_a_job_that_joins_a_sweep_is_called_by_what_is_new(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    _sweep(tmp_path, "seed=0,1")
    _sweep(tmp_path, "seed=1", "loss=hinge,non_saturating", "batch_size=128")  # the second is there already
    assert [Path(config["run_dir"]).name for config in fits[2:]] == ["2_seed=1_loss=hinge"]


def test_a_sweep_of_numbered_folders_goes_on(tmp_path: Path, fits: list[dict[str, Any]]) -> None:
    for number in range(2):
        write_text(json.dumps({"overrides": ["data=digits", f"seed={number}"]}), tmp_path / str(number) / "job.json")
    _sweep(tmp_path, "seed=0,1,2")
    assert [Path(config["run_dir"]).name for config in fits] == ["0", "1", "2_seed=2"]


@pytest.mark.parametrize("words", [[], ["seed=1"], ["optimizer.betas=[0,0.9]"]])
def test_a_sweep_over_nothing_is_refused(words: list[str], tmp_path: Path) -> None:
    line = complaint(train, "-m", "data=digits", *words, f"run_dir={tmp_path / 'new'}")
    assert line.startswith("error: -m trains once for each of several values")
    assert "optimizer.lr=1e-4,2e-4" in line
    assert not (tmp_path / "new").exists()
    assert complaint(train, "-m", "data=digits", *words) == line


def test_a_sweep_without_a_name_has_named_jobs_too(
    tmp_path: Path, fits: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    call(train, "-m", "data=digits", "seed=0,1")
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("sweep_digits_")
    assert {path.parent.name for path in folder.glob("*/result.json")} == {"0_seed=0", "1_seed=1"}
    assert f"2 jobs in runs/{folder.name}\n" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers_run_jobs_side_by_side(launcher: str, tmp_path: Path) -> None:
    done = run("train.py", "-m", f"hydra/launcher={launcher}", *SHORT, "seed=0,1", f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert len(_rows(tmp_path)) == 2
    assert all(float(row["objective"]) > 0 for row in _rows(tmp_path))
