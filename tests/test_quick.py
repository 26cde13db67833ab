"""Drawing digits imports none of the libraries that only training, evaluation and studies need."""

from pathlib import Path

from conftest import run

HEAVY = {
    "contourpy", "joblib", "lightning", "matplotlib", "optuna", "pandas", "scipy", "skimage", "sklearn", "submitit",
    "tensorboard", "torchmetrics", "torchvision",
}  # fmt: skip
LOUD = f"print('imported', *sorted({{name.partition('.')[0] for name in sys.modules}} & {HEAVY}))"
DRAW = f"""
import runpy, sys
import gan

out = sys.argv[1]

def command(*words):
    sys.argv = [words[0], *words[1:]]
    runpy.run_module(words[0], run_name="__main__")

print(gan.load().sample(3).images.shape)
command("gan.generate", "n=20", "preset=chalkboard", f"out={{out}}/x.npz")
command("gan.export", f"out={{out}}/x.safetensors")
{LOUD}
command("gan.generate", "n=1", f"out={{out}}/x.png")
command("gan.morph", "frames=2", f"out={{out}}/x.gif")
command("gan.generate", "text=2026-11-22", f"out={{out}}/y.png")
gan.load().sample(3).save(f"{{out}}/z.png")
{LOUD}
"""


def test_drawing_imports_nothing_heavy_and_large_pictures_outlines_alone(tmp_path: Path) -> None:
    done = run("-c", DRAW, tmp_path)
    assert done.returncode == 0, done.stderr
    imported = [set(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("imported")]
    assert imported == [set(), {"contourpy", "scipy"}]
    assert {path.suffix for path in tmp_path.iterdir()} >= {".npz", ".safetensors", ".png", ".gif"}
