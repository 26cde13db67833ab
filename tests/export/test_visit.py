"""One visit to the studio, from the first key to the link that somebody else opens."""

import math
from pathlib import Path

import pytest
from browser import drawn, needs_chromium, opened, write_on_pad
from playwright.sync_api import Browser, Page

pytest_plugins = ["studio_page"]
PIXELS = "settled.then(() => $('picture').toDataURL())"
FOUR = [[(82, 40), (62, 140), (205, 138)], [(170, 45), (140, 250)]]
MARKS = 30
MOVES, EVERY = 120, 16  # of a drag, and the milliseconds between them


def drag(page: Page, digit: int) -> dict[str, float]:
    """Drag a digit in loops; inputs that came, those drawn, milliseconds to the canvas."""
    page.evaluate("Object.assign(trace, { inputs: 0, drawn: 0, ms: [] })")
    box = page.locator(f"#digits [data-digit='{digit}']").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(MOVES):
        page.mouse.move(x + 60 * math.sin(i / 15), y - 40 * math.sin(i / 9))
        page.wait_for_timeout(EVERY)
    page.mouse.up()
    found: dict[str, float] = page.evaluate("""settled.then(() => {
      const ms = trace.ms.toSorted((a, b) => a - b);
      const at = (share) => ms[Math.floor(share * (ms.length - 1))];
      return { inputs: trace.inputs, drawn: ms.length, median: at(0.5), late: at(0.95) };
    })""")
    return found


@pytest.mark.slow
@needs_chromium
def test_a_visit_ends_in_a_link_that_draws_the_same(chromium: Browser, page: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    home = (page / "index.html").as_uri()
    with opened(chromium, home, asked=asked, said=said) as shown, opened(chromium, home) as other:
        drawn(shown)
        shown.fill("#text", "2026-11-22")
        trace = drag(shown, 2)
        assert trace["inputs"] > MOVES / 2
        assert trace["drawn"] >= 0.5 * trace["inputs"]  # 95 % where nothing else runs
        assert trace["late"] < 500  # milliseconds; 16 where nothing else runs
        dragged = shown.evaluate(PIXELS)
        shown.evaluate("set({ ink: '#7a1f1f', paper: '#fdf6e3-#f3e3c3' })")
        recoloured = shown.evaluate(PIXELS)
        assert recoloured != dragged
        write_on_pad(shown, FOUR)
        shown.wait_for_function("good.hand && reading")
        written = shown.evaluate(PIXELS)
        assert written != recoloured
        shown.click("#panel-taste summary")
        shown.wait_for_function("offered !== null")
        shown.focus("#like")
        for i in range(MARKS):
            shown.keyboard.press("jk"[i % 2])
            shown.evaluate("tasting")
        shown.wait_for_function(f"opinions.length === {MARKS} && $('liked').children.length")
        for _ in FOUR:  # a stroke is a step; marks are none
            shown.keyboard.press("Control+z")
        assert shown.evaluate(PIXELS) == recoloured
        for _ in FOUR:
            shown.keyboard.press("Control+y")
        assert shown.evaluate(PIXELS) == written
        drawn(other)
        other.goto("about:blank")
        other.goto(shown.url)
        drawn(other)
        assert other.evaluate(PIXELS) == written
    own = (home.removesuffix("index.html"), "blob:", "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert said == []
