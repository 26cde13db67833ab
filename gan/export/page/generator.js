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

const SHARED = 2; // digits from which a request is shared by the threads

/** A thread that runs programs: a worker, or the page's own where none starts. */
class Thread {
  /** @param {Worker | MessagePort} port */
  constructor(port) {
    this.port = port;
    /** @type {Map<number, {resolve: (done: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.asked = 0;
    port.onmessage = ({ data: { id, done, error } }) => {
      const { resolve, reject } = this.waiting.get(id) ?? {};
      this.waiting.delete(id);
      error === undefined ? resolve?.(done) : reject?.(new Error(error));
    };
    if ("onerror" in port) port.onerror = ({ message }) => this.fail(message);
  }

  /** @param {object} message */
  ask(message) {
    const id = this.asked++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.port.postMessage({ id, ...message });
    });
  }

  /** The worker is lost. @param {string} message */
  fail(message) {
    threads.splice(0, threads.length, ...threads.filter((one) => one !== this));
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }
}

/** @type {Thread[]} */
const threads = []; // that have started
/** @type {Promise<void>} */
let ready;

/** @param {string} text base64 */
function bytes(text) {
  const letters = atob(text);
  const found = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) found[i] = letters.charCodeAt(i);
  return found;
}

/** Start the threads; the promise resolves when the first of them draws. */
async function load() {
  const all = (/** @type {Record<string, string>} */ texts) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, bytes(text)]));
  const sent = { runtime: all(RUNTIME), programs: all(MODEL.programs) };
  const start = async (/** @type {Worker | MessagePort} */ port) => {
    const thread = new Thread(port);
    await thread.ask(sent);
    threads.push(thread);
  };
  const source = URL.createObjectURL(new Blob([`(${work})(self)`], { type: "text/javascript" }));
  const startWorker = async () => start(new Worker(source)); // rejects if the browser allows none
  await startWorker().catch(() => {
    const { port1, port2 } = new MessageChannel();
    work(port2);
    return start(port1);
  });
  if (navigator.hardwareConcurrency > 1) startWorker().catch(() => {}); // later, so that the first is ready sooner
}

/**
 * A table [N, width] of what value(row, column) gives for each of the rows.
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
  return values;
}

const sharesOf = (/** @type {(number | Float32Array)[]} */ shares) =>
  table(shares, Math.max(MODEL.classes, 1), (one, j) =>
    typeof one === "number" ? Number(j === Math.max(one, 0)) : one[j],
  );

/**
 * Ask the thread with the fewest requests; if it is lost, another.
 * @param {object} message
 * @returns {Promise<any>}
 */
async function ask(message) {
  if (!threads.length) throw new Error("its workers ended");
  const thread = threads.reduce((least, one) => (one.waiting.size < least.waiting.size ? one : least));
  return thread.ask(message).catch((error) => {
    if (threads.includes(thread)) throw error;
    return ask(message);
  });
}

/**
 * Run programs one after another on `count` rows, which the threads share.
 * @param {string[]} names
 * @param {number} count
 * @param {Record<string, Float32Array>} feeds tables of as many rows
 * @returns {Promise<Record<string, Float32Array>>} the tables of all outputs; those named image are called x
 */
async function run(names, count, feeds) {
  const parts = count < SHARED ? 1 : Math.max(1, Math.min(threads.length, count));
  const found = await Promise.all(
    Array.from({ length: parts }, (_, i) => {
      const [from, to] = [i, i + 1].map((at) => Math.round((at * count) / parts));
      const cut = (/** @type {Float32Array} */ values) =>
        values.slice(...[from, to].map((at) => (at * values.length) / count));
      const some = Object.fromEntries(Object.entries(feeds).map(([name, values]) => [name, cut(values)]));
      return ask({ names, count: to - from, feeds: some });
    }),
  );
  if (parts === 1) return found[0];
  const joined = Object.keys(found[0]).map((name) => {
    const values = new Float32Array(found.reduce((sum, part) => sum + part[name].length, 0));
    let at = 0;
    for (const part of found) {
      values.set(part[name], at);
      at += part[name].length;
    }
    return [name, values];
  });
  return Object.fromEntries(joined);
}

/**
 * Draw digits, as Pen._draw of gan/digits/line.py does.
 * @param {Wanted[]} wanted
 * @returns {Promise<Drawn>}
 */
async function draw(wanted, { read = false } = {}) {
  const feeds = {
    z: table(wanted, MODEL.latent, (one, j) => one.z[j]),
    shares: sharesOf(wanted.map((one) => one.shares)),
    hand: table(wanted, MODEL.latent, (one, j) => one.hand?.[j] ?? 0),
    kept: table(wanted, 4, (one, j) => Number(one.hand !== null && MODEL.pen.kept.includes(j))),
    style: table(wanted, 4, (one, j) => one.style[ATTRIBUTES[j]] ?? 0),
    held: table(wanted, 4, (one, j) => Number(one.style[ATTRIBUTES[j]] !== undefined)),
  };
  const isReshaped = wanted.some(({ style }) => ATTRIBUTES.slice(1).some((name) => style[name] !== undefined));
  const names = ["steered", ...(isReshaped ? ["finish"] : []), ...(read && MODEL.programs.read ? ["read"] : [])];
  const start = performance.now();
  const { x, own, chances, features } = await run(names, wanted.length, feeds);
  return { images: x, own, chances, features, ms: performance.now() - start };
}

/**
 * The latents that draw an image [C, H, W] in [-1, 1] as each of the labels. Only if MODEL.programs has an encoder.
 * @param {Float32Array} image
 * @param {number[]} labels
 * @returns {Promise<Float32Array[]>}
 */
async function encode(image, labels) {
  const x = table(labels, image.length, (_, j) => image[j]);
  const { z } = await run(["encoder"], labels.length, { x, shares: sharesOf(labels) });
  return labels.map((_, i) => z.slice(i * MODEL.latent, (i + 1) * MODEL.latent));
}

/**
 * The chances [N, K] of the classes and the features [N, F] of images [N, C, H, W]. Only if MODEL.programs has read.
 * @param {Float32Array} images
 */
async function read(images) {
  const { chances, features } = await run(["read"], images.length / (MODEL.channels * MODEL.size ** 2), { x: images });
  return { chances, features };
}

/**
 * Images [N, 1, H, H], sheared to the right by degrees [N], in cells [N, 1, H, 2 H]. Only of one channel.
 * @param {Float32Array} images
 * @param {number[]} degrees
 */
async function lean(images, degrees) {
  const { x } = await run(["lean"], degrees.length, { x: images, degrees: Float32Array.from(degrees) });
  return x;
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
