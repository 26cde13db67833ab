"use strict";
// MODEL (the generator and what is said of it) and RUNTIME (onnxruntime-web) are of model.js and runtime.js.

const $ = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const unpacked = (text) => new Response(new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip")));
const hash = new URLSearchParams(location.hash.slice(1));
const dark = matchMedia("(prefers-color-scheme: dark)");
const PIXELS = MODEL.channels * MODEL.size ** 2;
const CELL = 84; // pixels of an image on the sheet

let ort, session;
let first = 0; // seed of the sheet's first image
let turn = Promise.resolve(); // onnxruntime-web runs one batch at a time

// The generator itself: latents Float32Arrays, labels numbers, images Float32Array [N, C, H, W] in [-1, 1].
function draw(latents, labels) {
  const z = new Float32Array(latents.length * MODEL.latent);
  latents.forEach((row, i) => z.set(row, i * MODEL.latent));
  const feeds = {
    z: new ort.Tensor("float32", z, [latents.length, MODEL.latent]),
    y: new ort.Tensor("int64", BigInt64Array.from(labels, BigInt), [labels.length]),
  };
  const done = turn.then(async () => {
    const start = performance.now();
    const { image } = await session.run(feeds);
    return { images: image.data, ms: performance.now() - start };
  });
  turn = done.catch(() => {});
  return done;
}

// Of seeds and labels, for whoever wants numbers: a promise of a Float32Array.
window.digits = async (seeds, labels) => {
  await ready;
  return (await draw(seeds.map((seed) => latent(seed, MODEL.latent)), labels)).images;
};

const number = (id) => Math.min(Number($(id).max), Math.max(Number($(id).min), Math.trunc(Number($(id).value)) || 0));
const chosen = () => {
  const label = document.forms.controls.elements.label?.value;
  return [undefined, "", "all"].includes(label) ? null : Math.min(MODEL.classes - 1, Math.max(0, Number(label)));
};
const labelOf = (seed) => chosen() ?? (MODEL.classes ? seed % MODEL.classes : -1);
const rgb = (id) => [1, 3, 5].map((at) => parseInt($(id).value.slice(at, at + 2), 16));

// One image as a square canvas of `side` pixels, in ink on paper.
function picture(image, side) {
  const small = new OffscreenCanvas(MODEL.size, MODEL.size);
  const dots = new ImageData(MODEL.size, MODEL.size);
  for (let i = 0; i < MODEL.size ** 2; i++) {
    for (let c = 0; c < 3; c++) dots.data[4 * i + c] = 127.5 * (image[(c % MODEL.channels) * MODEL.size ** 2 + i] + 1);
    dots.data[4 * i + 3] = 255;
  }
  small.getContext("2d").putImageData(dots, 0, 0);
  const large = new OffscreenCanvas(side, side);
  const pen = large.getContext("2d", { willReadFrequently: true });
  const look = $("look").value;
  pen.imageSmoothingEnabled = look !== "pixels";
  pen.imageSmoothingQuality = "high";
  pen.drawImage(small, 0, 0, side, side);
  if (MODEL.channels === 3) return large;
  const [ink, paper] = [rgb("ink"), rgb("paper")];
  const edge = look === "crisp" ? Math.max(2, side / MODEL.size / 4) : 1; // how much steeper than the image
  const middle = look === "crisp" ? 0.4 : 0.5; // below a half, so that faint strokes stay
  const shades = Uint32Array.from({ length: 256 }, (_, grey) => {
    const t = Math.min(1, Math.max(0, (grey / 255 - middle) * edge + middle));
    const [red, green, blue] = paper.map((from, c) => Math.round(from + t * (ink[c] - from)));
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
  const all = pen.getImageData(0, 0, side, side);
  const dyed = new Uint32Array(all.data.buffer); // a whole pixel at a time, or sliders lag
  for (let i = 0; i < dyed.length; i++) dyed[i] = shades[dyed[i] & 255];
  pen.putImageData(all, 0, 0);
  return large;
}

// At most one drawing at a time, and another afterwards where something has changed meanwhile.
function latest(task) {
  let wanted = false;
  let busy = false;
  return async () => {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted) {
      wanted = false;
      await task(() => wanted);
    }
    busy = false;
  };
}

const showOne = latest(async () => {
  const [seed, towards, way, boldness] = [number("seed"), number("towards"), number("way") / 100, number("boldness") / 100];
  const label = labelOf(seed);
  const z = between(latent(seed, MODEL.latent), latent(towards, MODEL.latent), way).map((value) => value * boldness);
  const { images, ms } = await draw([z], [label]);
  $("one").getContext("2d").drawImage(picture(images, $("one").width), 0, 0);
  const what = `${label < 0 ? "" : `label ${label}, `}seed ${seed}${way ? `, ${way * 100} % of the way to ${towards}` : ""}`;
  $("one").setAttribute("aria-label", what);
  $("said").textContent = `${what}: drawn in ${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
});

const showMany = latest(async (stale) => {
  const [seed, n] = [number("seed"), number("n")];
  first = seed;
  const many = $("many");
  many.width = MODEL.columns * CELL;
  many.height = Math.ceil(n / MODEL.columns) * CELL;
  const pen = many.getContext("2d");
  pen.fillStyle = MODEL.channels === 1 ? $("paper").value : "#000";
  pen.fillRect(0, 0, many.width, many.height);
  let total = 0;
  for (let at = 0; at < n && !stale(); at += MODEL.columns) {
    const seeds = Array.from({ length: Math.min(MODEL.columns, n - at) }, (_, i) => seed + at + i);
    const { images, ms } = await draw(seeds.map((one) => latent(one, MODEL.latent)), seeds.map(labelOf));
    seeds.forEach((_, i) => {
      pen.drawImage(picture(images.subarray(i * PIXELS, (i + 1) * PIXELS), CELL), i * CELL, (at / MODEL.columns) * CELL);
    });
    total += ms;
    await new Promise((resolve) => setTimeout(resolve)); // let sliders move
  }
  $("counted").textContent = `${n} drawn in ${total.toFixed(0)} ms`;
  const label = chosen() === null ? "" : ` label=${chosen()}`;
  $("typed").textContent = `python -m gan.generate${MODEL.ckpt && ` ckpt=${MODEL.ckpt}`} seed=${seed} n=${n}${label} out=digits.png`;
});

function show() {
  const state = new URLSearchParams({ seed: number("seed"), n: number("n") });
  if (chosen() !== null) state.set("label", chosen());
  if (hash.has("test")) state.set("test", "");
  history.replaceState(null, "", `#${state}`);
  return Promise.all([showOne(), showMany()]);
}

function choices() {
  if (!MODEL.classes) $("labels").remove();
  else if (MODEL.classes > 50) {
    $("choices").innerHTML = `<input type="number" name="label" min="0" max="${MODEL.classes - 1}" placeholder="all in turn" aria-label="Label; empty for all in turn" />`;
  } else {
    const radio = (value, text) => `<label><input type="radio" name="label" value="${value}" /><span>${text}</span></label>`;
    $("choices").innerHTML = Array.from({ length: MODEL.classes }, (_, i) => radio(i, i)).join("") + radio("all", "all in turn");
  }
}

function colours() {
  [$("ink").value, $("paper").value] = dark.matches ? ["#f2efe6", "#1f2229"] : ["#1d2b4f", "#fffdf8"];
}

function save(id) {
  $(id).toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${id === "one" ? $("one").getAttribute("aria-label") : "digits"}.png`.replace(/[ ,%]+/g, "_");
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

function prepare() {
  document.title = document.querySelector("h1").textContent = MODEL.title;
  $("parameters").textContent = MODEL.parameters.toLocaleString("en");
  for (const id of ["command", "licence"]) $(id).textContent = MODEL[id];
  $("sha256").textContent = MODEL.sha256.slice(0, 16);
  choices();
  colours();
  if (MODEL.channels === 3) document.querySelectorAll(".grey").forEach((one) => one.remove());
  for (const id of ["seed", "n"]) if (hash.has(id)) $(id).value = hash.get(id);
  const labels = document.forms.controls.elements.label;
  for (const label of ["all", hash.get("label")]) if (labels) labels.value = label ?? labels.value;
}

function listen() {
  const alone = ["towards", "way", "boldness"]; // what the sheet does not follow
  document.addEventListener("input", (event) => (alone.includes(event.target.id) ? showOne() : show()));
  document.addEventListener("click", ({ target }) => {
    if (target.dataset.save) save(target.dataset.save);
    if (!target.dataset.another) return;
    $(target.dataset.another).value = Math.floor(Math.random() * 1e6);
    show();
  });
  document.forms.controls.addEventListener("submit", (event) => event.preventDefault());
  $("many").addEventListener("click", ({ offsetX, offsetY }) => {
    const side = $("many").clientWidth / MODEL.columns;
    const at = Math.floor(offsetY / side) * MODEL.columns + Math.floor(offsetX / side);
    if (at >= number("n")) return;
    [$("seed").value, $("way").value, $("boldness").value] = [first + at, 0, 100];
    showOne();
  });
  dark.addEventListener("change", () => {
    colours();
    show();
  });
}

async function load() {
  const module = new Blob([await unpacked(RUNTIME.module).text()], { type: "text/javascript" });
  ort = await import(URL.createObjectURL(module));
  ort.env.wasm.numThreads = 1; // more need headers that only a server can send
  ort.env.wasm.wasmBinary = await unpacked(RUNTIME.wasm).arrayBuffer();
  session = await ort.InferenceSession.create(bytes(MODEL.onnx), { executionProviders: ["wasm"] });
}

// For tests: #test writes the images of the sheet, and the time that one and all of them take, into the page.
async function report() {
  const seeds = Array.from({ length: number("n") }, (_, i) => number("seed") + i);
  const images = await window.digits(seeds, seeds.map(labelOf));
  const rows = seeds.map((seed) => latent(seed, MODEL.latent));
  const { ms: one } = await draw(rows.slice(0, 1), [labelOf(seeds[0])]);
  const { ms: all } = await draw(rows, seeds.map(labelOf));
  $("result").textContent = JSON.stringify({ images: [...images], ms: { one, all } });
}

prepare();
const ready = load();
ready
  .then(show)
  .then(() => {
    listen();
    return hash.has("test") && report();
  })
  .catch((error) => {
    $("said").className = "failed";
    $("said").textContent = `This browser cannot draw: ${error.message}. One of 2023 or later can.`;
  });
