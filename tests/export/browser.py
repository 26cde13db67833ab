"""Pages in headless Chromium, which Playwright drives, and what people do on them."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from gan import sample

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium")


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser,
    url: str,
    width: int = 1100,
    scheme: Literal["light", "dark"] = "light",
    scripts: bool = True,
    asked: list[str] | None = None,
    said: list[str] | None = None,
) -> Iterator[Page]:
    """A page in a profile of its own; ``asked`` and ``said`` get its requests and messages."""
    size: dict[str, object] = {"viewport": {"width": width, "height": 900}, "is_mobile": width < 600}
    context = browser.new_context(color_scheme=scheme, java_script_enabled=scripts, **size)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(60_000)
    if asked is not None:
        page.on("request", lambda request: asked.append(request.url))
    if said is not None:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    yield page
    context.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of ``folder``, as python -m http.server is one."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/index.html"
        finally:
            server.shutdown()
            thread.join()


def drawn(page: Page) -> None:
    page.wait_for_function("document.getElementById('took')?.textContent || document.querySelector('.failed')")
    assert page.evaluate("document.querySelector('.failed')?.textContent") is None


def change(page: Page, field: str, value: str) -> None:
    page.evaluate(
        f"$('{field}').value = '{value}', $('{field}').dispatchEvent(new Event('input', {{ bubbles: true }}))"
    )


def saved(page: Page, canvas: str, folder: Path) -> dict[str, str]:
    """Save a canvas as a person does; the texts of the file."""
    with page.expect_download() as download:
        page.click(f"[data-save={canvas}]")
    download.value.save_as(path := folder / download.value.suggested_filename)
    with Image.open(path) as picture:
        picture.load()
        return dict(picture.info)


def same_as_torch(page: Page, generator: object, seeds: list[int], y: list[int]) -> bool:
    images = page.evaluate(f"digits({seeds}, {y}).then((images) => [...images])")
    [expected] = sample.generate(generator, torch.tensor(seeds), torch.tensor(y))  # type: ignore[arg-type]
    return torch.allclose(torch.tensor(images).view_as(expected), expected, rtol=0, atol=1e-4)


def write_on_pad(page: Page, strokes: Iterable[list[tuple[int, int]]]) -> None:
    """Draw strokes with the mouse; their points are those of a pad 280 pixels wide."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    assert box is not None
    scale = box["width"] / 280
    for stroke in strokes:
        first, *others = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in stroke]
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point, steps=8)
        page.mouse.up()
