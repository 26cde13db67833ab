"""Few labels: which ones training knows, how often they come, and who refuses that."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHORT, call, complaint
from hydra.utils import instantiate

from gan.cli.compose import compose
from gan.data import ImageData
from gan.data.labels import as_classes, choose_labelled, hide, rows
from gan.error import UserError
from train import train


def _data(*words: str) -> ImageData:
    data: ImageData = instantiate(compose("train", ["run_dir=.", "data=digits", *words]).data, _convert_="all")
    data.setup()
    return data


def test_the_seed_chooses_which_labels_are_known_as_a_study_of_few_labels_does() -> None:
    data, pool = _data("data.labelled=2", "seed=3", "data.repeat=1"), _data().others("val")
    train = data.splits["train"]
    images = train.images[train.labels >= 0]
    chosen = choose_labelled(pool.labels, 10, 2, 3)
    known, drawn = ({image.numpy().tobytes() for image in found} for found in (images, pool.images[chosen]))
    assert known == drawn
    assert (data.known, data.size) == (20, 1500)
    assert torch.bincount(train.labels[train.labels >= 0]).unique().numel() == 1
    assert all((data.splits[name].labels >= 0).all() for name in data.splits if name != "train")
    assert (data.others("test").labels >= 0).all()  # those that evaluation compares with


def test_an_eighth_of_an_epoch_has_labels_where_few_are_known() -> None:
    labels = torch.full((700,), -1)
    labels[:10] = torch.arange(10)
    shown = labels[rows(labels, 1)]
    assert (shown >= 0).float().mean() == pytest.approx(1 / 8, abs=0.01)
    assert (shown < 0).sum() == 690
    assert len(rows(labels, 3)) == 3 * len(shown)
    labels[:200] = 1  # more than an eighth
    assert rows(labels, 1).tolist() == list(range(700))


def test_labels_of_a_smaller_choice_are_among_those_of_a_larger() -> None:
    labels, among = torch.arange(300) % 3, torch.arange(0, 300, 2)
    few, more = (hide(labels, among, 3, each, 0) for each in (4, 9))
    assert torch.equal(few[few >= 0], labels[few >= 0])
    known, larger = (set((one >= 0).nonzero()[:, 0].tolist()) for one in (few, more))
    assert known < larger < set(among.tolist())
    assert torch.bincount(more[more >= 0]).tolist() == [9, 9, 9]
    with pytest.raises(UserError, match=r"data\.labelled=51: class 0 has only 50 images beside"):
        hide(labels, among, 3, 51, 0)


def test_a_file_may_leave_labels_open() -> None:
    assert as_classes(np.array([2, -1, 0, -1]), ("0", "1", "2"), "x").tolist() == [2, -1, 0, -1]
    assert as_classes(np.array([7, -1, 5]), ("5", "7"), "x").tolist() == [1, -1, 0]
    with pytest.raises(UserError, match="need labels from 0 to 2"):
        as_classes(np.array([3, -1]), ("0", "1", "2"), "x")


def _write(folder: Path, labels: np.ndarray, test: np.ndarray) -> list[str]:
    source = np.random.default_rng(0)
    for prefix, y in (("", labels), ("test_", test)):
        np.save(folder / f"{prefix}images.npy", source.integers(0, 200, (len(y), 8, 8), dtype=np.uint8))
        np.save(folder / f"{prefix}labels.npy", y)
    return ["data=memory_mapped", f"data.root={folder}", "data.size=8", "data.classes=2", "batch_size=4"]


def test_arrays_with_open_labels_are_trained_on_and_a_classifier_learns_the_known_ones(tmp_path: Path) -> None:
    labels = np.array([0, 1] * 4 + [-1] * 32)
    data = _data(*_write(tmp_path, labels, np.array([0, 1])))
    assert (data.known, data.size) == (8, 40)
    assert (data.splits["train"].labels < 0).sum() == 32
    assert sorted(data.fitting(100).labels.tolist()) == [0] * 4 + [1] * 4
    words = _write(tmp_path, labels, np.array([0, -1]))
    with pytest.raises(UserError, match=r"1 test images of .* have no label: leave them out"):
        _data(*words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["data.labelled=10"], "only 100 of the 1,500 training images have a known label, and this network needs all"),
        (
            ["experiment=semi", "data.labelled=10", "network.condition=projection"],
            "this network needs all: type experiment=semi",
        ),
        (["data.labelled=1", "network.classes=0"], "data.labelled: networks without classes use no labels: leave it"),
        (["experiment=semi", "data.labelled=100"], "data.labelled=100: class 1 has only 68 images beside those of val"),
        (["experiment=semi", "data.labelled=0"], "data.labelled must be a whole number from 1 to 1,000,000,000, got 0"),
        (["experiment=semi", "data.labelled=some"], "data.labelled must be a whole number"),
    ],
)
def test_who_cannot_do_with_few_labels_says_so_in_one_line(words: list[str], expected: str, tmp_path: Path) -> None:
    assert expected in complaint(train, "data=digits", "trainer=debug", f"run_dir={tmp_path}/x", *words)


def test_a_gan_trains_with_few_labels_and_says_how_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(train, *SHORT, "experiment=semi", "data.labelled=2", f"run_dir={tmp_path}/x")
    told = "".join(capsys.readouterr())
    assert "1,500 images (20 times an epoch) of 10 classes, 20 with a label, judged by 750 of them" in told
    result = json.loads((tmp_path / "x" / "result.json").read_text())
    assert 0 <= result["figures"]["val_bundled_digits/label_agreement"] <= 1
