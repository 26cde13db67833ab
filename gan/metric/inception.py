"""The standard features of photographs, for figures that others can compare with."""

import pickle

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import NoTrainInceptionV3

from gan.error import require
from gan.image import rgb, to_uint8


class Inception(nn.Module):
    """The features [N, 2048], float32, of the standard Inception-v3 (Heusel et al. 2017).

    Images [N, 1 or 3, H, W] in [-1, 1] become bytes in three channels; torch-fidelity resizes them
    to 299. ``weights``: a file of torch-fidelity's; None downloads it. Raises MissingExtra without
    torch-fidelity, FileNotFoundError without weights.
    """

    num_features = 2048

    def __init__(self, weights: str | None = None) -> None:
        super().__init__()
        require("torch_fidelity", extra="inception")
        try:
            self.network = NoTrainInceptionV3("inception-v3-compat", ["2048"], weights)
        except (OSError, RuntimeError, pickle.UnpicklingError) as error:
            source = "cannot be downloaded" if weights is None else f"cannot be read from {weights}"
            raise FileNotFoundError(
                f"metric=inception: the weights {source} ({' '.join(str(error).split())}): download torch-fidelity's "
                "weights-inception-2015-12-05-6726825d.pth elsewhere and name it with "
                "metric.fid_inception.feature.weights=FILE, or use metric=digits"
            ) from error

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            features: Tensor = self.network(rgb(to_uint8(x)))
        return features.float()
