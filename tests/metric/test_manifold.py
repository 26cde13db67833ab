"""Neighbourhoods: closed forms, and the arithmetic of others on the same features."""

import prdc
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torchmetrics.image.fid import FrechetInceptionDistance

from gan.metric import manifold
from gan.metric.manifold import cover, kernel_distance, nearest, radii
from gan.metric.score import SmallestClass


def _cover(real: Tensor, fake: Tensor, k: int = 5) -> dict[str, float]:
    return cover(real, fake, radii(real, k), radii(fake, k), k)


def test_neighbours_on_a_line() -> None:
    line = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    assert nearest(torch.tensor([[2.5]]), line, 3).tolist() == [[0.5, 1.5, 2.5]]
    assert radii(line, 1).tolist() == [1, 1, 2, 4]
    assert radii(line, 3).tolist() == [7, 6, 4, 7]


def test_neighbours_are_those_of_scikit_learn_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = torch.randn(300, 64) + 30, torch.randn(500, 64) + 30
    expected, _ = (
        NearestNeighbors(n_neighbors=7, algorithm="brute").fit(y.double().numpy()).kneighbors(x.double().numpy())
    )
    for block in (1, 2000, 2**25):
        monkeypatch.setattr(manifold, "BLOCK", block)
        assert nearest(x, y, 7).numpy() == pytest.approx(expected, rel=1e-5)


def test_a_copy_is_at_exactly_nothing_far_from_the_origin() -> None:
    y = torch.randn(200, 784) + 1000
    assert nearest(y[:50], y).count_nonzero() == 0
    assert torch.cdist(y[:50], y).amin(1).count_nonzero() > 0  # what is to be avoided


def test_cover_is_that_of_its_authors() -> None:
    real, fake = torch.randn(400, 16), torch.randn(300, 16) * 0.8 + 0.3
    ours, theirs = _cover(real, fake), prdc.compute_prdc(real.double().numpy(), fake.double().numpy(), 5)
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert value > 0
        assert value == pytest.approx(theirs[name], abs=1e-9), name


def test_cover_does_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = torch.randn(200, 16), torch.randn(150, 16)
    whole = _cover(real, fake)
    monkeypatch.setattr(manifold, "BLOCK", 1000)
    assert _cover(real, fake) == whole


def test_cover_of_the_far_of_the_same_and_of_the_narrow() -> None:
    real = torch.randn(500, 8)
    assert set(_cover(real, real + 100).values()) == {0}
    same = _cover(real, torch.randn(500, 8))
    assert same["precision"] > 0.8 < same["recall"]
    assert same["density"] == pytest.approx(1, abs=0.1)
    narrow = _cover(real, torch.randn(500, 8) * 0.1)
    assert narrow["precision"] == 1
    assert narrow["recall"] < 0.01 > narrow["coverage"] - 0.2


@pytest.mark.parametrize("k", [0, 10])
def test_an_impossible_k_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="k must be a whole number from 1 to 9"):
        radii(torch.randn(10, 2), k)


def test_the_kernel_distance_is_that_of_torch_fidelity_on_all_images() -> None:
    real, fake = torch.randn(300, 16), torch.randn(300, 16) + 0.5
    expected = kid_features_to_metric(real.double(), fake.double(), kid_subsets=1, kid_subset_size=300, verbose=False)
    assert kernel_distance(real, fake, 10, 400) == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-4)


def test_the_frechet_distance_is_that_of_torch_fidelity() -> None:
    real, fake = torch.randn(300, 16), torch.randn(200, 16) * 0.7 + 0.5
    feature = nn.Flatten()
    feature.num_features = 16  # type: ignore[assignment]
    fid = FrechetInceptionDistance(feature)
    fid.update(real, real=True)
    fid.update(fake, real=False)
    expected = fid_statistics_to_metric(*map(fid_features_to_statistics, (real.double(), fake.double())), verbose=False)
    assert fid.compute().item() == pytest.approx(expected["frechet_inception_distance"], rel=1e-4)


def test_the_kernel_distance_repeats_itself_and_leaves_the_global_generator_alone() -> None:
    real, fake = torch.randn(800, 16), torch.randn(600, 16)
    state = torch.get_rng_state()
    first = kernel_distance(real, fake, 10, 400)
    assert torch.equal(torch.get_rng_state(), state)
    torch.randn(7)
    assert kernel_distance(real, fake, 10, 400) == first == pytest.approx(0, abs=0.02)


class OneHot(nn.Module):
    num_features = 3

    def forward(self, x: Tensor) -> Tensor:
        return torch.eye(3)[x]


def test_the_smallest_class_is_the_rarest_among_fakes() -> None:
    smallest = SmallestClass(OneHot())
    smallest.update(torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2, 0]), real=False)
    smallest.update(torch.zeros(50, dtype=torch.long), real=True)
    assert smallest.compute().item() == pytest.approx(0.2)
    smallest.reset()
    smallest.update(torch.tensor([0, 1]), real=False)
    assert smallest.compute().item() == 0
