"""Every configuration file composes, resolves, and is named for what it makes."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from gan import names
from gan.cli.compose import compose, plain
from gan.file import CONF

STUDY = ("sampler", "pruner", "sweep")  # groups of tune.yaml, the others being train.yaml's
DRAWN = ("preset",)  # of generate.yaml, which draws
GROUPS = sorted(path for path in CONF.glob("*/*.yaml") if path.parent.name not in STUDY + DRAWN)
DOCS = CONF.parent / "docs"  # a folder with pictures
ROOTS = sorted(path.stem for path in CONF.glob("*.yaml"))


def _targets(config: object) -> Iterator[str]:
    """Every ``_target_`` of a plain configuration."""
    if isinstance(config, dict):
        if "_target_" in config:
            yield config["_target_"]
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _targets(value)


def _compose(path: Path) -> dict[str, object]:
    group = path.parent.name
    if path.stem == "folder":
        return plain(compose("train", ["data=folder", f"data.root='{DOCS}'", "run_dir=somewhere"]))
    word = f"callback=[quality,{path.stem}]" if group == "callback" else f"{group}={path.stem}"
    return plain(compose("train", [word, "run_dir=somewhere"]))


@pytest.mark.parametrize("path", GROUPS, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_every_choice_composes_and_every_target_resolves(path: Path) -> None:
    config = _compose(path)
    for target in _targets(config):
        assert get_class(target)
    assert instantiate(config["model"], _convert_="all")


@pytest.mark.parametrize(
    "path", [path for group in STUDY for path in sorted((CONF / group).glob("*.yaml"))], ids=lambda path: path.stem
)
def test_every_choice_of_a_study_composes_and_every_target_resolves(path: Path) -> None:
    for target in _targets(plain(compose("tune", [f"{path.parent.name}={path.stem}"]))):
        assert get_class(target)


@pytest.mark.parametrize("root", ROOTS)
def test_every_root_composes(root: str) -> None:
    assert compose(root, ["run_dir=somewhere"] if root == "train" else []) is not None


def _target(path: Path) -> dict[str, str]:
    """The node of a file that names its class."""
    config = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    node = config.get(path.stem, config)
    return node.get("dataset", node)


# Not those that make several things or nothing, or a library's class under our word.
NAMED = [path for path in GROUPS if "_target_" in _target(path) and path.stem not in {"none", "default", "tensorboard"}]


@pytest.mark.parametrize("path", NAMED, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_a_file_is_named_for_the_class_it_targets(path: Path) -> None:
    name = _target(path)["_target_"].rsplit(".", 1)[1]
    names = {name.lower(), re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()}
    split = _target(path).get("split")  # EMNIST's, the digits being meant where no other is said
    assert path.stem in names | {f"{name.lower()}_{split}"}


@pytest.mark.parametrize("path", sorted(CONF.glob("data/*.yaml")), ids=lambda path: path.stem)
def test_a_data_set_names_its_source_its_tag_and_its_classifier(path: Path) -> None:
    root = [f"data.root='{DOCS}'"] if path.stem in ("folder", "memory_mapped") else []
    config = compose("train", [f"data={path.stem}", *root, "run_dir=x"]).data
    assert path.read_text().startswith("# ")
    assert config.name == path.stem
    assert config.tag == {"mnist": "", "digits": "_bundled_digits"}.get(path.stem, f"_{path.stem}")
    assert config.fallback == ("digits" if path.stem == "mnist" else "none")
    assert config.classifier in {"mnist", "mnist*3"} or config.classifier.startswith(f"{config.root}/")


def test_the_names_people_type_need_no_plus() -> None:
    words = [
        "optimizer.lr=1e-4", "batch_size=64", "seed=1", "ckpt=null", "experiment=report", "network=report",
        "loss=hinge",
        "penalty=r1", "augment=none", "data=mnist", "data.root=x", "data.fallback=none", "metric=digits",
        "trainer=default", "trainer.max_epochs=1", "trainer.limit_train_batches=1", "trainer.limit_val_batches=1",
        "trainer.accelerator=cpu", "trainer.devices=1", "trainer.precision=32-true", "run_dir=x",
    ]  # fmt: skip
    cfg = compose("train", words)
    assert (cfg.optimizer.lr, cfg.batch_size, cfg.trainer.precision) == (1e-4, 64, "32-true")
    assert cfg.model.generator._target_ == "gan.network.report.Generator"


def test_the_report_is_the_reports_run() -> None:
    cfg = compose("train", ["experiment=report", "run_dir=x"])
    assert cfg.model.loss._target_ == "gan.loss.NonSaturating"
    assert cfg.model.penalty._target_ == "gan.penalty.Zero"
    assert cfg.model.ema_half_life_images == 0
    assert (cfg.optimizer._target_, cfg.optimizer.lr, cfg.batch_size) == ("torch.optim.Adam", 1e-4, 64)
    assert cfg.trainer.max_epochs == 10
    assert (cfg.callback.grid.rows, cfg.callback.grid.columns) == (4, 4)


@pytest.mark.parametrize("path", sorted(CONF.glob("experiment/*.yaml")), ids=lambda path: path.stem)
def test_an_experiment_names_its_source_and_holds_only_overrides(path: Path) -> None:
    first, second, *_ = path.read_text().splitlines()
    assert first == "# @package _global_"
    assert second.startswith("# ")
    assert "_target_" not in path.read_text()


def test_the_only_hydra_interpolation_outside_hydra_is_run_dir() -> None:
    for path in CONF.rglob("*.yaml"):
        body = path.read_text().split("\nhydra:")[0]
        assert [line for line in body.splitlines() if "${hydra" in line and not line.startswith("run_dir:")] == []


def test_class_names_are_those_of_the_published_sets() -> None:
    def found(name: str) -> tuple[str, ...]:
        data = plain(compose("train", [f"data={name}", "run_dir=x"]))["data"]  # what a checkpoint carries
        return names.validate_names(data["names"], data["classes"])

    assert found("mnist") == found("svhn") == tuple("0123456789")
    assert found("emnist_letters") == tuple(string.ascii_uppercase)
    assert found("emnist_balanced") == tuple(string.digits + string.ascii_uppercase + "abdefghnqrt")
    assert found("kmnist")[::9] == ("o", "wo")
    assert found("fashion_mnist")[::9] == ("T-shirt", "Ankle boot")
    assert names.find(found("stacked_mnist"), 7) == 7
