"""A checkpoint judged again is judged the same, and from more sides."""

import json
import re
from pathlib import Path

import pytest
from conftest import SHORT, call

from gan import evaluate
from gan.metric import feature
from train import train

ONE = ("kid_digits", "precision_k5", "recall_k5", "density_k5", "coverage_k5", "nearest_pixels", "nearest_features")
SHARES = ("copies", "duplicates", "smallest_class", "label_agreement", "cas", "label_agreement_3")


def test_the_card_holds_the_figures_that_training_logged_and_more(
    short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.json'}", "cas.images=512", "cas.epochs=1"]
    call(evaluate.main, *words)
    card = json.loads(capsys.readouterr().out)
    assert card == json.loads((tmp_path / "x.json").read_text())
    figures = card["figures"]
    logged = json.loads((short_run / "result.json").read_text())["history"][-1]
    again = [name for name in figures if name in logged]
    assert {name for name in logged if name.startswith("val")} == set(again)
    for name in again:
        assert figures[name] == pytest.approx(logged[name], rel=1e-6), name
    for name in (*ONE, *SHARES):
        value, floor = figures[f"val_bundled_digits/{name}"], figures[f"val_bundled_digits/{name}_floor"]
        assert name in ONE or 0 <= value <= 1 >= floor >= 0, name
    assert sum(figures[f"val_bundled_digits/class_share_{c}"] for c in range(10)) == pytest.approx(1)
    assert figures["val_bundled_digits/planted_found"] == 1
    assert card["images"] == {"judged": 250, "reference": 250, "training": 1500, "planted": 100, "cas": 512}
    assert card["k"] == 5
    assert card["ckpt_sha256"] == feature.digest(short_run / "last.ckpt")
    assert card["extractor"]["sha256"] == feature.digest(feature.WEIGHTS / "mnist.safetensors")
    assert set(card["versions"]) == {"torch", "torchvision", "lightning", "torchmetrics"}
    table = (tmp_path / "x.md").read_text()
    for name in figures:
        assert name.endswith("_floor") or re.search(r"_\d$", name) or f"| {name.split('/')[1]} |" in table, name
    call(evaluate.main, *words)
    second = json.loads(capsys.readouterr().out)
    assert second | {"seconds": 0} == card | {"seconds": 0}


def test_the_test_images_are_another_reference_and_the_card_lies_beside_the_checkpoint(
    short_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("val", "test"):
        call(evaluate.main, f"ckpt={short_run / 'last.ckpt'}", f"split={split}", "cas.images=0", "k=3")
    val, test = (json.loads((short_run / f"{split}.json").read_text())["figures"] for split in ("val", "test"))
    assert all(name.startswith("test_bundled_digits/") for name in test)
    for name in ("fid_digits", "recall_k3_floor", "nearest_pixels"):
        assert test[f"test_bundled_digits/{name}"] != val[f"val_bundled_digits/{name}"]
    assert not any("cas" in name for name in test)
    assert (short_run / "test.md").is_file()


def test_one_pass_serves_all_figures(short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.json'}", "cas.images=0"]
    call(evaluate.main, *words)  # what real images give is known now
    seen = []
    hook = feature.load("mnist").classifier.register_forward_hook(lambda *_: seen.append(1))
    call(evaluate.main, *words)
    hook.remove()
    assert len(seen) == 3  # a batch of the reference and of the floor, for the figures that training logged, and of fakes


def test_a_generator_without_labels_has_no_figures_of_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path}")
    call(evaluate.main, f"ckpt={tmp_path / 'last.ckpt'}")
    card = json.loads((tmp_path / "val.json").read_text())
    assert not any(re.search("agreement|cas", name) for name in card["figures"])
    assert card["images"]["cas"] == 0
    assert "val_bundled_digits/smallest_class_floor" in card["figures"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("split=train", "split must be one of val, test, got train"),
        ("cas.images=100", r"cas\.images must be 0 \(leaves cas out\) or 256 or more, got 100"),
        ("cas.epochs=0", r"cas\.epochs must be 1 or more, got 0"),
        ("k=250", "k must be from 1 to 249"),
        ("out=card.txt", r"out must end in \.json, got card\.txt"),
        ("extractor=roman", "fit one with python -m gan.metric.feature data=roman"),
    ],
)
def test_what_cannot_be_is_refused(short_run: Path, word: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        call(evaluate.main, f"ckpt={short_run / 'last.ckpt'}", word)
