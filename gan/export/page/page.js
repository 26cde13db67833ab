"use strict";
// The page: settings -> digits -> picture -> canvas. A drag draws what it can; what comes late is left out, the last request never.

/** What is on the canvas. @type {{key: string, picture: Picture, own: Float32Array, digits: Digit[]}} */
let shown = {
  key: "",
  picture: { ink: new Float32Array(1), width: 1, height: 1, boxes: [] },
  own: new Float32Array(),
  digits: [],
};
let settled = Promise.resolve(); // resolves when the last request is drawn
const trace = { inputs: 0, drawn: 0, ms: /** @type {number[]} */ ([]) }; // of inputs, for tests: from event to canvas

/** Run a task once at a time. Of the requests that come meanwhile, only the last runs. @param {(stale: () => boolean, ...state: any[]) => Promise<void>} task */
function latest(task) {
  let asked = /** @type {any[] | null} */ (null);
  let running = /** @type {Promise<void> | null} */ (null);
  const run = async () => {
    for (let state; (state = asked); ) {
      asked = null;
      await task(() => asked !== null, ...state);
    }
  };
  return (/** @type {any[]} */ ...state) => {
    asked = state;
    return (running ??= run().finally(() => (running = null)));
  };
}

/** Draw the settings. Without `reads`, quickly: digits are not checked. */
const redraw = latest(
  async (stale, /** @type {Settings} */ how, /** @type {boolean} */ reads, /** @type {number} */ asked) => {
    const key = JSON.stringify([
      Object.entries(how).filter(([name]) => !(name in PLAIN)),
      reads && how.layout !== "sheet",
    ]);
    if (key !== shown.key) {
      const made = how.layout === "sheet" ? await writeSheet(how, stale) : await write(blocksOf(how), how, reads);
      if (!made) return;
      const { picture, digits, own, ms, unread } = made;
      shown = { key, picture, own, digits };
      say("took", `${digits.length} digit${digits.length === 1 ? "" : "s"} in ${ms.toFixed(ms < 10 ? 1 : 0)} ms`);
      say("unread", unread ? `${unread} of them may be misread` : "");
    }
    if (reads) fitCanvas();
    paintPicture(how);
    if (asked) trace.ms.push(performance.now() - asked);
    trace.drawn++;
    if (reads) sayLater();
  },
);

let fitted = { sharp: 1, left: 0, top: 0 }; // the canvas: dots in a CSS pixel, and its place; asking for them takes a layout

/** Give the canvas the shape of the picture. It stays during a drag, so that nothing moves below it. */
function fitCanvas() {
  const canvas = $("picture");
  const { width, height } = shown.picture;
  const fitting = Math.min($("stage").clientWidth / width, Math.max(220, innerHeight * 0.45) / height, 14);
  const scale = good.layout === "sheet" ? Math.max(fitting, Math.min(1, $("stage").clientWidth / width)) : fitting; // it scrolls
  const [wide, tall] = [Math.max(64, Math.floor(width * scale)), Math.max(48, Math.floor(height * scale))];
  const sharp = Math.min(devicePixelRatio, 4096 / wide);
  Object.assign(canvas, { width: Math.round(wide * sharp), height: Math.round(tall * sharp) });
  Object.assign(canvas.style, { width: `${wide}px`, height: `${tall}px` });
  fitted = { sharp: canvas.width / canvas.clientWidth, left: canvas.offsetLeft, top: canvas.offsetTop };
}

/** Paint what was drawn on the canvas. @param {Settings} how */
function paintPicture(how) {
  const canvas = $("picture");
  paint(canvas.getContext("2d"), shown.picture, lookOf(how), canvas.width, canvas.height, { seed: how.seed, photo });
  const { scale, x, y } = placeOf(shown.picture, canvas.width, canvas.height);
  const { sharp, left, top } = fitted;
  placeHandles(shown.picture.boxes, { scale: scale / sharp, x: x / sharp + left, y: y / sharp + top });
  showStyle();
  showLook(how);
  const what = how.layout === "sheet" ? `${how.n} digits` : how.text;
  canvas.setAttribute("aria-label", `The picture: ${what}, handwritten`);
}

/** Once, when a drag has ended. */
const sayLater = later(500, () => {
  $("said").className = "";
  say("said", describe(good));
});

/** @param {number} ms @param {() => void} task */
function later(ms, task) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(task, ms);
  };
}

/** Follow the settings. @param {boolean} reads @param {number} [asked] when an input came, in milliseconds */
function show(reads, asked = 0) {
  check();
  const how = settings();
  document.body.dataset.layout = how.layout;
  if (reads) {
    say("typed", commandOf(how));
    say("font", fontOf(how));
  }
  return (settled = redraw(how, reads, asked).catch(failed));
}

/** Check what no field can check by itself. */
function check() {
  if (MODEL.programs.encoder) followHand();
  const layout = field("layout").value;
  const text = field("text");
  text.setCustomValidity(explainText(text.value, layout));
  const digits = field("digits");
  digits.setCustomValidity(explainAttempts(digits.value));
  checkFields();
  const n = /** @type {HTMLInputElement} */ (field("n"));
  const last = layout === "sheet" ? 2 ** 32 - 1 : 2 ** 24 - 1;
  const seed = /** @type {HTMLInputElement} */ (field("seed"));
  seed.max = `${last}`;
  n.max = `${Math.min(1000, last - Number(seed.value) + 1)}`;
}

function prepare() {
  document.title = $("title").textContent = MODEL.title;
  $("parameters").textContent = MODEL.parameters.toLocaleString("en");
  for (const id of ["command", "licence"]) $(id).textContent = /** @type {any} */ (MODEL)[id];
  $("sha256").textContent = MODEL.sha256.slice(0, 16);
  if (!MODEL.programs.encoder) $("panel-hand").remove();
  if (!MODEL.programs.taste) $("panel-taste").remove();
  const labels = /** @type {HTMLSelectElement} */ (field("label"));
  labels.append(...MODEL.names.map((name, label) => new Option(name, `${label}`))); // a stranger's names: no HTML
  const layouts = /** @type {HTMLSelectElement} */ (field("layout"));
  if (!Object.keys(MODEL.alphabet).length) {
    for (const one of [...layouts.options]) if (one.value !== "sheet") one.remove();
    layouts.options[0].defaultSelected = true;
    $("panel-layout").toggleAttribute("open", true);
  }
  document.body.classList.toggle("coloured", MODEL.channels === 3);
  for (const one of fields()) defaults[one.name] = textOf(one) ?? one.value;
  settings();
}

/** @param {HTMLElement} one */
const other = (one) => set({ [/** @type {string} */ (one.dataset.another)]: Math.floor(Math.random() * 1e6) });

function listen() {
  /** @type {HTMLElement} */
  const form = $("studio");
  const typed = later(500, () => {
    commit();
    show(true);
  }); // a pause in typing is a step
  form.addEventListener("input", (event) => {
    const one = /** @type {HTMLInputElement} */ (event.target);
    if (one.name && one.setCustomValidity) one.setCustomValidity("");
    if (one.dataset.optional !== undefined) one.dataset.held = "";
    trace.inputs++;
    const isTyped = one.type === "text" || one.type === "number";
    show(isTyped, performance.now());
    if (isTyped) typed();
  });
  form.addEventListener("change", () => {
    show(true);
    commit();
  });
  document.addEventListener("click", (event) => {
    const one = /** @type {HTMLElement} */ (event.target);
    if (one.dataset.another) other(one);
    if (one.id === "skip") field("text").focus();
    if (one.id === "loose") set(Object.fromEntries(ATTRIBUTES.map((name) => [name, null])));
    if (one.id === "undo" || one.id === "redo") go(one.id === "undo" ? -1 : 1);
  });
  addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !"zy".includes(key)) return;
    event.preventDefault();
    go(key === "y" || event.shiftKey ? 1 : -1);
  });
  addEventListener("hashchange", () => {
    follow(location.hash.slice(1));
    show(true);
    commit();
  });
  for (const type of /** @type {const} */ (["dragover", "drop"]))
    addEventListener(type, (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); // a browser would leave the page
    });
  new ResizeObserver(() => {
    fitCanvas();
    paintPicture(good);
  }).observe($("stage"));
  listenToHandles((index) => set({ layout: "line", seed: shown.digits[index].seed % 2 ** 24 }));
  listenToSingle();
  if (MODEL.programs.encoder) listenToPad();
  if (MODEL.programs.taste) listenToTaste();
  listenToColours();
  listenToFiles();
}

/** @param {number} step */
function go(step) {
  if (travel(step)) show(true);
}

/** @param {{message: string}} error */
function failed({ message }) {
  $("said").className = "failed";
  $("said").textContent =
    threads.length || !shown.key
      ? `This browser cannot draw: ${message.replace(/\.$/, "")}. Use a browser of 2023 or later.`
      : `The drawing has stopped: ${message.replace(/\.$/, "")}. Load this page again, in a browser of 2023 or later.`;
}

async function begin() {
  prepare();
  follow(location.hash.slice(1));
  if (!location.hash) field("text").value = new Date().toISOString().slice(0, 10);
  await (ready = load());
  say("said", "");
  listen();
  await show(true);
  commit();
  warmUp().catch(() => {}); // the next drawing says what is wrong
}

/** The first drawings take three times as long, until the browser has compiled what they run: nobody waits for these. */
async function warmUp() {
  const text = Object.keys(MODEL.alphabet).slice(0, 10).join("");
  const how = { ...good, layout: "line", text, digits: "", thickness: 0, slant: 0 };
  for (let i = 0; text && i < 20; i++) inkOf((await write(blocksOf(how), how, false)).picture);
}
