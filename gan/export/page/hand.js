"use strict";
// Your hand: digits of your own as latents, and one hand from them. Two fields hold it, so that a link draws the same:
// hand=LABEL.LATENT.LABEL.LATENT..., and the drawings of those that are kept as drawn, kept=PLACE.DRAWING...

/**
 * A digit of the hand; drawing: it is kept as drawn.
 * @typedef {{label: number, z: Float32Array, drawing: Float32Array | null}} OwnDigit
 */

const FINE = 31; // steps of a unit of a latent; bytes reach 4 units
const MOST = 20; // digits of a hand

const packed = (/** @type {Uint8Array} */ all) =>
  btoa(String.fromCharCode(...all))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const parted = (/** @type {string} */ text) => bytes(text.replaceAll("-", "+").replaceAll("_", "/"));
const latentText = (/** @type {Float32Array} */ z) =>
  packed(Uint8Array.from(z, (value) => Math.round(value * FINE) + 128));
const rounded = (/** @type {Float32Array} */ z) =>
  z.map((value) => Math.max(-127, Math.min(127, Math.round(value * FINE))) / FINE);

/** A drawing in [-1, 1] as text, 16 levels of ink, two in a byte. @param {Float32Array} drawing */
function drawingText(drawing) {
  const level = (/** @type {number} */ i) => Math.round(((drawing[i] ?? -1) + 1) * 7.5);
  return packed(
    Uint8Array.from({ length: Math.ceil(drawing.length / 2) }, (_, i) => 16 * level(2 * i) + level(2 * i + 1)),
  );
}

/** @param {Uint8Array} all */
function drawingOf(all) {
  return Float32Array.from({ length: MODEL.size ** 2 }, (_, i) => ((all[i >> 1] >> (i % 2 ? 0 : 4)) & 15) / 7.5 - 1);
}

/** The pairs of a number below `end` and of bytes that a field holds; throws if it is damaged. @param {string} text @param {number} end @param {number} length */
function pairsOf(text, end, length) {
  const parts = text ? text.split(".") : [];
  return Array.from({ length: Math.ceil(parts.length / 2) }, (_, i) => {
    const [number, all] = [parts[2 * i], parted(parts[2 * i + 1])];
    if (!/^\d{1,5}$/.test(number) || Number(number) >= end || all.length !== length) throw Error("damaged");
    return { number: Number(number), all };
  });
}

/** The digits that two fields hold; null: they are damaged. @param {string} hand @param {string} kept @returns {OwnDigit[] | null} */
function ownDigits(hand, kept) {
  try {
    const digits = pairsOf(hand, MODEL.classes, MODEL.latent).map(({ number, all }) => {
      return {
        label: number,
        z: Float32Array.from(all, (value) => (value - 128) / FINE),
        drawing: /** @type {Float32Array | null} */ (null),
      };
    });
    const drawn = pairsOf(kept, digits.length, Math.ceil(MODEL.size ** 2 / 2));
    for (const { number, all } of drawn) digits[number].drawing = drawingOf(all);
    return digits.length > MOST ? null : digits;
  } catch {
    return null;
  }
}

/** @param {OwnDigit[]} digits */
function handTexts(digits) {
  const hand = digits.map(({ label, z }) => `${label}.${latentText(z)}`).join(".");
  const kept = digits.flatMap(({ drawing }, i) => (drawing ? [`${i}.${drawingText(drawing)}`] : [])).join(".");
  return { hand, kept };
}

const handText = () => `${field("hand").value}|${field("kept").value}`;
const ownNow = () => ownDigits(field("hand").value, field("kept").value) ?? [];

/**
 * One hand from digits: their mean latent, whose thickness and slant lines keep; and z, that latent at the norm of a single
 * one, which the generator knows. What differs between digits cancels in the mean.
 * @param {OwnDigit[]} digits
 */
function meanHand(digits) {
  if (!digits.length) return null;
  const norm = (/** @type {Float32Array} */ z) => Math.hypot(...z);
  const mean = digits[0].z.map((_, i) => digits.reduce((sum, { z }) => sum + z[i], 0) / digits.length);
  const scale = digits.reduce((sum, { z }) => sum + norm(z), 0) / digits.length / Math.max(norm(mean), 1e-6);
  const kept = /** @type {Map<number, Float32Array>} */ (new Map());
  for (const { label, drawing } of digits) if (drawing) kept.set(label, drawing);
  return { z: mean.map((value) => value * scale), mean, labels: digits.map(({ label }) => label), kept };
}

const handFrom = keepLast((/** @type {string} */ hand, /** @type {string} */ kept) =>
  meanHand(ownDigits(hand, kept) ?? []),
);
/** The hand of settings; null: none, or a damaged one. @param {Record<string, any>} how */
const handOf = ({ hand = "", kept = "" }) => handFrom(hand, kept);

/** The label of a drawing: as the classifier reads it; without one, that whose digit is nearest. @param {Float32Array} image */
async function labelOf(image) {
  const best = (/** @type {ArrayLike<number>} */ all) => Array.from(all).indexOf(Math.max(...Array.from(all)));
  if ("read" in MODEL.programs) return best((await read(image)).chances);
  const labels = [...MODEL.names.keys()];
  const { images } = await draw(alike(await encode(image, labels), labels));
  return best(labels.map((i) => -errorOf(image, images.subarray(i * image.length))));
}

/** Mean absolute difference of images, as a share of full ink. @param {Float32Array} one @param {Float32Array} other */
const errorOf = (one, other) => one.reduce((sum, value, i) => sum + Math.abs(value - other[i]), 0) / one.length / 2;
