"""A sweep says which of its jobs starts; jobs side by side mark their lines."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from gan import terminal
from gan.cli import announce
from gan.cli.announce import Jobs

TYPED = ["data=digits", "seed=1,2"]


def _config(number: int, words: list[str], launcher: str) -> Any:
    return OmegaConf.create(
        {
            "hydra": {
                "job": {"num": number},
                "overrides": {"task": words},
                "launcher": {"_target_": f"launchers.{launcher}"},
            }
        }
    )


@pytest.mark.parametrize(("launcher", "job"), [("BasicLauncher", ""), ("JoblibLauncher", "job 2")])
def test_a_job_says_which_it_is_and_what_differs(
    launcher: str, job: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(HydraConfig, "get", lambda: SimpleNamespace(mode=RunMode.MULTIRUN))
    monkeypatch.setattr(announce.jobs, "expand", lambda words: [["seed=1"], ["seed=2"]])
    monkeypatch.setattr(terminal, "job", "")
    monkeypatch.setattr(terminal, "in_series", False)
    monkeypatch.setenv("TTY_INTERACTIVE", "")
    jobs = Jobs()
    jobs.on_multirun_start(_config(0, TYPED, launcher))
    jobs.on_job_start(_config(1, ["data=digits", "seed=2"], launcher))
    assert capsys.readouterr().out == "\njob 2 of 2: seed=2\n"
    assert (terminal.job, terminal.in_series) == (job, True)
    assert os.environ["TTY_INTERACTIVE"] == ("0" if job else "")
    monkeypatch.setattr(HydraConfig, "get", lambda: SimpleNamespace(mode=RunMode.RUN))
    jobs.on_job_start(_config(0, TYPED, launcher))  # a single training after it, in the same process
    assert capsys.readouterr().out == ""
    assert (terminal.job, terminal.in_series) == ("", False)


def test_a_single_training_says_nothing_of_jobs(short_run: Path) -> None:
    assert "job 1" not in (short_run / "train.log").read_text(encoding="utf-8")
