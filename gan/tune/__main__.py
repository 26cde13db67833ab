"""``python -m gan.tune trials=50 run_dir=runs/tune data=digits``: search train.py's settings with Optuna."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import torch
from omegaconf import DictConfig

from gan import command, override


def divide(words: list[str]) -> list[str]:
    """The words of the study, with those that are train.py's gathered in its ``train``."""
    own = {*override.compose("tune", []), "hydra"}
    named = [re.match(r"[+~]*(\w+)", word) for word in words]
    training = [word for word, key in zip(words, named, strict=True) if key and key[1] not in own]
    escaped = ["'" + re.sub(r"(\\*)'", r"\1\1\\'", override.quoted(word)) + "'" for word in training]
    gathered = [f"train=[{','.join(escaped)}]"] if training else []
    return gathered + [word for word in words if word not in training]


@command.main("tune")
def tune(cfg: DictConfig) -> None:
    """Take trials until all are taken, with other workers if asked for, and say what they came to."""
    for name in ("optuna", "matplotlib"):
        if importlib.util.find_spec(name) is None:
            raise ImportError(f'tuning needs {name}: pip install -e ".[tune]"')
    from gan.tune import report, space, study

    words, folder = settle(list(cfg.train)), Path(cfg.run_dir)
    if cfg.trials < 1 or cfg.workers < 1:
        raise ValueError(f"trials and workers must be 1 or more, got {cfg.trials} and {cfg.workers}")
    searched = space.read(cfg.sweep, words)
    opened = study.open_study(cfg, words, searched)
    others = helpers(cfg.workers)
    try:
        for other in (None, *others):
            if other:
                other.wait()  # and take up what it may have left, should it have been killed
            while taken := study.take(opened, cfg, searched):
                trial, lock = taken
                try:
                    study.attempt(opened, trial, cfg, words)
                finally:
                    lock.release()
                report.write(opened, folder)
    except (KeyboardInterrupt, SystemExit) as stop:
        print(f"stopped: the same command goes on with the study in {folder}", file=sys.stderr)  # noqa: T201
        sys.exit(stop.code if isinstance(stop, SystemExit) else command.STOPPED)
    finally:
        for other in others:
            other.terminate()
    found = report.write(opened, folder)
    print(report.table(found))  # noqa: T201
    print(f"results: {folder / 'results.csv'}; {report.draw(opened, folder)}")  # noqa: T201
    states = [row["state"] for row in found]
    if running := states.count("RUNNING"):
        print(f"{running} more still running: in other workers, or else the same command goes on with them")  # noqa: T201
    if set(states) == {"FAIL"}:
        raise ValueError(f"all {len(found)} trials failed, the last so: {found[-1]['error']}")


def settle(words: list[str]) -> list[str]:
    """The words for train.py, checked, with the data they come to. Raises ValueError for what a trial decides itself."""
    if own := [word for word in words if re.match(r"[+~]*(ckpt|trainer\.devices|trainer\.num_nodes)\b|trainer=ddp\b", word)]:
        raise ValueError(f"{own[0]}: a trial has its own checkpoint and trains on one device; start a worker for each device")
    from gan import fit_classifier

    return fit_classifier.settle(command.settle_data(words))


def helpers(workers: int) -> list[subprocess.Popen[bytes]]:
    """All workers but this one, in processes that share the cores with it."""
    if workers == 1:
        return []
    torch.set_num_threads(threads := max(1, torch.get_num_threads() // workers))
    again = [sys.executable, "-m", "gan.tune", *sys.argv[1:], "workers=1"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return [subprocess.Popen(again, env=environment, stdout=subprocess.DEVNULL) for _ in range(workers - 1)]


def main() -> None:
    """The command: its own words to the study, the others to train.py."""
    sys.argv[1:] = divide(sys.argv[1:])
    tune()


if __name__ == "__main__":
    main()
