"""What --help shows: what a command does, examples that compose, every setting with a comment."""

import re
import shlex

import pytest

from gan.cli.check import check, defaults, head, settings
from gan.cli.compose import quote
from gan.cli.help import WIDEST, help_text
from gan.file import CONF
from gan.tune.__main__ import divide

ROOTS = sorted(path.stem for path in CONF.glob("*.yaml"))
WIRED = r"\$\{[\w.]+\}"  # is what another setting says
# What is fixed by a group's file, and what libraries ask for.
FIXED = (
    r"(callback|metric|logger|sweep|cost|quality|data\.md5|train)\b|objective|data\.name|pages"
    r"|trainer\.(plugins|limit_test_batches|num_sanity_val_steps|enable_model_summary)"
)


@pytest.mark.parametrize("root", ROOTS)
def test_the_examples_compose(root: str) -> None:
    command = "python train.py" if root == "train" else f"python -m gan.{root}"
    first, *rest = head(root)
    assert first.startswith(f"{command}: ")
    examples = [line.strip() for line in rest if line.startswith(" ")]
    assert 1 <= len(examples) <= 4
    for example in examples:
        assert example.startswith(command)
        words = [quote(word) for word in shlex.split(example.removeprefix(command))]
        check(root, divide(words) if root == "tune" else [w for w in words if w != "-m"], sweep="-m" in words)


@pytest.mark.parametrize("root", ROOTS)
def test_every_setting_that_is_typed_stands_in_help_with_its_comment(root: str) -> None:
    text = help_text(root)
    for name, value in settings(root, []).items():
        is_machinery = re.search(r"(^|\.)_\w+_(\.|$)|\.\d+$", name) or re.fullmatch(WIRED, str(value))
        if not (isinstance(value, dict) or is_machinery or re.match(FIXED, name)):
            assert re.search(rf"^  {re.escape(name)}=.*?(  |\n {{8,}})\S", text, re.MULTILINE), name


@pytest.mark.parametrize("root", ROOTS)
def test_help_fits_its_columns_and_names_every_choice(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        text = help_text(root)
        assert max(map(len, text.splitlines())) <= min(columns, WIDEST) or columns < WIDEST
        for group, chosen in defaults(root).items():
            (row,) = re.findall(rf"^  {group} +(.*(?:\n {{8,}}.*)*)", text, re.MULTILINE)
            assert re.split(r",\s+", row)[: len(chosen)] == chosen or not chosen


def test_a_comment_comes_from_the_file_that_a_choice_builds_on() -> None:
    text = help_text("train")
    assert (
        "network.width=32             channels at half size" in text
    )  # the network's own, not that of shared/conditional
    assert re.search(r"^  data.root=data +the folder of the files$", text, re.MULTILINE)
    assert re.search(r"^  trainer.precision=auto +bf16-mixed on hardware with bf16", text, re.MULTILINE)
