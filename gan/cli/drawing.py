"""What the drawing commands share: where pictures go, how they look, what is reported."""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf
from PIL import Image

from gan.cli.output import output_path, validate_files, validate_folder
from gan.cli.uses import left_out
from gan.digits import files
from gan.digits.invert import Inversion, mean_hand
from gan.digits.look import READABLE, Look, parse_gradient
from gan.error import UserError

STAY = "stay misread, uncertain or not clean"  # of digits that no attempt got right


def boxes_path(path: Path) -> Path:
    """The path of the boxes of a line: NAME.png.json beside NAME.png."""
    return path.with_name(f"{path.name}.json")


def validate_output(cfg: DictConfig, kinds: Sequence[str]) -> Path:
    """The path in ``cfg.out``. Raises UserError, before any drawing, if it cannot be written."""
    if list(kinds) == [""] and Path(cfg.out).suffix and not cfg.out.endswith("/"):
        raise UserError(f"out must be a folder for lines or for a pattern, as out=lines/, got {cfg.out}")
    path = output_path(cfg.out, kinds)
    if not path.suffix:
        foreign = [] if files.holds_dataset(path) else [part.name for part in path.glob("*")]
        validate_folder(path, "set", foreign, cfg.overwrite)
        return path
    beside = [files.sheet_path(path)] if path.suffix in files.SETS else []
    if cfg.get("text") is not None:
        beside = [boxes_path(path)]
    validate_files(path, *beside, overwrite=cfg.overwrite)
    return path


def describe_size(path: Path) -> str:
    """The size of a picture or a film: its pixels, and bytes of the file."""
    kilobytes = f"{math.ceil(path.stat().st_size / 1000):,} kB"
    if path.suffix not in files.PICTURES and path.suffix != ".gif":
        return f", {kilobytes}"
    with Image.open(path) as picture:
        return f", {picture.width}x{picture.height} pixels, {kilobytes}"


def report_misread(count: int) -> str:
    """What follows a message about ``count`` digits that no attempt got right; "" for none."""
    return f"; {count} digits {STAY}: try another seed or style" if count else ""


def load_hand(cfg: DictConfig, like: Callable[[Path, str | None], Inversion], names: Sequence[str]) -> Inversion | None:
    """The hand in the pictures of ``cfg.like``; None without one. Prints what each shows to stderr.

    ``like`` is that of a lab with classes of these ``names``. Raises UserError for ``cfg.label``
    with several pictures.
    """
    if cfg.like is None:
        return None
    paths = list(cfg.like) if isinstance(cfg.like, ListConfig) else [cfg.like]
    if len(paths) > 1 and cfg.label is not None:
        raise UserError(f"label={cfg.label} is for one picture, and like= has {len(paths)}: leave it out")
    digits = [like(path, cfg.label) for path in paths]
    for one in digits:
        name = f" as a {names[one.label]}," if names else ""
        print(f"like: drawn{name} with an error of {one.error:.1%} of full ink", file=sys.stderr)  # noqa: T201
    return mean_hand(digits)


def load_look(cfg: DictConfig, is_morph: bool = False) -> Look:
    """The look in ``cfg``; prints a warning for a contrast below WCAG's 3:1 and for lost parts."""
    look = Look(**OmegaConf.to_container(cfg.look))  # type: ignore[arg-type]
    if look.contrast < READABLE:
        warning = f"contrast {look.contrast:.1f}: WCAG asks for {READABLE:g} or more"
        print(warning, file=sys.stderr)  # noqa: T201
    for lost in (left_out(cfg, is_morph), _lost_opacity(look, Path(cfg.out).suffix)):
        if lost:
            print(lost, file=sys.stderr)  # noqa: T201
    return look


def _lost_opacity(look: Look, suffix: str) -> str | None:
    """What a film of this ending cannot show of the opacities of a look; None: nothing."""
    ink, paper = ({end[3] for end in parse_gradient(colours)} for colours in (look.ink, look.paper))
    if paper == {255}:  # the ink mixes with it
        return None
    if suffix == ".mp4":
        return "an .mp4 is not transparent, so its paper lies on white: choose .webp or .gif"
    if suffix == ".gif" and not ink | paper <= {0, 255}:
        return "a .gif cannot be half transparent, so its colours are full or none: choose .webp"
    return None
