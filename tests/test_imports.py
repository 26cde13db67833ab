"""Imports run downward only, and the heavy libraries stay in their rooms."""

import ast
from pathlib import Path

import pytest
from conftest import run

ROOT = Path(__file__).parent.parent
LAYERS = [
    {"gan.file"},
    {"gan.image", "gan.network"},
    {"gan.loss", "gan.penalty", "gan.augment", "gan.ema", "gan.metric"},
    {"gan.sample", "gan.data"},
    {"gan.model", "gan.callback", "gan.digits"},
    {"gan.checkpoint"},
]
COMMANDS = len(LAYERS)
ROOMS = {
    "hydra": {5, COMMANDS},
    "omegaconf": {5, COMMANDS},
    "lightning": {"gan.data", "gan.model", "gan.callback", COMMANDS},
    "torchmetrics": {"gan.metric", "gan.callback"},
}
FILES = sorted((ROOT / "gan").rglob("*.py"))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _word(name: str) -> str:
    """gan.network.dcgan belongs to the word gan.network."""
    return ".".join(name.split(".")[:2])


def _layer(name: str) -> int:
    return next((i for i, words in enumerate(LAYERS) if _word(name) in words), COMMANDS)


def _imports(path: Path) -> set[str]:
    """Names a module imports at its top level or in its functions; not those of its ``__main__`` block."""
    found = set()
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "__main__" in ast.unparse(node.test))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "gan":
            found |= {f"gan.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_imports_run_downward(path: Path) -> None:
    name = _name(path)
    for imported in _imports(path):
        if imported.startswith("gan.") and _word(imported) != _word(name):
            same_room_above = _layer(name) >= 4 and _layer(imported) == _layer(name)
            assert _layer(imported) < _layer(name) or same_room_above, f"{name} imports {imported}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    name = _name(path)
    for imported in _imports(path):
        rooms = ROOMS.get(imported.split(".")[0])
        assert rooms is None or _layer(name) in rooms or _word(name) in rooms, f"{name} imports {imported}"


def test_the_package_itself_imports_nothing_heavy() -> None:
    done = run("-c", "import gan, sys; print(sys.modules.keys() & {'torch', 'numpy', 'hydra', 'lightning', 'gan.lab'})")
    assert done.stdout == "set()\n", done.stderr


def test_files_stay_readable() -> None:
    long = {_name(path): n for path in FILES if (n := len(path.read_text().splitlines())) > 280}
    assert not long
