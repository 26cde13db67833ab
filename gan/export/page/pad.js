"use strict";
// Your hand: a digit that is drawn on the pad, prepared as MNIST's digits are, and found by the encoder among the latents.
// It stands in the address, so that a link draws the same: hand=LATENT&as=LABEL.

const INSIDE = 20 / 28; // of the side: MNIST's digits
const NIB = 1 / 11; // of the side of the pad
const FINE = 31; // steps of a unit of the latent; bytes reach 4 units
const VARIATION = 0.3; // how much the digits of one hand differ, as gan/digits/line.py has it

let hand = null; // { z, label }, or null: digits of seeds

// The ink of the pad in [-1, 1], [H, W]: scaled, and centred by its mass, as gan/digits/invert.py does. Null: there is none.
function prepared() {
  const { width, height } = $("pad");
  const alpha = $("pad").getContext("2d").getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 3);
  let [left, top, right, bottom] = [width, height, -1, -1];
  alpha.forEach((value, i) => {
    if (value < 128) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  });
  if (right < 0) return null;
  const size = MODEL.size;
  const [w, h] = [right - left + 1, bottom - top + 1];
  const scale = (size * INSIDE) / Math.max(w, h);
  const pen = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  const place = (x, y) => {
    pen.clearRect(0, 0, size, size);
    pen.drawImage($("pad"), left, top, w, h, x, y, w * scale, h * scale);
    return Float32Array.from(pen.getImageData(0, 0, size, size).data.filter((_, i) => i % 4 === 3), (value) => value / 255);
  };
  const small = place(0, 0);
  let [mass, x, y] = [0, 0, 0];
  small.forEach((ink, i) => {
    mass += ink;
    x += ink * (i % size);
    y += ink * Math.floor(i / size);
  });
  const start = (sum, side) => Math.round(Math.min(Math.max(0, (size - 1) / 2 - sum / mass), size - side * scale));
  return place(start(x, w), start(y, h)).map((ink) => 2 * ink - 1);
}

// The latent and label of an image [H, W], and how far the digit is from it: of all labels, the one whose digit is nearest.
async function nearest(image, labels) {
  const latents = await encode(image, labels);
  const { images } = await draw(alike(latents, labels));
  const away = labels.map((_, i) => image.reduce((sum, value, at) => sum + Math.abs(value - images[i * image.length + at]), 0));
  const best = away.indexOf(Math.min(...away));
  return { z: rounded(latents[best]), label: labels[best], error: away[best] / image.length / 2 };
}

const rounded = (z) => z.map((value) => Math.max(-127, Math.min(127, Math.round(value * FINE))) / FINE);

function writeHand(state) {
  if (!hand) return state.delete("hand"), state.delete("as");
  state.set("hand", btoa(String.fromCharCode(...hand.z.map((value) => Math.round(value * FINE) + 128))));
  state.set("as", MODEL.names[hand.label]);
}

// Take the hand in the address; what is none is left out, and said.
function followHand(asked) {
  leaveHand();
  if (!MODEL.programs.encoder || !asked.has("hand")) return;
  const label = MODEL.names.indexOf(asked.get("as"));
  try {
    const z = Float32Array.from(atob(asked.get("hand")), (letter) => (letter.charCodeAt(0) - 128) / FINE);
    if (z.length === MODEL.latent && label >= 0) hand = { z, label };
  } catch {} // no base64
  if (!hand) say("pad-said", "The hand in this link is damaged: draw a digit");
}

function leaveHand() {
  hand = null;
  if (MODEL.programs.encoder) say("pad-said", "");
}

// The latents of seeds, in this hand if there is one: as near to each other as the digits of one writer.
function latentsOf(seeds) {
  const own = seeds.map((seed) => latent(seed, MODEL.latent));
  const apart = Math.sqrt(1 - VARIATION ** 2);
  return hand ? own.map((z) => z.map((value, i) => apart * hand.z[i] + VARIATION * value)) : own;
}

// Follow the pointer; `changed` is called after each stroke and when the pad is cleared.
function listenToPad(changed) {
  const pad = $("pad");
  const pen = pad.getContext("2d", { willReadFrequently: true });
  [pen.lineWidth, pen.lineCap, pen.lineJoin] = [pad.width * NIB, "round", "round"];
  const at = ({ offsetX, offsetY }) => [offsetX, offsetY].map((value) => (value * pad.width) / pad.clientWidth);
  const stroke = async () => {
    const image = prepared();
    if (!image) return;
    const label = chosen();
    hand = await nearest(image, label === null ? [...MODEL.names.keys()] : [label]);
    say("pad-said", `Drawn as ${MODEL.names[hand.label]}, with an error of ${(100 * hand.error).toFixed(1)} % of full ink`);
    changed();
  };
  pad.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary) return;
    pad.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    pen.lineTo(...at(event));
    pen.stroke();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!pad.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  pad.addEventListener("lostpointercapture", () => stroke().catch(failed));
  $("clear").addEventListener("click", () => {
    pen.clearRect(0, 0, pad.width, pad.height);
    leaveHand();
    changed();
  });
}
