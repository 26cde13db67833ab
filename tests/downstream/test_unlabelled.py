"""Classifiers of few labels and many images: what they learn from an image without a label."""

import pytest
import torch
from torch import Tensor

from gan.downstream.unlabelled import MOST, Consistency, Lesson, PseudoLabels, learn
from gan.metric.feature import Classifier


class _Sure(Classifier):
    """Sure of class 2, whatever it sees."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, torch.tensor([[0.0, 0.0, 20.0]]).expand(len(x), 3)


def _images(count: int) -> Tensor:
    x = torch.full((count, 1, 8, 8), -1.0)
    x[:, :, 2:6, 3:5] = 1
    return x


def test_pseudo_labels_are_the_classifiers_own_guesses_and_their_weight_grows() -> None:
    method, net = PseudoLabels(0), _Sure(3, 1, 8)
    early, late = (method(net, Classifier(3, 1, 8), _images(4), over) for over in (0.3, 0.9))
    assert early.y.tolist() == [2] * 4
    assert (early.weight, late.weight) == (pytest.approx(MOST / 2), MOST)


def test_consistency_learns_the_averages_guess_from_a_distorted_image() -> None:
    x = _images(8)
    lesson = Consistency(0, 3)(Classifier(3, 1, 8), _Sure(3, 1, 8).eval(), x, 0.0)
    assert lesson.y.tolist() == [2] * 8
    assert lesson.weight == 1
    assert ((lesson.x - x).abs().mean((1, 2, 3)) > 0.02).tolist() == [False, True, True, True] * 2


def _told(weight: float, unknown: bool) -> Classifier:
    """Fitted to dark images with label 0, and to others with a guess or none."""
    source = torch.Generator().manual_seed(0)

    def labelled() -> tuple[Tensor, Tensor]:
        return -torch.rand(4, 1, 8, 8, generator=source), torch.zeros(4).long()

    def others() -> tuple[Tensor, Tensor]:
        sign = torch.randint(0, 2, (8, 1, 1, 1), generator=source) * 2 - 1
        return sign * torch.rand(8, 1, 8, 8, generator=source), torch.zeros(8).long()

    def method(classifier: Classifier, average: Classifier, x: Tensor, over: float) -> Lesson:
        y = (x.mean((1, 2, 3)) > 0).long()
        return Lesson(x, torch.full_like(y, -1) if unknown else y, weight)

    return learn(iter(labelled, None), iter(others, None), method, 2, 20, 1e-2, 0, bf16=True)


def test_what_a_method_guesses_is_learned_and_an_unknown_label_is_not() -> None:
    told, bright = _told(1.0, unknown=False), torch.rand(20, 1, 8, 8)
    assert not told.training
    assert (told(bright)[1].argmax(1) == 1).all()
    assert (told(-bright)[1].argmax(1) == 0).all()
    light, heavy = _told(1.0, unknown=True), _told(3.0, unknown=True)
    assert all(torch.equal(a, b) for a, b in zip(light.parameters(), heavy.parameters(), strict=True))
