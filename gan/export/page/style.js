"use strict";
// The sliders of style. One that was moved is held for all digits; the others follow the large image.

const sliders = () => ATTRIBUTES.map($);
const isHeld = (slider) => "held" in slider.dataset;
const wish = () => Object.fromEntries(sliders().filter(isHeld).map((slider) => [slider.id, Number(slider.value)]));

// Take the style in the address; what is no number from -3 to 3 is not held, and said.
function followStyle(asked) {
  for (const slider of sliders()) {
    const text = asked.get(slider.id);
    const value = Number(text);
    const isGood = text !== null && text.trim() !== "" && Math.abs(value) <= Number(slider.max);
    if (isGood) slider.value = value;
    slider.toggleAttribute("data-held", isGood);
    say(`${slider.id}-wrong`, text === null || isGood ? "" : `Must be a number from ${slider.min} to ${slider.max}`);
  }
}

function writeStyle(state) {
  for (const slider of sliders()) isHeld(slider) ? state.set(slider.id, Number(slider.value)) : state.delete(slider.id);
  $("loose").disabled = !sliders().some(isHeld);
}

// Set the sliders that are not held to the style that the digit has; own: [4], in standard deviations.
function showStyle(own) {
  sliders().forEach((slider, i) => {
    if (!isHeld(slider)) slider.value = own[i];
    const value = Number(slider.value).toFixed(1).replace("-", "−");
    slider.setAttribute("aria-valuetext", isHeld(slider) ? value : `${value}, as it is drawn`);
    say(`${slider.id}-value`, isHeld(slider) ? value : "");
  });
}

const styleSaid = (style) => Object.entries(style).map(([name, value]) => `${name} ${value}`);
