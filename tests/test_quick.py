"""Drawing digits imports none of the libraries that only training, evaluation and studies need."""

from pathlib import Path

import pytest
from conftest import run

HEAVY = {
    "contourpy", "joblib", "lightning", "matplotlib", "optuna", "pandas", "scipy", "skimage", "sklearn", "submitit",
    "tensorboard", "torchmetrics", "torchvision",
}  # fmt: skip
COMMAND = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
PYTHON = "import gan, sys; gan.load().sample(3).save(sys.argv[1])"


def _heavy_imports(code: str, *words: object) -> set[str]:
    """The heavy libraries that a process has imported when ``code`` has run."""
    done = run("-c", f"{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))", *words)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines()[-1].split())
    assert "torch" in imported
    return imported & HEAVY


@pytest.mark.parametrize(
    "words",
    [
        ("gan.generate", "n=1", "out=x.png"),
        ("gan.generate", "n=20", "preset=chalkboard", "out=x.npz"),
        ("gan.morph", "frames=2", "out=x.gif"),
        ("gan.export", "out=x.safetensors"),
    ],
    ids=" ".join,
)
def test_a_command_that_draws_imports_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    *words, out = words
    assert _heavy_imports(COMMAND, *words, f"out={tmp_path / out.removeprefix('out=')}") == set()


def test_a_line_needs_scipy_alone_to_crop_its_digits(tmp_path: Path) -> None:
    assert _heavy_imports(COMMAND, "gan.generate", "text=2026-11-22", f"out={tmp_path / 'x.png'}") == {"scipy"}


def test_the_lab_draws_without_anything_heavy(tmp_path: Path) -> None:
    assert _heavy_imports(PYTHON, tmp_path / "x.png") == set()
    assert (tmp_path / "x.png").is_file()
