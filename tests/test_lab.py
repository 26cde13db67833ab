"""The lab in Python: what it gives, what it shows, what it refuses."""

import inspect
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHORT, call
from torch.nn.functional import pad

import gan
from gan.digits import attribute, invert, style
from gan.digits.line import Line
from gan.digits.preset import CERTAIN
from gan.error import UserError
from gan.file import CACHE
from gan.lab import Lab


def test_another_default_type_of_torch_draws_the_same_digits() -> None:
    digits = gan.load().sample(3)
    torch.set_default_dtype(torch.float64)
    try:
        again = gan.load().sample(3)
    finally:
        torch.set_default_dtype(torch.float32)
    assert (digits.images - again.images).abs().max() < 1e-4


def test_a_path_may_begin_at_home(short_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(short_run))
    assert gan.load("~/best.ckpt").provenance["sha256"] == gan.load(short_run / "best.ckpt").provenance["sha256"]


def test_an_empty_name_of_a_cache_is_none(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    monkeypatch.setattr(style, "load_axes", lambda generator, folder: folders.append(folder))
    monkeypatch.setenv("GAN_CACHE", "")
    assert (gan.load().axes, folders) == (None, [Path(CACHE).expanduser()])


def test_a_style_is_measured_in_what_is_drawn(lab: Lab) -> None:
    plain, thick = (lab.sample(40, style=asked) for asked in (None, {"thickness": 2}))
    assert attribute.measure(thick.images)[:, 0].mean() > attribute.measure(plain.images)[:, 0].mean() + 1


def test_certain_digits_are_certain(lab: Lab) -> None:
    assert lab.reader is not None
    digits = lab.sample(300, certain=True)
    assert (digits.read is not None, digits.unread) == (True, 0)
    chance = lab.reader(digits.images)[1].softmax(1)[torch.arange(300), digits.labels]
    before = lab.reader(lab.sample(300).images)[1].softmax(1)[torch.arange(300), digits.labels]
    assert (before < CERTAIN).any()
    assert (chance >= CERTAIN - 1e-4).all()  # batches of other sizes round otherwise
    kept = before >= CERTAIN
    assert (digits.images - lab.sample(300).images)[kept].abs().max() < 0.02  # who was certain stays


def test_a_preset_is_all_of_it_and_a_look_the_look_alone(lab: Lab) -> None:
    whole, look = lab.sample(10, preset="accessible"), lab.sample(10, look="accessible")
    assert (whole.look, whole.unread, look.read) == (look.look, 0, None)
    assert torch.equal(look.images, lab.sample(10).images)
    style = {"thickness": 0.5}
    expected = lab.sample(10, style=style, certain=True, look="accessible", truncation=0.5, clean=True)
    assert torch.equal(whole.images, expected.images)
    line = lab.line("2026", preset="accessible")
    expected_line = lab.line("2026", style=style, certainty=CERTAIN, truncation=0.5, clean=True, look="accessible")
    assert torch.equal(line.image, expected_line.image)
    assert line.look == line.picture().look == whole.look != line.picture("sunset").look
    assert torch.equal(lab.line("2026", look="accessible").image, lab.line("2026").image)


def test_digits_that_stay_uncertain_are_counted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.digits.line.ATTEMPTS", 1)
    digits = lab.sample(300, certain=True)
    assert lab.reader is not None
    chance = lab.reader(digits.images)[1].softmax(1)[torch.arange(300), digits.labels]
    assert digits.read is not None
    assert digits.unread == (~digits.read).sum() > 0
    assert (chance[digits.read].min(), -chance[~digits.read].max()) >= (CERTAIN - 1e-4, -CERTAIN - 1e-4)


def test_nothing_is_certain_where_nothing_reads() -> None:
    lab = gan.load(reader="none")
    for ask in (lambda: lab.sample(2, certain=True), lambda: lab.line("1", certainty=0.5)):
        with pytest.raises(ValueError, match=r"^nothing reads these digits, so that none is certain"):
            ask()
    assert lab.sample(2).unread == 0


def test_where_nothing_reads_a_picture_needs_its_label(tmp_path: Path) -> None:
    lab = gan.load(reader="none")
    lab.sample(1, label=4).save(tmp_path / "mine.png")
    with pytest.raises(ValueError, match=r"^no classifier tells which digit the picture shows: give label="):
        lab.like(tmp_path / "mine.png")
    assert lab.like(tmp_path / "mine.png", 4).label == 4


def test_a_pen_takes_its_style_as_a_dict_and_refuses_another(lab: Lab) -> None:
    asked = {"slant": 1.0}
    (line,) = lab.pen(style=asked).write(["12"])
    assert torch.equal(line.image, lab.line("12", style=asked).image)
    with pytest.raises(ValueError, match="style must be a dict of thickness, slant"):
        lab.pen(style={"slnt": 1})


def test_numbers_of_numpy_and_torch_are_numbers(lab: Lab) -> None:
    digits = lab.sample(np.int64(3), label=torch.tensor(3), seed=torch.arange(9)[5])  # type: ignore[arg-type]
    assert torch.equal(digits.images, lab.sample(3, 3, 5).images)
    line = lab.line("1", seed=np.uint8(4), variation=np.float32(0.5), mixed=np.False_)  # type: ignore[arg-type]
    assert torch.equal(line.image, lab.line("1", seed=4, variation=0.5).image)
    film = lab.morph(np.array([3, 8]), digits.seeds[:2], np.int64(2), fps=torch.tensor(12.5))  # type: ignore[arg-type]
    assert (len(film.frames), film.fps) == (3, 12.5)
    assert len(lab.texts("phone", np.int64(2))) == 2  # type: ignore[arg-type]


def _slant(line: Line) -> float:
    """The mean slant of the characters of a line."""
    slants = []
    for box in line.boxes:
        character = line.image[None, :, box.y : box.y + box.height, box.x : box.x + box.width]
        slants.append(attribute.measure(pad(character, (2, 2, 2, 2), value=-1.0))[0, 1].item())
    return float(np.mean(slants))


def test_the_hand_of_a_picture_is_drawn(lab: Lab, tmp_path: Path) -> None:
    lab.sample(1, label=2, seed=8, style={"slant": 2, "thickness": 1.5})[0].save(tmp_path / "mine.png")
    mine = lab.like(tmp_path / "mine.png")
    assert mine.label == 2
    written = next(lab.lines(["0123456789"] * 3, like=mine))
    other = next(lab.lines(["0123456789"] * 3, style={"slant": -1}))
    assert _slant(written) > _slant(other) + 20


def test_several_digits_are_one_hand_their_mean(lab: Lab, tmp_path: Path) -> None:
    slants = {2: 2.0, 4: 1.0, 7: 1.5}
    for label, slant in slants.items():
        lab.sample(1, label, seed=8, style={"slant": slant}).save(tmp_path / f"{label}.png")
    digits = [lab.like(tmp_path / f"{label}.png") for label in slants]
    hand = invert.mean_hand(digits)
    assert hand.style.slant == pytest.approx(np.mean([one.style.slant for one in digits]))
    assert hand.style.slant == pytest.approx(1.5, abs=0.2)
    assert hand.z.norm() == pytest.approx(np.mean([one.z.norm() for one in digits]), rel=1e-5)
    nearness = [float(hand.z @ one.z / hand.z.norm() / one.z.norm()) for one in digits]
    assert min(nearness) > 0.3
    mixed = lab.line("0123456789", like=[str(tmp_path / "2.png"), *digits[1:]])
    assert torch.equal(mixed.image, lab.line("0123456789", like=hand).image)
    assert torch.equal(lab.line("123", like=digits[:1]).image, lab.line("123", like=digits[0]).image)
    with pytest.raises(UserError, match="like: there is no picture: give a picture of one digit, or several"):
        lab.line("1", like=[])


STYLE = "style must be a dict of thickness, slant, width, height"
LAYOUT = "layout must be a dict of height, spacing, jitter, slant, margin"
SETTINGS = "there is no such setting; there are style, mixed, variation, certainty, truncation, clean, look, preset"
FIGURES = "this generator has its test figures only"
ODD: list[tuple[str, dict[str, Any], str]] = [  # a method, its arguments, what it says
    ("sample", {"n": 0}, "n must be a whole number from 1 to 1,000,000, got 0"),
    ("sample", {"n": "3"}, "n must be a whole number from 1 to 1,000,000, got '3'"),
    ("sample", {"n": True}, "n must be a whole number from 1 to 1,000,000, got True"),
    ("sample", {"seed": np.float32(1)}, "seed must be a whole number from 0 to 4,294,967,295, got np.float32(1.0)"),
    ("sample", {"label": 10}, "label=10: there is no such class; the classes are 0, 1, 2"),
    ("sample", {"style": {"boldness": 2}}, f"{STYLE}, got {{'boldness': 2}}"),
    ("sample", {"style": 2}, f"{STYLE}, got 2"),
    ("sample", {"style": [1, 2]}, f"{STYLE}, got [1, 2]"),
    ("sample", {"style": "thick"}, f"{STYLE}, got 'thick'"),
    ("sample", {"certain": "yes"}, "certain must be True or False, got 'yes'"),
    ("sample", {"clean": "yes"}, "clean must be True or False, got 'yes'"),
    ("sample", {"truncation": 0}, "truncation must be a number from 0.01 to 1, got 0"),
    ("sample", {"look": "sunet"}, "look must be a Look or one of accessible, "),
    ("sample", {"preset": "sunet"}, "preset must be one of accessible, "),
    ("line", {"text": "x"}, "cannot draw x"),
    ("line", {"text": 12}, "text must be a string in quotes, as '2026-11-22', got 12"),
    ("line", {"text": None}, "text must be a string in quotes, as '2026-11-22', got None"),
    ("line", {"text": ["12"]}, "text must be a string in quotes, as '2026-11-22', got ['12']"),
    ("line", {"text": "1", "variation": 2}, "variation must be a number from 0 to 1, got 2"),
    ("line", {"text": "1", "truncation": 2}, "truncation must be a number from 0.01 to 1, got 2"),
    ("line", {"text": "1", "preset": "sunet"}, "preset must be one of accessible, "),
    ("line", {"text": "1", "certainty": True}, "certainty must be a number from 0 to 1, got True"),
    ("line", {"text": "1", "mixed": "perhaps"}, "mixed must be True or False, got 'perhaps'"),
    ("line", {"text": "1", "boldness": 2}, f"boldness: {SETTINGS}"),
    ("line", {"text": "1", "layout": {"heigt": 40}}, f"{LAYOUT}, got"),
    ("line", {"text": "1", "layout": 40}, f"{LAYOUT}, got 40"),
    ("line", {"text": "1", "like": 5}, "like must be the path of a picture, a result of lab.like, or a list"),
    ("line", {"text": "1", "like": [5]}, "like must be the path of a picture, a result of lab.like, or a list"),
    ("line", {"text": "1", "like": "no.png"}, "like: no.png does not exist: give a picture of one digit"),
    ("lines", {"texts": "12"}, "texts must be a list, as ['2026', '11'], got '12'"),
    ("lines", {"texts": 12}, "texts must be a list, as ['2026', '11'], got 12"),
    ("texts", {"wanted": "phone", "n": "a"}, "n must be a whole number from 1 to 1,000,000, got 'a'"),
    ("texts", {"wanted": "phone", "n": -2}, "n must be a whole number from 1 to 1,000,000, got -2"),
    ("texts", {"wanted": "phone", "n": 0}, "n must be a whole number from 1 to 1,000,000, got 0"),
    ("texts", {"wanted": 5, "n": 1}, "pattern must be a string in quotes, as 'phone', got 5"),
    ("like", {"path": "gan"}, "like: gan is a folder: give a picture of one digit"),
    ("like", {"path": "README.md"}, "like: README.md cannot be read as an image: give a picture of one digit"),
    ("morph", {"labels": [3]}, "goes through two digits or more"),
    ("morph", {"labels": [], "seeds": [1, 2]}, "goes through two digits or more: give labels=[3,8]"),
    ("morph", {"labels": [3, 11]}, "label=11: there is no such class"),
    ("morph", {"labels": [3.0, 8]}, "label=3.0: there is no such class"),
    ("morph", {"labels": 5}, "labels must be a list, as [3, 8], got 5"),
    ("morph", {"labels": "38"}, "labels must be a list, as [3, 8], got '38'"),
    ("morph", {"labels": [3, 8], "seeds": 5}, "seeds must be a list, as [0, 1], got 5"),
    ("morph", {"labels": [3, 8], "loop": "no"}, "loop must be True or False, got 'no'"),
    *(
        ("morph", {"labels": [3, 8], "frames": 2, "fps": fps}, f"fps must be a number from 1 to 240, got {fps!r}")
        for fps in ("a", 0, -1, float("nan"), True)
    ),
    ("evaluate", {"split": "nonsense"}, f"{FIGURES}: for others, gan.load a RUN/best.ckpt"),
    ("evaluate", {"split": "val"}, FIGURES),
    ("evaluate", {"foo": 1}, FIGURES),
]


@pytest.mark.parametrize(("method", "words", "expected"), ODD)
def test_what_it_cannot_do_is_one_line(lab: Lab, method: str, words: dict[str, Any], expected: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(expected)) as caught:
        getattr(lab, method)(**words)
    assert "\n" not in str(caught.value)


def test_what_it_cannot_load_or_show_is_one_line(lab: Lab, tmp_path: Path) -> None:
    line, digits = lab.line("1"), lab.sample(3)
    for ask, expected in (
        (lambda: gan.load(tmp_path / "no.ckpt"), "no.ckpt does not exist"),
        (lambda: gan.load(tmp_path), f"ckpt: {tmp_path} is a folder: give {tmp_path}/best.ckpt"),
        (lambda: gan.load(""), "ckpt must be a path, as RUN/best.ckpt, or None for the shipped generator, got ''"),
        (lambda: gan.load(5), "ckpt must be a path, as RUN/best.ckpt, or None for the shipped generator, got 5"),
        (lambda: gan.load(reader="nope"), "there is no classifier"),
        (lambda: digits.grid(0), "columns must be a whole number from 1 to 10,000, got 0"),
        (lambda: digits.grid("a"), "columns must be a whole number from 1 to 10,000, got 'a'"),
        (lambda: line.picture("sunet"), "look must be a Look or one of accessible, "),
        (
            lambda: line.picture(size=(-5, 50)),
            "(-5, 50) is no size: allowed are square, portrait, story, card, or as 640",
        ),
        (lambda: replace(line.picture(), size=(0, 0)), "(0, 0) is no size"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=re.escape(expected)) as caught:
            ask()
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_help_says_what_there_is_and_its_examples_run(
    lab: Lab, short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(short_run, "runs/mine")
    lab.sample(1, label=4)[0].save("photo.png")
    assert list(inspect.signature(gan.load).parameters) == ["ckpt", "reader"]
    monkeypatch.setattr("gan.digits.invert.STEPS", 5)
    for one in (gan.load, lab.sample, lab.line, lab.lines, lab.texts, lab.like, lab.morph, lab.evaluate):
        told = inspect.getdoc(one)
        assert told is not None
        examples = re.findall(r"^    (.*)$", told, re.MULTILINE)
        assert examples, one
        assert "aises" in told, one
        exec("\n".join(examples), {"lab": lab, "gan": gan})
    assert {"line.svg", "card.png", "sevens.png", "morph.gif", "9.png"} <= {path.name for path in tmp_path.iterdir()}


def test_a_generator_without_labels_has_styles_but_no_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from train import train

    monkeypatch.setattr(style.find_axes, "__defaults__", (200,))
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path}")
    lab = gan.load(tmp_path / "best.ckpt")
    assert lab.sample(3, style={"slant": 1}).labels.tolist() == [-1] * 3
    assert len(lab.morph([], [1, 2], frames=3).frames) == 4
    with pytest.raises(ValueError, match="text: this generator is unconditional, it has no classes"):
        lab.line("1")


def test_its_figures_are_those_of_its_card(lab: Lab, short_run: Path, tmp_path: Path) -> None:
    assert lab.evaluate() == lab.evaluate("test") == lab.provenance["test"]["figures"]
    path = tmp_path / "it's, mine" / "best.ckpt"
    path.parent.mkdir()
    shutil.copy(short_run / "best.ckpt", path)
    own = gan.load(path)
    found = own.evaluate(cas__images=0, c2st__images=0)
    assert {"val_bundled_digits/fid_digits", "val_bundled_digits/coverage_k5"} <= set(found)
    with pytest.raises(ValueError, match=r"^foo: there is no such setting"):
        own.evaluate(foo=1)
    with pytest.raises(ValueError, match=r"^split must be one of val, test, got nonsense"):
        own.evaluate("nonsense")
