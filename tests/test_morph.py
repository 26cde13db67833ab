"""python -m gan.morph: from one digit to the next."""

from pathlib import Path

import pytest
from conftest import SHORT, call
from PIL import Image

from gan import morph
from train import train


@pytest.mark.parametrize("suffix", [".gif", ".mp4", ".png", ".svg"])
def test_a_morph_is_a_film_or_a_strip(suffix: str, tmp_path: Path) -> None:
    call(morph.main, "labels=[3,8]", "frames=4", f"out={tmp_path / 'x'}{suffix}", "preset=notebook")
    assert (tmp_path / f"x{suffix}").stat().st_size > 500
    with pytest.raises(SystemExit, match="exists"):
        call(morph.main, f"out={tmp_path / 'x'}{suffix}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["out=x.jpg"], "out must end in .gif, .mp4, .png, .webp, .svg or .pdf"),
        (["out=x.gif", "labels=[3]"], "goes through two digits or more"),
        (["out=x.gif", "labels=[3,x]"], "label=x: there is no such class"),
        (["out=x.gif", "frames=1"], "frames must be a whole number from 2 to 1,000, got 1"),
        (["out=x.gif", "labels=3.5"], "label=3.5: there is no such class"),
        (["out=x.gif", "labels=3,8"], "labels is a list: write labels=[3,8]"),
        (["out=x.gif", "frames=1000", "look.height=2000"], "4,000,000,000 pixels are more than"),
        (["out=x.gif", "fps=0"], "fps must be a number from 1 to 240, got 0"),
    ],
)
def test_what_cannot_be_morphed_is_one_line(words: list[str], expected: str, tmp_path: Path) -> None:
    placed = [word.replace("out=", f"out={tmp_path}/") for word in words]
    with pytest.raises(SystemExit, match="error: ") as caught:
        call(morph.main, *placed)
    assert expected in str(caught.value.code)
    assert list(tmp_path.iterdir()) == []


def test_a_generator_without_labels_goes_from_seed_to_seed(tmp_path: Path) -> None:
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path / 'r'}")
    ckpt, strip = f"ckpt={tmp_path / 'r' / 'last.ckpt'}", tmp_path / "strip.png"
    call(morph.main, ckpt, "seeds=[0,1]", "frames=3", f"out={strip}")
    with Image.open(strip) as picture:
        assert picture.info["Title"] == "From one handwritten digit to another"
    with pytest.raises(SystemExit, match=r"through two digits or more: give seeds=\[0,1\]"):
        call(morph.main, ckpt, f"out={tmp_path / 'y.png'}")
