"""``python -m gan.leaderboard runs=[runs/report,runs/default]``: measured runs become cards, pictures and tables.

A card is ``gan/measured/NAME.json``, NAME being the run's folder; everything shown in the README comes from cards. Runs that
differ in their seed alone share a row, which shows their mean and standard deviation.
"""

import json
import re
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig

from gan import command
from gan.downstream import report as downstream
from gan.file import table, whole, write_text
from gan.measure import report as measured

Card = dict[str, Any]
# The figures of the table of quality: heading and form, {:%} for shares.
FIGURES = {
    "fid_digits": ("FID", "{:.2f}"),
    "kid_digits": ("KID", "{:.4f}"),
    "is_digits": ("IS", "{:.2f}"),
    "precision_k5": ("precision", "{:.3f}"),
    "recall_k5": ("recall", "{:.3f}"),
    "density_k5": ("density", "{:.3f}"),
    "coverage_k5": ("coverage", "{:.3f}"),
    "label_agreement": ("labels", "{:.2%}"),
    "cas": ("CAS", "{:.2%}"),
    "smallest_class": ("rarest class", "{:.1%}"),
    "nearest_pixels": ("nearest", "{:.3f}"),
    "copies": ("copies", "{:.2%}"),
}
# Other protocols: best of a search over settings, ImageNet features of 10,000 against the test images (Lucic et al. 2018,
# table 2), and private models, ImageNet features against the training images (DPImageBench, epsilon 10).
PAPERS = [
    ("non-saturating GAN", "6.8 ± 0.5", "Lucic et al. 2018"),
    ("minimax GAN", "9.8 ± 0.9", "Lucic et al. 2018"),
    ("LSGAN", "7.8 ± 0.6", "Lucic et al. 2018"),
    ("WGAN", "6.7 ± 0.4", "Lucic et al. 2018"),
    ("WGAN-GP", "20.3 ± 5.0", "Lucic et al. 2018"),
    ("DRAGAN", "7.6 ± 0.4", "Lucic et al. 2018"),
    ("PrivImage, a private diffusion model", "2.3", "DPImageBench"),
]


def card(run: Path) -> Card:
    """What is kept of a finished and tested run. Raises FileNotFoundError where it is not both."""
    for name, remedy in (
        ("result.json", "the run is not finished"),
        ("test.json", f"run python -m gan.evaluate ckpt={run / 'best.ckpt'} split=test"),
    ):
        if not (run / name).is_file():
            raise FileNotFoundError(f"runs: {run / name} does not exist: {remedy}")
    result, test = (json.loads((run / name).read_text()) for name in ("result.json", "test.json"))
    kept = ("history", "parameters", "versions", "overrides", "objective", "figures")
    return {"name": run.name, "test": test, "precision": result["config"]["trainer"]["precision"]} | {
        key: result[key] for key in kept
    }


def rows(cards: list[Card]) -> list[list[Card]]:
    """Cards by row: those that differ in their seed alone together, the best row first."""
    found: dict[str, list[Card]] = {}
    for one in sorted(cards, key=lambda one: str(one["name"])):
        found.setdefault(" ".join(word for word in one["overrides"] if not word.startswith("seed=")), []).append(one)
    return sorted(found.values(), key=lambda row: statistics.mean(one["test"]["figures"]["test/fid_digits"] for one in row))


def spread(values: list[float], form: str) -> str:
    """One value, or the mean and the standard deviation of several."""
    mean = form.format(statistics.mean(values))
    return f"{mean} ± {form.format(statistics.stdev(values))}" if len(values) > 1 else mean


def quality(cards: list[Card]) -> str:
    """Markdown: every figure against the official test images, best first, the floor of real images above."""

    def cells(row: list[Card], suffix: str = "") -> list[str]:
        figures = [{name: one["test"]["figures"].get(f"test/{name}{suffix}") for name in FIGURES} for one in row]
        return [
            "-" if None in (values := [one[name] for one in figures]) else spread(values, form)
            for name, (_, form) in FIGURES.items()
        ]

    ordered = rows(cards)
    whole_card = next((row for row in ordered if "test/cas_floor" in row[0]["test"]["figures"]), ordered[0])
    lines = [["real images", *cells(whole_card[:1], "_floor")], *([row[0]["name"], *cells(row)] for row in ordered)]
    return table(["run", *(heading for heading, _ in FIGURES.values())], *lines)


def cost(cards: list[Card]) -> str:
    """Markdown: what each row took."""

    def last(name: str) -> Callable[[Card], float]:
        return lambda one: float(one["history"][-1][name])

    def minutes(one: Card) -> float:
        return last("speed/training_minutes")(one) * (1 + last("speed/judging_per_training")(one))

    def parameters(name: str) -> Callable[[Card], float]:
        return lambda one: float(one["parameters"][name]) / 1000

    def memory(one: Card) -> float:
        return max(float(figures["speed/peak_memory_mib"]) for figures in one["history"])

    columns: dict[str, tuple[Callable[[Card], float], str]] = {
        "epochs": (last("epoch"), "{:.0f}"),
        "thousand images": (lambda one: last("speed/images")(one) / 1000, "{:.0f}"),
        "minutes": (minutes, "{:.1f}"),
        "images/s": (last("speed/images_per_second"), "{:.0f}"),
        "judging": (last("speed/judging_per_training"), "{:.1%}"),
        "thousand parameters, G": (parameters("generator"), "{:.0f}"),
        "D": (parameters("discriminator"), "{:.0f}"),
        "peak MiB": (memory, "{:.0f}"),
    }
    lines = [
        [
            row[0]["name"],
            f"`{' '.join(['python train.py', *row[0]['overrides']])}`",
            str(len(row)),
            *(spread([value(one) for one in row], form) for value, form in columns.values()),
            row[0]["precision"],
        ]
        for row in rows(cards)
    ]
    return table(["run", "command", "seeds", *columns, "precision"], *lines)


def papers() -> str:
    """Markdown: published figures, for context."""
    return table(["other protocols, not comparable", "Inception FID, MNIST", "from"], *map(list, PAPERS))


def speed(found: dict[str, Any]) -> str:
    """Markdown: what ``python -m gan.benchmark`` measured."""
    loops = {
        "ours": f"`train.py experiment=report trainer.precision={found['precision']}`",
        "bare": "the same steps without Lightning",
        "plain": "a plain eager loop in float32, images in memory",
        "loader": "that loop behind a DataLoader with torchvision's transforms",
    }
    rate, default = found["images_per_second"], found["default_run"]
    times = {
        "ours": 1,
        "bare": 1 / (1 + found["lightning_overhead"]),
        "plain": found["times_plain"],
        "loader": found["times_loader"],
    }
    training = [[told, str(rate[name]), f"{times[name]:.2f}"] for name, told in loops.items()]
    sampling = [[n, f"{one['milliseconds']:.2f}", str(one["images_per_second"])] for n, one in found["sampling"].items()]
    heads = [
        [f"training the report's networks at batch {found['batch_size']}", "images/s", "ours is faster by"],
        ["digits at once, of the shipped generator", "milliseconds", "images/s"],
    ]
    told = (
        f"Medians over {found['turns']} turns of {found['steps']} steps on {found['device']}, {found['threads']} threads, "
        f"{found['machine']}. Convolutions reach {found['convolution_peak_gflops']} GFLOP/s there, of which the steps without "
        f"Lightning use {found['share_of_convolution_peak']:.0%}. The default recipe trains {default['images_per_second']} "
        f"images/s, judges an epoch in {default['judging_seconds']} s and peaks at {default['peak_memory_mib']} MiB."
    )
    return "\n\n".join([table(heads[0], *training), table(heads[1], *sampling), told])


# What is measured beside runs: the file in gan/measured, which names its place in the README, and how it is told.
OTHERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "speed": speed,
    "downstream": downstream.tables,
    "digits": measured.tables,
}


def between(mark: str, written: str, text: str) -> str:
    """``text`` with ``written`` between its lines ``<!-- mark -->`` and ``<!-- /mark -->``. Raises ValueError without them."""
    marks = rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)"
    if not re.search(marks, text, re.DOTALL):
        raise ValueError(f"readme: it has no lines <!-- {mark} --> and <!-- /{mark} --> to write between")
    return re.sub(marks, lambda found: f"{found[1]}{written}\n{found[2]}", text, flags=re.DOTALL)


def curve(cards: list[Card], axes: Any) -> None:
    """The FID of every epoch against the images seen, with the floor."""
    for place, one in enumerate(row[0] for row in rows(cards)):
        images = [figures["speed/images"] / 1000 for figures in one["history"]]
        fid = [figures["val/fid_digits"] for figures in one["history"]]
        again = place // 10 % 2  # there are ten colours
        axes.plot(images, fid, marker=".x"[again], linestyle="-:"[again], label=one["name"])
    axes.axhline(cards[0]["figures"]["val/fid_digits_floor"], color="grey", linestyle="--", label="floor: real images")
    axes.set(xlabel="real images seen, thousands", ylabel="val/fid_digits (log scale)", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", ncols=2)


def draw(cards: list[Card], out: Path) -> None:
    """``fid.png``, the curves, and ``zoo.png``, the last grid of every row side by side."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.image import imread
    except ImportError as error:
        raise ImportError("the pictures need matplotlib: pip install matplotlib") from error
    curves = Figure(figsize=(8, 5), layout="constrained")
    curve(cards, curves.subplots())
    ordered = [row[0] for row in rows(cards)]
    grids = Figure(figsize=(4 * 2.6, -(-len(ordered) // 4) * 2.35), layout="constrained")
    for axes in (places := grids.subplots(-(-len(ordered) // 4), 4, squeeze=False)).flat:
        axes.set_axis_off()
    for axes, one in zip(places.flat, ordered, strict=False):
        axes.imshow(imread(out / f"{one['name']}.png"), cmap="gray", vmin=0, vmax=1)
        axes.set_title(f"{one['name']}, FID {one['test']['figures']['test/fid_digits']:.2f}", fontsize="medium")
    for figure, name in ((curves, "fid.png"), (grids, "zoo.png")):
        with whole(out / name) as partial:
            figure.savefig(partial, format="png", dpi=110)


@command.main("leaderboard")
def main(cfg: DictConfig) -> None:
    """Keep new cards and their last grids, redraw the pictures, rewrite the tables."""
    out, readme = Path(cfg.out), Path(cfg.readme)
    if not isinstance(cfg.runs, ListConfig):
        raise ValueError(f"runs must be a list, as runs=[runs/NAME], got {cfg.runs}")
    for run in map(Path, cfg.runs):
        write_text(json.dumps(card(run), indent=1), out / f"{run.name}.json")
        *_, grid = sorted((run / "grids").glob("*.png"))
        shutil.copyfile(grid, out / f"{run.name}.png")
    cards = [json.loads(path.read_text()) for path in sorted(out.glob("*.json")) if path.stem not in OTHERS]
    if not cards:
        raise ValueError("runs: no run given and none kept: runs=[runs/NAME,...]")
    draw(cards, out)
    text = readme.read_text()
    for mark, written in (("quality", quality(cards)), ("cost", cost(cards)), ("papers", papers())):
        text = between(mark, written, text)
    for mark, told in OTHERS.items():
        if (out / f"{mark}.json").is_file():
            text = between(mark, told(json.loads((out / f"{mark}.json").read_text())), text)
    write_text(text.rstrip("\n"), readme)
    print(quality(cards))  # noqa: T201


if __name__ == "__main__":
    main()
