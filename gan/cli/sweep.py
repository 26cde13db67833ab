"""Sweeps: a failed job is recorded, a finished one kept, and a table tells of all."""

import functools
import json
import logging
import math
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
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
from gan.terminal import say

log = logging.getLogger(__name__)
Job = Callable[[DictConfig], float]
Row = dict[str, Any]
UNFINISHED = "not finished"


def job_overrides(folder: Path) -> list[str]:
    """The overrides that identify the job in ``folder``, as they were typed: 1e-4, not 0.0001."""
    words = jobs.identifying(HydraConfig.get().overrides.task)
    is_job = HydraConfig.get().mode == RunMode.MULTIRUN
    typed = (jobs.read_words(folder / jobs.JOB) if is_job else None) or words
    return typed if jobs.key(typed) == jobs.key(words) else words


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
        except (KeyboardInterrupt, SystemExit):  # Ctrl-C, SIGTERM
            whole = shlex.quote(f"run_dir={HydraConfig.get().sweep.dir}")
            say(f"the sweep goes on with the same command and {whole}; finished jobs are not run again")
            raise
        return math.nan

    return run


def _run(train: Job, cfg: DictConfig, folder: Path) -> float:
    """Run a job in its folder, and record its failure there."""
    words, failed = jobs.identifying(HydraConfig.get().overrides.task), folder / "failed.json"
    before = jobs.read_words(folder / jobs.JOB) if (folder / jobs.JOB).is_file() else None
    if before is not None and jobs.key(before) != jobs.key(words):
        log.error("%s holds another job (%s): choose another run_dir", folder, " ".join(before))
        return math.nan
    try:
        if finished := _result(folder):
            say(f"it is finished, and stays: {folder}")
            return float(finished["objective"])
        failed.unlink(missing_ok=True)
        if before is None:
            write_text(json.dumps({"overrides": words}), folder / jobs.JOB)
        if (folder / "last.ckpt").is_file():
            (folder / "result.json").unlink(missing_ok=True)  # a damaged one, made again from the checkpoint
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
    """Hydra's callback: divides the cores before a sweep, writes its results after it."""

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
        if not run_folder.is_first_process():
            return
        with border("train"):  # Hydra turns a callback's exceptions into warnings
            _report(Path(config.hydra.sweep.dir), list(config.hydra.overrides.task))


def _report(folder: Path, words: list[str]) -> None:
    """Write table and picture, and print what was found.

    Raises SystemExit if a job of the sweep ``words`` failed.
    """
    known = jobs.known_folders(folder)
    places = list(known.values())
    settings = dict(
        zip(places, jobs.complete([jobs.read_words(place / jobs.JOB) or [] for place in places]), strict=True)
    )
    rows = {place: _row(place) for place in places}
    places.sort(key=lambda place: (math.isnan(rows[place]["objective"]), rows[place]["objective"]))
    write_csv([rows[place] for place in places], folder / "results.csv")
    varied = jobs.varied(list(settings.values()))
    shown = []
    for place in places:
        own = {name: settings[place][name] for name in varied} | {"job": _short(place.name)}
        own["objective"] = "-" if math.isnan(rows[place]["objective"]) else rows[place]["objective"]
        shown.append(own | {"error": rows[place].get("error", "")})
    columns = ["job", "objective", *varied, *(["error"] if any(row["error"] for row in shown) else [])]
    print(f"\n{plain(shown, columns)}\n")  # noqa: T201
    _draw(folder, {place: (settings[place], rows[place]) for place in places})
    if places and (best := places[0] / "best.ckpt").is_file():
        print(f"best: {shlex.quote(str(best))}")  # noqa: T201
    print(f"results: {folder / 'results.csv'}; plot: {folder / 'results.png'}")  # noqa: T201
    if any("error" not in row for row in rows.values()):
        print(f"compare the curves: tensorboard --logdir {shlex.quote(str(folder))}")  # noqa: T201
    _exit_if_failed(folder, rows, [known.get(one) for one in dict.fromkeys(map(jobs.key, jobs.expand(words)))])


def _exit_if_failed(folder: Path, rows: Mapping[Path, Row], asked: Sequence[Path | None]) -> None:
    """Raise SystemExit if one of the jobs that were ``asked`` for has no result."""
    failures = [
        _short(place.name) if place else "not started" for place in asked if not place or "error" in rows[place]
    ]
    if failures:
        sys.exit(
            f"error: {len(failures)} of {len(asked)} jobs failed (job {', '.join(failures)}): correct it and run "
            f"the same command with run_dir={folder}; finished jobs are not run again"
        )


def _draw(folder: Path, found: Mapping[Path, tuple[Mapping[str, str], Row]]) -> None:
    """Draw ``results.png`` and show it in TensorBoard."""
    from gan import plot  # imports matplotlib, which takes a second
    from gan.callback import lines
    from gan.cli import sweep_plot

    done, names, floors = [], set(), set()
    for place, (settings, row) in found.items():
        error = row.get("error")
        fault = "" if error is None else sweep_plot.UNFINISHED if error == UNFINISHED else sweep_plot.FAILED
        done.append(sweep_plot.Job(settings, row["objective"], fault))
        if error is None:
            names.add(name := str(_result(place)["config"].get("objective", "objective")))
            floors.add(value if isinstance(value := row.get(f"{name}_floor"), float) else None)
    objective = lines.name(names.pop()) if len(names) == 1 else "objective"
    floor = floors.pop() if len(floors) == 1 else None  # of several data sets there are several
    picture = folder / "results.png"
    sweep_plot.draw(sweep_plot.Sweep(folder, done, objective, floor), picture)
    plot.show_in_tensorboard(picture, sum(not one.fault for one in done))


def _short(job: str) -> str:
    """The number of a job's folder; the name of one that has none."""
    found = re.match(jobs.NUMBER, job)
    return found[0] if found else job


def _row(folder: Path) -> Row:
    """One job: its objective, overrides, and figures or error."""
    overrides = jobs.typed_values(jobs.read_words(folder / jobs.JOB) or [])
    if result := _result(folder):
        return {"job": folder.name, "objective": result["objective"], **overrides, **result["figures"]}
    error = load_record(folder / "failed.json").get("error", UNFINISHED)
    return {"job": folder.name, "objective": math.nan, **overrides, "error": error}


def _result(folder: Path) -> dict[str, Any]:
    """The result of a finished job; nothing if there is none."""
    found = load_record(folder / "result.json")
    kinds = {"objective": float, "figures": dict, "config": dict}
    return found if all(isinstance(found.get(name), kind) for name, kind in kinds.items()) else {}
