"""Your hand: digits drawn on the pad, by keys or found in photographs, which a link carries."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import drawn, needs_chromium, opened, write_on_pad
from photo import photograph
from PIL import Image
from playwright.sync_api import Browser, Page

from gan.digits.invert import Inversion, mean_hand
from gan.digits.style import Style
from gan.image import to_uint8
from gan.lab import Lab

pytest_plugins = ["studio_page"]
pytestmark = needs_chromium
# Strokes on a pad of 280 pixels.
FOUR = [[(90, 40), (80, 90), (75, 140), (190, 140)], [(170, 60), (160, 140), (150, 250)]]
SEVEN = [[(80, 55), (200, 50), (150, 140), (125, 245)]]
INK = "settled.then(() => [shown.picture.width, ...shown.picture.ink].join())"
LIST = "[...document.querySelectorAll('#own-digits li')].map((li) => li.querySelector('select').value).join('')"


@pytest.fixture
def shown(chromium: Browser, page: Path) -> Iterator[Page]:
    with opened(chromium, (page / "index.html").as_uri() + "#text=0147") as shown:
        drawn(shown)
        yield shown


def own(page: Page, labels: str) -> None:
    """Wait until the hand has digits of these labels, and all is drawn."""
    page.wait_for_function(f"({LIST}) === '{labels}'")
    page.evaluate("reading.then(() => settled)")


def said(page: Page, name: str) -> str:
    found: str = page.evaluate(f"$('{name}').textContent")
    return found


def test_digits_on_the_pad_are_a_hand_that_a_link_carries(chromium: Browser, shown: Page) -> None:
    plain = shown.evaluate(INK)
    write_on_pad(shown, FOUR)
    own(shown, "4")
    shown.wait_for_function("$('pad-said').textContent.startsWith('Drawn as 4, with an error of ')")
    assert shown.evaluate("settled.then(() => describe(good))") == "0147, your hand"
    four = shown.evaluate(INK)
    shown.click("#next")
    shown.wait_for_function("current === -1")
    write_on_pad(shown, SEVEN)
    own(shown, "47")
    mine, address = shown.evaluate(INK), shown.url
    assert len({plain, four, mine}) == 3
    assert "%" not in address.partition("#")[2]
    with opened(chromium, address) as again:
        drawn(again)
        own(again, "47")
        assert again.evaluate(INK) == mine
        assert again.is_disabled("#own-digits input >> nth=0")  # the link does not hold the drawing
    shown.click("#own-digits button >> nth=1")
    own(shown, "4")
    assert shown.evaluate(INK) == four
    shown.click("#own-digits button")
    own(shown, "")
    assert shown.evaluate(INK) == plain


def test_the_pad_prepares_and_encodes_as_python_does(shown: Page, lab: Lab) -> None:
    write_on_pad(shown, FOUR)
    own(shown, "4")
    image, z = shown.evaluate(
        "(async () => { const x = padImage(); return [[...x], [...(await encode(x, [4]))[0]]]; })()"
    )
    x = torch.tensor(image).view(1, 1, 28, 28)
    assert lab.encoder is not None
    torch.testing.assert_close(torch.tensor([z]), lab.encoder(x, torch.tensor([4])), rtol=0, atol=1e-3)
    kept = shown.evaluate("[...handOf(good).z]")
    assert np.abs(np.array(kept) - z).max() <= 0.5 / 31 + 1e-6
    ink = (x[0, 0] + 1) / 2
    assert ink.sum(1).count_nonzero() == 20  # as MNIST's digits
    centre = [float(ink.sum(1 - axis) @ torch.arange(28.0) / ink.sum()) for axis in (0, 1)]
    assert centre == pytest.approx([13.5] * 2, abs=0.6)


def test_the_mean_of_digits_is_that_of_python(shown: Page) -> None:
    z = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    hand = ".".join(
        f"{label}.{base64.urlsafe_b64encode(bytes((row * 31).round().add(128).byte().tolist())).decode().rstrip('=')}"
        for label, row in zip((4, 7, 4), z, strict=True)
    )
    found = shown.evaluate("(hand) => ((one) => ({ ...one, z: [...one.z] }))(handOf({ hand }))", hand)
    digits = [Inversion(one, 4, Style(0, 0, 0, 0), 0.0, torch.zeros(2, 1, 28, 28)) for one in z]
    torch.testing.assert_close(torch.tensor(found["z"]), mean_hand(digits).z, rtol=0, atol=0.03)
    assert found["labels"] == [4, 7, 4]


def test_a_kept_digit_stands_in_the_line_as_it_was_drawn(chromium: Browser, shown: Page) -> None:
    write_on_pad(shown, FOUR)
    own(shown, "4")
    image = np.array(shown.evaluate("[...padImage()]")).reshape(28, 28)
    shown.check("#own-digits input")
    shown.wait_for_function("good.kept")
    kept = shown.evaluate("digitsOf(blocksOf(good), good).map(({ kept }) => kept && [...kept])")
    assert [one is None for one in kept] == [True, True, False, True]  # of 0147
    assert np.abs(np.array(kept[2]).reshape(28, 28) - image).max() <= 1 / 15 + 1e-6
    ink = shown.evaluate(INK)
    with opened(chromium, shown.url) as again:
        drawn(again)
        assert again.evaluate(INK) == ink
        assert again.is_checked("#own-digits input")
    shown.uncheck("#own-digits input")
    shown.wait_for_function("good.kept === ''")
    assert shown.evaluate(INK) != ink


def test_a_label_is_corrected_and_stays_so(shown: Page) -> None:
    write_on_pad(shown, FOUR[:1])
    shown.wait_for_function(f"({LIST}).length === 1")
    shown.select_option("#own-digits select", "4")
    shown.wait_for_function("good.hand.startsWith('4.')")
    before = shown.evaluate("good.hand")
    write_on_pad(shown, FOUR[1:])
    shown.wait_for_function(f"good.hand !== '{before}'")
    own(shown, "4")


def test_undo_takes_a_stroke_back_also_from_the_pad(shown: Page) -> None:
    write_on_pad(shown, FOUR[:1])
    shown.wait_for_function(f"({LIST}).length === 1")
    pad, hand = shown.evaluate("reading.then(() => [$('pad').toDataURL(), field('hand').value])")
    write_on_pad(shown, FOUR[1:])
    own(shown, "4")
    shown.click("#undo")
    assert shown.evaluate("[$('pad').toDataURL(), field('hand').value]") == [pad, hand]
    shown.click("#redo")
    own(shown, "4")
    shown.click("#undo")
    shown.click("#undo")
    own(shown, "")
    assert shown.evaluate("marks.length") == 0
    assert shown.is_disabled("#undo")


def test_arrow_keys_draw_a_digit(shown: Page) -> None:
    shown.focus("#pad")
    for key in (*["ArrowLeft"] * 3, " ", *["ArrowRight"] * 6, *["End"] * 4, *["ArrowDown"] * 4, " "):
        shown.keyboard.press(key)
    own(shown, "7")
    assert shown.evaluate("document.activeElement.id") == "pad"
    assert shown.evaluate("scrollY === 0 || $('pad').getBoundingClientRect().top > 0")
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.id") == "next"


def upload(page: Page, **files: bytes) -> None:
    """Choose photographs, as NAME.png."""
    kind = "image/png"
    page.set_input_files(
        "#photograph", [{"name": f"{name}.png", "mimeType": kind, "buffer": files[name]} for name in files]
    )


def test_photographs_are_read_and_what_is_no_digit_is_said(shown: Page, lab: Lab) -> None:
    three, six = (to_uint8(lab.sample(1, label, seed=11).images)[0, 0].numpy() for label in (3, 6))
    upload(
        shown, three=photograph(three, 1, uneven=True), blank=photograph(None, 1, table=False), six=photograph(six, 2)
    )
    own(shown, "36")
    assert said(shown, "pad-wrong").startswith("blank.png shows no digit: choose a picture of one digit, ")
    before = shown.evaluate("[$('pad').toDataURL(), field('hand').value]")
    upload(shown, text=b"no picture")
    shown.wait_for_function("$('pad-wrong').textContent.startsWith('text.png')")
    assert said(shown, "pad-wrong") == "text.png is no PNG, JPEG, WebP or GIF picture: choose one of these"
    assert shown.evaluate("[$('pad').toDataURL(), field('hand').value]") == before
    shown.evaluate(
        """(text) => {
          const carried = new DataTransfer();
          carried.items.add(new File([bytes(text)], "dropped.jpg"));
          $("pad").dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried }));
        }""",
        base64.b64encode(photograph(three, 3)).decode(),
    )
    own(shown, "3633")
    assert said(shown, "pad-wrong") == ""
    light, cut_out = Image.fromarray(np.full_like(six, 255)), io.BytesIO()
    light.putalpha(Image.fromarray(six))
    light.resize((280, 280)).save(cut_out, "PNG")
    upload(shown, light=cut_out.getvalue())
    own(shown, "36336")
    assert said(shown, "pad-wrong") == ""


DAMAGED: list[dict[str, Any]] = [
    {"hand": "4"}, {"hand": "4.AAAA"}, {"hand": "4.%"}, {"hand": f"x.{'A' * 86}"}, {"hand": f"10.{'A' * 86}"},
    {"hand": f"4.{'A' * 86}", "kept": "0.AAAA"}, {"hand": f"4.{'A' * 86}", "kept": f"1.{'A' * 523}"},
    {"hand": ".".join([f"4.{'A' * 86}"] * 21)}, {"kept": f"0.{'A' * 523}"},
]  # fmt: skip


def test_a_damaged_hand_in_a_link_is_said_and_left_out(shown: Page) -> None:
    plain = shown.evaluate(INK)
    for wrong in DAMAGED:
        shown.evaluate("(wrong) => { location.hash = `text=0147&${new URLSearchParams(wrong)}`; }", wrong)
        shown.wait_for_function("$('pad-said').textContent === 'The hand in this link is damaged: draw a digit'")
        assert shown.evaluate(INK) == plain
        assert shown.evaluate("settled.then(() => address())") == "text=0147"
        shown.evaluate("say('pad-said', '')")
    shown.evaluate(f"location.hash = 'text=0147&hand=4.{'A' * 86}'")
    own(shown, "4")
    assert said(shown, "pad-said") == ""
    write_on_pad(shown, [[(140, 140), (141, 140)]])  # a dot is no digit
    shown.evaluate("reading")
    own(shown, "4")
