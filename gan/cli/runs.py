"""Finished runs for a command that compares them: trainings, and the jobs of sweeps."""

import re
import shlex
from pathlib import Path

from gan.cli.jobs import JOB, NUMBER
from gan.error import UserError
from gan.terminal import say


def find_runs(folders: list[Path]) -> dict[str, Path]:
    """The runs in ``folders`` by the names of their cards; of a sweep, all finished jobs.

    Raises UserError for two runs of one name, and for a sweep without a finished job.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        places = [path.parent for path in sorted(folder.rglob(JOB))] if folder.is_dir() else []
        is_sweep = bool(places) and folder not in places
        done = [place for place in places if (place / "result.json").is_file()] if is_sweep else [folder]
        if not done:
            raise UserError(f"runs: {folder} is a sweep without a finished job: run its command again")
        if is_sweep and len(done) < len(places):
            say(f"{folder}: {len(places) - len(done)} of {len(places)} jobs are not finished and get no card")
        for run in done:
            if found.setdefault(name := name_run(run), run) != run:
                raise UserError(f"runs: several are called {name}, and a card has the name of its run: rename a folder")
    return found


def name_run(run: Path) -> str:
    """The name of a run's card: its folder or, for a job, the sweep's and what varies in it."""
    if not (run / JOB).is_file():
        return run.name
    varied = re.sub(rf"^{NUMBER}_?", "", run.name)
    alike = [path for path in run.parent.iterdir() if re.fullmatch(rf"{NUMBER}_?{re.escape(varied)}", path.name)]
    return f"{run.resolve().parent.name}_{varied if varied and len(alike) == 1 else run.name}"


def require_tested(runs: list[Path]) -> None:
    """Raise FileNotFoundError, with what to type, unless all finished runs have a test card."""
    untested = [run for run in runs if (run / "result.json").is_file() and not (run / "test.json").is_file()]
    if len(untested) == 1:
        path = untested[0]
        remedy = f"run python -m gan.evaluate {shlex.quote(f'ckpt={path}/best.ckpt')} split=test"
        raise FileNotFoundError(f"runs: {path}/test.json does not exist: {remedy}")
    if untested:
        parents = {run.parent for run in untested}
        paths = " ".join(shlex.quote(f"{run}/best.ckpt") for run in untested)
        if len(parents) == 1 and untested == runs:
            paths = f"{shlex.quote(str(parents.pop()))}/*/best.ckpt"
        loop = f'for ckpt in {paths}; do python -m gan.evaluate ckpt="$ckpt" split=test; done'
        raise FileNotFoundError(f"runs: {len(untested)} of {len(runs)} have no test.json: type {loop}")
