"""Class names mean digits where they plainly do, and a label is asked for by its name."""

import pytest

from gan import names
from gan.error import UserError

BANGLA = "০১২৩৪৫৬৭৮৯"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 7) for name in ("7", "seven", "Seven", "৭", "٧", "७", "７")),
        *((name, None) for name in ("07", "17", "letter a", "", "²", "sevens")),
    ],
)
def test_a_name_means_a_digit_only_where_it_plainly_does(name, value):
    assert names.digit(name) == value


@pytest.mark.parametrize("found", [names.WORDS[::-1], sorted(names.WORDS), list(BANGLA[::-1])])
def test_digits_are_ordered_by_their_value(found):
    assert [names.digit(name) for name in names.in_order(found)] == list(range(10))


def test_other_names_are_ordered_by_number_or_by_name():
    assert names.in_order(["10", "9", "2"]) == ["2", "9", "10"]
    assert names.in_order(["b", "a", "1"]) == ["1", "a", "b"]


def test_a_label_is_a_name_and_not_a_position():
    assert names.find(["1", "3", "7"], 3) == 1
    assert names.find(["1", "3", "7"], "seven") == 2
    assert names.find(sorted(names.WORDS), 7) == sorted(names.WORDS).index("seven")
    assert names.find(list(BANGLA), "7") == 7
    assert names.find(["A", "a"], "a") == 1
    for asked in (0, 2, "two", "", None, True, "A"):
        with pytest.raises(UserError, match="there is no such class; the classes are 1, 3, 7"):
            names.find(["1", "3", "7"], asked)


def test_a_digit_that_two_classes_mean_is_none():
    assert names.digits(["7", "seven", "3"]) == {3: 2}
    assert names.find(["7", "seven"], "seven") == 1
    with pytest.raises(UserError):
        names.find(["৭", "seven"], 7)


def test_names_are_checked_before_they_become_folders():
    assert names.validate_names(None, 3) == ("0", "1", "2")
    assert names.validate_names([1, "seven"], 2) == ("1", "seven")
    wrong = (["a"], ["a", "a"], ["a", "../b"], ["a", "b/c"], ["a", ""], ["a", "\n"], ["a", "x" * 65], "ab", ["a", True])
    for found in (*wrong, ["a", " b"], ["a", ".b"], ["a", None], ["a", 1.5], {"a": 1, "b": 2}, 5):
        with pytest.raises(UserError, match=r"data\.names"):
            names.validate_names(found, 2)


def test_many_names_are_shortened():
    assert names.shown(names.numbered(1000)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..., 999"
