"""``python -m gan.morph labels=[3,8] out=three_to_eight.gif``: what lies between digits, as a film or a strip."""

from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig

from gan import command
from gan.digits import files
from gan.digits.picture import WRITERS
from gan.generate import check, look
from gan.lab import Lab


def _several(value: Any) -> Any:
    """A list as Python's, and a single number as one."""
    return [value] if isinstance(value, int) else list(value) if isinstance(value, ListConfig) else value


@command.main("morph")
def main(cfg: DictConfig) -> None:
    """Draw all frames, write them, say what was written."""
    path, asked = check(cfg, [*files.FILMS, *WRITERS]), look(cfg)
    lab = Lab(cfg.ckpt)
    typed = any(word.startswith("labels=") for word in HydraConfig.get().overrides.task)
    labels = cfg.labels if typed or lab.generator.classes else []
    film = lab.morph(_several(labels), _several(cfg.seeds), cfg.frames, cfg.loop, asked, cfg.fps)
    film.save(path, overwrite=True)
    print(f"{len(film.frames)} frames: {path}")  # noqa: T201


if __name__ == "__main__":
    main()
