"""The picture of a study: accuracy by labels a class, and the change that synthetic digits make."""

from pathlib import Path
from typing import Any

from gan.downstream.cell import ARMS, METHODS, NONE, UNLABELLED
from gan.downstream.report import TITLES, Report, Row, caption, of

COLOURS = {"plain": ("tab:blue", "tab:orange"), "augmented": ("tab:green", "tab:red")}
LABELS = {"plain": ("real", "real + synthetic"), "augmented": ("real + augmentation", "real + both")}
METHOD_COLOURS = dict(zip(METHODS, ("tab:purple", "tab:brown", "tab:olive", "tab:red"), strict=True))
CHANGES = {"plain": "without augmentation", "augmented": "beside augmentation"}


def curve(axes: Any, found: list[Row], colour: str, line: str, label: str) -> None:
    """Means over the seeds in percent, with their intervals if there are several seeds."""
    labels = [row["labels"] for row in found]
    axes.plot(labels, [row["mean"] * 100 for row in found], color=colour, linestyle=line, marker=".", label=label)
    if all(row["half_width"] is not None for row in found):
        lower, upper = ([(row["mean"] + sign * row["half_width"]) * 100 for row in found] for sign in (-1, 1))
        axes.fill_between(labels, lower, upper, color=colour, alpha=0.15, linewidth=0)


def draw_arms(report: Report, source: str, above: Any, below: Any) -> None:
    """Both classifiers without and with synthetic digits, and what these add."""
    for arm in ARMS:
        for one, colour, label, line in zip((NONE, source), COLOURS[arm], LABELS[arm], ("-", "--"), strict=True):
            curve(above, of(report["rows"], one, arm), colour, line, label)
        changes = of(report["differences"], source, arm)
        curve(below, changes, COLOURS[arm][1], "--", f"synthetic minus none, {CHANGES[arm]}")


def draw_methods(report: Report, source: str, above: Any, below: Any) -> None:
    """Each method that uses images without labels, and what it adds to augmentation."""
    labels = {row["labels"] for row in report["rows"] if row["source"] == source}
    base = [row for row in of(report["rows"], NONE, "augmented") if row["labels"] in labels]
    curve(above, base, COLOURS["augmented"][0], "-", LABELS["augmented"][0])
    for arm in METHODS:
        curve(above, of(report["rows"], source, arm), METHOD_COLOURS[arm], "--", TITLES[arm])
        changes = of(report["differences"], source, arm)
        curve(below, changes, METHOD_COLOURS[arm], "--", f"{TITLES[arm]} minus augmentation")


def draw(report: Report, path: Path) -> None:
    """A column for each source of synthetic digits: accuracy above, paired differences below."""
    from gan import plot  # imports matplotlib, which takes a second

    count, labels = len(report["sources"]), sorted({row["labels"] for row in report["rows"]})
    figure = plot.figure(1 + 6 * count, 7)
    places = figure.subplots(2, count, sharex=True, squeeze=False, height_ratios=(3, 2))
    for source, (above, below) in zip(report["sources"], places.T, strict=True):
        above.sharey(places[0, 0])  # below, the differences of an upper bound would hide the others
        (draw_methods if source == UNLABELLED else draw_arms)(report, source, above, below)
        above.set_title(caption(report, source), fontsize="medium")
        below.axhline(0, color="grey", linewidth=1)
        plot.log_axis(below.xaxis, labels)
        below.set(xlabel="real labels a class (log scale)", ylabel="paired difference, points")
        for axes in (above, below):
            axes.grid(alpha=0.3)
            axes.legend(fontsize="small", loc="best")
    band = f", {report['confidence']:.0%} band" if report["seeds"] > 1 else ""
    mean = f"(mean of {report['seeds']} seeds{band})"
    places[0, 0].set(ylabel=f"{report['split']} accuracy on {report['data']}, %\n{mean}")
    plot.save(figure, path)
