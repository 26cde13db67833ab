"""``python tests/export/record.py PAGE``: a film of the studio, docs/measured/studio.gif.

PAGE is the folder of ``python -m gan.export out=PAGE/``. A digit is dragged, then a 4 is drawn.
"""

import io
import itertools
import sys
from pathlib import Path

from browser import drawn, launched, opened
from PIL import Image
from playwright.sync_api import Page

FILM = Path(__file__).parents[2] / "docs" / "measured" / "studio.gif"
SIZE = (860, 800)  # of the window, in pixels
SHOWN = 620  # width of the film
FRAME, REST = 70, 1400  # milliseconds
FOUR = (
    [(82, 40), (70, 95), (62, 140), (110, 143), (160, 141), (205, 138)],
    [(170, 45), (160, 120), (148, 190), (140, 250)],
)
POINTER = """
  const dot = document.body.appendChild(document.createElement("div"));
  const look = "position:fixed;width:18px;height:18px;margin:-9px;border-radius:9px;background:#e4572eaa;";
  dot.style.cssText = `${look}pointer-events:none`;
  const follow = ({ clientX, clientY }) => ([dot.style.left, dot.style.top] = [`${clientX}px`, `${clientY}px`]);
  addEventListener("pointermove", follow, true);
"""  # since screenshots show no pointer


class Film:
    """Frames of a page, with the milliseconds of each."""

    def __init__(self, page: Page) -> None:
        self.page, self.frames, self.times = page, list[Image.Image](), list[int]()

    def shoot(self, milliseconds: int = FRAME) -> None:
        self.page.evaluate("settled")
        with Image.open(io.BytesIO(self.page.screenshot())) as shot:
            small = shot.convert("RGB").resize((SHOWN, SHOWN * SIZE[1] // SIZE[0]), Image.Resampling.LANCZOS)
        self.frames.append(small.quantize(48, dither=Image.Dither.NONE))
        self.times.append(milliseconds)

    def move(self, points: list[tuple[float, float]], steps: int) -> None:
        """Move the pointer along points, with a frame at each of the steps between two."""
        for (x, y), (right, down) in itertools.pairwise(points):
            for step in range(1, steps + 1):
                self.page.mouse.move(x + (right - x) * step / steps, y + (down - y) * step / steps)
                self.shoot()

    def save(self, path: Path) -> None:
        first, *others = self.frames
        first.save(path, save_all=True, append_images=others, duration=self.times, loop=0, optimize=True)


def main(folder: str) -> None:
    with (
        launched() as browser,
        opened(browser, f"{Path(folder, 'index.html').resolve().as_uri()}#text=2026-11-22") as page,
    ):
        page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
        drawn(page)
        page.evaluate(POINTER)
        film = Film(page)
        film.shoot(REST)
        box = page.locator("#digits [data-digit='3']").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        film.move([(x - 120, y + 160), (x, y)], 3)
        page.mouse.down()
        film.move([(x, y), (x + 70, y - 10), (x + 70, y - 70), (x - 40, y + 20)], 7)
        page.mouse.up()
        film.shoot(REST)
        pad = page.locator("#pad").bounding_box()
        assert pad is not None
        scale = pad["width"] / 280
        for stroke in FOUR:
            points = [(pad["x"] + right * scale, pad["y"] + down * scale) for right, down in stroke]
            page.mouse.move(*points[0])
            page.mouse.down()
            film.move(points, 2)
            page.mouse.up()
            page.wait_for_timeout(400)
        film.shoot(2 * REST)
        film.save(FILM)
    print(f"{FILM}: {len(film.frames)} frames, {FILM.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
