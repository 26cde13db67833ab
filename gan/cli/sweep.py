"""Sweeps: a failed job is recorded, a finished one skipped, a table written at the end."""

import functools
import json
import logging
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from gan.cli.errors import explain, is_user_error
from gan.error import UserError
from gan.file import load_json
from gan.table import plain, write_csv

log = logging.getLogger(__name__)
Job = Callable[[DictConfig], float]


def job_overrides() -> list[str]:
    """The overrides that identify this job: not its folder, its checkpoint or its fallback data."""
    apart = ("run_dir=", "ckpt=", "data.fallback=")
    return [word for word in HydraConfig.get().overrides.task if not word.startswith(apart)]


def job(train: Job) -> Job:
    """Let a training fail, be skipped or go on in a sweep; unchanged outside sweeps."""

    @functools.wraps(train)
    def run(cfg: DictConfig) -> float:
        if HydraConfig.get().mode != RunMode.MULTIRUN:
            return train(cfg)
        folder, words = Path(cfg.run_dir), job_overrides()
        failed = folder / "failed.json"
        try:
            before = _read(folder / "job.json")
            if before and before["overrides"] != words:
                raise UserError(f"{folder} holds another job ({' '.join(before['overrides'])}): choose another run_dir")
            if finished := _read(folder / "result.json"):
                return float(finished["objective"])
            failed.unlink(missing_ok=True)
            (folder / "job.json").write_text(json.dumps({"overrides": words}))
            if (folder / "last.ckpt").is_file():
                cfg.ckpt = str(folder / "last.ckpt")
            return train(cfg)
        except Exception as error:
            line = explain(error, "train")
            log.error("job %s: %s", folder.name, line, exc_info=not is_user_error(error))
            failed.write_text(json.dumps({"overrides": words, "error": line}))
            return math.nan

    return run


class Table(Callback):
    """Hydra's callback: divides the cores before a sweep, writes ``results.csv`` after it."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Divide the cores among the jobs that run at once; their processes inherit it."""
        launcher = config.hydra.launcher
        if launcher._target_.endswith("BasicLauncher"):  # one after the other
            return
        import torch  # takes seconds

        words = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
        jobs = math.prod(len(list(word.sweep_string_iterator())) for word in words if word.is_sweep_override())
        at_once, cores = launcher.get("n_jobs", -1), torch.get_num_threads()
        side_by_side = min(jobs, at_once if at_once > 0 else cores)
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // max(1, side_by_side))))

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Collect all jobs of the folder, best first; exit with status 1 if one failed."""
        folder = Path(config.hydra.sweep.dir)
        rows = [_row(path) for path in folder.glob("*/job.json")]
        rows.sort(key=lambda row: (math.isnan(row["objective"]), row["objective"]))
        write_csv(rows, folder / "results.csv")
        columns = dict.fromkeys(key for row in rows for key in row)
        # The screen shows what varies; the file has all settings and figures (with a slash).
        varied = [name for name in columns if "/" not in name and len({row.get(name) for row in rows}) > 1]
        print(plain(rows, list(dict.fromkeys(["job", "objective", *varied]))))  # noqa: T201
        print(f"results: {folder / 'results.csv'}")  # noqa: T201
        if failures := [row["job"] for row in rows if row.get("error")]:
            sys.exit(  # Hydra turns a callback's exceptions into warnings
                f"error: {len(failures)} of {len(rows)} jobs failed (job {', '.join(failures)}): correct it and run "
                f"the same command with run_dir={folder}; finished jobs are not run again"
            )


def _row(path: Path) -> dict[str, Any]:
    """One job of ``job.json``: its objective, overrides, and figures or error."""
    overrides = dict(word.lstrip("+").split("=", 1) for word in _read(path)["overrides"])
    if result := _read(path.with_name("result.json")):
        return {"job": path.parent.name, "objective": result["objective"], **overrides, **result["figures"]}
    error = _read(path.with_name("failed.json")).get("error", "not finished")
    return {"job": path.parent.name, "objective": math.nan, **overrides, "error": error}


def _read(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing if there is no file."""
    return load_json(path) if path.is_file() else {}
