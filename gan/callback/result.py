"""Telling: what a run has come to, and how to go on with it."""

import json
import math
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from gan.callback.doctor import Doctor
from gan.file import write_text


def _knobs(config: dict[str, Any]) -> dict[str, Any]:
    """What a person turns, for TensorBoard's table of settings, which shows five: the whole would bury it."""
    knobs = {"lr": config["optimizer"]["lr"], "batch_size": config["batch_size"], "seed": config["seed"]}
    knobs |= {group: config[group]["_target_"].rsplit(".", 1)[1] for group in ("augment", "loss", "penalty")}
    knobs["network"] = config["network"]["generator"]["_target_"].rsplit(".", 2)[1]
    for group in ("model", "network", "optimizer", "penalty"):
        knobs |= {f"{group}.{name}": value for name, value in config[group].items() if isinstance(value, int | float)}
    return knobs


class Result(Callback):
    """Keeps the figures of every epoch, writes ``result.json`` at the end, and says where everything is.

    The objective is the best value of the figure that chose ``best.ckpt``; it and the whole history outlive a resume.
    """

    def __init__(self, objective: str) -> None:
        self.name = objective
        self.history: list[dict[str, float]] = []

    @property
    def best(self) -> dict[str, float]:
        """The figures of the best epoch; empty before the first judging."""
        judged = [figures for figures in self.history if math.isfinite(figures.get(self.name, math.nan))]
        return min(judged, key=lambda figures: figures[self.name], default={})

    @property
    def objective(self) -> float:
        """The best value so far; NaN before the first judging."""
        return self.best.get(self.name, math.nan)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Keep this epoch's figures."""
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.history.append({"epoch": trainer.current_epoch + 1, **figures})

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.history = list(state_dict["history"])

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Write the result, log the settings beside the objective, tell the user."""
        if not trainer.is_global_zero:
            return
        folder = Path(trainer.default_root_dir)
        settings = dict(module.hparams)
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.log_hyperparams(_knobs(settings["config"]), {"objective": self.objective})
        result = {
            "objective": self.objective,
            "figures": self.best,
            "history": self.history,
            "parameters": {name: sum(p.numel() for p in net.parameters()) for name, net in module.named_children()},
            "versions": {name: version(name) for name in ("torch", "lightning", "torchmetrics")},
            "findings": next((callback.findings for callback in callbacks if isinstance(callback, Doctor)), None),
            **settings,
        }
        write_text(json.dumps(result, indent=2), folder / "result.json")
        judged = (
            f"best {self.name} {self.objective:.3f} after epoch {self.best['epoch']:.0f}; "
            f"{folder / 'best.ckpt'} and {folder / 'grids'}"
            if self.best
            else f"no epoch was judged; {folder}"
        )
        print(f"{judged}; see it: tensorboard --logdir {folder}")  # noqa: T201

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        """Tell how to go on with an interrupted run."""
        if isinstance(exception, SystemExit):
            exception.code = 1  # Lightning's answer to SIGTERM would report success
        if isinstance(exception, KeyboardInterrupt | SystemExit) and trainer.is_global_zero:
            how = remedy(Path(trainer.default_root_dir))
            print(f"stopped in epoch {trainer.current_epoch + 1}; {how}", file=sys.stderr)  # noqa: T201


def remedy(folder: Path) -> str:
    """How to go on with the interrupted run in ``folder``."""
    last = folder / "last.ckpt"
    return f"go on: python train.py ckpt={last}" if last.is_file() else "no epoch was finished: start it again"
