"""Your taste: digits are marked, the page finds others that you would like, and saves the marks."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from browser import drawn, needs_chromium, opened
from playwright.sync_api import Browser, Page

from gan import sample
from gan.digits.feedback import Feedback, load_feedback
from gan.digits.taste import SURE, Critic, find_taste
from gan.lab import Lab

pytest_plugins = ["studio_page"]
pytestmark = needs_chromium
MARK = "opinions.map(({ seed, label, liked }) => [seed, label, liked])"


@pytest.fixture
def shown(chromium: Browser, page: Path) -> Iterator[Page]:
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        shown.click("#panel-taste summary")
        waited(shown)
        yield shown


def waited(page: Page) -> None:
    """Wait until the panel shows what was asked."""
    page.wait_for_function("offered !== null")
    page.evaluate("tasting")


def text(page: Page, name: str) -> str:
    found: str = page.evaluate(f"$('{name}').textContent")
    return found


def marks(about: str, count: int = 30) -> dict[str, object]:
    """Those of somebody who likes every third 7, at random."""
    some = [{"seed": i, "label": "7", "liked": i % 3 == 0} for i in range(count)]
    return {"generator": about, "marks": some}


def load(page: Page, contents: str) -> None:
    page.set_input_files("#feedback", {"name": "x.json", "mimeType": "application/json", "buffer": contents.encode()})


def test_digits_are_marked_by_buttons_keys_and_swipes_and_the_browser_keeps_the_marks(shown: Page, page: Path) -> None:
    assert text(shown, "liked-said").startswith("From 20 marks on, with 5 likes and 5 dislikes")
    shown.click("#like")
    waited(shown)
    shown.keyboard.press("k")
    waited(shown)
    box = shown.locator("#taste").bounding_box()
    assert box is not None
    for way in (-60, 10, 60):  # the second is too short
        shown.mouse.move(box["x"] + 64, box["y"] + 64)
        shown.mouse.down()
        shown.mouse.move(box["x"] + 64 + way, box["y"] + 64, steps=3)
        shown.mouse.up()
        waited(shown)
    expected = [[0, 0, True], [1, 1, False], [2, 2, False], [3, 3, True]]
    assert shown.evaluate(MARK) == expected
    assert text(shown, "taste-said") == "2 liked, 2 disliked"
    address = shown.url
    shown.reload()
    drawn(shown)
    assert shown.evaluate(MARK) == expected
    assert shown.url == address
    shown.click("#panel-taste summary")
    waited(shown)
    shown.select_option("#taste-label", "7")
    waited(shown)
    shown.focus("#taste")
    shown.keyboard.press("J")
    waited(shown)
    assert shown.evaluate(MARK)[-1] == [4, 7, True]
    shown.click("#clear-taste")
    waited(shown)
    assert shown.evaluate(MARK) == []
    for _ in range(2):
        shown.click("#take-back")
        waited(shown)
    assert shown.evaluate(MARK) == expected
    assert shown.evaluate("document.activeElement.id") == "taste"  # the button is disabled, and the keys still work


def test_what_it_saves_is_feedback_and_what_it_loads_is_added(shown: Page, lab: Lab, tmp_path: Path) -> None:
    about = lab.provenance["sha256"]
    load(shown, json.dumps(marks(about)))
    shown.wait_for_function("opinions.length === 30")
    waited(shown)
    assert text(shown, "taste-typed") == "python -m gan.prefer feedback=feedback.json out=mine.safetensors"
    with shown.expect_download() as download:
        shown.click("#save-taste")
    assert download.value.suggested_filename == "feedback.json"
    download.value.save_as(tmp_path / "feedback.json")
    found = load_feedback(tmp_path / "feedback.json", lab.names, about)
    assert found.seeds.tolist() == list(range(30))
    assert found.labels.tolist() == [7] * 30
    assert found.liked.tolist() == [i % 3 == 0 for i in range(30)]
    load(shown, json.dumps({"generator": about, "marks": [{"seed": 0, "label": "7", "liked": False}]}))
    shown.wait_for_function("opinions[0].liked === false")
    assert shown.evaluate("opinions.length") == 30


def test_a_wrong_file_is_one_line_and_the_marks_stay(shown: Page, lab: Lab) -> None:
    about = lab.provenance["sha256"]
    mark = {"seed": 0, "label": "7", "liked": True}
    wrong = [mark | {"liked": 1}, mark | {"seed": -1}, mark | {"seed": 0.5}, mark | {"label": 7}, None]
    files = {
        "[": "it is no JSON",
        "null": "it has no generator or no list of marks",
        '{"generator": "b", "marks": []}': "it is about another generator",
        json.dumps(marks(about, 1001)): "it has 1001 marks, and 1000 are allowed",
        " " * 1_000_001: "it is too large",
    }
    files |= {
        json.dumps({"generator": about, "marks": [mark, one]}): "mark 2 is no digit of this page" for one in wrong
    }
    shown.click("#like")
    waited(shown)
    for contents, expected in files.items():
        shown.evaluate("say('taste-wrong', '')")
        load(shown, contents)
        shown.wait_for_function("$('taste-wrong').textContent")
        assert text(shown, "taste-wrong") == f"x.json is not used: {expected}"
        assert shown.evaluate("opinions.length") == 1


def test_it_finds_what_python_finds(shown: Page, lab: Lab) -> None:
    assert lab.reader is not None
    seeds, y = torch.arange(30), torch.full((30,), 7)
    ink = torch.cat(list(sample.generate(lab.generator, seeds, y))).mean((1, 2, 3))
    liked = ink <= ink.median()
    critic = Critic(lab.generator, lab.reader, find_taste(lab.generator, lab.reader), Feedback(seeds, y, liked))
    some = [{"seed": i, "label": "7", "liked": bool(liked[i])} for i in range(30)]
    shown.select_option("#taste-label", "7")
    load(shown, json.dumps({"generator": lab.provenance["sha256"], "marks": some}))
    shown.wait_for_function("opinions.length === 30")
    waited(shown)
    images, plain = shown.evaluate(
        "findLiked(() => false).then(({ images, plain }) => [images.map((image) => [...image]), plain])"
    )
    z, y = sample.latents(torch.arange(40) + 10**6, 64), torch.full((40,), 7)
    better, accepted = critic.improve(z, y), critic.judge(critic.draw(z, y), y).accepts(SURE)
    far = (better.z - z).norm(dim=1).mul(4).round()
    order = torch.where(better.accepted, far, torch.inf).argsort(stable=True)[:10]
    assert plain == min(10, int(accepted.sum()))
    torch.testing.assert_close(torch.tensor(images).view(10, 1, 28, 28), better.x[order], rtol=0, atol=1e-3)
    assert shown.evaluate("document.querySelectorAll('#liked canvas').length") == 10
    moved = f", {10 - plain} of them changed a little" if plain < 10 else ""
    assert text(shown, "liked-said") == f"You would like these 10{moved}"


def test_a_browser_that_keeps_nothing_says_so(shown: Page) -> None:
    shown.evaluate("Storage.prototype.setItem = () => { throw new Error('full') }; 0")
    shown.click("#dislike")
    waited(shown)
    assert text(shown, "taste-wrong") == "This browser keeps nothing: save feedback.json before you leave"
    assert shown.evaluate(MARK) == [[0, 0, False]]
