"""Figures: one look, plain numbers on axes, files that appear complete or not at all."""

import math
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from gan.error import printable
from gan.file import atomic_write

EVENTS = "events.out.tfevents.*.sweep"  # of TensorBoard: not those of a training
WIDE = 5  # the ratio of two values above which their axis is logarithmic


def figure(width: float = 8, height: float = 4.5) -> Figure:
    """An empty figure; width and height in inches of 110 pixels."""
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write a figure to ``path`` as PNG."""
    with warnings.catch_warnings(), atomic_write(path) as partial:
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a stranger's name
        figure.savefig(partial, format="png", dpi=110)


def text(found: object, most: int = 60) -> str:
    """A stranger's text for a figure: one line without formulas, and of a long one the end."""
    line = printable(found, 10_000)
    return (line if len(line) <= most else f"...{line[3 - most :]}").replace("$", r"\$")


def short(value: float) -> str:
    """A figure with three digits, without a power of ten."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def is_wide(values: Iterable[float]) -> bool:
    """Whether positive values are too different for a linear axis."""
    finite = list(filter(math.isfinite, values))
    return bool(finite) and max(finite) > WIDE * min(finite) > 0


def log_axis(axis: XAxis | YAxis, ticks: Sequence[float] = ()) -> None:
    """Make an axis logarithmic, with plain numbers; ``ticks``: at these alone."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    plain_numbers(axis)
    if ticks:
        axis.set(major_locator=FixedLocator(ticks), minor_locator=NullLocator())


def plain_numbers(axis: XAxis | YAxis) -> None:
    """Label a logarithmic axis with 0.2, 0.5, 1, 2; a long one with 1, 10, 100."""

    def minor(value: float, _: float) -> str:
        low, high = sorted(axis.get_view_interval())
        return f"{value:g}" if f"{value:e}"[0] in "25" and high < 1000 * low else ""

    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(minor)
    axis.set_tick_params(which="minor", pad=5)  # as far from the axis as the longer ticks'


def scale(axis: XAxis | YAxis, label: str, values: Iterable[float]) -> None:
    """Label an axis of figures that are better the lower they are; logarithmic if they are wide."""
    if is_wide(values):
        log_axis(axis)
        label += " (log scale)"
    axis.set_label_text(f"{label}, lower is better")


def edge(axes: Axes, places: Sequence[float], label: str = "failed", colour: str = "tab:red") -> None:
    """Mark what has no figure at the lower edge, whatever the scale."""
    if places:
        height = 0.02 if label == "failed" else 0.07
        across = axes.get_xaxis_transform()
        axes.scatter(places, [height] * len(places), marker="x", color=colour, label=label, transform=across)


def legend_above(axes: Axes) -> None:
    """A legend above the axes, as points may be anywhere; none if nothing has a label."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)


def show_in_tensorboard(picture: Path, step: int) -> None:
    """Put a picture in an events file beside it, in place of the one of the last time."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    before, now = list(picture.parent.glob(EVENTS)), time.time()
    event = Event(wall_time=now, step=step)
    image = event.summary.value.add(tag="results").image
    image.encoded_image_string = picture.read_bytes()
    image.width, image.height = (int.from_bytes(image.encoded_image_string[i : i + 4], "big") for i in (16, 20))
    path = picture.parent / EVENTS.replace("*", f"{now:.0f}")
    with atomic_write(path) as partial, partial.open("wb") as file:
        records = RecordWriter(file)
        for one in (Event(wall_time=now, file_version="brain.Event:2"), event):
            records.write(one.SerializeToString())
    for old in before:
        if old != path:
            old.unlink(missing_ok=True)
