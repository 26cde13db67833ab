"""``python -m gan.generate n=10000 out=digits.npz`` or ``text=2026-11-22 out=date.svg``.

The shipped generator draws them, or that of ``ckpt=RUN/best.ckpt``.
"""

import re
import sys

from omegaconf import DictConfig

from gan.cli.command import command
from gan.error import UserError

FOR_DIGITS = ("n", "columns", "folder")
FOR_LINES = ("lines", "mixed", "variation", "like", "layout")


@command("generate")
def main(cfg: DictConfig) -> None:
    """Draw and write; print what was written."""
    if cfg.text is not None and cfg.pattern is not None:
        raise UserError("text and pattern cannot both be given: text= writes this text, pattern= makes random texts")
    is_line = cfg.text is not None or cfg.pattern is not None
    remedy = "digits: leave text= and pattern= out" if is_line else "lines: give text= or pattern="
    for word in sys.argv[1:]:
        if re.split(r"[.=]", word)[0] in (FOR_DIGITS if is_line else FOR_LINES):
            raise UserError(f"{word.partition('=')[0]} is for {remedy}")
    from gan.generate import drawing  # imports torch, which takes seconds

    if not is_line:
        print(drawing.draw_digits(cfg))  # noqa: T201
    elif cfg.pattern is None and cfg.lines == 1:
        print(drawing.draw_line(cfg))  # noqa: T201
    else:
        print(drawing.draw_lines(cfg))  # noqa: T201
