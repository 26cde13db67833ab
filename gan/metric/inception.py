"""The standard features of photographs, for figures that others can compare with."""

import pickle

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import NoTrainInceptionV3

from gan.image import rgb, to_uint8


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
