"""Texts: validated ones, and random ones that follow a pattern and a seed."""

import re
from datetime import datetime

import pytest

from gan.digits import pattern


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12a", "cannot draw a: a line has digits, "),
        ("", "text is empty"),
        ("  ", "text is empty"),
        ("1" * 1_000_000, "text has 1,000,000 characters; a line has 1,000 at most"),
        ("\u0661", "cannot draw \u0661"),
    ],
)
def test_what_cannot_be_written_is_one_line(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        pattern.validate_text(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "form"),
    [
        (r"\d{5}", r"\d{5}"),
        ("date", r"\d{4}-\d\d-\d\d"),
        ("phone", r"\+\d\d \(\d{3}\) \d{3}-\d{4}"),
        ("time", r"\d\d:\d\d"),
        ("amount", r"\d{1,3},\d{3}\.\d\d"),
        ("amount $", r"\$\d{1,3},\d{3}\.\d\d"),
        ("amount €", r"\d{1,3}\.\d{3},\d\d €"),
        (r"[1-9]\d?/\d{2}", r"[1-9]\d?/\d\d"),
    ],
)
def test_texts_follow_their_pattern_and_their_seed(asked: str, form: str) -> None:
    found = pattern.random_texts(asked, 50, 3)
    assert all(re.fullmatch(form, text) for text in found)
    assert len(set(found)) > 20
    assert found == pattern.random_texts(asked, 50, 3) != pattern.random_texts(asked, 50, 4)


def test_dates_are_dates_in_the_form_that_is_asked() -> None:
    for text in pattern.random_texts("date %d.%m.%Y", 50, 0):
        assert 1900 <= datetime.strptime(text, "%d.%m.%Y").year <= 2100


@pytest.mark.parametrize(
    "asked",
    [
        r"\d{5", "[a-z]{3}", r"\d{1000000}", "date %B", "(?<=1)2(3", "",
        r"(\d)(?!.*)\1", r"(1|11)+2(?<!2)", r"((((\d*)*)*)*)*",
        r"\d{200}", r"\d++", "1(?=2)2", r"(1)?(?(1)2|3)", r"(1)|(2)\1",
    ],
)  # fmt: skip
def test_an_impossible_pattern_is_one_line(asked: str) -> None:
    with pytest.raises(ValueError, match=r"^(pattern|text)[^\n]*$"):
        pattern.random_texts(asked, 200, 0)


def test_texts_are_split_as_asked_and_none_is_in_both_parts() -> None:
    texts = pattern.random_texts("time", 1_000, 0)
    train, test = pattern.split_texts(texts, 0.1)
    assert (len(train), len(test)) == (900, 100)
    assert not set(train) & set(test)
    assert sorted(train + test) == sorted(texts)
    assert pattern.split_texts(texts, 0.1) == (train, test)
    assert pattern.split_texts(["12", "21", "22", "11"], 0.5) == (["12", "21"], ["22", "11"])


@pytest.mark.parametrize("texts", [["12"] * 10, ["1", "2"] * 5, ["1", "2", "3", "4"]])
def test_no_character_is_left_for_the_test_set_alone(texts: list[str]) -> None:
    assert pattern.split_texts(texts, 0.3) == (texts[: -round(0.3 * len(texts))], texts[-round(0.3 * len(texts)) :])


@pytest.mark.parametrize(("count", "share"), [(1, 0.5), (4, 0.1), (9, 0.95)])
def test_a_part_without_lines_is_refused(count: int, share: float) -> None:
    with pytest.raises(ValueError, match=rf"^split={share:g} of {count} lines leaves train or test empty"):
        pattern.split_texts(["12"] * count, share)
