"""``python -m gan.morph labels=[3,8] out=morph.gif``: an interpolation, as a film or a strip."""

import sys

from omegaconf import DictConfig, ListConfig

from gan.cli.command import command
from gan.cli.uses import morph_uses, refuse_unused


@command("morph")
def main(cfg: DictConfig) -> None:
    """Draw all frames and write them; print what was written."""
    refuse_unused(sys.argv[1:], morph_uses(cfg))
    from gan.cli.drawing import describe_size, load_look, validate_output  # imports torch, which takes seconds
    from gan.digits import files
    from gan.digits.film import STRIPS
    from gan.lab import Lab

    path, look = validate_output(cfg, [*files.FILMS, *STRIPS]), load_look(cfg, is_morph=True)
    lab = Lab(cfg.ckpt)
    is_typed = any(word.startswith("labels=") for word in sys.argv)
    labels, seeds = (value if isinstance(value, ListConfig) else [value] for value in (cfg.labels, cfg.seeds))
    labels = labels if is_typed or lab.generator.classes else []
    film = lab.morph(labels, seeds, cfg.frames, cfg.loop, look, cfg.fps)
    film.save(path, overwrite=True)
    beside = "" if path.suffix in files.FILMS else " side by side"
    print(f"{len(film.frames)} frames{beside}: {path}{describe_size(path)}")  # noqa: T201


if __name__ == "__main__":
    main()
