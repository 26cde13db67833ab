"""The look of the page's pictures, and the files that people take: other programs open them."""

import base64
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import needs_chromium, opened
from PIL import Image, ImageSequence
from playwright.sync_api import Browser, Page

from gan.digits.line import Line
from gan.digits.look import PRESETS, SIZES, Look, load_preset
from gan.digits.outline import Outline, rasterise, trace
from gan.export import web
from gan.export.constant import describe_colours
from gan.lab import Lab

pytestmark = needs_chromium
pytest_plugins = ["studio_page"]
SCRIPTS = ("outline.js", "texture.js", "look.js", "files.js", "skeleton.js", "film.js")
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
    model = f"const MODEL = {json.dumps({'sizes': SIZES, 'colours': describe_colours()})}; const picture = {picture};"
    path.write_text(f"<script>{model} picture.ink = new Float32Array({ink})</script>{scripts}")
    said: list[str] = []
    with opened(chromium, path.as_uri(), said=said) as page:
        yield page
    assert [one for one in said if "willReadFrequently" not in one] == []


def decoded(url: str) -> bytes:
    """The bytes of a data address."""
    return base64.b64decode(url.split(",")[1])


def painted(page: Page, look: Look, width: int, height: int, options: str = "{}") -> np.ndarray[Any, Any]:
    """What paint draws: bytes [H, W, 4]."""
    url = page.evaluate(f"""(look) => {{
        const canvas = Object.assign(document.createElement("canvas"), {{ width: {width}, height: {height} }});
        paint(canvas.getContext("2d"), picture, look, {width}, {height}, {options});
        return canvas.toDataURL();
    }}""", vars(look))  # fmt: skip
    with Image.open(io.BytesIO(decoded(url))) as image:
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
    [("PNG", {}), ("GIF", {}), ("JPEG", {}), ("JPEG", {"progressive": True}),
     ("WEBP", {}), ("WEBP", {"lossless": True}), ("WEBP", {"exif": b"Exif\0\0MM"})],
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


ABOUT = {"Title": "Handwritten 2026-11-22", "Description": "Handwritten 2026-11-22, café <&>", "Seed": "2",
         "Link": "https://example.org/#seed=2", "Licence": "MIT"}  # fmt: skip
READ = """
const urlOf = (blob) => new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
});
"""
needs_rsvg = pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="there is no rsvg-convert")


def drawn_by_rsvg(svg: str, width: int) -> np.ndarray[Any, Any]:
    """An SVG as bytes [H, W, 4]."""
    command = ["rsvg-convert", f"--width={width}", "--keep-aspect-ratio"]
    done = subprocess.run(command, input=svg.encode(), capture_output=True, check=True)
    with Image.open(io.BytesIO(done.stdout)) as image:
        return np.array(image.convert("RGBA")).astype(float)


@needs_rsvg
@pytest.mark.parametrize("name", ["sunset", "sticker", "paper"])
def test_an_svg_is_the_picture_and_says_what_it_is(shown: Page, line: Line, name: str) -> None:
    look = load_preset(name)
    svg = shown.evaluate("([look, text]) => drawSvg(picture, look, text)", [vars(look), ABOUT])
    found, expected = drawn_by_rsvg(svg, 872), drawn_by_rsvg(line.picture(look).svg(), 872)
    assert found.shape == expected.shape
    assert float(np.abs(found - expected).mean()) < 3
    root, space = ElementTree.fromstring(svg), "{http://www.w3.org/2000/svg}"
    assert (root.findtext(f"{space}title"), root.findtext(f"{space}desc")) == (ABOUT["Title"], ABOUT["Description"])
    data = json.loads(root.findtext(f"{space}metadata") or "")
    assert data == {key: value for key, value in ABOUT.items() if key not in ("Title", "Description")}
    assert len(svg) < 9_000


def test_a_png_has_its_size_and_its_text(shown: Page) -> None:
    sides = [
        shown.evaluate("(size) => pixelsOf(picture, size)", size)
        for size in ("1x", "2x", "4x", "square", "portrait", "story", "card")
    ]
    assert [max(one) for one in sides[:3]] == [1000, 2000, 4000]
    assert sides[3:] == [[1080, 1080], [1080, 1350], [1080, 1920], [1200, 675]]
    url = shown.evaluate(f"""async (text) => {{ {READ}
        const pen = newPen(300, 100);
        paint(pen, picture, PLAIN, 300, 100);
        return urlOf(await toPng(pen.canvas, text));
    }}""", ABOUT)  # fmt: skip
    with Image.open(io.BytesIO(decoded(url))) as image:
        image.load()
        assert image.size == (300, 100)
        assert {key: image.info[key] for key in ABOUT} == ABOUT


FILM = f"""async ([encode, look, text]) => {{ {READ}
    const found = strokesOf(picture);
    const frame = (pen, i) =>
        paint(pen, picture, look, 300, 80, i < 7 ? {{ reveal: writtenOf(found, i / 7) }} : {{}});
    const shares = [];
    const film = {{ count: 8, width: 300, height: 80, delay: 40, end: 1500, text, frame }};
    const blob = await {{ toGif, toWebp }}[encode]({{ ...film, progress: (share) => shares.push(share) }});
    return [await urlOf(blob), blob.type, shares];
}}"""


@pytest.mark.parametrize("encode", ["toGif", "toWebp"])
@pytest.mark.parametrize("name", ["sunset", "sticker", "chalkboard"])
def test_a_film_is_the_frames_and_says_what_it_is(shown: Page, encode: str, name: str) -> None:
    look = load_preset(name)
    url, kind, shares = shown.evaluate(FILM, [encode, vars(look), ABOUT])
    assert shares == [(i + 1) / 8 for i in range(8)]
    with Image.open(io.BytesIO(decoded(url))) as film:
        assert (film.size, film.info["loop"], film.get_format_mimetype()) == ((300, 80), 0, kind)
        frames, times = [], []
        for frame in ImageSequence.Iterator(film):
            frames.append(np.array(frame.convert("RGBA")).astype(float))
            times.append(frame.info["duration"])
        about = film.info["comment" if encode == "toGif" else "xmp"].decode()
    assert times == [40] * 7 + [1500]
    for value in ABOUT.values():
        assert (value if encode == "toGif" else value.replace("<&>", "&#60;&#38;&#62;")) in about
    expected = painted(shown, look, 300, 80).astype(float)
    away = np.abs(frames[-1] - expected)
    if encode == "toWebp":
        assert away[expected[..., 3] == 255].max() <= 1
    else:
        assert away[expected[..., 3] == 255].mean() < 3
    empty = painted(shown, look, 300, 80, "{ reveal: (pen) => pen.fillRect(0, 0, 0, 0) }")
    inked = [float((np.abs(frame - empty).max(2) > 60).mean()) for frame in frames]
    assert inked[0] < 0.01
    assert inked == sorted(inked)


def test_a_flat_gif_is_small_and_all_its_colours_are_true(shown: Page) -> None:
    url, _, _ = shown.evaluate(FILM, ["toGif", vars(load_preset("paper")), ABOUT])
    assert len(decoded(url)) < 8_000
    with Image.open(io.BytesIO(decoded(url))) as film:
        assert film.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_film_can_be_cancelled_and_is_not_too_large(shown: Page) -> None:
    words = """([count, width]) => {
        const controller = new AbortController();
        let frames = 0;
        const frame = () => ++frames === 3 && controller.abort();
        const film = { count, width, height: 1000, delay: 40, end: 40, text: {}, frame, signal: controller.signal };
        return toWebp(film).catch(({ name, message }) => [name, message, frames]);
    }"""
    assert shown.evaluate(words, [9, 10])[::2] == ["AbortError", 3]
    expected = ["Error", "This film is too large: choose a smaller size or less text", 0]
    assert shown.evaluate(words, [101, 1000]) == expected


def strokes(page: Page, ink: np.ndarray[Any, Any] | None = None) -> tuple[list[Any], float]:
    """The strokes of the line, or of ink [H, W] in one box."""
    height, width = (0, 0) if ink is None else ink.shape
    values = None if ink is None else ink.flatten().tolist()
    made = f"{{ ink: new Float32Array(ink), width: {width}, height: {height}, boxes: [] }}"
    found = page.evaluate(f"(ink) => strokesOf(ink ? {made} : picture)", values)
    return found["strokes"], found["thickness"]


def test_strokes_of_plain_shapes_are_those_that_one_writes(shown: Page) -> None:
    y, x = np.mgrid[:41, :41] - 20
    ink = [np.hypot(along - along.clip(-12, 12), across) < 1.6 for along, across in ((x, y), (y, x))]
    [[*points]], thickness = strokes(shown, ink[0].astype(float))
    assert thickness == pytest.approx(3, abs=0.4)
    assert points[0][0] < 11
    assert points[-1][0] > 29  # from left to right
    assert all(abs(point[1] - 20.5) < 0.4 for point in points)
    upright, level = strokes(shown, (ink[0] | ink[1]).astype(float))[0]  # straight through the crossing
    assert [round(value, -1) for value in (*upright[0], *upright[-1])] == [20, 10, 20, 30]
    assert [round(value, -1) for value in (*level[0], *level[-1])] == [10, 20, 30, 20]
    ring = abs(np.hypot(x, y) - 10) < 1.5
    [[*points]], _ = strokes(shown, ring.astype(float))
    assert points[0] == points[-1]
    assert points[0][1] == min(one[1] for one in points)
    assert points[3][0] < points[0][0]  # from the top, to the left
    assert all(abs(np.hypot(a - 20.5, b - 20.5) - 10) < 0.5 for a, b in points)
    [[dot]], _ = strokes(shown, (np.hypot(x, y) < 1.6).astype(float))
    assert dot == pytest.approx([20.5, 20.5], abs=0.6)
    assert strokes(shown, np.zeros((41, 41)))[0] == []


@needs_rsvg
def test_strokes_of_a_line_cover_its_ink_in_writing_order(shown: Page, line: Line) -> None:
    found, _ = strokes(shown)
    middles = [float(np.mean([point[0] for point in stroke])) for stroke in found]
    homes = [min(line.boxes, key=lambda box: abs(box.x + box.width / 2 - middle)).x for middle in middles]
    assert homes == sorted(homes)
    assert {box.x for box in line.boxes} == set(homes)
    svg = shown.evaluate("(text) => strokesSvg(picture, '#000000', text)", ABOUT)
    assert len(re.findall("<path ", svg)) == len(found)
    assert 'fill="none"' in svg
    mine = drawn_by_rsvg(svg, 872)[..., 3] > 127
    ink = drawn_by_rsvg(line.picture(Look(ink="black", paper="transparent")).svg(), 872)[..., 3] > 127
    assert (mine & ink).sum() / ink.sum() > 0.85
    assert (mine & ink).sum() / (mine | ink).sum() > 0.7


def test_links_that_post_name_the_picture_and_run_nothing_of_theirs(shown: Page) -> None:
    posts = shown.evaluate("networksOf('2 + 2 & more', 'https://example.org/#text=2')")
    assert len(posts) == len(dict(posts)) >= 8
    for _, address in posts:
        assert address.startswith(("https://", "mailto:"))
        assert "https%3A%2F%2Fexample.org%2F%23text%3D2" in address
    assert not shown.evaluate("isPublic()")  # it was opened from disk
