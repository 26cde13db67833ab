"""Pages in headless Chromium, which Playwright drives."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


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
