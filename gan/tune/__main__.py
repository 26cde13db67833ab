"""``python -m gan.tune trials=50 data=digits``: search for good settings of train.py."""

import os
import re
import sys
from pathlib import Path

from omegaconf import DictConfig

from gan.cli.check import check, settings, unknown
from gan.cli.command import command, continuable
from gan.cli.compose import in_quotes, quote
from gan.cli.output import require_writable
from gan.cli.run_folder import results
from gan.error import UserError, require
from gan.file import CONF
from gan.table import plain
from gan.validate import integer

FIXED = r"[+~]*(ckpt|trainer\.devices|trainer\.num_nodes)\b|trainer=ddp\b"  # by every trial
WORKERS_PER_CORE = 4


def divide(words: list[str]) -> list[str]:
    """Gather the overrides that are train.py's in the study's setting ``train``."""
    own = {*settings("tune", []), "hydra"}
    names = {word: re.match(r"[+~]*(\w+)", word) for word in words}
    training = [word for word, name in names.items() if name and name[1] not in own]
    gathered = [f"train=[{','.join(in_quotes(quote(word)) for word in training)}]"] if training else []
    return gathered + [word for word in words if word not in training]


def validate(cfg: DictConfig) -> None:
    """Raise UserError for settings that make no study."""
    integer("trials", cfg.trials, 1, 10**6)
    integer("workers", cfg.workers, 1, 1000)
    most = WORKERS_PER_CORE * (os.cpu_count() or 1)
    if cfg.workers > most:
        rule = f"at most {most}, {WORKERS_PER_CORE} for each core of this machine"
        raise UserError(f"workers must be {rule}, got {cfg.workers}: start more on other machines")
    if results(Path(cfg.run_dir)):
        raise UserError(f"run_dir: {cfg.run_dir} holds a training: choose another run_dir for a study")
    known = settings("train", []) | settings("tune", [])  # a typo is in cfg.train
    for word in cfg.train:
        if re.match(FIXED, word):
            rule = "a trial has its own checkpoint and trains on one device"
            raise UserError(f"{word}: {rule}: leave it out, and start a worker for each device")
        name = re.match(r"(\w+)[\w./@]*", word)
        if name and name[1] not in known and not (CONF / name[1]).is_dir():
            raise unknown("tune", name[0], known)
    check("train", list(cfg.train))


@command("tune")
def tune(cfg: DictConfig) -> None:
    """Run or continue a study; print its best trials and the names of its files."""
    validate(cfg)
    require("optuna", extra="tune")
    from gan.tune import report, study  # imports Lightning and Optuna, which takes seconds

    folder = Path(cfg.run_dir)
    require_writable(folder / "results.csv", "run_dir")
    with continuable(folder):
        done = study.run(cfg)
    rows = report.write(done, folder)
    print(plain(rows[:10], [name for name in rows[0] if name != "error"]))  # noqa: T201
    print(f"results: {folder / 'results.csv'}; {report.draw(done, folder)}")  # noqa: T201
    states = [row["state"] for row in rows]
    if running := states.count("RUNNING"):
        print(f"{running} still running: by other workers, or else the same command continues them")  # noqa: T201
    if set(states) == {"FAIL"}:
        raise UserError(f"all {len(rows)} trials failed; the last error: {rows[-1]['error']}")


def main() -> None:
    """Run ``tune`` with the typed overrides, divided between it and train.py."""
    sys.argv[1:] = divide(sys.argv[1:])
    tune()


if __name__ == "__main__":
    main()
