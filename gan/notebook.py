"""Sliders in a notebook: a digit or a line that is drawn again with every move."""

import html
from dataclasses import fields, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gan import sample
from gan.digits.attribute import NAMES
from gan.digits.look import PRESETS, Look, load_preset
from gan.digits.picture import Picture
from gan.digits.style import LARGEST
from gan.error import UserError, require
from gan.lab import Lab

DIGIT, LINE = "a digit", "a line"
HEIGHTS = {DIGIT: 224, LINE: 112}  # pixels; a long line is lower
WIDTH = 1_000  # pixels of a line, at most
SEEDS, FIRST_SEED = 999, 23


class Player:
    """The widgets of a lab; ``view`` holds them all. Raises MissingExtra without ipywidgets.

    A slider of a style shows what is drawn until it is moved; then it holds its value.
    """

    def __init__(self, lab: Lab) -> None:
        require("ipywidgets", extra="notebook")
        import ipywidgets as widgets

        self.lab, self.held, self.is_following = lab, set[str](), False
        self.kind = widgets.ToggleButtons(options=[DIGIT, LINE])
        self.text = widgets.Text("2026-11-22", description="text", continuous_update=True)
        self.label = widgets.SelectionSlider(options=lab.names or ["-"], description="label")
        self.label.index = min(3, len(self.label.options) - 1)
        self.seed = widgets.IntSlider(FIRST_SEED, 0, SEEDS, description="seed")
        self.styles = {
            name: widgets.FloatSlider(0, min=-LARGEST, max=LARGEST, step=0.1, readout_format=".1f", description=name)
            for name in NAMES
        }
        self.release = widgets.Button(description="style as drawn")
        presets = sorted(path.stem for path in PRESETS.glob("*.yaml"))
        self.preset = widgets.Dropdown(options=presets, value="plain", description="preset")
        self.colours = {name: widgets.ColorPicker(description=name) for name in ("ink", "paper")}
        self.picture, self.says = widgets.Image(format="png"), widgets.HTML()
        looks = [self.preset, *self.colours.values()]
        controls = [self.kind, self.text, self.label, self.seed, *self.styles.values(), self.release, *looks]
        self.view = widgets.HBox(
            [widgets.VBox(controls), widgets.VBox([self.picture, self.says], layout={"align_items": "flex-start"})]
        )
        self.is_grey = lab.generator.shape[0] == 1
        for widget in [] if self.is_grey else [self.kind, *looks]:
            widget.layout.display = "none"  # what is drawn in colour has no lines and no looks
        self._take_colours()
        self._listen(controls)
        self.draw()

    def _listen(self, controls: list[Any]) -> None:
        """Draw again after every change; what changes while a picture is drawn is gathered."""
        self.preset.observe(self._take_colours, "value")  # before it is drawn
        for name, slider in self.styles.items():
            slider.observe(partial(self._hold, name), "value")
        for widget in controls:
            if widget not in (self.release, *self.styles.values()):
                widget.observe(self.draw, "value")
        self.release.on_click(self._release)

    def _hold(self, name: str, change: dict[str, float]) -> None:
        # A browser rounds in its own way and sends back what it was sent.
        if not self.is_following and _rounded(change["new"]) != _rounded(change["old"]):
            self.held.add(name)
            self.draw()

    def _release(self, _: object) -> None:
        self.held.clear()
        self.draw()

    def _take_colours(self, _: object = None) -> None:
        """Show the colours of the preset."""
        self.is_following = True
        look = load_preset(self.preset.value)
        for name, picker in self.colours.items():
            picker.value = _first(getattr(look, name))
        self.is_following = False

    def draw(self, _: object = None) -> None:
        """Draw what the widgets say, with the call that draws it; or say what is wrong with it."""
        if self.is_following:
            return
        is_line = self.kind.value == LINE
        self.text.layout.display = None if is_line else "none"
        self.label.layout.display = None if self.lab.names and not is_line else "none"
        try:
            picture, said = self._line() if is_line else self._digit()
            self.picture.value = _enlarge(picture)._repr_png_()
        except UserError as error:
            said = [str(error)]
        self.says.value = "<br>".join(html.escape(line, quote=False) for line in said)

    def _digit(self) -> tuple[Picture, list[str]]:
        look, label = self._look(), self.label.value if self.lab.names else None
        digits = self.lab.sample(1, label, self.seed.value, self._style(), **look)
        self._follow(self.lab.axes.standard(digits.images, digits.labels))
        shown = int(label) if label in tuple("0123456789") else label
        said = [_call("lab.sample", 1, label=shown, seed=self.seed.value, style=self._style(), **look)]
        if self.lab.reader:
            chances = self.lab.reader(digits.images)[1].softmax(1)[0]
            read = int(chances.argmax())
            said.append(f"The classifier reads {self.lab.names[read]}, {chances[read]:.1%} certain.")
        return digits[0], said

    def _line(self) -> tuple[Picture, list[str]]:
        look = self._look()
        line = self.lab.line(self.text.value, self.seed.value, style=self._style(), **look)
        z = sample.latents(torch.tensor([self.seed.value]), self.lab.generator.latent)
        self._follow(self.lab.axes.hand_style(z))
        return line.picture(), [_call("lab.line", line.text, seed=self.seed.value, style=self._style(), **look)]

    def _style(self) -> dict[str, float]:
        return {name: _rounded(self.styles[name].value) for name in NAMES if name in self.held}

    def _follow(self, drawn: Tensor) -> None:
        """Move the sliders that hold nothing to the style [1, 4] of what is drawn."""
        self.is_following = True
        for (name, slider), value in zip(self.styles.items(), drawn[0].tolist(), strict=True):
            if name not in self.held and _rounded(slider.value) != _rounded(value):
                slider.value = _rounded(value)
        self.is_following = False

    def _look(self) -> dict[str, Any]:
        """The chosen preset, if not plain, and a look, if colours are chosen, as they are typed."""
        look, preset = load_preset(self.preset.value), self.preset.value
        own = {name: one.value for name, one in self.colours.items() if one.value != _first(getattr(look, name))}
        chosen: dict[str, Any] = {"preset": preset} if preset != "plain" else {}
        return chosen | ({"look": replace(look, **own)} if own else {})


def _rounded(value: float) -> float:
    """A style as a slider shows it."""
    return round(min(max(value, -LARGEST), LARGEST), 1)


def _first(colours: str) -> str:
    """The first colour of a gradient."""
    return colours.partition("-")[0]


def _enlarge(picture: Picture) -> Picture:
    """As high as a digit or a line is shown; colour is left to the notebook."""
    channels, height, width = picture.image.shape
    if channels != 1:
        return picture
    shown = HEIGHTS[DIGIT] if height == width else min(HEIGHTS[LINE], max(height, WIDTH * height // width))
    return replace(picture, look=replace(picture.look, height=shown))


def _call(name: str, first: object, **settings: object) -> str:
    """A call as it is typed, without the settings that are None or empty."""
    typed = [f"{setting}={_typed(value)}" for setting, value in settings.items() if value not in (None, {})]
    return f"{name}({', '.join([_typed(first), *typed])})"


def _typed(value: object) -> str:
    """The repr of a value; of a look, what differs from the plain one."""
    if not isinstance(value, Look):
        return repr(value)
    changed = {one.name: getattr(value, one.name) for one in fields(Look) if getattr(value, one.name) != one.default}
    return f"Look({', '.join(f'{name}={part!r}' for name, part in changed.items())})"
