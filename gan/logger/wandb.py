"""Weights & Biases: figures, samples and settings in a browser, or offline in the folder."""

import os
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gan.error import UserError, require
from gan.image import pillow
from gan.logger.board import Board, Figures
from gan.validate import boolean


class Wandb(Board):
    """Logs to ``project`` of Weights & Biases; its own files lie in ``RUN/wandb``.

    ``offline``, or WANDB_MODE=offline, sends nothing. Raises MissingExtra without the package,
    UserError without a login: nobody is asked for one in the middle of a training.
    """

    def __init__(self, folder: str, project: str, offline: bool) -> None:
        super().__init__(folder)
        require("wandb", extra="wandb")
        import wandb

        self.project, self.offline = project, boolean("logger.wandb.offline", offline)
        mode = "offline" if self.offline else os.environ.get("WANDB_MODE", "online")
        if mode in ("online", "shared") and not wandb.login(prompt=False):
            remedy = "type wandb login once, or logger.wandb.offline=true"
            raise UserError(f"logger=wandb: there is no login of Weights & Biases here: {remedy}")

    def open(self, images: int, settings: Mapping[str, Any]) -> None:
        import wandb

        folders = sorted(self.folder.glob("wandb/*run-*-*"))
        known = re.fullmatch(r".*run-\d+_\d+-([a-z0-9]{1,64})", folders[-1].name) if images and folders else None
        self.run = wandb.init(
            project=self.project,
            dir=str(self.folder),
            name=self.folder.name,
            id=known[1] if known else None,
            resume="allow" if known else None,
            mode="offline" if self.offline else None,
            config={**settings.get("config", {}), "typed": " ".join(settings.get("overrides", []))},
            settings=wandb.Settings(console="off", quiet=True),
        )
        self.run.define_metric("images")
        self.run.define_metric("*", step_metric="images")
        if settings:
            self.run.define_metric(settings["config"]["objective"], summary="min", step_metric="images")

    def add_figures(self, figures: Figures) -> None:
        self.run.log({**figures, "images": self.images})

    def add_picture(self, name: str, picture: Tensor) -> None:
        import wandb

        self.run.log({name: wandb.Image(pillow(picture)), "images": self.images})

    def add_text(self, name: str, text: str) -> None:
        self.run.alert(title=name, text=text)

    def finalize(self, status: str) -> None:
        if self.is_open:
            self.run.finish(exit_code=0 if status == "success" else 1)
