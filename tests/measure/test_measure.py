"""The figures of the tools for digits: closed forms, and a small run of all."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, call, complaint

from gan import checkpoint, sample
from gan.digits import style
from gan.digits.layout import Box
from gan.digits.line import Line
from gan.digits.outline import trace
from gan.error import UserError
from gan.lab import Lab
from gan.measure import hole, line, program, slider, taste
from gan.measure.__main__ import main


def test_the_edit_distance_counts_what_must_change() -> None:
    pairs = [("1234", "1234"), ("1234", "134"), ("1234", "12534"), ("1234", "1934"), ("", "12"), ("1234", "4321")]
    assert [line.edit_distance(a, b) for a, b in pairs] == [0, 1, 1, 1, 2, 4]


def test_ink_outside_a_box_and_a_loose_box_are_counted() -> None:
    x = torch.full((1, 10, 20), -1.0)
    x[0, 2:8, 3:6] = 1
    tight = Box("1", 3, 2, 3, 6)
    assert line.count_box_errors(Line(x, "1", [tight], 0)) == 0
    assert line.count_box_errors(Line(x, "1", [Box("1", 3, 2, 3, 5)], 0)) == 3
    assert line.count_box_errors(Line(x, "1", [Box("1", 2, 2, 4, 7)], 0)) == 2


def test_a_digit_is_centred_by_its_mass() -> None:
    x = torch.full((1, 30, 60), -1.0)
    x[0, 2:22, 40:44] = 1
    (cell,) = line.centre_digits(Line(x, "1", [Box("1", 40, 2, 4, 20)], 0))
    rows, columns = ((cell[0] > 0).any(axis).nonzero().flatten().float().mean().item() for axis in (1, 0))
    assert (rows, columns) == (pytest.approx(13.5, abs=0.5), pytest.approx(13.5, abs=0.5))


def test_ink_is_covered_if_the_centre_of_its_pixel_is_in_a_box() -> None:
    inked = np.zeros((10, 20), bool)
    inked[2:8, 3:6] = True
    assert line.count_uncovered(inked, []) == 18
    assert line.count_uncovered(inked, [(3.0, 2.0, 3.0, 6.0)]) == 0
    assert line.count_uncovered(inked, [(3.4, 1.6, 2.9, 6.7)]) == 0
    assert line.count_uncovered(inked, [(3.6, 2.0, 3.0, 6.0)]) == 6
    assert line.count_uncovered(inked, [(3.0, 2.0, 1.0, 6.0), (4.0, 2.0, 1.0, 6.0)]) == 6


def test_digits_thrown_together_vary_as_much_as_independent_ones_do() -> None:
    x = torch.cat(list(sample.generate(Lab().generator, torch.arange(800), torch.full((800,), 5))))
    ratios = line.compare_variances(x, 100)
    assert list(ratios) == ["thickness", "slant", "width", "height"]
    assert all(5 < ratio < 13 for ratio in ratios.values())  # of means of 8


def test_the_latent_knows_nothing_of_height_and_finishing_leaves_thickness() -> None:
    lab, y = Lab(), torch.arange(10)
    z, asked = sample.latents(y, lab.generator.latent), torch.ones(10, 1)
    for place, (latent, finished) in enumerate(slider.apply_style(lab, z, y, asked, place) for place in (0, 3)):
        assert torch.equal(latent, finished) == (place == 0)
    plain = torch.cat(list(sample.images(lab.generator, z, y)))
    assert torch.equal(latent, plain)


def test_a_program_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tesseract").write_text("#!/bin/sh\necho first >&2\necho no such language >&2\nexit 3\n")
    (tmp_path / "tesseract").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    one = Line(torch.full((1, 30, 30), -1.0), "1", [], 0)
    with pytest.raises(UserError, match=r"^tesseract failed: first no such language$"):
        line.read_with_tesseract([one])
    with pytest.raises(UserError, match=r"^false failed: exit status 1$"):
        program.run(["false"])


def test_the_generator_that_is_timed_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.ckpt does not exist"):
        program.measure_speed(1, f"{tmp_path}/none.ckpt")


@pytest.mark.slow
def test_all_is_measured(mnist: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(taste, "SETTINGS", ["digits=300", "test_digits=300", "steps=20"])
    monkeypatch.setattr(taste, "JUDGED", 300)
    small = ["lines=20", "accessible=2", "sliders=60", "outlines=3", "users=1", "many=10"]
    call(main, "out=~/digits.json", "card=~/style.json", f"root={mnist}", *small)
    found = json.loads((tmp_path / "digits.json").read_text())
    lines, sliders = found["lines"], found["sliders"]
    assert lines["digits"] == 160
    assert list(lines["read"]) == [
        "one hand", "one hand, nothing drawn again", "mixed", "mixed, nothing drawn again", "real",
    ]  # fmt: skip
    assert all(share > 0.95 for share in lines["read"].values())
    for name in ("one hand", "mixed"):
        assert lines["read"][name] >= lines["read"][f"{name}, nothing drawn again"]
        assert lines["redrawn"][name] >= lines["unread"][name]
    assert lines["pixels outside boxes or loose sides"] == 0
    assert found["accessible"]["digits of a class"] == 2
    assert found["boxes"]["lines"] == 2
    assert found["boxes"]["looks"]["plain"]["in no box"] == 0
    assert found["boxes"]["looks"]["accessible"]["ink"] > 20 * found["boxes"]["looks"]["plain"]["ink"]
    assert sliders["height"]["by the latent alone"] is None
    assert sliders["slant"]["by the latent alone"] < sliders["slant"]["spearman"]
    assert list(sliders["slant"]["asked"]) == ["-3", "-2", "-1", "+1", "+2", "+3"]
    for step, at in sliders["slant"]["asked"].items():
        assert at["attained"] == pytest.approx(float(step), abs=0.1)
    card = json.loads((tmp_path / "style.json").read_text())
    assert card == found["axes"]
    assert card["held_out"]["r2"]["slant"] > 0.8
    assert found["outlines"]["bytes"]["worst"] < 4000
    assert list(found["taste"]["users"]) == list(taste.USERS)
    for user in found["taste"]["users"].values():
        (run,) = user["runs"]
        assert run["chosen"]["disliked"] < run["before"]["disliked"] / 2


def test_loops_are_counted_in_outlines(lab: Lab) -> None:
    digits = lab.sample(10, preset="accessible")
    found = hole.measure_digits(digits.images, digits.labels)
    assert found == {
        "missing holes": dict.fromkeys("0689", 0.0),
        "read": {"mnist": 1.0, "mnist_second": 1.0},
    }
    assert [hole.count_holes(trace(digits.images[label, 0])) for label in (0, 1, 6, 8, 9)] == [1, 0, 1, 2, 1]
    filled = digits.images[[6, 8]].clone()
    filled[0, 0, 13:25, 8:20] = 1.0
    found = hole.measure_digits(torch.cat([digits.images, filled]), torch.cat([digits.labels, torch.tensor([6, 8])]))
    assert found["missing holes"] == {"0": 0, "6": 0.5, "8": 0, "9": 0}


def test_one_part_is_measured_anew_and_the_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, out = ROOT / "docs" / "measured" / "digits.json", tmp_path / "digits.json"
    assert "only: " in complaint(main, "only=accessible", f"out={out}")
    assert "only must be one of lines, accessible, " in complaint(main, "only=boxs", f"out={out}")
    shutil.copy(kept, out)
    monkeypatch.setattr(hole, "measure_accessible", lambda *_: {"few": 1})
    call(main, "only=accessible", f"out={out}")
    before, found = json.loads(kept.read_text()), json.loads(out.read_text())
    assert found == before | {"accessible": {"few": 1}}
    assert list(found) == list(before)
    out.write_text(json.dumps(before | {"generator": "another"}))
    expected = f"{out} has no other figures of this generator: leave only out"
    assert expected in complaint(main, "only=accessible", f"out={out}", "overwrite=true")


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="librsvg is not installed")
def test_an_outline_looks_like_its_digit(lab: Lab) -> None:
    found = program.measure_outlines(lab, 3)
    assert found["error by librsvg"]["worst"] < 0.06 < found["error of a blank"]


def test_real_digits_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no MNIST in"):
        call(main, f"root={tmp_path}", f"out={tmp_path / 'x.json'}", "lines=2")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("out=x.txt", "out must end in .json, got x.txt"),
        ("card=style", "card must end in .json, got style"),
        ("accessible=0", "accessible must be a whole number from 1 to .*, got 0"),
        ("lines=1", "lines must be a whole number from 2 to .*, got 1"),
        ("sliders=6", "sliders must be a whole number from 60 to .*, got 6"),
        ("many=0", "many must be a whole number from 1 to .*, got 0"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(word: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"^error: {expected}$"):
        call(main, f"out={tmp_path / 'x.json'}", word)


def test_the_card_of_the_shipped_directions_is_that_of_the_shipped_generator() -> None:
    card = json.loads((style.SHIPPED / "style.json").read_text())
    assert card["generator_sha256"] == checkpoint.provenance(None)["sha256"]
    assert card["samples"] == style.SAMPLES
