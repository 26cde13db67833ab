"""Drawing digits imports none of the libraries that only training, evaluation and studies need."""

from pathlib import Path

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


def test_commands_that_draw_import_nothing_heavy(tmp_path: Path) -> None:
    commands = [
        ("gan.generate", "n=1", f"out={tmp_path}/x.png"),
        ("gan.generate", "n=20", "preset=chalkboard", f"out={tmp_path}/x.npz"),
        ("gan.morph", "frames=2", f"out={tmp_path}/x.gif"),
        ("gan.export", f"out={tmp_path}/x.safetensors"),
    ]
    code = f"import runpy, sys\nfor sys.argv in {commands}:\n    runpy.run_module(sys.argv[0], run_name='__main__')"
    assert _heavy_imports(code) == set()
    assert {path.name for path in tmp_path.iterdir()} >= {"x.png", "x.npz", "x.gif", "x.safetensors"}


def test_a_line_needs_scipy_alone_to_crop_its_digits(tmp_path: Path) -> None:
    assert _heavy_imports(COMMAND, "gan.generate", "text=2026-11-22", f"out={tmp_path / 'x.png'}") == {"scipy"}


def test_the_lab_draws_without_anything_heavy(tmp_path: Path) -> None:
    assert _heavy_imports(PYTHON, tmp_path / "x.png") == set()
    assert (tmp_path / "x.png").is_file()
