"""Sweeps lose nothing."""

import csv
import json
import os
from pathlib import Path

import pytest
from conftest import SHORT, call, run

from gan.cli import sweep
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

    # Another sweep does not overwrite this one.
    with pytest.raises(SystemExit, match="jobs failed"):
        call(train, "-m", *SHORT[:-1], "batch_size=8,9", f"run_dir={tmp_path}")
    assert "holds another job" in json.loads((tmp_path / "0" / "failed.json").read_text())["error"]
    assert {job: (tmp_path / job / "result.json").stat().st_mtime_ns for job in ("0", "2")} == results


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
