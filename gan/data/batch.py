"""Images where they are fastest, and batches of them in an order that depends on seed and epoch alone."""

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
        return to_float(self.images[index]), self.labels[index]

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The batch at ``indices`` in one gather, which a DataLoader asks for, too, before it asks one by one."""
        index = torch.as_tensor(indices)
        return to_float(self.images[index]), self.labels[index]

    def take(self, index: Tensor) -> "Images":
        """The subset at int64 ``index``."""
        return Images(self.images[index], self.labels[index])

    def on(self, device: torch.device) -> "Images":
        """The same on ``device``, so that a step copies nothing; as they are where they would fill more than half of it."""
        if device.type == "cuda" and self.images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
            return self
        return self if device == self.images.device else Images(self.images.to(device), self.labels.to(device))


class Batches:
    """Batches of a set in turn, as Lightning asks a loader for them: each one gather where the images are.

    With a ``seed``, whole batches in an order of each epoch's own; without, in the set's order, the last one smaller. Of
    several ``processes`` each takes every so-manieth image; those that have one less begin again with the first.
    """

    def __init__(self, images: Images, batch: int, processes: int = 1, rank: int = 0, seed: int | None = None) -> None:
        self.images, self.batch, self.processes, self.rank, self.seed = images, batch, processes, rank, seed
        self.share = -(len(images) // -processes)
        self.epoch = 0
        # Where Lightning looks for a set_epoch to call, so that a resumed epoch is the epoch it would have been. One called
        # sampler it would take for a DataLoader's, and replace.
        self.batch_sampler = SimpleNamespace(sampler=self)

    def set_epoch(self, epoch: int) -> None:
        """Fix the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.share // self.batch if self.seed is not None else -(self.share // -self.batch)

    def __iter__(self) -> Iterator[Batch]:
        # The order is fixed when the first batch is asked for: Lightning begins a pass before it says which epoch it is.
        for index in self.order().split(self.batch)[: len(self)]:
            yield self.images.__getitems__(index)

    def order(self) -> Tensor:
        """The places int64 [N / processes] in the set of this process's images, on their device."""
        n = len(self.images)
        if self.seed is None:
            places = torch.arange(n)
        else:
            places = torch.randperm(n, generator=torch.Generator().manual_seed(self.seed + self.epoch))
        missing = self.share * self.processes - n
        places = torch.cat([places, places.repeat(-(missing // -n))[:missing]]) if missing else places
        return places[self.rank :: self.processes].to(self.images.images.device)
