"""The studio in the hands of somebody who breaks it: nothing is lost, one line says why."""

from contextlib import closing
from pathlib import Path

import pytest
from browser import PROGRAM, QUIET, drawn, needs_chromium, opened
from playwright.sync_api import Browser, Page

pytest_plugins = ["studio_page"]
pytestmark = needs_chromium
LOOK = "settled.then(() => $('picture').toDataURL())"


def link(page: Page) -> str:
    found: str = page.evaluate("settled.then(() => location.hash)")
    return found


@pytest.mark.parametrize("broken", ["seed=-5", "mixed=yes", "label=12", "digits=9,x", "ink=nocolour", "layout=month"])
def test_a_broken_setting_breaks_neither_link_nor_undo(chromium: Browser, page: Path, broken: str) -> None:
    said: list[str] = []
    with opened(chromium, f"{(page / 'index.html').as_uri()}#text=77&{broken}", said=said) as shown:
        drawn(shown)
        before = link(shown)
        assert broken not in before
        shown.evaluate("set({ spacing: 0.5 })")
        assert link(shown) == f"{before}&spacing=0.5"
        pixels = shown.evaluate(LOOK)
        with opened(chromium, (page / "index.html").as_uri() + link(shown)) as other:
            drawn(other)
            assert other.evaluate(LOOK) == pixels
        shown.click("#undo")  # what is wrong goes first
        assert link(shown) == f"{before}&spacing=0.5"
        assert shown.evaluate("[...document.querySelectorAll('[id$=-wrong]')].every((one) => !one.textContent)")
        shown.click("#undo")
        assert link(shown) == before
        assert shown.is_disabled("#undo")
    assert said == []


def test_undo_right_after_a_key_undoes_that_key(chromium: Browser, page: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#text=77") as shown:
        drawn(shown)
        shown.evaluate("set({ seed: 5 })")
        shown.fill("#text", "123")
        shown.keyboard.press("Control+z")
        assert link(shown) == "#text=77&seed=5"
        shown.keyboard.press("Control+y")
        assert link(shown) == "#text=123&seed=5"
        shown.fill("#text", "seven")
        shown.keyboard.press("Control+z")
        assert shown.input_value("#text") == "123"


def test_a_browser_without_workers_draws(chromium: Browser, page: Path) -> None:
    with opened(chromium, "about:blank") as shown:
        shown.add_init_script("delete window.Worker")
        shown.goto(f"{(page / 'index.html').as_uri()}#text=77")
        drawn(shown)
        assert shown.evaluate("shown.digits.length") == 2


def test_a_browser_without_webassembly_says_so(chromium: Browser, page: Path) -> None:
    flags = [*QUIET, "--js-flags=--jitless"]
    old = chromium.browser_type.launch(executable_path=PROGRAM, args=flags)
    with closing(old), opened(old, (page / "index.html").as_uri()) as shown:
        shown.wait_for_selector("#said.failed")
        why = shown.inner_text("#said")
        assert why.startswith("This browser cannot draw: ")
        assert "WebAssembly SIMD is not supported" in why
        assert why.endswith("Use a browser of 2023 or later.")


def test_a_failure_stays_where_it_is_said_until_the_page_draws(chromium: Browser, page: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#text=77") as shown:
        drawn(shown)
        before = shown.evaluate(LOOK)
        shown.wait_for_function("$('said').textContent === '77, seed 2'")
        shown.evaluate("window.kept = [...threads]; kept.forEach((one) => one.port.onerror({ message: 'lost' }))")
        shown.evaluate("set({ seed: 5 })")
        shown.wait_for_timeout(800)
        why = "The drawing has stopped: its workers ended. Load this page again, in a browser of 2023 or later."
        assert shown.evaluate("[$('said').textContent, $('said').className]") == [why, "failed"]
        assert shown.evaluate(LOOK) == before
        shown.evaluate("threads.push(...kept), set({ seed: 6 })")
        shown.wait_for_function("$('said').textContent === '77, seed 6' && $('said').className === ''")


def test_what_is_wrong_is_said_in_an_open_panel(chromium: Browser, page: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#text=77&layout=spiral") as shown:
        drawn(shown)
        assert shown.is_visible("#layout-wrong")
        assert not shown.is_visible("#photo-wrong")
        for target in ("stage", "panel-taste"):  # dropped elsewhere, a file does not replace the page
            dropped = shown.evaluate(f"""() => {{
                const data = new DataTransfer();
                data.items.add(new File(["some words of text"], "a.txt", {{ type: "text/plain" }}));
                const event = new DragEvent("drop", {{ dataTransfer: data, bubbles: true, cancelable: true }});
                return $("{target}").dispatchEvent(event);
            }}""")
            assert not dropped
        shown.wait_for_function("$('photo-wrong').textContent.startsWith('a.txt is no PNG')")
        assert shown.is_visible("#photo-wrong")
        shown.focus("#text")
        shown.keyboard.press("Enter")
        assert shown.evaluate("[location.search, $('text').value]") == ["", "77"]


def test_links_freeze_nothing_and_draw_what_they_say(chromium: Browser, page: Path) -> None:
    said: list[str] = []
    with opened(chromium, f"{(page / 'index.html').as_uri()}#seed=3&n=20&label=7", said=said) as shown:
        drawn(shown)  # a link of the first page, which had sheets alone
        assert shown.evaluate("shown.digits.map(({ seed, label }) => [seed, label])") == [[i, 7] for i in range(3, 23)]
        shown.evaluate("$('digits').click()")  # between the digits
        sums = {"999999999999.9999-0.0001": "999999999999.9998", "1.5-3.25": "-1.75", "7-7.0": "0.0", "0.1+0.2": "0.3"}
        for text, result in sums.items():
            assert shown.evaluate(f"sumOf('{text}').result") == result
        for text in ("inherit", "currentcolor", "canvastext", "constructor"):
            assert shown.evaluate(f"parseColour('{text}')") is None
        assert shown.evaluate("parseColour('Navy')") == [0, 0, 128, 255]
        assert shown.evaluate("parseColour('transparent')") == [0, 0, 0, 0]
        for text, is_good in {"1,2;3,4,-3,,0.25": True, "1,2,3.99": False, "1,2,,,,,": False, "x": False}.items():
            assert (shown.evaluate(f"explainAttempts('{text}')") == "") is is_good
        shown.set_default_timeout(3000)  # 12 s it took to find this wrong
        shown.evaluate("location.hash = `#text=77&text=8&digits=1,${'11,'.repeat(28)}x`")
        shown.wait_for_function("$('digits-wrong').textContent && good.text === '77'")
        assert shown.evaluate("$('link-wrong').textContent").endswith("twice, of which the first counts: text")
    assert said == []
