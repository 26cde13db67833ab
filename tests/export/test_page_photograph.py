"""Digits in photographs: the page finds them as Python does, or refuses with what would help."""

import io
import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from photo import photograph
from PIL import Image

from gan.export import web
from gan.image import to_uint8
from gan.lab import Lab

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
FIND = """
const MODEL = { size: 28 };
const found = JSON.parse(require("fs").readFileSync(0)).map(({ values, width, height }) => {
  try {
    return [...asDigit(findInk({ values: Float32Array.from(values), width, height }, "x.jpg"))];
  } catch ({ message }) {
    return message;
  }
});
console.log(JSON.stringify(found));
"""


def found_in(*pictures: Image.Image) -> list[list[float] | str]:
    """The images [784] that photograph.js prepares of pictures, or why it refuses them."""
    asked = []
    for picture in pictures:
        picture.thumbnail((640, 640))
        pixels = np.asarray(picture.convert("L"))
        asked.append({"values": pixels.flatten().tolist(), "width": pixels.shape[1], "height": pixels.shape[0]})
    scripts = [(web.PAGE / name).read_text() for name in ("mark.js", "photograph.js")]
    command = ["node", "-e", "\n".join([*scripts, FIND])]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    found: list[list[float] | str] = json.loads(done.stdout)
    return found


def opened(contents: bytes) -> Image.Image:
    return Image.open(io.BytesIO(contents))


@pytest.mark.slow
def test_a_digit_is_found_under_shadows_beside_a_table_and_as_it_is_cut_out(lab: Lab) -> None:
    digits = lab.sample(20, seed=11)
    cells = to_uint8(digits.images)[:, 0].numpy()
    photographs = [photograph(cell, i, uneven=i % 2 == 1, table=i % 4 < 2) for i, cell in enumerate(cells)]
    dark = [Image.fromarray(255 - cell) for cell in cells]
    light = [Image.fromarray(np.kron(cell, np.ones((9, 9), np.uint8))) for cell in cells]
    found = found_in(*map(opened, photographs), *dark, *light)
    labels = [read(lab, image) for image in found]
    assert sum(np.array(labels) == 3 * digits.labels.tolist()) >= 58  # of 60


def read(lab: Lab, image: list[float] | str) -> int | None:
    """The label of an image; None: there is none."""
    if isinstance(image, str) or lab.reader is None:
        return None
    return int(lab.reader(torch.tensor(image).view(1, 1, 28, 28))[1].argmax())


def test_what_is_no_digit_is_refused_in_a_line(lab: Lab) -> None:
    blank = [opened(photograph(None, seed, uneven=False, table=seed % 2 > 0)) for seed in range(6)]
    white = Image.new("L", (300, 300), 255)
    dot = Image.new("L", (1, 1), 0)
    [seven] = to_uint8(lab.sample(1, 7, seed=3).images)[:, 0].numpy()
    both = Image.fromarray(255 - np.pad(np.concatenate([seven, seven], 1), 30))
    *none, two = found_in(*blank, white, dot, both)
    why = "x.jpg shows no digit: choose a picture of one digit, dark on light or light on dark, with paper around it"
    assert set(none[6:]) == {why}
    assert set(none) - {why} <= {"x.jpg shows marks as pale as shadows: choose a picture of one digit in even light"}
    assert two == "x.jpg shows 2 things that may be digits: choose a picture of one digit, cropped to it"
