"""Finished runs for a command that compares them: trainings, and the jobs of sweeps."""

import re
from pathlib import Path
from typing import Any

from gan.cli.jobs import JOB, NUMBER
from gan.error import UserError
from gan.file import load_json, sha256
from gan.terminal import say

Card = dict[str, Any]
SECOND = Path(__file__).parent.parent / "metric" / "mnist_second.json"


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
    """The name of a run's card: its folder or, for a job, the sweep's and what varies in it.

    A job of which only the experiment varies is called by that.
    """
    if not (run / JOB).is_file():
        return run.name
    varied = re.sub(rf"^{NUMBER}_?", "", run.name)
    if experiment := re.fullmatch(r"experiment=(\w+)", varied):
        return experiment[1]
    alike = [path for path in run.parent.iterdir() if re.fullmatch(rf"{NUMBER}_?{re.escape(varied)}", path.name)]
    return f"{run.resolve().parent.name}_{varied if varied and len(alike) == 1 else run.name}"


def require_tested(runs: list[Path]) -> None:
    """Raise FileNotFoundError, with what to type, unless all finished runs have a test card."""
    untested = [run for run in runs if (run / "result.json").is_file() and not (run / "test.json").is_file()]
    if untested:
        more = len(untested) - 1
        others = f", nor those of {more} other{'s' * (more > 1)}" if more else ""
        raise FileNotFoundError(f"runs: {untested[0]}/test.json does not exist{others}: add judge=true")


def read_run(run: Path, name: str) -> Card:
    """The card of a finished and tested run. Raises FileNotFoundError if it is not finished."""
    if not (run / "result.json").is_file():
        raise FileNotFoundError(f"runs: {run / 'result.json'} does not exist: the run is not finished")
    result, test = (load_json(run / file) for file in ("result.json", "test.json"))
    precision = result["config"]["trainer"]["precision"]
    card = {"name": name, "test": test, "precision": precision, "device": result.get("device")}  # none in old runs
    kept = ("history", "parameters", "versions", "overrides", "objective", "figures")
    return card | {key: result[key] for key in kept}


def last_grid(run: Path) -> Path:
    """The last picture of a run. Raises FileNotFoundError without one."""
    grids = sorted((run / "grids").glob("*.png"))
    if not grids:
        raise FileNotFoundError(f"runs: {run / 'grids'} holds no picture: train with callback.grid")
    return grids[-1]


def is_by_second(test: Card) -> bool:
    """Whether the figures of a test card are by the second classifier of MNIST."""
    return bool((test.get("extractor") or {}).get("sha256") == load_json(SECOND)["sha256"])


def is_judged(run: Path) -> bool:
    """Whether a run has a test card of its best checkpoint by the second classifier."""
    path, ckpt = run / "test.json", run / "best.ckpt"
    if not path.is_file():
        return False
    test = load_json(path)
    return is_by_second(test) and (not ckpt.is_file() or test.get("ckpt_sha256") == sha256(ckpt))
