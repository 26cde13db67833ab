"""The life of a study: opened by any number of workers, each of which takes trials until all are taken.

A worker holds a lock on the folder of its trial, which the system releases when the process ends, however it ends. So a trial
that is running in the storage and whose folder nobody holds was interrupted; whoever finds it goes on with it.
"""

import json
import logging
import math
import os
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from hydra.utils import instantiate
from omegaconf import DictConfig
from optuna import Study, Trial
from optuna.distributions import distribution_to_json
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from gan import command, override, training
from gan.callback import Prune
from gan.tune.space import Space, suggest, word

log = logging.getLogger(__name__)


def together(cfg: DictConfig) -> FileLock:
    """What one worker at a time holds: to open the study, or to take a trial of it."""
    Path(cfg.run_dir).mkdir(parents=True, exist_ok=True)
    return FileLock(Path(cfg.run_dir) / "study.lock")


def open_study(cfg: DictConfig, words: list[str], space: Space) -> Study:
    """The study of ``run_dir``, which is a new one where there is none.

    Raises ValueError where it was begun with other words or another space, and where the storage cannot be had.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = Path(cfg.run_dir)
    asked = {"train": words, "space": {name: distribution_to_json(one) for name, one in space.items()}}
    with together(cfg):
        try:
            study = optuna.create_study(
                storage=cfg.storage or _journal(folder / "journal.log"),
                study_name=folder.resolve().name,
                pruner=instantiate(cfg.pruner),
                load_if_exists=True,
            )
        except (OSError, ImportError):
            raise
        except Exception as error:  # SQLAlchemy's and its drivers' have no common name
            raise ValueError(f"storage: {error}") from error
        if study.user_attrs.setdefault("asked", asked) != asked:
            before = study.user_attrs["asked"]
            what = f"words ({' '.join(before['train'])})" if before["train"] != words else "search space"
            raise ValueError(f"{folder} holds a study with another {what}: choose another run_dir")
        study.set_user_attr("asked", asked)
    return study


def _journal(path: Path) -> JournalStorage:
    """Optuna's file for processes and machines that share a disk, NFS too, without the half line that a power cut leaves."""
    lock = JournalFileOpenLock(str(path))
    if path.is_file():
        lock.acquire()
        text = path.read_bytes()
        if not text.endswith(b"\n"):
            os.truncate(path, text.rfind(b"\n") + 1)
        lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock))


def take(study: Study, cfg: DictConfig, space: Space) -> tuple[Trial, FileLock] | None:
    """An interrupted trial, or else a new one, with the lock on its folder; None where ``trials`` are taken."""
    with together(cfg):
        trials = study.get_trials(deepcopy=False)
        for frozen in trials:
            folder = Path(cfg.run_dir) / str(frozen.number)
            if frozen.state == TrialState.RUNNING and folder.is_dir() and (lock := _hold(folder)):
                if study.get_trials(deepcopy=False)[frozen.number].state == TrialState.RUNNING:  # not finished meanwhile
                    trial = Trial(study, frozen._trial_id)
                    break
                lock.release()
        else:
            if len(trials) >= cfg.trials:
                return None
            folder = Path(cfg.run_dir) / str(len(trials))
            if (folder / "last.ckpt").exists() or (folder / "result.json").exists():
                raise ValueError(f"{folder} holds a run that is not of this study: choose another run_dir")
            held = _hold(folder)  # before the trial is: one that runs has a folder
            assert held, folder
            lock, trial = held, study.ask()
            if trial.number != len(trials):
                raise ValueError(f"storage: a worker of its study does not see {cfg.run_dir}: all need one folder")
        # Drawn from the number, too: else each worker and each restart would draw the same.
        study.sampler = instantiate(cfg.sampler, seed=cfg.sampler.seed + trial.number)
        suggest(trial, space)
        return trial, lock


def _hold(folder: Path) -> FileLock | None:
    """The lock on a trial's folder; None where a living process holds it."""
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def attempt(study: Study, trial: Trial, cfg: DictConfig, words: list[str]) -> None:
    """Train a trial to its end, or on to it, and tell the study; what stops it is noted, and the study goes on.

    What is not the trial's fault (OSError: a full disk; ImportError; an interrupt) is raised, and leaves it to be taken again.
    """
    folder = Path(cfg.run_dir) / str(trial.number)
    objective = math.nan
    try:
        if "pruned" not in trial.user_attrs:
            objective = _train(study, trial, folder, [*words, *(word(name, value) for name, value in trial.params.items())])
        if "pruned" in trial.user_attrs:
            study.tell(trial, state=TrialState.PRUNED)
        elif math.isfinite(objective):
            study.tell(trial, objective)
        else:
            raise ValueError("no epoch was judged: it has no objective")
    except (OSError, ImportError):
        raise
    except Exception as error:
        line = override.explain(error, "train")
        log.error("trial %s: %s", trial.number, line, exc_info=not command.expected(error))
        trial.set_user_attr("error", line)
        study.tell(trial, state=TrialState.FAIL)


def _train(study: Study, trial: Trial, folder: Path, words: list[str]) -> float:
    if (folder / "result.json").is_file():  # killed before it could tell
        return float(json.loads((folder / "result.json").read_text())["objective"])
    config = override.compose("train", [*words, "run_dir=."])
    config.run_dir = str(folder)
    if (folder / "last.ckpt").is_file():
        config.ckpt = str(folder / "last.ckpt")
    reported: dict[int, Any] = study.get_trials(deepcopy=False)[trial.number].intermediate_values
    return training.fit(config, words, Prune(trial, config.objective, set(reported)))
