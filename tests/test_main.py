"""python -m gan, the first words that many type."""

import sys

import pytest

import gan
from gan import __main__ as start
from gan.file import CONF


def _said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["gan", *words])
    monkeypatch.setenv("COLUMNS", "110")  # workers of pytest have a terminal of their own
    start.main()
    return capsys.readouterr().out


def test_every_command_has_its_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = _said(capsys, monkeypatch)
    assert said == _said(capsys, monkeypatch, "--help")
    for path in CONF.glob("*.yaml"):
        what = path.read_text().splitlines()[0].partition(": ")[2].rstrip(".")
        typed = "python train.py" if path.stem == "train" else f"python -m gan.{path.stem}"
        assert [line for line in said.splitlines() if line.startswith(f"  {typed} ") and what in line]
    assert max(map(len, said.splitlines())) <= 100


def test_the_version_is_that_of_the_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _said(capsys, monkeypatch, "--version") == f"digit-gan {gan.__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["generate", "n=5"], "error: a command is one word: write python -m gan.generate n=5"),
        (["train"], "error: a command is one word: write python train.py"),
        (["gnerate"], "error: gnerate: there is no such command; python -m gan shows all"),
    ],
)
def test_a_command_in_two_words_is_answered_with_one(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as caught:
        _said(capsys, monkeypatch, *words)
    assert caught.value.code == expected
