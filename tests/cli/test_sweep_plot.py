"""The picture of a sweep shows every job, in the shape that suits what was swept."""

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from gan import plot
from gan.cli import run_folder, sweep_plot
from gan.cli.sweep_plot import FAILED, UNFINISHED, Group, Job, Sweep

LR = ["1e-4", "2e-4", "1e-3"]


def _sweep(*faults: str, folder: str = "runs/x", **axes: Sequence[str]) -> Sweep:
    """A sweep over ``axes`` with the objectives 1, 2, ...; the first jobs have ``faults``."""
    jobs = []
    for i, values in enumerate(product(*axes.values())):
        settings = dict(zip(axes, values, strict=True))
        fault = faults[i] if i < len(faults) else ""
        jobs.append(Job(settings, math.nan if fault else i + 1.0, fault))
    return Sweep(Path(folder), jobs, "val/fid_digits", 0.25)


def _figure(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The figure that is drawn of a sweep."""
    drawn: list[Figure] = []
    monkeypatch.setattr("gan.plot.save", lambda figure, path: drawn.append(figure))
    sweep_plot.draw(sweep, Path("unused"))
    (figure,) = drawn
    return figure


def _texts(figure: Figure) -> list[str]:
    axes = figure.axes[0]
    legend = axes.get_legend()
    ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    found = [*axes.texts, *ticks, *(legend.get_texts() if legend else []), axes.xaxis.label, axes.yaxis.label]
    return [one.get_text() for one in [*found, *figure.texts, figure._suptitle]]


def test_seeds_are_averaged_unless_nothing_else_varies() -> None:
    names, groups = sweep_plot.group(_sweep(FAILED, lr=LR, seed=["0", "1"]))
    assert names == ["lr"]
    assert groups[0] == Group(("1e-4",), [2.0], [FAILED])
    assert [one.mean for one in groups] == [2, 3.5, 5.5]
    assert sweep_plot.group(_sweep(seed=["0", "1"]))[0] == ["seed"]
    assert len(sweep_plot.group(_sweep(lr=["1e-4", "0.0001", "1"]))[1]) == 2


def test_one_number_is_a_line_with_each_job_and_the_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = _figure(_sweep(FAILED, UNFINISHED, lr=LR, seed=["0", "1"]), monkeypatch)
    (axes,) = figure.axes
    mean, floor = axes.lines
    assert [tuple(point) for point in mean.get_xydata()] == [(2e-4, 3.5), (1e-3, 5.5)]
    assert set(floor.get_ydata()) == {0.25}
    points, failed, unfinished = (one.get_offsets() for one in axes.collections)
    assert sorted(points[:, 1]) == [3, 4, 5, 6]
    assert failed[:, 0] == unfinished[:, 0] == [1e-4]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    shown = _texts(figure)
    assert {*LR, "lr (log scale)", "val/fid_digits (log scale), lower is better", "failed", "not finished"} <= {*shown}
    assert "runs/x: 6 jobs, 1 failed, 1 not finished\nbest: mean 3.5, lr=2e-4" in shown


def test_a_floor_far_below_does_not_hide_the_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job({"lr": lr}, 1000.0 + i) for i, lr in enumerate(LR)]
    figure = _figure(Sweep(Path("x"), jobs, "FID", 1.87), monkeypatch)
    assert figure.axes[0].get_ylim()[0] > 900
    assert "floor: real images, 1.87, far below" in _texts(figure)
    assert sweep_plot.is_near(1.5, [2.0, 3.0])
    assert sweep_plot.is_near(1.5, [2.0])
    assert sweep_plot.is_near(0.2, [0.5, 50.0])


def test_two_settings_are_a_map_with_figures_in_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = _figure(_sweep(FAILED, **{"optimizer.lr": LR, "loss": ["hinge", "minimax"]}), monkeypatch)
    axes, bar = figure.axes
    assert [axes.get_xlabel(), axes.get_ylabel()] == ["optimizer.lr", "loss"]
    (image,) = axes.images
    assert image.get_array().filled(math.nan).tolist()[1] == [2, 4, 6]
    assert sorted(one.get_text() for one in axes.texts) == ["2", "3", "4", "5", "6", "failed"]
    assert "floor: real images, 0.25" in bar.get_ylabel()


@pytest.mark.parametrize("axes", [{"loss": ["a", "b", "c"]}, {"lr": LR, "loss": ["a", "b"], "x": ["1", "2"]}])
def test_names_and_many_settings_are_bars_best_first(
    axes: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = _figure(_sweep("", FAILED, **axes), monkeypatch)
    labels = [one.get_text() for one in figure.axes[0].get_yticklabels()]
    order = ["a", "c", "b"] if len(axes) == 1 else ["lr=1e-4 loss=a x=1", "lr=1e-4 loss=b x=1", "lr=1e-4 loss=b x=2"]
    assert labels[:3] == order
    assert labels[-1] == ("b" if len(axes) == 1 else "lr=1e-4 loss=a x=2")
    assert len(figure.axes[0].patches) == len(labels) - 1
    assert "failed" in _texts(figure)


def test_two_settings_with_few_of_their_combinations_are_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job({"lr": str(i), "batch_size": str(i)}, 1.0) for i in range(3)]
    assert len(_figure(Sweep(Path("x"), jobs), monkeypatch).axes[0].patches) == 3


ODD = {
    "one": {"lr": ["1"]},
    "seeds": {"seed": ["0", "1", "2"]},
    "hundred": {"lr": [f"{i}e-4" for i in range(1, 101)]},
    "99 cells": {"lr": list("123456789"), "x": list("ABCDEFGHIJK")},
    "300 bars": {"a": list("123456"), "b": list("12345"), "c": list("ABCDEFGHIJ")},
    "signs": {"data.root": ["$x^{$", "a\x1b[31m", "字", "l" * 500, "", "null"]},
    "zero": {"lr": ["-1", "0", "1"]},
}


@pytest.mark.parametrize("axes", ODD.values(), ids=ODD)
def test_all_sizes_and_names_are_drawn(axes: dict[str, list[str]], tmp_path: Path) -> None:
    sweep_plot.draw(_sweep(FAILED, folder="runs/$odd$_x", **axes), tmp_path / "results.png")
    with Image.open(tmp_path / "results.png") as picture:
        assert picture.width in range(600, 2300)
        assert picture.height in range(250, 3400)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([16, 32, 64], True), ([1e-4, 3e-4, 1e-3], True), ([1, 2, 3], False), ([64, 96, 128], False), ([0, 1, 10], False)],
)
def test_an_axis_is_logarithmic_if_its_values_are(values: list[float], expected: bool) -> None:
    assert sweep_plot.is_geometric(values) == expected


def test_tensorboard_shows_the_last_picture_alone(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for step in (1, 2):
        sweep_plot.draw(_sweep(lr=LR[: step + 1]), tmp_path / "results.png")
        plot.show_in_tensorboard(tmp_path / "results.png", step)
    assert len(list(tmp_path.glob("events*"))) == 1
    assert run_folder.results(tmp_path) == []
    events = EventAccumulator(str(tmp_path)).Reload()
    (shown,) = events.Images("results")
    assert shown.encoded_image_string == (tmp_path / "results.png").read_bytes()
    with Image.open(tmp_path / "results.png") as picture:
        assert (shown.step, shown.width, shown.height) == (2, *picture.size)


@pytest.mark.parametrize(("high", "label"), [(500, "50"), (5000, "")])
def test_a_long_logarithmic_axis_has_powers_of_ten_alone(high: float, label: str) -> None:
    axes = plot.figure().subplots()
    plot.log_axis(axes.yaxis)
    axes.set_ylim(1, high)
    assert axes.yaxis.get_minor_formatter()(50, 0) == label
    assert axes.yaxis.get_major_formatter()(100, 0) == "100"
