"""What a page is told of classes, hands and presets."""

import json

import torch

from gan import sample
from gan.digits.mark import STROKES
from gan.export import constant
from gan.lab import Lab


def test_the_alphabet_has_the_digits_and_names_of_one_character() -> None:
    assert constant.alphabet(("zero", "one", "A", "é", "cat", "7")) == {"A": 2, "é": 3, "7": 5, "0": 0, "1": 1}
    assert constant.alphabet(("7", "seven")) == {"7": 0}
    assert constant.alphabet(()) == {}


def test_a_hands_style_is_a_linear_map_of_its_latent() -> None:
    axes, z = Lab().axes, sample.latents(torch.arange(3), 64)
    found = constant.describe_axes(axes)
    styles = z @ torch.tensor(found["weight"]).T + torch.tensor(found["bias"])
    torch.testing.assert_close(styles, axes.hand_style(z), rtol=0, atol=1e-5)
    assert len(found["mean"]) == len(found["std"]) == 4


def test_all_constants_are_json_and_presets_are_whole() -> None:
    found = json.loads(json.dumps(constant.describe(Lab())))
    assert found["presets"]["accessible"]["style"] == {"thickness": 0.5}
    assert (found["presets"]["accessible"]["certain"], found["presets"]["accessible"]["truncation"]) == (True, 0.5)
    assert found["presets"]["plain"]["style"] == {}
    assert found["presets"]["sunset"]["look"]["ink"] == "#ffd166-#f4587f"
    assert found["alphabet"] == {str(digit): digit for digit in range(10)}
    assert set(found["marks"]["strokes"]) == set(STROKES)
    assert found["pen"]["firstSeed"] + 2**34 < 2**53  # whole in JavaScript
    assert found["layout"]["spacing"] == 0.2
