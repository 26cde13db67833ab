"""What a checkpoint may say about the run that it continues or is evaluated for.

Its words are a stranger's: those that describe the run (data, network, loss, numbers) are taken as
plain data. None may choose where something is read or written; the user types such words again.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from gan.cli.check import check, choices, flatten, settings
from gan.error import UserError, printable

ITEM = r"(?:[\w.+:-]+|'[^'\"\\$\x00-\x1f]{1,64}')"  # a number, a short word, a quoted one
VALUE = re.compile(rf"{ITEM}|\[\s*(?:{ITEM}(?:\s*,\s*{ITEM})*)?\s*\]")
GROUPS = (
    "augment", "callback", "data", "experiment", "logger", "loss", "metric", "network", "optimizer", "penalty",
    "trainer",
)  # fmt: skip
SETTINGS = re.compile(
    r"(augment|grid|loss|model|network|optimizer|penalty)(\.[a-z0-9]\w*)+|batch_size|c2st_every|keep_every|patience|seed"
    r"|data\.(batch_size|channels|classes|judge_images|names|polarity|repeat|seed|size|test_share)"
    r"|trainer\.(accelerator|benchmark|check_val_every_n_epoch|detect_anomaly|deterministic|devices"
    r"|limit_(train|val|test)_batches|log_every_n_steps|max_epochs|max_time|num_nodes|num_sanity_val_steps"
    r"|precision|strategy|threads)"
    r"|callback\.doctor\.(patience_images|stop)"
)
NUMBERS = re.compile(r"(loss|model|optimizer|penalty)\.[\w.]+|batch_size|trainer\.max_epochs")  # of a recipe
ONCE = ("ckpt", "data.fallback", "init_from", "overwrite", "run_dir")  # of the first start alone
MOST_WORDS, LONGEST_WORD = 300, 2000
DATA = ("channels", "judge_images", "polarity", "repeat", "seed", "size", "test_share")  # figures depend on them
LIMITS = ("limit_val_batches", "limit_test_batches")


def describes(word: str) -> bool:
    """Whether a carried word is plain and describes a run: a choice of a group, or a value."""
    key, sign, value = word.lstrip("+").partition("=")
    if not (sign and len(word) <= LONGEST_WORD and VALUE.fullmatch(value)):
        return False
    if key in GROUPS:
        chosen = [part.strip() for part in value.strip("[]").split(",")]
        sends = key == "logger" and "wandb" in chosen  # to another machine
        return set(chosen) <= {*choices(key), "null"} and not sends
    return bool(SETTINGS.fullmatch(key))


def carried(path: object, words: Sequence[str], typed: Sequence[str]) -> list[str]:
    """The words of a checkpoint that continue its run, without those that were ``typed`` anew.

    Raises UserError, with what to type, for a word that a file may not say.
    """
    if len(words) > MOST_WORDS:
        raise UserError(f"ckpt: {path} carries more than {MOST_WORDS} settings: not loaded")
    anew = {_key(word) for word in typed}
    kept = [word for word in words if _key(word) not in {*anew, *ONCE}]
    if missing := to_retype(kept):
        again = shlex.join(printable(word) for word in missing[:10])
        why = "was trained with settings that are not taken from a file"
        raise UserError(f"ckpt: {path} {why}: type them again: {again}")
    try:
        check("train", kept)
    except UserError as error:
        raise UserError(f"ckpt: {path} cannot be continued: {error}") from error
    return kept


def network_words(words: Sequence[str], config: Mapping[str, Any]) -> list[str]:
    """Those of a checkpoint's words that choose its networks, as far as a file may say them."""
    kept = [word for word in words if describes(word) and _key(word).partition(".")[0] in ("experiment", "network")]
    return [*network_word(kept, config), *kept]


def network_word(words: Sequence[str], config: Mapping[str, Any]) -> list[str]:
    """The word for a run's network if ``words`` choose none, and today's default is another one."""
    target = str(_dict(_dict(config, "network"), "generator").get("_target_"))
    name = target.removeprefix("gan.network.").removesuffix(".Generator")
    if any(_key(word) == "network" for word in words) or name not in choices("network"):
        return []
    chosen = [word for word in words if _key(word) == "experiment" and describes(word)]
    return [f"network={name}"] if settings("train", chosen)["network.generator._target_"] != target else []


def former_words(words: Sequence[str], typed: Sequence[str], config: Mapping[str, Any]) -> list[str]:
    """The words for what a run had by default, where today's default is another.

    These are its network and the numbers of its recipe. ``words`` are the run's; what is ``typed``
    now, or another experiment, chooses anew.
    """
    found = network_word([*words, *typed], config)
    before, chosen = flatten(config), {_key(word) for word in typed}
    if "experiment" in chosen:
        return found
    for key, value in settings("train", [*found, *words]).items():
        group, then = key.partition(".")[0], before.get(key)
        is_number = type(value) in (int, float) and type(then) in (int, float)
        if NUMBERS.fullmatch(key) and is_number and value != then and not {key, group} & chosen:
            found.append(f"{key}={then}")
    return found


def to_retype(words: Sequence[str]) -> list[str]:
    """The words that a file may not say, as a person types them: without Hydra's quotes."""
    unsaid = [word for word in words if not describes(word) and _key(word) not in ONCE]
    return [re.sub(r"='([^'\\]*)'$", r"=\1", word) for word in unsaid]


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def run_words(path: object, config: Mapping[str, Any]) -> list[str]:
    """The words for the data and the metrics of a checkpoint's run, from its configuration.

    Raises UserError for data or a value that this project does not have.
    """
    data, trainer, metrics = (_dict(config, name) for name in ("data", "trainer", "metric"))
    name = data.get("name")
    if not isinstance(name, str) or name not in choices("data"):
        raise UserError(f"ckpt: {path} was trained on data={printable(name, 60)}, which conf/data does not have")
    known = settings("train", [f"data={name}"])
    values = {f"data.{key}": data[key] for key in DATA if f"data.{key}" in known and key in data}
    values |= {f"trainer.{key}": trainer[key] for key in LIMITS if trainer.get(key)}  # 0: it never judged
    words = [f"data={name}", *(f"metric={metric}" for metric in _metric(metrics))]
    for key, value in values.items():
        if not (isinstance(value, int | float) or (isinstance(value, str) and VALUE.fullmatch(value))):
            raise UserError(f"ckpt: {path} is damaged: its {key} is {printable(value, 60)}")
        words.append(f"{key}={str(value).lower()}")
    return words


def _dict(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def _metric(metrics: Mapping[str, Any]) -> list[str]:
    """The choice of conf/metric with the names ``metrics``, if there is one."""
    names = set(metrics)
    for choice in choices("metric"):
        known = settings("train", [f"metric={choice}"])
        if {key.split(".")[1] for key in known if key.startswith("metric.")} == names:
            return [choice]
    return []
