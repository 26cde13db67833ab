"""Frozen feature extractors, and the digit classifier behind them.

``python -m gan.metric.feature data=mnist`` fits the classifier anew and writes it beside this file, with its hash, its
accuracy and the command as JSON; that of another data set is written where its configuration says (``data.classifier``).
"""

import functools
import hashlib
import itertools
import json
import math
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchmetrics.image.fid import NoTrainInceptionV3

from gan.image import rgb, to_float, to_uint8, warp

WEIGHTS = Path(__file__).parent


class Classifier(nn.Module):
    """Three convolutions and a dense layer of 128 features: images [N, C, H, H] to features [N, 128], logits [N, classes].

    The dense layer sees the whole map (7x7 of 28x28), so that features keep where strokes are, which pooling would lose.
    """

    def __init__(self, classes: int = 10, channels: int = 1, size: int = 28) -> None:
        super().__init__()
        self.shape, self.classes = (channels, size, size), classes
        self.stack = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),  # [32, 14, 14]
            nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),  # [64, 7, 7]
            nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),  # [64, 7, 7]
            nn.Flatten(), nn.Linear(64 * (size // 4) ** 2, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, classes))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits of images in [-1, 1]."""
        features = self.stack(x)
        return features, self.head(features)


class Frozen(nn.Module):
    """A classifier that never changes again and remembers the last batch, so that several metrics share one pass.

    ``times``: it reads so many images of one channel that are stacked as the channels of one. Their features lie side by
    side, and the classes are all combinations, the first channel's counting most.
    """

    def __init__(self, classifier: Classifier, times: int = 1) -> None:
        super().__init__()
        stack = classifier.eval().requires_grad_(False).stack
        for place, layer in enumerate(stack):
            if isinstance(layer, nn.Conv2d):  # always followed by its batch norm, which a frozen one can absorb
                stack[place], stack[place + 1] = fuse_conv_bn_eval(layer, cast(nn.BatchNorm2d, stack[place + 1])), nn.Identity()
        self.classifier = classifier.to(memory_format=torch.channels_last)
        self.times, (channels, *sides) = times, classifier.shape
        self.shape = (times * channels, *sides)
        self.classes, self.width = classifier.classes**times, 128 * times
        self._last: tuple[Tensor, tuple[Tensor, Tensor]] | None = None

    def train(self, mode: bool = True) -> "Frozen":
        """Stay frozen: a metric follows its owner's mode, an extractor must not."""
        return super().train(False)

    def __deepcopy__(self, _: object) -> "Frozen":
        """Itself: a copy would be the same, and would look at every image once more."""
        return self

    def check(self, x: Tensor) -> None:
        """Raise ValueError where it does not read images of the size of ``x`` [N, C, H, W]."""
        if tuple(x.shape[1:]) != self.shape:
            reads, given = ("x".join(map(str, sides)) for sides in (self.shape, x.shape[1:]))
            raise ValueError(f"the classifier reads images of {reads}, not {given}: choose that of the data (data.classifier)")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits in float32, whatever the precision around them."""
        self.check(x)
        if self._last is None or self._last[0] is not x:
            with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
                one = x.float().reshape(-1, *self.classifier.shape).contiguous(memory_format=torch.channels_last)
                self._last = x, self._joint(*self.classifier(one))
        return self._last[1]

    def _joint(self, features: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Of what was read channel by channel, features side by side and log p(a, b, c) = log p(a) + log p(b) + log p(c)."""
        if self.times == 1:
            return features, logits
        first, *others = logits.log_softmax(1).view(-1, self.times, self.classifier.classes).unbind(1)
        for other in others:
            first = (first[:, :, None] + other[:, None]).flatten(1)
        return features.view(-1, self.width), first


def place(name: str) -> Path:
    """The weights of classifier ``name``, beside this file, or of one that is a path (a name with a slash) without its suffix.

    Their JSON lies beside them. A name or a path may end in ``*3``: see :func:`load`.
    """
    path = name.partition("*")[0]
    return (Path(path).expanduser() if "/" in path else WEIGHTS / path).with_name(f"{Path(path).name}.safetensors")


@functools.cache
def load(name: str) -> Frozen:
    """The classifier ``name`` (see :func:`place`); ``NAME*3`` reads three channels by it. One object for all who ask.

    Raises FileNotFoundError where none was fitted, ValueError where the file is not the one its JSON describes.
    """
    path, times = place(name), name.partition("*")[2]
    if not path.is_file():
        data = f"data={path.stem}" if "/" not in name else "with the data= words of the run"
        raise FileNotFoundError(f"metric: there is no classifier {path}: fit one with python -m gan.metric.feature {data}")
    if digest(path) != described(name)["sha256"]:
        raise ValueError(f"metric: {path} is not the file its JSON describes (sha256 differs): restore both, or fit it anew")
    weights = load_file(path)
    channels, size, _ = described(name).get("shape", (1, 28, 28))
    classifier = Classifier(len(weights["head.1.bias"]), channels, size)
    classifier.load_state_dict(weights)
    return Frozen(classifier, int(times or 1))


def described(name: str) -> dict[str, Any]:
    """What was written down when classifier ``name`` was fitted: its sha256, its test_accuracy, the command and more.

    Raises ValueError where nothing was.
    """
    path = place(name).with_suffix(".json")
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise ValueError(f"metric: {path} is missing or damaged: delete the classifier beside it and fit it anew") from error


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Features(nn.Module):
    """The 128 features of a digit classifier, as torchmetrics wants an extractor: ``x`` in [-1, 1] -> [N, 128]."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.frozen = load(name)
        self.num_features = self.frozen.width

    def forward(self, x: Tensor) -> Tensor:
        """Features of images [N, C, H, H]."""
        features: Tensor = self.frozen(x)[0]
        return features


class Logits(nn.Module):
    """The class logits of a digit classifier: ``x`` in [-1, 1] -> [N, classes]."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.frozen = load(name)
        self.num_features = self.frozen.classes

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images [N, C, H, H]."""
        logits: Tensor = self.frozen(x)[1]
        return logits


class Inception(nn.Module):
    """The 2,048 features of the standard Inception-v3 (Heusel et al. 2017), for figures that others can compare with.

    Images [N, 1 or 3, H, W] in [-1, 1] become bytes in three channels; torch-fidelity resizes them to 299. ``weights`` is
    a file of torch-fidelity's weights, or None to let it download them. Raises ImportError without torch-fidelity,
    FileNotFoundError where there are no weights.
    """

    num_features = 2048

    def __init__(self, weights: str | None = None) -> None:
        super().__init__()
        try:
            import torch_fidelity  # noqa: F401
        except ImportError as error:
            raise ImportError("metric=inception needs torch-fidelity: pip install torch-fidelity") from error
        try:
            self.network = NoTrainInceptionV3("inception-v3-compat", ["2048"], weights)
        except (OSError, RuntimeError, pickle.UnpicklingError) as error:
            raise FileNotFoundError(
                f"metric=inception: no weights {'to download' if weights is None else f'in {weights}'} "
                f"({' '.join(str(error).split())}): fetch torch-fidelity's weights-inception-2015-12-05-6726825d.pth where "
                "there is a network and name it with metric.fid_inception.feature.weights=FILE, or use metric=digits"
            ) from error

    def forward(self, x: Tensor) -> Tensor:
        """Features [N, 2048] in float32."""
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            features: Tensor = self.network(rgb(to_uint8(x)))
        return features.float()


def jitter(x: Tensor, source: torch.Generator) -> Tensor:
    """Rotate each image by up to 12 degrees, shear, scale by up to 12 % and shift by up to 2 pixels. Keeps the label."""
    n, size = len(x), x.shape[-1]
    draw = torch.rand(5, n, generator=source) * 2 - 1
    angle, shear, scale = draw[0] * math.radians(12), draw[1] * 0.15, 1 + draw[2] * 0.12
    cos, sin = angle.cos() * scale, angle.sin() * scale
    shift = draw[3:] * 4 / size  # affine_grid counts a pixel as 2 / size
    theta = torch.stack([cos, -sin + shear, shift[0], sin, cos, shift[1]], 1).view(n, 2, 3)
    return warp(x, affine_grid(theta, list(x.shape), align_corners=False))


def fit(
    images: Tensor, labels: Tensor, classes: int, epochs: int, lr: float, batch: int, seed: int, bf16: bool = False
) -> Iterator[Classifier]:
    """Fit a classifier to images [N, C, H, H], bytes or in [-1, 1], and labels int64 [N]; yield it after each epoch.

    Every image is jittered anew each time it is seen; for the rest see :func:`learn`.
    """
    source = torch.Generator().manual_seed(seed)
    steps = len(images) // (batch := min(batch, len(images)))

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(epochs):
            for index in torch.randperm(len(images), generator=source)[: steps * batch].split(batch):
                yield jitter(floats(images[index]), source), labels[index]

    yield from learn(batches(), classes, epochs * steps, lr, seed, bf16, every=steps)


def learn(
    batches: Iterable[tuple[Tensor, Tensor]], classes: int, steps: int, lr: float, seed: int, bf16: bool, every: int
) -> Iterator[Classifier]:
    """Fit a classifier to ``steps`` batches x [N, C, H, H] in [-1, 1], y int64 [N]; yield it, to be used, each ``every`` steps.

    AdamW, one cycle of the learning rate (Smith 2018). ``bf16`` is twice as fast where the processor multiplies bf16.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step, (x, y) in enumerate(itertools.islice(batches, steps), 1):
            if step == 1:
                classifier = Classifier(classes, *x.shape[1:3]).to(memory_format=torch.channels_last)
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
    """Images in [-1, 1], of such or of bytes."""
    return to_float(x) if x.dtype == torch.uint8 else x


@torch.no_grad()
def accuracy(classifier: Classifier, images: Tensor, labels: Tensor) -> float:
    """Share of images [N, C, H, H], bytes or in [-1, 1], that are read as their label."""
    hits = [classifier(floats(x))[1].argmax(1) == y for x, y in zip(images.split(100), labels.split(100), strict=True)]
    return torch.cat(hits).double().mean().item()


if __name__ == "__main__":
    # The command stands above this room: it composes a configuration, which metrics know nothing of.
    from gan.fit_classifier import main

    main()
