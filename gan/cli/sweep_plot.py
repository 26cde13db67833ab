"""``results.png`` of a sweep: the objective of its jobs over what was swept."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gan import plot
from gan.cli.jobs import as_number, shorten, varied

MOST_BARS, MOST_TICKS = 100, 12
FAILED, UNFINISHED = "failed", "not finished"
ORANGE = "tab:orange"


@dataclass(frozen=True)
class Job:
    """A job's settings by name, its objective (NaN without one), and whether it failed."""

    values: Mapping[str, str]
    objective: float
    fault: str = ""  # FAILED or UNFINISHED


@dataclass(frozen=True)
class Sweep:
    """The jobs of a sweep, and how their objective is called; ``floor``: that of real images."""

    folder: Path
    jobs: Sequence[Job]
    objective: str = "objective"
    floor: float | None = None


@dataclass
class Group:
    """The jobs that differ in the seed alone: their finite objectives, and the others' faults."""

    values: tuple[str, ...]
    objectives: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Mean over the seeds; infinite if none finished, so that it comes last."""
        return statistics.mean(self.objectives) if self.objectives else math.inf

    @property
    def fault(self) -> str:
        """What to say where there is no figure."""
        return FAILED if FAILED in self.faults else UNFINISHED


def group(sweep: Sweep) -> tuple[list[str], list[Group]]:
    """What is swept, and a group for each combination; seeds are averaged if all else varies."""
    names = varied([job.values for job in sweep.jobs])
    names = [name for name in names if name != "seed"] or names
    groups: dict[tuple[float | str, ...], Group] = {}
    for job in sweep.jobs:
        values = tuple(job.values[name] for name in names)
        one = groups.setdefault(tuple(map(as_number, values)), Group(values))
        if math.isfinite(job.objective):
            one.objectives.append(job.objective)
        else:
            one.faults.append(job.fault or FAILED)
    return names, list(groups.values())


def draw(sweep: Sweep, path: Path) -> None:
    """Draw a line over one number, a heat map over two settings, bars over all else."""
    names, groups = group(sweep)
    axes_of = [ordered(one.values[i] for one in groups) for i in range(len(names))]
    is_finite = any(one.objectives for one in groups)
    if is_finite and len(names) == 1 and is_numeric(axes_of[0]):
        figure = draw_line(sweep, names[0], groups)
    elif is_finite and len(names) == 2 and len(groups) * 2 > len(axes_of[0]) * len(axes_of[1]):
        figure = draw_map(sweep, names, axes_of, groups)
    else:
        figure = draw_bars(sweep, names, groups)
    figure.suptitle(title(sweep, names, groups), x=0.01, ha="left", fontsize="medium")
    plot.save(figure, path)


def title(sweep: Sweep, names: Sequence[str], groups: Sequence[Group]) -> str:
    """Folder, number of jobs, and the best of the groups."""
    told = [f"{len(sweep.jobs)} job{'s' * (len(sweep.jobs) != 1)}"]
    for fault in (FAILED, UNFINISHED):
        if count := sum(one.faults.count(fault) for one in groups):
            told.append(f"{count} {fault}")
    if len(groups) > MOST_BARS:
        told.append(f"the best {MOST_BARS} are shown")
    lines = [f"{plot.text(sweep.folder, 70)}: {', '.join(told)}"]
    best = min(groups, key=lambda one: one.mean)
    if best.objectives:
        mean = "mean " if len(best.objectives) > 1 else ""
        lines.append(f"best: {mean}{plot.short(best.mean)}, {caption(names, best, 90)}".rstrip(", "))
    return "\n".join(lines)


def caption(names: Sequence[str], one: Group, most: int = 60) -> str:
    """The settings of a group, as lr=1e-4 batch_size=64."""
    short = shorten(names)
    return plot.text(" ".join(f"{name}={value or '-'}" for name, value in zip(short, one.values, strict=True)), most)


def ordered(values: Iterable[str]) -> list[str]:
    """Different values: numbers by value, others as they came."""
    found = list({as_number(value): value for value in values}.values())
    return sorted(found, key=float) if is_numeric(found) else found


def is_numeric(values: Sequence[str]) -> bool:
    """Whether all values are numbers."""
    return all(isinstance(as_number(value), float) for value in values)


def is_geometric(values: Sequence[float]) -> bool:
    """Whether increasing numbers are spaced more evenly on a logarithmic axis."""
    if values[0] <= 0:
        return False
    steps = [after - before for before, after in pairwise(values)]
    ratios = [math.log(after / before) for before, after in pairwise(values)]
    if len(values) == 2:
        return plot.is_wide(values)
    return max(ratios) / min(ratios) < max(steps) / min(steps)


def draw_line(sweep: Sweep, name: str, groups: Sequence[Group]) -> Figure:
    """The means over one number, with a point for each job."""
    figure = plot.figure()
    axes = figure.subplots()
    done = sorted((one for one in groups if one.objectives), key=lambda one: float(one.values[0]))
    points = [(float(one.values[0]), value) for one in done for value in one.objectives]
    is_repeated = len(points) > len(done)
    if name == "seed":
        mean, spread = statistics.mean(y for _, y in points), statistics.pstdev(y for _, y in points)
        axes.axhline(mean, color=ORANGE, label=f"mean {plot.short(mean)}, standard deviation {plot.short(spread)}")
    else:
        label = "mean of the seeds" if is_repeated else None
        x, y = [float(one.values[0]) for one in done], [one.mean for one in done]
        axes.plot(x, y, color="tab:blue", marker="" if is_repeated else "o", markersize=5, label=label)
    if is_repeated or name == "seed":
        axes.scatter(*zip(*points, strict=True), color="tab:blue", alpha=0.7, zorder=3, label="job")
    for fault, colour in ((FAILED, "tab:red"), (UNFINISHED, "tab:grey")):
        plot.edge(axes, [float(one.values[0]) for one in groups if fault in one.faults], fault, colour)
    values = [y for _, y in points]
    if sweep.floor is not None and not is_near(sweep.floor, values):
        axes.plot([], [], "--", color="grey", label=f"floor: real images, {plot.short(sweep.floor)}, far below")
    elif sweep.floor is not None:
        floor(axes.axhline, sweep)
        values.append(sweep.floor)
    set_ticks(axes, name, ordered([one.values[0] for one in groups]))
    plot.scale(axes.yaxis, plot.text(sweep.objective), values)
    axes.grid(alpha=0.3)
    plot.legend_above(axes)
    return figure


def is_near(floor: float, values: Sequence[float]) -> bool:
    """Whether the differences of values can be seen on an axis that shows their floor too."""
    lowest, highest = min(values), max(values)
    if lowest == highest or highest - floor < 5 * (highest - lowest):
        return True
    return floor > 0 and math.log(highest / floor) < 5 * math.log(highest / lowest)


def floor(line: Callable[..., object], sweep: Sweep) -> None:
    """Draw the figure of real images as a dashed line, if it is known."""
    if sweep.floor is not None:
        line(sweep.floor, color="grey", linestyle="--", label=f"floor: real images, {plot.short(sweep.floor)}")


def set_ticks(axes: Axes, name: str, values: Sequence[str]) -> None:
    """Ticks of the horizontal axis at the values that were typed, if they have room."""
    numbers = list(map(float, values))
    is_log = len(numbers) > 1 and is_geometric(numbers)
    places = [math.log(number) if is_log else number for number in numbers]
    closest = min((after - before for before, after in pairwise(places)), default=1)
    has_room = len(values) <= MOST_TICKS and closest > (places[-1] - places[0]) / 20
    if is_log:
        plot.log_axis(axes.xaxis, numbers if has_room else ())
    if has_room:
        axes.set_xticks(numbers, list(map(plot.text, values)))
    axes.set_xlabel(f"{plot.text(name)}{' (log scale)' if is_log else ''}")


def draw_map(sweep: Sweep, names: Sequence[str], axes_of: list[list[str]], groups: Sequence[Group]) -> Figure:
    """A cell for each combination of two settings; names go down, numbers across."""
    across, down = sorted((0, 1), key=lambda i: (not is_numeric(axes_of[i]), len(axes_of[i]) > 2 * len(axes_of[1 - i])))
    columns, rows = axes_of[across], axes_of[down]
    is_repeated = any(len(one.objectives) > 1 for one in groups)
    figure = plot.figure(
        min(20, max(6, 3 + len(columns) * 0.9)), min(30, max(3, 1.8 + len(rows) * (0.6 if is_repeated else 0.4)))
    )
    axes = figure.subplots()
    means = [one.mean for one in groups if one.objectives]
    norm = LogNorm(min(means), max(means)) if plot.is_wide(means) else Normalize(min(means), max(means))
    keys = [list(map(as_number, values)) for values in (columns, rows)]
    best = min(groups, key=lambda one: one.mean)
    cells = [[math.nan] * len(columns) for _ in rows]
    for one in groups:
        x, y = keys[0].index(as_number(one.values[across])), keys[1].index(as_number(one.values[down]))
        if one.objectives:
            cells[y][x] = one.mean
        shown, colour = cell(one, norm(one.mean) if one.objectives else 1)
        axes.text(x, y, shown, ha="center", va="center", color=colour, fontsize="small")
        if one is best:
            axes.add_patch(Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, fill=False, color=ORANGE, linewidth=2.5))
    picture = axes.imshow(cells, norm=norm, cmap="viridis", aspect="auto")
    real = "" if sweep.floor is None else f"\nfloor: real images, {plot.short(sweep.floor)}"
    bar = figure.colorbar(picture, label=f"{plot.text(sweep.objective)}, lower is better{real}")
    if plot.is_wide(means):
        plot.plain_numbers(bar.ax.yaxis)
    is_crowded = sum(map(len, columns)) > 9 * len(columns)
    axes.set_xticks(range(len(columns)), list(map(plot.text, columns)), rotation=30 * is_crowded)
    axes.set_yticks(range(len(rows)), list(map(plot.text, rows)))
    axes.set(xlabel=plot.text(names[across]), ylabel=plot.text(names[down]))
    return figure


def cell(one: Group, shade: float) -> tuple[str, str]:
    """The text of a cell and its colour; ``shade``: the cell's, 0 dark to 1 bright."""
    if not one.objectives:
        return one.fault, "tab:red" if one.fault == FAILED else "grey"
    shown = plot.short(one.mean)
    if len(one.objectives) > 1:
        shown += f"\n{plot.short(min(one.objectives))} to {plot.short(max(one.objectives))}"
    if one.faults:
        shown += f"\n{len(one.faults)} {one.fault}"
    return shown, "white" if shade < 0.6 else "black"


def draw_bars(sweep: Sweep, names: Sequence[str], groups: Sequence[Group]) -> Figure:
    """A bar for each group, best first, with a point for each seed."""
    shown = sorted(groups, key=lambda one: one.mean)[:MOST_BARS]
    figure = plot.figure(height=max(3, 1.6 + 0.27 * len(shown)))
    axes = figure.subplots()
    left = set_range(axes, sweep, [value for one in shown for value in one.objectives])
    for y, one in enumerate(shown):
        if one.objectives:
            axes.barh(y, one.mean - left, left=left, color="tab:blue", alpha=0.6)
        if len(one.objectives) > 1:
            axes.scatter(one.objectives, [y] * len(one.objectives), color="tab:blue", s=12, zorder=3)
        told, colour = cell(one, 1)
        end, told = max(one.objectives, default=left), told.replace("\n", ", ")
        axes.annotate(
            told, (end, y), (5, 0), textcoords="offset points", va="center", color=colour, fontsize="small"
        )  # fmt: skip
    floor(axes.axvline, sweep)
    single = len(names) == 1
    labels = [plot.text(one.values[0] or "-") if single else caption(names, one) for one in shown]
    axes.set_yticks(range(len(shown)), labels)
    axes.set(ylim=(len(shown) - 0.4, -0.6), ylabel=plot.text(names[0]) if single else "")
    axes.spines[["top", "right"]].set_visible(False)
    plot.legend_above(axes)
    return figure


def set_range(axes: Axes, sweep: Sweep, values: Sequence[float]) -> float:
    """The range of the axis of bars, with room for their texts; returns where they begin."""
    if not values:
        axes.set(xlim=(0, 1), xticks=[])
        return 0
    drawn = [*values, *([] if sweep.floor is None else [sweep.floor])]
    plot.scale(axes.xaxis, plot.text(sweep.objective), drawn)
    if plot.is_wide(drawn):
        left = min(drawn) * 0.7
        axes.set_xlim(left, max(drawn) * (max(drawn) / left) ** 0.35)
        return left
    axes.set_xlim(min(0, *drawn), max(drawn) * 1.35)
    return 0
