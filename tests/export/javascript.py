"""The programs that check the page's JavaScript; ``python tests/export/javascript.py`` formats it.

npm downloads them once, into the cache. Biome formats and lints, TypeScript checks JSDoc's types.
"""

import os
import shutil
import subprocess
from pathlib import Path

from gan.error import UserError
from gan.file import atomic_folder, cache_folder

PAGE = Path(__file__).parents[2] / "gan" / "export" / "page"
PACKAGES = ("typescript@7.0.2", "@biomejs/biome@2.6.8", "axe-core@4.14.1")


def find_packages() -> Path:
    """The folder node_modules of :data:`PACKAGES`. Raises UserError if they cannot be had."""
    named = "_".join(name.replace("/", "-").lstrip("@") for name in PACKAGES)
    home = cache_folder(os.environ.get("GAN_CACHE", "")) / named
    if not home.is_dir():
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            raise UserError("npm is not installed, which checks the page's JavaScript")
        with atomic_folder(home) as made:
            words = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
            done = subprocess.run([*words, f"--prefix={made}", *PACKAGES], capture_output=True, check=False)
            if done.returncode:
                raise UserError(f"npm could not download {', '.join(PACKAGES)}")
    return home / "node_modules"


def check_types(packages: Path) -> list[str]:
    """TypeScript's errors in the page's scripts, one a line."""
    done = _run(packages, "tsc", "--project", "tsconfig.json", "--pretty", "false")
    assert done.returncode == 0 or done.stdout, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith(" ")]  # those explain the one above


def run_biome(packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``biome WORDS`` on the page's scripts."""
    return _run(packages, "biome", *words, "--colors=off", *sorted(path.name for path in PAGE.glob("*.js")))


def _run(packages: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(packages / ".bin" / program), *words]
    return subprocess.run(command, cwd=PAGE, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    try:
        print(run_biome(find_packages(), "check", "--write").stderr, end="")
    except UserError as error:
        print(f"The JavaScript was not formatted: {error}")
