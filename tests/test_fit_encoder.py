"""python -m gan.fit_encoder, from its words to the encoder that a lab finds."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from conftest import call, complaint, renamed

import gan
from gan import fit_encoder
from gan.checkpoint import SHIPPED

SHORT = ["data=digits", "steps=2", "batch_size=8", "test_images=9"]


def test_an_encoder_lies_beside_its_generator_where_a_lab_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ckpt, made = tmp_path / "mine.safetensors", tmp_path / "mine_encoder.safetensors"
    for suffix in (".safetensors", ".json"):
        shutil.copyfile(SHIPPED.with_suffix(suffix), ckpt.with_suffix(suffix))
    assert gan.load(ckpt).encoder is None
    call(fit_encoder.main, *SHORT, f"ckpt={ckpt}")
    card = json.loads(capsys.readouterr().out)
    assert card == json.loads(made.with_suffix(".json").read_text())
    assert card["command"] == "python -m gan.fit_encoder data=digits steps=2 batch_size=8 test_images=9"
    assert card["test"]["images"] == 9
    assert (
        set(card["test"]["style"]) == set(card["test"]["style_in_class"]) == {"thickness", "slant", "width", "height"}
    )
    lab = gan.load(ckpt)
    assert lab.encoder is not None
    assert sum(value.numel() for value in lab.encoder.parameters()) == card["parameters"]
    assert torch.equal(lab.encoder.last.bias, lab.encoder.last.bias.half().float())
    assert "mine_encoder.safetensors exists: choose another name, or overwrite=true" in complaint(
        fit_encoder.main, *SHORT, f"ckpt={ckpt}"
    )
    call(fit_encoder.main, *SHORT, f"ckpt={ckpt}", "overwrite=true", "seed=1")
    assert json.loads(made.with_suffix(".json").read_text())["sha256"] != card["sha256"]


def test_a_generator_of_other_classes_needs_the_data_of_its_training(tmp_path: Path) -> None:
    ckpt = renamed(tmp_path, {"zero": 0, "one": 1})
    expected = (
        "error: data=digits has 1x28x28 and the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, but the generator draws 1x28x28 "
        "and the classes zero, one: type the data of its training"
    )
    assert complaint(fit_encoder.main, *SHORT, f"ckpt={ckpt}") == expected
    assert not list(tmp_path.glob("*_encoder*"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("out=x.npz", "out must end in .safetensors, got x.npz"),
        ("ckpt=missing.ckpt", "ckpt: missing.ckpt does not exist"),
        ("steps=0", "steps must be a whole number from 1 to 1,000,000, got 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(word: str, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(fit_encoder.main, "data=digits", f"out={tmp_path}/x.safetensors", word)
    assert list(tmp_path.iterdir()) == []
