"""The card: what moves which figure, and that what real images give is found once."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan.image import to_float, to_uint8
from gan.metric import card as rooms
from gan.metric import feature
from gan.metric.card import Card, Figures, Seen, see_bytes

TRAINING, REAL, MORE = slice(0, 2000), slice(4000, 5000), slice(5000, 6000)


@pytest.fixture(scope="module")
def digits(mnist: str) -> tuple[Tensor, Tensor]:
    """Images for every part, from MNIST's test set, its easy and its hard half mixed."""
    from torchvision.datasets import MNIST

    test = MNIST(mnist, train=False)
    order = torch.randperm(len(test), generator=torch.Generator().manual_seed(0))
    return test.data[order].unsqueeze(1), test.targets[order]


@pytest.fixture(scope="module")
def card(digits: tuple[Tensor, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Card:
    real, other, training = ((digits[0][part], digits[1][part]) for part in (REAL, MORE, TRAINING))
    return Card("mnist", 5, tmp_path_factory.mktemp("keep"), real, other, training, own=False)


def _judge(card: Card, x: Tensor, y: Tensor) -> Figures:
    return card.figures(see_bytes(card.extractor, (to_uint8(x), y)))


@pytest.fixture(scope="module")
def spoilt(card: Card, digits: tuple[Tensor, Tensor]) -> Callable[[str], Figures]:
    """Figures of real images that something was done to."""
    x, y = to_float(digits[0][MORE]), digits[1][MORE]
    source = torch.Generator().manual_seed(0)
    noise = torch.randn(x.shape, generator=source)
    known, where = to_float(digits[0][TRAINING])[:1000], digits[1][TRAINING][:1000]
    ways: dict[str, tuple[Tensor, Tensor]] = {
        "nothing": (x, y),
        "blur": (avg_pool2d(x, 7, 1, 3), y),
        "noise": (x + noise, y),
        "no sevens": (x[y != 7].repeat(2, 1, 1, 1)[:1000], y[y != 7].repeat(2)[:1000]),
        "one image": (to_float(digits[0][REAL])[:1] + 0.05 * noise, digits[1][REAL][:1].expand(1000)),
        "half copied": (torch.cat([x[:500], known[:500] + 0.02 * noise[:500]]), torch.cat([y[:500], where[:500]])),
    }
    found = {way: _judge(card, *made) for way, made in ways.items()}
    return found.__getitem__


@pytest.mark.slow
def test_other_real_images_get_the_floor(spoilt: Callable[[str], Figures]) -> None:
    figures = spoilt("nothing")
    for name in ("kid_digits", "precision_k5", "coverage_k5", "smallest_class", "label_agreement", "class_share_7"):
        assert figures[name] == pytest.approx(figures[f"{name}_floor"], abs=1e-6), name
    assert figures["precision_k5"] > 0.9 < figures["recall_k5"]
    assert figures["nearest_pixels"] == pytest.approx(1, abs=0.05)
    assert figures["nearest_features"] == pytest.approx(1, abs=0.1)
    assert abs(figures["kid_digits"]) < 0.1
    assert figures["planted_found"] == 1
    assert figures["copies"] < 0.03 > figures["copies_floor"]
    assert figures["duplicates"] < 0.03 > figures["duplicates_floor"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["blur", "noise"])
def test_spoilt_images_are_less_precise_and_cover_less(spoilt: Callable[[str], Figures], way: str) -> None:
    figures, real = spoilt(way), spoilt("nothing")
    assert figures["kid_digits"] > real["kid_digits"] + 0.2
    assert figures["precision_k5"] < real["precision_k5"] - 0.2
    assert figures["density_k5"] < real["density_k5"] - 0.2
    assert figures["coverage_k5"] < real["coverage_k5"] - 0.2
    assert figures["planted_found"] == 1


@pytest.mark.slow
def test_a_dropped_class_shows(spoilt: Callable[[str], Figures]) -> None:
    figures, real = spoilt("no sevens"), spoilt("nothing")
    assert figures["smallest_class"] < 0.01 < real["smallest_class"] - 0.05
    assert figures["class_share_7"] < 0.01 < figures["class_share_7_floor"]
    assert figures["recall_k5"] < real["recall_k5"] - 0.05
    assert figures["precision_k5"] == pytest.approx(real["precision_k5"], abs=0.05)
    assert "label_agreement_7" not in figures


@pytest.mark.slow
def test_one_image_again_and_again_is_precise_but_recalls_nothing(spoilt: Callable[[str], Figures]) -> None:
    figures = spoilt("one image")
    assert figures["precision_k5"] > 0.9
    assert figures["recall_k5"] < 0.05 > figures["coverage_k5"]
    assert figures["duplicates"] == 1
    assert figures["smallest_class"] == 0
    assert figures["copies"] < 0.01


@pytest.mark.slow
def test_copied_training_images_are_found_though_they_look_best(spoilt: Callable[[str], Figures]) -> None:
    figures, real = spoilt("half copied"), spoilt("nothing")
    assert 0.5 <= figures["copies"] < 0.53
    assert figures["nearest_pixels"] < 0.8 > figures["nearest_features"]
    assert figures["precision_k5"] == pytest.approx(real["precision_k5"], abs=0.05)


@pytest.mark.slow
def test_figures_of_labels_are_left_out_without_labels(card: Card, digits: tuple[Tensor, Tensor]) -> None:
    x = to_float(digits[0][MORE])
    figures = _judge(card, x, torch.full((1000,), -1))
    assert not any(name.startswith("label_agreement") for name in figures)
    assert {"smallest_class_floor", "recall_k5_floor"} <= set(figures)


def test_real_images_that_were_trained_on_do_not_count_as_their_own_copies(digits: tuple[Tensor, Tensor]) -> None:
    training = to_float(digits[0][:500]).flatten(1)
    mine = rooms.near(training[:100], training, own=True)
    assert (mine.distance > mine.limit).any()
    others = rooms.near(training[:1], training[1:])
    assert mine.distance[0].item() == pytest.approx(others.distance.item())
    again = rooms.near(training[:100], training)
    assert (again.distance <= again.limit).all()


def _small(digits: tuple[Tensor, Tensor], keep: Path, k: int = 3) -> Card:
    parts = [(digits[0][part], digits[1][part]) for part in (slice(0, 60), slice(60, 120), slice(120, 300))]
    return Card("mnist", k, keep, *parts, own=False)


@pytest.fixture
def fakes(digits: tuple[Tensor, Tensor]) -> Seen:
    return see_bytes(feature.load("mnist"), (digits[0][300:360], digits[1][300:360]))


def test_what_real_images_give_is_found_once(
    digits: tuple[Tensor, Tensor], fakes: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _small(digits, tmp_path).figures(fakes)
    files = list(tmp_path.iterdir())
    assert len(files) == 2  # by features, and by pixels
    with monkeypatch.context() as patch:
        patch.setattr(Card, "_find_features", lambda _: pytest.fail("found again"))
        patch.setattr(Card, "_find_pixels", lambda _: pytest.fail("found again"))
        assert _small(digits, tmp_path).figures(fakes) == first
    for file in files:
        whole = file.read_bytes()
        for damaged in (whole[:-1], b"", whole[:-5] + b"\0" + whole[-4:]):
            file.write_bytes(damaged)
            assert _small(digits, tmp_path).figures(fakes) == first
            assert file.read_bytes() == whole
    _small(digits, tmp_path, k=4).figures(fakes)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_does_no_harm(
    digits: tuple[Tensor, Tensor], fakes: Seen, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert _small(digits, tmp_path / "file" / "keep").figures(fakes)["planted_found"] == 1
    assert "cache: cannot write" in caplog.text


@pytest.mark.slow
def test_utility_is_of_labels_that_mean_something(digits: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    x, y = digits
    train, card = (x[500:2036], y[500:2036]), Card("mnist", 5, tmp_path, *[(x[:500], y[:500])] * 3, own=True)
    shuffled = card.utility((train[0], train[1].roll(1)), train, epochs=3, bf16=False)
    assert shuffled["cas"] < 0.2
    assert shuffled["cas_floor"] > 0.6


@pytest.mark.parametrize("k", [0, 60])
def test_an_impossible_k_is_refused(digits: tuple[Tensor, Tensor], tmp_path: Path, k: int) -> None:
    with pytest.raises(ValueError, match="k must be a whole number from 1 to 59"):
        _small(digits, tmp_path, k)


def test_images_that_the_classifier_does_not_read_are_refused(tmp_path: Path) -> None:
    pair = torch.zeros(10, 3, 32, 32, dtype=torch.uint8), torch.zeros(10, dtype=torch.long)
    with pytest.raises(ValueError, match="reads images of 1x28x28, not 3x32x32"):
        Card("mnist", 5, tmp_path, pair, pair, pair, own=False)
