"""What installs a missing library, in a checkout and where a wheel is installed."""

from importlib import metadata
from pathlib import Path

import pytest
from conftest import ROOT

from gan import error
from gan.error import MissingExtra, require


def test_a_checkout_installs_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r'^nosuch is not installed: pip install -e "\.\[tune\]"$'):
        require("nosuch", extra="tune")
    monkeypatch.chdir(tmp_path)
    assert error.install_command("tune") == f'pip install -e "{ROOT}[tune]"'


def test_where_a_wheel_is_installed_the_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(error, "CHECKOUT", tmp_path)
    needed = ["torch>=2.6", 'optuna>=5; extra == "tune"', "matplotlib>=3.8 ; extra == 'tune'", 'rstr; extra == "lines"']
    monkeypatch.setattr(metadata, "requires", lambda name: needed)
    assert error.install_command("tune") == 'pip install "optuna>=5" "matplotlib>=3.8"'
