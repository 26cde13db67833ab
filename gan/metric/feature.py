"""Frozen feature extractors, and the digit classifier behind them.

``python -m gan.fit_classifier data=mnist`` fits the classifier and writes it beside this file, with
its hash, accuracy and command as JSON; others are written to ``data.classifier``.
"""

import functools
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gan.error import UserError
from gan.file import sha256
from gan.image import to_float, warp
from gan.metric.classifier import Classifier, Residual, affine
from gan.validate import integer, number

WEIGHTS = Path(__file__).parent
Reader = Callable[[Tensor], tuple[Tensor, Tensor]]  # images to features and logits
LARGEST_JSON = 2**20  # bytes
NETWORKS: dict[str, type[Classifier]] = {"stack": Classifier, "residual": Residual}  # by the name in a JSON
Augment = Callable[[Tensor, torch.Generator], Tensor]


class Frozen(nn.Module):
    """A classifier that never changes. It remembers the last batch, so that metrics share one pass.

    With ``times`` > 1 it classifies each channel of an image by itself. The features are
    concatenated; the classes are all combinations, the first channel's most significant.
    """

    __call__: Callable[["Frozen", Tensor], tuple[Tensor, Tensor]]

    def __init__(self, classifier: Classifier, times: int = 1) -> None:
        super().__init__()
        for stack in classifier.eval().requires_grad_(False).modules():
            if isinstance(stack, nn.Sequential):
                _fuse(stack)
                _pool_first(stack)
        self.classifier = classifier.to(memory_format=torch.channels_last)
        self.times, (channels, *sides) = times, classifier.shape
        self.shape = (times * channels, *sides)
        self.classes, self.width = classifier.classes**times, classifier.width * times
        self._last: tuple[Tensor, tuple[Tensor, Tensor]] | None = None

    def train(self, mode: bool = True) -> "Frozen":
        """Stay frozen: a metric follows its owner's mode, an extractor must not."""
        return super().train(False)

    def __deepcopy__(self, _: object) -> "Frozen":
        """Return self: a copy would need a pass of its own."""
        return self

    def require_shape(self, x: Tensor) -> None:
        """Raise UserError unless images [N, C, H, W] have the size that it classifies."""
        if tuple(x.shape[1:]) != self.shape:
            takes, given = ("x".join(map(str, sides)) for sides in (self.shape, x.shape[1:]))
            remedy = "choose that of the data (data.classifier)"
            raise UserError(f"the classifier reads images of {takes}, not {given}: {remedy}")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits in float32, whatever the precision around them."""
        self.require_shape(x)
        if self._last is None or self._last[0] is not x:
            with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
                self._last = x, self.classify(x.float())
        return self._last[1]

    def classify(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits of float32 images, computed anew."""
        one = x.reshape(-1, *self.classifier.shape).contiguous(memory_format=torch.channels_last)
        return self._join(*self.classifier(one))

    def _join(self, features: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Join channels: concatenated features, log p(a, b, c) = log p(a) + log p(b) + log p(c)."""
        if self.times == 1:
            return features, logits
        joint, *others = logits.log_softmax(1).view(-1, self.times, self.classifier.classes).unbind(1)
        for other in others:
            joint = (joint[:, :, None] + other[:, None]).flatten(1)
        return features.view(-1, self.width), joint


def _fuse(stack: nn.Sequential) -> None:
    """Join each convolution with the batch norm behind it, which is then constant."""
    for place, (layer, norm) in enumerate(itertools.pairwise(stack)):
        if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            stack[place], stack[place + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()


def _pool_first(stack: nn.Sequential) -> None:
    """Let each pooling come before its ReLU, which then has a quarter of the values."""
    for place, (layer, pool) in enumerate(itertools.pairwise(stack)):
        if isinstance(layer, nn.ReLU) and isinstance(pool, nn.MaxPool2d):
            stack[place], stack[place + 1] = pool, nn.ReLU(inplace=True)


def second(name: str) -> str:
    """The second classifier of the same data: mnist_second of mnist, mnist_second*3 of mnist*3."""
    path, star, times = name.partition("*")
    return f"{path}_second{star}{times}"


def weights_path(name: str) -> Path:
    """The weights of classifier ``name``, with their JSON beside them.

    ``name``: a file of this folder or, with a slash, a path; no suffix. A final ``*3`` is ignored.
    """
    path = Path(name.partition("*")[0]).expanduser()
    return (path if "/" in name else WEIGHTS / path).with_name(f"{path.name}.safetensors")


@functools.cache
def load(name: str) -> Frozen:
    """The classifier ``name``, see :func:`weights_path`; ``NAME*3`` classifies three channels.

    Its files may come from a stranger: they are read as plain data. Raises FileNotFoundError if it
    was not fitted, UserError if its files are damaged or do not belong together.
    """
    path, (_, star, times) = weights_path(name), name.partition("*")
    if star and times not in ("1", "2", "3", "4"):
        raise UserError(f"metric: a classifier is NAME, or NAME*3 for each of three channels (1 to 4), got {name}")
    if not path.is_file():
        data = f"data={path.stem}" if "/" not in name else "with the data settings of the run"
        command = f"python -m gan.fit_classifier {data}"
        raise FileNotFoundError(f"metric: there is no classifier {path}: fit one with {command}")
    info = weights_info(name)
    if sha256(path) != info["sha256"]:
        raise UserError(f"metric: {path} does not match its JSON (sha256 differs): restore both, or fit it again")
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise UserError(f"metric: {path} is damaged ({error}): restore it, or fit it again") from error
    (channels, size, _), classes, network = info["shape"], info["classes"], NETWORKS[info["network"]]
    with torch.device("meta"):  # only shapes: nothing is allocated for what a file claims to hold
        shapes = {key: value.shape for key, value in network(classes, channels, size).state_dict().items()}
    if {key: value.shape for key, value in weights.items()} != shapes:
        reason = f"has other weights than a classifier of {classes} classes for {channels}x{size}x{size}"
        raise UserError(f"metric: {path} {reason}: restore it and its JSON, or fit it again")
    if not all(value.isfinite().all() for value in weights.values()):
        raise UserError(f"metric: {path} has NaN or infinite weights: restore it, or fit it again")
    classifier = network(classes, channels, size)
    classifier.load_state_dict(weights)
    return Frozen(classifier, int(times or 1))


def weights_info(name: str) -> dict[str, Any]:
    """The JSON of a classifier: sha256, network, shape, classes, test_accuracy and more.

    Raises UserError if it is missing or damaged, or if one of these five is not what it should be.
    """
    path = weights_path(name).with_suffix(".json")
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError("too large")
        older: dict[str, Any] = {"shape": [1, 28, 28], "classes": 10, "network": "stack"}  # than these
        info = older | dict(json.loads(path.read_text(encoding="utf-8")))
        channels, height, width = info["shape"]
        integer("channels", channels, 1, 16)
        integer("width", width, 4, integer("height", height, 4, 1024))
        integer("classes", info["classes"], 1, 10_000)
        number("test_accuracy", info["test_accuracy"], 0, 1)
        if info["network"] not in NETWORKS:
            raise ValueError("unknown network")
        return info | {"sha256": str(info["sha256"])}
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"metric: {path} is missing or damaged: delete the classifier and fit it again") from error


class Features(nn.Module):
    """The features of a digit classifier as torchmetrics takes them: x [N, C, H, H] -> [N, 128]."""

    output = 0

    def __init__(self, name: str) -> None:
        super().__init__()
        self.frozen = load(name)
        self.num_features = (self.frozen.width, self.frozen.classes)[self.output]

    def forward(self, x: Tensor) -> Tensor:
        return self.frozen(x)[self.output]


class Logits(Features):
    """The class logits of a digit classifier: x [N, C, H, H] -> [N, classes]."""

    output = 1


def jitter(x: Tensor, source: torch.Generator) -> Tensor:
    """Rotate images by up to 12 degrees, shear, scale by up to 12 %, shift by up to 2 pixels."""
    return warp(x, affine(x, source))


def fit(
    images: Tensor,
    labels: Tensor,
    classes: int,
    epochs: int,
    lr: float,
    batch: int,
    seed: int,
    bf16: bool = False,
    network: type[Classifier] = Classifier,
    augment: Augment = jitter,
) -> Iterator[Classifier]:
    """Fit a ``network`` to images [N, C, H, H], bytes or in [-1, 1], and labels int64 [N].

    Yields it after each epoch. ``augment`` changes images anew each time; see :func:`learn` for
    the rest.
    """
    source, batch = torch.Generator().manual_seed(seed), min(batch, len(images))
    steps = len(images) // batch

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(epochs):
            for index in torch.randperm(len(images), generator=source)[: steps * batch].split(batch):
                yield augment(floats(images[index]), source), labels[index]

    yield from learn(batches(), classes, epochs * steps, lr, seed, bf16, every=steps, network=network)


def learn(
    batches: Iterable[tuple[Tensor, Tensor]],
    classes: int,
    steps: int,
    lr: float,
    seed: int,
    bf16: bool,
    every: int,
    network: type[Classifier] = Classifier,
) -> Iterator[Classifier]:
    """Fit a classifier to ``steps`` batches: x [N, C, H, H] in [-1, 1], y int64 [N].

    Yields it in evaluation mode after each ``every`` steps. AdamW, one cycle of the learning rate
    (Smith 2018). ``seed`` determines weights, dropout and what ``batches`` draws from torch's
    global generator. ``bf16`` is faster with native support.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step, (x, y) in enumerate(itertools.islice(batches, steps), 1):
            if step == 1:
                classifier = network(classes, *x.shape[1:3]).to(memory_format=torch.channels_last)
                optimizer = torch.optim.AdamW(classifier.parameters(), lr=lr, weight_decay=1e-2, fused=True)
                cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = cross_entropy(classifier.train()(x.to(memory_format=torch.channels_last))[1], y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % every == 0:
                yield classifier.eval()


def floats(x: Tensor) -> Tensor:
    """Images in [-1, 1], from bytes or unchanged."""
    return to_float(x) if x.dtype == torch.uint8 else x


@torch.no_grad()
def accuracy(classifier: Reader, images: Tensor, labels: Tensor) -> float:
    """Share of images [N, C, H, H], bytes or in [-1, 1], that are classified as their label."""
    hits = [classifier(floats(x))[1].argmax(1) == y for x, y in zip(images.split(100), labels.split(100), strict=True)]
    return torch.cat(hits).double().mean().item()


if __name__ == "__main__":
    import sys

    sys.exit(f"error: python -m gan.metric.feature is now: {' '.join(['python -m gan.fit_classifier', *sys.argv[1:]])}")
