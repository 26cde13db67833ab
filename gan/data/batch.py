"""Images in memory, and batches of them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from gan.image import to_float

Batch = tuple[Tensor, Tensor]


class Images(Dataset[Batch]):
    """Bytes [N, C, H, W] and labels int64 [N] in memory, gathered a whole batch at a time."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Batch:
        return to_float(self.images[index]), self.labels[index]

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The batch at ``indices`` in one gather: a DataLoader asks for this before it asks one by one."""
        index = torch.as_tensor(indices)
        return to_float(self.images[index]), self.labels[index]

    def take(self, index: Tensor) -> "Images":
        """The subset at int64 ``index``."""
        return Images(self.images[index], self.labels[index])
