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

from gan import command, sample
from gan.digits import files, paint, pattern
from gan.digits.line import Layout, Line
from gan.digits.paint import Look
from gan.digits.picture import WRITERS
from gan.digits.style import Style
from gan.file import write_text
from gan.lab import CERTAIN, Lab, whole

FOLDERS = {"png": files.folder, "classes": files.classes, "idx": files.idx}
MANY = 100  # lines from which progress is shown


def check(cfg: DictConfig, kinds: list[str]) -> Path:
    """Where to write to. Raises ValueError for what cannot be done, before anything is generated."""
    path = Path(cfg.out).expanduser()
    if path.suffix not in kinds:
        named = [kind or "/" for kind in kinds]
        raise ValueError(f"out must end in {', '.join(named[:-1])} or {named[-1]}, got {cfg.out}")
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"out: the folder {path} is not empty: choose another")
    for there in (path, path.with_suffix(".json") if cfg.get("text") else path):
        if there.is_file() and not cfg.overwrite:
            raise ValueError(f"out: {there} exists: choose another name, or overwrite=true")
    return path


def look(cfg: DictConfig) -> Look:
    """The look that is asked for; says on stderr what contrast it has, where that is little."""
    asked = Look(**OmegaConf.to_container(cfg.look))  # type: ignore[arg-type]
    if asked.contrast < paint.READABLE:
        print(f"contrast {asked.contrast:.1f}, less than the {paint.READABLE:g} that WCAG asks for", file=sys.stderr)  # noqa: T201
    return asked


def digits(cfg: DictConfig) -> str:
    """Write a set or a grid of digits; what was written, in words."""
    path, asked = check(cfg, [*files.SETS, *WRITERS]), look(cfg)
    if cfg.folder not in FOLDERS:
        raise ValueError(f"folder must be one of {', '.join(FOLDERS)}, got {cfg.folder}")
    if cfg.columns is not None:
        whole("columns", cfg.columns, 1, 10**4)
    lab = Lab(cfg.ckpt, cfg.reader)
    made = lab.sample(cfg.n, cfg.label, cfg.seed, Style(**cfg.style), cfg.certain, asked)
    said = f"{cfg.n} images from seed {cfg.seed}: {path}"
    if path.suffix in WRITERS:
        grid = made.grid(cfg.columns or sample.columns(lab.generator.classes))
        replace(grid, size=_size(cfg)).save(path)
        return said
    painted = made.painted
    (FOLDERS[cfg.folder] if path.suffix == "" else files.SETS[path.suffix])(painted, made.labels, path)
    sheet = files.datasheet(
        painted,
        made.labels,
        title=f"{cfg.n:,} generated digits",
        written_as=cfg.folder if path.suffix == "" else path.suffix[1:].upper(),
        seeds=f"{cfg.seed} to {cfg.seed + cfg.n - 1}",
        command=_command(),
        sha256=lab.origin.sha256,
        licence=lab.text["Licence"],
        figures=lab.origin.figures,
    )
    write_text(sheet, files.sheet_path(path))
    return said


def line(cfg: DictConfig) -> str:
    """Write one line with the boxes of its digits beside it; what was written, in words."""
    path, asked = check(cfg, list(WRITERS)), look(cfg)
    lab = Lab(cfg.ckpt, cfg.reader)
    (made,) = lines(lab, cfg, [pattern.check(cfg.text)])
    made.picture(asked, lab.text, _size(cfg)).save(path)
    write_text(json.dumps(made.truth, indent=2), path.with_suffix(".json"))
    unread = f", {made.unread} of its digits never read as asked" if made.unread else ""
    return f"{made.text} from seed {made.seed}: {path}, boxes in {path.with_suffix('.json')}{unread}"


def many(cfg: DictConfig) -> str:
    """Write a folder of lines with their boxes; what was written, in words."""
    path, asked = check(cfg, [""]), look(cfg)
    count = whole("lines", cfg.lines, 1, 10**7)
    texts = [pattern.check(cfg.text)] * count if cfg.text else pattern.texts(cfg.pattern, count, cfg.seed)
    lab = Lab(cfg.ckpt, cfg.reader)
    shown = tqdm(lines(lab, cfg, texts), total=count, unit=" lines", disable=count < MANY)
    info = {"description": f"{count:,} lines of generated digits", "command": _command(), **lab.text}
    return f"{files.lines(shown, path, asked, info)}: {path}"


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


def _size(cfg: DictConfig) -> tuple[int, int] | None:
    return paint.size(cfg.size) if cfg.size else None


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
