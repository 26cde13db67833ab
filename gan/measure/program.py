"""Programs of others that measure, and ours as a user starts it."""

import subprocess
from collections.abc import Sequence


def output(words: Sequence[object]) -> str:
    """What a program prints. Raises ChildProcessError with the last line of its complaint where it fails."""
    try:
        return subprocess.run([*map(str, words)], capture_output=True, text=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        *_, last = error.stderr.strip().splitlines() or ["it does not say why"]
        shown = " ".join(map(str, words[:3]))
        raise ChildProcessError(f"{shown} failed with status {error.returncode}: {last}") from error
