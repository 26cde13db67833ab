"""The names of classes in every file that is written, harmless whoever chose them."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import call, complaint, pixels, renamed
from PIL import Image

from gan import generate, morph
from gan.digits import files
from gan.export.__main__ import main as export
from gan.names import WORDS

SORTED = {word: WORDS.index(word) for word in sorted(WORDS)}
HOSTILE = ["=1+1", "@SUM(A1)", "con", "aux.x", "a", "A", "x" * 64, "&lt;", "dot.", "'; rm -rf ~", "数" * 64]


def test_a_set_bears_the_names_in_every_format(tmp_path: Path) -> None:
    ckpt = f"ckpt={renamed(tmp_path, SORTED)}"
    for words in (["out=x.npz"], ["out=y.csv"], ["out=png/"], ["out=classes/", "folder=classes"]):
        call(generate.main, ckpt, "n=20", *words[1:], f"out={tmp_path}/{words[0][4:]}")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert [found["names"][label] for label in found["labels"]] == [*SORTED, *SORTED]
    with (tmp_path / "y.csv").open(newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["label", *SORTED, *SORTED]
    assert sorted(one.name for one in (tmp_path / "png").glob("*.png"))[5] == "00005_seven.png"
    assert {one.name for one in (tmp_path / "classes").iterdir()} == {*SORTED, "README.md"}
    assert "| seven | 5 | 2 |" in (tmp_path / "x.npz.md").read_text()
    assert "| seven | 2 |" in (tmp_path / "classes" / "README.md").read_text()


def test_the_numbers_of_mnists_format_are_the_digits_that_the_classes_mean(tmp_path: Path) -> None:
    call(generate.main, f"ckpt={renamed(tmp_path, SORTED)}", "n=20", "folder=idx", f"out={tmp_path / 'idx'}/")
    labels = (tmp_path / "idx/MNIST/raw/train-labels-idx1-ubyte").read_bytes()[8:]
    assert list(labels[:10]) == list(SORTED.values())
    assert "| seven | 7 | 2 |" in (tmp_path / "idx" / "README.md").read_text()
    assert files.label_numbers(["cat", "7"]) == {"cat": 0, "7": 1}
    with pytest.raises(ValueError, match="holds labels up to 255"):
        files.write_idx(torch.zeros(8, 1, 4, 4, dtype=torch.uint8), torch.arange(8) + 300, tmp_path / "more")


def test_a_picture_and_a_film_say_the_name(tmp_path: Path) -> None:
    ckpt = f"ckpt={renamed(tmp_path, SORTED)}"
    call(generate.main, ckpt, "n=1", "label=7", f"out={tmp_path / 'x.png'}")
    call(generate.main, ckpt, "n=1", "label=seven", f"out={tmp_path / 'y.png'}")
    assert (pixels(tmp_path / "x.png") == pixels(tmp_path / "y.png")).all()
    with Image.open(tmp_path / "x.png") as picture:
        assert (picture.info["Label"], picture.info["Title"]) == ("seven", "The handwritten digit seven")
    call(morph.main, ckpt, "labels=[three,8]", "frames=2", f"out={tmp_path / 'm.svg'}")
    assert "three, eight" in (tmp_path / "m.svg").read_text()
    assert complaint(generate.main, ckpt, "label=ten", f"out={tmp_path / 'z.png'}").endswith(
        "label=ten: there is no such class; the classes are " + ", ".join(SORTED)
    )


def test_an_export_keeps_the_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(export, f"ckpt={renamed(tmp_path, SORTED)}", f"out={tmp_path / 'g.safetensors'}")
    assert json.loads((tmp_path / "g.json").read_text())["names"] == list(SORTED)


def test_names_of_files_are_apart_and_safe_on_every_system() -> None:
    found = files.file_names(HOSTILE)
    folded = {name.casefold() for name in found}
    assert len(folded) == len(HOSTILE)
    for name in found:
        assert not files.dataset.DEVICES.fullmatch(name)
        assert len(f"00042_{name}.png".encode()) <= 255
        assert not name.endswith(".")
    assert files.file_names(["3", "7", "a b", "é"]) == ["3", "7", "a b", "é"]
    assert files.file_names(["a", "A", "a_0"]) == ["a_0_0", "A_1", "a_0"]


def test_no_name_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    names = ["=1+1", "+cmd", "-2", "@x", "-", "a,b", 'say "x"', "=HYPERLINK(A1)"]
    files.write_csv(torch.zeros(8, 1, 2, 2, dtype=torch.uint8), torch.arange(8), tmp_path / "x.csv", names)
    with (tmp_path / "x.csv").open(newline="") as file:
        read = [row[0] for row in csv.reader(file)][1:]
    assert read == ["'=1+1", "'+cmd", "-2", "'@x", "-", "a,b", 'say "x"', "'=HYPERLINK(A1)"]


def test_hostile_names_are_text_in_every_file(tmp_path: Path) -> None:
    names = ["&lt;b onload=x", "'; rm -rf ~", "con", "$(reboot)"]
    ckpt = f"ckpt={renamed(tmp_path, {name: i for i, name in enumerate(names)})}"
    for out in ("x.svg", "x.pdf", "x.webp", "set/"):
        call(generate.main, ckpt, "n=1", f"label={names[0]}", f"out={tmp_path}/{out}")
    svg = (tmp_path / "x.svg").read_text()
    assert "<b" not in svg
    assert "&amp;lt;b onload=x" in svg
    inside = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path in inside)
    command = re.search("`(python .*)`", (tmp_path / "set" / "README.md").read_text())
    assert command is not None
    assert "'label=&lt;b onload=x'" in command[1]


def test_a_line_that_no_classifier_checked_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(generate.main, "text=12", "reader=none", f"out={tmp_path / 'x.png'}")
    assert "no digit was classified: reader= names a classifier" in capsys.readouterr().out
