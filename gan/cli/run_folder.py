"""The folder of a training or of a sweep: no model in it is lost, and one process writes there."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan.cli.compose import compose, parse
from gan.error import UserError
from gan.file import LOCK, lock_folder, write_bytes

# What a training leaves, as paths in its folder. Without the first, nothing of it would be lost.
RESULTS = re.compile(
    r"result\.json|(best|last|epoch_\d+)\.ckpt|metrics\.csv|grids/epoch_\d+\.png|events\.out\.tfevents\..+(?<!\.sweep)"
)
BESIDE = re.compile(
    r"hparams\.yaml|train\.log|failed\.json|(val|test)\.(json|md)|\.hydra/(config|hydra|overrides)\.yaml"
)
WANDB = re.compile(r"(offline-)?run-\d+_\d+-\w+|latest-run|debug(-internal)?\.log")  # in RUN/wandb
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")  # of a process among several, as Lightning reads it
held = ExitStack()  # the locks of this command


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Lock a folder for a block; yields False if another process holds its lock."""
    lock = lock_folder(folder) if is_first_process() else None
    try:
        yield lock is not None or not is_first_process()
    finally:
        if lock:
            lock.release()


def is_sweep(words: list[str]) -> bool:
    """Whether overrides start a sweep."""
    return not {"-m", "--multirun", "hydra.mode=MULTIRUN"}.isdisjoint(words)


def is_first_process() -> bool:
    """Whether this is not one of the further processes that share a training."""
    return next((os.environ[name] for name in RANKS if os.environ.get(name)), "0") == "0"


def path_in(words: list[str], key: str) -> Path | None:
    """The path that the last override of ``key`` sets; None if there is none."""
    typed = [word for word in words if word.startswith(f"{key}=")]
    value = parse(typed[-1]).value() if typed else None
    if not value:
        return None
    try:
        return Path(str(OmegaConf.create({"path": value}).path))
    except OmegaConfBaseException:  # of other settings, as runs/${data.name}
        chosen = [word for word in words if not word.startswith(("hydra", "-")) and not parse(word).is_sweep_override()]
        return Path(compose("train", [*chosen, f"run_dir={typed[-1].partition('=')[2]}"]).run_dir)


def results(folder: Path) -> list[str]:
    """The results of a training in ``folder``, the most important first."""
    return [name for name in _names(folder) if RESULTS.fullmatch(name)]


def claim(words: list[str]) -> Path | None:
    """Lock the folder that ``words`` name until ``held`` closes; return it, None for a new one.

    Raises UserError for a folder that another process uses, or that holds what would be lost.
    """
    folder = path_in(words, "hydra.sweep.dir" if is_sweep(words) else "hydra.run.dir")
    if folder is None or not is_first_process():
        return None
    if folder.exists() and not folder.is_dir():
        raise UserError(f"run_dir: {folder} is a file: choose a folder, as run_dir=runs/mine")
    is_new, lock = not folder.exists(), lock_folder(folder)
    if lock is None:
        raise UserError(f"run_dir: {folder} is in use by another training: wait for its end, or choose another run_dir")
    held.callback(_release, lock, folder if is_new else None)
    if (folder / "study.lock").exists():
        raise UserError(f"run_dir: {folder} holds a study of gan.tune: choose another run_dir")
    if is_sweep(words):
        if found := results(folder):
            raise UserError(f"run_dir: {folder} holds a training ({found[0]}): choose another run_dir for a sweep")
    elif any(folder.glob("*/job.json")) or (folder / "multirun.yaml").exists():
        raise UserError(f"run_dir: {folder} holds a sweep: choose another run_dir for a single training")
    else:
        _validate_training(folder, path_in(words, "ckpt"), asks_overwriting(words))
    return folder


def _release(lock: BaseFileLock, made: Path | None) -> None:
    """Release a lock. Nothing stays of the folder ``made`` for it, if nothing else was written."""
    if made and made.is_dir() and [path.name for path in made.iterdir()] == [LOCK]:
        with suppress(OSError):  # an open file cannot be removed everywhere
            (made / LOCK).unlink()
            made.rmdir()
    lock.release()


def asks_overwriting(words: list[str]) -> bool:
    """Whether the last ``overwrite=`` is true."""
    typed = [word for word in words if word.startswith("overwrite=")]
    return bool(typed) and parse(typed[-1]).value() is True


def _validate_training(folder: Path, ckpt: Path | None, overwrite: bool) -> None:
    """Raise UserError if a training in ``folder`` would lose another one."""
    found, last = results(folder), folder / "last.ckpt"
    if ckpt and ckpt.resolve().parent == folder.resolve():
        if overwrite:
            raise UserError(f"overwrite=true would remove {ckpt}, which is to be continued: leave one of the two out")
        if ckpt.name != last.name and last.is_file():
            later = f"{last} is later and would be lost"
            raise UserError(f"ckpt: {later}: continue that, or choose another run_dir for what begins at {ckpt.name}")
    elif found and not overwrite:
        go_on = f"ckpt={last} continues it, " if last.is_file() else ""
        remedy = f"{go_on}overwrite=true replaces it, or choose another run_dir"
        raise UserError(f"run_dir: {folder} holds a training ({found[0]}): {remedy}")
    elif found and not _is_ours(folder):
        raise UserError(f"run_dir: {folder} holds {found[0]}, which this project did not write: choose another run_dir")


def _is_ours(folder: Path) -> bool:
    """Whether the settings of a training of this project lie in ``folder``."""
    notes = (folder / name for name in ("hparams.yaml", "result.json", ".hydra/config.yaml"))
    return any(b"gan.model.GAN" in path.read_bytes() for path in notes if path.is_file())


def clear(folder: Path) -> None:
    """Remove all that a training left in ``folder``, and say so; other files stay."""
    if not results(folder):
        return
    found = remove(folder, RESULTS, BESIDE)
    for path in (folder / "wandb").glob("*"):
        if WANDB.fullmatch(path.name):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shown = [name for name in found if not name.startswith(("grids/", "events.", ".hydra/"))]
    if grids := sum(name.startswith("grids/") for name in found):
        shown.append(f"{grids} of grids/")
    print(f"overwrite=true: removed from {folder}: {', '.join(shown)}", file=sys.stderr)  # noqa: T201


def bring(folder: Path, words: list[str]) -> None:
    """Copy what lies beside a checkpoint that is continued in another ``folder``: best, metrics."""
    ckpt = path_in(words, "ckpt")
    if not ckpt or ckpt.parent.resolve() == folder.resolve():
        return
    from gan import checkpoint  # imports torch, which takes seconds

    best, table = ckpt.with_name("best.ckpt"), ckpt.with_name("metrics.csv")
    at = checkpoint.load_contents(ckpt)["epoch"]
    is_later = best.is_file() and checkpoint.load_contents(best)["epoch"] > at  # than what is continued
    for path in (table,) if is_later else (best, table):
        if path.is_file():
            write_bytes(path.read_bytes(), folder / path.name)


def remove(folder: Path, *kinds: re.Pattern[str]) -> list[str]:
    """Remove the files of a training that match one of ``kinds``; return their names."""
    found = [name for name in _names(folder) if any(kind.fullmatch(name) for kind in kinds)]
    for name in found:
        (folder / name).unlink()
    return found


def _names(folder: Path) -> list[str]:
    """The files of ``folder`` and of the folders that a training makes there."""
    places = [folder, folder / "grids", folder / ".hydra"]
    files = [path for place in places if place.is_dir() for path in place.iterdir() if path.is_file()]
    order = ("last.ckpt", "best.ckpt", "result.json")
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))
