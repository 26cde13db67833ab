"""Checkpoints that are written completely or not at all, in folders that may move."""

import io
import re
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from gan import foreign
from gan.error import UserError
from gan.file import write_bytes
from gan.validate import integer


class Whole(TorchCheckpointIO):
    """Writes checkpoints atomically: after a full disk or a kill, the one before is still there.

    Lightning writes to the system's temporary folder, from where a move to another disk copies.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(buffer.getvalue(), Path(path))

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """The contents, which are plain data: a run may be a stranger's."""
        return foreign.load_archive(Path(path))


class Keep(ModelCheckpoint):
    """Keeps a checkpoint in the run's folder, and finds earlier ones if that folder was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        start, braces, _ = str(self.filename).partition("{")  # of a figure
        own = re.compile(rf"{re.escape(start)}{'.*' if braces else ''}\.ckpt")

        def here(path: str) -> str:
            if path and not own.fullmatch(Path(path).name):  # Lightning deletes it when a better one comes
                raise UserError("ckpt: it is damaged: it names files that are none of its checkpoints")
            return str(Path(str(self.dirpath), Path(path).name)) if path else path

        best = state_dict["best_model_path"]
        if best and not Path(here(best)).is_file():  # it began at an earlier epoch, or somebody deleted it
            return
        moved = {name: here(state_dict[name]) for name in state_dict if name.endswith("_model_path")}
        kept = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(state_dict | moved | {"best_k_models": kept, "dirpath": self.dirpath})


class KeepEvery(Checkpoint):
    """Keeps the checkpoints of every so many ``epochs``: ``RUN/epoch_005.ckpt``; None: of none."""

    def __init__(self, folder: str, epochs: int | None) -> None:
        self.folder = Path(folder)
        self.epochs = None if epochs is None else integer("keep_every", epochs, 1, 10**6)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        epoch = trainer.current_epoch + 1
        if self.epochs and epoch % self.epochs == 0:
            trainer.save_checkpoint(self.folder / f"epoch_{epoch:03d}.ckpt", weights_only=False)
