"""``python -m gan.generate n=10000 out=digits.npz`` or ``text=2026-11-22 out=date.svg``.

The shipped generator draws them, or that of ``ckpt=RUN/best.ckpt``.
"""

import sys

from omegaconf import DictConfig

from gan.cli.command import command
from gan.cli.uses import generate_uses, refuse_unused
from gan.error import UserError


@command("generate")
def main(cfg: DictConfig) -> None:
    """Draw and write; print what was written."""
    if cfg.text is not None and cfg.pattern is not None:
        raise UserError("text and pattern cannot both be given: text= writes this text, pattern= makes random texts")
    refuse_unused(sys.argv[1:], generate_uses(cfg))
    from gan.generate import drawing  # imports torch, which takes seconds

    if cfg.text is None and cfg.pattern is None:
        print(drawing.draw_digits(cfg))  # noqa: T201
    elif cfg.pattern is None and cfg.lines == 1:
        print(drawing.draw_line(cfg))  # noqa: T201
    else:
        print(drawing.draw_lines(cfg))  # noqa: T201
