"""The tables of the kept figures."""

import json

from conftest import ROOT

from gan.measure import report


def test_the_tables_say_how_a_style_is_made_and_which_program_was_missing() -> None:
    found = json.loads((ROOT / "docs" / "measured" / "digits.json").read_text())
    told = report.tables(found)
    assert "by the affine map alone" in told
    assert "| 0, 6, 8, 9, 1,000 each: a hole is missing | accessible 0.0" in told
    assert "| asked: attained, read | -3 | -2 | -1 | +1 | +2 | +3 |" in told
    found["outlines"]["error by librsvg"], found["lines"]["tesseract"]["real"] = None, None
    assert "| SVG outlines | " in report.tables(found)
    assert "real not installed" in report.tables(found)
