"""Images in memory, and batches of them in an order that depends on seed and epoch alone."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

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
        x, y = self.__getitems__([index])
        return x[0], y[0]

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The batch at ``indices`` in one gather. DataLoader calls this, too."""
        found = self.take(torch.as_tensor(indices))
        return to_float(found.images), found.labels

    def take(self, index: Tensor) -> "Images":
        """The subset at int64 ``index``."""
        return Images(self.images[index], self.labels[index])

    def on(self, device: torch.device) -> "Images":
        """The same on ``device``, or self if they would fill over half of a GPU's free memory."""
        if device.type == "cuda" and self.images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
            return self
        return self if device == self.images.device else Images(self.images.to(device), self.labels.to(device))


class Batches:
    """A loader for Lightning: each batch is one gather on the images' device.

    With a ``seed``, whole batches, reshuffled every epoch; without, all images in the set's order.
    Process ``rank`` takes every ``processes``-th; the first ones repeat to make all shares equal.
    """

    def __init__(self, images: Images, batch: int, processes: int = 1, rank: int = 0, seed: int | None = None) -> None:
        self.images, self.batch, self.processes, self.rank, self.seed = images, batch, processes, rank, seed
        self.share = -(len(images) // -processes)
        self.epoch = 0
        # Lightning calls set_epoch() here. It would replace an attribute named ``sampler``.
        self.batch_sampler = SimpleNamespace(sampler=self)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.share // self.batch if self.seed is not None else -(self.share // -self.batch)

    def __iter__(self) -> Iterator[Batch]:
        # The order is computed with the first batch: Lightning calls iter() before set_epoch().
        for index in self.order().split(self.batch)[: len(self)]:
            yield self.images.__getitems__(index)

    def order(self) -> Tensor:
        """Indices int64 [N / processes] of this process's images, on the device of the images."""
        n = len(self.images)
        mine = torch.arange(self.share * self.processes)[self.rank :: self.processes] % n
        if self.seed is not None:
            mine = torch.randperm(n, generator=torch.Generator().manual_seed(self.seed + self.epoch))[mine]
        return mine.to(self.images.images.device)
