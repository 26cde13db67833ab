"""Programs of others that measure, and ours as a user starts it."""

import subprocess
from collections.abc import Sequence


def output(words: Sequence[object]) -> str:
    """What a program prints. Raises CalledProcessError where it fails."""
    return subprocess.run([*map(str, words)], capture_output=True, text=True, check=True).stdout
