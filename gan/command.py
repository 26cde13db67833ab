"""What the commands share: from the words a person types to a composed configuration, and errors in one line.

Nothing here imports torch or Lightning, which take seconds, before it is needed: --help and a typo are answered at once.
"""

import functools
import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan.override import CONF, check_words, compose, exhausted, explain, meant, quoted

_ASKS = {"--help", "-h", "--cfg", "-c", "--info", "-i", "--version", "--hydra-help"}
_SWEEPS = {"-m", "--multirun"}
STOPPED = 130  # the exit status that shells know an interrupt by
Task = Callable[[DictConfig], Any]
EXPECTED = (
    HydraException, OmegaConfBaseException, ValueError, OSError, ArithmeticError, ImportError, MemoryError, CalledProcessError,
)  # fmt: skip


def expected(error: BaseException) -> bool:
    """Whether a user's hand can cause it. Anything else is a defect of ours and shows its traceback."""
    lightnings = type(error).__name__ == "MisconfigurationException"
    return isinstance(error, EXPECTED) or lightnings or exhausted(error)


def quiet() -> None:
    """Leave out what the libraries say of things that are meant to be so."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # which devices there are, tips, why it stopped
    for intended in ("isinstance.treespec, LeafSpec", "Found .* in eval mode", "Checkpoint directory .* exists"):
        warnings.filterwarnings("ignore", message=f".*{intended}")


def plain(cfg: DictConfig) -> dict[str, Any]:
    """A resolved configuration of dicts, lists and scalars alone: what a checkpoint may carry."""
    config = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(config, dict)
    return {str(key): value for key, value in config.items()}


def main(
    config_name: str, prepare: Callable[[list[str]], list[str]] = list, trains: bool = False
) -> Callable[[Task], Callable[[], None]]:
    """Make a task of a configuration a command: compose ``conf/config_name.yaml`` with the words typed, then run it.

    ``prepare`` rewrites the words first. What goes wrong by the user's hand (a misspelt key, an impossible value, a
    missing file, a full disk) is one line and exit status 1; GAN_TRACEBACK=1 shows the traceback instead. Ctrl-C is one
    line, too, and SIGTERM lets what is half written vanish. ``trains``: as train.py does, which sweeps with -m and stops at
    SIGTERM in Lightning's own way.
    """

    def decorate(task: Task) -> Callable[[], None]:
        @functools.wraps(task)
        def run() -> None:
            quiet()
            os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints lines of its own and leaves
            before = signal.getsignal(signal.SIGTERM)
            try:
                if not trains:
                    signal.signal(signal.SIGTERM, _terminate)
                if _ASKS.isdisjoint(word.partition("=")[0] for word in sys.argv):
                    words, sweep = [quoted(word) for word in sys.argv[1:]], not _SWEEPS.isdisjoint(sys.argv)
                    if sweep and not trains:
                        raise ValueError("-m is for train.py alone, which numbers its folders: run this once for each value")
                    check_words(config_name, words, sweep)
                    sys.argv[1:] = sorted(prepare(words), key=lambda word: word not in _SWEEPS)  # which Hydra wants at an end
                command()
            except Exception as error:
                leave(error)
            except KeyboardInterrupt:
                _close_bars()
                print("stopped", file=sys.stderr)  # noqa: T201
                sys.exit(STOPPED)
            finally:
                signal.signal(signal.SIGTERM, before)

        @functools.wraps(task)
        def brief(cfg: DictConfig) -> Any:
            try:
                return task(cfg)
            except Exception as error:  # leave here: on its way through Hydra it would gather lines
                leave(error)

        def leave(error: Exception) -> NoReturn:
            if os.environ.get("GAN_TRACEBACK") or not expected(error):
                raise error
            _close_bars()
            sys.exit(f"error: {explain(error, config_name)}")

        command = hydra.main(version_base="1.3", config_path=CONF, config_name=config_name)(brief)
        return run

    return decorate


def _terminate(*_: object) -> NoReturn:
    """End as after SIGTERM, but by way of every ``finally``."""
    sys.exit(128 + signal.SIGTERM)


def _close_bars() -> None:
    """End the line of every progress bar, for the line that is to come."""
    if "tqdm" in sys.modules:
        for bar in list(getattr(sys.modules["tqdm"].tqdm, "_instances", [])):
            bar.close()


def destination(out: str, kinds: Sequence[str]) -> Path:
    """Where a command writes to, which ends in one of ``kinds``; "" is a folder. Raises ValueError for what does not."""
    path = Path(out).expanduser()
    if path.suffix and out.endswith("/"):
        raise ValueError(f"out: a folder's name must have no dot, got {out}: choose {path.name.replace('.', '_')}/")
    if path.name in ("", "..", *kinds):
        raise ValueError(f"out: {out} has no name: choose another, as digits{kinds[0] or '/'}")
    if path.suffix not in kinds:
        *others, last = (kind or "/" for kind in kinds)
        raise ValueError(f"out must end in {', '.join(others)}{' or ' if others else ''}{last}, got {out}")
    return path


def keep(path: Path, overwrite: bool) -> None:
    """Raise ValueError where a file at ``path`` would replace another unasked, or a folder is."""
    if path.is_dir():
        raise ValueError(f"out: {path} is a folder: choose another name")
    if path.exists() and not overwrite:
        raise ValueError(f"out: {path} exists: choose another name, or overwrite=true")


def overrides() -> list[str]:
    """The words that make the running job what it is: not where it runs, what it continues, what data would do too."""
    apart = ("run_dir=", "ckpt=", "data.fallback=")
    return [word for word in HydraConfig.get().overrides.task if not word.startswith(apart)]


def prepare_training(words: list[str]) -> list[str]:
    """Rewrite the words of ``train.py``: go on with ``ckpt``'s run, name its folder, settle what it trains on."""
    from gan import fit_classifier  # which is a command itself

    return _place(fit_classifier.settle(settle_data(_continue(words))))


def _continue(words: list[str]) -> list[str]:
    """``ckpt=RUN/last.ckpt`` stands for the words of that run, in its folder; words typed now come after them."""
    path = next((str(meant(word) or "") for word in reversed(words) if word.startswith("ckpt=")), "")
    if not path:
        return words
    from gan import checkpoint

    before = checkpoint.read(path)["hyper_parameters"].get("overrides", [])
    if not all(isinstance(word, str) and re.match(r"[\w@./+~]+=?", word) and "hydra" not in word for word in before):
        raise ValueError(f"ckpt: {path} carries words that are no settings: not loaded")
    return [*before, "data.fallback=none", quoted(f"run_dir={Path(path).absolute().parent}"), *words]  # its data, or none


def of_data(words: list[str]) -> list[str]:
    """The words that choose the data, but for those of a sweep."""
    return [word for word in words if word.startswith(("data=", "data.")) and not re.search(r"=(?![\[{]).*,", word)]


def settle_data(words: list[str]) -> list[str]:
    """Turn to ``data.fallback`` where the data set cannot be had, so that name, config and figures all say so."""
    from gan.data import Unavailable

    data = compose("train", [*of_data(words), "run_dir=."]).data
    try:
        instantiate(data, judge_images=2, batch_size=1, _convert_="all")
    except InstantiationException as error:
        if not isinstance(error.__cause__, Unavailable):
            raise
        if data.fallback == "none":
            raise
        line = "=" * 100
        print(  # noqa: T201
            f"{line}\nWARNING: {error.__cause__}\nTHIS RUN IS NOT {data.name.upper()}: it trains on data={data.fallback}, "
            f"and its figures are named for that. data.fallback=none makes this an error.\n{line}",
            file=sys.stderr,
        )
        return [*(word for word in words if not word.startswith(("data=", "data."))), f"data={data.fallback}"]
    return words


def _place(words: list[str]) -> list[str]:
    """``run_dir`` is Hydra's folder: of the run, or of the sweep, whose jobs get numbered folders in it."""
    placed: list[str] = []
    for word in words:
        key, _, folder = word.partition("=")
        placed += [f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}"] if key == "run_dir" else [word]
    return placed
