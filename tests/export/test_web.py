"""The page: it makes no requests, draws torch's digits in a browser, and replaces only a page."""

import base64
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import firefox
import numpy as np
import pytest
import torch
from browser import drawn, needs_chromium, opened, same_as_torch, served
from conftest import call, untrained
from PIL import Image
from playwright.sync_api import Browser

from gan import checkpoint, file, sample
from gan.digits import style
from gan.digits.look import Look
from gan.digits.paint import paint_canvas
from gan.export import steered, web
from gan.export.__main__ import main

pytest_plugins = ["studio_page"]


@pytest.fixture
def pretended(tmp_path: Path) -> Path:
    """A package with the right names and almost no contents."""
    for name in (web.MODULE, web.WASM):
        (path := tmp_path / "package" / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"runs")
    return tmp_path / "package"


@needs_chromium
@pytest.mark.parametrize("way", ["file", pytest.param("http", marks=pytest.mark.slow)])
def test_it_draws_torchs_images_for_its_seeds_and_makes_no_requests(chromium: Browser, page: Path, way: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    with served(page) as address:
        home = address if way == "http" else (page / "index.html").as_uri()
        with opened(chromium, home, asked=asked, said=said) as shown:
            drawn(shown)
            assert same_as_torch(shown, checkpoint.generator(None), list(range(3, 23)), [7] * 20)
            assert same_as_torch(shown, checkpoint.generator(None), [0, 2**31, 2**32 - 1], [0, 5, 9])
    own = (home.removesuffix("index.html"), "blob:", "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert said == []


@pytest.mark.slow
@pytest.mark.skipif(firefox.PROGRAM is None, reason="there is no Firefox")
def test_it_draws_in_firefox_too(page: Path) -> None:
    seeds = torch.tensor([0, 3, 2**32 - 1])
    [expected] = sample.generate(checkpoint.generator(None), seeds, seeds % 10)
    script = f"digits({seeds.tolist()}, {(seeds % 10).tolist()}).then((x) => settled.then(() => `[${{x}}]`))"
    address = f"{(page / 'index.html').as_uri()}#layout=sheet&n=1&seed=0&truncation=1"
    words = [sys.executable, firefox.__file__, address, script, "picture"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    images, shot = json.loads(done.stdout.splitlines()[-1])
    images = json.loads(images)
    torch.testing.assert_close(torch.tensor(images).view_as(expected), expected, rtol=0, atol=1e-4)
    with Image.open(io.BytesIO(base64.b64decode(shot))) as picture:
        seen = np.array(picture.convert("L"))
    painted, _ = paint_canvas(expected[0], seen.shape[1], seen.shape[0], Look(ink="#1d2b4f", paper="#fffdf8"))
    assert np.corrcoef(seen.flatten(), painted.float().mean(0).numpy().flatten())[0, 1] > 0.95


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
            shown.evaluate("$('said').textContent")
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
    with opened(
        chromium, f"{(tmp_path / 'page' / 'index.html').as_uri()}#layout=sheet&n=12&seed=0&truncation=1"
    ) as shown:
        drawn(shown)
        assert shown.evaluate("document.querySelector('h1').textContent") == "Ours, all"
        assert same_as_torch(shown, network, [1, 2, 3], [0, 0, 59] if network.classes else [-1, -1, -1])
        assert shown.evaluate("[MODEL.alphabet, Object.keys(MODEL.programs)]") == [
            {},
            ["steered", "finish"] if network.classes else ["steered", "finish", "lean"],
        ]
        assert "ckpt=g.safetensors n=12 seed=0 " in shown.evaluate("$('typed').textContent")
        assert shown.evaluate("[...$('layout').options].map((one) => one.value)") == ["sheet"]
        if network.classes:
            shown.select_option("#label", "59")
            shown.wait_for_function("shown.digits.every((one) => one.label === 59)")
            ground = shown.evaluate("[...$('picture').getContext('2d').getImageData(5, 5, 1, 1).data]")
            assert ground[3] == 255
        else:
            assert shown.is_hidden("#text")


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
