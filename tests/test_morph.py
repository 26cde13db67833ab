"""python -m gan.morph: from one digit to the next."""

import math
from pathlib import Path

import pytest
from conftest import SHORT, call
from PIL import Image

from gan import morph
from gan.lab import Lab
from train import train


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4", ".png", ".svg"])
def test_a_morph_is_a_film_or_a_strip(suffix: str, tmp_path: Path) -> None:
    call(morph.main, "labels=[3,8]", "frames=4", f"out={tmp_path / 'x'}{suffix}", "preset=notebook")
    assert (tmp_path / f"x{suffix}").stat().st_size > 500
    with pytest.raises(SystemExit, match="exists"):
        call(morph.main, f"out={tmp_path / 'x'}{suffix}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["out=x.jpg"], "out must end in .gif, .webp, .mp4, .png, .svg or .pdf"),
        (["out=x.gif", "labels=[3]"], "goes through two digits or more"),
        (["out=x.gif", "labels=[3,x]"], "label=x: there is no such class"),
        (["out=x.gif", "frames=1"], "frames must be a whole number from 2 to 1,000, got 1"),
        (["out=x.gif", "labels=3.5"], "label=3.5: there is no such class"),
        (["out=x.gif", "labels=3,8"], "labels is a list: write labels=[3,8]"),
        (["out=x.gif", "frames=1000", "look.height=2000"], "4,000,000,000 pixels are more than"),
        (["out=x.webp", "fps=91"], "fps of a .webp must be in [1, 90], got 91: choose fewer, or .mp4"),
        (["out=x.gif", "fps=0"], "fps must be a number from 1 to 240, got 0"),
    ],
)
def test_what_cannot_be_morphed_is_one_line(words: list[str], expected: str, tmp_path: Path) -> None:
    placed = [word.replace("out=", f"out={tmp_path}/") for word in words]
    with pytest.raises(SystemExit, match="error: ") as caught:
        call(morph.main, *placed)
    assert expected in str(caught.value.code)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_film_is_large_light_and_the_same_from_python(
    suffix: str, lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, own = tmp_path / f"x{suffix}", tmp_path / f"own{suffix}"
    call(morph.main, "labels=[3,8]", f"out={path}", "preset=sunset")
    lab.morph([3, 8], look="sunset").save(own)
    assert path.read_bytes() == own.read_bytes()
    kilobytes = math.ceil(path.stat().st_size / 1000)
    assert capsys.readouterr().out == f"26 frames: {path}, 256x256 pixels, {kilobytes} kB\n"
    assert kilobytes < 500
    with Image.open(path) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (26, (256, 256), 0)  # type: ignore[attr-defined]


def test_a_film_may_be_as_small_as_the_generator_draws(lab: Lab, tmp_path: Path) -> None:
    call(morph.main, "labels=[3,8]", "frames=2", "look.height=0", f"out={tmp_path / 'x.webp'}")
    with Image.open(tmp_path / "x.webp") as film:
        assert film.size == (28, 28)


def test_a_generator_without_labels_goes_from_seed_to_seed(tmp_path: Path) -> None:
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path / 'r'}")
    ckpt, strip = f"ckpt={tmp_path / 'r' / 'last.ckpt'}", tmp_path / "strip.png"
    call(morph.main, ckpt, "seeds=[0,1]", "frames=3", f"out={strip}")
    with Image.open(strip) as picture:
        assert picture.info["Title"] == "From one handwritten digit to another"
    with pytest.raises(SystemExit, match=r"through two digits or more: give seeds=\[0,1\]"):
        call(morph.main, ckpt, f"out={tmp_path / 'y.png'}")
