"""python -m gan.generate: sets, grids and lines of digits."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import SHORT, call, complaint, pixels
from PIL import Image
from torchvision.datasets import MNIST

from gan import generate, sample
from gan.file import sha256
from gan.image import to_uint8
from gan.lab import Lab
from gan.metric import feature
from train import train


def _npz(short_run: Path, path: Path, *words: str) -> tuple[np.ndarray, np.ndarray]:
    call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={path}", *words)
    with np.load(path) as found:
        return found["images"], found["labels"]


def test_a_set_has_bytes_and_balanced_labels(short_run: Path, tmp_path: Path) -> None:
    images, labels = _npz(short_run, tmp_path / "x.npz", "n=230")
    assert (images.shape, images.dtype, labels.dtype) == ((230, 28, 28), np.uint8, np.int64)
    assert np.bincount(labels).tolist() == [23] * 10
    assert images.std() > 1


def test_image_i_depends_on_seed_plus_i_alone(short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many, _ = _npz(short_run, tmp_path / "a.npz", "n=60")
    later, labels = _npz(short_run, tmp_path / "b.npz", "n=10", "seed=50")
    assert (later == many[50:]).all()
    assert labels.tolist() == list(range(10))
    monkeypatch.setattr(sample.generate, "__defaults__", (7,))
    again, _ = _npz(short_run, tmp_path / "c.npz", "n=60")
    assert np.abs(again.astype(int) - many).max() <= 1  # a value on the edge of two bytes may fall either way


def test_one_class_can_be_asked_for(short_run: Path, tmp_path: Path) -> None:
    _, labels = _npz(short_run, tmp_path / "x.npz", "n=5", "label=7")
    assert labels.tolist() == [7] * 5


def test_a_grid_and_a_folder_of_pictures(short_run: Path, tmp_path: Path) -> None:
    images, labels = _npz(short_run, tmp_path / "x.npz", "n=12")
    words = ["n=12", "columns=4", "look.height=28"]
    call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.png'}", *words)
    assert pixels(tmp_path / "x.png").shape == (3 * 30 + 2, 4 * 30 + 2)
    call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'folder'}/", "n=12")
    paths = sorted((tmp_path / "folder").glob("*.png"))
    assert [path.name for path in paths] == [f"{i:05d}_{label}.png" for i, label in enumerate(labels)]
    assert (pixels(paths[11]) == images[11]).all()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["n=0"], "n must be a whole number from 1 to 1,000,000"),
        (["seed=-1"], "seed must be a whole number from 0 to 4,294,967,295"),
        (["label=10"], "label=10: there is no such class; the classes are 0, 1, 2"),
        (["label=x"], "label=x: there is no such class"),
        (["out=x.jpg"], "out must end in .npz, .csv, /, .png, .webp, .svg or .pdf"),
    ],
)
def test_what_cannot_be_made_is_said(words: list[str], expected: str, short_run: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="error: ") as caught:
        call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.npz'}", *words)
    assert expected in str(caught.value.code)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(short_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_text("mine")
    with pytest.raises(SystemExit, match="exists"):
        _npz(short_run, path)
    assert path.read_text() == "mine"
    assert len(_npz(short_run, path, "n=3", "overwrite=true")[0]) == 3
    with pytest.raises(SystemExit, match="which is not part of a set: choose another folder"):
        call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path}/", "overwrite=true")


def test_a_folder_in_the_place_of_what_goes_beside_is_found_before_anything_is_drawn(tmp_path: Path) -> None:
    for words, beside in ((["text=12", "out=x.png"], "x.png.json"), (["n=3", "out=x.npz"], "x.npz.md")):
        (tmp_path / beside).mkdir()
        with pytest.raises(SystemExit, match=f"{beside} is a folder: choose another name"):
            call(generate.main, *words[:-1], f"out={tmp_path / words[-1][4:]}", "overwrite=true")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npz.md", "x.png.json"]


def test_a_set_in_a_folder_is_replaced_as_asked_and_as_a_whole(short_run: Path, tmp_path: Path) -> None:
    words = [f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x'}/"]
    call(generate.main, *words, "n=5")
    with pytest.raises(SystemExit, match="holds a set: choose another folder, or overwrite=true"):
        call(generate.main, *words, "n=3")
    assert len(list((tmp_path / "x").glob("*.png"))) == 5
    call(generate.main, *words, "n=3", "overwrite=true")
    assert len(list((tmp_path / "x").glob("*.png"))) == 3
    sheet = (tmp_path / "x" / "README.md").read_text()
    assert "python -m gan.generate ckpt=last.ckpt n=3 overwrite=true" in sheet
    assert str(tmp_path) not in sheet


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["like=no.png"], "like is for lines: give text= or pattern="),
        (["layout.height=40"], "layout.height is for lines"),
        (["lines=50"], "lines is for lines"),
        (["text=12", "n=5"], "n is for digits: leave text= and pattern= out"),
        (["n=6000"], "a picture shows 5,000 digits at most, got n=6000"),
        (["text=1234567890123456789012345678901234567890", "size=64x64"], "64x64 pixels are too few"),
    ],
)
def test_what_would_do_nothing_is_said(words: list[str], expected: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="error: ") as caught:
        call(generate.main, f"out={tmp_path / 'x.png'}", *words)
    assert expected in str(caught.value.code)
    assert list(tmp_path.iterdir()) == []


def test_an_unconditional_generator_has_no_labels_to_give(tmp_path: Path) -> None:
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path / 'r'}")
    _, labels = _npz(tmp_path / "r", tmp_path / "x.npz", "n=4")
    assert labels.tolist() == [-1] * 4
    with pytest.raises(SystemExit, match="this generator is unconditional, it has no classes: leave label out"):
        _npz(tmp_path / "r", tmp_path / "y.npz", "label=3")


def test_digits_that_stay_unclean_are_said_and_stand_in_the_datasheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gan.digits.line.ATTEMPTS", 1)
    digits = Lab().sample(40, label=8, clean=True)
    call(generate.main, "n=40", "label=8", "clean=true", f"out={tmp_path / 'x.npz'}")
    told = f"{digits.unread} digits stay misread, uncertain or not clean: try another seed or style"
    assert digits.unread > 0
    assert capsys.readouterr().out.endswith(f"{tmp_path / 'x.npz'}; {told}\n")
    assert f"{digits.unread} of them stay misread" in (tmp_path / "x.npz.md").read_text()
    with np.load(tmp_path / "x.npz") as found:
        assert (found["images"] == to_uint8(digits.images[:, 0]).numpy()).all()
    call(generate.main, "text=88888888", "clean=true", "reader=none", f"out={tmp_path / 'x.svg'}")
    said = capsys.readouterr().out
    assert re.search(r"; \d digits stay .*; no digit was classified: reader= names a classifier\n$", said)


def test_a_line_is_a_picture_with_its_boxes_beside_it(tmp_path: Path) -> None:
    call(generate.main, "text=007-42", f"out={tmp_path / 'x.png'}", "seed=3", "look.height=0")
    truth = json.loads((tmp_path / "x.png.json").read_text())
    found = pixels(tmp_path / "x.png")
    assert (truth["text"], truth["seed"], found.shape) == ("007-42", 3, (truth["height"], truth["width"]))
    for one in truth["boxes"]:
        x, y, width, height = one["box"]
        assert found[y : y + height, x : x + width].max() > 150
        found[y : y + height, x : x + width] = 0
    assert found.max() == 0
    assert [one["character"] for one in truth["boxes"]] == list("007-42")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.info["Description"] == "Handwritten 007-42, white on black"
        assert picture.info["Recipe"] == "python train.py experiment=best"


@pytest.mark.parametrize(
    "words",
    [
        ["preset=paper"],
        ["preset=accessible"],
        ["size=card", "look.ink=#f80-navy", "look.paper=transparent"],
    ],
)
def test_boxes_lie_where_the_ink_is_when_it_is_enlarged(words: list[str], tmp_path: Path) -> None:
    call(generate.main, "text=20€26%", f"out={tmp_path / 'x.png'}", *words)
    truth = json.loads((tmp_path / "x.png.json").read_text())
    with Image.open(tmp_path / "x.png") as picture:
        shown = np.array(picture).astype(int)
    inked = shown[:, :, 3] > 100 if shown.shape[2] == 4 else shown[:, :, 0] < 100
    assert shown.shape[:2] == (truth["height"], truth["width"])
    for one in truth["boxes"]:
        x, y, width, height = one["box"]
        slack = 0.05 * height
        part = inked[round(y - slack) : round(y + height + slack), round(x - slack) : round(x + width + slack)]
        rows, columns = (np.flatnonzero(part.any(axis)) for axis in (1, 0))
        assert rows[-1] - rows[0] == pytest.approx(height, abs=3 * slack)
        assert columns[-1] - columns[0] == pytest.approx(width, abs=3 * slack)
        part[:] = False
    assert not inked.any()


def test_many_lines_are_a_coco_set_with_their_texts(tmp_path: Path) -> None:
    call(generate.main, r"pattern=\d{3}[-/]\d", "lines=7", f"out={tmp_path / 'set'}/", "layout.height=20", "mixed=true")
    found = json.loads((tmp_path / "set" / "annotations.json").read_text())
    texts = [
        line.split(",", 1)[1].strip('"') for line in (tmp_path / "set" / "labels.csv").read_text().splitlines()[1:]
    ]
    assert [one["text"] for one in found["images"]] == texts
    assert all(re.fullmatch(r"\d{3}[-/]\d", text) for text in texts)
    assert (
        f"| {texts[0][0]} | {sum(text.count(texts[0][0]) for text in texts)} |"
        in (tmp_path / "set/README.md").read_text()
    )
    names = {kind["id"]: kind["name"] for kind in found["categories"]}
    for one in found["images"]:
        ours = [note for note in found["annotations"] if note["image_id"] == one["id"]]
        assert "".join(names[note["category_id"]] for note in ours) == one["text"]
        assert pixels(tmp_path / "set" / "images" / one["file_name"]).shape == (one["height"], one["width"])


def _coco(folder: Path) -> tuple[list[str], list[str]]:
    """The texts in a COCO folder, and those in its labels.csv; every picture is there."""
    found = json.loads((folder / "annotations.json").read_text())
    rows = (folder / "labels.csv").read_text().splitlines()[1:]
    assert sorted(path.name for path in (folder / "images").iterdir()) == [one["file_name"] for one in found["images"]]
    return [one["text"] for one in found["images"]], [row.split(",", 1)[1].strip('"') for row in rows]


def test_lines_are_split_into_train_and_test_without_a_text_in_both(tmp_path: Path) -> None:
    words = [r"pattern=\d\d%", "lines=40", "split=0.2", "reader=none"]
    call(generate.main, *words, f"out={tmp_path / 'a'}/")
    parts = [_coco(tmp_path / "a" / name) for name in ("train", "test")]
    (train, _), (test, _) = parts
    assert (len(train), len(test)) == (32, 8)
    assert all(texts == rows for texts, rows in parts)
    assert not set(train) & set(test)
    sheet = (tmp_path / "a" / "README.md").read_text()
    assert "train/ has 32 lines, seeds 0 to 31; test/ has 8, seeds 32 to 39; no text is in both." in sheet
    call(generate.main, *words, f"out={tmp_path / 'b'}/")
    for path in (tmp_path / "a").rglob("*.*g*"):
        assert (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes() == path.read_bytes()


def test_a_pattern_of_too_few_texts_splits_by_hands_alone_and_says_so(tmp_path: Path) -> None:
    call(generate.main, r"pattern=[12]", "lines=20", "split=0.3", "reader=none", f"out={tmp_path / 'a'}/")
    assert "2 texts are in both, since the pattern has too few." in (tmp_path / "a" / "README.md").read_text()
    train, test = (pixels(next((tmp_path / "a" / name / "images").iterdir())) for name in ("train", "test"))
    assert train.shape != test.shape or (train != test).any()


@pytest.mark.slow
def test_idx_files_train_through_torchvisions_own_mnist(tmp_path: Path) -> None:
    call(generate.main, "n=1750", "folder=idx", f"out={tmp_path / 'set'}/")
    train, test = (MNIST(str(tmp_path / "set"), train=part) for part in (True, False))
    assert (len(train), len(test)) == (1500, 250)
    *_, classifier = feature.fit(train.data[:, None], train.targets, 10, epochs=3, lr=3e-3, batch=50, seed=0)
    assert feature.accuracy(classifier, test.data[:, None], test.targets) > 0.9
    assert "0 to 1749" in (tmp_path / "set" / "README.md").read_text()


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["text=12a", "out=x.png"], "cannot draw a"),
        (["text=", "out=x.png"], "text is empty"),
        (["text=" + "1" * 1_000_000, "out=x.png"], "a line has 1,000 at most"),
        (["text=1", "lines=2", "out=x.png"], "out must be a folder for lines or for a pattern, as out=lines/"),
        (["text=1", "lines=0", "out=x/"], "lines must be a whole number from 1 to"),
        (["text=1", "pattern=2", "out=x/"], "text and pattern cannot both be given"),
        ([r"pattern=\d{2", "out=x/"], r"pattern: \d{2 "),
        (["pattern=[a-z]", "out=x/"], "gives texts that cannot be drawn"),
        (["text=1", "look.ink=blurple", "out=x.png"], "look.ink: 'blurple' is no colour"),
        (
            ["text=1", "preset=accessible", "look.ink=#999", "out=x.png"],
            "has a contrast of 2.84, less than look.minimum_contrast=7",
        ),
        (["text=1", "size=0x0", "out=x.png"], "'0x0' is no size"),
        (["text=1", "size=card", "out=x.svg"], "size is for pixels"),
        (["text=1", "layout.height=0", "out=x.png"], "layout.height must be a whole number from 8 to 1,024, got 0"),
        (["text=1", "variation=3", "out=x.png"], "variation must be a number from 0 to 1, got 3"),
        (["text=1", "like=nothing.png", "out=x.png"], "nothing.png does not exist"),
        (["style.thickness=9", "out=x.png"], "style.thickness must be a number from -3 to 3, got 9"),
        (["n=3", "size=card", "out=x.npz"], "size is for pixels, as .png and .webp"),
        (["folder=tar", "out=x/"], "folder must be one of png, classes, idx, got tar"),
        (["n=9", "folder=idx", "look.ink=red", "out=x/"], "this format holds grey digits alone"),
        (["n=100000", "look.paper=red", "out=x.csv"], "this format holds grey digits alone"),
        (["text=", "lines=5", "out=x/"], "text is empty"),
        (["text=1\u00a02", "out=x.png"], "cannot draw NO-BREAK SPACE"),
        (["text=${seed}", "out=x.png"], "cannot draw d e s { }"),
        (["text=1", "lines=3", "split=0.1", "out=x/"], "split=0.1 of 3 lines leaves train or test empty"),
        (["text=1", "lines=3", "split=1", "out=x/"], "split must be a number from 0 to 0.9, got 1"),
        (["text=1", "split=0.1", "out=x.png"], "split is for sets of lines, as pattern=date lines=500 out=dates/"),
        (["out=set.v2/"], "a folder's name must have no dot"),
        (["out=.png"], "/.png has no name"),
        (["n=3", "folder=idx", "out=x/"], "3 images leave the train or the test set empty"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_leaves_nothing(words: list[str], expected: str, tmp_path: Path) -> None:
    placed = [word.replace("out=", f"out={tmp_path}/") for word in words]
    with pytest.raises(SystemExit, match="error: ") as caught:
        call(generate.main, *placed)
    assert expected in str(caught.value.code)
    assert "\n" not in str(caught.value.code)
    assert list(tmp_path.iterdir()) == []


def test_nor_is_what_lies_where_a_datasheet_goes(short_run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.npz.md").write_text("mine")
    with pytest.raises(SystemExit, match=r"x\.npz\.md exists: choose another name, or overwrite=true"):
        _npz(short_run, tmp_path / "x.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz.md"]


def test_neither_a_line_nor_its_boxes_are_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "x.svg.json").write_text("mine")
    with pytest.raises(SystemExit, match=r"x\.svg\.json exists: choose another name, or overwrite=true"):
        call(generate.main, "text=1", f"out={tmp_path / 'x.svg'}")
    assert [path.name for path in tmp_path.iterdir()] == ["x.svg.json"]
    call(generate.main, "text=1", f"out={tmp_path / 'x.svg'}", "overwrite=true")
    assert json.loads((tmp_path / "x.svg.json").read_text())["text"] == "1"


def test_one_line_is_written_as_png_and_as_svg_each_with_its_boxes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("x.png", "x.svg"):
        call(generate.main, "text=12", f"out={tmp_path / name}")
        said = capsys.readouterr().out
        assert re.search(rf"{name}, (\d+x\d+ pixels, )?\d+ kB; boxes in {name}\.json", said)
        truth = json.loads((tmp_path / f"{name}.json").read_text())
        assert truth["sha256"] == sha256(tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("text", ["#42", "50%", "$9.99", "2+2=4", "€ 12,50", "=1", "${1}"])
def test_currencies_and_formulas_are_drawn_as_they_are_typed(text: str, tmp_path: Path) -> None:
    if "{" in text:
        assert "cannot draw { }" in complaint(generate.main, f"text={text}", f"out={tmp_path / 'x.svg'}")
        return
    call(generate.main, f"text={text}", f"out={tmp_path / 'x.svg'}")
    truth = json.loads((tmp_path / "x.svg.json").read_text())
    assert truth["text"] == text
    assert "".join(one["character"] for one in truth["boxes"]) == text.replace(" ", "")
    assert "<title id=" in (tmp_path / "x.svg").read_text()
    assert f"Handwritten {text}" in (tmp_path / "x.svg").read_text()


def test_python_writes_the_file_that_the_command_writes(lab: Lab, tmp_path: Path) -> None:
    call(generate.main, "text=2026", "seed=3", "preset=sunset", f"out={tmp_path / 'line.png'}")
    lab.line("2026", seed=3).picture("sunset").save(tmp_path / "own_line.png")
    call(generate.main, "n=23", "seed=3", "preset=sunset", f"out={tmp_path / 'grid.webp'}")
    lab.sample(23, seed=3, look="sunset").save(tmp_path / "own_grid.webp")
    call(generate.main, "text=2026", "seed=3", "preset=sunset", f"out={tmp_path / 'line.svg'}")
    lab.line("2026", seed=3).picture("sunset").save(tmp_path / "own_line.svg")
    call(generate.main, "n=5", "size=card", f"out={tmp_path / 'card.png'}")
    lab.sample(5).grid(size="card").save(tmp_path / "own_card.png")
    for name in ("line.png", "line.svg", "grid.webp", "card.png"):
        assert (tmp_path / name).read_bytes() == (tmp_path / f"own_{name}").read_bytes()


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    with pytest.raises(SystemExit, match=r"x\.png is a folder: choose another name"):
        call(generate.main, f"out={tmp_path / 'x.png'}", "overwrite=true")
    assert list((tmp_path / "x.png").iterdir()) == []


def test_white_on_black_stays_grey_whatever_else_is_asked(tmp_path: Path) -> None:
    call(generate.main, "n=3", "look.height=40", "look.minimum_contrast=4.5", f"out={tmp_path / 'x.csv'}")
    with (tmp_path / "x.csv").open() as file:
        assert len(file.readline().split(",")) == 1 + 40 * 40


@pytest.mark.parametrize("layout", [["look.height=17"], ["look.height=100", "layout.slant=-45", "layout.spacing=-0.5"]])
def test_no_box_reaches_out_of_its_picture(layout: list[str], tmp_path: Path) -> None:
    call(generate.main, "pattern=amount", "lines=20", "layout.margin=0", *layout, f"out={tmp_path / 'x'}/")
    found = json.loads((tmp_path / "x" / "annotations.json").read_text())
    sides = {one["id"]: (one["width"], one["height"]) for one in found["images"]}
    assert found["annotations"]
    for note in found["annotations"]:
        x, y, width, height = note["bbox"]
        assert min(x, y) >= 0
        assert x + width <= sides[note["image_id"]][0]
        assert y + height <= sides[note["image_id"]][1]


def test_the_hand_of_a_picture_is_said_to_be_what_it_was_read_as(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(generate.main, "n=1", "label=4", f"out={tmp_path / 'four.png'}")
    call(generate.main, "text=12", f"like={tmp_path / 'four.png'}", f"out={tmp_path / 'line.png'}")
    assert "like: drawn as a 4, with an error of " in capsys.readouterr().err
    call(generate.main, "n=1", "label=7", f"out={tmp_path / 'seven.png'}")
    both = f"like=[{tmp_path / 'four.png'},{tmp_path / 'seven.png'}]"
    call(generate.main, "text=12", both, f"out={tmp_path / 'both.png'}")
    assert re.findall("drawn as a (.),", capsys.readouterr().err) == ["4", "7"]
    message = complaint(generate.main, "text=12", both, "label=4", f"out={tmp_path / 'x.png'}")
    assert message == "error: label=4 is for one picture, and like= has 2: leave it out"
