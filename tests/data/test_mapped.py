"""Sets larger than memory: read as they are asked for, and never as this process's memory."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHORT, call, run
from hydra.utils import instantiate
from torchvision.datasets import MNIST

from gan.cli.compose import compose
from gan.data import ImageData, Images, mapped, module
from gan.data.mapped import Mapped
from train import train


def _write(folder: Path, images: np.ndarray, labels: np.ndarray, before: str = "") -> None:
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{before}images.npy", images)
    np.save(folder / f"{before}labels.npy", labels)


def _some(count: int = 700, shape: tuple[int, ...] = (28, 28)) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(0)
    return source.integers(0, 256, (count, *shape), np.uint8), np.arange(count) % 10


def _data(root: Path, *words: str) -> ImageData:
    typed = ["data=memory_mapped", f"data.root='{root}'", "batch_size=4", "run_dir=.", *words]
    made: ImageData = instantiate(compose("train", typed).data, _convert_="all")
    return made


def test_mapped_images_are_the_images_and_pages_are_given_back(tmp_path: Path) -> None:
    images, labels = _some()
    _write(tmp_path, images, labels)
    here, there = Images(torch.from_numpy(images)[:, None], torch.from_numpy(labels)), Mapped(
        mapped.map_array(tmp_path / "images.npy"), torch.from_numpy(labels)
    )  # fmt: skip
    index = torch.randperm(700)
    for one, other in ((here[3], there[3]), (here.__getitems__([9, 2]), there.__getitems__([9, 2]))):
        assert all(map(torch.equal, one, other))
    one, other = here.take(index), there.take(index)
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.labels, other.labels)
    assert type(other) is Images


def test_a_small_file_is_read_whole_and_a_large_one_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, *_some())
    small = _data(tmp_path)
    small.setup()
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 1000)
    large = _data(tmp_path)
    large.setup()
    assert (type(small.splits["train"]), type(large.splits["train"])) == (Images, Mapped)
    for name in small.splits:
        assert torch.equal(small.splits[name].images, large.splits[name].images), name
        assert torch.equal(small.splits[name].labels, large.splits[name].labels), name
    assert {type(large.splits[name]) for name in large.splits if name != "train"} == {Images}
    assert len(large.splits["test"]) == 105  # the last 15 %
    assert len(large.others("test")) == len(large.others("val")) < len(large.splits["train"])
    with pytest.raises(ValueError, match=r"data\.repeat must be 1"):
        _data(tmp_path, "data.repeat=2").setup()


def test_test_files_and_colour(tmp_path: Path) -> None:
    images, labels = _some(50, (3, 32, 32))
    _write(tmp_path, images, labels)
    _write(tmp_path, images[:20], labels[:20], "test_")
    made = _data(tmp_path, "data.channels=3", "data.size=32")
    made.setup()
    assert (len(made.splits["train"]), len(made.splits["test"])) == (50, 20)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "labels.npy").unlink(), r"labels\.npy does not exist"),
        (lambda root: (root / "images.npy").write_bytes(b"GIF89a"), r"images\.npy is damaged, truncated or no"),
        (
            lambda root: (root / "images.npy").write_bytes((root / "images.npy").read_bytes()[:9000]),
            r"images\.npy is damaged, truncated or no",
        ),
        (
            lambda root: np.save(root / "images.npy", np.zeros((700, 28, 28))),
            r"images\.npy must be uint8 .*, is float64",
        ),
        (
            lambda root: np.save(root / "labels.npy", np.zeros(3, int)),
            r"labels\.npy must be 700 integers, is int64 \[3\]",
        ),
        (
            lambda root: np.save(root / "labels.npy", np.full(700, 12)),
            r"labels from 0 to 9.*there are 595 from 12 to 12",
        ),
    ],
    ids=["missing", "foreign", "truncated", "floats", "too few", "too high"],
)
def test_a_file_that_is_not_what_it_should_be_is_named(spoil: object, message: str, tmp_path: Path) -> None:
    _write(tmp_path, *_some())
    spoil(tmp_path)  # type: ignore[operator]
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        _data(tmp_path).setup()


def test_a_mistake_is_one_line_before_anything_is_left(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"images\.npy does not exist: data\.root needs an images\.npy"):
        call(train, "data=memory_mapped", f"data.root={tmp_path}/no", *SHORT[1:], f"run_dir={tmp_path / 'run'}")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_four_gigabytes_take_less_than_two_and_are_as_fast_as_from_memory(mnist: str, tmp_path: Path) -> None:
    source, count, step = MNIST(mnist, train=True), 5_200_000, 65_000
    noise = np.random.default_rng(0)
    large, small = tmp_path / "large", tmp_path / "small"
    large.mkdir()
    pixels, labels = source.data.numpy(), np.resize(source.targets.numpy(), count)
    header = {"descr": "|u1", "fortran_order": False}
    small.mkdir()
    for folder, images in ((small, 8 * step), (large, count)):  # up to 512 MiB is read into memory
        with (folder / "images.npy").open("wb") as file:  # not mapped: a child's peak begins with its parent's
            np.lib.format.write_array_header_1_0(file, header | {"shape": (images, 28, 28)})
            for start in range(0, images, step):
                some = np.take(pixels, range(start, start + step), axis=0, mode="wrap")
                file.write(np.maximum(some, noise.integers(0, 20, some.shape, np.uint8)).tobytes())
        np.save(folder / "labels.npy", labels[:images])
    found = {}
    try:
        for folder in (small, large) * 3:
            done = run(
                "train.py", "data=memory_mapped", f"data.root={folder}", "data.classifier=mnist", "network=dcgan",
                "network.width=8", "network.depth=0", "penalty=none", "trainer.accelerator=cpu",
                "trainer.max_epochs=1", "batch_size=128", "trainer.limit_train_batches=600",
                "trainer.limit_val_batches=2", "callback=[quality,speed,result]",
                f"run_dir={tmp_path / 'run'}", "overwrite=true",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            figures = json.loads((tmp_path / "run" / "result.json").read_text())["history"][-1]
            found.setdefault(folder.name, []).append(figures)
    finally:
        (large / "images.npy").unlink()
        (small / "images.npy").unlink()
    rate, peak = (
        {name: [round(run[f"speed/{what}"]) for run in runs] for name, runs in found.items()}
        for what in ("images_per_second", "peak_memory_mib")
    )
    print(rate, peak, file=sys.stderr)
    assert max(peak["large"]) < 2048
    assert max(rate["large"]) > 0.75 * max(rate["small"])
