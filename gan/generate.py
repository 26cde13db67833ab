"""``python -m gan.generate n=10000 out=samples.npz`` and ``text=2026-11-22 out=date.svg``: digits, or lines of them.

From the generator that ships with the project, or from ``ckpt=RUN/best.ckpt``.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from gan import checkpoint, command, sample
from gan.digits import files, pattern
from gan.digits.given import whole
from gan.digits.layout import Layout
from gan.digits.line import Line
from gan.digits.look import READABLE, Look
from gan.digits.mark import STROKES
from gan.digits.picture import WRITERS, Digits
from gan.digits.style import Style
from gan.file import write_text
from gan.lab import CERTAIN, Lab

FOLDERS = {"png": files.folder, "classes": files.classes, "idx": files.idx}
OF_DIGITS, OF_LINES = ("n", "columns", "folder"), ("lines", "mixed", "variation", "like", "layout")
CHARACTERS = "0123456789" + "".join(STROKES)  # of which COCO's categories are
SHOWN = 5_000  # digits in one picture
FEW = 7  # digits that are written first, to a place that vanishes: fewer leave a part of IDX empty
MANY = 100  # lines from which progress is shown


def check(cfg: DictConfig, kinds: list[str]) -> Path:
    """Where to write to. Raises ValueError for what cannot be done, before anything is generated."""
    if kinds == [""] and Path(cfg.out).suffix and not cfg.out.endswith("/"):
        raise ValueError(f"out must be a folder for lines or for a pattern, as out=lines/, got {cfg.out}")
    path = command.destination(cfg.out, kinds)
    if not path.suffix and path.is_dir() and any(path.iterdir()):
        if not files.is_set(path):
            raise ValueError(f"out: the folder {path} is not empty, and not of this command: choose another")
        if not cfg.overwrite:
            raise ValueError(f"out: the folder {path} holds a set: choose another, or overwrite=true")
    if path.is_file() and not path.suffix:
        raise ValueError(f"out: {path} is a file: choose another folder")
    text = path.suffix in WRITERS and cfg.get("text") is not None
    beside = [path.with_suffix(".json")] if text else [files.sheet_path(path)] if path.suffix in files.SETS else []
    for there in (path, *beside) if path.suffix else ():
        command.keep(there, cfg.overwrite)
    return path


def look(cfg: DictConfig) -> Look:
    """The look that is asked for; says on stderr what contrast it has, where that is little."""
    asked = Look(**OmegaConf.to_container(cfg.look))  # type: ignore[arg-type]
    if asked.contrast < READABLE:
        print(f"contrast {asked.contrast:.1f}, less than the {READABLE:g} that WCAG asks for", file=sys.stderr)  # noqa: T201
    return asked


def digits(cfg: DictConfig) -> str:
    """Write a set or a grid of digits; what was written, in words."""
    path, asked = check(cfg, [*files.SETS, *WRITERS]), look(cfg)
    if cfg.folder not in FOLDERS:
        raise ValueError(f"folder must be one of {', '.join(FOLDERS)}, got {cfg.folder}")
    if cfg.size and path.suffix not in files.PICTURES:
        raise ValueError("size is for .png and .webp: sets have look.height, and an SVG or a PDF fits any paper")
    if path.suffix in WRITERS and isinstance(cfg.n, int) and cfg.n > SHOWN:
        raise ValueError(f"a picture shows {SHOWN:,} digits at most, got n={cfg.n}: choose .npz, .csv or a folder")
    lab = Lab(cfg.ckpt, cfg.reader)
    columns = sample.columns(lab.generator.classes) if cfg.columns is None else cfg.columns

    def write(made: Digits, place: Path) -> None:
        if path.suffix in WRITERS:
            replace(made.grid(columns), size=cfg.size).save(place, overwrite=True)
        else:
            (files.SETS[path.suffix] if path.suffix else FOLDERS[cfg.folder])(made.painted, made.labels, place)

    few = lab.sample(min(cfg.n, FEW), cfg.label, cfg.seed, look=asked)
    with TemporaryDirectory() as aside, files.place(Path(aside) / f"few{path.suffix}") as place:
        write(few, place)  # so that what cannot be is said before all are drawn
    made = lab.sample(cfg.n, cfg.label, cfg.seed, Style(**cfg.style), cfg.certain, asked)
    with files.place(path) as place:
        write(made, place)
        if path.suffix not in WRITERS:
            write_text(_sheet_of(lab, cfg, made), files.sheet_path(place))
    return f"{cfg.n} images from seed {cfg.seed}: {path}{_unread(made.unread)}"


def _sheet_of(lab: Lab, cfg: DictConfig, made: Digits) -> str:
    """The datasheet of a set of digits."""
    known, counts = made.labels.unique(return_counts=True)
    shares = {"none" if y < 0 else str(y): n for y, n in zip(known.tolist(), counts.tolist(), strict=True)}
    kind = Path(cfg.out).suffix[1:].upper() or cfg.folder
    height, width = made[0].painted.shape[1:]
    contents = f"Each image is {width}x{height} pixels and an independent draw. Written as {kind}."
    contents += f"\n{made.unread:,} of them are read with less than {CERTAIN:.0%} certainty." if made.unread else ""
    return _sheet(lab, cfg, shares, f"{cfg.n:,} generated digits", contents, cfg.n)


def line(cfg: DictConfig) -> str:
    """Write one line with the boxes of its characters beside it; what was written, in words."""
    path, asked = check(cfg, list(WRITERS)), look(cfg)
    lab = Lab(cfg.ckpt, cfg.reader)
    (made,) = lines(lab, cfg, [pattern.check(cfg.text)])
    picture = made.picture(asked, size=cfg.size)
    picture.save(path, overwrite=True)
    written = made.written(picture if path.suffix in files.PICTURES else made.picture())
    height, width = written.picture.shape[1:]
    boxes = [{"character": one, "box": box} for one, box in written.boxes]
    truth = {"text": made.text, "seed": made.seed, "width": width, "height": height, "boxes": boxes, "unread": made.unread}
    write_text(json.dumps(truth, indent=2), path.with_suffix(".json"))
    return f"{made.text} from seed {made.seed}: {path}, boxes in {path.with_suffix('.json')}{_unread(made.unread)}"


def many(cfg: DictConfig) -> str:
    """Write a folder of lines with their boxes; what was written, in words."""
    path, asked = check(cfg, [""]), look(cfg)
    count = whole("lines", cfg.lines, 1, 10**6)
    texts = [pattern.check(cfg.text)] * count if cfg.text is not None else pattern.texts(cfg.pattern, count, cfg.seed)
    lab = Lab(cfg.ckpt, cfg.reader)
    info = {"description": f"{count:,} lines of generated digits", "command": _command(), **lab.text}
    redrawn = unread = 0

    def drawn() -> Iterator[files.Written]:
        nonlocal redrawn, unread
        for made in tqdm(lines(lab, cfg, texts), total=count, unit=" lines", disable=count < MANY):
            redrawn, unread = redrawn + made.redrawn, unread + made.unread
            yield made.written(made.picture(asked, size=cfg.size))

    shares = {one: n for one in CHARACTERS if (n := sum(text.count(one) for text in texts))}
    with files.place(path) as place:
        files.coco(drawn(), place, CHARACTERS, info)
        digits = sum(n for one, n in shares.items() if one.isdigit())
        rate = f"{redrawn / max(1, digits):.2%} of digits drawn again{_unread(unread)}" if lab.reader else "no digit read back"
        contents = "Each line is a PNG. Boxes are in annotations.json as COCO has them, texts in labels.csv."
        contents = f"{contents}\nSeparators are strokes of a pen; {rate}."
        sheet = _sheet(lab, cfg, shares, info["description"], contents, count)
        write_text(sheet, files.sheet_path(place))
    return f"{count:,} lines: {path}; {rate}"


def _unread(count: int) -> str:
    return f"; {count} digits were never read as asked: another seed or style may do" if count else ""


def lines(lab: Lab, cfg: DictConfig, texts: list[str]) -> Iterator[Line]:
    """The lines that are asked for, as they are drawn; says on stderr what was read of the picture of a hand."""
    if hand := lab.like(cfg.like, cfg.label) if cfg.like else None:
        print(f"like: drawn as a {hand.label}, with an error of {hand.error:.1%} of full ink", file=sys.stderr)  # noqa: T201
    return lab.lines(
        texts,
        cfg.seed,
        Layout(**cfg.layout),
        hand,
        style=Style(**cfg.style),
        mixed=cfg.mixed,
        variation=cfg.variation,
        certainty=CERTAIN if cfg.certain else 0.0,
    )


def _sheet(lab: Lab, cfg: DictConfig, counts: dict[str, int], title: str, contents: str, items: int) -> str:
    return files.datasheet(
        counts,
        title=title,
        contents=contents,
        seeds=f"{cfg.seed} to {cfg.seed + items - 1}",
        command=_command(),
        sha256=lab.card["sha256"],
        licence=checkpoint.LICENCE,
        figures=lab.figures,
    )


def _command() -> str:
    words = [word for word in sys.argv[1:] if not word.startswith("out=")]
    return " ".join(["python -m gan.generate", *(re.sub(r"^(ckpt='?).*[/\\]", r"\1", word) for word in words)])


@command.main("generate")
def main(cfg: DictConfig) -> None:
    """Generate, write, say what was written."""
    if cfg.text is not None and cfg.pattern is not None:
        raise ValueError("text and pattern cannot both be given: text is written as it is, pattern makes texts")
    asked = digits if cfg.text is None and cfg.pattern is None else line if cfg.pattern is None and cfg.lines == 1 else many
    idle, remedy = (OF_LINES, "give text= or pattern=") if asked is digits else (OF_DIGITS, "leave text= and pattern= out")
    for word in HydraConfig.get().overrides.task:
        if re.split(r"[.=]", word)[0] in idle:
            raise ValueError(f"{word.partition('=')[0]} is for {'lines' if asked is digits else 'digits'}: {remedy}")
    print(asked(cfg))  # noqa: T201


if __name__ == "__main__":
    main()
