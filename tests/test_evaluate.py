"""A checkpoint evaluated again has the same figures, and more of them."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import SHORT, call, complaint, pixels
from PIL import Image

from gan import evaluate, fit_classifier, generate
from gan.file import sha256
from gan.metric import feature
from train import train

ONE = ("kid_digits", "precision_k5", "recall_k5", "density_k5", "coverage_k5", "nearest_pixels", "nearest_features")
QUICK = ("cas.images=0", "c2st.images=0")
SHARES = ("copies", "duplicates", "smallest_class", "label_agreement", "cas", "label_agreement_3", "c2st", "c2st_auc")


def test_the_card_holds_the_figures_that_training_logged_and_more(
    short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.json'}"]
    words += ["cas.images=512", "cas.epochs=1", "c2st.steps=2"]
    call(evaluate.main, *words)
    said = capsys.readouterr()
    card = json.loads(said.out)
    assert re.search(r"judged    FID of bundled digits [\d.]+ \(real [\d.]+\) by the val images\n", said.err)
    assert said.err.endswith(f"x.json; what they mean: {tmp_path / 'x.md'}\n")
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
    sizes = {"judged": 250, "reference": 250, "training": 1500}
    assert card["images"] == sizes | {"planted": 100, "cas": 512, "c2st": 747}
    assert card["k"] == 5
    assert card["ckpt_sha256"] == sha256(short_run / "last.ckpt")
    assert card["extractor"]["sha256"] == sha256(feature.WEIGHTS / "mnist.safetensors")
    assert set(card["versions"]) == {"torch", "torchvision", "lightning", "torchmetrics"}
    table = (tmp_path / "x.md").read_text()
    for name in figures:
        assert name.endswith("_floor") or re.search(r"_\d$", name) or f"| {name.split('/')[1]} |" in table, name
    assert card["c2st"]["error"] == pytest.approx(0.5 / 747**0.5)
    for name in ("most_fake", "most_real"):
        assert pixels(tmp_path / f"x_{name}.png").shape == (968, 968)
        assert f"![x_{name}.png](x_{name}.png)" in table
    assert pixels(tmp_path / "x_grey_levels.png").shape == (495, 880, 4)
    call(evaluate.main, *words)
    second = json.loads(capsys.readouterr().out)
    assert second | {"seconds": 0} == card | {"seconds": 0}


@pytest.mark.slow
def test_the_test_images_are_another_reference_and_the_card_lies_beside_the_checkpoint(
    short_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("val", "test"):
        call(evaluate.main, f"ckpt={short_run / 'last.ckpt'}", f"split={split}", *QUICK, "k=3")
    cards = {split: json.loads((short_run / f"{split}.json").read_text()) for split in ("val", "test")}
    val, test = (cards[split]["figures"] for split in ("val", "test"))
    assert all(name.startswith("test_bundled_digits/") for name in test)
    for name in ("fid_digits", "recall_k3_floor", "nearest_pixels"):
        assert test[f"test_bundled_digits/{name}"] != val[f"val_bundled_digits/{name}"]
    assert not any("cas" in name for name in test)
    assert cards["val"]["chooser"] == cards["val"]["extractor"] == cards["test"]["chooser"]
    assert cards["test"]["extractor"]["sha256"] == sha256(feature.WEIGHTS / "mnist_second.safetensors")
    both = {name for name in test if f"{name}_chooser" in test}
    tests = {f"test_bundled_digits/{name}" for name in ("fid_digits", "is_digits", "label_agreement", *ONE)}
    assert tests - both == {"test_bundled_digits/nearest_pixels"} | {name for name in tests if "_k5" in name}
    for name in ("fid_digits", "is_digits", "kid_digits", "nearest_features"):  # noise has no recall by either
        assert test[f"test_bundled_digits/{name}"] != test[f"test_bundled_digits/{name}_chooser"]
    assert all(f"{name}_chooser_floor" in test for name in both)
    table = (short_run / "test.md").read_text()
    assert "| figure | value | floor | by the chooser | floor | what it is |" in table
    assert "The chooser, which chose the checkpoint, is mnist (" in table


def test_one_pass_serves_all_figures(short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.json'}", *QUICK]
    (tmp_path / "x_most_fake.png").touch()
    call(evaluate.main, *words, "overwrite=true")  # what real images give is known now
    assert not (tmp_path / "x_most_fake.png").exists()  # it is not of this card
    seen = []
    hook = feature.load("mnist").classifier.register_forward_hook(lambda *_: seen.append(1))
    call(evaluate.main, *words)
    hook.remove()
    assert len(seen) == 3  # batches of the reference and its floor, for the logged figures, and of fakes


def test_without_a_second_classifier_a_test_card_says_who_judged(
    short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature, "second", lambda name: "nobody")
    out = tmp_path / "x.json"
    call(evaluate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={out}", "split=test", *QUICK)
    card = json.loads(out.read_text())
    assert card["chooser"] == card["extractor"]
    assert not any("chooser" in name for name in card["figures"])
    assert evaluate.ALONE in out.with_suffix(".md").read_text()
    said = " ".join(capsys.readouterr().err.split())
    assert f"{evaluate.ALONE} python -m gan.fit_classifier data=mnist second=true fits a second one" in said


def test_a_generator_without_labels_has_no_figures_of_labels(tmp_path: Path) -> None:
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path}")
    call(evaluate.main, f"ckpt={tmp_path / 'last.ckpt'}", "c2st.steps=2")
    card = json.loads((tmp_path / "val.json").read_text())
    assert not any(re.search("agreement|cas", name) for name in card["figures"])
    assert card["images"]["cas"] == 0
    assert "val_bundled_digits/smallest_class_floor" in card["figures"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("split=train", "split must be one of val, test, got train"),
        ("cas.images=100", r"cas\.images must be a whole number from 256 to 1,000,000, got 100"),
        ("c2st.images=19", r"c2st\.images must be a whole number from 20 to 1,000,000, got 19"),
        ("c2st.steps=0", r"c2st\.steps must be a whole number from 1 to 1,000,000, got 0"),
        ("cas.epochs=0", r"cas\.epochs must be a whole number from 1 to 1,000, got 0"),
        ("k=250", "k must be a whole number from 1 to 249"),
        ("out=card.txt", r"out must end in \.json, got card\.txt"),
        ("extractor=roman", "fit one with python -m gan.fit_classifier data=roman"),
    ],
)
def test_what_cannot_be_is_refused(short_run: Path, word: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        call(evaluate.main, f"ckpt={short_run / 'last.ckpt'}", word)


@pytest.fixture(scope="module")
def colour_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on a folder of three classes in colour, ``set`` beside it."""
    root, source = tmp_path_factory.mktemp("colour"), np.random.default_rng(0)
    for y in range(3):
        (root / "set" / str(y)).mkdir(parents=True)
        for i in range(30):
            picture = np.clip(source.normal((90 * y, 200 - 90 * y, 40), 20, (20, 20, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(root / "set" / str(y) / f"{i}.png")
    words = ["data=folder", f"data.root={root / 'set'}", "data.channels=3", "data.size=32"]
    call(fit_classifier.main, *words, "epochs=1", "least_steps=20")  # a training would take 400 steps
    call(train, *words, *SHORT[1:], "batch_size=16", f"run_dir={root / 'run'}", "callback.doctor.patience_images=0")
    return root


@pytest.mark.slow
def test_colour_and_three_classes_are_judged_examined_and_generated(
    colour_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ckpt = colour_run / "run" / "last.ckpt"
    monkeypatch.setenv("GAN_DATA", "/nowhere")  # where data sets are, not a folder of one's own
    words = [f"ckpt={ckpt}", f"out={tmp_path / 'x.json'}", "cas.images=256", "cas.epochs=1", "c2st.steps=2"]
    assert f"type the folder of its data again: data.root={colour_run / 'set'}" in complaint(evaluate.main, *words)
    call(evaluate.main, *words, f"data.root={colour_run / 'set'}")
    card = json.loads(capsys.readouterr().out)
    names = {name.partition("/")[2] for name in card["figures"]}
    assert {"fid_digits", "is_digits", "class_share_2", "cas", "copies", "precision_k5"} <= names
    assert "class_share_3" not in names
    assert card["extractor"]["name"] == f"{colour_run / 'set'}/classifier"
    assert json.loads((colour_run / "run" / "result.json").read_text())["findings"] is not None
    assert pixels(next((colour_run / "run" / "grids").iterdir())).shape == (8 * 34 + 2, 3 * 34 + 2, 3)
    call(generate.main, f"ckpt={ckpt}", "n=6", f"out={tmp_path / 'x.npz'}")
    with np.load(tmp_path / "x.npz") as made:
        assert made["images"].shape == (6, 32, 32, 3)
        assert made["labels"].tolist() == [0, 1, 2] * 2
    call(generate.main, f"ckpt={ckpt}", "n=6", "look.height=32", f"out={tmp_path / 'x.png'}")
    assert pixels(tmp_path / "x.png").shape == (2 * 34 + 2, 3 * 34 + 2, 3)


@pytest.mark.slow
def test_data_and_its_classifier_may_have_moved(colour_run: Path, tmp_path: Path) -> None:
    shutil.copytree(colour_run / "set", tmp_path / "set")
    words = [f"ckpt={colour_run / 'run' / 'last.ckpt'}", f"data.root={tmp_path / 'set'}", *QUICK]
    call(evaluate.main, *words, f"out={tmp_path / 'x.json'}")
    card = json.loads((tmp_path / "x.json").read_text())
    assert card["extractor"]["name"] == f"{tmp_path / 'set'}/classifier"
    words[1] = f"data.root={tmp_path / 'other'}"  # a place without it
    assert "other" in complaint(evaluate.main, *words)


def test_a_classifier_of_other_images_is_refused(colour_run: Path) -> None:
    words = [f"ckpt={colour_run / 'run' / 'last.ckpt'}", f"data.root={colour_run / 'set'}", "extractor=mnist"]
    assert "classifier reads images of 1x28x28, not 3x32x32: choose that" in complaint(evaluate.main, *words)
