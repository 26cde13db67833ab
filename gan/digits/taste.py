"""Taste: what somebody likes of a generator's digits, from marks, and the nearest digit they like.

A digit is seen as its coarse ink and the features of a classifier, compared with others of its
class. Logistic regression finds what liked digits have in common, from some 20 marks on. Within a
class, what is seen is nearly linear in the latent: so the taste has a direction there, along which
the first liked digit is near. The gradient of the taste through the networks would also lead to
digits that score well and look as before.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from gan import sample
from gan.digits.feedback import Feedback
from gan.metric.feature import Frozen
from gan.network import Generator

SAMPLES = 8_000  # digits that the view is measured on
FIRST_SEED = 3 * sample.SEEDS
COARSE = 14  # squares of a side, or some more
COMPONENTS = 64  # of the view
RIDGE = 20.0  # added to the sum of squares of each latent, which is several hundred
PRIOR = 0.2  # precision of the weights
BIAS = 0.3  # variance of the constant, in weights
SHARED = 2 / 3  # of a taste's variance, by all classes; the rest is each class's own
ITERATIONS = 40
SURE = 0.8  # chance of a like from which a digit is accepted
READ = 0.9  # chance of its class from which a digit is read
FOLDS = 5  # of the marks, in a test of their consistency
STEP, FARTHEST = 0.25, 4.0  # of the search in the latent, whose values have standard deviation 1


class Taste(nn.Module):
    """Learns from marked digits and judges all: the chance of a like, and where a better one lies.

    Digits are images [N, C, H, W], features [N, F] by the reader, and shares of classes [N, K].
    ``opinion`` [N] is 1 for liked digits, -1 for disliked ones, 0 for those without a mark. The
    result: chances [N], and directions of the latent, in which they grow, [N, D] of length 1.

    It is logistic regression with two Gaussian priors, on weights of all classes and of each class
    (Evgeniou & Pontil 2004, "Regularized multi-task learning"), in its dual form: a digit's kernel
    with each other one. Nesterov's method, in a fixed number of steps, makes it a program.
    """

    mean: Tensor  # [K, P], of a class
    components: Tensor  # [P, V]
    slope: Tensor  # [K, D, V], of the view by the latent

    def __init__(self, mean: Tensor, components: Tensor, slope: Tensor) -> None:
        super().__init__()
        for name, value in (("mean", mean), ("components", components), ("slope", slope)):
            self.register_buffer(name, value)

    def forward(self, x: Tensor, features: Tensor, shares: Tensor, opinion: Tensor) -> tuple[Tensor, Tensor]:
        view = (see(x, features) - shares @ self.mean) @ self.components
        alike = SHARED + (1 - SHARED) * (shares @ shares.T)
        kernel = (view @ view.T + BIAS) * alike
        alpha = _fit(kernel, opinion)
        slope = (shares @ self.slope.flatten(1)).unflatten(1, self.slope.shape[1:])
        step = (slope @ ((alike * alpha) @ view)[:, :, None]).squeeze(2)
        return (kernel @ alpha).sigmoid(), step / step.norm(dim=1, keepdim=True).clamp(min=1e-6)


def _fit(kernel: Tensor, opinion: Tensor) -> Tensor:
    """The weights w [N] of f = kernel w that minimise sum log(1 + exp(-opinion f)) + PRIOR w f / 2.

    Nesterov's method with the constant momentum of strongly convex functions (Nesterov 2004,
    section 2.2.1), for the weights' sizes; the largest sum of a row bounds the curvature.
    """
    signed = opinion[:, None] * kernel * opinion
    curvature = signed.abs().sum(1).amax(0) / 4 + PRIOR
    root = (PRIOR / curvature).sqrt()
    momentum = (1 - root) / (1 + root)
    size = before = torch.zeros_like(opinion)
    for _ in range(ITERATIONS):
        ahead = size + momentum * (size - before)
        size, before = ahead + ((-signed @ ahead).sigmoid() - PRIOR * ahead) / curvature, size
    return opinion * size


def see(x: Tensor, features: Tensor) -> Tensor:
    """What is seen of digits [N, P]: means of squares, 2x2 pixels of 28x28, and features."""
    return torch.cat([avg_pool2d(x, max(1, x.shape[-1] // COARSE)).flatten(1), features], 1)


def find_taste(generator: Generator, reader: Frozen) -> Taste:
    """Measure what is seen of a generator's digits, by a reader; takes some seconds."""
    seeds = torch.arange(max(SAMPLES, 50 * generator.classes)) + FIRST_SEED
    y, z = sample.labels(seeds, generator.classes), sample.latents(seeds, generator.latent)
    seen = torch.cat([see(x, reader(x)[0]) for x in sample.images(generator, z, y)])
    shares = torch.eye(generator.classes)[y]
    mean = shares.T @ seen / shares.sum(0)[:, None]
    apart = seen - shares @ mean
    scale = torch.cat(
        [part.square().sum(1).mean().rsqrt().expand(part.shape[1]) for part in apart.tensor_split([-reader.width], 1)]
    )
    _, axes = torch.linalg.eigh((apart * scale).T @ (apart * scale))
    components = scale[:, None] * axes[:, -COMPONENTS:]
    components = components / (apart @ components).square().sum(1).mean().sqrt()
    view, slopes = apart @ components, []
    for label in range(generator.classes):
        own = z[y == label]
        slopes.append(torch.linalg.solve(own.T @ own + RIDGE * torch.eye(z.shape[1]), own.T @ view[y == label]))
    return Taste(mean, components, torch.stack(slopes))


class Opinion(NamedTuple):
    """Of N digits: the chance of a like, the way to a better latent, and whether it is read."""

    liking: Tensor
    step: Tensor
    is_read: Tensor

    def accepts(self, chance: float) -> Tensor:
        """Which digits [N] are read as asked, and liked with a ``chance`` or more."""
        return (self.liking >= chance) & self.is_read


class Better(NamedTuple):
    """Latents [N, D], their images [N, C, H, W], and which of these are accepted [N]."""

    z: Tensor
    x: Tensor
    accepted: Tensor


class Critic:
    """A taste that has learned from ``feedback`` of a generator's digits, which it judges."""

    def __init__(self, generator: Generator, reader: Frozen, taste: Taste, feedback: Feedback) -> None:
        self.generator, self.reader, self.taste, self.feedback = generator, reader, taste, feedback
        x = self.draw(sample.latents(feedback.seeds, generator.latent), feedback.labels)
        self.marked = (x, reader(x)[0], self._shares(feedback.labels), feedback.liked * 2.0 - 1)

    def of(self, marks: Tensor) -> "Critic":
        """A critic that has learned from some of the marks, bool [M]."""
        return Critic(self.generator, self.reader, self.taste, self.feedback.of(marks))

    def draw(self, z: Tensor, y: Tensor) -> Tensor:
        """Images [N, C, H, W] of latents [N, D] and labels [N]."""
        return torch.cat(list(sample.images(self.generator, z, y)))

    def judge(self, x: Tensor, y: Tensor) -> Opinion:
        """The opinion of images [N, C, H, W] of labels [N]."""
        found = [self._judge(*some) for some in zip(x.split(500), y.split(500), strict=True)]
        return Opinion(*map(torch.cat, zip(*found, strict=True)))

    def _judge(self, x: Tensor, y: Tensor) -> Opinion:
        features, logits = self.reader(x)
        own = (x, features, self._shares(y), torch.zeros(len(x)))
        with torch.no_grad():
            found = self.taste(*(torch.cat(both) for both in zip(self.marked, own, strict=True)))
        liking, step = (value[len(self.marked[0]) :] for value in found)
        return Opinion(liking, step, logits.softmax(1)[torch.arange(len(x)), y] >= READ)

    def _shares(self, y: Tensor) -> Tensor:
        return torch.eye(self.generator.classes)[y]

    def improve(self, z: Tensor, y: Tensor, chance: float = SURE) -> Better:
        """The nearest digits that are liked with a ``chance``, by the smallest step of the latent.

        Where none is found, the digit stays as it is.
        """
        z, x = z.clone(), self.draw(z, y)
        opinion = self.judge(x, y)
        accepted, origin = opinion.accepts(chance), z.clone()
        for i in range(1, round(FARTHEST / STEP) + 1):
            left = (~accepted).nonzero().flatten()
            if not len(left):
                break
            tried = origin[left] + i * STEP * opinion.step[left]
            drawn = self.draw(tried, y[left])
            good = self.judge(drawn, y[left]).accepts(chance)
            z[left[good]], x[left[good]] = tried[good], drawn[good]
            accepted[left[good]] = True
        return Better(z, x, accepted)


def cross_validate(critic: Critic) -> float:
    """The AUC of a taste for marks that it did not learn from, in five folds: 0.5 is chance.

    It is the share of pairs, of a liked and a disliked digit, that are ranked right.
    """
    liked, liking = critic.feedback.liked, torch.zeros(len(critic.feedback.liked))
    fold = deal(liked, FOLDS)
    for i in range(FOLDS):
        x, y = critic.marked[0][fold == i], critic.feedback.labels[fold == i]
        liking[fold == i] = critic.of(fold != i).judge(x, y).liking
    apart = liking[liked][:, None] - liking[~liked]
    return ((apart > 0).float() + (apart == 0).float() / 2).mean().item()


def deal(liked: Tensor, hands: int) -> Tensor:
    """A hand [M], from 0, for each mark, so that likes and dislikes are spread evenly."""
    order = liked.int().argsort(stable=True)
    return torch.empty_like(order).index_put((order,), torch.arange(len(order)) % hands)
