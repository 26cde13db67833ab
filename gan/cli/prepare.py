"""Before a training: continue another run, find the data and its classifier, choose the folder."""

import json
import math
import re
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from gan import terminal
from gan.cli import carry, jobs, run_folder
from gan.cli.compose import compose, parse, plain, quote
from gan.cli.output import require_writable
from gan.error import UserError
from gan.terminal import say

PIXELS_PER_MINUTE = 1.2e8  # on two cores


def prepare_training(words: list[str]) -> list[str]:
    """Rewrite the overrides of ``train.py``: continue a run, set the folder, settle the data.

    The folder is claimed first, and what stands in it is removed last, once all else is well.
    """
    words = _set_folder(_continue(words))
    folder, is_sweep = run_folder.claim(words), run_folder.is_sweep(words)
    if is_sweep and run_folder.is_first_process():
        jobs.require_several(folder, words)
    words = fit_missing_classifier(settle_data(words))
    if is_sweep and not folder:
        words = _name_sweep(words)
        folder = run_folder.claim(words)
    if folder and is_sweep:
        _say_jobs(folder, words, jobs.assign_folders(folder, words))
    elif folder:
        if run_folder.asks_overwriting(words):
            run_folder.clear(folder)
        run_folder.bring(folder, words)
    return words


def _continue(words: list[str]) -> list[str]:
    """Put the words and the folder of ``ckpt=RUN/last.ckpt`` before those typed now."""
    typed = [word for word in words if word.startswith("ckpt=")]
    path = OmegaConf.create({"path": parse(typed[-1]).value()}).path if typed else None
    if not path:
        return words
    from gan import checkpoint  # imports torch, which takes seconds

    run = checkpoint.load_contents(path)["hyper_parameters"]
    kept = carry.carried(path, run["overrides"], words)
    kept = [*carry.former_words(kept, words, run["config"]), *kept]
    folder = quote(f"run_dir={Path(path).absolute().parent}")
    return [*kept, "data.fallback=none", folder, *words]  # without its own data, an error


def data_overrides(words: list[str]) -> list[str]:
    """The overrides that choose the data, without those that sweep over it."""
    return [word for word in words if _is_of_data(word) and not parse(word).is_sweep_override()]


def _is_of_data(word: str) -> bool:
    return bool(re.match(r"[+~]*data[.=]", word))


def settle_data(words: list[str]) -> list[str]:
    """Replace unavailable data by its ``data.fallback``; figures are named for the data used."""
    from gan.data import Unavailable  # imports Lightning, which takes seconds

    data = compose("train", [*data_overrides(words), "run_dir=."]).data
    try:
        instantiate(data, judge_images=2, batch_size=1, _convert_="all")
    except InstantiationException as error:
        if not isinstance(error.__cause__, Unavailable) or data.fallback == "none":
            raise
        line, used = "=" * 100, f"data={data.fallback}"
        say(f"{line}\nWARNING: {error.__cause__}")
        say(f"THIS RUN IS NOT {data.name.upper()}: it trains on {used}, and its figures are named for that.")
        say(f"data.fallback=none makes this an error.\n{line}")
        return [*(word for word in words if not _is_of_data(word)), used]
    return words


def fit_missing_classifier(words: list[str]) -> list[str]:
    """Fit the data's own classifier if it is needed and missing, or outdated; return ``words``.

    A sweep over data sets fits none: its jobs fail with a message. Raises UserError for a training
    that would fail anyway, and for an outdated classifier that is not the project's to replace.
    """
    from gan.cli import fitted, training  # imports torch, which takes seconds
    from gan.metric import feature

    chosen, cfg = data_overrides(words), compose("train", [*_fixed(words), "run_dir=."])
    config = plain(cfg)
    if not (is_sweep := run_folder.is_sweep(words)):
        training.validate(cfg, config)
    if cfg.data.classes == 1:
        _say_who_judges(config)
        return words
    if not fitted.find_own(config):
        return words
    path, data = feature.weights_path(cfg.data.classifier), instantiate(cfg.data, _convert_="all")
    data.setup()
    if path.is_file():
        fault = fitted.find_fault(data, config["data"], cfg.data.classifier)
        if not fault:
            return words
        if config["data"]["md5"] or any(word.startswith("data.classifier=") for word in words):
            raise UserError(f"data: the classifier {path} {fault}: delete it to fit it again, or choose another")
        say(f"data: the classifier {path} {fault}: it is replaced")
    if not is_sweep:
        # What these refuse, they refuse before minutes of fitting.
        fitted.require_labels(data, instantiate(cfg.model, _convert_="all"))
    card = fit_classifier(compose("fit_classifier", chosen), chosen)
    say(f"test accuracy {card['test_accuracy']:.2%} on {card['test_images']:,} images")
    return words


def _say_who_judges(config: dict[str, Any]) -> None:
    """Say which classifier judges images of one class. Raises UserError if MNIST's cannot."""
    data = config["data"]
    if "'mnist'" in str(config["metric"]):
        if (data["channels"], data["size"]) != (1, 28):
            remedy = "choose metric=inception, or data.classifier=FOLDER/NAME, fitted to images of this shape"
            raise UserError(f"data: one class has no classifier, and MNIST's reads 28x28 greys only: {remedy}")
        say("data: one class has no classifier: the figures rest on that of MNIST, data.classifier=mnist")


def _fixed(words: list[str]) -> list[str]:
    """The overrides of a training; of a sweep, those that choose data and figures for every job."""
    if not run_folder.is_sweep(words):
        return [word for word in words if not word.startswith(("run_dir=", "hydra."))]
    data = data_overrides(words)
    own = [word for word in words if re.match(r"(experiment|metric|batch_size|network\.classes)=", word)]
    return [*(word for word in own if not parse(word).is_sweep_override()), *data]


def fit_classifier(cfg: DictConfig, words: list[str]) -> dict[str, Any]:
    """Fit a classifier; write weights and card (JSON); return the card.

    ``words``: the overrides for the card. The number of epochs is fixed: no test figure chooses it.
    Raises UserError for an unwritable folder.
    """
    from gan.cli.fitted import FITTED_IMAGES, digest  # imports torch, which takes seconds
    from gan.file import atomic_files, sha256, write_text, write_weights
    from gan.metric import feature

    if cfg.data.classes == 1:
        raise UserError("data: one class has nothing to recognise: a classifier needs two or more")
    path = feature.weights_path(feature.second(cfg.out) if cfg.second else cfg.out)
    beside = path.with_suffix(".json")
    require_writable(path, "data.classifier")
    data = instantiate(cfg.data, batch_size=1, _convert_="all")  # feature.fit has its own batches
    train, test, began = data.fitting(FITTED_IMAGES), data.splits["test"], time.perf_counter()
    classifier, epochs = _fit(cfg, train, path)
    card = {
        "command": " ".join(["python -m gan.fit_classifier", *(w for w in words if not w.startswith("data.root"))]),
        "data": cfg.data.name,
        "network": "residual" if cfg.second else "stack",
        "shape": list(classifier.shape),
        "classes": classifier.classes,
        "test_accuracy": feature.accuracy(classifier, test.images, test.labels),
        "test_images": len(test),
        "train_images": len(train),
        "epochs": epochs,
        "seed": cfg.seed,
        "minutes": round((time.perf_counter() - began) / 60, 1),
        "parameters": sum(p.numel() for p in classifier.parameters()),
        "digest": digest(data),
        "versions": {name: version(name) for name in ("torch", "torchvision")},
    }
    with atomic_files(path, beside) as aside:
        write_weights(classifier, aside / path.name)
        card["sha256"] = sha256(aside / path.name)
        write_text(json.dumps(card, indent=2), aside / beside.name)
    return card


def _fit(cfg: DictConfig, train: Any, path: Path) -> tuple[Any, int]:
    """The classifier of the images ``train``, and its epochs; says how long they take."""
    from gan.metric import feature
    from gan.metric.classifier import Residual, bend

    epochs = max(cfg.epochs, math.ceil(cfg.least_steps / math.ceil(len(train) / cfg.batch_size)))
    minutes, which = epochs * train.images.numel() / PIXELS_PER_MINUTE, "second " if cfg.second else ""
    what = f"{which}classifier of data={cfg.data.name} to {len(train):,} images"
    say(f"fitting the {what}, about {minutes:.0f} minutes: {path}")
    kind: dict[str, Any] = {"network": Residual, "augment": bend} if cfg.second else {}
    given = (train.images, train.labels, cfg.data.classes, epochs, cfg.lr, cfg.batch_size, cfg.seed, cfg.bf16)
    fits = feature.fit(*given, **kind)
    *_, classifier = terminal.track(fits, epochs, "epochs")
    return classifier, epochs


def _set_folder(words: list[str]) -> list[str]:
    """Make ``run_dir`` the folder of Hydra's run, or of its sweep with numbered jobs."""
    placed: list[str] = []
    for word in words:
        key, _, folder = word.partition("=")
        is_folder = key.lstrip("+") == "run_dir"
        placed += [f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}"] if is_folder else [word]
    return placed


def _name_sweep(words: list[str]) -> list[str]:
    """Choose the folder of a sweep: the jobs that run in processes of their own must know it."""
    if any(word.startswith("hydra.sweep.dir=") for word in words):  # a further process of a training
        return words
    fixed = [word for word in words if not word.startswith(("-", "hydra")) and not parse(word).is_sweep_override()]
    folder = compose("train", [*fixed, "run_dir=."], with_hydra=True).hydra.sweep.dir
    return [*words, f"hydra.sweep.dir={folder}"]


def _say_jobs(folder: Path, words: list[str], places: list[Path]) -> None:
    """Say how many jobs a sweep has, and where."""
    count, done = len(jobs.expand(words)), sum((place / "result.json").is_file() for place in places)
    say(f"{count} jobs in {folder}{f', of which {done} are finished' if done else ''}")
