"""Digits from a checkpoint."""

from pathlib import Path

import numpy as np
import pytest
from conftest import SHORT, call, pixels

from gan import generate
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
    monkeypatch.setattr(generate.sample.generate, "__defaults__", (7,))
    again, _ = _npz(short_run, tmp_path / "c.npz", "n=60")
    assert np.abs(again.astype(int) - many).max() <= 1  # a value on the edge of two bytes may fall either way


def test_one_class_can_be_asked_for(short_run: Path, tmp_path: Path) -> None:
    _, labels = _npz(short_run, tmp_path / "x.npz", "n=5", "label=7")
    assert labels.tolist() == [7] * 5


def test_a_grid_and_a_folder_of_pictures(short_run: Path, tmp_path: Path) -> None:
    images, labels = _npz(short_run, tmp_path / "x.npz", "n=12")
    call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.png'}", "n=12", "columns=4")
    assert pixels(tmp_path / "x.png").shape == (3 * 30 + 2, 4 * 30 + 2)
    call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'folder'}/", "n=12")
    paths = sorted((tmp_path / "folder").glob("*.png"))
    assert [path.name for path in paths] == [f"{i:05d}_{label}.png" for i, label in enumerate(labels)]
    assert (pixels(paths[11]) == images[11]).all()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["n=0"], "n must be a whole number of 1 or more"),
        (["seed=-1"], "seed must be a whole number of 0 or more"),
        (["label=10"], "label=10 is not among the labels of this generator (0 to 9)"),
        (["label=x"], "label=x is not among"),
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
    with pytest.raises(SystemExit, match="is not empty"):
        call(generate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path}/", "overwrite=true")


def test_an_unconditional_generator_has_no_labels_to_give(tmp_path: Path) -> None:
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path / 'r'}")
    _, labels = _npz(tmp_path / "r", tmp_path / "x.npz", "n=4")
    assert labels.tolist() == [-1] * 4
    with pytest.raises(SystemExit, match="it is unconditional"):
        _npz(tmp_path / "r", tmp_path / "y.npz", "label=3")
