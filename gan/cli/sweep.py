"""Sweeps: a failed job is recorded, a finished one kept, and a table tells of all."""

import functools
import json
import logging
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from gan.cli import jobs, run_folder
from gan.cli.command import border
from gan.cli.errors import explain, is_user_error
from gan.file import load_record, write_text
from gan.table import plain, write_csv

log = logging.getLogger(__name__)
Job = Callable[[DictConfig], float]
UNFINISHED = "not finished"


def job_overrides() -> list[str]:
    """The overrides that identify this job: not its folder, its checkpoint or its fallback data."""
    return jobs.identifying(HydraConfig.get().overrides.task)


def job(train: Job) -> Job:
    """Let a training fail, be skipped or go on in a sweep; unchanged outside sweeps."""

    @functools.wraps(train)
    def run(cfg: DictConfig) -> float:
        if HydraConfig.get().mode != RunMode.MULTIRUN:
            return train(cfg)
        folder = Path(cfg.run_dir)
        try:
            with run_folder.locked(folder) as is_ours:
                if is_ours:
                    return _run(train, cfg, folder)
                log.error("job %s: another process is running it", folder.name)
        except OSError as error:  # the lock, or the record of a failure, cannot be written
            log.error("job %s: %s", folder.name, explain(error, "train"))
        return math.nan

    return run


def _run(train: Job, cfg: DictConfig, folder: Path) -> float:
    """Run a job in its folder, and record its failure there."""
    words, failed = job_overrides(), folder / "failed.json"
    before = jobs.read_words(folder / jobs.JOB) if (folder / jobs.JOB).is_file() else None
    if before is not None and jobs.key(before) != jobs.key(words):
        log.error("%s holds another job (%s): choose another run_dir", folder, " ".join(before))
        return math.nan
    try:
        if finished := _result(folder):
            return float(finished["objective"])
        failed.unlink(missing_ok=True)
        if before is None:
            write_text(json.dumps({"overrides": words}), folder / jobs.JOB)
        if (folder / "last.ckpt").is_file():
            cfg.ckpt = str(folder / "last.ckpt")
        else:  # killed in its first epoch
            run_folder.remove(folder, run_folder.RESULTS)
        return train(cfg)
    except Exception as error:
        line = explain(error, "train")
        log.error("job %s: %s", folder.name, line, exc_info=not is_user_error(error))
        write_text(json.dumps({"overrides": words, "error": line}), failed)
        return math.nan


class Table(Callback):
    """Hydra's callback: divides the cores before a sweep, writes ``results.csv`` after it."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Divide the cores among the jobs that run at once; their processes inherit it."""
        launcher = config.hydra.launcher
        if launcher._target_.endswith("BasicLauncher"):  # one after the other
            return
        import torch  # takes seconds

        number = len(jobs.expand(list(config.hydra.overrides.task)))
        at_once, cores = launcher.get("n_jobs", -1), torch.get_num_threads()
        side_by_side = min(number, at_once if at_once > 0 else cores)
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // max(1, side_by_side))))

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Collect all jobs of the folder, best first; exit with status 1 if one failed."""
        with border("train"):  # Hydra turns a callback's exceptions into warnings
            _report(Path(config.hydra.sweep.dir), list(config.hydra.overrides.task))


def _report(folder: Path, words: list[str]) -> None:
    """Write and print the table. Raises SystemExit if a job of the sweep ``words`` failed."""
    known = jobs.known_folders(folder)
    rows = {place: _row(place) for place in known.values()}
    asked = [known.get(one) for one in dict.fromkeys(map(jobs.key, jobs.expand(words)))]
    table = sorted(rows.values(), key=lambda row: (math.isnan(row["objective"]), row["objective"]))
    write_csv(table, folder / "results.csv")
    columns = dict.fromkeys(name for row in table for name in row)
    # The screen shows what varies; the file has all settings and figures (epoch, and with a slash).
    settings = [name for name in columns if "/" not in name and name != "epoch"]
    varied = [name for name in settings if len({row.get(name) for row in table}) > 1]
    shown = [row | {"job": _short(row["job"])} for row in table]
    print(plain(shown, list(dict.fromkeys(["job", "objective", *varied]))))  # noqa: T201
    print(f"results: {folder / 'results.csv'}")  # noqa: T201
    failures = [
        _short(place.name) if place else "not started" for place in asked if not place or "error" in rows[place]
    ]
    if failures:
        sys.exit(
            f"error: {len(failures)} of {len(asked)} jobs failed (job {', '.join(failures)}): correct it and run "
            f"the same command with run_dir={folder}; finished jobs are not run again"
        )


def _short(job: str) -> str:
    """The number of a job's folder; the name of one that has none."""
    found = re.match(jobs.NUMBER, job)
    return found[0] if found else job


def _row(folder: Path) -> dict[str, Any]:
    """One job: its objective, overrides, and figures or error."""
    overrides = jobs.typed_values(jobs.read_words(folder / jobs.JOB) or [])
    if result := _result(folder):
        return {"job": folder.name, "objective": result["objective"], **overrides, **result["figures"]}
    error = load_record(folder / "failed.json").get("error", UNFINISHED)
    return {"job": folder.name, "objective": math.nan, **overrides, "error": error}


def _result(folder: Path) -> dict[str, Any]:
    """The result of a finished job; nothing if there is none."""
    found = load_record(folder / "result.json")
    return found if isinstance(found.get("objective"), float) and isinstance(found.get("figures"), dict) else {}
