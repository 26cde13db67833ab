"""The page as people use it: by keyboard, by sliders, with wrong values; what it saves."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import change, drawn, needs_chromium, opened, saved
from PIL import Image
from playwright.sync_api import Browser

from gan import checkpoint, sample
from gan.digits.look import Look
from gan.digits.paint import enlarge
from gan.lab import Lab

pytest_plugins = ["studio_page"]


@pytest.mark.slow
@needs_chromium
def test_it_works_by_keyboard_is_labelled_and_fits_a_small_screen(chromium: Browser, page: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#seed=5", width=360, scheme="dark") as shown:
        drawn(shown)
        assert shown.evaluate("document.documentElement.scrollWidth") == 360
        assert shown.evaluate("$('one-said').parentNode.textContent").startswith("label 5, seed 5: drawn in")
        for key in ("Tab", "ArrowRight"):
            shown.keyboard.press(key)  # from all in turn round to 0
        shown.wait_for_function("$('one-said').textContent === 'label 0, seed 5'")
        assert shown.evaluate("new URLSearchParams(location.hash.slice(1)).get('label')") == "0"
        for key in (*["Tab"] * 6, "End"):
            shown.keyboard.press(key)
        shown.wait_for_function("$('one-said').textContent === 'label 0, seed 5, 100 % towards seed 1'")
        assert shown.evaluate("$('way').ariaValueText") == "100 % towards seed 1"
        named = "(one) => one.ariaLabel || one.labels?.[0]?.textContent || one.textContent"
        names = shown.evaluate(f"[...document.querySelectorAll('input, select, button')].map({named})")
        assert all(names)
        assert len(set(names)) == len(names)
        shown.emulate_media(forced_colors="active")
        ground = "(one) => getComputedStyle(one.nextElementSibling).backgroundColor"
        grounds = shown.evaluate(f"[...document.getElementsByName('label')].map({ground})")
        assert [one for one in grounds if one != grounds[1]] == grounds[:1]  # the chosen label alone


@pytest.mark.slow
@needs_chromium
def test_the_sheet_stays_while_one_of_its_images_is_shown_large(chromium: Browser, page: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#seed=3&n=400") as shown:
        shown.wait_for_function(
            "document.getElementById('many')?.width === 840"
        )  # it has begun to draw the first sheet
        shown.evaluate("document.querySelector('[value=\"2\"]').click()")
        shown.wait_for_function("$('many-said').textContent === '400 images, seeds 3 to 402, label 2'")
        url = "$('many').toDataURL()"
        assert shown.evaluate(f"shown.then(() => {url}).then((drawn) => show().then(() => drawn === {url}))")
        change(shown, "n", "20")
        assert shown.evaluate("shown.then(() => $('many-said').textContent)") == "20 images, seeds 3 to 22, label 2"
        shown.evaluate("$('many').scrollIntoView()")
        x, y = shown.evaluate(
            "(({ x, y, width }) => [x + 0.35 * width, y + 0.15 * width])($('many').getBoundingClientRect())"
        )
        shown.mouse.click(x, y)
        change(shown, "ink", "#006600")
        assert shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 2, seed 16"
        assert shown.evaluate("$('many-said').textContent") == "20 images, seeds 3 to 22, label 2"
        assert shown.evaluate("location.hash") == "#seed=16&n=20&first=3&label=2"
        assert "generate seed=3 n=20 label=2 out" in shown.evaluate("$('typed').textContent")
        shown.emulate_media(color_scheme="dark")
        assert shown.evaluate("$('ink').value") == "#006600"
        shown.evaluate("document.querySelector('[data-another=towards]').click()")
        assert ", 50 % towards seed " in shown.evaluate("shown.then(() => $('one-said').textContent)")
        shown.evaluate("location.hash = '#seed=9&n=1'")
        shown.wait_for_function("$('many-said').textContent === '1 image, seed 9, labels in turn'")
        assert (
            shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 9, seed 9"
        )  # itself, and not on a way


@needs_chromium
def test_its_sliders_give_the_style_that_python_gives(chromium: Browser, page: Path) -> None:
    wishes = ({}, {"thickness": 1.5}, {"slant": -2}, {"thickness": 1, "width": 1.5, "height": -1})
    with opened(chromium, f"{(page / 'index.html').as_uri()}#n=20&thickness=1.5&slant=4") as shown:
        drawn(shown)
        for wish in wishes:
            images = shown.evaluate(f"digits([...Array(20).keys()], [...Array(20).keys()].map((i) => i % 10), {wish})"
                                    ".then((images) => [...images])")  # fmt: skip
            expected = Lab().sample(20, style=wish or None).images  # type: ignore[arg-type]
            torch.testing.assert_close(torch.tensor(images).view_as(expected), expected, rtol=0, atol=1e-3)
        assert shown.evaluate("$('slant-wrong').textContent") == "Must be a number from -3 to 3"
        assert shown.evaluate("$('one-said').textContent") == "label 0, seed 0, thickness 1.5"
        assert "n=20 style.thickness=1.5 out" in shown.evaluate("$('typed').textContent")
        own = float(shown.evaluate("$('width').value"))
        change(shown, "slant", "-0.5")
        said = "20 images, seeds 0 to 19, labels in turn, thickness 1.5, slant -0.5"
        assert shown.evaluate("shown.then(() => $('many-said').textContent)") == said
        assert shown.evaluate("$('slant-wrong').textContent") == ""
        assert shown.evaluate("location.hash") == "#n=20&thickness=1.5&seed=0&first=0&slant=-0.5"
        assert shown.evaluate("$('width').ariaValueText") == f"{own:.1f}, as it is drawn".replace("-", "−")
        shown.click("#loose")
        assert shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 0, seed 0"
        assert shown.evaluate("location.hash") == "#n=20&seed=0&first=0"


@pytest.mark.slow
@needs_chromium
def test_its_crisp_outlines_are_nearly_those_of_python(chromium: Browser, page: Path) -> None:
    seeds = torch.tensor([0, 3, 6, 16, 17])
    [images] = sample.generate(checkpoint.generator(None), seeds, seeds % 10)
    expected = enlarge(images, 560)[:, 0]
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        change(shown, "ink", "#ffffff")
        change(shown, "paper", "#000000")
        for i, seed in enumerate(seeds.tolist()):
            change(shown, "seed", str(seed))
            url = shown.evaluate("shown.then(() => $('one').toDataURL())")
            with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as picture:
                cover = torch.from_numpy(np.array(picture.convert("L"))) / 255
            assert (
                float((cover - (expected[i] + 1) / 2).abs().mean()) < 0.011
            )  # of full scale; a digit's ink is 0.1 or more
            between = (cover > 0.1) & (cover < 0.9)
            assert float(between.float().mean()) < 0.01  # an edge is a pixel wide


@pytest.mark.slow
@needs_chromium
def test_a_wrong_or_unreadable_choice_is_explained_beside_its_field(chromium: Browser, page: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#seed=-5&n=5000&label=12") as shown:
        shown.wait_for_function("document.getElementById('seed-wrong')?.textContent")
        wrong = "['seed', 'n', 'label'].map((id) => $(`${id}-wrong`).textContent)"
        seeds = "Must be a whole number from 0 to 4294967295"
        assert shown.evaluate(wrong) == [
            seeds,
            "Must be a whole number from 1 to 1000",
            "There is no such label: choose one here",
        ]
        drawn(shown)  # a bad link leaves no blank: the fields' own values are drawn, and told
        assert shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 0, seed 0"
        assert shown.evaluate("$('many-said').textContent") == "50 images, seeds 0 to 49, labels in turn"
        assert "generate seed=0 n=50 out" in shown.evaluate("$('typed').textContent")
        assert shown.evaluate("location.hash") == "#seed=-5&n=5000&label=12"
        shown.evaluate("location.hash = '#seed=4294967290&n=7'")
        shown.wait_for_function("$('n-wrong').textContent.endsWith('from 1 to 6: the last seed is 4294967295')")
        change(shown, "n", "6")
        assert shown.evaluate(wrong) == ["", "", ""]
        assert shown.evaluate("shown.then(() => $('many-said').textContent)").startswith(
            "6 images, seeds 4294967290 to 4294967295"
        )
        for value in ("", "5.7", "99999999999"):
            change(shown, "seed", value)
            assert shown.evaluate(wrong) == [seeds, "", ""]
        assert shown.evaluate("shown.then(() => $('one-said').textContent)") == "label 0, seed 4294967290"
        assert shown.evaluate("location.hash") == "#seed=4294967290&n=6&first=4294967290"
        look = Look(ink="#767676", paper="#aaaaaa")
        change(shown, "ink", look.ink)
        change(shown, "paper", look.paper)
        assert shown.evaluate("$('contrast').textContent") == "Contrast 1.9:1; WCAG requires 3:1 or more"
        assert shown.evaluate("contrast(rgb('ink'), rgb('paper'))") == pytest.approx(look.contrast)


@pytest.mark.slow
@needs_chromium
def test_a_saved_file_describes_itself(chromium: Browser, page: Path, tmp_path: Path) -> None:
    with opened(chromium, f"{(page / 'index.html').as_uri()}#seed=8&n=20") as shown:
        drawn(shown)
        shown.evaluate("MODEL.command = 'café'")
        change(shown, "way", "29")
        change(shown, "boldness", "140")
        said = "label 8, seed 8, 29 % towards seed 1, truncation 1.4"
        assert shown.evaluate("shown.then(() => $('one-said').textContent)") == said
        one = saved(shown, "one", tmp_path)
        assert one["Description"] == f"The handwritten digit 8: {said}, crisp, #1d2b4f on #fffdf8"
        assert (one["Title"], one["Seed"], one["Label"], one["Recipe"]) == (
            "The handwritten digit 8",
            "8, 1",
            "8",
            "café",
        )
        change(shown, "ink", "#006600")
        many = saved(shown, "many", tmp_path)
        assert (many["Title"], many["Seed"]) == ("20 handwritten digits in rows of 10", "8 to 27")
        assert {name: many[name] for name in ("Software", "Generator", "Licence")} == {
            name: value for name, value in Lab().text.items() if name != "Recipe"
        }
        named = {path.name for path in tmp_path.glob("*.png")}
        assert "20_images_seeds_8_to_27_labels_in_turn_crisp_006600_on_fffdf8.png" in named
        assert re.sub(r"\W+", "_", f"{said}, crisp, #1d2b4f on #fffdf8") + ".png" in named
