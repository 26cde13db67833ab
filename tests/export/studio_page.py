"""Fixtures of the page. A module of tests takes them by ``pytest_plugins = ["studio_page"]``."""

import os
from collections.abc import Iterator
from pathlib import Path

import javascript
import pytest
from browser import launched
from conftest import call
from playwright.sync_api import Browser

from gan.error import UserError
from gan.export import web
from gan.export.__main__ import main


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def runtime() -> Path:
    """onnxruntime-web, downloaded once into the user's cache."""
    try:
        return web.find_runtime(None, os.environ.get("GAN_CACHE", "~/.cache/digit-gan"))
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def packages() -> Path:
    """The packages of npm that check the page, downloaded once into the user's cache."""
    try:
        return javascript.find_packages()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def page(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the shipped generator."""
    folder = tmp_path_factory.mktemp("page")
    call(main, f"out={folder}/", f"page.runtime={runtime}")
    return folder
