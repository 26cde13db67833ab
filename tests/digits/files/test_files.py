"""Digits as files that others read: what goes in comes out, whole or not at all."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from conftest import pixels
from hydra.utils import instantiate
from PIL import Image, ImageSequence
from torch import Tensor
from torchvision import datasets

from gan.cli.compose import compose
from gan.digits import files
from gan.digits.look import Look
from gan.digits.paint import paint
from gan.file import write_text

TEXT = {
    "Title": "Digit <7> & co",
    "Description": "Die handgeschriebene Ziffer 7, größer als 數字",
    "Software": "digit-gan",
    "Licence": "CC0-1.0",
    "Seed": "42",
    "Label": "7",
    "Recipe": "python train.py experiment=best",
}


def _set(n: int = 21, channels: int = 1) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, channels, 28, 28), dtype=torch.uint8, generator=source), torch.arange(n) % 10


def _frames(count: int, channels: int = 3, height: int = 28, width: int = 30) -> Tensor:
    """A bar that moves to the right, on blue or on nothing."""
    grey = torch.full((count, 1, height, width), -1.0)
    for i, frame in enumerate(grey):
        frame[:, 4:-4, i : i + 3] = 1
    if channels == 1:
        return (grey > 0).byte() * 255
    return paint(grey, Look(ink="#ff8000", paper="#0000c0" if channels == 3 else "transparent"))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_picture_is_read_back_to_the_byte(suffix: str, channels: int, tmp_path: Path) -> None:
    picture = _set(1, channels)[0][0]
    files.PICTURES[suffix](picture, tmp_path / f"x{suffix}", TEXT)
    read = torch.from_numpy(pixels(tmp_path / f"x{suffix}")).view(28, 28, -1)[..., :channels]
    assert torch.equal(read.permute(2, 0, 1), picture)
    assert [path.name for path in tmp_path.iterdir()] == [f"x{suffix}"]


def test_a_png_tells_what_it_is_in_any_script(tmp_path: Path) -> None:
    files.write_png(_set(1)[0][0], tmp_path / "x.png", TEXT)
    with Image.open(tmp_path / "x.png") as picture:
        assert dict(picture.text) == TEXT  # type: ignore[attr-defined]
    chunks = (tmp_path / "x.png").read_bytes()
    assert (chunks.count(b"tEXt"), chunks.count(b"iTXt")) == (len(TEXT) - 1, 1)


def test_a_webp_tells_what_it_is_too(tmp_path: Path) -> None:
    files.write_webp(_set(1)[0][0], tmp_path / "x.webp", TEXT)
    with Image.open(tmp_path / "x.webp") as picture:
        assert picture.getexif()[0x010E].startswith("Die handgeschriebene Ziffer 7")
        packet = ET.fromstring(picture.info["xmp"])
    said = {found.tag.split("}")[1]: "".join(found.itertext()) for found in packet[0][0]}
    assert said["title"] == TEXT["Title"]
    assert said["description"] == TEXT["Description"]
    assert (said["rights"], said["Seed"], said["Recipe"]) == ("CC0-1.0", "42", TEXT["Recipe"])
    assert said["AltTextAccessibility"] == TEXT["Description"]


def test_pictures_need_no_text(tmp_path: Path) -> None:
    for suffix, write in files.PICTURES.items():
        write(_set(1)[0][0], tmp_path / f"x{suffix}")
        assert pixels(tmp_path / f"x{suffix}").shape[:2] == (28, 28)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_gif_has_every_frame_in_its_colours_and_in_time(channels: int, tmp_path: Path) -> None:
    frames = _frames(12, channels)
    files.write_gif(frames, tmp_path / "x.gif", fps=30, text=TEXT)
    with Image.open(tmp_path / "x.gif") as film:
        assert film.n_frames == 12  # type: ignore[attr-defined]
        assert film.info["loop"] == 0
        assert TEXT["Description"] in film.info["comment"].decode()
        durations, shown = [], []
        for frame in ImageSequence.Iterator(film):
            durations.append(frame.info["duration"])
            shown.append(np.array(frame.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])).reshape(28, 30, channels))
    assert sum(durations) == 400
    assert set(durations) == {30, 40}
    found = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2)
    if channels == 4:  # the colour under what is transparent is lost
        assert torch.equal(found[:, 3], frames[:, 3])
        found, frames = found[:, :3] * (found[:, 3:] > 0), frames[:, :3] * (frames[:, 3:] > 0)
    assert (found.int() - frames.int()).abs().max() <= 2


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_film_as_webp_has_every_frame_without_loss_in_time_and_its_text(channels: int, tmp_path: Path) -> None:
    frames = _frames(12, channels)
    files.write_webp_film(frames, tmp_path / "x.webp", fps=30, text=TEXT)
    with Image.open(tmp_path / "x.webp") as film:
        assert (film.n_frames, film.info["loop"]) == (12, 0)  # type: ignore[attr-defined]
        assert TEXT["Description"] in film.info["xmp"].decode()
        assert film.getexif()[0x010E].startswith("Die handgeschriebene Ziffer 7")
        durations = []
        for frame, expected in zip(ImageSequence.Iterator(film), frames, strict=True):
            shown = torch.from_numpy(np.array(frame.convert("RGBA"))).movedim(2, 0)
            durations.append(frame.info["duration"])
            if channels == 4:
                assert torch.equal(shown[3], expected[3])
                assert torch.equal(shown[:3] * (expected[3:] > 0), expected[:3] * (expected[3:] > 0))
            else:
                assert torch.equal(shown[:3], expected.expand(3, -1, -1))
    assert sum(durations) == 400


def test_a_webp_is_not_faster_than_browsers_show_nor_larger_than_its_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"fps of a \.webp must be in \[1, 90\], got 91: choose fewer, or \.mp4"):
        files.write_webp_film(_frames(3), tmp_path / "x.webp", fps=91)
    with pytest.raises(ValueError, match=r"a \.webp has 16,383 pixels a side at most, this one 16,384x1"):
        files.write_webp_film(torch.zeros(1, 1, 1, 16_384, dtype=torch.uint8), tmp_path / "x.webp", fps=10)
    assert list(tmp_path.iterdir()) == []


def test_a_gif_is_not_faster_than_browsers_show(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"fps of a \.gif must be in \[1, 50\], got 60: choose fewer, or \.mp4"):
        files.write_gif(_frames(3), tmp_path / "x.gif", fps=60)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 28, 28), (3, 27, 31), (4, 28, 30)])
def test_an_mp4_has_every_frame_in_its_colours(channels: int, height: int, width: int, tmp_path: Path) -> None:
    frames = _frames(12, channels, height, width)
    files.write_mp4(frames, tmp_path / "x.mp4", fps=24, text=TEXT)
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]
    count, seconds = imageio_ffmpeg.count_frames_and_secs(tmp_path / "x.mp4")
    assert (count, seconds) == (12, pytest.approx(0.5))
    size = (width + width % 2, height + height % 2)
    read = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(tmp_path / "x.mp4"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(read, capture_output=True, check=True)
    about = next(line for line in done.stderr.decode().splitlines() if "Video: h264" in line)
    assert "yuv420p(tv, bt709, " in about
    assert f"{size[0]}x{size[1]}" in about
    assert TEXT["Description"] in done.stderr.decode()
    last = np.frombuffer(done.stdout, np.uint8).reshape(12, size[1], size[0], 3)[-1]
    ink, paper = last[height // 2, 12], last[height // 2, 2]
    expected = {1: ([255] * 3, [0] * 3), 3: ([255, 128, 0], [0, 0, 192]), 4: ([255, 128, 0], [255] * 3)}[channels]
    assert np.abs(paper.astype(int) - expected[1]).max() <= 12
    assert np.abs(ink.astype(int) - expected[0]).max() <= 60  # a bar of 3 pixels; colour is kept for every second one


def test_an_mp4_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r'^imageio_ffmpeg is not installed: pip install -e "\.\[video\]"$'):
        files.write_mp4(_frames(3), tmp_path / "x.mp4", fps=24)
    assert not list(tmp_path.iterdir())


def test_an_mp4_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: "false")  # which fails
    with pytest.raises(OSError, match=r"x\.mp4: ffmpeg could not write it") as caught:
        files.write_mp4(_frames(3), tmp_path / "x.mp4", fps=24)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("channels", "shape"), [(1, (21, 28, 28)), (3, (21, 28, 28, 3)), (4, (21, 28, 28, 4))])
def test_an_npz_has_bytes_and_labels(channels: int, shape: tuple[int, ...], tmp_path: Path) -> None:
    images, labels = _set(channels=channels)
    files.write_npz(images, labels, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as found:
        assert (found["images"].shape, found["images"].dtype, found["labels"].dtype) == (shape, np.uint8, np.int64)
        assert (found["images"].reshape(21, 28, 28, -1) == images.permute(0, 2, 3, 1).numpy()).all()
        assert (found["labels"] == labels.numpy()).all()


def test_a_csv_is_kaggles(tmp_path: Path) -> None:
    images, labels = _set()
    files.write_csv(images, labels, tmp_path / "x.csv")
    first = (tmp_path / "x.csv").read_text().splitlines()[0].split(",")
    assert (first[:3], first[-1], len(first)) == (["label", "pixel0", "pixel1"], "pixel783", 785)
    table = np.loadtxt(tmp_path / "x.csv", delimiter=",", skiprows=1, dtype=int)
    assert (table[:, 0] == labels.numpy()).all()
    assert (table[:, 1:] == images.flatten(1).numpy()).all()


def test_torchvision_reads_the_idx_folder_as_its_mnist(tmp_path: Path) -> None:
    images, labels = _set(70)
    files.write_idx(images, labels, tmp_path / "x")
    train, test = (datasets.MNIST(tmp_path / "x", train=part) for part in (True, False))
    assert (len(train), len(test)) == (60, 10)
    assert torch.equal(torch.cat((train.data, test.data)), images[:, 0])
    assert torch.equal(torch.cat((train.targets, test.targets)), labels)
    assert train.data.dtype == torch.uint8


def test_a_folder_names_each_picture_by_number_and_label(tmp_path: Path) -> None:
    images, labels = _set(12, 3)
    for name in "xy":
        (tmp_path / name).mkdir()
    files.write_folder(images, labels, tmp_path / "x")
    paths = sorted((tmp_path / "x").iterdir())
    assert [path.name for path in paths] == [f"{i:05d}_{label}.png" for i, label in enumerate(labels)]
    assert (pixels(paths[11]) == images[11].permute(1, 2, 0).numpy()).all()
    files.write_folder(images, torch.full_like(labels, -1), tmp_path / "y")
    assert (tmp_path / "y" / "00011.png").is_file()


@pytest.mark.parametrize("count", [30, 24])
def test_torchvision_and_our_own_data_read_the_class_folders(count: int, tmp_path: Path) -> None:
    images, labels = _set(60)
    labels = torch.arange(60) % (count // 2)  # 15 or 12 classes, whose order by name must be that by number
    (tmp_path / "x").mkdir()
    files.write_class_folders(images, labels, tmp_path / "x")
    write_text("a sheet", files.sheet_path(tmp_path / "x"))
    found = datasets.ImageFolder(tmp_path / "x")
    assert found.classes == [f"{y:02d}" for y in range(count // 2)]
    assert sorted(found.targets) == sorted(labels.tolist())
    path, label = found.samples[-1]
    number = int(Path(path).stem)
    assert label == labels[number]
    assert (pixels(Path(path)) == images[number, 0].numpy()).all()
    words = ["data=folder", f"data.root='{tmp_path / 'x'}'", "data.polarity=light_on_dark", "batch_size=4", "run_dir=."]
    data = instantiate(compose("train", words).data, _convert_="all")
    data.setup()
    assert data.classes == count // 2
    assert sum(len(data.splits[part]) for part in ("train", "test")) == 60


def test_coco_boxes_lie_in_their_pictures_and_name_their_characters(tmp_path: Path) -> None:
    pictures = [torch.zeros(1, 28, 84, dtype=torch.uint8), torch.zeros(3, 30, 28, dtype=torch.uint8)]
    lines = [
        files.AnnotatedLine(
            pictures[0], "4-7", [("4", (2, 4, 20, 20)), ("-", (30, 14, 20, 4)), ("7", (58, 3, 20, 22))]
        ),
        files.AnnotatedLine(pictures[1], "9", [("9", (4, 4, 18, 20))]),
    ]
    (tmp_path / "x").mkdir()
    files.write_coco(iter(lines), tmp_path / "x", "0123456789-", info={"description": "lines"})
    found = json.loads((tmp_path / "x" / "annotations.json").read_text())
    assert set(found) == {"info", "licenses", "images", "annotations", "categories"}
    assert found["info"] == {"description": "lines"}
    assert [line["text"] for line in found["images"]] == ["4-7", "9"]
    by_id = {line["id"]: line for line in found["images"]}
    names = {category["id"]: category["name"] for category in found["categories"]}
    assert [names[one["category_id"]] for one in found["annotations"]] == list("4-79")
    assert len({one["id"] for one in found["annotations"]}) == 4
    for one in found["annotations"]:
        x, y, width, height = one["bbox"]
        line = by_id[one["image_id"]]
        assert 0 <= x < x + width <= line["width"]
        assert 0 <= y < y + height <= line["height"]
        assert one["area"] == width * height
    for line in found["images"]:
        assert pixels(tmp_path / "x" / "images" / line["file_name"]).shape[:2] == (line["height"], line["width"])
    assert (tmp_path / "x" / "labels.csv").read_text() == 'file_name,text\n00000.png,"4-7"\n00001.png,"9"\n'


@pytest.mark.parametrize(
    ("write", "images", "labels", "expected"),
    [
        (files.write_csv, _set(5, 3)[0], torch.arange(5), "this format holds grey digits alone: choose .npz"),
        (files.write_idx, _set(5, 3)[0], torch.arange(5), "this format holds grey digits alone"),
        (files.write_idx, _set(5)[0], torch.full((5,), -1), "MNIST's format needs labels, and these images have none"),
        (files.write_idx, _set(1)[0], torch.arange(1), "1 images leave the train or the test set empty"),
        (files.write_class_folders, _set(5)[0], torch.full((5,), -1), "class folders need labels"),
    ],
)
def test_what_a_format_cannot_hold_is_one_line(
    write: Callable[[Tensor, Tensor, Path], None], images: Tensor, labels: Tensor, expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        write(images, labels, tmp_path / "x")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [files.write_folder, files.write_class_folders, files.write_idx])
def test_a_folder_appears_whole_or_not_at_all(
    write: Callable[[Tensor, Tensor, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").write_text("mine")
    calls = []

    def full(*_: object, **__: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full)
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"), files.atomic_set(tmp_path / "x") as place:
            write(*_set(), place)
    assert [path.name for path in tmp_path.rglob("*")] == ["x", "mine"]
    with files.atomic_set(tmp_path / "x") as place:
        write(*_set(), place)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert not (tmp_path / "x" / "mine").exists()


def test_a_folder_is_known_for_a_set_by_its_datasheet(tmp_path: Path) -> None:
    assert not files.holds_dataset(tmp_path)
    write_text("# Mine", files.sheet_path(tmp_path))
    assert not files.holds_dataset(tmp_path)
    about = {"title": "Digits", "contents": "", "seeds": "0", "command": "", "sha256": "", "licence": ""}
    write_text(files.format_datasheet({"3": 1}, **about), files.sheet_path(tmp_path))
    assert files.holds_dataset(tmp_path)


def test_a_datasheet_counts_and_tells_where_the_images_come_from() -> None:
    about = {
        "title": "Digits", "contents": "One .npz.", "seeds": "0 to 1233", "command": "python -m gan.generate n=1234",
        "sha256": "ab" * 32, "licence": "CC0-1.0",
    }  # fmt: skip
    sheet = files.format_datasheet({"3": 1000, "4": 234}, **about, figures={"fid_digits": 0.24135489, "card": "best"})
    for part in (
        "# Digits", "1,234 synthetic handwritten characters", "| 3 | 1,000 |", "| 4 | 234 |", "One .npz.",
        "seeds: 0 to 1233", "`python -m gan.generate n=1234`", "ab" * 32, "| fid_digits | 0.2414 |",
        "| card | best |", "CC0-1.0", "Not for",
    ):  # fmt: skip
        assert part in sheet
    bare = files.format_datasheet({"none": 3}, **about)
    assert "| none | 3 |" in bare
    assert "figures" not in bare
    assert "\n\n\n" not in sheet + bare


def test_a_datasheet_lies_in_its_folder_or_beside_its_file() -> None:
    assert files.sheet_path(Path("a/x.npz")) == Path("a/x.npz.md")
    assert files.sheet_path(Path("a/x")) == Path("a/x/README.md")


def test_every_set_writer_takes_the_same(tmp_path: Path) -> None:
    for suffix, write in files.SETS.items():
        with files.atomic_set(tmp_path / f"x{suffix}") as place:
            write(*_set(3), place)
        assert (tmp_path / f"x{suffix}").exists()
