"""``python -m gan.generate n=10000 out=samples.npz`` and ``text=2026-11-22 out=date.svg``: digits, or lines of them.

From the generator that ships with the project, or from ``ckpt=RUN/best.ckpt``.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from gan import checkpoint, command, sample
from gan.digits import files, pattern
from gan.digits.line import Layout, Line
from gan.digits.look import READABLE, Look, size
from gan.digits.mark import STROKES
from gan.digits.picture import WRITERS
from gan.digits.style import Style
from gan.file import write_text
from gan.lab import CERTAIN, Lab, whole

FOLDERS = {"png": files.folder, "classes": files.classes, "idx": files.idx}
CHARACTERS = "0123456789" + "".join(STROKES)  # of which COCO's categories are
MANY = 100  # lines from which progress is shown


def check(cfg: DictConfig, kinds: list[str]) -> Path:
    """Where to write to. Raises ValueError for what cannot be done, before anything is generated."""
    path = Path(cfg.out).expanduser()
    if kinds == [""] and path.suffix:
        raise ValueError(f"out must be a folder for lines or for a pattern, as out=lines/, got {cfg.out}")
    if path.suffix not in kinds:
        named = [kind or "/" for kind in kinds]
        raise ValueError(f"out must end in {', '.join(named[:-1])} or {named[-1]}, got {cfg.out}")
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"out: the folder {path} is not empty: choose another")
    beside = path.with_suffix(".json") if cfg.get("text") is not None else files.sheet_path(path)
    for there in (path, *([beside] if path.suffix in files.SETS or cfg.get("text") is not None else [])):
        if there.is_file() and not cfg.overwrite:
            raise ValueError(f"out: {there} exists: choose another name, or overwrite=true")
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
    if cfg.columns is not None:
        whole("columns", cfg.columns, 1, 10**4)
    lab = Lab(cfg.ckpt, cfg.reader)
    made = lab.sample(cfg.n, cfg.label, cfg.seed, Style(**cfg.style), cfg.certain, asked)
    said = f"{cfg.n} images from seed {cfg.seed}: {path}"
    if path.suffix in WRITERS:
        grid = made.grid(cfg.columns or sample.columns(lab.generator.classes))
        replace(grid, size=_size(cfg)).save(path, overwrite=True)
        return said
    painted = made.painted
    (FOLDERS[cfg.folder] if path.suffix == "" else files.SETS[path.suffix])(painted, made.labels, path)
    known, counts = made.labels.unique(return_counts=True)
    shares = {"none" if y < 0 else str(y): n for y, n in zip(known.tolist(), counts.tolist(), strict=True)}
    kind, (height, width) = cfg.folder if path.suffix == "" else path.suffix[1:].upper(), painted.shape[2:]
    contents = f"Each image is {width}x{height} pixels and an independent draw. Written as {kind}."
    write_text(_sheet(lab, cfg, shares, f"{cfg.n:,} generated digits", contents, cfg.n), files.sheet_path(path))
    return said


def line(cfg: DictConfig) -> str:
    """Write one line with the boxes of its characters beside it; what was written, in words."""
    path, asked = check(cfg, list(WRITERS)), look(cfg)
    lab = Lab(cfg.ckpt, cfg.reader)
    (made,) = lines(lab, cfg, [pattern.check(cfg.text)])
    picture = made.picture(asked, lab.text, _size(cfg))
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
    count = whole("lines", cfg.lines, 1, 10**7)
    texts = [pattern.check(cfg.text)] * count if cfg.text else pattern.texts(cfg.pattern, count, cfg.seed)
    lab, size = Lab(cfg.ckpt, cfg.reader), _size(cfg)
    info = {"description": f"{count:,} lines of generated digits", "command": _command(), **lab.text}
    redrawn = unread = 0

    def drawn() -> Iterator[files.Written]:
        nonlocal redrawn, unread
        for made in tqdm(lines(lab, cfg, texts), total=count, unit=" lines", disable=count < MANY):
            redrawn, unread = redrawn + made.redrawn, unread + made.unread
            yield made.written(made.picture(asked, None, size))

    files.coco(drawn(), path, CHARACTERS, info)
    shares = {one: n for one in CHARACTERS if (n := sum(text.count(one) for text in texts))}
    contents = "Each line is a PNG of its own size. Boxes are in annotations.json as COCO has them, texts in labels.csv."
    write_text(_sheet(lab, cfg, shares, info["description"], contents, count), files.sheet_path(path))
    digits = sum(n for one, n in shares.items() if one.isdigit())
    return f"{count:,} lines: {path}; {redrawn / max(1, digits):.2%} of digits drawn again{_unread(unread)}"


def _unread(count: int) -> str:
    return f"; {count} digits were never read as asked: another seed or style may do" if count else ""


def lines(lab: Lab, cfg: DictConfig, texts: list[str]) -> Iterator[Line]:
    """The lines that are asked for, as they are drawn."""
    return lab.lines(
        texts,
        cfg.seed,
        Layout(**cfg.layout),
        lab.like(cfg.like, cfg.label) if cfg.like else None,
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


def _size(cfg: DictConfig) -> tuple[int, int] | None:
    return size(cfg.size) if cfg.size else None


def _command() -> str:
    return " ".join(["python -m gan.generate", *(word for word in sys.argv[1:] if not word.startswith(("ckpt=", "out=")))])


@command.main("generate")
def main(cfg: DictConfig) -> None:
    """Generate, write, say what was written."""
    if cfg.text is not None and cfg.pattern is not None:
        raise ValueError("text and pattern cannot both be given: text is written as it is, pattern makes texts")
    asked = digits if cfg.text is None and cfg.pattern is None else line if cfg.pattern is None and cfg.lines == 1 else many
    print(asked(cfg))  # noqa: T201


if __name__ == "__main__":
    main()
