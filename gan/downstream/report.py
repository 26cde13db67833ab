"""What a study found: accuracies with intervals, paired differences, and the tables of both."""

import math
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gan.downstream.cell import ARMS, METHODS, NONE, SOURCES, UNLABELLED, Record, finished
from gan.file import load_json
from gan.table import markdown

Row = dict[str, Any]
Report = dict[str, Any]
CONFIDENCE = 0.95
GAN_ADDS = "both minus consistency"  # what the fakes add to the method without a GAN
TITLES = {
    "pseudo": "pseudo-labels", "consistency": "consistency", "discriminator": "the GAN's discriminator",
    "both": "consistency + fakes", GAN_ADDS: "fakes add",
}  # fmt: skip


def quantile(k: int) -> float:
    """Student's t(0.975, k - 1), the half-width of a 95 % interval in standard errors."""
    from scipy.stats import t  # slow to import

    return float(t.ppf((1 + CONFIDENCE) / 2, k - 1))


def interval(values: list[float]) -> tuple[float, float | None]:
    """Mean and half-width of its 95 % interval, t(0.975, k - 1) s / sqrt(k); None for one value."""
    k, mean = len(values), statistics.mean(values)
    return mean, None if k == 1 else quantile(k) * statistics.stdev(values) / math.sqrt(k)


def rows(records: list[Record]) -> list[Row]:
    """Accuracy over the seeds, for each source, arm and number of labels a class."""
    found: dict[tuple[str, str, int], dict[int, float]] = {}
    for one in records:
        for arm, accuracy in one["accuracy"].items():
            found.setdefault((one["source"], arm, one["labels"]), {})[one["seed"]] = accuracy
    rows = []
    for (source, arm, labels), values in sorted(found.items()):
        mean, half = interval(list(values.values()))
        row = {"source": source, "arm": arm, "labels": labels, "mean": mean, "half_width": half}
        rows.append(row | {"seeds": sorted(values)})
    return rows


def differences(records: list[Record]) -> list[Row]:
    """Accuracy with synthetic digits minus accuracy without, of the same labelled images.

    With unlabelled images: each method minus augmentation alone, and GAN_ADDS.
    """
    real = {(one["labels"], one["seed"]): one["accuracy"] for one in records if one["source"] == NONE}
    paired = []
    for one in records:
        base = real.get((one["labels"], one["seed"]))
        if one["source"] == NONE or not base:
            continue
        accuracy = one["accuracy"]
        change = {arm: value - base.get(arm, base["augmented"]) for arm, value in accuracy.items()}
        if one["source"] == UNLABELLED:
            change[GAN_ADDS] = accuracy["both"] - accuracy["consistency"]
        paired.append(one | {"accuracy": change})
    return rows(paired)


def of(found: list[Row], source: str, arm: str) -> list[Row]:
    """The rows of one source and arm, by labels a class."""
    return [row for row in found if (row["source"], row["arm"]) == (source, arm)]


def p_value(row: Row) -> float:
    """The p-value of the paired t-test for a difference; 1 for one seed."""
    k, half = len(row["seeds"]), row["half_width"]
    if not half:
        return 1.0 if half is None or not row["mean"] else 0.0
    from scipy.stats import t  # slow to import

    return float(2 * t.sf(abs(row["mean"]) / half * quantile(k), k - 1))


def significant(found: list[Row]) -> list[Row]:
    """The significant rows after Holm's correction for all of them (Holm 1979).

    p_(i) <= alpha / (m - i), i = 0, 1, ..., up to the first that fails.
    """
    clear: list[Row] = []
    for row in sorted(found, key=p_value):
        if p_value(row) > (1 - CONFIDENCE) / (len(found) - len(clear)):
            break
        clear.append(row)
    return clear


def caption(report: Report, source: str) -> str:
    """The training images of a source of synthetic digits."""
    if source == "few":
        return "GAN trained on these labelled images alone"
    if source == UNLABELLED:
        return "GAN trained on these labelled images and all others without labels"
    return f"generator trained on {report['settings']['ckpt']['saw']} (upper bound)"


def gather(folder: Path) -> Report:
    """Everything about a study, from the cells in its folder."""
    settings = load_json(folder / "settings.json")
    records = [one for _, one in sorted(finished(folder).items())]
    known = {one["source"] for one in records}
    return {
        "data": settings[NONE]["data"],
        "split": settings[NONE]["split"],
        "seeds": len({one["seed"] for one in records}),
        "sources": [source for source in SOURCES if source in known],
        "confidence": CONFIDENCE,
        "rows": rows(records),
        "differences": differences(records),
        "minutes": round(sum(one["seconds"] for one in records) / 60, 1),
        "settings": settings,
        "versions": {name: version(name) for name in ("torch", "lightning")},
        "cells": records,
    }


def _percent(row: Row, form: str = ".2f") -> str:
    mean = format(row["mean"] * 100, form)
    return mean if row["half_width"] is None else f"{mean} ± {row['half_width'] * 100:.2f}"


def tables(report: Report) -> str:
    """Markdown: accuracies and changes in percent, a table for each source of synthetic digits."""
    accuracy = {(row["source"], row["arm"], row["labels"]): _percent(row) for row in report["rows"]}
    head = ["labels a class", "real", "real + augmentation", "real + synthetic", "real + both"]
    head += ["synthetic adds", "significant", "beside augmentation it adds", "significant"]
    clear, parts = significant(report["differences"]), []
    for source in report["sources"]:
        if source == UNLABELLED:
            parts += _unlabelled(report, accuracy, clear)
            continue
        lines = [head]
        for changes in zip(*(of(report["differences"], source, arm) for arm in ARMS), strict=True):
            labels = changes[0]["labels"]
            line = [str(labels), *(accuracy[one, arm, labels] for one in (NONE, source) for arm in ARMS)]
            for change in changes:
                line += [_percent(change, "+.2f"), "yes" if change in clear else "no"]
            lines.append(line)
        parts.append(f"Synthetic digits of a {caption(report, source)}:\n\n{markdown(*lines)}")
    return "\n\n".join(parts)


def _unlabelled(report: Report, accuracy: dict[tuple[str, str, int], str], clear: list[Row]) -> list[str]:
    """The tables of the methods that use images without labels."""
    shown = [["labels a class", "labels alone", "with augmentation", *(TITLES[arm] for arm in METHODS)]]
    changes = [["labels a class", *(TITLES[arm] for arm in (*METHODS, GAN_ADDS))]]
    figures = [["labels a class", "label agreement", "CAS", "seconds of the GAN"]]
    for labels in [row["labels"] for row in of(report["rows"], UNLABELLED, "both")]:
        line = [accuracy.get((NONE, arm, labels), "-") for arm in ARMS]
        shown.append([str(labels), *line, *(accuracy[UNLABELLED, arm, labels] for arm in METHODS)])
        rows = [row for row in report["differences"] if (row["source"], row["labels"]) == (UNLABELLED, labels)]
        change = {row["arm"]: f"{_percent(row, '+.2f')}{' *' * (row in clear)}" for row in rows}
        changes.append([str(labels), *(change.get(arm, "-") for arm in (*METHODS, GAN_ADDS))])
        cells = [one for one in report["cells"] if (one["source"], one["labels"]) == (UNLABELLED, labels)]
        agreement, cas, seconds = (
            statistics.mean(one[name] for one in cells) for name in ("label_agreement", "cas", "gan_seconds")
        )
        figures.append([str(labels), f"{agreement:.2%}", f"{cas:.2%}", f"{seconds:.0f}"])
    return [
        f"All other images without labels:\n\n{markdown(*shown)}",
        f"Change against labels with augmentation, * significant:\n\n{markdown(*changes)}",
        f"The digits that the GAN draws:\n\n{markdown(*figures)}",
    ]


def sheet(report: Report) -> list[Row]:
    """The rows of a CSV file: every accuracy and difference as a share, with its interval."""
    found = [{"what": "accuracy", **row} for row in report["rows"]]
    found += [{"what": "difference", **row} for row in report["differences"]]
    return [row | {"seeds": len(row["seeds"])} for row in found]
