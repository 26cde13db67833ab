"""The two-sample test: real images pass for one another, and what is wrong with fakes is told."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from gan.image import to_float, to_uint8
from gan.metric import feature, two_sample
from gan.metric.two_sample import NOTHING, SHAPE, Pair, Scores, TwoSample, divide, match, network, shape, tell

SLACK = 4  # standard errors


def _blobs(count: int, seed: int, channels: int = 1, size: int = 8) -> Tensor:
    """Soft random strokes, as bytes."""
    noise = torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(seed))
    return to_uint8((avg_pool2d(noise, 3, 1, 1) - 0.55) * 8)


def _halo(x: Tensor) -> Tensor:
    """Grey levels of 1 to 20 on the black around the strokes."""
    levels = torch.randint(1, 21, x.shape, generator=torch.Generator().manual_seed(0))
    rim = (x == 0) & (max_pool2d(x.float(), 3, 1, 1) > 127)
    return torch.where(rim, levels.to(torch.uint8), x)


@pytest.fixture(scope="module")
def pool() -> Pair:
    """1,600 real images of four classes, one of which has an odd number."""
    return _blobs(1600, seed=0), torch.arange(1600) ** 2 % 7


@pytest.fixture(scope="module")
def test(pool: Pair) -> TwoSample:
    return TwoSample(pool, 10**6, steps=30, bf16=False)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cache."""
    return tmp_path_factory.mktemp("keep")


def _coarse(x: Tensor) -> Tensor:
    """The same shapes in two grey levels."""
    return x // 128 * 128


MNIST = feature.load("mnist")  # it reads classes where labels are missing


def test_the_real_images_are_two_random_halves_of_each_class_without_a_common_image(pool: Pair) -> None:
    pairs = divide(pool[1], 10**6)
    assert len(pairs.unique()) == 2 * len(pairs) >= 1600 - 4
    assert torch.equal(*pool[1][pairs].T)
    assert torch.equal(divide(pool[1], 10), pairs[:10])
    assert pairs.double().mean(0).tolist() == pytest.approx([800, 800], abs=SLACK * 1600 / 12**0.5 / 800**0.5)


def test_of_each_class_as_many_fakes_are_judged_as_real_images() -> None:
    real, fake = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([2, 3, 0, 0, 0, 2])
    pairs = match(real, fake)
    assert real[pairs[:, 0]].tolist() == fake[pairs[:, 1]].tolist() == [0, 0, 2, 2]
    assert len(pairs[:, 0].unique()) == len(pairs[:, 1].unique()) == 4


def test_accuracy_and_auc_have_their_closed_forms() -> None:
    def scores(real: list[float], fake: list[float]) -> list[float]:
        found = Scores(torch.tensor(real), torch.tensor(fake), torch.empty(0))
        return [found.accuracy, found.auc]

    assert scores([1, 2], [-1, -2]) == [1, 1]
    assert scores([-1, -2], [1, 2]) == [0, 0]
    assert scores([1, -1], [1, -1]) == [0.5, 0.5]
    assert scores([3, 3, 3], [3, 3]) == [0.5, 0.5]
    assert scores([-1, -2, 4, 5], [-3, -4]) == [0.75, 1]


def test_real_images_pass_for_real_ones_and_their_shapes_in_other_greys(test: TwoSample, keep: Path) -> None:
    verdict = test.judge((_blobs(len(test.real), seed=1), test.labels), MNIST, keep)
    assert verdict.pairs == len(test.real)
    assert verdict.error == pytest.approx(0.5 / len(test.real) ** 0.5)
    for name, value in verdict.figures.items():
        assert value == pytest.approx(0.5, abs=SLACK * verdict.error), name
    assert len(verdict.figures) == 8
    spoilt = test.judge((_coarse(test.other), test.labels), MNIST, keep).figures
    assert spoilt["c2st"] > 0.75 < spoilt["c2st_auc"]
    assert spoilt["c2st_binary"] == pytest.approx(0.5, abs=SLACK * verdict.error)


def test_a_grey_rim_around_strokes_is_told(test: TwoSample) -> None:
    assert tell(test.real, _halo(test.other), steps=80).auc > 0.65


def test_what_differs_in_grey_levels_alone_has_the_same_shape() -> None:
    x = _blobs(200, seed=0)
    other = _coarse(x) + 60
    assert torch.equal(shape(x), shape(other))
    assert shape(torch.tensor([0, 127, 128, 255], dtype=torch.uint8)).tolist() == [-1, -1, 1, 1]
    told = tell(x, other, steps=5, view=SHAPE)
    assert (told.accuracy, told.auc) == (0.5, 0.5)


def test_the_same_few_images_again_and_again_are_told_and_copies_of_real_ones_pass(test: TwoSample, keep: Path) -> None:
    half = len(test.real)
    again = test.judge((test.other[:8].repeat(half // 8 + 1, 1, 1, 1)[:half], test.labels), MNIST, keep)
    assert again.figures["c2st"] > 0.9
    copied = test.judge((test.real.roll(1, 0), test.labels), MNIST, keep)
    assert copied.figures["c2st"] < 0.5 + SLACK * copied.error  # other figures of the card find copies


def test_the_most_telling_fakes_come_first(test: TwoSample, keep: Path) -> None:
    x = test.other.clone()
    x[::2] = _coarse(x[::2])
    verdict = test.judge((x, test.labels), MNIST, keep)
    spoilt = {image.numpy().tobytes() for image in x[::2]}
    shown = [[image.numpy().tobytes() in spoilt for image in part] for part in (verdict.most_fake, verdict.most_real)]
    assert [len(part) for part in shown] == [64, 64]
    assert sum(shown[0]) > 50 > 20 > sum(shown[1])


def test_without_labels_classes_are_read_and_their_shares_are_no_help(
    test: TwoSample, monkeypatch: pytest.MonkeyPatch, keep: Path
) -> None:
    monkeypatch.setattr(two_sample, "read", lambda _, x: (x.float().mean((1, 2, 3)) > 60).long())
    classes = two_sample.read(MNIST, test.other)
    fakes = torch.cat([test.other[classes == 0], test.other[classes == 1][:100]])
    verdict = test.judge((fakes, torch.full((len(fakes),), -1)), MNIST, keep)
    count = (two_sample.read(MNIST, test.real) == 0).sum()
    assert verdict.pairs == 100 + min(count, (classes == 0).sum())
    assert verdict.figures["c2st"] == pytest.approx(0.5, abs=SLACK * verdict.error)


def test_the_classifier_reads_as_many_classes_as_images(mnist: str) -> None:
    from torchvision.datasets import MNIST as Data

    data = Data(mnist, train=False)
    x, y = data.data[:300, None], data.targets[:300]
    assert (two_sample.read(MNIST, x) == y).double().mean() > 0.97


def test_fewer_than_twenty_pairs_have_no_figure(pool: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    few = TwoSample((pool[0][:30], pool[1][:30]), 100, 1, False)
    assert few.judge((few.other, few.labels), MNIST, tmp_path) == NOTHING
    assert "c2st is left out: only" in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (1, 28), (3, 20), (3, 33)])
def test_images_of_every_size_are_judged(channels: int, size: int, tmp_path: Path) -> None:
    pool = _blobs(90, 0, channels, size), torch.arange(90) % 2
    test = TwoSample(pool, 100, 1, False)
    verdict = test.judge((test.other, test.labels), MNIST, tmp_path)
    assert verdict.most_fake.shape == (22, channels, size, size)
    for cells in (1, 7):
        assert network(channels, cells).eval()(torch.zeros(2, channels, size, size)).shape == (2, 1)


def test_the_test_is_the_same_again_and_moves_no_random_numbers(test: TwoSample, pool: Pair) -> None:
    before = torch.get_rng_state()
    first, second = (tell(test.real, test.other, 3) for _ in range(2))
    assert torch.equal(first.real, second.real)
    assert torch.equal(before, torch.get_rng_state())


def test_the_floor_is_found_once(pool: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = pool[0][:100], pool[1][:100]
    settings = {"images": 40, "steps": 1, "bf16": False}
    first = TwoSample(few, **settings).floor(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(two_sample, "tell", lambda *_: pytest.fail("found again"))
        assert TwoSample(few, **settings).floor(tmp_path) == first
    for i, change in enumerate(({"images": 30}, {"steps": 2}, {"bf16": True})):
        TwoSample(few, **settings | change).floor(tmp_path)
        assert len(list(tmp_path.iterdir())) == i + 2
    TwoSample((few[0] + 1, few[1]), **settings).floor(tmp_path)
    assert len(list(tmp_path.iterdir())) == 5


@pytest.fixture(scope="module")
def digits(mnist: str) -> TwoSample:
    """MNIST's training images, of which 10,000 are told from 10,000 others."""
    from torchvision.datasets import MNIST as Data

    data = Data(mnist, train=True)
    return TwoSample((data.data[:, None], data.targets), 10_000, 300, bf16=False)


@pytest.mark.slow
def test_mnist_passes_for_itself_and_what_is_done_to_it_is_told(digits: TwoSample, keep: Path) -> None:
    floor, x = digits.floor(keep), digits.other
    assert all(value == pytest.approx(0.5, abs=0.02) for value in floor.values()), floor
    ways = {
        "blur": to_uint8(avg_pool2d(to_float(x), 3, 1, 1)),
        "halo": _halo(x),
        "bold": max_pool2d(x.float(), 2, 1, 1)[:, :, :-1, :-1].byte(),
    }
    found = {way: digits.judge((made, digits.labels), MNIST, keep).figures for way, made in ways.items()}
    assert found["blur"]["c2st"] > 0.99 < found["blur"]["c2st_auc"]
    assert found["halo"]["c2st"] > 0.95 < found["halo"]["c2st_auc"]
    assert found["halo"]["c2st_binary"] == pytest.approx(0.5, abs=0.02)
    assert found["bold"]["c2st_binary"] > 0.8
