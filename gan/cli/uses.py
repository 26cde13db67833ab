"""Settings that would change nothing are refused: what each of them is for, in one table."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from gan.cli.compose import parse, quote
from gan.error import UserError

PIXELS, OUTLINES, ARRAYS, FILMS = (".png", ".webp"), (".svg", ".pdf"), (".npz", ".csv"), (".gif", ".webp", ".mp4")
RULED = ("ruled", "squared")


class Use(NamedTuple):
    """``settings``, or groups of them, that change something only if ``applies``."""

    settings: str  # between spaces
    applies: bool
    what: str  # they are for, and how to get it


def typed_settings(words: Sequence[str]) -> Iterator[str]:
    """The dotted name of every setting that is typed and not null."""
    for word in words:
        one = parse(quote(word))
        yield from _names(one.key_or_group, one.value())


def _names(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _names(f"{key}.{name}", part)
    elif value is not None:
        yield key


def refuse_unused(words: Sequence[str], uses: Iterable[Use]) -> None:
    """Raise UserError for the first typed setting that has no use here."""
    table = list(uses)
    for name in typed_settings(words):
        for settings, applies, what in table:
            if not applies and any(name == one or name.startswith(f"{one}.") for one in settings.split()):
                raise UserError(f"{name} is for {what}")


def generate_uses(cfg: DictConfig) -> list[Use]:
    """The uses of ``conf/generate.yaml``."""
    is_line, suffix = cfg.text is not None or cfg.pattern is not None, Path(str(cfg.out)).suffix
    is_picture = suffix in PIXELS + OUTLINES
    digits, lines = "digits: leave text= and pattern= out", "lines: give text= or pattern="
    return [
        Use("n columns folder", not is_line, digits),
        Use("lines mixed variation like layout split", is_line, lines),
        Use("split", suffix == "", "sets of lines, as pattern=date lines=500 out=dates/"),
        Use("label", not is_line or cfg.like is not None, f"{digits}; or for the digit in the picture of like="),
        Use("columns", is_picture and cfg.n != 1, "one picture of several digits, as out=digits.png"),
        Use("folder", suffix == "", "a folder of pictures, as out=digits/"),
        Use("variation", not cfg.mixed, "lines in one hand: leave mixed out"),
        Use("reader", is_line or bool(cfg.certain), "lines, or for certain=true"),
        Use("size", suffix in PIXELS or (is_line and not suffix), "pixels, as .png and .webp"),
        *look_uses(cfg.look, suffix, cfg.size),
    ]


def morph_uses(cfg: DictConfig) -> list[Use]:
    """The uses of ``conf/morph.yaml``."""
    suffix, digits = Path(str(cfg.out)).suffix, "digits and lines, which python -m gan.generate draws"
    return [
        Use("style certain clean truncation", False, digits),
        Use("fps", suffix in FILMS, "a film, as out=morph.gif"),
        *look_uses(cfg.look, suffix),
    ]


def export_uses(cfg: DictConfig) -> list[Use]:
    """The uses of ``conf/export.yaml``."""
    suffix = Path(str(cfg.out)).suffix
    is_page = suffix == ""
    return [
        Use("font seed variation like style layout", suffix == ".otf", "a font, as out=hand.otf"),
        Use("reader", is_page or suffix == ".otf", "a font, as out=hand.otf, or a web page, as out=studio/"),
        Use("label", cfg.like is not None, "the digit in the picture of like="),
        Use("page cache", is_page, "a web page, as out=studio/"),
        Use("cache", cfg.page.runtime is None, "the download of the runtime, which page.runtime= replaces"),
    ]


def look_uses(look: DictConfig, suffix: str, size: str | None = None) -> list[Use]:
    """The uses of a look in a file that ends in ``suffix``, on a paper of ``size``."""
    has_gradient = any(str(colours).find("-", 1) > 0 for colours in (look.ink, look.paper, look.line))
    return [
        Use("look.direction", has_gradient, "gradients: give two colours, as look.ink=navy-#f80"),
        Use("look.texture", suffix not in OUTLINES or look.texture == "none", "pixels: SVG and PDF hold outlines"),
        Use("look.line", look.texture in RULED and suffix not in OUTLINES, "look.texture=ruled or squared, in pixels"),
        Use("look.height", size is None and suffix not in OUTLINES, "pixels, without size=, which fills its paper"),
    ]


def left_out(cfg: DictConfig, is_morph: bool) -> str | None:
    """What a preset has that this file cannot hold, as a line to print; None: nothing."""
    style = OmegaConf.to_container(cfg.style)
    assert isinstance(style, dict)
    plain = not cfg.certain and not cfg.clean and cfg.truncation == 1 and set(style.values()) == {None}
    if is_morph and not plain:
        return "preset: a morph takes its look alone, neither style, certain, clean nor truncation"
    if Path(str(cfg.out)).suffix in OUTLINES and cfg.look.texture != "none":
        return f"preset: SVG and PDF hold outlines, so look.texture={cfg.look.texture} is left out"
    return None
