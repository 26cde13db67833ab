"""What ``gan.generate`` writes: sets and grids of digits, one line, or a set of lines."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omegaconf import DictConfig

from gan import checkpoint, terminal
from gan.cli.drawing import STAY, boxes_path, describe_size, load_hand, load_look, report_misread, validate_output
from gan.digits import files, pattern
from gan.digits.layout import Layout
from gan.digits.line import Line
from gan.digits.look import validate_set
from gan.digits.mark import STROKES
from gan.digits.picture import WRITERS, Digits
from gan.digits.preset import CERTAIN
from gan.digits.style import Style
from gan.error import UserError
from gan.file import sha256, write_text
from gan.lab import MOST, Lab
from gan.validate import integer, number

FOLDERS = {"png": files.write_folder, "classes": files.write_class_folders, "idx": files.write_idx}
CHARACTERS = "0123456789" + "".join(STROKES)  # the categories of a COCO set
SHOWN = 5_000  # most digits of one picture
FEW = 7  # digits of a trial: fewer leave a part of IDX empty


def draw_digits(cfg: DictConfig) -> str:
    """Write a set or a grid of digits; return a line about it."""
    path, look = validate_output(cfg, [*files.SETS, *WRITERS]), load_look(cfg)
    sheet = [] if path.suffix in WRITERS else [files.sheet_path(path)]
    if cfg.folder not in FOLDERS:
        raise UserError(f"folder must be one of {', '.join(FOLDERS)}, got {cfg.folder}")
    if path.suffix in WRITERS and isinstance(cfg.n, int) and cfg.n > SHOWN:
        raise UserError(f"a picture shows {SHOWN:,} digits at most, got n={cfg.n}: choose .npz, .csv or a folder")
    if path.suffix not in WRITERS:
        validate_set(integer("n", cfg.n, 1, MOST), look)
    lab = Lab(cfg.ckpt, cfg.reader)

    def write(digits: Digits, place: Path) -> None:
        if path.suffix in WRITERS:
            digits.grid(cfg.columns, cfg.size).save(place, overwrite=True)
        else:
            write_set = files.SETS[path.suffix] if path.suffix else FOLDERS[cfg.folder]
            write_set(digits.painted, digits.labels, place, digits.names)

    few = lab.sample(min(cfg.n, FEW), cfg.label, cfg.seed, look=look)
    with TemporaryDirectory() as aside, files.atomic_set(Path(aside) / f"few{path.suffix}") as place:
        write(few, place)  # a trial: what this format cannot hold is refused before all are drawn
    digits = lab.sample(cfg.n, cfg.label, cfg.seed, Style(**cfg.style), cfg.certain, look, cfg.truncation, cfg.clean)
    with files.atomic_set(path, *sheet) as place:
        write(digits, place)
        if sheet:
            write_text(_datasheet_of_digits(lab, cfg, digits, place), files.sheet_path(place))
    size = describe_size(path) if path.suffix in WRITERS else ""
    drawn = f"{cfg.n:,} image{'s' * (cfg.n != 1)} from seed {cfg.seed}"
    return f"{drawn}: {_shown(path)}{size}{report_misread(digits.unread)}"


def _shown(path: Path) -> str:
    """A path for a message; a folder ends in a slash."""
    return str(path) if path.suffix else f"{path}/"


def _datasheet_of_digits(lab: Lab, cfg: DictConfig, digits: Digits, place: Path) -> str:
    labels, counts = digits.labels.unique(return_counts=True)
    composition = {lab.names[y] if y >= 0 else "none": n for y, n in zip(labels.tolist(), counts.tolist(), strict=True)}
    height, width = digits[0].painted.shape[1:]
    kind = Path(cfg.out).suffix[1:].upper() or cfg.folder
    contents = f"Each image is {width}x{height} pixels and an independent draw. Written as {kind}."
    if digits.unread:
        contents += f"\n{digits.unread:,} of them {STAY}."
    title, more = f"{cfg.n:,} generated digits", {"file": sha256(place) if place.is_file() else None}
    return _datasheet(lab, cfg, composition, title, contents, cfg.n, numbers=_numbers(lab, cfg), **more)


def _numbers(lab: Lab, cfg: DictConfig) -> dict[str, int] | None:
    """The number of each class in files that hold numbers; None if names and numbers are equal."""
    if cfg.out.endswith(".npz"):
        found = {name: label for label, name in enumerate(lab.names)}
    elif not Path(cfg.out).suffix and cfg.folder == "idx":
        found = files.label_numbers(lab.names)
    else:
        return None
    return found if any(name != str(one) for name, one in found.items()) else None


def draw_line(cfg: DictConfig) -> str:
    """Write one line, and the boxes of its characters as JSON; return a line about it."""
    path, look = validate_output(cfg, list(WRITERS)), load_look(cfg)
    lab = Lab(cfg.ckpt, cfg.reader)
    (line,) = _lines(lab, cfg, [pattern.validate_text(cfg.text)])
    picture = line.picture(look, size=cfg.size)
    picture = picture.large if path.suffix in files.PICTURES else picture
    annotated = line.annotate(picture if path.suffix in files.PICTURES else line.picture())
    height, width = annotated.picture.shape[1:]
    boxes = [{"character": character, "box": box} for character, box in annotated.boxes]
    truth = {"text": line.text, "seed": line.seed, "width": width, "height": height, "boxes": boxes}
    beside = boxes_path(path)
    with files.atomic_set(path, beside) as place:
        picture.save(place)
        truth |= {"unread": line.unread, "sha256": sha256(place)}
        write_text(json.dumps(truth, indent=2), boxes_path(place))
    checked = "" if lab.reader else "; no digit was classified: reader= names a classifier"
    checked = report_misread(line.unread) + checked
    return f"{line.text} from seed {line.seed}: {path}{describe_size(path)}; boxes in {beside.name}{checked}"


def draw_lines(cfg: DictConfig) -> str:
    """Write a folder of lines with their boxes, or train/ and test/; return a line about it."""
    path, look = validate_output(cfg, [""]), load_look(cfg)
    parts = _split(cfg)
    texts = list(chain(*parts.values()))
    count = len(texts)
    lab, title = Lab(cfg.ckpt, cfg.reader), f"{count:,} lines of generated digits"
    lines = _lines(lab, cfg, texts)  # refuses before the folder is made
    redrawn = misread = 0

    def annotate() -> Iterator[files.AnnotatedLine]:
        nonlocal redrawn, misread
        for line in terminal.track(lines, count, "lines"):
            redrawn, misread = redrawn + line.redrawn, misread + line.unread
            yield line.annotate(line.picture(look, size=cfg.size))

    counts = {character: n for character in CHARACTERS if (n := sum(text.count(character) for text in texts))}
    with files.atomic_set(path) as place:
        annotated = annotate()
        for name, part in parts.items():
            about = {"description": f"{title}: {name}" if name else title, "command": _command(), **lab.text}
            files.write_coco(islice(annotated, len(part)), place / name, CHARACTERS, about)
        next(annotated, None)  # ends the bar
        digits = sum(n for character, n in counts.items() if character.isdigit())
        rate = f"{redrawn / max(1, digits):.2%} of the digits redrawn{report_misread(misread)}"
        if lab.reader is None:
            rate = f"{rate}; no digit was classified" if cfg.clean else "no digit was classified"
        contents = "Each line is a PNG. annotations.json has the boxes, as COCO, and labels.csv the texts."
        contents = f"{contents}\nSeparators are strokes of a pen; {rate}.{_describe_split(parts, cfg.seed)}"
        write_text(_datasheet(lab, cfg, counts, title, contents, count), files.sheet_path(place))
    halves = " and ".join(f"{len(part):,} in {name}/" for name, part in parts.items() if name)
    return f"{count:,} lines: {_shown(path)}{f', {halves}' if halves else ''}; {rate}"


def _split(cfg: DictConfig) -> dict[str, list[str]]:
    """The texts of ``cfg``, by the name of their folder in the set: train and test, or ""."""
    count, share = integer("lines", cfg.lines, 1, 10**6), number("split", cfg.split, 0, 0.9)
    if cfg.pattern is None:
        texts = [pattern.validate_text(cfg.text)] * count
    else:
        texts = pattern.random_texts(cfg.pattern, count, cfg.seed)
    return dict(zip(("train", "test"), pattern.split_texts(texts, share), strict=True)) if share else {"": texts}


def _describe_split(parts: dict[str, list[str]], seed: int) -> str:
    """A line about the seeds and the texts of both parts; "" for one part."""
    if len(parts) == 1:
        return ""
    train, test = parts.values()
    both = len(set(train) & set(test))
    shared = f"{both:,} texts are in both, since the pattern has too few" if both else "no text is in both"
    first = seed + len(train)
    own = f"train/ has {len(train):,} lines, seeds {seed} to {first - 1}"
    return f"\n{own}; test/ has {len(test):,}, seeds {first} to {first + len(test) - 1}; {shared}."


def _lines(lab: Lab, cfg: DictConfig, texts: list[str]) -> Iterator[Line]:
    """Draw a line for each text; print to stderr what was found in the picture of a hand."""
    hand = load_hand(cfg, lab.like, lab.names)
    style, certainty = Style(**cfg.style), CERTAIN if cfg.certain else 0.0
    pen = {"style": style, "mixed": cfg.mixed, "variation": cfg.variation, "certainty": certainty}
    pen |= {"truncation": cfg.truncation, "clean": cfg.clean}
    return lab.lines(texts, cfg.seed, Layout(**cfg.layout), hand, **pen)


def _datasheet(
    lab: Lab, cfg: DictConfig, composition: dict[str, int], title: str, contents: str, items: int, **more: Any
) -> str:
    return files.format_datasheet(
        composition,
        title=title,
        contents=contents,
        seeds=f"{cfg.seed} to {cfg.seed + items - 1}",
        command=_command(),
        sha256=lab.provenance["sha256"],
        licence=checkpoint.LICENCE,
        figures=lab.figures,
        **more,
    )


def _command() -> str:
    """The command as it was typed, without ``out`` and without the folder of ``ckpt``."""
    words = [re.sub(r"^(ckpt='?).*[/\\]", r"\1", word) for word in sys.argv[1:] if not word.startswith("out=")]
    return f"python -m gan.generate {shlex.join(words)}"
