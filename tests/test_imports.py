"""Imports run downward only, without a cycle, and the heavy libraries stay in their rooms."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT, run

LAYERS = [
    {"error"},
    {"file", "names", "terminal", "validate"},
    {"foreign"},
    {"cache", "table", "plot", "image", "network"},
    {"loss", "penalty", "augment", "ema", "metric"},
    {"sample", "data"},
    {"model"},
    {"logger"},
    {"callback", "digits"},
    {"checkpoint"},
    {"cli"},
    {"lab"},
    {
        "evaluate",
        "generate",
        "morph",
        "export",
        "fit_classifier",
        "fit_encoder",
        "measure",
        "membership",
        "notebook",
        "prefer",
    },
    {"benchmark", "downstream", "studio", "tune", "train"},
    {"leaderboard", "__main__"},
]
ABOVE_CHECKPOINTS = frozenset().union(*LAYERS[LAYERS.index({"checkpoint"}) :])
ROOMS = {
    "hydra": ABOVE_CHECKPOINTS,
    "omegaconf": ABOVE_CHECKPOINTS,
    "lightning": ABOVE_CHECKPOINTS - {"checkpoint", "lab"} | {"data", "model", "logger", "callback"},
    "torchmetrics": {"metric", "callback"},
    "fontTools": {"export"},
}
FILES = [ROOT / "train.py", *sorted((ROOT / "gan").rglob("*.py"))]


def _name(path: Path) -> str:
    """gan/data/__init__.py is gan.data."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _word(name: str) -> str:
    """gan.network.dcgan belongs to the word network."""
    return name.removeprefix("gan.").split(".")[0]


def _layer(name: str) -> int:
    return next(i for i, words in enumerate(LAYERS) if _word(name) in words)


MODULES = {_name(path): path for path in FILES}


@cache
def _imports(name: str) -> set[str]:
    """What a module imports, at its top level or in its functions."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in MODULES else node.module)
    return found


@pytest.mark.parametrize("name", [name for name in MODULES if name != "gan"])
def test_imports_run_downward(name: str) -> None:
    for imported in sorted(_imports(name) & set(MODULES) - {"gan"}):
        if _word(imported) != _word(name):
            assert _layer(imported) < _layer(name), f"{name} imports {imported}"


def test_there_is_no_import_cycle() -> None:
    graph = {name: _imports(name) & set(MODULES) - {"gan"} for name in MODULES}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES) - 1  # raises CycleError


@pytest.mark.parametrize("name", MODULES)
def test_heavy_libraries_stay_in_their_rooms(name: str) -> None:
    for imported in _imports(name):
        rooms = ROOMS.get(imported.split(".")[0])
        assert rooms is None or _word(name) in rooms, f"{name} imports {imported}"


def test_the_package_itself_imports_nothing_heavy() -> None:
    done = run("-c", "import gan, sys; print(sys.modules.keys() & {'torch', 'numpy', 'hydra', 'lightning', 'gan.lab'})")
    assert done.stdout == "set()\n", done.stderr


def test_files_stay_readable() -> None:
    long = {name: n for name, path in MODULES.items() if (n := len(path.read_text().splitlines())) > 280}
    assert not long


def test_functions_stay_short() -> None:
    long = []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno >= 40:
                long.append(f"{name}.{node.name}: {node.end_lineno - node.lineno + 1} lines")
    assert not long
