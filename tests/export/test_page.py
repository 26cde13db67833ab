"""The studio as people use it: by keyboard and pointer, back and forward, with wrong values."""

from pathlib import Path
from typing import Any

import pytest
import torch
from browser import change, drawn, needs_chromium, opened
from playwright.sync_api import Browser, Page

from gan.lab import Lab

pytest_plugins = ["studio_page"]
LINK = "#text=2026-11-22&seed=7&truncation=1"
PIXELS = "settled.then(() => $('picture').toDataURL())"


def said(page: Page, name: str) -> str:
    found: str = page.evaluate(f"settled.then(() => $('{name}').textContent)")
    return found


def link(page: Page) -> str:
    found: str = page.evaluate("settled.then(() => location.hash)")
    return found


def drag(page: Page, digit: int, right: int, down: int, steps: int = 20) -> None:
    """Drag a digit of the picture with the mouse."""
    box = page.locator(f"#digits [data-digit='{digit}']").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=steps)
    page.mouse.up()


@needs_chromium
def test_the_address_is_the_picture(chromium: Browser, page: Path) -> None:
    home = (page / "index.html").as_uri()
    with opened(chromium, home + LINK) as shown, opened(chromium, home) as other:
        drawn(shown)
        drag(shown, 3, 60, -30)
        shown.evaluate("set({ ink: '#aa0000', spacing: 0.4 })")
        shown.locator("#digits [data-digit='1']").click()
        shown.click("#attempt")
        address = link(shown)
        assert "slant=" in address
        assert "thickness=" in address
        assert {"digits=1%2C1", "ink=%23aa0000"} <= set(address.split("&"))
        drawn(other)
        other.evaluate(f"location.hash = '{address}'")
        other.wait_for_function("good.seed === 7")
        assert other.evaluate(PIXELS) == shown.evaluate(PIXELS)
        other.evaluate("set({ seed: 8 })")
        assert other.evaluate(PIXELS) != shown.evaluate(PIXELS)


@needs_chromium
def test_a_drag_is_one_step_of_a_hundred(chromium: Browser, page: Path) -> None:
    with opened(chromium, (page / "index.html").as_uri() + LINK) as shown:
        drawn(shown)
        length = shown.evaluate("history.length")
        first, before = link(shown), shown.evaluate(PIXELS)
        assert shown.is_disabled("#undo")
        drag(shown, 0, 50, 0)
        dragged = link(shown)
        assert dragged != first
        shown.keyboard.press("Control+z")
        assert link(shown) == first
        assert shown.evaluate(PIXELS) == before
        assert shown.is_disabled("#undo")
        shown.keyboard.press("Control+y")
        assert link(shown) == dragged
        shown.evaluate("for (let seed = 0; seed < 120; seed++) set({ seed })")
        for _ in range(100):
            shown.click("#undo")
        assert shown.is_disabled("#undo")
        assert shown.evaluate("settled.then(() => good.seed)") == 19
        assert shown.evaluate("history.length") == length  # the browser's button leaves the page


@needs_chromium
def test_a_digit_has_a_style_of_its_own_and_comes_back_to_the_hand(chromium: Browser, page: Path) -> None:
    with opened(chromium, (page / "index.html").as_uri() + LINK) as shown:
        drawn(shown)
        before = shown.evaluate("settled.then(() => shown.picture.boxes)")
        shown.locator("#digits [data-digit='3']").click()
        assert shown.is_visible("#single")
        drag(shown, 3, 0, -60)
        assert "thickness" not in shown.evaluate("settled.then(() => address())")
        assert shown.evaluate("attemptsOf(good.digits).get(3).style.thickness") == pytest.approx(
            float(shown.evaluate("styleNow(3).thickness"))
        )
        after = shown.evaluate("settled.then(() => shown.picture.boxes)")
        assert [box["width"] for box in before[:3]] == [box["width"] for box in after[:3]]
        assert before[3] != after[3]
        shown.click("#back")
        assert shown.evaluate("settled.then(() => shown.picture.boxes)") == before
        pixels = shown.evaluate(PIXELS)
        shown.click("#attempt")
        assert shown.evaluate(PIXELS) != pixels


@needs_chromium
def test_it_works_by_keyboard_is_labelled_and_fits_a_small_screen(chromium: Browser, page: Path) -> None:
    with opened(chromium, (page / "index.html").as_uri() + LINK, width=320, scheme="dark") as shown:
        drawn(shown)
        assert shown.evaluate("document.documentElement.scrollWidth") == 320
        shown.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert shown.evaluate("document.documentElement.scrollWidth") == 320
        named = "(one) => one.ariaLabel || one.labels?.[0]?.textContent.trim() || one.textContent.trim()"
        fields = "[...document.querySelectorAll('input:not([hidden]), select, button')]"
        assert all(shown.evaluate(f"{fields}.map({named})"))
        low = f"{fields}.filter((one) => one.checkVisibility() && !one.closest('#digits') && one.type !== 'checkbox')"
        assert shown.evaluate(f"{low}.filter((one) => one.offsetHeight < 44).map((one) => one.id)") == []
        shown.keyboard.press("Tab")
        shown.keyboard.press("Enter")
        assert shown.evaluate("document.activeElement.id") == "text"  # past the digits, which may be many
        shown.evaluate("$('skip').focus()")
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.getAttribute('aria-label')") == "2, 1 of 8"
        slant = shown.evaluate("styleNow(0).slant")
        shown.keyboard.press("ArrowRight")
        assert shown.evaluate("settled.then(() => good.slant)") == pytest.approx(slant + 0.1, abs=0.006)
        shown.keyboard.press("Enter")
        assert shown.is_visible("#single")
        shown.evaluate("set({ layout: 'sheet', n: 30 })")
        shown.evaluate("settled.then(() => $('digits').firstChild.focus())")
        for key in ("ArrowDown", "ArrowRight"):
            shown.keyboard.press(key)
        assert shown.evaluate("document.activeElement.dataset.digit") == "11"
        shown.keyboard.press("Enter")
        assert shown.evaluate("settled.then(() => [good.layout, good.seed])") == ["line", 18]


@needs_chromium
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("seven", "Cannot draw s e v n: there are 0123456789 - . , : / + ( ) % = € $ # and spaces"),
        ("12\U0001f600", "Cannot draw \U0001f600: there are"),
        ("7" * 10_000, "This text has 10,000 characters; a picture has at most 200"),
        ("  ", "Type digits, as 2026-11-22"),
    ],
)
def test_a_wrong_text_is_explained_and_the_last_picture_stays(
    chromium: Browser, page: Path, text: str, why: str
) -> None:
    with opened(chromium, (page / "index.html").as_uri() + LINK) as shown:
        drawn(shown)
        before = shown.evaluate(PIXELS)
        shown.fill("#text", text)
        assert said(shown, "text-wrong").startswith(why)
        assert shown.evaluate(PIXELS) == before
        shown.fill("#text", "2026-11-22")
        assert said(shown, "text-wrong") == ""


BROKEN = {
    "seed=-5": ("seed", "Must be a whole number from 0 to 16777215"),
    "seed=1.5": ("seed", "Must be a whole number from 0 to 16777215"),
    "slant=9": ("slant", "Must be a number from -3 to 3"),
    "thickness=abc": ("thickness", "Must be a number from -3 to 3"),
    "layout=spiral": ("layout", "Choose one of line, column"),
    "mixed=yes": ("mixed", "Must be 0 or 1"),
    "digits=1;2;x": ("digits", "The single digits of this link are damaged"),
    "color=red": ("link", "This link has settings that this page does not know: color"),
    "layout=month": ("text", "A calendar month needs a year and a month, as 2026-11"),
    "layout=sum": ("text", "A sum needs 2 to 20 numbers"),
    "layout=sheet&n=5000": ("n", "Must be a whole number from 1 to 1000"),
    "layout=sheet&label=12": ("label", "Choose one of all in turn, 0, 1"),
}


@needs_chromium
def test_a_broken_link_is_explained_beside_its_field_and_draws(chromium: Browser, page: Path) -> None:
    with opened(chromium, (page / "index.html").as_uri() + "#text=77") as shown:
        drawn(shown)
        for words, (name, why) in BROKEN.items():
            shown.evaluate(f"location.hash = '#text=77&{words}'")
            shown.wait_for_function(f"$('{name}-wrong').textContent.startsWith({why!r})")
            assert shown.evaluate("settled.then(() => shown.digits.length)") >= 2
            shown.evaluate("follow('text=78'), show(true)")
            shown.wait_for_function(f"$('{name}-wrong').textContent === ''")
        shown.evaluate("set({ slant: 1 }), location.hash = '#text=77&slant=9'")
        shown.wait_for_function("$('slant-wrong').textContent")
        assert shown.evaluate("[field('slant').value, good.slant, $('slant').dataset.held]") == ["1", 1, ""]
        shown.evaluate("location.hash = '#layout=sheet&seed=4294967290'")
        shown.wait_for_function("$('n-wrong').textContent === 'Must be a whole number from 1 to 6'")


@needs_chromium
def test_what_is_typed_draws_the_same(chromium: Browser, page: Path) -> None:
    with opened(chromium, (page / "index.html").as_uri() + "#text=77&slant=1&lean=5") as shown:
        drawn(shown)
        look = "'look.ink=#1d2b4f' 'look.paper=#fffdf8' out=digits.svg"
        command = f"python -m gan.generate text=77 seed=2 layout.slant=5 truncation=0.8 style.slant=1 {look}"
        assert said(shown, "typed") == command
        shown.evaluate("set({ layout: 'sheet', n: 20, seed: 30, label: 4 })")
        command = f"python -m gan.generate n=20 seed=30 label=4 truncation=0.8 style.slant=1 {look}"
        assert said(shown, "typed") == command
        expected = Lab().sample(20, 4, seed=30, style={"slant": 1}, truncation=0.8).images
        ink = torch.tensor(shown.evaluate("settled.then(() => [...shown.picture.ink])"))
        cells = ink.view(2, 28, 10, 28).transpose(1, 2).reshape(20, 1, 28, 28)
        torch.testing.assert_close(cells * 2 - 1, expected, rtol=0, atol=1e-3)
        shown.evaluate("set({ text: '2026-11', layout: 'month' })")
        assert said(shown, "typed") == ""


@needs_chromium
def test_sliders_give_the_style_that_python_gives(chromium: Browser, page: Path) -> None:
    wishes: list[Any] = [{}, {"thickness": 1.5}, {"slant": -2}, {"thickness": 1, "width": 1.5, "height": -1}]
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        for wish in wishes:
            seeds = list(range(20))
            images = shown.evaluate(
                "([seeds, labels, wish]) => digits(seeds, labels, wish).then((images) => [...images])",
                [seeds, [seed % 10 for seed in seeds], wish],
            )
            expected = Lab().sample(20, style=wish or None).images
            torch.testing.assert_close(torch.tensor(images).view_as(expected), expected, rtol=0, atol=1e-3)
        own = shown.evaluate("$('width').value").replace("-", "−")
        assert shown.evaluate("$('width').ariaValueText") == f"{own}, as it is drawn"
        change(shown, "slant", "-0.5")
        assert shown.evaluate("settled.then(() => $('slant').ariaValueText)") == "−0.5"
        assert shown.evaluate("settled.then(() => $('slant').nextElementSibling.textContent)") == "−0.5"
        shown.click("#loose")
        assert "slant" not in link(shown)
