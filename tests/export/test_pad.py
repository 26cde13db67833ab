"""The pad: a digit on it is a hand, which a link carries."""

from pathlib import Path

import pytest
import torch
from browser import change, drawn, needs_chromium, opened, write_on_pad
from playwright.sync_api import Browser

from gan.lab import Lab

pytest_plugins = ["studio_page"]

FOUR = ([(90, 40), (80, 90), (75, 140), (190, 140)], [(170, 60), (160, 140), (150, 250)])  # on a pad of 280 pixels


@needs_chromium
def test_a_digit_on_the_pad_is_a_hand_that_a_link_carries(chromium: Browser, page: Path) -> None:
    address, pictures = f"{(page / 'index.html').as_uri()}#n=20", "['one', 'many'].map((id) => $(id).toDataURL())"
    with opened(chromium, address) as shown:
        drawn(shown)
        plain = shown.evaluate(pictures)
        write_on_pad(shown, FOUR)
        shown.wait_for_function("$('many-said').textContent.includes('your hand')")
        assert shown.evaluate("$('pad-said').textContent").startswith("Drawn as 4, with an error of ")
        assert shown.evaluate("hand.error") < 0.05
        assert shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 4, your hand"
        x, z = shown.evaluate(
            "(async () => { const x = prepared(); return [[...x], [...(await encode(x, [4]))[0]]]; })()"
        )
        image = torch.tensor(x).view(1, 1, 28, 28)
        encoder = Lab().encoder
        assert encoder is not None
        torch.testing.assert_close(torch.tensor([z]), encoder(image, torch.tensor([4])), rtol=0, atol=1e-3)
        ink = (image[0, 0] + 1) / 2
        assert ink.sum(1).count_nonzero() == 20  # as MNIST's digits
        assert [float(ink.sum(1 - axis) @ torch.arange(28.0) / ink.sum()) for axis in (0, 1)] == pytest.approx(
            [13.5] * 2, abs=0.6
        )
        link, mine = shown.evaluate("location.href"), shown.evaluate(pictures)
        assert not set(mine) & set(plain)
        with opened(chromium, link) as again:
            drawn(again)
            assert again.evaluate(f"shown.then(() => {pictures})") == mine
        shown.check("[name=label][value='7']", force=True)
        assert shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 7, your hand"
        shown.check("[name=label][value=all]", force=True)
        shown.click("#clear")
        assert shown.evaluate(f"shown.then(() => {pictures})") == plain
        assert shown.evaluate("prepared()") is None
        write_on_pad(shown, FOUR)
        shown.wait_for_function("$('many-said').textContent.includes('your hand')")
        change(shown, "seed", "0")  # leaves the hand
        assert shown.evaluate(f"shown.then(() => {pictures})") == plain
        assert shown.evaluate("$('pad-said').textContent") == ""


@needs_chromium
def test_a_damaged_hand_in_a_link_is_said_and_digits_of_seeds_are_drawn(chromium: Browser, page: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#n=20") as shown:
        drawn(shown)
        whole = f"hand={'A' * 84}AA%3D%3D"  # 64 bytes
        for wrong in ("hand=AAAA&as=4", "hand=%25&as=4", f"{whole}&as=x"):
            shown.evaluate(f"location.hash = '#n=20&{wrong}'")
            shown.wait_for_function("$('pad-said').textContent === 'The hand in this link is damaged: draw a digit'")
            assert shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 0, seed 0"
            shown.evaluate("location.hash = '#n=20'")
            shown.wait_for_function("$('pad-said').textContent === ''")
