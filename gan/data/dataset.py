"""Data sets that torchvision lacks or tells otherwise: all speak as its MNIST does, with ``data`` and ``targets``."""

import torch


class Digits:
    """scikit-learn's bundled 1,797 real digits of 8x8 (UCI Optical Recognition of Handwritten Digits, CC BY 4.0).

    Speaks as torchvision's MNIST does: ``data`` uint8 [N, 28, 28], ``targets`` int64 [N]. The last 297 are the test set.
    """

    def __init__(self, root: str, train: bool, download: bool = False) -> None:
        from sklearn.datasets import load_digits

        pixels, targets = load_digits(return_X_y=True)
        part = slice(None, 1500) if train else slice(1500, None)
        small = torch.from_numpy(pixels[part]).float().view(-1, 1, 8, 8)  # values 0..16
        # 8x8 digits touch their border; MNIST's stand in the middle 20x20 of 28x28.
        large = torch.nn.functional.interpolate(small, size=20, mode="bicubic", antialias=True)
        self.data = torch.nn.functional.pad(large * (255 / 16), (4, 4, 4, 4)).round().clamp(0, 255).byte().squeeze(1)
        self.targets = torch.from_numpy(targets[part]).long()
