"use strict";
// The programs. model.js defines MODEL, the generator's description and programs; runtime.js defines RUNTIME, onnxruntime-web.

/** @typedef {{thickness?: number, slant?: number, width?: number, height?: number}} Style in standard deviations, -3 to 3 */
/**
 * One digit to draw: its latent; a label, or shares of the classes, which sum to 1; the latent of the hand whose
 * thickness and slant it keeps, or null; and the style that it is asked to have.
 * @typedef {{z: Float32Array, shares: number | Float32Array, hand: Float32Array | null, style: Style}} Wanted
 */
/**
 * Images [N, C, H, W] in [-1, 1]; own [N, 4], the style without a wish; chances [N, K] of classes and features [N, F], if
 * they were asked for and there is a classifier; milliseconds.
 * @typedef {{images: Float32Array, own: Float32Array, chances?: Float32Array, features?: Float32Array, ms: number}} Drawn
 */

const ATTRIBUTES = /** @type {const} */ (["thickness", "slant", "width", "height"]); // as gan/digits/attribute.py has them

const bytes = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const unpacked = (/** @type {string} */ text) =>
  new Response(new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip")));

/** @type {any} */
let ort;
/** @type {Promise<void>} */
let ready;
/** @type {Promise<unknown>} */
let turn = Promise.resolve(); // onnxruntime-web runs one batch at a time
/** @type {Record<string, any>} */
const programs = {};

async function load() {
  const module = new Blob([await unpacked(RUNTIME.module).text()], { type: "text/javascript" });
  ort = await import(URL.createObjectURL(module));
  ort.env.wasm.numThreads = 1; // more threads need headers that only a server sends
  ort.env.wasm.wasmBinary = await unpacked(RUNTIME.wasm).arrayBuffer();
  for (const [name, text] of Object.entries(MODEL.programs))
    programs[name] = await ort.InferenceSession.create(await unpacked(text).arrayBuffer(), {
      executionProviders: ["wasm"],
    });
}

/**
 * A tensor [N, width] of what value(row, column) gives for each of the rows.
 * @template T
 * @param {T[]} rows
 * @param {number} width
 * @param {(row: T, column: number) => number} value
 */
function table(rows, width, value) {
  const values = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    for (let j = 0; j < width; j++) values[i * width + j] = value(row, j);
  });
  return new ort.Tensor("float32", values, [rows.length, width]);
}

const sharesOf = (/** @type {(number | Float32Array)[]} */ shares) =>
  table(shares, Math.max(MODEL.classes, 1), (one, j) =>
    typeof one === "number" ? Number(j === Math.max(one, 0)) : one[j],
  );

const imagesOf = (/** @type {Float32Array} */ images) => {
  const [channels, size] = [MODEL.channels, MODEL.size];
  return new ort.Tensor("float32", images, [images.length / (channels * size ** 2), channels, size, size]);
};

/**
 * Run a task once the one before it has ended.
 * @template T
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
function queued(task) {
  const done = turn.then(task);
  turn = done.catch(() => {});
  return done;
}

/**
 * Draw digits, as Pen._draw of gan/digits/line.py does.
 * @param {Wanted[]} wanted
 * @returns {Promise<Drawn>}
 */
function draw(wanted, { read = false } = {}) {
  const held = table(wanted, 4, (one, j) => Number(one.style[ATTRIBUTES[j]] !== undefined));
  const feeds = {
    z: table(wanted, MODEL.latent, (one, j) => one.z[j]),
    shares: sharesOf(wanted.map((one) => one.shares)),
    hand: table(wanted, MODEL.latent, (one, j) => one.hand?.[j] ?? 0),
    kept: table(wanted, 4, (one, j) => Number(one.hand !== null && MODEL.pen.kept.includes(j))),
    style: table(wanted, 4, (one, j) => one.style[ATTRIBUTES[j]] ?? 0),
    held,
  };
  const isReshaped = wanted.some(({ style }) => ATTRIBUTES.slice(1).some((name) => style[name] !== undefined));
  return queued(async () => {
    const start = performance.now();
    let { image, wanted, own } = await programs.steered.run(feeds);
    if (isReshaped) ({ image } = await programs.finish.run({ x: image, wanted, held }));
    const { chances, features } = read && programs.read ? await programs.read.run({ x: image }) : {};
    const ms = performance.now() - start;
    return { images: image.data, own: own.data, chances: chances?.data, features: features?.data, ms };
  });
}

/**
 * The latents that draw an image [C, H, W] in [-1, 1] as each of the labels. Only if MODEL.programs has an encoder.
 * @param {Float32Array} image
 * @param {number[]} labels
 * @returns {Promise<Float32Array[]>}
 */
async function encode(image, labels) {
  const x = new Float32Array(labels.length * image.length);
  labels.forEach((_, i) => x.set(image, i * image.length));
  const { z } = await queued(() => programs.encoder.run({ x: imagesOf(x), shares: sharesOf(labels) }));
  return labels.map((_, i) => z.data.slice(i * MODEL.latent, (i + 1) * MODEL.latent));
}

/**
 * The chances [N, K] of the classes and the features [N, F] of images [N, C, H, W]. Only if MODEL.programs has read.
 * @param {Float32Array} images
 * @returns {Promise<{chances: Float32Array, features: Float32Array}>}
 */
async function read(images) {
  const { chances, features } = await queued(() => programs.read.run({ x: imagesOf(images) }));
  return { chances: chances.data, features: features.data };
}

/**
 * Images [N, 1, H, H], sheared to the right by degrees [N], in cells [N, 1, H, 2 H]. Only of one channel.
 * @param {Float32Array} images
 * @param {number[]} degrees
 * @returns {Promise<Float32Array>}
 */
async function lean(images, degrees) {
  const { image } = await queued(() => {
    const slants = new ort.Tensor("float32", Float32Array.from(degrees), [degrees.length]);
    return programs.lean.run({ x: imagesOf(images), degrees: slants });
  });
  return image.data;
}

/**
 * The style [4] of the hand of a latent, as Axes.hand_style of gan/digits/style.py.
 * @param {Float32Array} z
 * @returns {number[]}
 */
function handStyle(z) {
  /** @type {{weight: number[][], bias: number[]}} */
  const { weight, bias } = MODEL.axes;
  return bias.map((shift, i) => weight[i].reduce((sum, value, j) => sum + value * z[j], shift));
}

/**
 * Digits of latents and labels, each in its own hand and all in one style.
 * @param {Float32Array[]} latents
 * @param {number[]} labels
 * @param {Style} style
 * @returns {Wanted[]}
 */
const alike = (latents, labels, style = {}) => latents.map((z, i) => ({ z, shares: labels[i], hand: null, style }));

/** For scripts: images of seeds and labels, as a promise of a Float32Array. */
window.digits = async (/** @type {number[]} */ seeds, /** @type {number[]} */ labels, /** @type {Style} */ style) => {
  await ready;
  const latents = seeds.map((seed) => latent(seed, MODEL.latent));
  return (await draw(alike(latents, labels, style))).images;
};
