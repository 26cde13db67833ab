"""``python -m gan.evaluate ckpt=RUN/best.ckpt``: the figures of a checkpoint, by the callback that judged its training."""

import json
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from gan import checkpoint, command
from gan.file import write_text

# Which of the trainer's loops judges which split.
LOOPS = {"val": "validate", "test": "test"}


def evaluate(ckpt: str, split: str, root: str | None = None) -> dict[str, Any]:
    """Figures and their floors against ``split`` (val or test), with what they are figures of.

    ``root`` is where the data is on this machine; by default where the run found it. Raises ValueError for another split
    and whatever :func:`gan.checkpoint.load` and the data raise.
    """
    if split not in LOOPS:
        raise ValueError(f"split must be one of {', '.join(LOOPS)}, got {split}")
    model = checkpoint.load(ckpt)
    config = dict(model.hparams["config"])
    where = {"root": root} if root is not None and config["data"]["root"] else {}
    data = instantiate(config["data"], **where, _convert_="all")
    quality = instantiate(config["callback"]["quality"], _convert_="all")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = instantiate(config["trainer"], callbacks=[quality], **quiet, _convert_="all")
    (figures,) = getattr(trainer, LOOPS[split])(model, data, verbose=False)
    data_name, objective = config["data"]["name"], config["objective"]
    return {"ckpt": Path(ckpt).name, "split": split, "data": data_name, "chosen_by": objective, "figures": figures}


@command.main("evaluate")
def main(cfg: DictConfig) -> None:
    """Print the figures, and write them where asked to."""
    text = json.dumps(evaluate(cfg.ckpt, cfg.split, cfg.data.root), indent=2)
    if cfg.out:
        write_text(text, Path(cfg.out))
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
