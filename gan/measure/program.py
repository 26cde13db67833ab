"""Figures from other programs: librsvg draws our SVGs, a timer stops ``gan.generate``."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan.error import UserError
from gan.file import write_text
from gan.image import load_picture, to_float
from gan.lab import Lab

PATTERN = r"\d{8}"  # of measured lines


def run(words: Sequence[object]) -> str:
    """The output of a program. Raises UserError with its error output if it fails."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise UserError(f"{Path(str(words[0])).name} failed: {reason}")
    return done.stdout


def measure_outlines(lab: Lab, count: int) -> dict[str, Any]:
    """The bytes of ``count`` SVGs and, with librsvg, their error in 28x28 pixels.

    It is the mean absolute difference of pixels in [0, 1]; for a blank, the mean ink.
    """
    digits, errors, sizes = lab.sample(count), [], []
    with tempfile.TemporaryDirectory() as folder:
        svg, png = Path(folder) / "digit.svg", Path(folder) / "digit.png"
        for picture in digits:
            write_text(picture.svg(), svg)
            sizes.append(svg.stat().st_size)
            if shutil.which("rsvg-convert"):
                run(["rsvg-convert", "-w", 28, "-h", 28, "-o", png, svg])
                drawn = to_float(torch.tensor(load_picture(png, channels=1)))
                errors.append((drawn - picture.image[0]).abs().mean().item() / 2)
    return {
        "digits": len(digits),
        "bytes": {"mean": float(np.mean(sizes)), "worst": float(max(sizes))},
        "error by librsvg": {"mean": float(np.mean(errors)), "worst": max(errors)} if errors else None,
        "error of a blank": (digits.images + 1).mean().item() / 2,
    }


def measure_speed(lines: int, ckpt: str | None) -> dict[str, Any]:
    """Seconds in which the command writes ``lines`` lines, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"pattern={PATTERN}", f"lines={lines}", f"out={folder}/set/", f"ckpt={ckpt or 'null'}"]
        began = time.perf_counter()
        run([sys.executable, "-m", "gan.generate", *words])
        return {"lines": lines, "seconds": time.perf_counter() - began, "threads": torch.get_num_threads()}
