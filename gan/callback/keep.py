"""Keeping: checkpoints that are whole, and still compared with the best when their folder has moved."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from gan.file import whole


class Whole(TorchCheckpointIO):
    """Writes a checkpoint beside its place and then moves it there: a full disk or a kill leaves the one before.

    Lightning's own writing goes through the system's temporary folder, and moving from there to another disk copies.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write ``checkpoint`` to ``path``. Raises OSError where there is no room."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        with whole(Path(path)) as partial:
            partial.write_bytes(buffer.getvalue())


class Keep(ModelCheckpoint):
    """Keeps a checkpoint in the run's folder, and goes on comparing with the best so far where that folder was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint; what was kept is looked for beside it."""

        def here(path: str) -> str:
            return str(Path(str(self.dirpath), Path(path).name)) if path else path

        moved = {name: here(state_dict[name]) for name in state_dict if name.endswith("_model_path")}
        best = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(state_dict | moved | {"best_k_models": best, "dirpath": self.dirpath})
