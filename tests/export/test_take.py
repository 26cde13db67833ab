"""What people do in the panels of colours and of files."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from browser import needs_chromium, opened
from PIL import Image
from playwright.sync_api import Browser, Page, Route

from gan.lab import Lab

pytestmark = [needs_chromium, pytest.mark.slow]
pytest_plugins = ["studio_page"]


@contextmanager
def studio(chromium: Browser, page: Path, settings: str = "") -> Iterator[Page]:
    """The whole page, with all panels open."""
    with opened(chromium, f"{(page / 'index.html').as_uri()}#text=2026-11-22&seed=2{settings}") as shown:
        shown.wait_for_function("typeof shown !== 'undefined' && shown.key")
        shown.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        yield shown


def pixel(page: Page, x: int = 3, y: int = 3) -> list[int]:
    """A pixel of the picture on the page."""
    read = f"[...$('picture').getContext('2d').getImageData({x}, {y}, 1, 1).data]"
    found: list[int] = page.evaluate(f"settled.then(() => {read})")
    return found


def told(page: Page, name: str) -> str:
    found: str = page.evaluate(f"settled.then(() => $('{name}').textContent)")
    return found


def test_colours_are_picked_typed_and_taken_from_presets(chromium: Browser, page: Path) -> None:
    with studio(chromium, page) as shown:
        shown.click("[data-preset=blueprint]")
        assert told(shown, "contrast") == "Contrast 5.5:1 AA"
        assert pixel(shown)[:3] in ([0x1D, 0x4A, 0x8F], [0x37, 0x63, 0xAA])
        pressed = "[...document.querySelectorAll('[data-preset][aria-pressed=true]')].map((one) => one.textContent)"
        pressed = f"settled.then(() => {pressed})"
        assert shown.evaluate(pressed) == ["blueprint"]
        assert told(shown, "typed").endswith(" out=digits.png")  # it is squared, and outlines have no texture
        shown.fill("[data-colour=paper][data-end='1']", "#ff0000")
        assert shown.evaluate("field('paper').value") == "#1d4a8f-#ff0000"
        assert shown.evaluate(pressed) == []
        shown.fill("[data-colour=paper][data-end='0']", "#00ff00")
        assert shown.evaluate("field('paper').value") == "#00ff00-#ff0000"
        assert "paper=%2300ff00-%23ff0000" in shown.evaluate("settled.then(() => location.hash)")
        shown.fill("#look-ink", "navy-#12")
        assert told(shown, "ink-wrong").startswith('"navy-#12" is no colour: allowed are #rrggbb, ')
        assert shown.evaluate("good.ink") == "#f2f7ff"  # the last good one is drawn
        shown.fill("#look-ink", "#0000ff")
        assert told(shown, "ink-wrong") == ""
        shown.click("#clear-paper")
        assert pixel(shown) == [0, 0, 0, 0]
        assert told(shown, "contrast").endswith("below 3:1: hard to read")
        shown.click("#undo")
        assert shown.evaluate("field('paper').value") == "#00ff00-#ff0000"


def test_a_picture_of_your_own_becomes_paper_and_no_link_holds_it(
    chromium: Browser, page: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (640, 480), "#808080").save(file := io.BytesIO(), "PNG")
    (tmp_path / "mine.png").write_bytes(file.getvalue())
    (tmp_path / "text.png").write_text("no picture" * 9)
    with studio(chromium, page) as shown:
        link, before = shown.evaluate("location.hash"), pixel(shown)
        shown.set_input_files("#photo", tmp_path / "mine.png")
        shown.wait_for_function("!$('no-photo').hidden")
        assert pixel(shown) == [0x80, 0x80, 0x80, 255]
        assert shown.evaluate("location.hash") == link
        shown.set_input_files("#photo", tmp_path / "text.png")
        shown.wait_for_function("$('photo-wrong').textContent")
        assert told(shown, "photo-wrong") == "text.png is no PNG, JPEG, WebP or GIF picture: choose one of these"
        assert pixel(shown) == [0x80, 0x80, 0x80, 255]
        shown.click("#no-photo")
        assert pixel(shown) == before
        shown.evaluate("""(async () => {
            const data = new DataTransfer();
            const pen = newPen(64, 64);
            pen.fillStyle = "#00ff00";
            pen.fillRect(0, 0, 64, 64);
            data.items.add(new File([await pen.canvas.convertToBlob()], "green.png", { type: "image/png" }));
            $("stage").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        })()""")
        shown.wait_for_function("!$('no-photo').hidden")
        assert pixel(shown) == [0, 255, 0, 255]


def test_every_file_of_the_panel_opens(chromium: Browser, page: Path, tmp_path: Path) -> None:
    with studio(chromium, page, "&truncation=0.5") as shown:

        def take(kind: str) -> Path:
            with shown.expect_download() as download:
                shown.click(f"[data-take={kind}]")
            download.value.save_as(path := tmp_path / download.value.suggested_filename)
            return path

        shown.select_option("#size", "portrait")
        with Image.open(take("png")) as image:
            image.load()
            assert image.size == (1080, 1350)
            about = image.info
        assert (about["Title"], about["Seed"], about["Label"]) == ("Handwritten 2026-11-22", "2", "2026-11-22")
        assert about["Link"] == shown.evaluate("location.hash")  # not the folder on this disk
        assert {name: about[name] for name in ("Software", "Recipe", "Generator", "Licence")} == dict(Lab().text)
        assert told(shown, "font") == "python -m gan.export seed=2 truncation=0.5 out=hand.otf"
        for kind, sign in (("svg", 'fill="url(#ink-'), ("strokes", 'fill="none"')):
            shown.click("[data-preset=sunset]")
            assert sign in take(kind).read_text()
        for kind in ("gif", "webp"):
            with Image.open(take(kind)) as film:
                assert max(film.size) == 640
                assert film.n_frames > 50
        shown.select_option("#film", "morph")
        with Image.open(take("gif")) as film:
            first = np.array(film.convert("L"), float)
            film.seek(30)
            assert np.abs(np.array(film.convert("L"), float) - first).mean() > 2
            assert film.n_frames == 60
        assert shown.evaluate("$('progress').hidden && $('cancel').hidden")
        assert told(shown, "posts").startswith("This page is on your computer")
        shown.click("[name=mixed]")
        shown.click("[data-take=gif]")
        shown.wait_for_function("$('take-wrong').textContent.startsWith('Only a line of one hand')")


@pytest.mark.skipif(shutil.which("pdfimages") is None, reason="there is no pdfimages")
def test_the_picture_is_printed_alone_and_as_curves(chromium: Browser, page: Path, tmp_path: Path) -> None:
    with studio(chromium, page) as shown:
        shown.evaluate("window.print = () => {}")
        shown.click("[data-preset=sunset]")
        shown.click("[data-take=print]")
        shown.wait_for_selector("#printed", state="attached")
        assert shown.title() == "Handwritten 2026-11-22"
        shown.pdf(path=tmp_path / "picture.pdf")
        shown.evaluate("dispatchEvent(new Event('afterprint'))")
        assert shown.evaluate("$('printed')") is None
        assert shown.title() == shown.evaluate("MODEL.title")
    images = subprocess.run(["pdfimages", "-list", tmp_path / "picture.pdf"], capture_output=True, check=True)
    assert len(images.stdout.splitlines()) == 2  # the heading alone
    command = ["pdftoppm", "-png", "-r", "60", "-singlefile", tmp_path / "picture.pdf", tmp_path / "picture"]
    subprocess.run(command, check=True)
    with Image.open(tmp_path / "picture.png") as image:
        colours = np.array(image.convert("RGB")).astype(int)
    assert ((colours - [0xFF, 0xD1, 0x66]).__abs__().sum(2) < 90).any()  # the ink's gradient
    assert (
        subprocess.run(["pdftotext", tmp_path / "picture.pdf", "-"], capture_output=True, check=True).stdout.split()
        == []
    )


def test_the_line_is_watched_being_written_unless_less_motion_is_asked_for(chromium: Browser, page: Path) -> None:
    with studio(chromium, page) as shown:
        ink = (
            "(() => { const { width, height } = $('picture'); const { data } = $('picture').getContext('2d')"
            ".getImageData(0, 0, width, height); return data.filter((byte, i) => i % 4 === 0 && byte < 128).length })()"
        )
        whole = shown.evaluate(f"settled.then(() => {ink})")
        shown.click("[data-take=watch]")
        shown.wait_for_function(f"{ink} < {whole / 2}")
        shown.wait_for_function(f"{ink} === {whole}")
        shown.emulate_media(reduced_motion="reduce")
        assert shown.locator("[data-take=watch]").is_hidden()


def test_a_published_page_links_to_networks_and_asks_none(chromium: Browser, page: Path) -> None:
    asked: list[str] = []
    with opened(chromium, "about:blank", asked=asked) as shown:

        def answer(route: Route) -> None:
            path = page / (route.request.url.partition("#")[0].rsplit("/", 1)[1] or "index.html")
            route.fulfill(path=path)

        shown.route("https://digits.example/**", answer)
        shown.goto("https://digits.example/index.html#text=42")
        shown.wait_for_function("typeof shown !== 'undefined' && shown.key")
        shown.focus("#posts a")
        links = shown.eval_on_selector_all(
            "#posts a", "(all) => all.map(({ href, target, rel }) => [href, target, rel])"
        )
        assert len(links) >= 8
        for href, target, rel in links:
            assert "digits.example%2F" in href
            assert (target, rel) == ("_blank", "noopener noreferrer")
    assert [url for url in asked if not url.startswith(("https://digits.example/", "blob:", "data:", "about:"))] == []
