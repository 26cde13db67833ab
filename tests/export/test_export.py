"""The exported generator: what it draws, what its JSON or card says, what is refused."""

import json
import re
from pathlib import Path

import onnx
import pytest
import torch
from conftest import ROOT, call
from safetensors.torch import load_file, save_file

from gan import checkpoint, generate, sample
from gan.error import UserError
from gan.export import program
from gan.export.__main__ import main
from gan.file import sha256


@pytest.fixture
def exported(short_run: Path, tmp_path: Path) -> Path:
    call(main, f"ckpt={short_run / 'best.ckpt'}", f"out={tmp_path / 'g.safetensors'}")
    return tmp_path / "g.safetensors"


def test_it_draws_what_the_checkpoint_draws(short_run: Path, exported: Path) -> None:
    seeds = torch.arange(20)
    drawn = [
        torch.cat(list(sample.generate(checkpoint.generator(path), seeds, sample.labels(seeds, 10))))
        for path in (short_run / "best.ckpt", exported)
    ]
    assert torch.equal(*drawn)


def test_its_json_says_what_made_it(exported: Path) -> None:
    card = json.loads(exported.with_suffix(".json").read_text())
    assert card["command"].startswith("python train.py data=digits")
    assert card["sha256"] == sha256(exported)
    assert card["licence"] == checkpoint.LICENCE
    made = [value.numel() for name, value in load_file(exported).items() if name.endswith(("weight", "bias"))]
    assert card["parameters"] == sum(made)
    assert (
        exported.stat().st_mode == exported.with_suffix(".json").stat().st_mode
    )  # whoever reads the one reads the other


def test_an_impossible_or_occupied_out_is_refused(short_run: Path, exported: Path, tmp_path: Path) -> None:
    words = f"ckpt={short_run / 'best.ckpt'}"
    with pytest.raises(SystemExit, match=r"out must end in \.safetensors, \.onnx, \.pt2, \.otf or /"):
        call(main, words, f"out={tmp_path / 'x.pt'}")
    before = exported.read_bytes()
    with pytest.raises(SystemExit, match="exists: choose another name, or overwrite=true"):
        call(main, words, f"out={exported}")
    assert exported.read_bytes() == before
    (tmp_path / "x.json").mkdir()
    there = sorted(tmp_path.iterdir())
    for name, said in {
        ".onnx": "has no name: choose another",
        "x.onnx/": "a folder's name must have no dot",
        "x.safetensors": r"x\.json is a folder",
    }.items():
        with pytest.raises(SystemExit, match=said):
            call(main, words, f"out={tmp_path}/{name}", "overwrite=true")
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize("spoil", ["json", "weights", "other", "target", "alone"])
def test_a_damaged_or_foreign_generator_is_one_line(exported: Path, spoil: str) -> None:
    card = exported.with_suffix(".json")
    if spoil == "json":
        card.write_text("{")
    elif spoil == "weights":
        exported.write_bytes(exported.read_bytes()[:100])
    elif spoil == "other":
        save_file({"x": torch.zeros(1)}, exported)
    elif spoil == "target":
        card.write_text(json.dumps({"generator": {"_target_": "os.system", "command": "true"}, "command": "x"}))
    else:
        card.unlink()
    with pytest.raises((UserError, FileNotFoundError), match=r"^ckpt: [^\n]*$"):
        checkpoint.generator(exported)


def test_the_shipped_generator_is_small_is_the_one_its_card_describes_and_draws_without_training(
    tmp_path: Path,
) -> None:
    card = json.loads(checkpoint.SHIPPED.with_suffix(".json").read_text())
    assert checkpoint.SHIPPED.stat().st_size < 2e6
    assert card["sha256"] == sha256(checkpoint.SHIPPED)
    assert card["test"]["split"] == "test"
    assert card["command"] in (ROOT / "docs" / "contributing.md").read_text()
    assert not re.search(r"/(home|root|work|tmp)/", json.dumps(card))
    call(generate.main, f"out={tmp_path / 'x.npz'}", "n=20")


def test_the_shipped_generators_digits_are_classified_as_their_labels() -> None:
    from gan.metric import feature

    seeds = torch.arange(500)
    y = sample.labels(seeds, 10)
    x = torch.cat(list(sample.generate(checkpoint.generator(None), seeds, y)))
    assert feature.accuracy(feature.load("mnist").classifier, x, y) > 0.98


def test_without_a_checkpoint_it_is_the_shipped_one(tmp_path: Path) -> None:
    call(main, f"out={tmp_path / 'g.safetensors'}")
    assert (tmp_path / "g.safetensors").read_bytes() == checkpoint.SHIPPED.read_bytes()
    assert json.loads((tmp_path / "g.json").read_text()) == json.loads(
        checkpoint.SHIPPED.with_suffix(".json").read_text()
    )


@pytest.mark.slow
def test_a_program_carries_its_card_and_the_exporters_print_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, card = tmp_path / "digits.onnx", json.loads(checkpoint.SHIPPED.with_suffix(".json").read_text())
    call(main, f"out={out}")
    assert capfd.readouterr() == (f"{out}: draws the same images as torch, within 0.0001\n", "")
    said = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    assert said.pop("licence").startswith("MIT")
    assert said == {
        "latent": "64",
        "classes": "10",
        "command": card["command"],
        "data": "mnist",
        "sha256": card["sha256"],
        "names": json.dumps([str(label) for label in range(10)]),
    }
    assert list(tmp_path.iterdir()) == [out]


def test_a_checkpoint_its_weights_and_its_programs_know_each_other(
    short_run: Path, exported: Path, tmp_path: Path
) -> None:
    sums = {json.loads(exported.with_suffix(".json").read_text())["sha256"]}
    for i, ckpt in enumerate((short_run / "best.ckpt", exported)):
        call(main, f"ckpt={ckpt}", f"out={tmp_path / f'{i}.pt2'}")
        extra = {"card.json": ""}
        torch.export.load(tmp_path / f"{i}.pt2", extra_files=extra)
        sums.add(json.loads(extra["card.json"])["sha256"])
    assert sums == {sha256(exported)}


def test_a_program_that_draws_other_images_is_refused_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "load_onnx", lambda model: lambda z, y: torch.full((len(z), 1, 28, 28), torch.nan))
    with pytest.raises(SystemExit, match="1 images of the program differ from torch's by nan"):
        call(main, f"out={tmp_path / 'digits.onnx'}")
    assert not list(tmp_path.iterdir())


def test_without_the_libraries_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.error.find_spec", lambda name: None)
    for out in ("digits.onnx", "page/"):
        with pytest.raises(SystemExit, match=r'^error: onnx is not installed: pip install -e "\.\[onnx\]"$'):
            call(main, f"out={tmp_path}/{out}")
