"""A generator learns what it is shown, and nothing else changes."""

import copy

import pytest
import torch

from gan import sample
from gan.digits import distil, taste
from gan.digits.distil import Lesson
from gan.digits.feedback import Feedback
from gan.digits.taste import Critic
from gan.image import to_uint8
from gan.metric.classifier import Classifier
from gan.metric.feature import Frozen
from gan.network import Generator, dcgan


@pytest.fixture
def generator() -> Generator:
    """Of random weights: three classes of 8x8 pixels."""
    made: Generator = dcgan.Generator(size=8, channels=1, classes=3, latent=4, width=4, depth=0)
    return made.requires_grad_(False).eval()


@pytest.fixture
def critic(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> Critic:
    """Likes much ink."""
    monkeypatch.setattr(taste, "SAMPLES", 300)
    reader, seeds, y = Frozen(Classifier(3, 1, 8)), torch.arange(30), torch.arange(30) % 3
    ink = torch.cat(list(sample.generate(generator, seeds, y))).mean((1, 2, 3))
    return Critic(generator, reader, taste.find_taste(generator, reader), Feedback(seeds, y, ink > ink.median()))


def test_a_lesson_changes_half_of_its_digits_and_those_of_other_classes_stay(
    critic: Critic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taste, "READ", 0.0)
    lesson = distil.teach(critic, torch.tensor([1]), 40, 7)
    assert lesson.y.tolist() == [1] * 20 + [0, 2] * 10
    assert lesson.changing.tolist() == [True] * 20 + [False] * 20
    assert torch.equal(lesson.z, sample.latents(torch.arange(40) + 7, 4))
    plain = to_uint8(critic.draw(lesson.z, lesson.y))
    assert torch.equal(lesson.images[20:], plain[20:])
    nearest = critic.improve(lesson.z[:20], lesson.y[:20], distil.ENOUGH)
    assert torch.equal(lesson.images[:20], to_uint8(nearest.x))
    assert nearest.accepted.any()
    assert not torch.equal(lesson.images[:20], plain[:20])
    every = distil.teach(critic, torch.arange(3), 9, 7)
    assert every.changing.all()
    assert every.y.tolist() == [0, 1, 2] * 3


def test_a_student_learns_its_lesson_and_the_generator_stays(generator: Generator) -> None:
    before = copy.deepcopy(generator.state_dict())
    z, y = sample.latents(torch.arange(64), 4), torch.arange(64) % 3
    plain = torch.cat(list(sample.images(generator, z, y)))
    lesson = Lesson(z, y, to_uint8(-plain), y >= 0)
    students = [copy.deepcopy(student.state_dict()) for student in distil.distil(generator, lesson, 100, 1e-2, 0)]
    assert len(students) == 100
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name])
        if "running" in name or "batches" in name:
            assert torch.equal(students[-1][name], value)
    student = copy.deepcopy(generator)
    student.load_state_dict(students[-1])
    drawn = torch.cat(list(sample.images(student, z, y)))
    assert (drawn + plain).abs().mean() < 0.5 * (2 * plain).abs().mean()
    *_, again = distil.distil(generator, lesson, 100, 1e-2, 0)
    for name, value in again.state_dict().items():
        assert torch.equal(value, students[-1][name])


def test_the_generator_itself_moves_nothing(critic: Critic) -> None:
    lesson = distil.teach(critic, torch.tensor([0]), 300, 7)
    found = distil.compare(critic, critic, critic.generator, lesson)
    assert found["before"] == found["after"]
    assert found["moved"]["changed classes"] == found["moved"]["other classes"] == 0
    assert found["before"]["frechet"] >= 0
    assert 0 <= found["before"]["liked"] <= 1
