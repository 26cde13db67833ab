"""Whatever is typed works or is refused in one line: no traceback, no hang, no crash."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

WORDS = 300


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX timers and limits")
def test_no_word_is_a_traceback_a_hang_or_a_crash(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "fuzzer.py", tmp_path, str(WORDS)],
        capture_output=True, text=True, timeout=850, env=os.environ | {"PYTHONPATH": path}, check=False,
    )  # fmt: skip
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, (said[-1:], done.stderr[-3000:])
    commands = [line for line in said if "command" in line]
    assert len(commands) >= WORDS * 0.9  # Hypothesis does not repeat itself
    assert [(said[i - 1], line) for i, line in enumerate(said) if "failure" in line] == []
