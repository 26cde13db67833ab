"""Files of strangers are data: nothing in them runs, or says where we read and write."""

import json
import logging
import os
import pickle
import time
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, call, complaint
from safetensors.torch import save_file

from gan import checkpoint, evaluate, foreign, generate, table
from gan.cli.carry import run_words
from gan.cli.command import border
from gan.cli.errors import explain
from gan.error import UserError
from gan.image import pillow
from train import train

BEFORE = ROOT / "tests" / "fixtures" / "before.ckpt"


@pytest.fixture
def contents() -> dict[str, Any]:
    """The contents of a sound checkpoint, to be spoilt."""
    return checkpoint.load_contents(BEFORE)


class Touch:
    """Pickled, it creates a file when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("pwned"),)


def _refused(path: Path) -> str:
    """The line that refuses a checkpoint, in every reader and quickly."""
    began, lines = time.perf_counter(), []
    for read in (checkpoint.generator, checkpoint.provenance):
        with pytest.raises(UserError, match=r"^ckpt: [^\n]+ is not loaded: [^\n]{10,400}$") as caught:
            read(path)
        lines.append(str(caught.value))
    assert time.perf_counter() - began < 5
    return lines[0]


INTERPOLATED = ["${oc.env:HOME}", "${oc.create:{a: 1}}", "${hydra:runtime.cwd}", "${class_folders:.}", "???"]
TARGETS = [
    "gan.data.folder.Path.touch", "os.system", "torchvision.datasets.MNIST", "gan.network.dcgan.nn.Linear",
    "gan.network.layer.Head", "gan.network.dcgan.Discriminator", "gan.network.Generator", "gan.network.__path__",
    "gan.network.dcgan.Generator.__init__", "gan.network..dcgan.Generator", "", "x" * 5000, "gan.model.GAN",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:40] or "empty")
def test_a_network_is_one_of_ours_or_refused(target: str, contents: dict[str, Any], tmp_path: Path) -> None:
    contents["hyper_parameters"]["config"]["model"]["generator"]["_target_"] = target
    torch.save(contents, tmp_path / "x.ckpt")
    assert "no generator of this project" in _refused(tmp_path / "x.ckpt")


NUMBERS = {
    **{f"text {text}": {"width": text} for text in INTERPOLATED},
    "nested": {"width": {"_target_": "os.system"}},
    "tuple": {"width": ({"_target_": "os.system"},)},
    "list": {"width": [1]},
    "unknown": {"command": "touch pwned"},
    "hydra": {"_args_": [1]},
    "partial": {"_partial_": True},
    "none": {"width": None},
    "long": {"width": "x" * 65},
    "latent": {"latent": 3_000_000},
    "depth": {"depth": 1_000_000},
    "size": {"size": 2**40},
    "size 0": {"size": 0},
    "width": {"width": 10**9},
    "classes": {"classes": 10**9},
    "negative": {"latent": -5},
    "nan": {"width": float("nan")},
    "infinite": {"depth": float("inf")},
    "int": {"width": 10**17},
}


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=list(NUMBERS))
def test_a_network_of_other_numbers_is_refused_before_it_is_built(
    numbers: dict[str, Any], contents: dict[str, Any], tmp_path: Path
) -> None:
    contents["hyper_parameters"]["config"]["model"]["generator"] |= numbers
    torch.save(contents, tmp_path / "x.ckpt")
    _refused(tmp_path / "x.ckpt")
    card = {"generator": contents["hyper_parameters"]["config"]["model"]["generator"], "command": "x", "data": "mnist"}
    save_file({"dense.weight": torch.zeros(4)}, tmp_path / "x.safetensors")
    (tmp_path / "x.json").write_text(json.dumps(card))
    _refused(tmp_path / "x.safetensors")
    assert not Path("pwned").exists()


def _nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def _shared(depth: int) -> list[Any]:
    """A list of few parts that is read as 2^depth of them."""
    found: list[Any] = [0]
    for _ in range(depth):
        found = [found, found]
    return found


SPOILT: dict[str, Any] = {
    "no epoch": ("epoch", None, "x"),
    "no words": ("hyper_parameters", "overrides", 5),
    "words of other things": ("hyper_parameters", "overrides", ["a=1", 5]),
    "no weights": ("state_dict", None, {}),
    "weights of texts": ("state_dict", "ema.generator.dense.weight", "x"),
    "no data": ("hyper_parameters", "config", {"model": {"generator": {"_target_": "x"}}}),
    "a name of a number": ("hyper_parameters", "config", {"data": {"name": 5}, "model": {"generator": {"a": 1}}}),
    "a long name": ("hyper_parameters", "name", "x" * 100_000),
    "shared lists": ("hyper_parameters", "more", _shared(40)),
    "nested lists": ("hyper_parameters", "more", _nested(200)),
    "a large number": ("hyper_parameters", "more", 10**5000),
    "wide tensors": ("state_dict", "ema.generator.dense.weight", torch.zeros(1).expand(10**6, 10**6)),
    "NaN": ("state_dict", "ema.generator.dense.weight", torch.full((68, 28), float("nan"))),
    "infinite in float32": (
        "state_dict",
        "ema.generator.dense.weight",
        torch.tensor(1e300).double() + 1e300,
    ),
    "wide tensors elsewhere": ("hyper_parameters", "more", torch.zeros(1).expand(10**6, 10**6)),
    "sparse": ("state_dict", "ema.generator.dense.weight", torch.eye(3).to_sparse()),
    "complex": ("state_dict", "ema.generator.dense.weight", torch.zeros(68, 28, dtype=torch.complex64)),
    "a parameter": ("state_dict", "ema.generator.dense.weight", torch.nn.Parameter(torch.zeros(2))),
    "a set": ("hyper_parameters", "more", {1, 2}),
    "names of paths": ("names", None, ["../../x", *"123456789"]),
    "names of two": ("names", None, ["0", "1"]),
    "names of numbers": ("names", None, 5),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=list(SPOILT))
def test_a_spoilt_part_is_one_line(spoil: tuple[str, Any, Any], contents: dict[str, Any], tmp_path: Path) -> None:
    part, key, value = spoil
    if part == "names":
        contents["hyper_parameters"]["config"]["data"]["names"] = value
    elif key is None:
        contents[part] = value
    else:
        contents[part][key] = value
    torch.save(contents, tmp_path / "x.ckpt")
    with pytest.raises(UserError, match=r"^ckpt: [^\n]+ is not loaded: [^\n]{10,400}$"):
        checkpoint.provenance(tmp_path / "x.ckpt")


@pytest.mark.parametrize(
    "kind", ["pickle", "protocol 4", "legacy", "foreign class", "compressed", "truncated", "empty"]
)
def test_other_containers_are_refused(kind: str, contents: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Touch()))
    elif kind == "protocol 4":
        torch.save(contents, path, pickle_protocol=4)
    elif kind == "legacy":
        torch.save(contents, path, _use_new_zipfile_serialization=False)
    elif kind == "foreign class":
        torch.save(contents | {"more": Touch()}, path)
    elif kind == "compressed":
        torch.save(contents, tmp_path / "y.ckpt")
        with zipfile.ZipFile(tmp_path / "y.ckpt") as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for part in old.infolist():
                new.writestr(part.filename, old.read(part))
    else:
        path.write_bytes(BEFORE.read_bytes()[:5000] if kind == "truncated" else b"")
    _refused(path)
    assert not Path("pwned").exists()


PICKLES = {  # the contents of a checkpoint, as pickle writes them
    "tuples in tuples as a key": b"\x80\x02})" + b"\x85" * 900_000 + b"Ns.",
    "a far place of the memo": b"\x80\x02}r\xff\xff\xff\x7f.",
    "many dicts": b"\x80\x02](" + b"}" * 5_000_000 + b"e.",
    "many bytes": b"\x80\x02cbuiltins\nbytearray\n(\x8a\x05\x00\xd0\xed\x90\x2etR.",
    "a change of a class": b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aNsb.",
    "a storage of nothing": b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x02\x00\x00\x0099NNtQ.",
    "a storage in another place": b"\x80\x02(NctorchFloatStorage\nX\x02\x00\x00\x00..NNtQ.",
    "a named storage": b"\x80\x02Pabcde\n.",
}


@pytest.mark.parametrize("name", ["data.pkl", "DATA.PKL"])
@pytest.mark.parametrize("pickled", PICKLES.values(), ids=list(PICKLES))
def test_a_pickle_of_more_than_data_is_refused_whatever_its_name(pickled: bytes, name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(BEFORE) as old, zipfile.ZipFile(tmp_path / "x.ckpt", "w") as new:
        for part in old.infolist():
            if part.filename.endswith("/data.pkl"):
                new.writestr(part.filename.replace("data.pkl", name), pickled)
            else:
                new.writestr(part, old.read(part))
    _refused(tmp_path / "x.ckpt")


def test_parts_of_a_zip_file_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w") as file:
        file.writestr("x/data.pkl", bytes(10_000))
        file.filelist += file.filelist * 1000
    _refused(tmp_path / "x.ckpt")


def test_tensors_stay_within_their_part(contents: dict[str, Any], tmp_path: Path) -> None:
    torch.save(contents, tmp_path / "y.ckpt")
    with zipfile.ZipFile(tmp_path / "y.ckpt") as old, zipfile.ZipFile(tmp_path / "x.ckpt", "w") as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part)[: 4 if "/data/" in part.filename else None])
    _refused(tmp_path / "x.ckpt")


def test_a_file_that_is_none_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.ckpt")
    os.mkfifo(tmp_path / "x.safetensors")
    for name in ("x.ckpt", "x.safetensors"):
        with pytest.raises((UserError, FileNotFoundError), match="ckpt: "):
            checkpoint.generator(tmp_path / name)


def test_a_file_of_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "x.ckpt").open("wb") as file:
        file.truncate(5 * 2**30)  # takes no room
    assert "5,368,709,120 bytes" in _refused(tmp_path / "x.ckpt")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"generator": ' * 5000, "5", "null", '"x"', "{}", '{"generator": 5}'])
def test_a_json_that_is_none_of_ours_is_one_line(text: str, tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UserError, match=r"^ckpt: [^\n]+x\.json is damaged[^\n]*$"):
        checkpoint.generator(tmp_path / "x.safetensors")


def test_weights_and_json_of_two_exports_do_not_pass_for_one(tmp_path: Path) -> None:
    state = foreign.load_tensors(checkpoint.SHIPPED)
    save_file({name: value * 2 for name, value in state.items()}, tmp_path / "x.safetensors")
    (tmp_path / "x.json").write_text(checkpoint.SHIPPED.with_suffix(".json").read_text())
    with pytest.raises(UserError, match="belongs to other weights"):
        checkpoint.generator(tmp_path / "x.safetensors")


def test_what_is_not_needed_to_draw_is_not_even_looked_at(contents: dict[str, Any], tmp_path: Path) -> None:
    config = contents["hyper_parameters"]["config"]
    config["model"]["loss"] = {"_target_": "os.system", "command": "touch pwned"}
    config["callback"] = ({"_target_": "pathlib.Path.touch", "_args_": ["pwned"]},)
    config["data"]["classifier"] = "/etc/passwd"
    torch.save(contents, tmp_path / "x.ckpt")
    assert checkpoint.generator(tmp_path / "x.ckpt").classes == 10
    assert checkpoint.provenance(tmp_path / "x.ckpt")["classifier"] is None
    call(evaluate.main, f"ckpt={tmp_path / 'x.ckpt'}", "cas.images=0", "c2st.images=0")
    assert not Path("pwned").exists()


WORDS = [
    "data.root=/etc", "data.classifier=x/y", "callback.last.dirpath=evil", "callback.best.filename=evil",
    "++run_dir=evil", "+run_dir=evil", "logger.save_dir=evil", "hydra.run.dir=evil", "hydra/launcher=joblib",
    "hydra.callbacks.x._target_=os.system", "loss._target_=os.system", "+x={_target_: os.system}", "+x=${oc.env:HOME}",
    "seed=${oc.env:HOME}", "network.width=${oc.create:{a: 1}}", "trainer.default_root_dir=evil", "~callback.last",
    "+trainer.profiler=simple", "trainer.plugins=[evil]", "data.dataset._target_=os.system", "data=../../evil",
    "data=evil", "experiment=[a,b]", "seed=1\nrun_dir=x", "metric.fid_digits.feature.name=/etc/x", "seed", "=", "",
    "network.condition='${oc.env:HOME}'", "model.compile=\\${x}", "+data.cache=evil", "x" * 10_000, "seed=" + "[" * 900,
]  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("word", WORDS, ids=lambda word: word[:40])
def test_a_carried_word_that_is_no_description_of_a_run_is_typed_again_or_not_at_all(
    word: str, contents: dict[str, Any], tmp_path: Path
) -> None:
    contents["hyper_parameters"]["overrides"] = ["data=digits", word]
    torch.save(contents, tmp_path / "last.ckpt")
    if word.lstrip("+").startswith("run_dir"):  # the folder is that of the file
        call(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer=debug", "network.width=2", "network.depth=0",
             "network.generator.latent=16", "trainer.max_epochs=2")  # fmt: skip
        assert not Path("evil").exists()
        return
    message = complaint(train, f"ckpt={tmp_path / 'last.ckpt'}")
    assert "settings that are not taken from a file: type them again" in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt"]


def test_many_carried_words_are_refused(contents: dict[str, Any], tmp_path: Path) -> None:
    contents["hyper_parameters"]["overrides"] = ["seed=1"] * 301
    torch.save(contents, tmp_path / "last.ckpt")
    assert "more than 300 settings" in complaint(train, f"ckpt={tmp_path / 'last.ckpt'}")


STATES: dict[str, Any] = {
    "no optimizers": ("optimizer_states", []),
    "optimizers of texts": ("optimizer_states", "x"),
    "optimizers without state": ("optimizer_states", [{}, {}]),
    "moments of another shape": (
        "optimizer_states",
        [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}] * 2,
    ),
    "moments of no parameter": (
        "optimizer_states",
        [{"state": {99: {"exp_avg": torch.zeros(1)}}, "param_groups": []}] * 2,
    ),
    "callbacks of texts": ("callbacks", "x"),
    "a history of texts": ("callbacks", {"Result": {"history": 5}}),
    "a history of lists of texts": ("callbacks", {"Result": {"history": ["x"]}}),
    "a history without epochs": ("callbacks", {"Result": {"history": [{"val/fid": 1.0}]}}),
    "figures of texts": ("callbacks", {"Result": {"history": [{"epoch": 1, "val/fid": "\x1b[31m"}]}}),
    "no loops": ("loops", {}),
    "loops of texts": ("loops", {"fit_loop": "x"}),
    "no version": ("pytorch-lightning_version", None),
}


@pytest.mark.sampled
@pytest.mark.parametrize("state", STATES.values(), ids=list(STATES))
def test_a_state_that_cannot_be_continued_is_one_line_and_nothing_is_lost(
    state: tuple[str, Any], contents: dict[str, Any], tmp_path: Path
) -> None:
    name, value = state
    torch.save(contents | {name: value}, tmp_path / "last.ckpt")
    before = (tmp_path / "last.ckpt").read_bytes()
    message = complaint(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=3")
    assert "ckpt: " in message
    assert (tmp_path / "last.ckpt").read_bytes() == before


@pytest.mark.parametrize("name", ["mine.txt", "mine.ckpt"])
def test_a_continued_run_deletes_no_file_that_its_checkpoint_names(
    name: str, contents: dict[str, Any], tmp_path: Path
) -> None:
    for state in contents["callbacks"].values():
        for key in [key for key in state if key.endswith("_model_path")]:
            state[key] = str(tmp_path / name)
    (tmp_path / name).write_text("kept")
    torch.save(contents, tmp_path / "last.ckpt")
    message = complaint(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=3")
    assert "it names files that are none of its checkpoints" in message
    assert (tmp_path / name).read_text() == "kept"


def test_a_strangers_text_is_shown_without_control_characters(contents: dict[str, Any], tmp_path: Path) -> None:
    contents["hyper_parameters"]["overrides"] = ["data.root=\x1b[31m$(touch pwned)\n"]
    torch.save(contents, tmp_path / "last.ckpt")
    message = complaint(train, f"ckpt={tmp_path / 'last.ckpt'}")
    assert "'data.root=?[31m$(touch pwned)?'" in message
    assert checkpoint.provenance(tmp_path / "last.ckpt")["command"].isprintable()


NAMES = ["\x1b[31m", "\r", "\u202e", "\udcff", "\x9b31m"]


@pytest.mark.parametrize("odd", NAMES, ids=ascii)
def test_no_name_of_a_file_reaches_a_terminal_as_it_is(
    odd: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (f"{odd}a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        pillow(torch.zeros(1, 8, 8, dtype=torch.uint8)).save(tmp_path / "set" / name / "0.png")
    lines = [complaint(train, "data=folder", f"data.root={tmp_path / 'set'}")]
    np.savez(tmp_path / "x.npz", images=np.eye(28)[None].repeat(9, 0), labels=np.array([f"{odd}a"] * 9))
    lines.append(complaint(train, "data=arrays", f"data.root={tmp_path / 'x.npz'}"))
    lines.append(explain(FileNotFoundError(2, "gone", f"x{odd}.png"), "train"))
    with border("train"):
        logging.getLogger("gan").warning("%s is left out\nand more", odd)
    lines += caplog.messages[-1].split("\n")
    lines.append(table.plain([{"job": odd}], ["job"]).split("\n")[1])
    assert lines[-2] == "and more"
    assert all(line.rstrip().isprintable() for line in lines)


def test_a_run_that_never_judged_itself_is_judged(contents: dict[str, Any]) -> None:
    contents["hyper_parameters"]["config"]["trainer"]["limit_val_batches"] = 0
    assert not any("limit_val" in word for word in run_words("x", contents["hyper_parameters"]["config"]))


def test_plain_data_are_copied_as_they_are() -> None:
    value = OrderedDict(a=[1, 2.5, None, True, "x", (1,)], b={1: {}})
    assert foreign.copy_plain(value) == {"a": [1, 2.5, None, True, "x", (1,)], "b": {1: {}}}
    for wrong in ({1, 2}, object(), b"x", 1j, Touch()):
        with pytest.raises(foreign.Refused):
            foreign.copy_plain([wrong])


def test_a_generated_set_does_not_hold_the_environment(contents: dict[str, Any], tmp_path: Path) -> None:
    contents["hyper_parameters"]["overrides"] = ["data.root=${oc.env:PATH}"]
    torch.save(contents, tmp_path / "x.ckpt")
    call(generate.main, f"ckpt={tmp_path / 'x.ckpt'}", f"out={tmp_path / 'x.npz'}", "n=10")
    for path in tmp_path.glob("x.*"):
        assert os.environ["PATH"].encode() not in path.read_bytes()
