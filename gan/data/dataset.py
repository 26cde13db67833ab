"""Data sets that torchvision lacks or stores in another form, with the interface of its MNIST.

``DataSet(root, train, download)`` has ``data``, bytes [N, H, W] or [N, C, H, W], light on dark, and
``targets``, labels [N] from 0.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision import datasets


def place_like_mnist(small: Tensor) -> Tensor:
    """Scale digits float [N, H, W] in [0, 255] to the middle 20x20 of bytes [N, 28, 28]."""
    large = interpolate(small.unsqueeze(1), size=20, mode="bicubic", antialias=True)
    return pad(large, (4, 4, 4, 4)).round().clamp(0, 255).byte().squeeze(1)


class Digits:
    """scikit-learn's 1,797 digits, 8x8 (UCI Optical Recognition of Handwritten Digits, CC BY 4.0).

    ``data`` is uint8 [N, 28, 28], placed like MNIST's. The last 297 are the test set.
    """

    def __init__(self, root: str, train: bool, download: bool = False) -> None:
        from sklearn.datasets import load_digits  # slow to import

        pixels, targets = load_digits(return_X_y=True)
        part = slice(None, 1500) if train else slice(1500, None)
        self.data = place_like_mnist(torch.from_numpy(pixels[part]).float().view(-1, 8, 8) * (255 / 16))  # from 0..16
        self.targets = torch.from_numpy(targets[part]).long()


class EMNIST(datasets.EMNIST):  # type: ignore[misc]
    """EMNIST (Cohen et al. 2017), upright, while its files are transposed. Letters count from 0."""

    def _load_data(self) -> tuple[Tensor, Tensor]:
        data, targets = super()._load_data()
        return data.transpose(1, 2).contiguous(), targets - int(self.split == "letters")

    def download(self) -> None:
        super().download()  # one archive of all splits: keep those that conf/data uses
        for path in Path(self.raw_folder).glob("emnist-*"):
            if path.name.split("-")[1] not in ("digits", "letters", "balanced"):
                path.unlink()


class QMNIST(datasets.QMNIST):  # type: ignore[misc]
    """QMNIST (Yadav & Bottou 2019): MNIST with all 60,000 test digits."""

    def _load_data(self) -> tuple[Tensor, Tensor]:
        data, targets = super()._load_data()
        return data, targets[:, 0].contiguous()  # the class, of eight numbers


class USPS(datasets.USPS):  # type: ignore[misc]
    """USPS (Hull 1994), placed like MNIST's digits: uint8 [N, 28, 28]. Files in ``root/USPS``."""

    data: Any  # torchvision's is numpy

    def __init__(self, root: str, train: bool, download: bool = False) -> None:
        (folder := Path(root, "USPS")).mkdir(exist_ok=True)
        super().__init__(folder, train=train, download=download)
        self.data = place_like_mnist(torch.from_numpy(self.data).float())


class SVHN(datasets.SVHN):  # type: ignore[misc]
    """SVHN, cropped (Netzer et al. 2011): uint8 [N, 3, 32, 32], 10 is 0. In ``root/SVHN``."""

    data: Any  # torchvision's is numpy

    def __init__(self, root: str, train: bool, download: bool = False) -> None:
        super().__init__(Path(root, "SVHN"), split="train" if train else "test", download=download)
        self.data, self.targets = torch.from_numpy(self.data).contiguous(), self.labels

    def _check_integrity(self) -> bool:
        return Path(self.root, self.filename).is_file()  # the configuration knows its sum


class StackedMNIST(datasets.MNIST):  # type: ignore[misc]
    """Three random MNIST digits a, b, c as channels of an image of class 100a + 10b + c.

    Metz et al. 2017, section 3.3.1. ``data`` is uint8 [128000, 3, 28, 28], or 26000 for testing, as
    in PacGAN (Lin et al. 2018, section 4.1), and always the same.
    """

    @property
    def raw_folder(self) -> str:
        return str(Path(self.root, "MNIST", "raw"))

    def _load_data(self) -> tuple[Tensor, Tensor]:
        digits, labels = super()._load_data()
        count = 128_000 if self.train else 26_000
        chosen = torch.randint(len(labels), (count, 3), generator=torch.Generator().manual_seed(0))
        return digits[chosen], (labels[chosen] * torch.tensor([100, 10, 1])).sum(1)
