"""A set of generated digits judged from every side, each figure beside its floor: what real images get.

One pass of the classifier over the fakes serves every figure; what real images give is found once and kept in a folder.
"""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan.image import to_float
from gan.metric import cache, feature
from gan.metric.feature import Frozen
from gan.metric.manifold import cover, nearest, radii
from gan.metric.score import KernelInceptionDistance

FORMAT = "1"  # of what is kept; another one where the meaning of a kept figure changes
NEIGHBOURS, COPY = 50, 0.5  # Carlini et al. 2023, section 5.1
PLANTED, GREY_LEVELS = 100, 5  # training images hidden among the fakes, and the noise on them, of 255
LR, BATCH = 1e-2, 256  # of the classifier that cas fits

Figures = dict[str, float]
Pair = tuple[Tensor, Tensor]  # bytes [N, C, H, W] and labels int64 [N]


class Seen(NamedTuple):
    """Images [N, C, H, W] in [-1, 1], labels int64 [N] (-1: none), and what a classifier makes of them, on the CPU."""

    images: Tensor
    labels: Tensor
    features: Tensor
    logits: Tensor


def see(extractor: Frozen, batches: Iterable[tuple[Tensor, Tensor]]) -> Seen:
    """All of ``batches``: images [N, C, H, W] in [-1, 1] and their labels int64 [N], each looked at once."""
    device = next(extractor.parameters()).device

    def parts() -> Iterator[tuple[Tensor, ...]]:
        for x, y in batches:
            yield tuple(part.cpu() for part in (x, y, *extractor(x.to(device))))

    return Seen(*map(torch.cat, zip(*parts(), strict=True)))


def see_bytes(extractor: Frozen, pair: Pair) -> Seen:
    """The same of bytes."""
    return see(extractor, ((to_float(x), y) for x, y in zip(pair[0].split(250), pair[1].split(250), strict=True)))


def classes(seen: Seen) -> Figures:
    """Which classes there are, as the classifier reads them, and how often it reads the one an image was made for.

    ``smallest_class`` is the share of the rarest, ``class_share_C`` that of each; ``label_agreement`` and
    ``label_agreement_C`` are left out where no image has a label, and what is said of each class where these are more than 100.
    """
    read, (images, count) = seen.logits.argmax(1), seen.logits.shape
    shares = torch.bincount(read, minlength=count).double() / images
    each = range(count if count <= 100 else 0)
    found = {"smallest_class": shares.min().item()} | {f"class_share_{c}": shares[c].item() for c in each}
    made = seen.labels >= 0
    right = (read == seen.labels).double()
    if made.any():
        found["label_agreement"] = right[made].mean().item()
    there = [c for c in seen.labels[made].unique().tolist() if c in each]
    return found | {f"label_agreement_{c}": right[seen.labels == c].mean().item() for c in there}


def distribution(fake: Tensor, real: Tensor, real_radii: Tensor, k: int) -> Figures:
    """How features ``fake`` [N, D] lie to ``real`` [M, D]: the kernel distance, and who covers whom (``manifold.cover``)."""
    kid = KernelInceptionDistance(nn.Identity())
    kid.update(real, real=True)
    kid.update(fake, real=False)
    found = cover(real, fake, real_radii, radii(fake, k), k)
    return {"kid_digits": kid.compute().item()} | {f"{name}_k{k}": value for name, value in found.items()}


class Near(NamedTuple):
    """Of each image [N]: how far its nearest training image is, how far it may be from an image it copies, and whether it does.

    An image copies another that is nearer than half the mean distance to its 50 nearest training images (Carlini et al.
    2023, section 5.1): what is near for an 8 is far for a 1.
    """

    distance: Tensor
    limit: Tensor

    @property
    def copies(self) -> Tensor:
        """Whether its nearest training image is one that it copies, bool [N]."""
        return self.distance <= self.limit

    def twins(self, pixels: Tensor) -> Tensor:
        """Whether the nearest other of ``pixels`` [N, D], those of the same images, is one that it copies, bool [N]."""
        return nearest(pixels, pixels, 2)[:, 1] <= self.limit


def near(pixels: Tensor, training: Tensor, own: bool = False) -> Near:
    """Where ``pixels`` [N, D] lie to those of the training images [M, D]; ``own``: they are among these, and not meant."""
    found = nearest(pixels, training, min(NEIGHBOURS + own, len(training)))[:, int(own) :]
    return Near(found[:, 0], COPY * found.mean(1))


def plant(training: Tensor, seed: int = 0) -> Tensor:
    """Up to 100 of the training images' pixels [M, D], in [-1, 1], with noise of five grey levels."""
    source = torch.Generator().manual_seed(seed)
    chosen = training[torch.randperm(len(training), generator=source)[:PLANTED]]
    return (chosen + torch.randn(chosen.shape, generator=source) * GREY_LEVELS / 127.5).clamp(-1, 1)


def utility(train: Pair, test: Pair, classes: int, images: int, epochs: int, bf16: bool) -> float:
    """Classification accuracy score (Ravuri & Vinyals 2019): what a classifier fitted to ``train`` alone reads of ``test``.

    Each epoch shows ``images`` images, those of ``train`` again where it has fewer; it is the last epoch that counts.
    """
    index = torch.arange(images) % len(train[0])
    *_, fitted = feature.fit(train[0][index], train[1][index], classes, epochs, LR, BATCH, seed=0, bf16=bf16)
    return feature.accuracy(fitted, *test)


class Card:
    """The figures of fakes against ``real``, both beside ``other`` real images, as many, that are judged as if they were fakes.

    ``training``: all that the generator may have seen; ``own``: ``real`` is part of it. ``k``: how many neighbours make a
    neighbourhood. What the real images give is kept in the folder ``keep``, under the hash of all that it depends on.
    Raises ValueError for images that the classifier does not read, and where k is not below the number of images.
    """

    def __init__(self, extractor: str, k: int, keep: Path, real: Pair, other: Pair, training: Pair, own: bool) -> None:
        self.extractor = feature.load(extractor)
        self.extractor.check(real[0])
        if not 1 <= k < len(real[0]):
            raise ValueError(f"k must be from 1 to {len(real[0]) - 1}, one less than there are images, got {k}")
        self.k, self.keep = k, keep
        self.real, self.other, self.training, self.own = real, other, training, own
        self.known = feature.described(extractor)

    def figures(self, fake: Seen) -> Figures:
        """Every figure as NAME, beside NAME_floor, but for the utility."""
        known, k = self._known, self.k
        found = classes(fake) | distribution(fake.features, known["features"], known["radii"], k)
        pixels, training = fake.images.flatten(1), to_float(self.training[0]).flatten(1)
        planted = plant(training)
        everyone = near(torch.cat([pixels, planted]), training)
        mine = Near(*(part[: len(pixels)] for part in everyone))
        found |= {
            "nearest_pixels": (mine.distance.median() / known["pixels"].median()).item(),
            "nearest_features": (nearest(fake.features, known["training"]).median() / known["nearest"].median()).item(),
            "copies": mine.copies.double().mean().item(),
            "duplicates": mine.twins(pixels).double().mean().item(),
        }
        floor = {f"{name}_floor": known[f"{name}_floor"].item() for name in found if f"{name}_floor" in known}
        return found | floor | {"planted_found": everyone.copies[len(pixels) :].double().mean().item()}

    def utility(self, fakes: Pair, train: Pair, epochs: int, bf16: bool) -> Figures:
        """``cas`` of bytes and labels ``fakes``, beside that of as many looks at ``train``, real images without ``real``."""
        count, images = self.extractor.classes, len(fakes[0])
        of = functools.partial(utility, test=self.real, classes=count, images=images, epochs=epochs, bf16=bf16)
        name = cache.key(f"utility {FORMAT} {count} {images} {epochs} {bf16} {LR} {BATCH}", *train, *self.real)
        floor = cache.remember(self.keep, name, lambda: {"cas": torch.tensor(of(train), dtype=torch.float64)})
        return {"cas": of(fakes), "cas_floor": floor["cas"].item()}

    @functools.cached_property
    def _known(self) -> cache.Found:
        """What real images give."""
        settings = f"real {FORMAT} {self.known['sha256']} {self.k} {self.own} {NEIGHBOURS} {COPY}"
        name = cache.key(settings, *self.real, *self.other, self.training[0])
        return cache.remember(self.keep, name, self._find)

    def _find(self) -> cache.Found:
        """Features, radii and distances of the real images, and the floor of every figure.

        A ratio's floor is that of every second real image to the others: its distance from 1 is chance.
        """
        real, other, training = (see_bytes(self.extractor, pair) for pair in (self.real, self.other, self.training))
        reach = radii(real.features, self.k)
        pixels = real.images.flatten(1)
        mine = near(pixels, training.images.flatten(1), self.own)
        features = nearest(real.features, training.features, 1 + self.own)[:, int(self.own)]
        floor = classes(other) | distribution(other.features, real.features, reach, self.k)
        floor |= {
            "nearest_pixels": (mine.distance[::2].median() / mine.distance[1::2].median()).item(),
            "nearest_features": (features[::2].median() / features[1::2].median()).item(),
            "copies": mine.copies.double().mean().item(),
            "duplicates": mine.twins(pixels).double().mean().item(),
        }
        return {
            "features": real.features,
            "radii": reach,
            "training": training.features,
            "pixels": mine.distance,
            "nearest": features,
        } | {f"{name}_floor": torch.tensor(value, dtype=torch.float64) for name, value in floor.items()}
