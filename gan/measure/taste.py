"""Figures of taste: simulated users mark digits, and get digits and a generator that they like.

What a user dislikes is measured in images, which the taste does not see as such, and some marks are
wrong. The second classifier reads the digits and judges the distance: the taste does not see it.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan import sample, terminal
from gan.digits import attribute
from gan.digits.clean import count_holes
from gan.digits.feedback import Feedback
from gan.digits.taste import SURE, Critic, Taste, find_taste
from gan.error import UserError
from gan.file import write_text
from gan.image import to_float, to_uint8
from gan.lab import Lab
from gan.measure.line import load_real
from gan.measure.program import run
from gan.metric import feature
from gan.metric.frechet import frechet

MARKS, WRONG = 50, 0.05  # of a user, and the share of wrong marks
JUDGED, UNSEEN = 2_000, 10**6  # digits of a user, from a seed that nobody marks
READER = "mnist_second"
SETTINGS: list[str] = []  # of the command; tests make it short
REFUSED = "nothing was written"


class User(NamedTuple):
    """Who marks digits of ``labels``, and of images [N, 1, H, W], which [N] they dislike."""

    labels: tuple[int, ...]
    dislikes: Callable[[Tensor], Tensor]


def has_hole(x: Tensor) -> Tensor:
    """Whether ink encloses paper in images [N, 1, H, W], where ink is above half of full ink."""
    return torch.from_numpy(count_holes((x[:, 0] > 0).numpy())) > 0


def is_thick(x: Tensor) -> Tensor:
    """Whether strokes are thicker than 2.5 pixels."""
    return attribute.measure(x)[:, 0] > 2.5


def leans(x: Tensor) -> Tensor:
    """Whether digits lean to the right by more than 9 degrees."""
    return attribute.measure(x)[:, 1] > 9


USERS = {
    "2s without a loop": User((2,), has_hole),
    "thin 7s": User((7,), is_thick),
    "upright 4s": User((4,), leans),
}


class Scale:
    """The distance from real images [N, 1, H, W] of labels [N] (FID), by the second classifier."""

    def __init__(self, real: Tensor, labels: Tensor, latent: int) -> None:
        self.labels, self.z = labels, sample.latents(torch.arange(len(labels)), latent)
        self.real = self._features(real)

    def draw(self, lab: Lab) -> Tensor:
        """Images of the labels."""
        return draw(lab, self.z, self.labels)

    def fid(self, x: Tensor) -> float:
        """The FID of images of the labels."""
        return frechet(self._features(to_float(to_uint8(x))), self.real)

    def _features(self, x: Tensor) -> Tensor:
        reader = feature.load(READER)
        return torch.cat([reader(some)[0] for some in x.split(500)])


def draw(lab: Lab, z: Tensor, y: Tensor) -> Tensor:
    """Images of latents [N, D] and labels [N]."""
    return torch.cat(list(sample.images(lab.generator, z, y)))


def measure_taste(lab: Lab, count: int, root: str) -> dict[str, Any]:
    """Figures of ``count`` users of each kind, and the FID of the generator as it is."""
    assert lab.reader is not None
    real, taste, users = load_real(root), find_taste(lab.generator, lab.reader), {}
    scale = Scale(to_float(real.data[:, None]), real.targets, lab.generator.latent)
    for name, user in USERS.items():
        runs = []
        for number in range(count):
            terminal.say(f"taste: user {number + 1} of {count} who likes {name}")
            runs.append(measure_user(lab, taste, user, number, scale))
        users[name] = {"FID of a perfect choice": scale.fid(choose_perfectly(lab, user, scale)), "runs": runs}
    return {"marks": MARKS, "wrong": WRONG, "digits": JUDGED, "FID": scale.fid(scale.draw(lab)), "users": users}


def choose_perfectly(lab: Lab, user: User, scale: Scale) -> Tensor:
    """The images of a scale, where what the user dislikes is drawn again from other seeds."""
    x, y = scale.draw(lab), scale.labels
    left, turn = torch.isin(y, torch.tensor(user.labels)).nonzero().flatten(), 0
    while len(left := left[user.dislikes(x[left])]):
        turn += len(y)
        x[left] = draw(lab, sample.latents(left + turn, lab.generator.latent), y[left])
    return x


def measure_user(lab: Lab, taste: Taste, user: User, number: int, scale: Scale) -> dict[str, Any]:
    """Figures of unseen digits: as they are, ``chosen``, the ``nearest`` liked, and ``after``."""
    labels, turn = torch.tensor(user.labels), torch.arange(JUDGED)
    feedback = mark(lab, user, number)
    assert lab.reader is not None
    critic = Critic(lab.generator, lab.reader, taste, feedback)
    z, y = sample.latents(turn + UNSEEN, lab.generator.latent), labels[turn % len(labels)]
    plain, nearest = critic.draw(z, y), critic.improve(z, y)
    chosen = critic.judge(plain, y).accepts(SURE)
    found: dict[str, Any] = {
        "before": _judge(user, plain, y),
        "chosen": _judge(user, plain[chosen], y[chosen]),
        "nearest": _judge(user, nearest.x[nearest.accepted], y[nearest.accepted]),
    }
    made, told = prefer(lab, feedback)
    found["command"] = told
    if made:
        others = torch.tensor([label for label in range(lab.generator.classes) if label not in user.labels])
        found["after"] = _judge(user, draw(made, z, y), y) | {"FID": scale.fid(scale.draw(made))}
        if len(others):
            y = others[turn % len(others)]
            moved = (draw(made, z, y) - draw(lab, z, y)).abs().flatten(1).mean(1) / 2
            found["after"]["others moved"] = max(moved[y == label].mean().item() for label in others)
    return found


def _judge(user: User, x: Tensor, y: Tensor) -> dict[str, float]:
    """The shares of images that are disliked, and read as asked; and how many images there are."""
    disliked = user.dislikes(x).double().mean().item()
    return {"digits": len(x), "disliked": disliked, "read": feature.accuracy(feature.load(READER), x, y)}


def mark(lab: Lab, user: User, number: int) -> Feedback:
    """The marks of a user's run."""
    turn, labels = torch.arange(MARKS), torch.tensor(user.labels)
    seeds, y = turn + MARKS * number, labels[turn % len(labels)]
    is_wrong = torch.rand(MARKS, generator=torch.Generator().manual_seed(number)) < WRONG
    disliked = user.dislikes(torch.cat(list(sample.generate(lab.generator, seeds, y)))) ^ is_wrong
    return Feedback(seeds, y, ~disliked)


def prefer(lab: Lab, feedback: Feedback) -> tuple[Lab | None, dict[str, Any]]:
    """What ``python -m gan.prefer`` makes of marks, None if it refuses; and what it says."""
    marks = [
        {"seed": seed, "label": lab.names[label], "liked": liked}
        for seed, label, liked in zip(*(part.tolist() for part in feedback[:3]), strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "feedback.json", Path(folder) / "mine.safetensors"
        write_text(json.dumps({"generator": lab.provenance["sha256"], "marks": marks}), given)
        words = [f"feedback={given}", f"out={made}", f"ckpt={lab.ckpt or 'null'}", *SETTINGS]
        began = os.times()
        try:
            told = json.loads(run([sys.executable, "-m", "gan.prefer", *words]))
        except UserError as error:
            if REFUSED not in str(error):
                raise
            return None, {"refused": str(error).rpartition("error: ")[2]}
        ended = os.times()
        seconds = sum(ended[2:4]) - sum(began[2:4])
        return Lab(made), {"auc": told["auc"], "processor minutes": seconds / 60}
