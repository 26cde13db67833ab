"""What all loggers of this project share: one axis, and a place for pictures and texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import Logger
from torch import Tensor, nn

from gan.file import CONF
from gan.model import GAN

Figures = Mapping[str, float]
NOT_SHOWN = ("epoch", "speed/images")  # other axes
Settings = dict[str, float | str | bool]


class Board(Logger):
    """A logger whose axis is the number of images seen, over all processes and restarts.

    Nothing is opened before the first figure, so that a refused training leaves nothing behind.
    """

    name = version = ""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.model: GAN | None = None
        self.is_open = False

    @property
    def images(self) -> int:
        """The images seen so far."""
        return self.model.images if self.model else 0

    def log_graph(self, model: nn.Module, input_array: Tensor | None = None) -> None:
        """Lightning shows the model here, before it trains."""
        self.model = model if isinstance(model, GAN) else None

    def log_metrics(self, metrics: Figures, step: int | None = None) -> None:
        self.opened().add_figures({name: value for name, value in metrics.items() if name not in NOT_SHOWN})

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Do nothing: :meth:`open` has the settings."""

    def opened(self) -> "Board":
        """Self, opened on the first call."""
        if not self.is_open:
            self.is_open = True
            self.open(self.model.images_before if self.model else 0, dict(self.model.hparams) if self.model else {})
        return self

    def open(self, images: int, settings: Mapping[str, Any]) -> None:
        """Begin after ``images``: what an interrupted training logged later is dropped.

        ``settings``: the configuration as ``config`` and what was typed as ``overrides``, or empty.
        """

    def add_figures(self, figures: Figures) -> None:
        """Show figures by their names at the images seen so far."""

    def add_best(self, value: float) -> None:
        """Show the best value of the objective so far; NaN before the first."""

    def add_picture(self, name: str, picture: Tensor) -> None:
        """Show bytes [C, H, W]."""

    def add_text(self, name: str, text: str) -> None:
        """Show a text."""


def boards(trainer: Trainer) -> list[Board]:
    """The open loggers that draw in this process: none but in the first one."""
    return [one.opened() for one in trainer.loggers if isinstance(one, Board) and trainer.is_global_zero]


def to_table(settings: Mapping[str, Any]) -> tuple[Settings, Settings]:
    """What was typed, and the main settings beside it, as people type them."""
    config, typed = settings["config"], {}
    for word in settings["overrides"]:
        name, sign, value = word.lstrip("+").partition("=")
        if sign and not name.startswith("logger"):
            typed[name] = _number(value.strip("'\""))
    main: Settings = {group: _choice(group, config[group]) for group in ("loss", "penalty", "augment")}
    main["network"] = config["network"]["generator"]["_target_"].rsplit(".", 2)[1]
    main |= {"data": config["data"]["name"], "optimizer.lr": config["optimizer"]["lr"]}
    main |= {name: config[name] for name in ("batch_size", "seed")}
    return typed, {name: value for name, value in main.items() if name not in typed}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _choice(group: str, node: Mapping[str, Any]) -> str:
    """The file of ``conf/GROUP`` whose class a setting has, or else the name of that class."""
    for path in sorted((CONF / group).glob("*.yaml")):
        if yaml.safe_load(path.read_text(encoding="utf-8"))["_target_"] == node["_target_"]:
            return path.stem
    return str(node["_target_"]).rpartition(".")[2]
