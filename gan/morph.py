"""``python -m gan.morph labels=[3,8] out=three_to_eight.gif``: what lies between digits, as a film or a strip."""

from omegaconf import DictConfig

from gan import command
from gan.digits import files
from gan.digits.picture import WRITERS
from gan.generate import check, look
from gan.lab import Lab


@command.main("morph")
def main(cfg: DictConfig) -> None:
    """Draw all frames, write them, say what was written."""
    path, asked = check(cfg, [*files.FILMS, *WRITERS]), look(cfg)
    labels, seeds = ([one] if isinstance(one, int) else list(one or []) for one in (cfg.labels, cfg.seeds))
    film = Lab(cfg.ckpt).morph(labels, seeds, cfg.frames, cfg.loop, asked, cfg.fps)
    film.save(path, overwrite=True)
    print(f"{len(film.frames)} frames: {path}")  # noqa: T201


if __name__ == "__main__":
    main()
