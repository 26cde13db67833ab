"""Feedback files: marks of digits, which may come from a stranger."""

import json
from pathlib import Path
from typing import Any

import pytest

from gan.digits.feedback import MOST, load_feedback
from gan.error import UserError

ABOUT = "a" * 64
NAMES = ("zero", "one", "6")
MARK = {"seed": 17, "label": "6", "liked": False}


def _written(folder: Path, marks: Any, generator: Any = ABOUT) -> Path:
    path = folder / "feedback.json"
    path.write_text(json.dumps({"generator": generator, "marks": marks}))
    return path


def test_marks_are_seeds_labels_and_likes(tmp_path: Path) -> None:
    path = _written(tmp_path, [MARK, {"seed": 2**32 - 1, "label": "zero", "liked": True}])
    found = load_feedback(path, NAMES, ABOUT)
    assert (found.seeds.tolist(), found.labels.tolist(), found.liked.tolist()) == (
        [17, 2**32 - 1],
        [2, 0],
        [False, True],
    )
    assert found.repeated == 0
    assert found.of(found.liked).seeds.tolist() == [2**32 - 1]


def test_of_a_digit_that_is_marked_twice_the_last_mark_counts(tmp_path: Path) -> None:
    other = {"seed": 17, "label": "one", "liked": False}
    found = load_feedback(
        _written(tmp_path, [MARK, other, MARK | {"liked": True}, MARK | {"liked": True}]), NAMES, ABOUT
    )
    assert (found.labels.tolist(), found.liked.tolist(), found.repeated) == ([2, 1], [True, False], 2)


def test_a_file_without_marks_is_read(tmp_path: Path) -> None:
    assert len(load_feedback(_written(tmp_path, []), NAMES, ABOUT).seeds) == 0


@pytest.mark.parametrize(
    ("marks", "generator", "expected"),
    [
        ([MARK], "b" * 64, "it is about the generator bbbbbbbbbbbbbbbb.*, not aaaaaaaaaaaaaaaa: choose its ckpt"),
        ([MARK], 7, "it has no generator or no list of marks"),
        ({}, ABOUT, "it has no generator or no list of marks"),
        ([MARK, 3], ABOUT, "mark 2 is not as {seed: 17, label: 6, liked: false}"),
        ([MARK | {"more": 1}], ABOUT, "mark 1 is not as"),
        ([MARK | {"liked": 1}], ABOUT, "mark 1 is not as"),
        ([MARK | {"seed": -1}], ABOUT, "mark 1 has the seed -1: seeds are 0 to 4,294,967,295"),
        ([MARK | {"seed": 2**32}], ABOUT, "mark 1 has the seed 4294967296: seeds are"),
        ([MARK | {"seed": True}], ABOUT, "mark 1 has the seed True: seeds are"),
        ([MARK | {"seed": 1.5}], ABOUT, "mark 1 has the seed 1.5: seeds are"),
        ([MARK | {"label": 6}], ABOUT, "mark 1 has the label 6: the classes are zero, one, 6"),
        ([MARK | {"label": "\x1b[31m" * 9}], ABOUT, r"mark 1 has the label \?\[31m.{15}\.\.\.: the classes are"),
        ([MARK | {"label": ["6"]}], ABOUT, "mark 1 has the label .* the classes are"),
        ([MARK] * (MOST + 1), ABOUT, "it has 1,001 marks, and 1,000 are allowed"),
    ],
)
def test_what_is_no_mark_is_one_line(marks: Any, generator: Any, expected: str, tmp_path: Path) -> None:
    path = _written(tmp_path, marks, generator)
    with pytest.raises(UserError, match=rf"^feedback: {path} is not used: {expected}") as caught:
        load_feedback(path, NAMES, ABOUT)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("contents", ["", "[1]", "\xff", "[" * 100_000, '{"generator": 1e999, "marks": {"a": NaN}}'])
def test_a_damaged_file_is_one_line(contents: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(contents, encoding="latin-1")
    with pytest.raises(UserError, match=r"^feedback: .*x\.json is not used: "):
        load_feedback(tmp_path / "x.json", NAMES, ABOUT)
    with pytest.raises(FileNotFoundError, match=r"^feedback: .* is no file: give the feedback\.json"):
        load_feedback(tmp_path, NAMES, ABOUT)
