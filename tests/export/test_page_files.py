"""The look of the page's pictures, and the files that people take away: other programs open them."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from browser import needs_chromium, opened
from PIL import Image
from playwright.sync_api import Browser, Page

from gan.digits.line import Line
from gan.digits.look import PRESETS, Look, load_preset
from gan.digits.outline import Outline, rasterise, trace
from gan.export import web
from gan.lab import Lab

pytestmark = needs_chromium
pytest_plugins = ["studio_page"]
SCRIPTS = ("outline.js", "texture.js", "look.js")
TEXT = "2026-11-22"


@pytest.fixture(scope="module")
def line() -> Line:
    return Lab().line(TEXT)


@pytest.fixture(scope="module")
def shown(chromium: Browser, line: Line, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of these scripts alone; ``picture`` is the line."""
    height, width = line.image.shape[1:]
    ink = ((line.image + 1) / 2).flatten().tolist()
    boxes, digits = [], 0
    for box in line.boxes:
        is_digit = box.character.isdigit()
        boxes.append(vars(box) | {"digit": digits if is_digit else -1})
        digits += is_digit
    picture = json.dumps({"width": width, "height": height, "boxes": boxes})
    path = tmp_path_factory.mktemp("bare") / "index.html"
    scripts = "".join(f'<script src="{(web.PAGE / name).as_uri()}"></script>' for name in SCRIPTS)
    path.write_text(f"<script>const picture = {picture}; picture.ink = new Float32Array({ink})</script>{scripts}")
    said: list[str] = []
    with opened(chromium, path.as_uri(), said=said) as page:
        yield page
    assert [one for one in said if "willReadFrequently" not in one] == []


def painted(page: Page, look: Look, width: int, height: int, options: str = "{}") -> np.ndarray[Any, Any]:
    """What paint draws: bytes [H, W, 4]."""
    url = page.evaluate(f"""(look) => {{
        const canvas = Object.assign(document.createElement("canvas"), {{ width: {width}, height: {height} }});
        paint(canvas.getContext("2d"), picture, look, {width}, {height}, {options});
        return canvas.toDataURL();
    }}""", vars(look))  # fmt: skip
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as image:
        return np.array(image.convert("RGBA"))


def test_outlines_are_nearly_those_of_python_in_less_than_2_ms(shown: Page, line: Line) -> None:
    contours, ms = shown.evaluate("""() => {
        let [best, found] = [Infinity];
        for (let i = 0; i < 200; i++) {
            const start = performance.now();
            found = outline(picture);
            best = Math.min(best, performance.now() - start);
        }
        return [found, best];
    }""")
    assert ms < 2
    curves = []
    for contour in map(np.array, contours):
        start, end = (contour + np.roll(contour, 1, 0)) / 2, (contour + np.roll(contour, -1, 0)) / 2
        handles = [one + 2 / 3 * (contour - one) for one in (start, end)]
        curves.append(Outline(np.stack([start, *handles, end], 1)))
    expected = trace(line.image[0])
    assert len(curves) == len(expected)
    height, width = line.image.shape[1:]
    mine, pythons = ((rasterise(one, height, width, 8) + 1) / 2 for one in (curves, expected))
    assert float((mine - pythons).abs().sum() / pythons.sum()) < 0.05
    assert float(mine.sum() / pythons.sum()) == pytest.approx(1, abs=0.02)


def test_faint_ink_is_outlined_and_a_blank_picture_has_no_outline(shown: Page) -> None:
    counts = "(share) => outline({ ...picture, ink: picture.ink.map((value) => value * share) }).length"
    assert [shown.evaluate(counts, share) for share in (1, 0.3, 0.05)] == [16, 16, 0]


def test_the_path_of_outlines_ends_where_it_began_and_keeps_to_a_hundredth(shown: Page) -> None:
    away = shown.evaluate("""() => {
        const contours = outline(picture);
        const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        let worst = 0;
        for (const contour of contours.slice(0, 3)) {
            line.setAttribute("d", pathData([contour]));
            const length = line.getTotalLength();
            const points = Array.from({ length: 2000 }, (_, i) => line.getPointAtLength((i * length) / 2000));
            contour.forEach(([x, y], i) => {
                const [a, b] = contour.at(i - 1);
                const away = points.map((point) => Math.hypot(point.x - (a + x) / 2, point.y - (b + y) / 2));
                worst = Math.max(worst, Math.min(...away));
            });
        }
        return worst;
    }""")
    assert away < 0.06  # pixels: half of the distance between the points that are looked at, and the rounding


@pytest.mark.parametrize("name", ["plain", "paper", "sunset", "sticker", "notebook", "blueprint"])
def test_a_preset_is_painted_as_by_python(shown: Page, line: Line, name: str) -> None:
    look = load_preset(name)
    picture = line.picture(look, size=(800, 300)).painted.movedim(0, -1)
    expected = picture.expand(-1, -1, 3) if picture.shape[2] == 1 else picture
    found = painted(shown, look, 800, 300, f"{{ margin: {line.picture(size=(800, 300)).margin} }}")
    away = np.abs(found[..., : expected.shape[2]].astype(float) - expected.numpy())
    if expected.shape[2] == 4:  # colours of empty pixels do not show
        away[..., :3] *= found[..., 3:] / 255
    assert float(away.mean()) < 2.5  # of 255
    assert float(np.median(away)) <= 1


def test_a_texture_is_the_same_for_a_seed_and_another_for_another(shown: Page) -> None:
    for name in ("grain", "chalk"):
        look = Look(ink="#f4f1e6", paper="#2c4438", texture=name)
        first, again, other = (painted(shown, look, 300, 120, f"{{ seed: {seed} }}") for seed in (1, 1, 2))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)
        plain = painted(shown, Look(ink="#f4f1e6", paper="#2c4438"), 300, 120)
        away = (first - plain.astype(float))[:20]  # paper
        assert 2 < away.std() < 8
        assert abs(away.mean()) < 2


def test_contrast_is_that_of_python(shown: Page) -> None:
    looks = [load_preset(path.stem) for path in PRESETS.glob("*.yaml")]
    looks += [Look(ink="#f008-navy", paper="#ff0-#0000"), Look(ink="#777", paper="transparent", texture="ruled")]
    for look in looks:
        assert shown.evaluate("(look) => contrast(look)", vars(look)) == pytest.approx(look.contrast)
    said = [shown.evaluate("gradeContrast", ratio) for ratio in (12.67, 4.5, 3, 2.99)]
    assert said == [
        "Contrast 12.6:1 AAA",
        "Contrast 4.5:1 AA",
        "Contrast 3.0:1 AA for large digits",
        "Contrast 2.9:1, below 3:1: hard to read",
    ]


@pytest.mark.parametrize("text", ["", "#12345", "navy-", "navy-red-blue", "url(x)", "rgb(1,2,3)", "nosuchcolour"])
def test_what_is_no_colour_is_refused_in_a_line(shown: Page, text: str) -> None:
    wrong = shown.evaluate("(ink) => checkLook({ ...PLAIN, ink, texture: 'wool', direction: 'up' })", text)
    assert wrong.pop("ink").startswith(f'"{text}" is no colour: allowed are #rrggbb, ')
    assert wrong == {
        "direction": "Must be down or right",
        "texture": "Must be one of none, grain, ruled, squared, chalk",
    }


def encoded(kind: str, **options: Any) -> bytes:
    Image.new("RGB", (640, 480), "#808080").save(file := io.BytesIO(), kind, **options)
    return file.getvalue()


OPEN = """([name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return openPicture(new File([bytes], name)).then(
        (photo) => [photo.width, photo.height, contrast({ ...PLAIN, ink: "#fff" }, photo)], ({ message }) => message);
}"""


def opened_as(page: Page, name: str, contents: bytes) -> Any:
    return page.evaluate(OPEN, [name, base64.b64encode(contents).decode()])


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("GIF", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("WEBP", {"lossless": True}),
     ("WEBP", {"exif": b"Exif\0\0MM"})],
)  # fmt: skip
def test_a_picture_of_your_own_is_paper_and_its_contrast_is_measured(
    shown: Page, kind: str, options: dict[str, Any]
) -> None:
    width, height, ratio = opened_as(shown, "mine", encoded(kind, **options))
    assert (width, height) == (640, 480)
    assert ratio == pytest.approx(Look(ink="#fff", paper="#808080").contrast, abs=0.1)


def test_a_picture_that_is_none_is_refused_in_a_line(shown: Page) -> None:
    assert opened_as(shown, "a.png", b"") == "a.png is empty: choose another file"
    none = "is no PNG, JPEG, WebP or GIF picture: choose one of these"
    for contents in (b"%PDF-1.7" * 9, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xff\xd8\xff" * 40, b"GIF89a"):
        assert opened_as(shown, "a", contents) == f"a {none}"
    big = bytearray(encoded("PNG"))
    big[16:24] = (60_000).to_bytes(4, "big") * 2
    assert opened_as(shown, "b.png", bytes(big)) == "b.png has 3600 megapixels, more than 50: make it smaller"
    cut = encoded("PNG")[:60]
    assert opened_as(shown, "c.png", cut) == "c.png is damaged: this browser cannot read it"
