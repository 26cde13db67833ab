"use strict";
// The panel of colours and paper: presets, pickers, and a picture of your own as paper.

/** @type {ImageBitmap | null} */
let photo = null; // the picture as paper; no link holds it
const LOOK = /** @type {const} */ (["ink", "paper", "direction", "texture", "line"]);
const measured = keepLast((/** @type {string} */ look, /** @type {ImageBitmap | null} */ paper) =>
  contrast(JSON.parse(look), paper),
);

/** The look that settings have. @type {(how: Settings) => Look} */
const lookOf = ({ ink, paper, direction, texture, line }) => ({ ink, paper, direction, texture, line });

/** Say what is wrong with the fields of the look, which no field can check by itself. */
const checkFields = () => {
  const wrong = checkLook(lookOf(Object.fromEntries(LOOK.map((name) => [name, field(name).value]))));
  for (const name of LOOK) field(name).setCustomValidity(wrong[name] ?? "");
};

/** Let the panel show the look of the picture. @param {Settings} how */
function showLook(how) {
  const ratio = measured(JSON.stringify(lookOf(how)), photo);
  say("contrast", gradeContrast(ratio));
  $("contrast").className = ratio < 3 ? "failed" : "quiet";
  document.body.dataset.texture = how.texture;
  $("no-photo").hidden = !photo;
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-preset]"))) {
    const { look } = MODEL.presets[one.dataset.preset ?? ""];
    one.setAttribute("aria-pressed", `${LOOK.every((name) => look[name] === how[name])}`);
  }
  for (const one of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-colour]"))) {
    const stops = stopsOf(how[one.dataset.colour ?? ""]);
    one.value = toHex(stops[one.dataset.end === "0" ? 0 : stops.length - 1].slice(0, 3));
  }
}

/** Set what a preset sets. @param {Preset} preset */
function takePreset({ look, style, truncation, certain, clean }) {
  const styles = Object.fromEntries(ATTRIBUTES.map((name) => [name, style[name] ?? null]));
  set({ ...lookOf(look), ...styles, truncation, certain, clean });
}

/** Set an end, 0 or 1, of a setting's gradient; it keeps its opacity.
 * @type {(name: string, end: number, hex: string) => void} */
const pick = (name, end, hex) => {
  const ends = parseGradient(field(name).value) ?? [[], []];
  const colour = [...(parseColour(hex) ?? []).slice(0, 3), ends[end][3] || 255];
  const isOne = `${ends[0]}` === `${ends[1]}`;
  const both = [end ? ends[0] : colour, end || isOne ? colour : ends[1]];
  field(name).value = [...new Set(both.map(toHex))].join("-");
};

/** Take a picture as paper; what is wrong with it is said, and the one before stays.
 * @type {(file: File | undefined) => Promise<void>} */
const takePhoto = async (file) => {
  if (!file) return;
  try {
    photo = await openPicture(file);
    say("photo-wrong", "");
    show(false);
  } catch (error) {
    say("photo-wrong", /** @type {Error} */ (error).message);
  }
};

const listenToColours = () => {
  const gradient = (/** @type {string} */ colours) =>
    `linear-gradient(${[...stopsOf(colours), ...stopsOf(colours)].map(toHex).join(", ")})`;
  for (const [name, { look }] of Object.entries(MODEL.presets)) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.dataset.preset = name;
    button.style.setProperty("--ink", gradient(look.ink));
    button.style.setProperty("--paper", gradient(look.paper));
    $("presets").append(button);
  }
  $("panel-colour").addEventListener("input", (/** @type {Event} */ event) => {
    const { dataset, value } = /** @type {HTMLInputElement} */ (event.target);
    if (dataset.colour) pick(dataset.colour, Number(dataset.end), value);
  });
  $("panel-colour").addEventListener("click", (/** @type {Event} */ event) => {
    const { id, dataset } = /** @type {HTMLElement} */ (event.target);
    if (dataset.preset) takePreset(MODEL.presets[dataset.preset]);
    if (id === "clear-paper") set({ paper: "transparent", texture: "none" });
    if (id !== "no-photo") return;
    photo = null;
    show(false);
  });
  $("photo").addEventListener("change", () => takePhoto($("photo").files[0]).then(() => ($("photo").value = "")));
  for (const home of /** @type {HTMLElement[]} */ ([$("stage"), $("panel-colour")])) {
    home.addEventListener("drop", (event) => takePhoto(event.dataTransfer?.files[0]));
    home.addEventListener("paste", (event) => {
      const file = event.clipboardData?.files[0];
      if (file) event.stopPropagation(); // elsewhere, a pasted picture is a hand
      takePhoto(file);
    });
  }
};
