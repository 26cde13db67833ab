"""Metrics: closed forms, meaning, and the classifier they rest on."""

import json
import math
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchmetrics import MetricCollection
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.utilities import dim_zero_sum

from gan.callback.quality import Quality
from gan.cli.compose import compose
from gan.error import UserError
from gan.file import sha256, write_weights
from gan.image import to_float
from gan.metric import feature
from gan.metric.inception import Inception
from gan.metric.score import InceptionScore, LabelAgreement, ModeKL, ModesCovered


class Flat(nn.Module):
    """Images are their own features."""

    num_features = 8

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def _metrics() -> MetricCollection:
    metrics = instantiate(compose("train", ["run_dir=."]).metric, _convert_="all")
    return MetricCollection(metrics, compute_groups=False)


def test_fid_of_two_normals_two_apart_in_eight_dimensions_is_32() -> None:
    fid = FrechetInceptionDistance(feature=Flat())
    z = torch.randn(200_000, 8)
    fid.update(z, real=True)
    fid.update(torch.randn(200_000, 8) + 2, real=False)
    assert fid.compute().item() == pytest.approx(32, rel=0.01)


def test_inception_score_is_ten_for_ten_certain_classes_and_one_for_constants() -> None:
    score = InceptionScore(Flat())
    score.update(torch.eye(10).repeat(50, 1) * 100, real=False)
    assert score.compute().item() == pytest.approx(10, abs=1e-3)
    score.reset()
    score.update(torch.ones(500, 10), real=False)
    assert score.compute().item() == pytest.approx(1, abs=1e-6)


def test_inception_score_leaves_the_global_generator_alone_and_skips_real_images() -> None:
    score = InceptionScore(Flat(), splits=5)
    score.update(torch.ones(500, 10), real=True)
    score.update(torch.eye(10).repeat(50, 1) * 100, real=False)
    state = torch.get_rng_state()
    first = score.compute().item()
    score._computed = None
    assert score.compute().item() == first > 9
    assert torch.equal(torch.get_rng_state(), state)


def test_label_agreement_counts_labelled_fakes() -> None:
    agreement = LabelAgreement(Flat())
    agreement.update(torch.eye(10), real=False, labels=torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 0, 0]))
    agreement.update(torch.eye(10), real=True, labels=torch.zeros(10, dtype=torch.long))
    assert agreement.compute().item() == pytest.approx(0.8)
    agreement.reset()
    agreement.update(torch.eye(10), real=False, labels=torch.full((10,), -1))
    assert agreement.compute().isnan()


def test_metrics_share_one_pass_and_their_extractor_stays_frozen() -> None:
    frozen = feature.load("mnist")
    passes = []
    hook = frozen.classifier.register_forward_hook(lambda *_: passes.append(1))
    metrics = _metrics().train()
    x = torch.randn(4, 1, 28, 28)
    metrics.update(imgs=x, real=False, labels=torch.zeros(4, dtype=torch.long))
    hook.remove()
    assert len(passes) == 1
    assert not any(module.training for module in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    with torch.autocast("cpu", torch.bfloat16):
        assert frozen(x + 1)[0].dtype == torch.float32


@pytest.mark.parametrize(("name", "least"), [("mnist", 0.994), ("mnist_second", 0.995)])
def test_the_shipped_classifiers_read_mnist_as_their_json_says(name: str, least: float, mnist: str) -> None:
    from torchvision.datasets import MNIST

    card = json.loads((feature.WEIGHTS / f"{name}.json").read_text())
    test = MNIST(mnist, train=False)
    found = feature.accuracy(feature.load(name).classifier, to_float(test.data.unsqueeze(1)), test.targets)
    assert card["test_accuracy"] >= least
    assert found == pytest.approx(card["test_accuracy"], abs=2e-4)  # a batch norm folded in can turn a doubtful one
    assert (feature.WEIGHTS / f"{name}.safetensors").stat().st_size < 2e6


def test_the_second_classifier_is_another_network_with_another_seed_and_its_own_errors(mnist: str) -> None:
    one, two = (feature.weights_info(name) for name in ("mnist", "mnist_second"))
    assert (one["network"], two["network"]) == ("stack", "residual")
    assert one["seed"] != two["seed"]
    assert (feature.second("mnist*3"), feature.second("a/b")) == ("mnist_second*3", "a/b_second")
    x, y = _digits(mnist)
    wrong = [feature.load(name)(x)[1].argmax(1) != y for name in ("mnist", "mnist_second")]
    assert (wrong[0] & wrong[1]).sum() < min(map(sum, wrong))


def _digits(mnist: str) -> tuple[Tensor, Tensor]:
    from torchvision.datasets import MNIST

    test = MNIST(mnist, train=False)
    return to_float(test.data[:4000].unsqueeze(1)), test.targets[:4000]


def _score(real: Tensor, fake: Tensor, labels: Tensor, batch: int = 500) -> dict[str, float]:
    metrics = _metrics()
    for x in real.split(batch):
        metrics.update(imgs=x, real=True, labels=None)
    for x, y in zip(fake.split(batch), labels.split(batch), strict=True):
        metrics.update(imgs=x, real=False, labels=y)
    return {name: value.item() for name, value in metrics.compute().items()}


def test_figures_move_the_way_they_should(mnist: str) -> None:
    x, y = _digits(mnist)
    a, b, y_b = x[:1000], x[2000:3000], y[2000:3000]
    floor = _score(a, b, y_b)
    blurred = _score(a, torch.nn.functional.avg_pool2d(b, 3, 1, 1), y_b)
    noisy = _score(a, b + 0.5 * torch.randn_like(b), y_b)
    no_sevens = _score(a, b[y_b != 7], y_b[y_b != 7])
    collapsed = _score(a, b[:1].expand(1000, -1, -1, -1), y_b[:1].expand(1000))
    for spoilt in (blurred, noisy, no_sevens, collapsed):
        assert spoilt["fid_digits"] > 3 * floor["fid_digits"]
    assert no_sevens["is_digits"] < floor["is_digits"] - 0.5
    assert collapsed["is_digits"] == pytest.approx(1, abs=1e-3)
    assert floor["label_agreement"] > 0.98
    assert _score(a, b, y_b.roll(1))["label_agreement"] < 0.2


def test_a_set_against_itself_is_zero_in_any_order_and_batch(mnist: str) -> None:
    x, y = _digits(mnist)
    assert abs(_score(x, x.flip(0), y.flip(0), batch=330)["fid_digits"]) < 1e-3


def test_a_classifier_nobody_fitted_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"fit one with python -m gan\.fit_classifier data=roman"):
        feature.load("roman")


def test_an_altered_classifier_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.safetensors").write_bytes(b"altered")
    (tmp_path / "mine.json").write_text(json.dumps({"sha256": "0" * 64, "test_accuracy": 0.9}))
    monkeypatch.setattr(feature, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match="sha256 differs"):
        feature.load("mine")


def test_inception_without_weights_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"metric\.fid_inception\.feature\.weights=FILE, or use metric=digits"):
        Inception(str(tmp_path / "missing.pth"))


@pytest.mark.slow
def test_inception_takes_our_images(tmp_path: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # Weights of the right shapes: what is tested is the way in and out, not the figure.
    bare = FeatureExtractorInceptionV3.__new__(FeatureExtractorInceptionV3)
    real_load = torch.load
    shapes: dict[str, Tensor] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "load", lambda *_, **__: shapes)
        patch.setattr(nn.Module, "load_state_dict", lambda self, *_, **__: shapes.update(self.state_dict()))
        bare.__init__("x", ["2048"], str(tmp_path / "w.pth"))  # type: ignore[misc]
    torch.save(shapes, tmp_path / "w.pth")
    assert torch.load is real_load
    extractor = Inception(str(tmp_path / "w.pth"))
    assert extractor(torch.randn(2, 1, 28, 28).tanh()).shape == (2, 2048)


def test_jitter_keeps_the_range_and_moves_the_digit() -> None:
    x = torch.full((64, 1, 28, 28), -1.0)
    x[:, :, 8:20, 12:16] = 1
    y = feature.jitter(x, torch.Generator().manual_seed(0))
    assert y.min() >= -1
    assert y.max() <= 1.0001
    assert (y - x).abs().mean() > 0.02
    mass = ((y + 1) / 2).sum((1, 2, 3)) / 48
    assert ((mass > 0.7) & (mass < 1.4)).all()


def test_a_classifier_learns_what_it_is_shown() -> None:
    x = torch.full((256, 1, 28, 28), -1.0)
    y = torch.arange(256) % 2
    x[y == 1, :, 6:22, 12:16] = 1
    x[y == 0, :, 12:16, 6:22] = 1
    *_, fitted = feature.fit(x, y, classes=2, epochs=3, lr=1e-3, batch=32, seed=0)
    assert feature.accuracy(fitted, x, y) == 1
    assert not fitted.training


def test_modes_are_counted_and_their_unevenness_is_the_kl_from_uniform() -> None:
    covered, kl = (metric(Flat()) for metric in (ModesCovered, ModeKL))
    for metric in (covered, kl):
        metric.update(torch.eye(8)[:4].repeat(50, 1), real=False)  # half of the classes, evenly
        metric.update(torch.eye(8), real=True)
    assert covered.compute().item() == 4
    assert kl.compute().item() == pytest.approx(math.log(2))
    for metric in (covered, kl):
        metric.reset()
        metric.update(torch.eye(8), real=False)
    assert (covered.compute().item(), kl.compute().item()) == (8, pytest.approx(0, abs=1e-12))
    for metric in (covered, kl):
        metric.reset()
        metric.update(torch.eye(8)[:1].repeat(9, 1), real=False)
    assert (covered.compute().item(), kl.compute().item()) == (1, pytest.approx(math.log(8)))


def test_modes_of_two_processes_are_those_of_all() -> None:
    parts = [ModesCovered(Flat()) for _ in range(2)]
    for part, start in zip(parts, (0, 3), strict=True):
        part.update(torch.eye(8)[start : start + 4], real=False)
    assert parts[0]._reductions["counts"] is dim_zero_sum
    parts[0].counts += parts[1].counts
    assert parts[0].compute().item() == 7


def test_channels_read_one_by_one_are_all_combinations_the_first_counting_most() -> None:
    one = feature.load("mnist")
    two = feature.load("mnist*2")
    x = torch.randn(3, 2, 28, 28).tanh()
    (_, first), (_, second), (features, joint) = one(x[:, :1]), one(x[:, 1:].clone()), two(x)
    assert (two.shape, two.classes, two.width) == ((2, 28, 28), 100, 256)
    assert features.shape == (3, 256)
    assert joint.argmax(1).tolist() == (10 * first.argmax(1) + second.argmax(1)).tolist()
    assert two(x)[0] is features


@pytest.mark.parametrize("network", feature.NETWORKS)
@pytest.mark.parametrize(("channels", "size"), [(3, 32), (1, 64), (3, 20), (1, 4)])
def test_a_classifier_of_other_images_is_kept_and_loaded(
    network: str, channels: int, size: int, tmp_path: Path
) -> None:
    x, y = torch.randint(0, 256, (40, channels, size, size), dtype=torch.uint8), torch.arange(40) % 5
    *_, fitted = feature.fit(x, y, classes=5, epochs=1, lr=1e-3, batch=16, seed=0, network=feature.NETWORKS[network])
    path = tmp_path / "mine.safetensors"
    write_weights(fitted, path)
    card = {"sha256": sha256(path), "shape": fitted.shape, "classes": 5, "test_accuracy": 0.9, "network": network}
    path.with_suffix(".json").write_text(json.dumps(card))
    frozen = feature.load(f"{tmp_path}/mine")
    assert (frozen.shape, frozen.classes) == ((channels, size, size), 5)
    assert torch.allclose(frozen(to_float(x[:4]))[1], fitted(to_float(x[:4]))[1], atol=1e-4)
    path.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match=r"mine\.json is missing or damaged"):
        feature.weights_info(f"{tmp_path}/mine")


def _fitted(folder: Path, card: dict[str, object], weights: dict[str, Tensor] | None = None) -> str:
    """The name of a classifier in ``folder`` with another card or other weights than MNIST's."""
    path = folder / "mine.safetensors"
    save_file(weights or load_file(feature.WEIGHTS / "mnist.safetensors"), path)
    known = {"sha256": sha256(path), "test_accuracy": 0.9, "shape": [1, 28, 28], "classes": 10}
    path.with_suffix(".json").write_text(json.dumps(known | card))
    return f"{folder}/mine"


@pytest.mark.parametrize(
    "card",
    [
        {"shape": [1, 28]}, {"shape": [1, 28, 32]}, {"shape": "1x28x28"}, {"shape": [1, 10**6, 10**6]},
        {"shape": [1.0, 28, 28]}, {"classes": -1}, {"classes": 10**9}, {"classes": "10"}, {"classes": None},
        {"test_accuracy": math.nan}, {"test_accuracy": "high"}, {"sha256": 5}, {"sha256": None},
        {"network": "os.system"}, {"network": None}, {"network": ["stack"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_mistyped_card_of_a_classifier_is_one_line(card: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^metric: [^\n]*mine\.(json is missing|safetensors does not match)"):
        feature.load(_fitted(tmp_path, card))


@pytest.mark.parametrize("text", ["[]", "5", "{", "[" * 100_000, "\x00", " " * 2**21], ids=lambda text: text[:3])
def test_a_card_that_is_none_is_one_line(text: str, tmp_path: Path) -> None:
    name = _fitted(tmp_path, {})
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(UserError, match=r"^metric: [^\n]*mine\.json is missing or damaged"):
        feature.load(name)


@pytest.mark.parametrize("spoilt", ["nan", "inf", "shape", "missing", "more", "network", "noise", "pickle"])
def test_a_spoilt_classifier_is_one_line(spoilt: str, tmp_path: Path) -> None:
    weights = load_file(feature.WEIGHTS / "mnist.safetensors")
    if spoilt in ("nan", "inf"):
        weights["head.1.bias"][3] = float(spoilt)
    elif spoilt == "shape":
        weights["head.1.bias"] = torch.zeros(11)
    elif spoilt == "missing":
        del weights["head.1.bias"]
    elif spoilt == "more":
        weights["extra"] = torch.zeros(1)
    name = _fitted(tmp_path, {"network": "residual"} if spoilt == "network" else {}, weights)
    path = tmp_path / "mine.safetensors"
    if spoilt == "noise":
        path.write_bytes(bytes(range(256)) * 9)
    elif spoilt == "pickle":
        torch.save(weights, path)
    if spoilt in ("noise", "pickle"):
        card = {"sha256": sha256(path), "test_accuracy": 0.9}
        path.with_suffix(".json").write_text(json.dumps(card))
    message = {"nan": "has NaN or infinite weights", "inf": "has NaN or infinite weights"}
    message |= dict.fromkeys(("noise", "pickle"), "is damaged")
    with pytest.raises(UserError, match=message.get(spoilt, "has other weights than a classifier of 10 classes")):
        feature.load(name)


@pytest.mark.parametrize("name", ["mnist*x", "mnist*", "mnist*99", "mnist*-1", "mnist*3*3", "mnist*1e9"])
def test_a_classifier_is_repeated_a_few_times_at_most(name: str) -> None:
    with pytest.raises(UserError, match=r"NAME\*3"):
        feature.load(name)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_features_that_are_not_finite_never_reach_the_eigenvalues(broken: float) -> None:
    metrics = {"fid": FrechetInceptionDistance(feature=Flat(), reset_real_features=False), "is": InceptionScore(Flat())}
    quality = Quality(metrics)
    quality.metrics = quality._blank
    for real in (True, False):
        quality.metrics.update(imgs=torch.randn(20, 1, 2, 4), real=real)
    assert math.isfinite(quality._compute()["/fid"])
    quality.metrics.update(imgs=torch.full((20, 1, 2, 4), broken), real=False)
    with pytest.raises(UserError, match="the features of fid, is are not finite"):
        quality._compute()
