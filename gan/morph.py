"""``python -m gan.morph labels=[3,8] out=morph.gif``: an interpolation, as a film or a strip."""

import sys

from omegaconf import DictConfig, ListConfig

from gan.cli.command import command
from gan.cli.uses import morph_uses, refuse_unused


@command("morph")
def main(cfg: DictConfig) -> None:
    """Draw all frames and write them; print what was written."""
    refuse_unused(sys.argv[1:], morph_uses(cfg))
    from gan.cli.drawing import load_look, validate_output  # imports torch, which takes seconds
    from gan.digits import files
    from gan.digits.picture import WRITERS
    from gan.lab import Lab

    path, look = validate_output(cfg, [*files.FILMS, *WRITERS]), load_look(cfg, is_morph=True)
    lab = Lab(cfg.ckpt)
    is_typed = any(word.startswith("labels=") for word in sys.argv)
    labels, seeds = (value if isinstance(value, ListConfig) else [value] for value in (cfg.labels, cfg.seeds))
    labels = labels if is_typed or lab.generator.classes else []
    film = lab.morph(labels, seeds, cfg.frames, cfg.loop, look, cfg.fps)
    film.save(path, overwrite=True)
    print(f"{len(film.frames)} frames: {path}")  # noqa: T201


if __name__ == "__main__":
    main()
