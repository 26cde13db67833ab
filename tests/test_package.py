"""The wheel holds all that commands need, and each dependency is named once."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
# The launcher of Ray, an optional cluster, is the one dependency that the tests do without.
UNTESTED = "hydra-ray-launcher"


def _name(requirement: str) -> str:
    """``hydra-core`` of ``hydra-core>=1.3.2``."""
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return match[0].lower()


def test_every_package_is_listed() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "gan").rglob("__init__.py")}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found | {"gan.conf"}
    assert not (ROOT / "gan" / "conf").exists()


def test_constraints_give_one_version_to_each_dependency() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines)
    constrained = [line.partition("==")[0] for line in lines]
    assert constrained == sorted(set(constrained))
    named = {_name(text) for texts in (PROJECT["project"]["dependencies"], *EXTRAS.values()) for text in texts}
    assert named - {"digit-gan", UNTESTED} <= set(constrained)


def test_dev_holds_every_extra_and_repeats_none() -> None:
    (own,) = [text for text in EXTRAS["dev"] if _name(text) == "digit-gan"]
    assert set(own.removeprefix("digit-gan[").removesuffix("]").split(",")) == EXTRAS.keys() - {"dev", "ray"}
    others = {_name(text) for name, texts in EXTRAS.items() if name != "dev" for text in texts}
    assert not others & {_name(text) for text in EXTRAS["dev"]}


def test_messages_name_extras_that_exist() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "gan").rglob("*.py"))
    named = set(re.findall(r'\bextra="(\w+)"', source))
    assert named
    assert named <= EXTRAS.keys()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel, built from a copy so that no build folder stays here."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("gan", "conf"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", folder, folder / "source"], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(installed: Path) -> None:
    held = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    for folder, place in (("gan", Path("gan")), ("conf", Path("gan", "conf"))):
        files = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert {place / path for path in files if "__pycache__" not in path.parts} <= held
    assert {path.parts[0] for path in held if not path.parts[0].endswith(".dist-info")} == {"gan"}


@pytest.mark.slow
def test_commands_run_from_another_folder_with_the_wheel_alone(
    installed: Path, short_run: Path, tmp_path: Path
) -> None:
    def python(*words: object) -> str:
        command = [sys.executable, *map(str, words)]
        env = os.environ | {"PYTHONPATH": str(installed)}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert python("-c", "import gan; print(gan.__file__)").startswith(str(installed))
    python("-m", "gan.generate", "n=10", "out=x.png")
    python("-m", "gan.generate", "n=10", "preset=sticker", "out=stickers/")
    python("-m", "gan.evaluate", f"ckpt={short_run / 'best.ckpt'}", "cas.images=0", "c2st.images=0", "out=x.json")
    python("-c", "import gan; gan.load().line('2026').picture('paper').save('y.png')")
    assert {"x.png", "stickers", "x.json", "y.png"} <= {path.name for path in tmp_path.iterdir()}
