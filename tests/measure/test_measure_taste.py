"""Simulated users: what they dislike, how they mark, and what they get."""

from typing import Any

import pytest
import torch

from gan import sample
from gan.digits.taste import find_taste
from gan.error import UserError
from gan.lab import Lab
from gan.measure import report, taste


def _bar(width: int, degrees: float = 0.0) -> torch.Tensor:
    """An upright bar that leans to the right: [1, 1, 28, 28]."""
    down, right = torch.meshgrid(torch.arange(28) + 0.5, torch.arange(28) + 0.5, indexing="ij")
    away = right - 14 + (down - 14) * torch.tensor(degrees).deg2rad().tan()
    return torch.where((away.abs() < width / 2) & ((down - 14).abs() < 10), 1.0, -1.0)[None, None]


def test_users_dislike_holes_thick_strokes_and_slant() -> None:
    ring = _bar(12)
    ring[:, :, 8:20, 12:16] = -1
    assert taste.has_hole(torch.cat([ring, _bar(4)])).tolist() == [True, False]
    assert taste.is_thick(torch.cat([_bar(4), _bar(2)])).tolist() == [True, False]
    assert taste.leans(torch.cat([_bar(3, 15), _bar(3, 3), _bar(3, -15)])).tolist() == [True, False, False]


def test_a_user_marks_new_digits_in_each_run_some_of_them_wrongly(lab: Lab) -> None:
    user = taste.USERS["2s without a loop"]
    first, second = taste.mark(lab, user, 0), taste.mark(lab, user, 1)
    assert set(first.labels.tolist()) == {2}
    assert not set(first.seeds.tolist()) & set(second.seeds.tolist())
    disliked = taste.has_hole(torch.cat(list(sample.generate(lab.generator, first.seeds, first.labels))))
    assert 0 < int((first.liked == disliked).sum()) <= 6
    every = taste.mark(lab, taste.User(tuple(range(10)), taste.is_thick), 0)
    assert every.labels.bincount().tolist() == [5] * 10


def test_at_least_three_tenths_of_the_digits_are_disliked(lab: Lab) -> None:
    for user in taste.USERS.values():
        seeds = torch.arange(400) + taste.UNSEEN
        y = torch.tensor(user.labels)[torch.arange(400) % len(user.labels)]
        assert user.dislikes(torch.cat(list(sample.generate(lab.generator, seeds, y)))).float().mean() > 0.3


def test_a_perfect_choice_leaves_nothing_that_is_disliked_and_other_digits(lab: Lab) -> None:
    labels = torch.tensor([2, 7] * 20)
    scale = taste.Scale(torch.rand(40, 1, 28, 28), labels, 64)
    x = taste.choose_perfectly(lab, taste.USERS["2s without a loop"], scale)
    assert not taste.has_hole(x[labels == 2]).any()
    plain = scale.draw(lab)
    assert taste.has_hole(plain[labels == 2]).any()
    assert torch.equal(x[labels == 7], plain[labels == 7])
    assert scale.fid(plain) == pytest.approx(scale.fid(plain.clone()))


@pytest.mark.slow
def test_a_user_gets_digits_and_a_generator_unless_it_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taste, "SETTINGS", ["digits=300", "test_digits=300", "steps=20"])
    monkeypatch.setattr(taste, "JUDGED", 300)
    assert lab.reader is not None
    learner, user = find_taste(lab.generator, lab.reader), taste.USERS["thin 7s"]
    scale = taste.Scale(torch.rand(200, 1, 28, 28), torch.arange(200) % 10, 64)
    found = taste.measure_user(lab, learner, user, 0, scale)
    assert found["before"]["digits"] == 300
    assert found["chosen"]["disliked"] < found["before"]["disliked"] / 2
    assert found["after"]["disliked"] < found["before"]["disliked"]
    assert 0 < found["after"]["others moved"] < 0.1
    assert found["command"]["auc"] > 0.6
    careless = taste.User((7,), lambda x: torch.arange(len(x)) % 3 == 0)
    refused = taste.measure_user(lab, learner, careless, 1, scale)
    assert "nothing was written" in refused["command"]["refused"]
    assert "after" not in refused
    monkeypatch.setattr(taste, "SETTINGS", ["steps=0"])
    with pytest.raises(UserError, match="steps must be a whole number"):
        taste.measure_user(lab, learner, user, 0, scale)


def test_the_table_has_means_and_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(share: float, **after: Any) -> dict[str, Any]:
        kinds = {name: {"disliked": share} for name in ("before", "chosen", "nearest")}
        return kinds | ({"after": {"disliked": share / 2, **after}} if after else {})

    runs = [run(0.2, read=0.9, FID=1.5), run(0.4, read=1.0, FID=2.5), run(0.3)]
    some = {"users": {"thin digits": {"FID of a perfect choice": 1.25, "runs": runs}}, "FID": 1.0}
    (_, _, row) = report.taste_table({"taste": some}).splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "thin digits", "30.0% (40.0%)", "30.0% (40.0%)", "30.0% (40.0%)", "15.0% (20.0%)", "95.0% (90.0%)", "-",
        "1.00 (1.50)", "0.25", "1 of 3",
    ]  # fmt: skip
