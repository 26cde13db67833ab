"""The picture of a study: accuracy by labels a class, and below it what synthetic digits change."""

from pathlib import Path
from typing import Any

from gan.downstream.cell import ARMS, NONE
from gan.downstream.report import Report, Row, maker, of
from gan.file import whole

COLOURS = {"plain": ("tab:blue", "tab:orange"), "augmented": ("tab:green", "tab:red")}
LABELS = {"plain": ("real", "real + synthetic"), "augmented": ("real + augmentation", "real + both")}


def curve(axes: Any, found: list[Row], colour: str, line: str, label: str) -> None:
    """Means over the seeds, with their intervals where there are any, in percent."""
    labels = [row["labels"] for row in found]
    mean = [row["mean"] * 100 for row in found]
    axes.plot(labels, mean, color=colour, linestyle=line, marker=".", label=label)
    if all(row["half_width"] is not None for row in found):
        lower, upper = ([(row["mean"] + sign * row["half_width"]) * 100 for row in found] for sign in (-1, 1))
        axes.fill_between(labels, lower, upper, color=colour, alpha=0.15, linewidth=0)


def draw(report: Report, path: Path) -> None:
    """A column for each source of synthetic digits. Raises ImportError without matplotlib."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import FixedLocator, NullLocator
    except ImportError as error:
        raise ImportError('the picture needs matplotlib: pip install -e ".[tune]"') from error
    sources = report["sources"]
    figure = Figure(figsize=(1 + 6 * len(sources), 7), layout="constrained")
    places = figure.subplots(2, len(sources), sharex=True, squeeze=False, height_ratios=(3, 2))
    for source, (above, below) in zip(sources, places.T, strict=True):
        above.sharey(places[0, 0])  # not those below: an upper bound's differences would hide the others
        for arm in ARMS:
            for one, colour, label, line in zip((NONE, source), COLOURS[arm], LABELS[arm], ("-", "--"), strict=True):
                curve(above, of(report["rows"], one, arm), colour, line, label)
            change = "without augmentation" if arm == "plain" else "beside augmentation"
            curve(below, of(report["differences"], source, arm), COLOURS[arm][1], "--", f"synthetic minus none, {change}")
        above.set_title(maker(report, source), fontsize="medium")
        above.set(xscale="log")
        below.axhline(0, color="grey", linewidth=1)
        labels = sorted({row["labels"] for row in report["rows"]})
        below.xaxis.set(major_locator=FixedLocator(labels), minor_locator=NullLocator(), major_formatter="{x:g}")
        below.set(xlabel="real labels a class (log scale)", ylabel="paired difference, points")
        for axes in (above, below):
            axes.grid(alpha=0.3)
            axes.legend(fontsize="small", loc="best")
    band = f", {report['confidence']:.0%} band" if report["seeds"] > 1 else ""
    places[0, 0].set(ylabel=f"{report['split']} accuracy on {report['data']}, %\n(mean of {report['seeds']} seeds{band})")
    with whole(path) as partial:
        figure.savefig(partial, format="png", dpi=110)
