"""What the figures of a downstream study mean: intervals, paired differences, significance."""

from typing import Any

import pytest
from scipy.stats import t, ttest_1samp

from gan.downstream import report
from gan.downstream.cell import NONE


def _record(source: str, labels: int, seed: int, plain: float, augmented: float) -> dict[str, Any]:
    accuracy = {"plain": plain, "augmented": augmented}
    return {"source": source, "labels": labels, "seed": seed, "accuracy": accuracy, "seconds": 1.0}


def test_an_interval_is_students() -> None:
    mean, half = report.interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean == 3
    assert half == pytest.approx(2.776445 * (2.5 / 5) ** 0.5, abs=1e-6)  # t(0.975, 4) s / sqrt(5)
    assert report.interval([0.5]) == (0.5, None)


def test_differences_are_paired_by_seed() -> None:
    records = [_record(NONE, 10, seed, 0.5 + seed / 10, 0.9) for seed in range(3)]
    records += [_record("few", 10, seed, 0.52 + seed / 10, 0.9 - seed / 100) for seed in (0, 1)]
    plain, augmented = (report.of(report.differences(records), "few", arm)[0] for arm in ("plain", "augmented"))
    assert (plain["mean"], plain["half_width"]) == (pytest.approx(0.02), pytest.approx(0, abs=1e-9))
    assert augmented["mean"] == pytest.approx(-0.005)
    assert augmented["half_width"] == pytest.approx(12.7062 * 0.005, abs=1e-4)
    assert augmented["seeds"] == [0, 1]


def _difference(labels: int, values: list[float]) -> dict[str, Any]:
    mean, half = report.interval(values)
    return {"labels": labels, "mean": mean, "half_width": half, "seeds": list(range(len(values)))}


def test_the_p_value_of_a_difference_is_that_of_the_paired_t_test() -> None:
    values = [0.01, 0.03, -0.01, 0.02, 0.02]
    assert report.p_value(_difference(10, values)) == pytest.approx(ttest_1samp(values, 0).pvalue)
    certain, none, single = ([0.25, 0.25], [0.0, 0.0], [0.5])
    assert [report.p_value(_difference(10, one)) for one in (certain, none, single)] == [0.0, 1.0, 1.0]


def test_significant_is_what_survives_holms_correction() -> None:
    # p is 0.001, 0.02, 0.03 and 0.04, each below 0.05; Holm's limits: 0.0125, 0.0167, 0.025, 0.05.
    means = [0.01 * t.isf(p / 2, 4) / t.isf(0.025, 4) for p in (0.03, 0.001, 0.04, 0.02)]
    found = [{"labels": n, "mean": mean, "half_width": 0.01, "seeds": [0] * 5} for n, mean in enumerate(means)]
    assert [row["labels"] for row in report.significant(found)] == [1]
    assert [row["labels"] for row in report.significant([found[1], found[3]])] == [1, 3]
    assert report.significant([]) == []


def test_the_table_says_which_changes_are_significant() -> None:
    records = [_record(NONE, 10, seed, 0.5 + seed / 100, 0.9) for seed in range(3)]
    records += [_record("few", 10, seed, 0.6 + seed / 100, 0.9 + (-1) ** seed / 50) for seed in range(3)]
    found = {"rows": report.rows(records), "differences": report.differences(records), "sources": ["few"]}
    caption, _, head, _, line = report.tables(found).splitlines()
    assert caption == "Synthetic digits of a GAN trained on these labelled images alone:"
    cells = dict(zip(head.split(" | ")[:7], line.split(" | ")[:7], strict=True))
    assert cells == {
        "| labels a class": "| 10", "real": "51.00 ± 2.48", "real + augmentation": "90.00 ± 0.00",
        "real + synthetic": "61.00 ± 2.48", "real + both": "90.67 ± 5.74", "synthetic adds": "+10.00 ± 0.00",
        "significant": "yes",
    }  # fmt: skip
    assert line.endswith("| +0.67 ± 5.74 | no |")


def _methods(seed: int) -> dict[str, Any]:
    accuracy = {"pseudo": 0.91, "consistency": 0.95, "discriminator": 0.9, "both": 0.97 + seed / 1000}
    cell = {"source": "unlabelled", "labels": 10, "seed": seed, "accuracy": accuracy, "seconds": 1.0}
    return cell | {"label_agreement": 0.99, "cas": 0.98, "gan_seconds": 60.0 + seed}


def test_methods_with_unlabelled_images_are_compared_with_augmentation_and_the_gan_with_consistency() -> None:
    cells = [_record(NONE, 10, seed, 0.8, 0.9) for seed in range(3)] + [_methods(seed) for seed in range(3)]
    changes = {row["arm"]: row["mean"] for row in report.differences(cells)}
    assert changes == {
        "pseudo": pytest.approx(0.01), "consistency": pytest.approx(0.05), "discriminator": pytest.approx(0),
        "both": pytest.approx(0.071), "both minus consistency": pytest.approx(0.021),
    }  # fmt: skip
    found = {"rows": report.rows(cells), "differences": report.differences(cells), "cells": cells}
    written = report.tables(found | {"sources": ["unlabelled"]})
    assert "| 10 | 80.00 ± 0.00 | 90.00 ± 0.00 | 91.00 ± 0.00 | 95.00 ± 0.00 | 90.00 ± 0.00 | 97.10 ± 0.25 |" in written
    assert "| 10 | +1.00 ± 0.00 * | +5.00 ± 0.00 * | +0.00 ± 0.00 | +7.10 ± 0.25 * | +2.10 ± 0.25 * |" in written
    assert written.endswith("| 10 | 99.00% | 98.00% | 61 |")
