"""``python -m gan.leaderboard runs=[runs/NAME]``: finished runs become cards, pictures and tables.

A card is ``docs/measured/NAME.json``; NAME is the run's folder. A sweep's folder stands for its
finished jobs, called by the sweep and by what varies. The tables of README.md and docs/ are written
from the cards and the figures of other commands. Runs that differ in the seed alone share a row,
mean ± standard deviation. Only figures of one classifier can be compared: rows of another than
MNIST's second one stand below the others, with a mark.
"""

import json
import re
import shutil
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig

from gan import evaluate, membership
from gan.benchmark import report as benchmark
from gan.cli.command import command
from gan.cli.compose import compose, plain, quote
from gan.cli.output import require_writable, validate_card
from gan.cli.runs import Card, find_runs, is_by_second, is_judged, last_grid, read_run, require_tested
from gan.downstream import report as downstream
from gan.error import UserError, printable
from gan.file import CONF, atomic_files, load_json, write_text
from gan.measure import report as measure
from gan.table import markdown
from gan.terminal import say

Columns = Mapping[str, tuple[str, str]]  # figure: heading and format
MARK = "\\*"  # a plain asterisk in Markdown
MARKED = (
    f"{MARK} Not by the second classifier, but by one that may have chosen the epoch: the distances are on another "
    "scale. To judge anew: `python -m gan.leaderboard runs=[RUN] judge=true`."
)


def read_runs(runs: Mapping[str, Path], out: Path, overwrite: bool) -> dict[str, Card]:
    """The cards of runs. Raises UserError if the card of one would replace another's in ``out``."""
    require_tested(list(runs.values()))
    found = {}
    for name, run in runs.items():
        found[name] = read_run(run, name)
        if "test/fid_digits" not in found[name]["test"]["figures"]:
            data = printable(found[name]["test"].get("data"))
            raise UserError(f"runs: {run} was evaluated on {data}: the tables compare trainings on MNIST alone")
        last_grid(run)
        path = out / f"{name}.json"
        is_same = partial(_is_of, _tested(found[name]))
        validate_card(path, path.with_suffix(".png"), is_same=is_same, overwrite=overwrite)
    return found


def judge(runs: list[Path], overwrite: bool) -> None:
    """Evaluate the finished runs that have no test card by the second classifier."""
    left = [run for run in runs if (run / "result.json").is_file() and not is_judged(run)]
    for done, run in enumerate(left, 1):
        say(f"judging {run}, {done} of {len(left)}")
        ckpt = quote(f"ckpt={run / 'best.ckpt'}")
        evaluate.write_card(compose("evaluate", [ckpt, "split=test", f"overwrite={overwrite}"]))


def _tested(card: Card) -> object:
    """The SHA-256 of the checkpoint of a card's test figures."""
    return (card.get("test") or {}).get("ckpt_sha256")


def _is_of(digest: object, card: Card) -> bool:
    return digest is not None and _tested(card) == digest


def figures(card: Card) -> dict[str, float]:
    """Every figure of a card that a table can show, by its name."""
    last = card["history"][-1]
    minutes = last["speed/training_minutes"] * (1 + last["speed/judging_per_training"])
    scores = {name.removeprefix("test/"): value for name, value in card["test"]["figures"].items()}
    return {"minutes": minutes, **last, **card["parameters"], **scores}


def rows(cards: list[Card]) -> list[list[Card]]:
    """The cards that differ in the seed alone, together; the lowest mean FID first.

    Those of another classifier than the second come last.
    """
    found: dict[tuple[bool, str], list[Card]] = {}
    for card in sorted(cards, key=lambda card: str(card["name"])):
        settings = [override for override in card["overrides"] if not override.startswith("seed=")]
        found.setdefault((not is_by_second(card["test"]), " ".join(settings)), []).append(card)

    def place(key: tuple[bool, str]) -> tuple[bool, float]:
        return key[0], statistics.mean(figures(card)["fid_digits"] for card in found[key])

    return [found[key] for key in sorted(found, key=place)]


def title(row: list[Card]) -> str:
    """The name of a row: that of its first run, without its seed if there are several."""
    name = row[0]["name"]
    return re.sub(r"_seed=\d+$", "", name) if len(row) > 1 else str(name)


def cells(row: list[Card], columns: Columns, suffix: str = "") -> list[str]:
    """A cell for each column: the value, mean ± standard deviation, or - if a card lacks it."""
    found = []
    for name, (_, form) in columns.items():
        values = [figures(card)[name + suffix] for card in row if name + suffix in figures(card)]
        if len(values) < len(row):
            found.append("-")
        elif len(set(values)) == 1:
            found.append(format(values[0], form))
        else:
            found.append(f"{statistics.mean(values):{form}} ± {statistics.stdev(values):{form}}")
    return found


def quality(cards: list[Card], columns: Columns, most: int | None = None) -> str:
    """Markdown: the scores of real images, and below them those of ``most`` rows, best first."""
    ordered = rows(cards)

    def floors(row: list[Card]) -> tuple[bool, int]:
        return is_by_second(row[0]["test"]), sum(f"{name}_floor" in figures(row[0]) for name in columns)

    def line(name: str, row: list[Card], suffix: str = "") -> list[str]:
        mark = "" if is_by_second(row[0]["test"]) else f" {MARK}"
        return [f"{name}{mark}", *cells(row, columns, suffix)]

    complete = max(ordered, key=floors)
    lines = [["run", *(heading for heading, _ in columns.values())], line("real images", complete[:1], "_floor")]
    lines += [line(title(row), row) for row in ordered[:most]]
    has_mark = any(line[0].endswith(MARK) for line in lines)
    return markdown(*lines) + (f"\n\n{MARKED}" if has_mark else "")


def cost(cards: list[Card], columns: Columns) -> str:
    """Markdown: the command of each row, and its cost."""
    lines = [["run", "command", "seeds", *(heading for heading, _ in columns.values()), "device"]]
    for row in rows(cards):
        typed = " ".join(["python train.py", *row[0]["overrides"]])
        devices = ", ".join(dict.fromkeys(card.get("device") or "-" for card in row))  # old cards lack it
        numbers = [str(len(row)), *cells(row, columns)]
        lines.append([title(row), f"`{typed}`", *numbers, devices])
    return markdown(*lines)


# Figures of other commands: the name of the table, and the function that writes it.
Table = Callable[[dict[str, Any]], str]
OTHERS: dict[str, Table] = {
    "speed": benchmark.tables,
    "speed_gpu": benchmark.tables,
    "membership": membership.table,
    "downstream": downstream.tables,
    "digits": measure.tables,
    "taste": measure.taste_table,
}
PARTS = {"taste": "digits"}  # tables of a part, and its file; earlier files lack it


def tables(cards: list[Card], settings: Mapping[str, Any]) -> dict[str, str]:
    """Every table in Markdown by its name; ``settings`` are those of ``conf/leaderboard.yaml``."""
    columns = settings["quality"]
    results = quality(cards, {name: columns[name] for name in settings["results"]}, settings["best"] - 1)
    found = {"results": results, "quality": quality(cards, columns), "cost": cost(cards, settings["cost"])}
    for name, write in OTHERS.items():
        file = PARTS.get(name, name)
        path = Path(settings["out"]) / f"{file}.json"
        known = load_json(path) if path.is_file() else {}
        if known and (file == name or name in known):
            found[name] = write(known)
    return found


def fill(text: str, found: Mapping[str, str]) -> str:
    """``text`` with each table between its lines ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    for name, table in found.items():
        literal = table.replace("\\", r"\\")
        text = re.sub(rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)", rf"\g<1>{literal}\n\2", text)
    return text


def draw(cards: list[Card], folder: Path) -> None:
    """``fid.png``, the FID of every epoch, and ``zoo.png``, the last grid of every row."""
    from matplotlib.image import imread

    from gan import plot

    first = [row[0] | {"title": title(row)} for row in rows(cards)]
    curves = plot.figure(8, 5)
    axes = curves.subplots()
    for i, card in enumerate(first):
        seen = [epoch["speed/images"] / 1000 for epoch in card["history"]]
        fid = [epoch["val/fid_digits"] for epoch in card["history"]]
        again = i // 10 % 2  # there are ten colours
        axes.plot(seen, fid, marker=".x"[again], linestyle="-:"[again], label=card["title"])
    axes.axhline(first[0]["figures"]["val/fid_digits_floor"], color="grey", linestyle="--", label="floor: real images")
    axes.set(xlabel="real images seen, thousands", ylabel="val/fid_digits (log scale)")
    plot.log_axis(axes.yaxis)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", ncols=2)

    lines = -(-len(first) // 4)
    grids = plot.figure(4 * 2.6, lines * 2.35)
    for axes, one in zip_longest(grids.subplots(lines, 4, squeeze=False).flat, first):
        axes.set_axis_off()
        if one:
            axes.imshow(imread(folder / f"{one['name']}.png"), cmap="gray", vmin=0, vmax=1)
            mark = "" if is_by_second(one["test"]) else " *"
            axes.set_title(f"{one['title']}{mark}, FID {figures(one)['fid_digits']:.2f}", fontsize="medium")

    plot.save(curves, folder / "fid.png")
    plot.save(grids, folder / "zoo.png")


@command("leaderboard")
def main(cfg: DictConfig) -> None:
    """Keep new cards and their last grids, redraw the pictures, rewrite the tables."""
    if not isinstance(cfg.runs, ListConfig):
        raise UserError(f"runs must be a list, as runs=[runs/NAME], got {cfg.runs}")
    out = Path(cfg.out)
    own = yaml.safe_load((CONF / "leaderboard.yaml").read_text(encoding="utf-8"))
    if out != Path(own["out"]) and list(cfg.pages) == own["pages"]:
        raise UserError(f"out: the pages show the cards of {own['out']}: add pages=[] to change none, or pages=[FILE]")
    for page in map(Path, cfg.pages):
        if not page.is_file():
            raise UserError(f"pages: {page} does not exist: choose others, as pages=[README.md]")
        require_writable(page, "pages")
    runs = find_runs([Path(str(run)) for run in cfg.runs])
    if cfg.judge:
        judge(list(runs.values()), cfg.overwrite)
    for name, card in read_runs(runs, out, cfg.overwrite).items():
        path, picture = out / f"{name}.json", out / f"{name}.png"
        with atomic_files(picture, path) as aside:
            shutil.copyfile(last_grid(runs[name]), aside / picture.name)
            write_text(json.dumps(card, indent=1), aside / path.name)

    cards = [load_json(path) for path in sorted(out.glob("*.json")) if path.stem not in OTHERS]
    if not cards:
        raise UserError(f"runs: none is given and none is kept in {out}: type runs=[runs/NAME]")
    draw(cards, out)
    found = tables(cards, plain(cfg))
    for page in map(Path, cfg.pages):
        write_text(fill(page.read_text(), found).rstrip("\n"), page)
    print(found["quality"])  # noqa: T201


if __name__ == "__main__":
    main()
