"""A taste: what it learns from marks, and the nearest digits that it likes."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from gan import sample
from gan.digits import taste
from gan.digits.feedback import Feedback
from gan.digits.taste import BIAS, PRIOR, SHARED, Critic, Taste, cross_validate, deal, find_taste
from gan.lab import Lab


class Plain(NamedTuple):
    """Marks of digits whose view is given: two classes; pixels do not count."""

    taste: Taste
    x: Tensor
    view: Tensor
    shares: Tensor
    opinion: Tensor


@pytest.fixture
def plain() -> Plain:
    view, y = torch.randn(30, 3), torch.arange(30) % 2
    opinion = torch.where(view[:, 0] > 0.2, 1.0, -1.0)
    opinion[20:] = 0
    learner = Taste(torch.zeros(2, 7), torch.eye(7)[:, 4:], torch.randn(2, 5, 3))
    return Plain(learner, torch.randn(30, 1, 2, 2), view, torch.eye(2)[y], opinion)


def _of(plain: Plain) -> tuple[Tensor, Tensor]:
    found: tuple[Tensor, Tensor] = plain.taste(plain.x, plain.view, plain.shares, plain.opinion)
    return found


def test_a_taste_is_the_logistic_regression_that_it_claims_to_be(plain: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = torch.cat([plain.view, torch.full((30, 1), BIAS**0.5)], 1)
    own = (plain.shares[:, :, None] * wide[:, None] * (1 - SHARED) ** 0.5).flatten(1)
    design = torch.cat([wide * SHARED**0.5, own], 1)
    weight = torch.zeros(design.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-12)

    def loss() -> Tensor:
        optimizer.zero_grad()
        margins = plain.opinion[:20] * (design[:20] @ weight)
        value: Tensor = torch.nn.functional.softplus(-margins).sum() + PRIOR / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[arg-type]
    torch.testing.assert_close(_of(plain)[0], (design @ weight).sigmoid().detach(), rtol=0, atol=0.02)
    monkeypatch.setattr(taste, "ITERATIONS", 400)
    torch.testing.assert_close(_of(plain)[0], (design @ weight).sigmoid().detach(), rtol=0, atol=1e-4)


def test_its_direction_is_the_gradient_by_a_linear_view(plain: Plain) -> None:
    z = torch.zeros(30, 5, requires_grad=True)
    view = plain.view.clone()
    unmarked = (plain.shares @ plain.taste.slope.flatten(1)).unflatten(1, (5, 3))
    view[20:] = view[20:] + (z[:, None] @ unmarked).squeeze(1)[20:]
    chance, step = _of(plain._replace(view=view))
    (slope,) = torch.autograd.grad(torch.logit(chance[20:]).sum(), z)
    torch.testing.assert_close(step[20:], slope[20:] / slope[20:].norm(dim=1, keepdim=True), rtol=0, atol=1e-4)


def test_it_does_not_depend_on_the_order_of_digits_or_on_unmarked_ones(plain: Plain) -> None:
    order = torch.randperm(30)
    shuffled = Plain(plain.taste, *(part[order] for part in plain[1:]))
    fewer = Plain(plain.taste, *(part[:25] for part in plain[1:]))
    for found, others, rows in ((_of(plain), _of(shuffled), order), (_of(plain), _of(fewer), torch.arange(25))):
        for one, other in zip(found, others, strict=True):
            torch.testing.assert_close(one[rows], other, rtol=0, atol=1e-5)


def test_without_marks_all_is_even(plain: Plain) -> None:
    chance, step = _of(plain._replace(opinion=torch.zeros(30)))
    assert chance.unique().tolist() == [0.5]
    assert step.count_nonzero() == 0


def test_marks_are_dealt_evenly() -> None:
    liked = torch.tensor([True] * 7 + [False] * 5)
    hands = deal(liked, 4)
    for i in range(4):
        assert int((hands == i).sum()) == 3
        assert int((liked & (hands == i)).sum()) in (1, 2)


@pytest.fixture(scope="module")
def learner(lab: Lab) -> Taste:
    assert lab.reader is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taste, "SAMPLES", 3000)
        return find_taste(lab.generator, lab.reader)


def _critic(lab: Lab, learner: Taste, is_random: bool = False) -> Critic:
    """Somebody who likes 7s with little ink."""
    seeds, y = torch.arange(60), torch.full((60,), 7)
    ink = torch.cat(list(sample.generate(lab.generator, seeds, y))).mean((1, 2, 3))
    liked = ink < ink.median()
    assert lab.reader is not None
    return Critic(
        lab.generator, lab.reader, learner, Feedback(seeds, y, liked[torch.randperm(60)] if is_random else liked)
    )


def test_the_view_is_centred_by_class_and_has_unit_length(lab: Lab, learner: Taste) -> None:
    assert lab.reader is not None
    seeds = torch.arange(2000)
    y = seeds % 10
    x = torch.cat(list(sample.generate(lab.generator, seeds, y)))
    features = torch.cat([lab.reader(some)[0] for some in x.split(500)])
    view = (taste.see(x, features) - learner.mean[y]) @ learner.components
    assert view.square().sum(1).mean().item() == pytest.approx(1, abs=0.05)
    assert view[y == 3].mean(0).norm().item() < 0.15
    linear = (sample.latents(seeds, 64)[:, None] @ learner.slope[y]).squeeze(1)
    assert 0.4 < 1 - ((view - linear).square().sum() / view.square().sum()).item() < 0.8


def test_the_nearest_liked_digits_are_liked_and_those_that_are_stay(lab: Lab, learner: Taste) -> None:
    critic = _critic(lab, learner)
    y, z = torch.full((100,), 7), sample.latents(torch.arange(100) + 5000, 64)
    before = critic.draw(z, y)
    opinion, better = critic.judge(before, y), critic.improve(z, y)
    accepted = opinion.accepts(taste.SURE)
    assert 5 < int(accepted.sum()) < 60
    assert torch.equal(better.z[accepted], z[accepted])
    assert torch.equal(better.x[accepted], before[accepted])
    assert better.accepted.float().mean() > 0.9
    assert torch.equal(critic.judge(better.x, y).accepts(taste.SURE), better.accepted)
    torch.testing.assert_close(critic.draw(better.z, y), better.x, rtol=0, atol=1e-5)
    far = (better.z - z).norm(dim=1) / taste.STEP
    torch.testing.assert_close(far, far.round(), rtol=0, atol=1e-3)
    assert better.x.mean() < before.mean() - 0.01
    sooner = critic.improve(z, y, 0.6)
    assert (sooner.z - z).norm(dim=1).mean() < (better.z - z).norm(dim=1).mean()


def test_a_taste_is_told_from_marks_at_random(lab: Lab, learner: Taste) -> None:
    assert cross_validate(_critic(lab, learner)) > 0.85
    assert 0.3 < cross_validate(_critic(lab, learner, is_random=True)) < 0.7


def test_no_digits_have_no_opinion(lab: Lab, learner: Taste) -> None:
    opinion = _critic(lab, learner).judge(torch.empty(0, 1, 28, 28), torch.empty(0, dtype=torch.long))
    assert len(opinion.liking) == len(opinion.step) == len(opinion.is_read) == 0
