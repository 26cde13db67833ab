"""All figures of a set of generated digits, each beside its floor: the figure of real images.

One pass of the classifier over the fakes serves every figure. What the real images give is cached.

Every distance between two sets also measures how their shares of the classes differ, and near the
floor that is most of it. So the three sets have the same shares: a fake is asked for the label of
each reference image, and the floor has real images of these labels (:class:`gan.data.ImageData`).
A generator without labels chooses its shares itself: they count in its distances.
"""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gan import cache
from gan.image import to_float
from gan.metric import feature
from gan.metric.feature import Frozen
from gan.metric.manifold import cover, kernel_distance, nearest, radii
from gan.validate import integer

FORMAT = "2"  # of the cache; a new one when the meaning of a cached figure changes
NEIGHBOURS, COPY = 50, 0.5  # Carlini et al. 2023, section 5.1
PLANTED, GREY_LEVELS = 100, 5  # training images hidden among the fakes, and the noise on them, of 255
LR, BATCH = 1e-2, 256  # of the classifier that cas fits

Figures = dict[str, float]
Pair = tuple[Tensor, Tensor]  # bytes [N, C, H, W] and labels int64 [N]


class Seen(NamedTuple):
    """Classified images [N, C, H, W] in [-1, 1] with labels int64 [N] (-1: none), on the CPU."""

    images: Tensor
    labels: Tensor
    features: Tensor
    logits: Tensor


def see(extractor: Frozen, batches: Iterable[tuple[Tensor, Tensor]]) -> Seen:
    """Classify batches of images [N, C, H, W] in [-1, 1] with labels int64 [N]."""
    device = next(extractor.parameters()).device
    parts = []
    for x, y in batches:
        features, logits = extractor(x.to(device))
        parts.append([part.cpu() for part in (x, y, features, logits)])
    return Seen(*map(torch.cat, zip(*parts, strict=True)))


def see_bytes(extractor: Frozen, pair: Pair) -> Seen:
    """Classify bytes."""
    return see(extractor, ((to_float(x), y) for x, y in zip(pair[0].split(250), pair[1].split(250), strict=True)))


def class_figures(seen: Seen) -> Figures:
    """The share of each class, and how often an image is classified as its label.

    ``smallest_class`` is the share of the rarest class, ``class_share_C`` that of class C.
    ``label_agreement`` and ``label_agreement_C`` are left out without labels, and figures of single
    classes if there are more than 100.
    """
    classified, (images, count) = seen.logits.argmax(1), seen.logits.shape
    shares = torch.bincount(classified, minlength=count).double() / images
    shown = range(count if count <= 100 else 0)
    found = {"smallest_class": shares.min().item()} | {f"class_share_{c}": shares[c].item() for c in shown}
    labelled, right = seen.labels >= 0, (classified == seen.labels).double()
    if labelled.any():
        found["label_agreement"] = right[labelled].mean().item()
    present = [c for c in seen.labels[labelled].unique().tolist() if c in shown]
    return found | {f"label_agreement_{c}": right[seen.labels == c].mean().item() for c in present}


def distribution(fake: Tensor, real: Tensor, real_radii: Tensor, k: int) -> Figures:
    """The kernel distance, and who covers whom, of features ``fake`` [N, D] and ``real`` [M, D]."""
    found = cover(real, fake, real_radii, radii(fake, k), k)
    return {"kid_digits": kernel_distance(real, fake)} | {f"{name}_k{k}": value for name, value in found.items()}


class Near(NamedTuple):
    """Distances [N] to the nearest training image, and limits [N] within which an image is a copy.

    The limit is half the mean distance to the 50 nearest training images (Carlini et al. 2023,
    section 5.1): what is near for an 8 is far for a 1.
    """

    distance: Tensor
    limit: Tensor

    def figures(self, pixels: Tensor) -> Figures:
        """Shares of the images, ``pixels`` [N, D], that copy a training image, and one another."""
        duplicates = nearest(pixels, pixels, 2)[:, 1] <= self.limit
        return {"copies": _share(self.distance <= self.limit), "duplicates": _share(duplicates)}


def near(pixels: Tensor, training: Tensor, own: bool = False) -> Near:
    """Find the training images [M, D] near ``pixels`` [N, D]; ``own``: skip self-matches."""
    found = nearest(pixels, training, min(NEIGHBOURS + own, len(training)))[:, int(own) :]
    return Near(found[:, 0], COPY * found.mean(1))


def plant(training: Tensor) -> Tensor:
    """Up to 100 training images, pixels [M, D] in [-1, 1], with noise of five grey levels."""
    source = torch.Generator().manual_seed(0)
    chosen = training[torch.randperm(len(training), generator=source)[:PLANTED]]
    return (chosen + torch.randn(chosen.shape, generator=source) * GREY_LEVELS / 127.5).clamp(-1, 1)


class Card:
    """Figures of fakes against ``real`` images. Their floors are those of ``other`` real images.

    ``training``: all images that the generator may have seen; ``own``: ``real`` is part of it.
    ``k``: neighbours in a neighbourhood. ``keep``: the folder of the cache. Raises UserError for
    images of another size than the classifier's, and if k is not below the number of images.
    """

    def __init__(self, extractor: str, k: int, keep: Path, real: Pair, other: Pair, training: Pair, own: bool) -> None:
        self.extractor = feature.load(extractor)
        self.extractor.require_shape(real[0])
        self.k, self.keep = integer("k", k, 1, len(real[0]) - 1), keep  # an image has as many neighbours
        self.real, self.other, self.training, self.own = real, other, training, own
        self.known = feature.weights_info(extractor)

    def figures(self, fake: Seen) -> Figures:
        """Every figure as NAME, and its floor as NAME_floor, except the utility."""
        return self.seen_figures(fake) | self.pixel_figures(fake.images)

    def seen_figures(self, fake: Seen) -> Figures:
        """The figures that rest on the classifier, and their floors."""
        known = self._known_features
        found = class_figures(fake) | distribution(fake.features, known["features"], known["radii"], self.k)
        found["nearest_features"] = _ratio(nearest(fake.features, known["training"]), known["nearest"])
        return _with_floor(found, known)

    def pixel_figures(self, images: Tensor) -> Figures:
        """The figures that rest on pixels alone, and their floors."""
        known = self._known_pixels
        pixels, training = images.flatten(1), to_float(self.training[0]).flatten(1)
        mine, planted = near(pixels, training), near(plant(training), training)
        found = {"nearest_pixels": _ratio(mine.distance, known["pixels"])} | mine.figures(pixels)
        return _with_floor(found, known) | {"planted_found": _share(planted.distance <= planted.limit)}

    def utility(self, fakes: Pair, train: Pair, epochs: int, bf16: bool) -> Figures:
        """``cas``, the classification accuracy score of ``fakes`` (Ravuri & Vinyals 2019).

        It is the accuracy on ``real`` of a classifier fitted to fakes alone, after its last epoch.
        The floor is that of ``train``, real images, of which as many are shown each epoch.
        """
        count, images = self.extractor.classes, len(fakes[0])

        def cas(pair: Pair) -> float:
            x, y = (part[torch.arange(images) % len(pair[0])] for part in pair)
            *_, fitted = feature.fit(x, y, count, epochs, LR, BATCH, seed=0, bf16=bf16)
            return feature.accuracy(fitted, *self.real)

        name = cache.key(f"utility {FORMAT} {count} {images} {epochs} {bf16} {LR} {BATCH}", *train, *self.real)
        floor = cache.cached(self.keep, name, lambda: {"cas": torch.tensor(cas(train), dtype=torch.float64)})
        return {"cas": cas(fakes), "cas_floor": floor["cas"].item()}

    @functools.cached_property
    def _known_features(self) -> cache.Found:
        settings = f"features {FORMAT} {self.known['sha256']} {self.k} {self.own}"
        name = cache.key(settings, *self.real, *self.other, self.training[0])
        return cache.cached(self.keep, name, self._find_features)

    def _find_features(self) -> cache.Found:
        """Features, radii and distances of the real images, and the floor of every figure.

        A ratio's floor compares every second real image with the rest: it differs from 1 by chance.
        """
        real, other, training = (see_bytes(self.extractor, pair) for pair in (self.real, self.other, self.training))
        reach = radii(real.features, self.k)
        distance = nearest(real.features, training.features, 1 + self.own)[:, int(self.own)]
        floor = class_figures(other) | distribution(other.features, real.features, reach, self.k)
        floor["nearest_features"] = _ratio(distance[::2], distance[1::2])
        found = {"features": real.features, "radii": reach, "training": training.features, "nearest": distance}
        return found | _tensors(floor)

    @functools.cached_property
    def _known_pixels(self) -> cache.Found:
        name = cache.key(f"pixels {FORMAT} {self.own} {NEIGHBOURS} {COPY}", self.real[0], self.training[0])
        return cache.cached(self.keep, name, self._find_pixels)

    def _find_pixels(self) -> cache.Found:
        """Distances of the real images to training images, and the floor of every figure."""
        pixels, training = (to_float(pair[0]).flatten(1) for pair in (self.real, self.training))
        mine = near(pixels, training, self.own)
        floor = {"nearest_pixels": _ratio(mine.distance[::2], mine.distance[1::2])} | mine.figures(pixels)
        return {"pixels": mine.distance} | _tensors(floor)


def _tensors(floor: Figures) -> cache.Found:
    return {f"{name}_floor": torch.tensor(value, dtype=torch.float64) for name, value in floor.items()}


def _with_floor(found: Figures, known: cache.Found) -> Figures:
    """The figures and, of those that have one, the floor."""
    floors = (f"{name}_floor" for name in found)
    return found | {name: known[name].item() for name in floors if name in known}


def _share(hits: Tensor) -> float:
    return hits.double().mean().item()


def _ratio(distances: Tensor, known: Tensor) -> float:
    return (distances.median() / known.median()).item()
