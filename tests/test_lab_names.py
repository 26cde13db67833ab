"""Classes by name: what is drawn is what was asked for, whatever the order of the labels."""

from pathlib import Path

import pytest
import torch
from conftest import renamed

import gan
from gan.digits import style
from gan.digits.style import Axes
from gan.error import UserError
from gan.lab import Lab
from gan.names import WORDS

SORTED = {word: WORDS.index(word) for word in sorted(WORDS)}  # as folders called so are read
BANGLA = {chr(0x9E6 + value): value for value in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style.find_axes, "__defaults__", (200,))


@pytest.mark.parametrize("names", [SORTED, BANGLA], ids=["words", "Bangla"])
def test_a_line_is_the_same_whatever_its_classes_are_called_and_in_which_order(
    names: dict[str, int], lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = list(names.values())
    axes = Axes(*(part[order] for part in vars(lab.axes).values()))
    monkeypatch.setattr(style, "load_axes", lambda *_: axes)
    other = gan.load(renamed(tmp_path, names))
    line, expected = other.line("2026-11-22 3456789", seed=3), lab.line("2026-11-22 3456789", seed=3)
    assert (line.image - expected.image).abs().max() < 0.05  # means over the classes round in another order
    assert (line.unread, line.text) == (0, "2026-11-22 3456789")


def test_a_label_is_a_name_or_a_digit_and_never_a_place_in_the_list(lab: Lab, tmp_path: Path) -> None:
    words, few = gan.load(renamed(tmp_path, SORTED)), gan.load(renamed(tmp_path, {"1": 1, "3": 3, "7": 7}))
    expected = lab.sample(1, label=7).images
    for other, asked in ((words, "seven"), (words, 7), (words, "SEVEN"), (words, "7"), (few, 7), (few, "seven")):
        assert torch.equal(other.sample(1, label=asked).images, expected)
    assert torch.equal(few.sample(1, label=1).images, lab.sample(1, label=1).images)
    assert few.sample(1, label=torch.tensor(3)).labels.tolist() == [1]  # type: ignore[arg-type]
    assert words.morph(["three", 8], frames=2).text["Title"].endswith(": three, eight")
    about = words.sample(1, label=7)[0].text
    assert (about["Label"], about["Title"]) == ("seven", "The handwritten digit seven")
    for asked in (0, 2, "cat", True, 1.0):
        with pytest.raises(UserError, match=r"there is no such class; the classes are 1, 3, 7$"):
            few.sample(1, label=asked)  # type: ignore[arg-type]


def test_a_line_needs_the_digits_that_are_in_it_and_no_others(tmp_path: Path) -> None:
    few = gan.load(renamed(tmp_path, {"1": 1, "3": 3, "7": 7}))
    assert few.line("1-3-7").unread == 0
    with pytest.raises(UserError, match=r"^text: this generator has no class for 0 2; its classes are 1, 3, 7: "):
        few.lines(["13", "2037"])
    letters = gan.load(renamed(tmp_path, {"A": 4, "B": 8, "O": 0}))
    with pytest.raises(UserError, match="no class for 8; its classes are A, B, O"):
        letters.line("8")
    with pytest.raises(UserError, match="no class for 7"):  # which of the two is meant is unknown
        gan.load(renamed(tmp_path, {"7": 7, "seven": 1})).line("7")


def test_digits_of_another_script_in_a_text_are_explained(lab: Lab) -> None:
    for text in ("২০২৬", "٢", "1²"):
        with pytest.raises(UserError, match="write digits as 0 to 9"):
            lab.line(text)


def test_the_classifier_reads_in_the_order_of_the_labels(tmp_path: Path, lab: Lab) -> None:
    for names in (SORTED, BANGLA, {"7": 7, "one": 1}):
        other = gan.load(renamed(tmp_path, names))
        digits = other.sample(60, certain=True)
        assert digits.unread == 0
        assert other.reader is not None
        assert other.reader(digits.images)[1].argmax(1).tolist() == digits.labels.tolist()
    few = gan.load(renamed(tmp_path, {"1": 1, "3": 3, "7": 7}))
    assert few.reader is not None
    eights = lab.sample(5, label=8).images
    assert (few.reader(eights)[1].argmax(1) >= 3).all()  # none of its classes: misread


def test_a_classifier_of_other_classes_is_refused(tmp_path: Path) -> None:
    letters = gan.load(renamed(tmp_path, {"A": 4, "B": 8, "1": 1}))
    with pytest.raises(UserError, match=r"^reader: the classifier mnist reads 0, 1, .*, and not A, B: choose"):
        letters.sample(3, certain=True)
    assert len(letters.sample(3)) == 3


def test_holes_are_known_of_digits_alone_whatever_else_there_is(tmp_path: Path) -> None:
    words, mixed = gan.load(renamed(tmp_path, SORTED)), gan.load(renamed(tmp_path, {"A": 4, "8": 8}), reader="none")
    assert words.sample(30, clean=True).unread == 0
    assert mixed.sample(5, label=8, clean=True).unread == 0
    for ask, who in (
        (lambda: mixed.sample(2, preset="accessible", certain=False), "A"),
        (lambda: gan.load(renamed(tmp_path, {"৭": 7})).line("7", clean=True), "৭"),
    ):
        with pytest.raises(UserError, match=rf"^clean knows the holes of the digits 0 to 9, not those of {who}: "):
            ask()


def test_a_picture_of_a_class_that_is_lacking_is_no_hand(lab: Lab, tmp_path: Path) -> None:
    lab.sample(1, label=8)[0].save(tmp_path / "eight.png")
    few = gan.load(renamed(tmp_path, {"1": 1, "3": 3, "7": 7}))
    with pytest.raises(UserError, match=r"^like: the picture reads as none of .* which are 1, 3, 7: give label="):
        few.like(tmp_path / "eight.png")


def test_the_shipped_generator_has_the_ten_digits(lab: Lab) -> None:
    assert lab.names == tuple("0123456789")
