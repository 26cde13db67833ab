"""Drawing digits imports none of the libraries that only training, evaluation and studies need."""

from pathlib import Path

from conftest import run

HEAVY = {
    "contourpy", "joblib", "lightning", "matplotlib", "optuna", "pandas", "scipy", "skimage", "sklearn", "submitit",
    "tensorboard", "torchmetrics", "torchvision",
}  # fmt: skip
PYTHON = "import gan, sys; print(gan.load().sample(3).images.shape)"
SAVE = "import gan, sys; gan.load().sample(3).save(sys.argv[1])"


def _heavy_imports(code: str, *words: object) -> set[str]:
    """The heavy libraries that a process has imported when ``code`` has run."""
    done = run("-c", f"{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))", *words)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines()[-1].split())
    assert "torch" in imported
    return imported & HEAVY


def _imports_of_commands(commands: list[tuple[str, ...]]) -> set[str]:
    code = f"import runpy, sys\nfor sys.argv in {commands}:\n    runpy.run_module(sys.argv[0], run_name='__main__')"
    return _heavy_imports(code)


def test_commands_that_draw_import_nothing_heavy(tmp_path: Path) -> None:
    commands = [
        ("gan.generate", "n=20", "preset=chalkboard", f"out={tmp_path}/x.npz"),
        ("gan.export", f"out={tmp_path}/x.safetensors"),
    ]
    assert _imports_of_commands(commands) == set()
    assert {path.name for path in tmp_path.iterdir()} >= {"x.npz", "x.safetensors"}


def test_large_pictures_need_outlines_alone(tmp_path: Path) -> None:
    commands = [
        ("gan.generate", "n=1", f"out={tmp_path}/x.png"),
        ("gan.morph", "frames=2", f"out={tmp_path}/x.gif"),
        ("gan.generate", "text=2026-11-22", f"out={tmp_path}/y.png"),
    ]
    assert _imports_of_commands(commands) == {"contourpy", "scipy"}
    assert {path.name for path in tmp_path.iterdir()} >= {"x.png", "x.gif", "y.png"}


def test_the_lab_draws_without_anything_heavy_and_saves_by_outlines(tmp_path: Path) -> None:
    assert _heavy_imports(PYTHON) == set()
    assert _heavy_imports(SAVE, tmp_path / "x.png") == {"contourpy", "scipy"}
    assert (tmp_path / "x.png").is_file()
