"""A folder of images of any size and format, decoded once; a mistake names the file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHORT, call, complaint
from hydra.utils import instantiate
from PIL import Image

from gan import image
from gan.cli.compose import compose
from gan.data import ImageData, folder, review
from gan.error import UserError
from gan.metric import feature
from train import train


def _stroke(width: int, height: int, upright: bool, ink: int = 0, paper: int = 255) -> Image.Image:
    """A bar, upright or lying, on paper."""
    pixels = np.full((height, width), paper, np.uint8)
    middle = (slice(height // 5, -height // 5), slice(2 * width // 5, -2 * width // 5))
    pixels[middle if upright else (slice(2 * height // 5, -2 * height // 5), slice(width // 5, -width // 5))] = ink
    return Image.fromarray(pixels)


def _folder(root: Path, count: int = 20, **how: int) -> Path:
    """Class folders ``one`` and ``bar`` of pictures of many sizes and formats."""
    for name in ("one", "bar"):
        (root / name).mkdir(parents=True)
        for i in range(count):
            suffix = ("png", "jpg", "bmp", "webp")[i % 4]
            _stroke(30 + i, 60 - i, name == "one", **how).save(root / name / f"{i}.{suffix}")
    return root


def _data(root: Path, *words: str) -> ImageData:
    typed = ["data=folder", f"data.root='{root}'", "batch_size=4", "run_dir=.", *words]
    made: ImageData = instantiate(compose("train", typed).data, _convert_="all")
    made.setup()
    return made


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is said of the pictures; the line on classes and counts is of every data set."""
    return [record.message for record in caplog.records if record.message.startswith("data: ")]


def _left(run: Path) -> list[str]:
    """What a training left in its folder, without the lock."""
    return [path.name for path in run.glob("*") if not path.name.startswith(".")]


def test_dark_on_light_becomes_light_on_dark_and_a_share_of_each_class_is_held_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _data(_folder(tmp_path / "x"))
    train, test = made.splits["train"], made.splits["test"]
    assert (made.classes, len(train), len(test)) == (2, 34, 6)
    assert test.labels.bincount().tolist() == [3, 3]
    for split in (train, test):
        assert split.images.shape[1:] == (1, 28, 28)
        bars, ones = (split.images[split.labels == y].float().mean(0)[0] for y in (0, 1))  # bar comes before one
        assert ones[:, 14].sum() > 2 * ones[14].sum()
        assert bars[14].sum() > 2 * bars[:, 14].sum()
        assert ones[0].max() < 10 < 200 < ones.max()
    root = tmp_path / "x"
    said = ["data: images are dark on light and are inverted"]
    assert _said(caplog) == said
    with monkeypatch.context() as patched:
        patched.setattr(folder, "load_picture", None)  # decoded once
        assert torch.equal(_data(root).splits["train"].images, train.images)
        assert _said(caplog) == said  # and said once in a process
        review.log_once.cache_clear()  # as in another process
        _data(root)
        assert _said(caplog) == 2 * said


def test_what_is_light_on_dark_stays_and_mixed_polarity_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = _folder(tmp_path / "x", ink=255, paper=0)
    _stroke(40, 40, True).save(root / "one" / "0.png")
    _stroke(40, 40, True).save(root / "one" / "4.png")
    _stroke(40, 40, True).save(root / "one" / "8.png")
    made = _data(root)
    assert made.splits["train"].images[:, :, 0].float().median() < 10
    assert "data: POLARITY IS MIXED: images are light on dark; 3 are not, such as one/0.png" in caplog.messages


@pytest.mark.parametrize(("polarity", "corner"), [("light_on_dark", 255), ("dark_on_light", 0)])
def test_polarity_may_be_said(polarity: str, corner: int, tmp_path: Path) -> None:
    made = _data(_folder(tmp_path / "x"), f"data.polarity={polarity}")
    assert (made.splits["train"].images[:, 0, 0, 0].int() - corner).abs().max() <= 3  # JPEG's


def test_pictures_keep_their_proportions_and_fine_lines_do_not_vanish(tmp_path: Path) -> None:
    pixels = np.zeros((400, 100), np.uint8)
    pixels[::8] = 255  # an eighth of the rows: taking every fourteenth would miss most
    Image.fromarray(pixels).save(tmp_path / "x.png")
    small = folder.fit_square(image.load_picture(tmp_path / "x.png", 1), 28)
    assert small[:, 10:18].mean() == pytest.approx(255 / 8, rel=0.3)
    assert small[:, 10:18].std() < 40
    wide = folder.fit_square(np.asarray(_stroke(100, 50, True)), 28)
    assert (wide < 128).any(1).sum() == pytest.approx(28 * 0.5 * 0.6, abs=2)
    assert (wide[:6] == 255).all()


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_what_is_transparent_shows_the_other_end(ink: int, paper: int, tmp_path: Path) -> None:
    picture = Image.new("RGBA", (10, 10), (ink, ink, ink, 0))
    picture.paste((ink, ink, ink, 255), (3, 3, 7, 7))
    picture.save(tmp_path / "x.png")
    pixels = image.load_picture(tmp_path / "x.png", 1)
    assert (pixels[0, 0], pixels[5, 5]) == (paper, ink)


def test_sixteen_bits_and_cameras_that_were_held_sideways(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(tmp_path / "x.png")
    assert abs(int(image.load_picture(tmp_path / "x.png", 1)[0, 0]) - 40_000 // 257) <= 1
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(np.zeros((4, 8), np.uint8)).save(tmp_path / "y.jpg", exif=turned)
    assert image.load_picture(tmp_path / "y.jpg", 1).shape == (8, 4)


def test_a_test_folder_is_the_test_and_numbers_are_in_their_order(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("test", 2)):
        for name in ("10", "9", "2"):
            (tmp_path / "x" / part / name).mkdir(parents=True)
            for i in range(count):
                _stroke(28, 28, True, ink=int(name) * 20, paper=0).save(tmp_path / "x" / part / name / f"{i}.png")
    made = _data(tmp_path / "x")
    train, test = made.splits["train"], made.splits["test"]
    assert (len(train), len(test)) == (12, 6)
    assert [int(train.images[train.labels == y].max()) for y in range(3)] == [40, 180, 200]


def test_a_test_image_stays_one_when_others_are_added(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(40)]
    first, second = (set(folder.split_class(part, tmp_path, 0.2)[1]) for part in (paths[:20], paths))
    assert (len(first), len(second)) == (4, 8)
    assert len(first & second) >= 3


def test_colour_is_three_channels(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "x" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (9, 9), (250, 20, 20)).save(tmp_path / "x" / name / f"{i}.png")
    made = _data(tmp_path / "x", "data.channels=3", "data.size=32")
    assert made.splits["train"].images.shape == (4, 3, 32, 32)
    assert made.splits["train"].images[0, :, 5, 5].tolist() == [250, 20, 20]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "one" / "3.webp").write_bytes(b"GIF89a"), r"one/3\.webp cannot be read as an image"),
        (lambda root: os.truncate(root / "one" / "0.png", 70), r"one/0\.png cannot be read as an image"),
        (lambda root: (root / "empty").mkdir(), "class folder .*/empty has no images; it has nothing: fill"),
        (
            lambda root: [path.unlink() for path in sorted((root / "one").iterdir())[1:]],
            "one has one image; each class needs",
        ),
    ],
    ids=["foreign", "truncated", "empty", "too few"],
)
def test_what_cannot_be_used_is_named(spoil: object, message: str, tmp_path: Path) -> None:
    root = _folder(tmp_path / "x")
    spoil(root)  # type: ignore[operator]
    with pytest.raises(ValueError, match=message):
        _data(root)
    assert not list((Path(os.environ["GAN_CACHE"]) / "folder").rglob(".*"))  # nothing half-written


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "error: data.root must be given: a folder of images, one subfolder for each class"),
        (["data.root=X/nowhere"], "error: data.root must be a folder .*nowhere is none"),
        (["data.root=X", "data.classes=3"], r"error: data\.names must be a list of 3 names, one for each class, got 2"),
        (["data.root=X", "data.polarity=grey"], "error: data.polarity must be one of auto, light_on_dark"),
        (["data.root=X", "data.channels=2"], "error: data.channels must be 1 or 3, got 2"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], message: str, tmp_path: Path) -> None:
    root = _folder(tmp_path / "x")
    typed = [word.replace("=X", f"={root}") for word in words]
    with pytest.raises(SystemExit, match=message) as caught:
        call(train, "data=folder", *typed, *SHORT[1:], f"run_dir={tmp_path / 'run'}")
    assert "\n" not in str(caught.value)
    assert not _left(tmp_path / "run")


def _grains(root: Path, count: int, first: int = 0, wide: int = 1) -> None:
    """Pictures of noise in the class folders ``0`` and ``1``; their values are multiplied."""
    for name in "01":
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(first, first + count):
            pixels = np.pad(np.random.default_rng((int(name), i)).integers(0, 256, (26, 26)), 1)
            Image.fromarray((pixels * wide).astype(np.uint8 if wide == 1 else np.uint16)).save(root / name / f"{i}.png")


def test_names_replace_those_of_the_folders_in_their_order(tmp_path: Path) -> None:
    _grains(tmp_path, 3)
    assert _data(tmp_path).names == ("0", "1")
    assert _data(tmp_path, "data.names=[no,yes]").names == ("no", "yes")
    assert compose("train", ["data=folder", f"data.root={tmp_path}", "run_dir=."]).data.names == ["0", "1"]
    assert compose("train", ["data=folder", f"data.root={tmp_path}", "run_dir=."]).data.classes == 2
    for words, message in (
        ("data.names=[no]", "has 2 class folders, 0, 1: data.names must name each of them in this order, got no"),
        ("data.names=[1,0]", "has 2 class folders, 0, 1, in this order, but 0 was to be the class 1, not 0"),
        ("data.names=no", "data.names must be a list"),
    ):
        with pytest.raises(Exception, match=message):
            _data(tmp_path, words)


@pytest.mark.parametrize("wide", [4, 16, 64])
def test_a_set_of_more_than_8_bits_has_one_scale(wide: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _grains(tmp_path / "x", 4)
    _grains(tmp_path / "y", 4, wide=wide)
    Image.fromarray(np.full((28, 28), 40 * wide, np.uint16)).save(tmp_path / "y" / "0" / "3.png")  # a dark one
    Image.fromarray(np.full((28, 28), 40, np.uint8)).save(tmp_path / "x" / "0" / "3.png")
    eight, more = (_data(tmp_path / name, "data.polarity=light_on_dark").splits for name in "xy")
    for split in ("train", "test"):
        pairs = (sorted(part[split].images.float().mean((1, 2, 3)).tolist()) for part in (eight, more))
        assert np.abs(np.subtract(*pairs)).max() < 1
    everything = torch.cat([more[split].images for split in ("train", "test")])
    assert int(everything.float().mean((1, 2, 3)).min()) == pytest.approx(40, abs=1)
    full = 256 * wide - 1
    said = f"data: 8 images of more than 8 bits hold values from 0 to {255 * wide}: 0 becomes black, {full} white"
    assert said in caplog.messages


def test_copies_stay_on_one_side_of_a_split_of_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _grains(tmp_path, 12)
    for name in "01":
        for i in range(12):
            (tmp_path / name / f"copy {i}.png").write_bytes((tmp_path / name / f"{i}.png").read_bytes())
            Image.open(tmp_path / name / f"{i}.png").save(tmp_path / name / f"{i}.bmp")
    made = _data(tmp_path)
    train, test = (made.splits[name].images.flatten(1) for name in ("train", "test"))
    assert (len(train), len(test)) == (66, 6)
    assert not (train[:, None] == test[None]).all(2).any()
    assert "COPIES" not in caplog.text


def test_copies_across_given_parts_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _grains(tmp_path / "train", 4)
    _grains(tmp_path / "test", 3, first=2)
    _data(tmp_path)
    said = (
        "data: 4 TEST IMAGES ARE COPIES of training images, such as test/0/2.png of train/0/2.png: scores look better"
    )
    assert said in caplog.text


def test_a_class_of_copies_alone_is_split_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _grains(tmp_path, 4)
    for path in (tmp_path / "0").iterdir():
        Image.new("L", (28, 28)).save(path)
    made = _data(tmp_path)
    assert made.splits["test"].labels.bincount().tolist() == [1, 1]
    assert "data: 1 TEST IMAGES ARE COPIES" in caplog.text


def test_pages_and_what_is_not_read_are_said_from_the_cache_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _grains(tmp_path, 4)
    pages = [Image.new("L", (28, 28), level) for level in (10, 200)]
    pages[0].save(tmp_path / "0" / "a.gif", save_all=True, append_images=pages[1:])
    (tmp_path / "0" / "b.heic").touch()
    for _ in range(2):
        _data(tmp_path)
        assert _said(caplog)[0] == "data: not read: .heic files: 0/b.heic"
        assert "data: 1 images have several pages, such as 0/a.gif: the first is read" in caplog.messages
        caplog.clear()
        review.log_once.cache_clear()


def test_dark_colours_of_16_bits_are_refused_with_the_brightest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _grains(tmp_path, 2)
    monkeypatch.setattr(folder, "colour_levels", lambda file: 3 if file.filename.endswith("1.png") else 2)
    with pytest.raises(UserError, match=r"would be nearly black: save 8 bits, or greys; the brightest is .*1\.png"):
        _data(tmp_path)


def test_one_class_trains_without_labels_and_is_judged_by_mnist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _grains(tmp_path / "x", 20)
    for path in list((tmp_path / "x" / "0").iterdir()):
        path.rename(tmp_path / "x" / path.name)
    for path in list((tmp_path / "x" / "1").iterdir()):
        path.rename(tmp_path / "x" / f"1{path.name}")
    for name in "01":
        (tmp_path / "x" / name).rmdir()
    typed = ["data=folder", f"data.root={tmp_path / 'x'}", *SHORT[1:], "batch_size=8", f"run_dir={tmp_path / 'run'}"]
    assert "x has no classes to tell apart: train with experiment=unconditional" in complaint(train, *typed)
    typed += ["experiment=unconditional", "trainer.max_epochs=1"]
    large = complaint(train, *typed, "data.size=32")
    assert "choose metric=inception, or data.classifier=FOLDER/NAME, fitted to images of this shape" in large
    assert not _left(tmp_path / "run")
    call(train, *typed)
    assert "the figures rest on that of MNIST" in capsys.readouterr().err
    assert {path.suffix for path in (tmp_path / "x").iterdir()} == {".png"}
    assert '"val_folder/fid_digits"' in (tmp_path / "run" / "result.json").read_text()


def test_a_run_on_a_folder_is_judged_by_a_classifier_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = feature.fit

    def quick(
        images: torch.Tensor, labels: torch.Tensor, classes: int, epochs: int, lr: float, batch: int, *rest: Any
    ) -> Any:
        return fit(images, labels, classes, 1, lr, 8, *rest)

    monkeypatch.setattr(feature, "fit", quick)
    root = _folder(tmp_path / "x")
    call(
        train,
        "data=folder",
        f"data.root={root}",
        *SHORT[1:],
        "batch_size=8",
        "data.repeat=3",
        f"run_dir={tmp_path / 'run'}",
    )
    assert (root / "classifier.safetensors").is_file()
    assert '"val_folder/fid_digits"' in (tmp_path / "run" / "result.json").read_text()
