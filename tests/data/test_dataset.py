"""Every data set is upright, light on dark and rightly labelled, from files in their format."""

import bz2
import os
import shutil
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHORT, call, copy_writable
from hydra.utils import instantiate
from torchvision import datasets

from gan.cli.compose import compose
from gan.data import ImageData
from gan.metric import feature
from train import train

IDX = {np.dtype(np.uint8): 8, np.dtype(np.int32): 12}


def idx(path: Path, array: np.ndarray) -> None:
    """Write bytes or int32 as an IDX file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, IDX[array.dtype], array.ndim, *array.shape)
    path.write_bytes(header + array.astype(array.dtype.newbyteorder(">")).tobytes())


def fashion_mnist(root: Path, mnist: str) -> None:
    """Files as Fashion-MNIST's, of MNIST's digits."""
    for is_train, part in ((True, "train"), (False, "t10k")):
        source = datasets.MNIST(mnist, train=is_train)
        idx(root / f"FashionMNIST/raw/{part}-images-idx3-ubyte", source.data[:500].numpy())
        idx(root / f"FashionMNIST/raw/{part}-labels-idx1-ubyte", source.targets[:500].byte().numpy())


def qmnist(root: Path, mnist: str) -> None:
    """Files as QMNIST's, whose labels are eight numbers."""
    for is_train, part in ((True, "train"), (False, "test")):
        source = datasets.MNIST(mnist, train=is_train)
        labels = np.stack([source.targets[:500].numpy(), *np.full((7, 500), 77)], 1).astype(np.int32)
        idx(root / f"QMNIST/raw/qmnist-{part}-images-idx3-ubyte", source.data[:500].numpy())
        idx(root / f"QMNIST/raw/qmnist-{part}-labels-idx2-int", labels)


def usps(root: Path, mnist: str) -> None:
    """Files as USPS's: ``label index:value``, labels from 1, values in [-1, 1], 16x16."""
    (root / "USPS").mkdir(parents=True)
    for is_train, name in ((True, "usps.bz2"), (False, "usps.t.bz2")):
        source = datasets.MNIST(mnist, train=is_train)
        small = (
            torch.nn.functional.interpolate(source.data[:500, None, 4:24, 4:24].float(), size=16, mode="area") / 127.5
            - 1
        )
        lines = [
            f"{label + 1} {' '.join(f'{i}:{value:.4f}' for i, value in enumerate(pixels, 1))} \n"
            for label, pixels in zip(source.targets.tolist(), small.flatten(1).tolist(), strict=False)
        ]
        (root / "USPS" / name).write_bytes(bz2.compress("".join(lines).encode()))


MADE = {"fashion_mnist": fashion_mnist, "qmnist": qmnist, "usps": usps}
GIVEN = {
    "emnist": "EMNIST", "emnist_letters": "EMNIST", "emnist_balanced": "EMNIST", "kmnist": "KMNIST", "svhn": "SVHN",
    "mnist": "MNIST", "stacked_mnist": "MNIST",
}  # fmt: skip
SHAPES = {"svhn": (3, 32, 32), "stacked_mnist": (3, 28, 28)}
SUMS = {"mnist", "stacked_mnist"}  # whose files here are those that the configuration knows


def words(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> list[str]:
    """What to type for a data set of files that are here, given or made."""
    if name in MADE:
        MADE[name](tmp_path, request.getfixturevalue("mnist"))
        root = tmp_path
    else:
        root = Path(os.environ.get("GAN_DATA", "data"))
        if not (root / GIVEN[name]).is_dir():
            pytest.skip(f"{GIVEN[name]} is not in GAN_DATA")
    files = compose("train", [f"data={name}", "run_dir=."]).data.md5
    unknown = [] if name in SUMS else [f"data.md5={{{','.join(f'{file}:null' for file in files)}}}"]
    return [f"data={name}", f"data.root='{root}'", f"data.classifier='{tmp_path}/classifier/{name}'", *unknown]


def data(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> ImageData:
    """It, set up."""
    cfg = compose("train", [*words(name, tmp_path, request), "batch_size=4", "data.repeat=1", "run_dir=."])
    made: ImageData = instantiate(cfg.data, _convert_="all")
    made.setup()
    return made


@pytest.mark.sampled
@pytest.mark.parametrize("name", [*GIVEN, *MADE])
def test_a_data_set_is_bytes_with_labels_of_its_classes(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = data(name, tmp_path, request)
    for split in made.splits.values():
        assert split.images.dtype == torch.uint8
        assert tuple(split.images.shape[1:]) == SHAPES.get(name, (1, 28, 28))
        assert split.labels.dtype == torch.int64
        assert 0 <= split.labels.min() <= split.labels.max() < made.classes


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted({*GIVEN, *MADE} - {"svhn"}))
def test_characters_are_light_on_dark(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    images = data(name, tmp_path, request).splits["train"].images
    border = images[:, :, :1].float().mean()
    assert border < 20 < images.float().mean() + 5


@pytest.mark.parametrize("name", ["emnist", "qmnist", "usps", "digits"])
def test_digits_are_the_right_way_up_and_mnists_classifier_reads_them(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = data(name, tmp_path, request) if name != "digits" else instantiate(
        compose("train", ["data=digits", "data.repeat=1", "run_dir=."]).data, _convert_="all"
    )  # fmt: skip
    made.setup()
    train = made.splits["train"]
    ones, sevens = (train.images[train.labels == k].float().mean(0)[0] for k in (1, 7))
    assert ones.sum(0).max() > 1.5 * ones.sum(1).max()  # a one is a vertical stroke
    assert sevens[:12].sum() > sevens[16:].sum()  # a seven has its bar on top
    read = feature.accuracy(feature.load("mnist").classifier, train.images, train.labels)
    assert read > (0.95 if name != "digits" else 0.9), read


def test_letters_count_from_0_and_an_a_is_upright(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    letters = data("emnist_letters", tmp_path, request).splits["train"]
    raw = datasets.EMNIST(os.environ.get("GAN_DATA", "data"), "letters", train=True)
    assert torch.equal(letters.labels, raw.targets - 1)
    assert torch.equal(letters.images[:, 0], raw.data.transpose(1, 2))


def test_ten_is_zero_of_house_numbers_and_channels_come_first(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    from scipy.io import loadmat

    made = data("svhn", tmp_path, request)
    raw = loadmat(Path(os.environ.get("GAN_DATA", "data")) / "SVHN" / "train_32x32.mat")
    y = raw["y"].flatten()
    assert 10 in y or 10 in loadmat(Path(os.environ.get("GAN_DATA", "data")) / "SVHN" / "test_32x32.mat")["y"]
    train = made.splits["train"]
    assert torch.equal(train.labels, torch.from_numpy(y % 10).long())
    assert torch.equal(train.images[0, 2], torch.from_numpy(raw["X"][:, :, 2, 0]))


def test_a_stack_is_three_digits_whose_classifier_reads_all_three(mnist: str) -> None:
    cfg = compose("train", ["data=stacked_mnist", f"data.root={mnist}", "run_dir=."])
    first, second = (instantiate(cfg.data.dataset)(root=mnist, train=False) for _ in range(2))
    assert torch.equal(first.data, second.data)  # always the same
    assert first.data.shape == (26_000, 3, 28, 28)
    frozen = feature.load(cfg.data.classifier)
    features, logits = frozen(feature.to_float(first.data[:500]))
    assert features.shape == (500, 384)
    assert (logits.argmax(1) == first.targets[:500]).double().mean() > 0.97
    assert logits.exp().sum(1) == pytest.approx(torch.ones(500), abs=1e-4)  # a distribution over all combinations
    alone = feature.load("mnist")(feature.to_float(first.data[:500, 1:2]))[0]
    assert torch.allclose(features[:, 128:256], alone, atol=1e-5)
    assert list(cfg.metric) == ["fid_digits", "modes_covered", "mode_kl", "label_agreement"]
    assert first.targets.unique().numel() == 1000


@pytest.mark.parametrize("name", ["kmnist", "qmnist", "usps", "svhn"])
@pytest.mark.parametrize("spoil", ["truncate", "foreign"])
def test_a_spoilt_file_is_named_though_its_sum_is_unknown(
    name: str, spoil: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    typed = words(name, tmp_path / "made", request)
    cfg = compose("train", [*typed, "run_dir=."]).data
    copy = tmp_path / "copy"
    copy_writable(cfg.root, copy, "MNIST", "EMNIST")
    for file in cfg.md5:
        victim = copy / file
        content = victim.read_bytes()
        victim.write_bytes(content[: len(content) // 2] if spoil == "truncate" else b"GIF89a" * 9)
        with pytest.raises(Exception, match=f"{victim.name} is damaged, truncated or another file"):
            instantiate(cfg, root=str(copy), _convert_="all")
        victim.write_bytes(content)
    (copy / next(iter(cfg.md5))).unlink()
    with pytest.raises(Exception, match=r"files are missing in .* and cannot be downloaded"):
        instantiate(cfg, root=str(copy), _convert_="all")


def test_labels_that_the_classes_do_not_have_are_refused(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cfg = compose("train", [*words("qmnist", tmp_path, request), "data.classes=5", "run_dir=."])
    with pytest.raises(ValueError, match=r"labels from 0 to 4, as data\.classes=5 says; there are 500 from 0 to 9"):
        instantiate(cfg.data, _convert_="all").setup()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["emnist_letters", "svhn"])
def test_a_run_fits_its_classifier_first_and_its_figures_bear_its_name(
    name: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit = feature.fit
    monkeypatch.setattr(feature, "fit", lambda x, y, classes, _, *more: fit(x[:512], y[:512], classes, 1, *more))
    typed = words(name, tmp_path, request)
    run = [*typed, "data.repeat=2", *SHORT[1:], "batch_size=4", f"run_dir={tmp_path / 'run'}"]
    call(train, *run)
    said = capsys.readouterr().err
    assert f"fitting the classifier of data={name} to" in said
    assert (tmp_path / "classifier" / f"{name}.safetensors").is_file()
    assert f'"val_{name}/fid_digits"' in (tmp_path / "run" / "result.json").read_text()
    call(train, *run, "overwrite=true")
    assert "fitting" not in capsys.readouterr().err
    with pytest.raises(SystemExit, match="was fitted to another shape or to other classes: delete it"):
        call(train, *run, "overwrite=true", "data.classes=30", "data.names=null")


def test_one_download_serves_all_of_emnist_and_the_rest_of_it_is_left_out(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    words("emnist", tmp_path, request)  # skips where it is not here
    source = Path(os.environ.get("GAN_DATA", "data")) / "EMNIST" / "raw"

    def download(self: datasets.EMNIST) -> None:
        raw = Path(self.raw_folder)
        raw.mkdir(parents=True, exist_ok=True)
        for path in source.iterdir():
            shutil.copyfile(path, raw / path.name)
            shutil.copyfile(path, raw / path.name.replace("digits", "byclass"))
        (raw / "gzip").mkdir(exist_ok=True)
        (raw / "gzip.zip").touch()
        (raw / "gzip" / "emnist-digits-mapping.txt.gz").touch()

    monkeypatch.setattr(datasets.EMNIST, "download", download)
    for name in ("emnist", "emnist_letters"):
        cfg = compose("train", [f"data={name}", f"data.root={tmp_path}", "batch_size=4", "run_dir=."]).data
        instantiate(cfg, _convert_="all").setup()
        monkeypatch.delattr(datasets.EMNIST, "download", raising=False)  # the second needs none
        monkeypatch.setattr(datasets.EMNIST, "download", None, raising=False)
    assert {path.name for path in (tmp_path / "EMNIST" / "raw").iterdir()} == {path.name for path in source.iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == ["EMNIST"]


@pytest.mark.parametrize("name", ["qmnist", "usps"])
def test_a_download_brings_both_parts(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = compose("train", [*words(name, tmp_path / "made", request), "batch_size=4", "run_dir=."]).data

    def fetch(url: str, root: str, *_: object, **__: object) -> None:
        file = next(path for path in (tmp_path / "made").rglob("*") if path.name == Path(url).name.removesuffix(".gz"))
        Path(root).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, Path(root) / file.name)

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", fetch)
    monkeypatch.setattr("torchvision.datasets.usps.download_url", fetch)
    there = instantiate(cfg, root=str(tmp_path / "there"), _convert_="all")
    there.setup()
    assert len(there.splits["test"]) == 500
