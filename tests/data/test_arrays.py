"""Arrays of one's own are read as what they plainly are, or refused in one line with a remedy."""

import gzip
import logging
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHORT, call, complaint
from hydra.utils import instantiate

from gan import generate, names
from gan.cli.compose import compose
from gan.data import ImageData, arrays, module, review
from gan.digits import files
from gan.error import UserError
from gan.lab import Lab
from train import train

COUNT = 200  # images, of ten classes in turn


def some(count: int = COUNT, shape: tuple[int, ...] = (28, 28)) -> tuple[np.ndarray, np.ndarray]:
    """Images, each another, dark at the border, and labels."""
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
    images[..., 0, :] = images[..., -1, :] = images[..., 0] = images[..., -1] = 0
    return images, np.arange(count) % 10


def load(root: Path, *words: str) -> ImageData:
    typed = ["data=arrays", f"data.root='{root}'", "batch_size=4", "run_dir=.", *words]
    made: ImageData = instantiate(compose("train", typed).data, _convert_="all")
    made.setup()
    return made


def contents(made: ImageData) -> set[tuple[bytes, int]]:
    """All images of a set with their labels."""
    parts = (made.splits["train"], made.splits["test"])
    return {(x.numpy().tobytes(), int(y)) for part in parts for x, y in zip(part.images, part.labels, strict=True)}


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_npy(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    return folder


def write_npz(keys: str) -> Callable[..., Path]:
    def write(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
        first, second, *test = keys.split()
        cut = len(images) - 40 if test else len(images)
        parts = {first: images[:cut], second: labels[:cut]}
        if test:
            parts |= {test[0]: images[cut:], test[1]: labels[cut:]}
        np.savez_compressed(folder / "x.npz", **parts)
        return folder / "x.npz"

    return write


def write_csv(name: str, header: bool = True, label_last: bool = False, separator: str = ",") -> Callable[..., Path]:
    def write(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
        rows = [list(map(str, row)) for row in images.reshape(len(images), -1).tolist()]
        names = [f"pixel{i}" for i in range(len(rows[0]))]
        lines = [(["label"], names)] if header else []
        lines += [([str(label)], row) for row, label in zip(rows, labels.tolist(), strict=True)]
        text = "\n".join(separator.join([*b, *a] if label_last else [*a, *b]) for a, b in lines) + "\n"
        path = folder / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode("utf-8-sig"))
        return path

    return write


def write_idx(where: str, form: str, end: str = "") -> Callable[..., Path]:
    def write(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
        (folder / where).mkdir(parents=True, exist_ok=True)
        for before, part in (("train", slice(None, -40)), (form[:4], slice(-40, None))):
            for kind, values in (("images", images[part]), ("labels", labels[part])):
                raw = idx_bytes(values)
                name = form[4:].format(before=before, kind=kind, n=values.ndim)
                (folder / where / f"{name}{end}").write_bytes(gzip.compress(raw) if end else raw)
        return folder

    return write


def write_pictures(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    files.write_folder(torch.from_numpy(images)[:, None], torch.from_numpy(labels), folder)
    return folder


FORMS = {
    "npy": write_npy,
    "this project's npz": write_npz("images labels"),
    "Keras's npz": write_npz("x_train y_train x_test y_test"),
    "an npz of torch's names": write_npz("train_images train_labels test_images test_labels"),
    "Kaggle's csv": write_csv("train.csv"),
    "a csv without header": write_csv("mnist_train.csv", header=False),
    "a csv of a spreadsheet": write_csv("x.csv", separator=";"),
    "a csv with its label last": write_csv("x.csv", label_last=True),
    "a packed csv": write_csv("x.csv.gz"),
    "idx": write_idx(".", "t10k{before}-{kind}-idx{n}-ubyte"),
    "idx with a dot": write_idx("raw", "t10k{before}-{kind}.idx{n}-ubyte"),
    "idx of another test": write_idx("MNIST/raw", "test{before}-{kind}-idx{n}-ubyte"),
    "idx as downloaded": write_idx(".", "t10k{before}-{kind}-idx{n}-ubyte", ".gz"),
    "pictures": write_pictures,
}


@pytest.mark.parametrize("name", FORMS)
def test_every_usual_form_is_read_and_nothing_is_written_beside_it(name: str, tmp_path: Path) -> None:
    images, labels = some()
    root = FORMS[name](tmp_path, images, labels)
    before = sorted(tmp_path.rglob("*"))
    made = load(root)
    assert contents(made) == {(x.tobytes(), int(y)) for x, y in zip(images, labels, strict=True)}
    assert sorted(tmp_path.rglob("*")) == before
    if root.is_file() and "csv" not in name:
        assert contents(load(root.parent)) == contents(made)


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "channels first": lambda x: x[:, None],
    "channels last": lambda x: x[..., None],
    "rows": lambda x: x.reshape(len(x), -1),
    "integers": lambda x: x.astype(np.int64),
    "floats": lambda x: x.astype(np.float32),
    "from 0 to 1": lambda x: x / 255,
    "columns first": np.asfortranarray,
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("write", [write_npy, write_npz("images labels")])
def test_layouts_and_scales_are_plain(name: str, write: Callable[..., Path], tmp_path: Path) -> None:
    images, labels = some()
    made = load(write(tmp_path, LAYOUTS[name](images), labels))
    assert contents(made) == {(x.tobytes(), int(y)) for x, y in zip(images, labels, strict=True)}


def test_black_and_white_is_black_and_white(tmp_path: Path) -> None:
    images, labels = some()
    for binary in (images > 99, (images > 99).astype(np.uint8), (images > 99).astype(float)):
        made = load(write_npy(tmp_path, binary, labels))
        assert {int(value) for value in made.splits["train"].images.unique()} == {0, 255}


def test_colour_has_its_channels_anywhere(tmp_path: Path) -> None:
    images, labels = some(shape=(3, 32, 32))
    want = {(x.tobytes(), int(y)) for x, y in zip(images, labels, strict=True)}
    for stored in (images, images.transpose(0, 2, 3, 1)):
        root = write_npy(tmp_path, stored, labels)
        assert contents(load(root, "data.channels=3", "data.size=32")) == want
    with pytest.raises(UserError, match=r"type data\.size=32 data\.channels=3"):
        load(root)


LABELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "one-hot": lambda y: np.eye(10)[y],
    "a column": lambda y: y[:, None],
    "floats": lambda y: y.astype(float),
    "texts": lambda y: y.astype(str),
    "words": lambda y: np.array(names.WORDS)[y],
    "bytes": lambda y: y.astype("S"),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_what_they_mean(name: str, tmp_path: Path) -> None:
    images, labels = some()
    made = load(write_npz("images labels")(tmp_path, images, LABELS[name](labels)))
    assert contents(made) == {(x.tobytes(), int(y)) for x, y in zip(images, labels, strict=True)}


@pytest.mark.parametrize(
    ("stored", "words", "message"),
    [
        ([0, 1, 2], [], r"no training images of 3, 4, 5, 6, 7, 8, 9: type data\.classes=3, or"),
        ([3, 7, 9], [], r"no training images of .*: type data\.classes=3 data\.names=\[3,7,9\]"),
        (
            [3, 7, 12],
            [],
            r"labels from 0 to 9, as data\.classes=10 says; .* type data\.classes=3 data\.names=\[3,7,12\]",
        ),
        ([0, 1], ["data.classes=2", "data.names=[1,0]"], r"may be names of data\.names or places in it"),
        (["cat", "dog"], [], r"labels of .* are cat, dog, .*: type data\.classes=2 data\.names=\[cat,dog\]"),
        ([0.5, 1], [], r"labels must be whole numbers or names; label 0 is 0\.5"),
        ([np.nan, 1], [], r"labels must be whole numbers or names; label 0 is nan"),
        ([-1], [], r"need labels; to train without any, type data\.classes=1 experiment=unconditional"),
        ([1j], [], r"labels must be integers or names"),
    ],
    ids=str,
)
def test_labels_that_are_no_classes_are_refused_with_what_to_type(
    stored: list[Any], words: list[str], message: str, tmp_path: Path
) -> None:
    images, _ = some()
    root = write_npy(tmp_path, images, np.resize(np.array(stored), COUNT))
    with pytest.raises(Exception, match=message) as caught:
        load(root, *words)
    if "type data.classes" in (line := str(caught.value)):  # and it helps
        typed = line.partition("type ")[2].partition(", or")[0].split()
        made = load(root, *(word for word in typed if word.startswith("data.")))
        assert len(made.splits["train"].labels.unique()) == len(stored)


def test_names_of_classes_may_be_the_labels(tmp_path: Path) -> None:
    images, _ = some()
    root = write_csv("x.csv")(tmp_path, images, np.resize(np.array(["dog", "cat"]), COUNT))
    made = load(root, "data.classes=2", "data.names=[cat,dog]")
    first = next(i for i, x in enumerate(made.splits["train"].images) if x.numpy().tobytes() == images[0].tobytes())
    assert made.splits["train"].labels[first] == 1


def test_names_in_an_npz_are_those_of_its_labels(tmp_path: Path) -> None:
    images, labels = some()
    for stored in (list(names.WORDS[::-1]), list("9876543210")):
        np.savez(tmp_path / "x.npz", images=images, labels=9 - labels, names=np.array(stored))
        assert contents(load(tmp_path / "x.npz")) == {
            (x.tobytes(), int(y)) for x, y in zip(images, labels, strict=True)
        }
    np.savez(tmp_path / "x.npz", images=images, labels=labels, names=np.array(["a"]))
    with pytest.raises(UserError, match="do not fit its labels"):
        load(tmp_path / "x.npz")


def test_a_mistake_of_the_form_is_one_line_with_its_place(tmp_path: Path) -> None:
    images, labels = some()
    path = write_csv("x.csv")(tmp_path, images, labels)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for wrong, message in (
        (lines[7] + ",5", "line 8 has 786 columns, the first line 785"),
        (lines[7][:-1] + "x", "line 8: '.*x' is no number"),
        ("1" * 2**21, "line 8 has over 1,048,576 characters"),
        (lines[7].replace(",0,", ",300,", 1), "values from 0 to 300"),
        (lines[7].replace(",0,", ",nan,", 1), "NaN and infinity are no pixels"),
    ):
        path.write_text("\n".join([*lines[:7], wrong, *lines[8:]]))
        with pytest.raises(UserError, match=message):
            load(path)
    path.write_text("")
    with pytest.raises(UserError, match="each line is an image"):
        load(path)
    path.write_bytes(b"\xff\xfe" + "label,1".encode("utf-16"))
    with pytest.raises(UserError, match="no text in UTF-8"):
        load(path)


def _forge(path: Path, shape: str, body: bytes, descr: str = "|u1") -> None:
    """An .npz whose header promises ``shape``."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    raw = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images.npy", raw)


@pytest.mark.parametrize(
    ("shape", "body", "descr"),
    [
        ("(5000000000, 28, 28)", b"", "|u1"),
        ("(10, 28, 28)", bytes(99), "|u1"),
        ("(-1, 28, 28)", bytes(784), "|u1"),
        ("(10,)", bytes(80), "|O"),
        ("__import__('os').system('false')", b"", "|u1"),
        ("(0, 28, 28)", b"", "|u1"),
    ],
)
def test_a_header_promises_nothing_that_is_not_there(shape: str, body: bytes, descr: str, tmp_path: Path) -> None:
    _forge(tmp_path / "x.npz", shape, body, descr)
    with pytest.raises(UserError, match=r"^data: "):
        load(tmp_path / "x.npz")


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    small = "(1, 28, 28)"
    _forge(tmp_path / "x.npz", small, bytes(2**25))
    folder = tmp_path / "idx"
    folder.mkdir()
    for name, count in (("train-images-idx3", 1), ("train-labels-idx1", 1)):
        raw = idx_bytes(np.zeros((count, 28, 28) if "3" in name else count, np.uint8))
        (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(raw + bytes(2**25)))
    tracemalloc.start()
    for root in (tmp_path / "x.npz", folder):
        with pytest.raises(UserError, match=r"^data: "):
            load(root)
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_no_images_are_packed_to_is_not_unpacked(
    method: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan.data.idx.UNPACKED", 2**24)
    shape, body = "(30000, 28, 28)", bytes(784 * 30_000)
    _forge(tmp_path / "y.npz", shape, body)
    with zipfile.ZipFile(tmp_path / "y.npz") as old, zipfile.ZipFile(tmp_path / "x.npz", "w", method) as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part))
    raw = struct.pack(">2xBB3I", 8, 3, 30_000, 28, 28) + body
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(raw))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.zeros(30_000, np.uint8))))
    tracemalloc.start()
    for root in (tmp_path / "x.npz", tmp_path / "train-images-idx3-ubyte.gz"):
        with pytest.raises(UserError, match=r"^data: .*packed"):
            load(root)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["idx as downloaded", "a packed csv", "Keras's npz", "idx", "npy"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_named(name: str, share: float, tmp_path: Path) -> None:
    root = FORMS[name](tmp_path, *some())
    victim = max((path for path in tmp_path.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = victim.read_bytes()
    victim.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=f"{victim.name}.*(damaged|truncated|no array|each line|line 1|has no images)"):
        load(root)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    images = np.array([Bomb()] * 4, dtype=object)
    np.savez(tmp_path / "x.npz", images=images, labels=np.zeros(4))
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", np.zeros(4))
    for root in (tmp_path / "x.npz", tmp_path):
        with pytest.raises(UserError, match="object"):
            load(root)
    assert not (tmp_path / "ran").exists()


def test_sorted_labels_are_divided_in_each_class_and_always_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = some()
    root = write_npy(tmp_path, images, np.sort(labels))
    made = load(root)
    assert made.splits["train"].labels.bincount().tolist() == [17] * 10
    assert made.splits["test"].labels.bincount().tolist() == [3] * 10
    assert not contents(made) - {(x.tobytes(), int(y)) for x, y in zip(images, np.sort(labels), strict=True)}
    other = load(root, "seed=5")
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 1000)
    mapped = load(root)
    assert type(mapped.splits["train"]) is not type(made.splits["train"])
    for name in made.splits:
        assert torch.equal(made.splits[name].labels, other.splits[name].labels)
        every = torch.arange(len(made.splits[name]))
        assert torch.equal(mapped.splits[name].take(every).images, made.splits[name].images), name
    with pytest.raises(UserError, match=r"no training images of 9, but test images: .* data=arrays"):
        load(root, "data=memory_mapped")


def test_a_share_is_kept_in_each_class() -> None:
    labels = np.array(["a"] * 100 + ["b"] * 10 + ["c"] * 2 + ["d"])
    train, test = arrays.split(labels, 0.15)
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(113))
    assert [int((labels[test.numpy()] == name).sum()) for name in "abcd"] == [15, 2, 1, 0]


def test_what_is_wrong_with_a_set_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = some()
    write = write_npz("x_train y_train x_test y_test")
    load(write(tmp_path, np.concatenate([images, images[:3]]), np.arange(203) % 10))
    assert "3 of the test images are copies of training images (number 37, 38, 39)" in caplog.text
    caplog.clear()
    load(write_npy(tmp_path, 255 - images, labels))
    assert "most images have a light border: ink must be light on dark" in caplog.text
    caplog.clear()
    load(write(tmp_path, images, np.where(np.arange(COUNT) < COUNT - 40, labels, 9)))
    assert "there are no test images of 0, 1, 2, 3, 4, 5, 6, 7, 8: scores ignore them" in caplog.text
    caplog.clear()
    monkeypatch.setattr(review, "MOST_BYTES", 1000)
    load(write(tmp_path, images[:100], labels[:100]))
    assert "are not looked for in over 1,000 bytes" in caplog.text


def test_every_load_prints_classes_and_counts_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_npy(tmp_path, *some(60))
    with caplog.at_level(logging.INFO):
        made = load(root, "data.names=[a,b,c,d,e,f,g,h,i,j]")
        made.setup()
    line = "data=arrays: 10 classes (a, b, c, d, e, f, g, h, i, j), 50 training images, 10 test images"
    assert [record.message for record in caplog.records] == [line]
    assert made.describe() == line


@pytest.mark.parametrize(
    "words", [["out=x.npz"], ["out=x.csv"], ["out=x/", "folder=idx"], ["out=x/", "folder=png"]], ids=str
)
def test_what_the_project_writes_it_reads(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call(generate.main, "n=60", *words)
    made = load(tmp_path / words[0].removeprefix("out="))
    drawn = Lab().sample(60).painted
    assert {x for x, _ in contents(made)} == {x.numpy().tobytes() for x in drawn}
    if "folder=idx" in words:
        message = complaint(train, "data=mnist", "data.root=x", *SHORT[1:], f"run_dir={tmp_path / 'run'}")
        assert "is a whole IDX file of 51 items; if they are your own, data=arrays data.root=x/MNIST/raw" in message


def test_a_run_on_a_file_keeps_its_classifier_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_npz("images labels")(tmp_path, *some(60))
    monkeypatch.chdir(tmp_path)
    words = compose("train", ["data=arrays", "data.root=x.npz", "run_dir=x"]).data.classifier
    assert words == "./x.npz.classifier"
    one = compose("train", ["data=arrays", "data.root=x.npz", "data.classes=1", "run_dir=x"]).data.classifier
    assert one == "mnist"  # one class cannot be told from others


def without_test_labels(root: Path) -> None:
    write_idx(".", "t10k{before}-{kind}-idx{n}-ubyte")(root, *some())
    (root / "t10k-labels-idx1-ubyte").unlink()


def two_archives(root: Path) -> None:
    for name in ("a", "b"):
        np.savez(root / name, images=some()[0], labels=some()[1])


WRONG: list[tuple[Callable[[Path], object], str]] = [
    (lambda root: None, r"has no arrays: there must be images\.npy"),
    (lambda root: (root / "a").mkdir(), r"pictures are data=folder data\.root="),
    (two_archives, r"a\.npz, b\.npz: choose one, as data\.root=.*a\.npz"),
    (without_test_labels, r"has no t10k-labels-idx1-ubyte \(nor \.gz\)"),
    (lambda root: np.save(root / "images.npy", some()[0]), r"labels\.npy does not exist"),
    (lambda root: write_npy(root, some()[0], np.zeros(3)), r"has 200 images, but 3 labels"),
    (lambda root: write_npy(root, some()[0] * 257.0, some()[1]), r"values from 0 to 65535: save them as uint8"),
    (lambda root: write_npy(root, some()[0] / 127.5 - 1, some()[1]), r"from -1 to 1: save \(x \+ 1\) \* 127\.5"),
    (lambda root: write_npy(root, np.zeros((9, 28, 28)), np.arange(9)), "all pixels are equal"),
    (lambda root: write_npy(root, np.zeros((9, 28, 28, 4), np.uint8), np.arange(9)), "save them without opacity"),
    (lambda root: write_npy(root, some()[0].astype(str), some()[1]), "must be numbers, is <U3"),
    (lambda root: write_npz("a b")(root, *some()), r"has the arrays a, b; there must be images and labels"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_what_is_no_array_is_refused_with_what_to_do(
    make: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    make(tmp_path)
    with pytest.raises((UserError, FileNotFoundError), match=message):
        load(tmp_path)


def test_a_file_that_is_none_of_these_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(b"cos")
    for root, message in ((tmp_path / "x.pkl", "none of what can be read"), (tmp_path / "no", "does not exist")):
        with pytest.raises((UserError, FileNotFoundError), match=message):
            load(root)
    for words in ([], ["data.root=null"]):
        with pytest.raises(Exception, match=r"data\.root must be"):
            instantiate(compose("train", ["data=arrays", "run_dir=.", *words]).data, _convert_="all").setup()
