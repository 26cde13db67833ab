"""The result of a run, and how to continue it."""

import json
import math
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from gan import terminal
from gan.callback import lines
from gan.callback.doctor import Doctor
from gan.callback.quality import figures_of_epoch
from gan.error import UserError
from gan.file import write_text
from gan.logger import boards


class Result(Callback):
    """Keeps the figures of every epoch, writes ``result.json`` at the end, and prints where it is.

    ``objective`` is the figure that selects ``best.ckpt``. The history survives a resume.
    ``again``: the overrides that must be typed again to continue, as no checkpoint carries them.
    """

    again: Sequence[str] = ()

    def __init__(self, objective: str) -> None:
        self.name = objective
        self.history: list[dict[str, float]] = []

    @property
    def best(self) -> dict[str, float]:
        """The figures of the best epoch; empty before the first validation."""
        judged = [figures for figures in self.history if math.isfinite(figures.get(self.name, math.nan))]
        return min(judged, key=lambda figures: figures[self.name], default={})

    @property
    def objective(self) -> float:
        """The best value so far; NaN before the first validation."""
        return self.best.get(self.name, math.nan)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.history.append({"epoch": trainer.current_epoch + 1, **figures_of_epoch(trainer)})
        for board in boards(trainer):
            board.add_best(self.objective)

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        history = list(state_dict["history"])
        for figures in history:
            if "epoch" not in figures or not all(isinstance(value, int | float) for value in figures.values()):
                raise UserError("ckpt: it is damaged: its history has other than figures")
        self.history = history

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        folder, settings = Path(trainer.default_root_dir), dict(module.hparams)
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        result = {
            "objective": self.objective,
            "figures": self.best,
            "history": self.history,
            "parameters": {name: sum(p.numel() for p in net.parameters()) for name, net in module.named_children()},
            "versions": {name: version(name) for name in ("torch", "lightning", "torchmetrics")},
            "device": lines.device(trainer),
            "findings": next((callback.findings for callback in callbacks if isinstance(callback, Doctor)), None),
            **settings,
        }
        write_text(json.dumps(result, indent=2), folder / "result.json")
        self._say_what_next(trainer, folder, settings["overrides"])

    def _say_what_next(self, trainer: Trainer, folder: Path, typed: Sequence[str]) -> None:
        """Print the best epoch, and commands that use it."""
        console = terminal.make_console()
        if "trainer=debug" in typed:
            batches = trainer.num_training_batches * trainer.current_epoch
            said = f"everything works; figures after {batches} batches mean nothing: train without trainer=debug"
            terminal.show(console, lines.labelled("end", said), lines.LABEL)
            return
        for line in lines.end(self.name, self.best, trainer.current_epoch, folder):
            terminal.show(console, line, lines.LABEL)
        if self.best and not terminal.in_series:
            steps = lines.next_steps(folder, self.again)
            curves = ", see its curves" if len(steps) > 2 else ""
            console.print(lines.labelled("next", f"draw images, judge it by the test images{curves}"))
            for step in steps:
                console.print(f"  {step}", soft_wrap=True)

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        if isinstance(exception, SystemExit):
            exception.code = 1  # after SIGTERM, Lightning would report success
        if isinstance(exception, KeyboardInterrupt | SystemExit) and trainer.is_global_zero:
            # Of one of many trainings, the command that started them all says how they go on.
            how = "" if terminal.in_series else f"; {remedy(Path(trainer.default_root_dir), self.again)}"
            terminal.close_bars()
            terminal.say(f"stopped in epoch {trainer.current_epoch + 1}{how}")


def remedy(folder: Path, again: Sequence[str] = ()) -> str:
    """Return how to continue the interrupted run in ``folder``, with the overrides ``again``."""
    last = folder / "last.ckpt"
    if not last.is_file():
        return "no epoch was finished: type the command again, with overwrite=true if it has a run_dir"
    return f"go on: {shlex.join(['python', 'train.py', f'ckpt={lines.shown(last)}', *again])}"
