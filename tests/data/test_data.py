"""Data: the contract, the splits, and files that are not what they should be."""

import gzip
import socket
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import copy_writable
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch.utils.data import DistributedSampler

from gan.cli.compose import compose, plain
from gan.cli.errors import root_cause
from gan.data import Batches, Digits, ImageData, Images, Unavailable, review
from gan.data.floor import choose_floor, match
from gan.error import UserError


def _data(*words: str) -> ImageData:
    return instantiate(compose("train", ["run_dir=.", *words]).data, _convert_="all")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_batches_keep_the_contract(name: str, request: pytest.FixtureRequest) -> None:
    words = [f"data.root={request.getfixturevalue('mnist')}"] if name == "mnist" else []
    data = _data(f"data={name}", "batch_size=64", *words)
    x, y = next(iter(data.train_dataloader()))
    assert x.shape == (64, 1, 28, 28)
    assert x.dtype == torch.float32
    assert (x.min().item(), x.max().item()) == (-1.0, 1.0)
    assert y.dtype == torch.int64
    assert set(y.tolist()) <= set(range(10))


def test_mnist_trains_on_all_and_never_meets_its_test_images(mnist: str) -> None:
    data = _data(f"data.root={mnist}")
    data.setup()
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 60000, "val": 10000, "val_floor": 10000, "test": 10000, "test_floor": 10000,
    }  # fmt: skip
    whole = {name: {image.numpy().tobytes() for image in split.images} for name, split in data.splits.items()}
    assert not whole["val"] & whole["val_floor"]
    assert not whole["test"] & whole["train"]
    assert whole["val"] < whole["train"]
    for split in ("val", "test"):  # image by image, so in any first part of it too
        assert torch.equal(data.splits[split].labels, data.splits[f"{split}_floor"].labels)


def test_a_floor_has_the_classes_of_its_reference_as_far_as_there_are_images(caplog: pytest.LogCaptureFixture) -> None:
    labels, wanted = torch.tensor([1, 0, 2, 0, 1, 1]), torch.tensor([0, 1, 0, 2, 1])
    assert match(labels, wanted).tolist() == [1, 0, 3, 2, 4]
    assert match(labels, torch.tensor([0, 0, 0, 2])).tolist() == [1, 3, 0, 2]  # the first one left
    review.log_once.cache_clear()
    few, many = _data("data=digits", "data.judge_images=250"), _data("data=digits")
    with caplog.at_level("INFO"):
        few.setup()
        many.setup()  # whose halves differ as two random draws do
    assert "floor" not in caplog.text
    assert torch.equal(few.splits["val"].labels, few.splits["val_floor"].labels)
    assert not torch.equal(many.splits["val"].labels, many.splits["val_floor"].labels)


@pytest.mark.parametrize(("rare", "said"), [(43, False), (25, True)])
def test_a_floor_of_other_shares_than_chance_gives_is_said_once(
    rare: int, said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    review.log_once.cache_clear()
    wanted = torch.arange(100) % 2
    train = Images(torch.zeros(100, 1, 4, 4, dtype=torch.uint8), (torch.arange(100) >= 100 - rare).long())
    with caplog.at_level("INFO"):
        for _ in range(2):
            choose_floor(train, torch.arange(100), Images(train.images, wanted), "val")
    line = "data: 25 of the 100 images of the val floor are of other classes than the reference's: there are too few"
    assert [message.startswith(line) for message in caplog.messages] == [True] * said


def test_mnist_is_the_right_way_up(mnist: str) -> None:
    data = _data(f"data.root={mnist}")
    data.setup()
    train = data.splits["train"]
    ones, sevens = (train.images[train.labels == k].float().mean(0)[0] for k in (1, 7))
    assert ones.sum(0).max() > 2 * ones.sum(1).max()  # a one is a vertical stroke
    assert sevens[:12].sum() > sevens[16:].sum()  # a seven has its bar on top


def test_an_epoch_shows_every_image_as_often_as_asked_in_an_order_of_its_own() -> None:
    data = _data("data=digits", "batch_size=1", "data.repeat=2")
    loader = data.train_dataloader()
    orders = []
    for epoch in (0, 1, 0):
        loader.set_epoch(epoch)
        orders.append(loader.order().tolist())
    assert sorted(orders[0]) == list(range(3000))  # two times 1,500
    images = data.splits["train"].images
    assert torch.equal(images[:1500], images[1500:])
    assert orders[0] == orders[2] != orders[1]
    assert len(data.fitting(10_000)) == 1500  # a classifier sees each once


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize(("n", "processes"), [(10, 1), (10, 3), (2, 5), (9, 3)])
def test_batches_are_dealt_out_as_torchs_distributed_sampler_does(n: int, processes: int, seed: int | None) -> None:
    images = Images(torch.zeros(n, 1, 2, 2, dtype=torch.uint8), torch.arange(n))
    for rank in range(processes):
        batches = Batches(images, 2, processes, rank, seed)
        known = DistributedSampler(images, processes, rank, shuffle=seed is not None, seed=seed or 0)
        batches.set_epoch(4)
        known.set_epoch(4)
        assert batches.order().tolist() == list(known)
        labels = torch.cat([y for _, y in batches]).tolist() if len(batches) else []
        whole = len(list(known)) // 2 * 2
        assert labels == list(known)[: whole if seed is not None else None]
        assert len(list(batches)) == len(batches)


def test_images_move_to_a_device_once() -> None:
    images = Images(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.arange(3))
    assert images.on(torch.device("cpu")) is images
    assert images.on(torch.device("meta")).images.device.type == "meta"


def test_a_trainers_device_gets_its_images_once_and_the_splits_stay_in_memory() -> None:
    data = _data("data=digits")
    device = torch.device("meta")  # stands for a GPU
    data.trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=device), world_size=1, global_rank=0)  # type: ignore[assignment]
    first, again = data.train_dataloader(), data.train_dataloader()
    assert first.images is again.images
    assert first.images.images.device == first.order().device == device
    assert data.splits["train"].images.device.type == "cpu"


def test_a_batch_gathered_whole_is_the_images_one_by_one() -> None:
    images = Images(torch.randint(0, 256, (9, 1, 4, 4), dtype=torch.uint8), torch.arange(9))
    x, y = images.__getitems__([3, 1, 8])
    singles = [images[i] for i in (3, 1, 8)]
    assert torch.equal(x, torch.stack([single[0] for single in singles]))
    assert y.tolist() == [3, 1, 8]


def test_bundled_digits_look_like_mnist() -> None:
    train, test = Digits("", train=True), Digits("", train=False)
    assert (len(train.data), len(test.data)) == (1500, 297)
    assert train.data[:, :4].sum() == 0  # MNIST's margin
    assert train.data.max() == 255


@pytest.mark.parametrize("spoil", ["truncate", "flip", "foreign"])
def test_a_damaged_file_is_named(spoil: str, mnist: str, tmp_path: Path) -> None:
    copy_writable(Path(mnist) / "MNIST", tmp_path / "MNIST")
    victim = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = bytearray(victim.read_bytes())
    content[5000] ^= 1
    victim.write_bytes({"truncate": content[:100_000], "flip": content, "foreign": b"GIF89a"}[spoil])
    with pytest.raises(Exception, match="t10k-images-idx3-ubyte is damaged, truncated or another file") as caught:
        _data(f"data.root={tmp_path}")
    assert isinstance(caught.value.__cause__, ValueError)


def test_missing_files_that_cannot_be_had_are_unavailable_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="GAN_DATA") as caught:
        _data(f"data.root={tmp_path}")
    assert isinstance(caught.value.__cause__, Unavailable)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("where", [".", "raw", "MNIST/raw"])
@pytest.mark.parametrize("end", [".gz", ""])
def test_files_as_they_were_downloaded_are_unpacked_and_it_is_said(
    where: str, end: str, mnist: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    sources = sorted((Path(mnist) / "MNIST" / "raw").glob("*ubyte"))
    for path in sources:
        raw = path.read_bytes()
        (tmp_path / where / f"{path.name}{end}").write_bytes(gzip.compress(raw, 1) if end else raw)
    _data(f"data.root={tmp_path}")
    assert [(tmp_path / "MNIST" / "raw" / path.name).read_bytes() for path in sources] == [
        path.read_bytes() for path in sources
    ]
    is_new = end or where != "MNIST/raw"
    assert len([record for record in caplog.records if "is unpacked to" in record.message]) == (4 if is_new else 0)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (
            ".gz",
            r"train-images-idx3-ubyte\.gz is a whole IDX file, but not MNIST/raw/train-images.*data=arrays data\.root=",
        ),
        ("", r"train-images-idx3-ubyte is a whole IDX file, but not"),
    ],
)
def test_another_set_is_not_taken_for_mnist_and_is_named(end: str, message: str, tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28])
    raw = header + bytes(2 * 784)
    path = tmp_path / f"train-images-idx3-ubyte{end}"
    path.write_bytes(gzip.compress(raw) if end else raw)
    with pytest.raises(Exception, match=message) as caught:
        _data(f"data.root={tmp_path}")
    assert isinstance(root_cause(caught.value), UserError)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Exception, match="damaged, truncated or another file"):
        _data(f"data.root={tmp_path}")
    if end:
        path.write_bytes(gzip.compress(raw + bytes(2**24)))
        with pytest.raises(Exception, match="more bytes, but its header says 1584"):
            _data(f"data.root={tmp_path}")
    assert not (tmp_path / "MNIST").exists()


def test_a_download_is_moved_in_whole(mnist: str, tmp_path: Path) -> None:
    def dataset(root: str, train: bool, download: bool) -> None:
        assert download
        copy_writable(Path(mnist) / "MNIST", Path(root) / "MNIST")
        (Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").touch()

    known = compose("train", ["run_dir=."]).data.md5
    ImageData(dataset, known, str(tmp_path), 28, 1, 10, 64, 10000, 0)
    assert len(list((tmp_path / "MNIST" / "raw").iterdir())) == 4


GOOD = [
    ("names", None),
    ("labelled", None),
    ("md5", {}),
    ("seed", 0),
    ("seed", 10**9),
    ("judge_images", 10**9),
]  # for digits


@cache
def _settings() -> dict[str, Any]:
    return dict(plain(compose("train", ["data=digits", "run_dir=."]))["data"])


@pytest.mark.parametrize("key", sorted(_settings().keys() - {"_target_", "dataset"}))
def test_no_value_of_a_setting_is_a_bug(key: str) -> None:
    for value in (0, -1, 10**9, 2.5, float("inf"), float("nan"), None, [], [1], {}, {"a": 5}, True):
        if (key, value) in GOOD:
            continue
        with pytest.raises((InstantiationException, UserError, FileNotFoundError)) as caught:
            instantiate(_settings() | {key: value}, _convert_="all").setup()
        assert isinstance(root_cause(caught.value), UserError | FileNotFoundError), (key, value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("batch_size=0", "batch_size must be a whole number from 1 to"),
        ("data.judge_images=1", "judge_images must be a whole number from 2"),
        ("data.seed=inf", r"data\.seed must be a whole number from 0 to 4,294,967,295, got inf"),
        (
            "data.classes=3",
            "labels from 0 to 2, as data.classes=3 says; there are 1500 from 0 to 9: type data.classes=10",
        ),
    ],
)
def test_impossible_numbers_are_refused(word: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        _data("data=digits", word).setup()


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size=40000 is more than the 30000"):
        _data("data=digits", "batch_size=40000").setup()
