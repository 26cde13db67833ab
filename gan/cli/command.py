"""The border between a person and the code: compose settings, run, explain errors in one line."""

import functools
import io
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
from omegaconf import DictConfig

from gan import __version__, terminal
from gan.cli import run_folder
from gan.cli.check import check
from gan.cli.compose import compose, quote
from gan.cli.errors import LONGEST, explain, is_user_error
from gan.cli.help import help_text
from gan.error import UserError, printable
from gan.file import CONF

HELP = {"--help", "-h"}
ASKS = {"--cfg", "-c", "--info", "-i", "--hydra-help"}  # answered by Hydra's own main
SWEEP = {"-m", "--multirun"}
STOPPED = 130  # the exit status after Ctrl-C
EXPECTED_WARNINGS = (
    "isinstance.treespec, LeafSpec",
    "Found .* in eval mode",
    "Checkpoint directory .* exists",
    "The number of training batches",  # is below log_every_n_steps: the last step of an epoch is logged
    "It is recommended to use .self.log",  # sync_dist: every process has computed the same figure
    "Grad strides do not match",
    "GPU available but not used",
    "`ModelCheckpoint.* could not find the monitored key",  # in an epoch that is not judged
)
QUIET = (
    "lightning.fabric.utilities.distributed",
    "lightning.fabric.utilities.rank_zero",
    "lightning.pytorch.accelerators.cuda",
    "lightning.pytorch.trainer.connectors.signal_connector",
    "lightning.pytorch.utilities.rank_zero",
)
Task = Callable[[DictConfig], Any]
Command = Callable[[Task], Callable[[], None]]
Rewrite = Callable[[list[str]], list[str]]


def command(root: str, prepare: Rewrite = list, sweeps: bool = False) -> Command:
    """Make a task a command: compose ``conf/ROOT.yaml`` with what is typed, and run.

    ``prepare`` rewrites the overrides. ``sweeps``: by Hydra's own main, which also takes ``-m``.
    """

    def decorate(task: Task) -> Callable[[], None]:
        @functools.wraps(task)
        def run() -> None:
            with border(root):
                words = [quote(word) for word in sys.argv[1:]]
                if not HELP.isdisjoint(words):
                    print(help_text(root))  # noqa: T201
                elif "--version" in words:
                    print(f"digit-gan {__version__}")  # noqa: T201
                elif sweeps:
                    _run_by_hydra(task, root, words, prepare)
                else:
                    _run(task, root, words, prepare)

        return run

    return decorate


def _run(task: Task, root: str, words: list[str], prepare: Rewrite) -> None:
    if not SWEEP.isdisjoint(words):
        raise UserError("-m is for train.py alone, which numbers its folders: run this once for each value")
    check(root, words)
    signal.signal(signal.SIGTERM, _terminate)
    task(compose(root, prepare(words)))


def _run_by_hydra(task: Task, root: str, words: list[str], prepare: Rewrite) -> None:
    """Let Hydra's main answer ``--cfg`` and the like, sweep or run; Lightning handles SIGTERM."""

    @functools.wraps(task)
    def explained(cfg: DictConfig) -> Any:
        with border(root):  # inside Hydra's main too, which would add lines of its own
            return task(cfg)

    with run_folder.held:
        if ASKS.isdisjoint(word.partition("=")[0] for word in words):
            check(root, words, sweep=not SWEEP.isdisjoint(words))
            sys.argv[1:] = sorted(prepare(words), key=lambda word: word not in SWEEP)  # Hydra wants -m first
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra passes errors on and prints nothing
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=root)(explained)()


def _terminate(*_: object) -> NoReturn:
    """End by way of every ``finally``."""
    sys.exit(128 + signal.SIGTERM)


class Printable(logging.LogRecord):
    """A record without what would control a terminal: a file's name may hold it."""

    def getMessage(self) -> str:
        """The message, whose lines stay apart."""
        return "\n".join(printable(line, LONGEST) for line in super().getMessage().split("\n"))


def _configure_messages() -> None:
    """Show messages as a line, those of libraries without what is meant to be so."""
    logging.setLogRecordFactory(Printable)
    logging.basicConfig(format="%(message)s", level=logging.INFO, handlers=[terminal.Messages()])
    for name in QUIET:  # importing Lightning resets the levels of the loggers above these
        logging.getLogger(name).setLevel(logging.WARNING)
    if not run_folder.is_first_process():  # the first one says it
        logging.disable(logging.WARNING)
    for expected in EXPECTED_WARNINGS:
        warnings.filterwarnings("ignore", message=f".*{expected}")
    warnings.formatwarning = _format_warning
    logging.captureWarnings(True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # cp1252 lacks what names of files and classes may hold


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A library's warning in one line, and where it is from."""
    return f"{' '.join(str(message).split())} ({'/'.join(Path(filename).parts[-2:])}:{lineno})"


@contextmanager
def border(root: str) -> Iterator[None]:
    """Exit with one line for a user error or Ctrl-C, with a traceback for a bug.

    GAN_TRACEBACK=1 always shows the traceback.
    """
    _configure_messages()
    try:
        yield
    except KeyboardInterrupt:
        terminal.close_bars()
        print("stopped", file=sys.stderr)  # noqa: T201
        sys.exit(STOPPED)
    except Exception as error:
        terminal.close_bars()
        if os.environ.get("GAN_TRACEBACK"):
            raise
        if is_user_error(error):
            line = f"error: {explain(error, root)}"
            terminal.keep(line, logging.ERROR)
            sys.exit(line)
        traceback.print_exc()
        terminal.keep(f"error: {type(error).__name__}", logging.ERROR, traceback=True)
        sys.exit("This is a bug in digit-gan: please report it with the lines above and the command you typed.")


@contextmanager
def continuable(folder: Path) -> Iterator[None]:
    """Say after Ctrl-C or SIGTERM that the same command continues the study in ``folder``."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        print(f"stopped: the same command continues the study in {folder}", file=sys.stderr)  # noqa: T201
        sys.exit(stop.code if isinstance(stop, SystemExit) else STOPPED)
