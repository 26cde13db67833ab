"""Words of other tools are answered with ours, on every command that has them."""

import pytest

from gan.cli.check import check, names
from gan.cli.hint import SYNONYMS
from gan.error import UserError
from gan.file import CONF

ROOTS = sorted(path.stem for path in CONF.glob("*.yaml"))


@pytest.mark.parametrize(
    ("root", "words", "expected"),
    [
        ("train", "--epochs 5", "--epochs: a setting has no dashes: write trainer.max_epochs=5"),
        ("train", "--epochs=5", "--epochs: a setting has no dashes: write trainer.max_epochs=5"),
        ("train", "epochs=5", "did you mean trainer.max_epochs?"),
        ("train", "lr=1e-4", "did you mean optimizer.lr?"),
        ("train", "--lr", "write optimizer.lr=VALUE"),
        ("train", "--batch-size 64", "write batch_size=64"),
        ("train", "--overwrite seed=1", "write overwrite=true"),
        ("train", "dataset=mnist", "did you mean data?"),
        ("train", "model=dcgan", "model is a group of settings; did you mean network=dcgan?"),
        ("train", "gpus=1", "did you mean trainer.devices?"),
        ("train", "device=cuda", "did you mean trainer.accelerator?"),
        ("train", "out=x", "did you mean run_dir?"),
        ("generate", "output=x.png", "did you mean out?"),
        ("generate", "-o x.png", "-o: a setting has no dashes: write out=x.png"),
        ("generate", "-n 10", "write n=10"),
        ("generate", "num=10", "did you mean n?"),
        ("generate", "count=10", "did you mean n?"),
        ("generate", "digit=7", "did you mean label?"),
        ("generate", "width=3", "did you mean style.width or size?"),
        ("generate", "color=red", "did you mean look.ink?"),
        ("generate", "background=red", "did you mean look.paper?"),
        ("generate", "file=x.png", "did you mean out?"),
        ("generate", "style=sunset", "style is a group of settings; did you mean preset=sunset?"),
        ("generate", "prset=sunset", "did you mean preset?"),
        ("generate", "--foo", "--foo: there is no such option; settings are name=value, see --help"),
        ("morph", "digits=[3,8]", "did you mean labels?"),
        ("evaluate", "checkpoint=x", "did you mean ckpt?"),
        ("tune", "n_trials=5", "did you mean trials?"),
    ],
)
def test_a_word_of_another_tool_is_answered_with_ours(root: str, words: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        check(root, words.split(" "))
    assert str(caught.value).endswith(expected)


def test_every_setting_of_the_table_exists_in_a_command_that_lacks_a_synonym() -> None:
    for ours, theirs in SYNONYMS.items():
        assert any(ours in names(root) and not set(theirs.split()) <= names(root) for root in ROOTS), ours


@pytest.mark.parametrize(
    "word", ["data=shared/image_data", "network=shared/conditional", "experiment=shared/paper", "trainer=limit/debug"]
)
def test_what_files_build_on_is_no_choice(word: str) -> None:
    with pytest.raises(UserError, match=rf"^{word}: there is no such choice; there are (?!.*(shared|limit))"):
        check("train", [word])
    with pytest.raises(UserError, match=r"there is no such choice"):
        check("train", [f"{word},digits"], sweep=True)


@pytest.mark.parametrize("word", ["data/shared=image_data", "+data/shared=image_data", "trainer/limit@trainer=debug"])
def test_a_folder_of_a_group_is_no_group(word: str) -> None:
    with pytest.raises(UserError, match="there is no such setting"):
        check("train", [word])


def test_hydras_own_groups_and_its_ways_to_sweep_stay() -> None:
    check("train", ["hydra/launcher=basic", "loss=glob(*)", "network=dcgan,sagan"], sweep=True)
