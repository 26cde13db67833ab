"""A study: any number of workers open it, and each takes trials until none is left.

A worker locks the folder of its trial; the system releases the lock when the process ends in any
way. A trial that is running in the storage, but not locked, was interrupted: the next worker
continues it.
"""

import logging
import math
import os
import sys
from pathlib import Path
from subprocess import DEVNULL, Popen

import optuna
import torch
from filelock import BaseFileLock, FileLock
from hydra.utils import instantiate
from omegaconf import DictConfig
from optuna import Study, Trial
from optuna.distributions import distribution_to_json
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from gan import terminal
from gan.callback import Prune
from gan.cli import training
from gan.cli.compose import compose
from gan.cli.errors import explain, is_user_error
from gan.cli.prepare import fit_missing_classifier, settle_data
from gan.error import UserError, printable
from gan.file import load_record, lock_folder, validate_own
from gan.tune import report
from gan.tune.space import Space, from_sweep, suggest, to_override

log = logging.getLogger(__name__)
LOCK = "study.lock"  # held while a worker opens the study or takes a trial
Taken = tuple[Trial, BaseFileLock]  # a trial, and the lock on its folder


def run(cfg: DictConfig) -> Study:
    """Run the trials of ``run_dir`` in ``workers`` processes until none is left."""
    overrides = fit_missing_classifier(settle_data(list(cfg.train)))
    space = from_sweep(cfg.sweep, overrides)
    study = open_study(cfg, overrides, space)
    others = _start_workers(cfg.workers)
    try:
        for other in (None, *others):
            if other:
                other.wait()  # then take what it left, if it was killed
            while taken := take_trial(study, cfg, space):
                trial, lock = taken
                try:
                    run_trial(study, trial, cfg, overrides)
                finally:
                    lock.release()
                report.write(study, Path(cfg.run_dir))
    finally:
        for other in others:
            other.terminate()
    return study


def _start_workers(workers: int) -> list[Popen[bytes]]:
    """Start all workers but this one; all share the cores."""
    if workers == 1:
        return []
    threads = max(1, torch.get_num_threads() // workers)
    torch.set_num_threads(threads)
    command = [sys.executable, "-m", "gan.tune", *sys.argv[1:], "workers=1"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return [Popen(command, env=environment, stdout=DEVNULL) for _ in range(workers - 1)]


def open_study(cfg: DictConfig, overrides: list[str], space: Space) -> Study:
    """Open the study of ``run_dir``, or begin it.

    Raises UserError for a study with other overrides or another space, and for an unusable storage.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = Path(cfg.run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    validate_own(folder)
    asked = {"train": overrides, "space": {name: distribution_to_json(one) for name, one in space.items()}}
    with FileLock(folder / LOCK):
        try:
            study = optuna.create_study(
                storage=cfg.storage or _journal(folder / "journal.log"),
                study_name=folder.resolve().name,
                pruner=instantiate(cfg.pruner),
                load_if_exists=True,
            )
        except OSError:
            raise
        except Exception as error:  # SQLAlchemy and its drivers share no base class
            raise UserError(f"storage: {error}") from error
        before = study.user_attrs.get("asked", asked)
        if before != asked:
            others = f"other overrides ({' '.join(before['train'])})"
            what = "another search space" if before["train"] == overrides else others
            raise UserError(f"{folder} holds a study with {what}: choose another run_dir")
        study.set_user_attr("asked", asked)
    return study


def _journal(path: Path) -> JournalStorage:
    """Optuna's file on a disk that all workers share. Removes a half-written last line."""
    lock = JournalFileOpenLock(str(path))
    if path.is_file():
        lock.acquire()
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
        lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock))


def take_trial(study: Study, cfg: DictConfig, space: Space) -> Taken | None:
    """Take an interrupted trial, or else a new one; None once there are ``trials`` trials."""
    with FileLock(Path(cfg.run_dir) / LOCK):
        taken = _take_interrupted(study, Path(cfg.run_dir)) or _take_new(study, cfg)
        if taken:
            trial, _ = taken
            # With one seed for all trials, all workers and all restarts would draw the same.
            study.sampler = instantiate(cfg.sampler, seed=cfg.sampler.seed + trial.number)
            suggest(trial, space)
        return taken


def _take_interrupted(study: Study, folder: Path) -> Taken | None:
    for frozen in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        own = folder / str(frozen.number)
        if own.is_dir() and (lock := lock_folder(own)):
            if study.get_trials(deepcopy=False)[frozen.number].state == TrialState.RUNNING:  # still
                return Trial(study, frozen._trial_id), lock
            lock.release()
    return None


def _take_new(study: Study, cfg: DictConfig) -> Taken | None:
    number = len(study.get_trials(deepcopy=False))
    if number >= cfg.trials:
        return None
    folder = Path(cfg.run_dir) / str(number)
    if (folder / "last.ckpt").exists() or (folder / "result.json").exists():
        raise UserError(f"{folder} holds a run that is not of this study: choose another run_dir")
    lock = lock_folder(folder)  # before the trial exists: every running trial has a folder
    assert lock, folder
    trial = study.ask()
    if trial.number != number:
        raise UserError(f"storage: a worker of this study has another folder than {cfg.run_dir}: use one for all")
    return trial, lock


def run_trial(study: Study, trial: Trial, cfg: DictConfig, overrides: list[str]) -> None:
    """Train a trial, or continue it, and tell the study. A failure is recorded.

    Raises what is not the trial's fault (OSError, as for a full disk; ImportError; an interrupt);
    the trial can then be taken again.
    """
    try:
        objective = math.nan
        if "pruned" not in trial.user_attrs:
            objective = _train(study, trial, cfg, [*overrides, *(to_override(*item) for item in trial.params.items())])
        if "pruned" in trial.user_attrs:
            study.tell(trial, state=TrialState.PRUNED)
        elif math.isfinite(objective):
            study.tell(trial, objective)
        else:
            raise UserError("the trial has no objective: no epoch was evaluated")
    except (OSError, ImportError):
        raise
    except Exception as error:
        line = explain(error, "train")
        log.error("trial %s: %s", trial.number, line, exc_info=not is_user_error(error))
        trial.set_user_attr("error", line)
        study.tell(trial, state=TrialState.FAIL)


def _train(study: Study, trial: Trial, cfg: DictConfig, overrides: list[str]) -> float:
    """Train in the trial's folder, from its last checkpoint if it has one; return the objective."""
    folder = Path(cfg.run_dir) / str(trial.number)
    if finished := load_record(folder / "result.json"):  # killed before it could tell
        return float(finished["objective"])
    config = compose("train", [*overrides, "run_dir=."])
    config.run_dir = str(folder)
    if (folder / "last.ckpt").is_file():
        config.ckpt = str(folder / "last.ckpt")
    terminal.announce(f"trial {trial.number + 1} of {cfg.trials}: {printable(' '.join(overrides))}")
    reported = study.get_trials(deepcopy=False)[trial.number].intermediate_values
    return training.fit(config, overrides, Prune(trial, config.objective, set(reported)))
