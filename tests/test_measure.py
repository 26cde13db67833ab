"""What is measured of the tools for digits: closed forms, and a small run of all."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from conftest import call

from gan import measure
from gan.digits.layout import Box
from gan.digits.line import Line


def test_the_edit_distance_counts_what_must_change() -> None:
    pairs = [("1234", "1234"), ("1234", "134"), ("1234", "12534"), ("1234", "1934"), ("", "12"), ("1234", "4321")]
    assert [measure.distance(a, b) for a, b in pairs] == [0, 1, 1, 1, 2, 4]


def test_ink_outside_a_box_and_a_loose_box_are_counted() -> None:
    x = torch.full((1, 10, 20), -1.0)
    x[0, 2:8, 3:6] = 1
    tight = Box("1", 3, 2, 3, 6)
    assert measure.outside(Line(x, "1", [tight], 0)) == 0
    assert measure.outside(Line(x, "1", [Box("1", 3, 2, 3, 5)], 0)) == 3
    assert measure.outside(Line(x, "1", [Box("1", 2, 2, 4, 7)], 0)) == 2


def test_what_is_in_a_box_comes_to_the_middle() -> None:
    x = torch.full((1, 30, 60), -1.0)
    x[0, 2:22, 40:44] = 1
    (cell,) = measure.alone(Line(x, "1", [Box("1", 40, 2, 4, 20)], 0))
    rows, columns = ((cell[0] > 0).any(axis).nonzero().flatten().float().mean().item() for axis in (1, 0))
    assert (rows, columns) == (pytest.approx(13.5, abs=0.5), pytest.approx(13.5, abs=0.5))


def test_all_is_measured_and_told(mnist: str, tmp_path: Path) -> None:
    small = ["lines=20", "sliders=50", "outlines=3", "many=10"]
    call(measure.main, f"out={tmp_path / 'digits.json'}", f"root={mnist}", *small)
    found = json.loads((tmp_path / "digits.json").read_text())
    assert found["lines"]["digits"] == 160
    assert found["lines"]["read"]["one hand"] > 0.95
    assert found["lines"]["read"]["real"] > 0.95
    assert found["lines"]["pixels outside boxes or loose sides"] == 0
    assert found["outlines"]["bytes"]["worst"] < 4000
    if shutil.which("rsvg-convert"):
        assert found["outlines"]["error by librsvg"]["worst"] < 0.06
    assert "Spearman" in measure.markdown(found)


def test_real_digits_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no MNIST in"):
        call(measure.main, f"root={tmp_path}", f"out={tmp_path / 'x.json'}", "lines=2")
