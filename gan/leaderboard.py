"""``python -m gan.leaderboard runs=[runs/report,runs/default]``: measured runs become cards, pictures and a table.

A card is ``gan/measured/NAME.json``, NAME being the run's folder; everything shown in the README comes from cards.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gan import command
from gan.file import whole, write_text

Card = dict[str, Any]
FIGURES = {"fid_digits": "{:.2f}", "is_digits": "{:.2f}", "label_agreement": "{:.1%}"}


def card(run: Path) -> Card:
    """What is kept of a finished and tested run. Raises FileNotFoundError where it is not both."""
    for name, remedy in (
        ("result.json", "the run is not finished"),
        ("test.json", f"run python -m gan.evaluate ckpt={run / 'best.ckpt'} split=test out={run / 'test.json'}"),
    ):
        if not (run / name).is_file():
            raise FileNotFoundError(f"runs: {run / name} does not exist: {remedy}")
    result, test = (json.loads((run / name).read_text()) for name in ("result.json", "test.json"))
    kept = ("history", "parameters", "versions", "overrides", "objective", "figures")
    return {"name": run.name, "test": test, "precision": result["config"]["trainer"]["precision"]} | {
        key: result[key] for key in kept
    }


def table(cards: list[Card]) -> str:
    """Markdown: one row a card, best first; figures against the official test images, floors in brackets."""
    head = ["run", "command", "epochs", "minutes", *FIGURES, "images/s", "precision", "judging", "peak memory"]
    rows = [head, ["---"] * len(head)]
    for one in sorted(cards, key=lambda one: float(one["test"]["figures"]["test/fid_digits"])):
        last, test = one["history"][-1], one["test"]["figures"]
        scores = [
            f"{form.format(test[f'test/{name}'])} ({form.format(test[f'test/{name}_floor'])})"
            if f"test/{name}" in test
            else "no labels"
            for name, form in FIGURES.items()
        ]
        minutes = last["speed/training_minutes"] * (1 + last["speed/judging_per_training"])
        rows.append(
            [
                one["name"],
                f"`{' '.join(['python train.py', *one['overrides']])}`",
                f"{last['epoch']:.0f}",
                f"{minutes:.1f}",
                *scores,
                f"{last['speed/images_per_second']:.0f}",
                one["precision"],
                f"{last['speed/judging_per_training']:.1%}",
                f"{max(figures['speed/peak_memory_mib'] for figures in one['history']):.0f} MiB",
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def speed(found: dict[str, Any]) -> str:
    """Markdown: what ``python -m gan.benchmark`` measured."""
    ours, plain = (found["images_per_second"][name] for name in ("ours", "plain"))
    return "\n".join(
        [
            f"| the report's networks, batch {found['batch_size']}, {found['threads']} threads | images/s | times plain |",
            "|---|---|---|",
            f"| `train.py`, {found['precision']} | {ours} | {found['times_plain']:.2f} |",
            f"| a plain eager loop, 32-true | {plain} | 1 |",
        ]
    )


def between(mark: str, written: str, text: str) -> str:
    """``text`` with ``written`` between its lines ``<!-- mark -->`` and ``<!-- /mark -->``. Raises ValueError without them."""
    marks = rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)"
    if not re.search(marks, text, re.DOTALL):
        raise ValueError(f"readme: it has no lines <!-- {mark} --> and <!-- /{mark} --> to write between")
    return re.sub(marks, lambda found: f"{found[1]}{written}\n{found[2]}", text, flags=re.DOTALL)


def curve(cards: list[Card], path: Path) -> None:
    """The FID of every epoch against the images seen, with the floor."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the curve needs matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for one in cards:
        images = [figures["speed/images"] / 1000 for figures in one["history"]]
        axes.plot(images, [figures["val/fid_digits"] for figures in one["history"]], marker="o", label=one["name"])
    axes.axhline(cards[0]["figures"]["val/fid_digits_floor"], color="grey", linestyle="--", label="floor: real images")
    axes.set(xlabel="real images seen, thousands", ylabel="val/fid_digits (log scale)", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    with whole(path) as partial:
        figure.savefig(partial, format="png", dpi=110)


@command.main("leaderboard")
def main(cfg: DictConfig) -> None:
    """Keep new cards and their last grids, redraw the curve, rewrite the table."""
    out, readme = Path(cfg.out), Path(cfg.readme)
    for run in map(Path, cfg.runs):
        write_text(json.dumps(card(run), indent=1), out / f"{run.name}.json")
        *_, grid = sorted((run / "grids").glob("*.png"))
        shutil.copyfile(grid, out / f"{run.name}.png")
    cards = [json.loads(path.read_text()) for path in sorted(out.glob("*.json")) if path.name != "speed.json"]
    if not cards:
        raise ValueError("runs: no run given and none kept: runs=[runs/NAME,...]")
    curve(cards, out / "fid.png")
    text = between("measured", table(cards), readme.read_text())
    if (out / "speed.json").is_file():
        text = between("speed", speed(json.loads((out / "speed.json").read_text())), text)
    write_text(text.rstrip("\n"), readme)
    print(table(cards))  # noqa: T201


if __name__ == "__main__":
    main()
