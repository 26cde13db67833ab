"""Lines in the page: the pixels and boxes of Python's, and layouts of several."""

from typing import Any

import numpy as np
import pytest
from browser import drawn, needs_chromium, opened
from playwright.sync_api import Browser, Page

from gan.lab import Lab

pytest_plugins = ["studio_page"]
WRITE = """async (changes) => {
  const how = { ...settings(), ...changes };
  const { picture } = await write(blocksOf(how), how, true);
  return { ...picture, ink: [...picture.ink] };
}"""
DRAW = {"hand": "", "digits": "", "truncation": 1.0}
# What is asked in Python, and the same in the page.
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("2026-11-22", {"seed": 2}, {}),
    ("0123456789", {"seed": 7, "mixed": True}, {}),
    ("(12:34) +5,6/7.8", {"seed": 3, "style": {"slant": -1.5}}, {"slant": -1.5}),
    ("9% =8€ $4 #77", {"seed": 2**24 - 1, "style": {"thickness": 2.0}}, {"thickness": 2.0}),
    ("44 99", {"seed": 1, "style": {"width": 1.0, "height": -1.0}, "truncation": 0.5}, {"width": 1.0, "height": -1.0}),
    ("31415", {"seed": 5, "layout": {"spacing": -0.1, "jitter": 0.2}, "variation": 0.8}, {}),
    ("2718/28", {"seed": 6, "layout": {"slant": 20.0}}, {"lean": 20}),
    (
        "60689",
        {"seed": 4, "preset": "accessible"},
        {"truncation": 0.5, "thickness": 0.5, "certain": True, "clean": True},
    ),
    ("-:-", {"seed": 9}, {}),
]


def write(page: Page, text: str, **changes: object) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(WRITE, DRAW | {"text": text} | changes)
    return found


@needs_chromium
def test_a_line_has_the_pixels_and_boxes_of_pythons(chromium: Browser, page: Any) -> None:
    lab = Lab()
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        for text, asked, changes in CASES:
            line = lab.line(text, **asked)
            same = {name: asked[name] for name in ("seed", "mixed", "variation", "truncation") if name in asked}
            same |= {name: asked["layout"][name] for name in ("spacing", "jitter") if name in asked.get("layout", {})}
            found = write(shown, text, **same, **changes)
            boxes = [tuple(box[part] for part in ("character", "x", "y", "width", "height")) for box in found["boxes"]]
            assert boxes == [(box.character, box.x, box.y, box.width, box.height) for box in line.boxes], text
            expected = (line.image[0].numpy() + 1) / 2
            apart = np.abs(np.array(found["ink"]).reshape(expected.shape) - expected)
            assert apart.max() < 1.01 / 255, text  # a byte may round to the other side
            assert apart.mean() < 1e-4, text


@needs_chromium
@pytest.mark.parametrize(
    ("layout", "text", "rows", "columns"),
    [("column", "12 345 6", 3, 1), ("grid", "123456789", 3, 3), ("month", "2026-02", 6, 7), ("sum", "95+17-2", 4, 1)],
)
def test_a_layout_stands_in_rows_and_columns(
    chromium: Browser, page: Any, layout: str, text: str, rows: int, columns: int
) -> None:
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        found = write(shown, text, layout=layout)
        blocks = shown.evaluate("(how) => blocksOf(how)", {"text": text, "layout": layout, "align": "left"})
    written = "".join(block["text"] for block in blocks)
    assert "".join(box["character"] for box in found["boxes"]) == written
    if layout == "sum":
        assert written == "95+17-2110"
    if layout == "month":
        assert written == "2026-02" + "".join(str(day + 1) for day in range(28))
        assert blocks[1]["column"] == 6  # 1 February 2026 is a Sunday
    assert len({block["row"] for block in blocks if block["text"]}) == rows
    assert len({block["column"] for block in blocks}) == columns
    ink = np.array(found["ink"]).reshape(found["height"], found["width"])
    for box in found["boxes"]:
        if box["character"]:
            assert ink[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]].max() > 0.3
    for one in found["boxes"]:  # no digit lies on another
        for two in found["boxes"]:
            if one is not two and one["character"] and two["character"] and layout != "sum":
                apart = one["x"] + one["width"] <= two["x"] or two["x"] + two["width"] <= one["x"]
                assert apart or one["y"] + one["height"] <= two["y"] or two["y"] + two["height"] <= one["y"]
