"use strict";
// The generator. model.js defines MODEL, its programs and description; runtime.js defines RUNTIME, onnxruntime-web.

const ATTRIBUTES = ["thickness", "slant", "width", "height"]; // of a style, as gan/digits/attribute.py has them

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const unpacked = (text) => new Response(new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip")));

let ort, steered, finish, encoder, ready;
let turn = Promise.resolve(); // onnxruntime-web runs one batch at a time

async function load() {
  const module = new Blob([await unpacked(RUNTIME.module).text()], { type: "text/javascript" });
  ort = await import(URL.createObjectURL(module));
  ort.env.wasm.numThreads = 1; // more threads need headers that only a server sends
  ort.env.wasm.wasmBinary = await unpacked(RUNTIME.wasm).arrayBuffer();
  const program = (text) => ort.InferenceSession.create(bytes(text), { executionProviders: ["wasm"] });
  steered = await program(MODEL.steered);
  finish = await program(MODEL.finish);
  if (MODEL.encoder) encoder = await program(MODEL.encoder);
}

// A tensor [n, width] of what value(row, column) gives.
function table(n, width, value) {
  const values = new Float32Array(n * width);
  for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) values[i * width + j] = value(i, j);
  return new ort.Tensor("float32", values, [n, width]);
}

const sharesOf = (labels) => table(labels.length, Math.max(MODEL.classes, 1), (i, j) => (j === Math.max(labels[i], 0) ? 1 : 0));

// Run a program once the one before it has ended.
function queued(run) {
  const done = turn.then(run);
  turn = done.catch(() => {});
  return done;
}

// Draw latents, Float32Arrays, of labels in a style: {thickness: 1.5}, in standard deviations.
// A promise of images, Float32Array [N, C, H, W] in [-1, 1]; own, the style [N, 4] without a wish; and milliseconds.
function draw(latents, labels, style = {}) {
  const n = latents.length;
  const held = table(n, 4, (_, j) => (ATTRIBUTES[j] in style ? 1 : 0));
  const feeds = {
    z: table(n, MODEL.latent, (i, j) => latents[i][j]),
    shares: sharesOf(labels),
    style: table(n, 4, (_, j) => style[ATTRIBUTES[j]] ?? 0),
    held,
  };
  const isReshaped = ATTRIBUTES.slice(1).some((name) => name in style);
  return queued(async () => {
    const start = performance.now();
    const { image, wanted, own } = await steered.run(feeds);
    const images = isReshaped ? (await finish.run({ x: image, wanted, held })).image : image;
    return { images: images.data, own: own.data, ms: performance.now() - start };
  });
}

// The latents, Float32Arrays, that draw an image [H, W] in [-1, 1] as each of the labels.
async function encode(image, labels) {
  const { data } = table(labels.length, image.length, (_, j) => image[j]);
  const x = new ort.Tensor("float32", data, [labels.length, 1, MODEL.size, MODEL.size]);
  const { z } = await queued(() => encoder.run({ x, shares: sharesOf(labels) }));
  return labels.map((_, i) => z.data.slice(i * MODEL.latent, (i + 1) * MODEL.latent));
}

// For scripts: images of seeds and labels, as a promise of a Float32Array.
window.digits = async (seeds, labels, style) => {
  await ready;
  return (await draw(seeds.map((seed) => latent(seed, MODEL.latent)), labels, style)).images;
};
