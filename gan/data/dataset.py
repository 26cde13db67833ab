"""Data sets that torchvision lacks or tells otherwise: all speak as its MNIST does.

``DataSet(root, train, download)`` has ``data``, bytes [N, H, W] or [N, C, H, W], light on dark, and ``targets``, the
labels [N] from 0 on.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision import datasets


def placed(small: Tensor) -> Tensor:
    """Digits that touch their border, float [N, H, W] in [0, 255], where MNIST's are: in the middle 20x20 of 28x28, bytes."""
    large = interpolate(small.unsqueeze(1), size=20, mode="bicubic", antialias=True)
    return pad(large, (4, 4, 4, 4)).round().clamp(0, 255).byte().squeeze(1)


class Digits:
    """scikit-learn's bundled 1,797 real digits of 8x8 (UCI Optical Recognition of Handwritten Digits, CC BY 4.0).

    Speaks as torchvision's MNIST does: ``data`` uint8 [N, 28, 28], ``targets`` int64 [N]. The last 297 are the test set.
    """

    def __init__(self, root: str, train: bool, download: bool = False) -> None:
        from sklearn.datasets import load_digits

        pixels, targets = load_digits(return_X_y=True)
        part = slice(None, 1500) if train else slice(1500, None)
        small = torch.from_numpy(pixels[part]).float().view(-1, 8, 8)  # values 0..16
        self.data = placed(small * (255 / 16))
        self.targets = torch.from_numpy(targets[part]).long()


class EMNIST(datasets.EMNIST):  # type: ignore[misc]
    """EMNIST (Cohen et al. 2017): its files hold images transposed, here they stand upright; letters count from 0."""

    def _load_data(self) -> tuple[Tensor, Tensor]:
        data, targets = super()._load_data()
        return data.transpose(1, 2).contiguous(), targets - int(self.split == "letters")

    def download(self) -> None:
        """The one archive of all splits, unpacked; of it only what a configuration here reads is kept."""
        super().download()
        for path in Path(self.raw_folder).glob("emnist-*"):
            if path.name.split("-")[1] not in ("digits", "letters", "balanced"):
                path.unlink()


class QMNIST(datasets.QMNIST):  # type: ignore[misc]
    """QMNIST (Yadav & Bottou 2019): MNIST with all 60,000 test digits. Of the eight numbers of a label the class is kept."""

    def _load_data(self) -> tuple[Tensor, Tensor]:
        data, targets = super()._load_data()
        return data, targets[:, 0].contiguous()


class USPS(datasets.USPS):  # type: ignore[misc]
    """USPS (Hull 1994) of 16x16, placed as MNIST's digits are: uint8 [N, 28, 28]. Its files are in ``root/USPS``."""

    data: Any  # torchvision's is numpy

    def __init__(self, root: str, train: bool, download: bool = False) -> None:
        (folder := Path(root, "USPS")).mkdir(exist_ok=True)
        super().__init__(folder, train=train, download=download)
        self.data = placed(torch.from_numpy(self.data).float())


class SVHN(datasets.SVHN):  # type: ignore[misc]
    """SVHN's cropped digits (Netzer et al. 2011): uint8 [N, 3, 32, 32]; its 10 is 0 here. Its files are in ``root/SVHN``."""

    data: Any  # torchvision's is numpy

    def __init__(self, root: str, train: bool, download: bool = False) -> None:
        super().__init__(Path(root, "SVHN"), split="train" if train else "test", download=download)
        self.data, self.targets = torch.from_numpy(self.data).contiguous(), self.labels

    def _check_integrity(self) -> bool:
        """Whether the file is there: its sum is the configuration's to know."""
        return Path(self.root, self.filename).is_file()


class StackedMNIST(datasets.MNIST):  # type: ignore[misc]
    """Three random MNIST digits a, b, c as the channels of an image of class 100a + 10b + c (Metz et al. 2017, section 3.3.1).

    ``data`` uint8 [128000 for training or 26000 for testing, 3, 28, 28], as many as in PacGAN (Lin et al. 2018,
    section 4.1), always the same; made of MNIST's files, test images of its test images.
    """

    @property
    def raw_folder(self) -> str:
        """MNIST's."""
        return str(Path(self.root, "MNIST", "raw"))

    def _load_data(self) -> tuple[Tensor, Tensor]:
        digits, labels = super()._load_data()
        count = 128_000 if self.train else 26_000
        chosen = torch.randint(len(labels), (count, 3), generator=torch.Generator().manual_seed(0))
        return digits[chosen], (labels[chosen] * torch.tensor([100, 10, 1])).sum(1)
