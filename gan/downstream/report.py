"""What a study has come to: accuracies with their intervals, paired differences, a sentence, tables and a picture."""

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scipy.stats import t

from gan.downstream.cell import ARMS, NONE, SOURCES, Cell, Record, finished
from gan.file import table

Row = dict[str, Any]
Report = dict[str, Any]
CONFIDENCE = 0.95


def interval(values: list[float]) -> tuple[float, float | None]:
    """Mean and half the width of its 95 % interval, by Student's t: t(0.975, k - 1) s / sqrt(k); None of one value."""
    k, mean = len(values), statistics.mean(values)
    if k == 1:
        return mean, None
    return mean, float(t.ppf((1 + CONFIDENCE) / 2, k - 1)) * statistics.stdev(values) / math.sqrt(k)


def _row(found: dict[int, float], **named: object) -> Row:
    """``found``: a value for each seed."""
    mean, half = interval(list(found.values()))
    return {**named, "mean": mean, "half_width": half, "seeds": sorted(found)}


def rows(records: list[Record]) -> list[Row]:
    """Accuracy over the seeds, of every source of synthetic digits, with and without augmentation, by labels a class."""
    found: dict[tuple[str, str, int], dict[int, float]] = {}
    for one in records:
        for arm in ARMS:
            found.setdefault((one["source"], arm, one["labels"]), {})[one["seed"]] = one["accuracy"][arm]
    return [_row(found[key], source=key[0], arm=key[1], labels=key[2]) for key in sorted(found)]


def differences(records: list[Record]) -> list[Row]:
    """Accuracy with synthetic digits minus that without, of the same real labels, over the seeds that have both."""
    known = {Cell(one["source"], one["labels"], one["seed"]): one["accuracy"] for one in records}
    found: dict[tuple[str, str, int], dict[int, float]] = {}
    for cell, accuracy in known.items():
        base = known.get(cell._replace(source=NONE))
        if cell.source != NONE and base:
            for arm in ARMS:
                found.setdefault((cell.source, arm, cell.labels), {})[cell.seed] = accuracy[arm] - base[arm]
    return [_row(found[key], source=key[0], arm=key[1], labels=key[2]) for key in sorted(found)]


def of(found: list[Row], source: str, arm: str) -> list[Row]:
    """The rows of one curve, by labels a class."""
    return [row for row in found if (row["source"], row["arm"]) == (source, arm)]


def listed(parts: Iterable[object]) -> str:
    """``a, b and c``."""
    *most, last = map(str, parts)
    return f"{', '.join(most)} and {last}" if most else last


def chance(row: Row) -> float:
    """How likely so large a mean difference is where there is none: p of the paired t-test that its interval stands for."""
    k, half = len(row["seeds"]), row["half_width"]
    if not half:
        return 1.0 if half is None or not row["mean"] else 0.0
    return float(2 * t.sf(abs(row["mean"]) / half * t.ppf((1 + CONFIDENCE) / 2, k - 1), k - 1))


def surviving(found: list[Row]) -> list[Row]:
    """The rows whose difference is clear although all are looked at (Holm 1979): p_(i) <= alpha / (m - i), i = 0, 1, ..."""
    clear: list[Row] = []
    for row in sorted(found, key=chance):
        if chance(row) > (1 - CONFIDENCE) / (len(found) - len(clear)):
            break
        clear.append(row)
    return clear


def verdict(found: list[Row], clear: list[Row]) -> str:
    """What differences [points] come to: where they are above zero, below it, or not among the clear ones."""
    groups: dict[str, list[Row]] = {"raised": [], "lowered": [], "neither": []}
    for row in found:
        groups[("raised" if row["mean"] > 0 else "lowered") if row in clear else "neither"].append(row)
    parts = []
    for name, group in groups.items():
        labels = listed(row["labels"] for row in group) if group else ""
        points = listed(f"{row['mean'] * 100:+.2f}" for row in group) if group else ""
        if group:
            told = f"{name} accuracy" if name != "neither" else "made no difference that survives Holm's correction"
            parts.append(f"{told} with {labels} labels a class ({points} points)")
    return listed(parts)


def maker(report: Report, source: str) -> str:
    """What made the synthetic digits, and of what."""
    if source == "few":
        return "a GAN that saw these labelled images alone"
    return f"a generator that saw {report['settings']['ckpt']['saw']} (an upper bound)"


def caveat(report: Report, source: str) -> str:
    """What a source's figures leave open."""
    if source == "ckpt":
        return "the upper bound is of one generator for all seeds, so that its intervals omit a generator's own luck"
    share, most = report["settings"][source]["fakes"]["share"], max(row["labels"] for row in report["rows"])
    return (
        f"{share:.0%} of each batch being synthetic, real digits are seen that much less often, with {most} labels a class too"
    )


def sentence(report: Report) -> str:
    """What a study shows, good or bad, and what it leaves open."""
    parts, clear = [], surviving(report["differences"])
    for source in report["sources"]:
        plain, augmented = (verdict(of(report["differences"], source, arm), clear) for arm in ARMS)
        parts.append(f"those of {maker(report, source)} {plain}, and beside classic augmentation {augmented}")
    seeds = f"{report['seeds']} seed{'s' if report['seeds'] > 1 else ''}"
    tests = (
        f", {len(report['differences'])} paired t-tests under Holm's correction (the ± below are without)"
        if report["seeds"] > 1
        else ""
    )
    left = "; ".join(caveat(report, source) for source in report["sources"])
    return (
        f"Synthetic images beside real ones of data={report['data']}, over {seeds}{tests}: {'; '.join(parts)}. "
        f"To bear in mind: {left}; and the default recipe was itself developed on all of MNIST."
    )


def gather(folder: Path) -> Report:
    """Everything about a study, of the cells that its folder holds."""
    settings = json.loads((folder / "settings.json").read_text())
    records = [one for _, one in sorted(finished(folder).items())]
    report: Report = {
        "data": settings[NONE]["data"],
        "split": settings[NONE]["split"],
        "seeds": len({one["seed"] for one in records}),
        "sources": [source for source in SOURCES if source in {one["source"] for one in records}],
        "confidence": CONFIDENCE,
        "rows": rows(records),
        "differences": differences(records),
        "minutes": round(sum(one["seconds"] for one in records) / 60, 1),
        "settings": settings,
        "versions": {name: version(name) for name in ("torch", "lightning")},
        "cells": records,
    }
    return {"sentence": sentence(report)} | report


def _percent(row: Row, signed: bool = False) -> str:
    mean = format(row["mean"] * 100, "+.2f" if signed else ".2f")
    return mean if row["half_width"] is None else f"{mean} ± {row['half_width'] * 100:.2f}"


def tables(report: Report) -> str:
    """Markdown: the sentence, and of each source of synthetic digits a table of its accuracies and differences, in percent."""
    head = ["real", "real + augmentation", "real + synthetic", "real + both", "synthetic helps by", "beside augmentation by"]
    parts = [report["sentence"]]
    for source in report["sources"]:
        curves = [of(report["rows"], one, arm) for one in (NONE, source) for arm in ARMS]
        gains = [of(report["differences"], source, arm) for arm in ARMS]
        lines = []
        for place, row in enumerate(curves[2]):
            real = [next(one for one in curve if one["labels"] == row["labels"]) for curve in curves[:2]]
            cells = [*map(_percent, [*real, row, curves[3][place]]), *(_percent(gain[place], signed=True) for gain in gains)]
            lines.append([str(row["labels"]), *cells])
        parts.append(table([f"labels a class; {maker(report, source)}", *head], *lines))
    return "\n\n".join(parts)


def sheet(report: Report) -> str:
    """CSV: every accuracy and difference, in shares, with its interval."""
    text = io.StringIO()
    columns = ["what", "source", "arm", "labels", "mean", "half_width", "seeds"]
    file = csv.DictWriter(text, columns, lineterminator="\n")
    file.writeheader()
    for what in ("accuracy", "difference"):
        for row in report["rows" if what == "accuracy" else "differences"]:
            file.writerow(row | {"what": what, "seeds": len(row["seeds"])})
    return text.getvalue().rstrip("\n")
