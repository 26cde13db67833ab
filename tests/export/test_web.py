"""The page: it makes no requests, draws torch's digits in a browser, and replaces only a page."""

import base64
import functools
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import firefox
import numpy as np
import pytest
import torch
from browser import PROGRAM, launched, opened
from conftest import call, untrained
from PIL import Image
from playwright.sync_api import Browser, Page

from gan import checkpoint, file, sample
from gan.digits import style
from gan.digits.look import Look
from gan.digits.paint import enlarge
from gan.error import UserError
from gan.export import steered, web
from gan.export.__main__ import main
from gan.lab import Lab

needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def runtime() -> Path:
    """onnxruntime-web, downloaded once into the user's cache."""
    try:
        return web.find_runtime(None, os.environ.get("GAN_CACHE", "~/.cache/digit-gan"))
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def page(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the shipped generator."""
    call(main, f"out={tmp_path_factory.mktemp('page')}/", f"page.runtime={runtime}")
    return tmp_path_factory.getbasetemp() / "page0"


@pytest.fixture
def pretended(tmp_path: Path) -> Path:
    """A package with the right names and almost no contents."""
    for name in (web.MODULE, web.WASM):
        (path := tmp_path / "package" / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"runs")
    return tmp_path / "package"


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
    page.wait_for_function("document.getElementById('many-said')?.textContent || document.querySelector('.failed')")
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


@needs_chromium
@pytest.mark.parametrize("way", ["file", pytest.param("http", marks=pytest.mark.slow)])
def test_it_draws_torchs_images_for_its_seeds_and_makes_no_requests(chromium: Browser, page: Path, way: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    with served(page) as address:
        home = address if way == "http" else (page / "index.html").as_uri()
        with opened(chromium, f"{home}#seed=3&label=7&n=20&test", asked=asked, said=said) as shown:
            drawn(shown)
            shown.wait_for_function("$('result').textContent")
            result = json.loads(shown.evaluate("$('result').textContent"))
            seeds = torch.arange(3, 23)
            [expected] = sample.generate(checkpoint.generator(None), seeds, torch.full_like(seeds, 7))
            torch.testing.assert_close(torch.tensor(result["images"]).view_as(expected), expected, rtol=0, atol=1e-4)
            assert same_as_torch(shown, checkpoint.generator(None), [0, 2**31, 2**32 - 1], [0, 5, 9])
    own = (home.removesuffix("index.html"), "blob:", "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert said == []


@pytest.mark.slow
@pytest.mark.skipif(firefox.PROGRAM is None, reason="there is no Firefox")
def test_it_draws_in_firefox_too(page: Path) -> None:
    seeds = torch.tensor([0, 3, 2**32 - 1])
    [expected] = sample.generate(checkpoint.generator(None), seeds, seeds % 10)
    script = f"digits({seeds.tolist()}, {(seeds % 10).tolist()}).then((x) => shown.then(() => `[${{x}}]`))"
    words = [sys.executable, firefox.__file__, (page / "index.html").as_uri(), script, "one"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    images, shot = json.loads(done.stdout.splitlines()[-1])
    images = json.loads(images)
    torch.testing.assert_close(torch.tensor(images).view_as(expected), expected, rtol=0, atol=1e-4)
    with Image.open(io.BytesIO(base64.b64decode(shot))) as picture:
        cover = np.array(picture.convert("L").resize((28, 28), Image.Resampling.BOX)) / 255
    ink = (expected[0, 0].numpy() + 1) / 2
    assert np.corrcoef(cover.flatten(), ink.flatten())[0, 1] < -0.95  # dark ink on light paper


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


FOUR = ([(90, 40), (80, 90), (75, 140), (190, 140)], [(170, 60), (160, 140), (150, 250)])  # on a pad of 280 pixels


def write_on_pad(page: Page, strokes: Iterable[list[tuple[int, int]]]) -> None:
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    assert box is not None
    for stroke in strokes:
        first, *others = [(box["x"] + x / 2, box["y"] + y / 2) for x, y in stroke]
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point, steps=8)
        page.mouse.up()


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


@pytest.mark.slow
@needs_chromium
def test_an_incomplete_folder_names_what_is_missing(chromium: Browser, page: Path, tmp_path: Path) -> None:
    scripts = (*web.SCRIPTS, "model.js", "runtime.js")
    for name in scripts:
        (tmp_path / name).mkdir()
        for path in page.iterdir():
            if path.name != name:
                (tmp_path / name / path.name).symlink_to(path)
        if name != "latent.js":
            (tmp_path / name / name).write_text((page / name).read_text()[:-100])
    with opened(chromium, "about:blank") as shown:
        for name in scripts:
            shown.goto((tmp_path / name / "index.html").as_uri())
            shown.wait_for_function(f"location.href.includes('{name}/') && document.querySelector('.failed')")
            said = f"Missing or damaged: {name}. Unpack the whole folder again."
            assert shown.evaluate("document.querySelector('.failed').textContent") == said
        shown.goto((page / "index.html").as_uri())
        drawn(shown)
        shown.evaluate("failed(new Error('It is old.'))")
        assert (
            shown.evaluate("$('one-said').textContent")
            == "This browser cannot draw: It is old. Use a browser of 2023 or later."
        )
    with opened(chromium, (page / "index.html").as_uri(), scripts=False) as shown:
        text = shown.inner_text("body")
        assert "turned off" in text
        assert "Loading" not in text


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("words", [("network=report",), ("network=r3gan", "data.channels=3", "data.classes=60")])
def test_other_generators_have_a_page_too(
    chromium: Browser, runtime: Path, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "load_axes", lambda generator, _: style.find_axes(generator, 200))
    network = untrained(*words)
    config = {"_target_": f"{type(network).__module__}.Generator", "size": 28, "channels": 1, "latent": network.latent}
    if network.classes:
        config |= {"channels": 3, "classes": 60, "width": 8, "depth": 1}
    file.write_weights(network, tmp_path / "g.safetensors")
    file.write_text(json.dumps({"generator": config, "command": "python train.py", "data": "x"}), tmp_path / "g.json")
    call(
        main,
        f"ckpt={tmp_path / 'g.safetensors'}",
        f"out={tmp_path / 'page'}/",
        f"page.runtime={runtime}",
        "page.title=Ours, all",
    )
    with opened(chromium, f"{(tmp_path / 'page' / 'index.html').as_uri()}#n=12") as shown:
        drawn(shown)
        assert shown.evaluate("document.querySelector('h1').textContent") == "Ours, all"
        assert same_as_torch(shown, network, [1, 2, 3], [0, 0, 59] if network.classes else [-1, -1, -1])
        assert "ckpt=g.safetensors seed=0 n=12 out" in shown.evaluate("$('typed').textContent")
        if network.classes:  # too many for buttons
            assert shown.evaluate("$('choices').firstChild.checkVisibility({ opacityProperty: true })")
            for key in ("Tab", "5", "9"):
                shown.keyboard.press(key)
            shown.wait_for_function("$('one-said').textContent === 'label 59, seed 0'")


def test_files_that_are_not_of_a_page_are_left_alone(
    pretended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steered, "to_onnx", lambda *_: {"steered": b"a model", "finish": b"another"})
    words = [f"out={tmp_path / 'page'}/", f"page.runtime={pretended}"]
    call(main, *words)
    assert {path.name for path in (tmp_path / "page").iterdir()} == web.FILES
    with pytest.raises(SystemExit, match="holds a page: choose another folder, or overwrite=true"):
        call(main, *words)
    (tmp_path / "page" / "index.html").write_text("old")
    call(main, *words, "overwrite=true")
    assert "<canvas" in (tmp_path / "page" / "index.html").read_text()
    (tmp_path / "page" / "thesis.odt").write_text("mine")
    with pytest.raises(SystemExit, match=r"holds thesis\.odt, which is not part of a page"):
        call(main, *words, "overwrite=true")
    assert (tmp_path / "page" / "thesis.odt").read_text() == "mine"
    (tmp_path / "note").write_text("mine")
    with pytest.raises(SystemExit, match="note is a file: choose another folder"):
        call(main, f"out={tmp_path / 'note'}", words[1], "overwrite=true")


def _npm(folder: Path, script: str) -> str:
    """A PATH on which there is nothing but an npm that is ``script``."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    return str(folder)


def test_the_runtime_is_downloaded_once(pretended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as package:
        package.add(pretended, "package")
    shell = shutil.which("cp")
    monkeypatch.setenv("PATH", _npm(tmp_path / "first", f"{shell} {tmp_path / 'x.tgz'} ."))
    home = web.find_runtime(None, str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")
    assert web.find_runtime(None, str(tmp_path / "cache")) == home
    assert (home / web.WASM).read_bytes() == b"runs"
    assert list((tmp_path / "cache").iterdir()) == [home]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "npm is not installed: install npm, go online, or give page.runtime=FOLDER"),
        ("exit 1", "npm could not download"),
    ],
)
def test_without_npm_or_a_network_one_line_says_what_to_do(
    script: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", _npm(tmp_path / "bin", script) if script else "")
    monkeypatch.setenv("GAN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SystemExit, match=f"^error: [^\n]*{message}[^\n]*$"):
        call(main, f"out={tmp_path / 'page'}/")
    assert not (tmp_path / "page").exists()
    with pytest.raises(SystemExit, match=r"page\.runtime: .* has no dist/ort"):
        call(main, f"out={tmp_path / 'page'}/", f"page.runtime={tmp_path}")


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
@pytest.mark.parametrize("size", [1, 7, 16, 20, 64, 100])
def test_its_latents_are_torchs(size: int) -> None:
    seeds = [0, 1, 12345, 2**31, 2**32 - 1]
    code = (web.PAGE / "latent.js").read_text()
    shown = f"console.log(JSON.stringify({seeds}.map((seed) => [...latent(seed, {size})])))"
    done = subprocess.run(["node", "-e", f"{code}; {shown}"], capture_output=True, text=True, check=True)
    torch.testing.assert_close(
        torch.tensor(json.loads(done.stdout)), sample.latents(torch.tensor(seeds), size), rtol=0, atol=2e-6
    )
