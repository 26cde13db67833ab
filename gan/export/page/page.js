"use strict";
// The field "seed" belongs to the large image, "first" to the sheet.

const hash = () => new URLSearchParams(location.hash.slice(1));
const dark = matchMedia("(prefers-color-scheme: dark)");
const CELL = 84; // pixels of an image on the sheet
const READABLE = 3; // required contrast of large figures and graphics (WCAG 2.2, 1.4.3 and 1.4.11, AA)

let sheet = [0, 0]; // the first seed and the number of images shown
let shown = Promise.resolve(); // resolves when the last request is drawn
let own = false; // whether the user has chosen a colour

const number = (id) => Number($(id).value);
const fine = (...ids) => ids.every((id) => $(id)?.validity.valid ?? true);
const chosen = () => {
  const label = document.forms.controls.elements.label?.value;
  return !fine("label") || [undefined, "", "all"].includes(label) ? null : Number(label);
};
const quoted = (text) => (/^[\w./=-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`); // for a shell
const labelOf = (seed, label) => label ?? (MODEL.classes ? seed % MODEL.classes : -1);

// Runs a task once at a time. Of the requests that come meanwhile, only the last runs.
function latest(task) {
  let asked, running;
  const run = async () => {
    for (let state; (state = asked); ) {
      asked = null;
      await task(() => asked, ...state);
    }
  };
  return (...state) => {
    asked = state;
    return (running ??= run().finally(() => (running = null)));
  };
}

const showOne = latest(async (_, asked, style, seed, towards, way, boldness) => {
  const label = hand ? (asked ?? hand.label) : labelOf(seed, asked);
  const z = between(hand ? hand.z : latent(seed, MODEL.latent), latent(towards, MODEL.latent), way / 100);
  const { images, own, ms } = await draw(alike([z.map((value) => (value * boldness) / 100)], [label], style));
  showStyle(own);
  $("one").getContext("2d").drawImage(picture(images, $("one").width), 0, 0);
  const what = [hand ? "your hand" : `seed ${seed}`];
  if (label >= 0) what.unshift(`label ${MODEL.names[label]}`);
  if (way) what.push(`${way} % towards seed ${towards}`);
  if (boldness !== 100) what.push(`truncation ${boldness / 100}`);
  what.push(...styleSaid(style));
  const seeds = [...(hand ? [] : [seed]), ...(way ? [towards] : [])].join(", ");
  const text = { ...(seeds ? { Seed: seeds } : {}), ...(label < 0 ? {} : { Label: MODEL.names[label] }) };
  tell("one", MODEL.titles[label] ?? "A handwritten digit", what.join(", "), text, ms);
});

const showMany = latest(async (stale, label, style, seed, n) => {
  sheet = [seed, n];
  const many = $("many");
  many.width = MODEL.columns * CELL;
  many.height = Math.ceil(n / MODEL.columns) * CELL;
  const pen = many.getContext("2d");
  pen.fillStyle = MODEL.channels === 1 ? $("paper").value : "#000";
  pen.fillRect(0, 0, many.width, many.height);
  let total = 0;
  for (let at = 0; at < n; at += MODEL.columns) {
    const seeds = Array.from({ length: Math.min(MODEL.columns, n - at) }, (_, i) => seed + at + i);
    const labels = seeds.map((one) => labelOf(one, label));
    const { images, ms } = await draw(alike(latentsOf(seeds), labels, style));
    seeds.forEach((_, i) => {
      const image = images.subarray((i * images.length) / seeds.length);
      pen.drawImage(picture(image, CELL), i * CELL, (at / MODEL.columns) * CELL);
    });
    total += ms;
    await new Promise((resolve) => setTimeout(resolve)); // let sliders move
    if (stale()) return;
  }
  const which = label === null ? (MODEL.classes ? ["labels in turn"] : []) : [`label ${MODEL.names[label]}`];
  const [s, seeds] = n > 1 ? ["s", `${seed} to ${seed + n - 1}`] : ["", `${seed}`];
  const text = { Seed: seeds, ...(label === null ? {} : { Label: MODEL.names[label] }) };
  const title = `${n} handwritten digit${s} in rows of ${MODEL.columns}`;
  tell("many", title, [`${n} image${s}`, `seed${s} ${seeds}`, ...(hand ? ["your hand"] : []), ...which, ...styleSaid(style)].join(", "), text, total);
  const words = [MODEL.ckpt && `ckpt=${MODEL.ckpt}`, `seed=${seed}`, `n=${n}`, label !== null && `label=${MODEL.names[label]}`];
  words.push(...Object.entries(style).map(([name, value]) => `style.${name}=${value}`));
  $("typed").textContent = hand ? "" : ["python -m gan.generate", ...words.filter(Boolean).map(quoted), "out=digits.png"].join(" ");
});

// Show beside each field what is wrong with it. A wrong request draws nothing; the last picture stays.
function check() {
  const last = $("first").max;
  if (fine("first")) $("n").max = Math.min(1000, last - number("first") + 1);
  for (const output of document.querySelectorAll("output[for]")) {
    const one = $(output.htmlFor);
    const range = one.type === "number" ? `Must be a whole number from ${one.min} to ${one.max}` : "There is no such label: choose one here";
    const why = one.id === "n" && one.max < 1000 ? `: the last seed is ${last}` : "";
    say(output.id, one.validity.valid ? "" : range + why);
  }
  $("way").setAttribute("aria-valuetext", `${number("way")} % towards seed ${number("towards")}`);
  $("boldness").setAttribute("aria-valuetext", `${number("boldness") / 100}`);
  if (MODEL.channels === 3) return;
  const ratio = contrast(rgb("ink"), rgb("paper"));
  const figure = (Math.floor(ratio * 10) / 10).toFixed(1);
  say("contrast", ratio < READABLE ? `Contrast ${figure}:1; WCAG requires ${READABLE}:1 or more` : "");
}

function show(one = true, many = true) {
  check();
  const label = chosen();
  const state = hash();
  for (const id of ["seed", "first", "n"]) if (fine(id)) state.set(id, number(id));
  if (fine("label")) label === null ? state.delete("label") : state.set("label", MODEL.names[label]);
  writeStyle(state);
  writeHand(state);
  if (`#${state}` !== location.hash) history.replaceState(null, "", `#${state}`); // only on a change: Safari allows 100 in 30 seconds
  const possible = (id) => (fine(id) ? number(id) : Math.min($(id).defaultValue, $(id).max)); // so that a bad link still draws
  const ask = (name, ...ids) => (fine("label", ...ids) || !files[name]) && { one: showOne, many: showMany }[name](label, wish(), ...ids.map(possible)).catch(failed);
  shown = Promise.all([shown, one && ask("one", "seed", "towards", "way", "boldness"), many && ask("many", "first", "n")]);
  return shown;
}

// Set the fields from the address.
function follow() {
  const asked = hash();
  for (const id of ["seed", "n", "way", "boldness"]) $(id).value = asked.get(id) ?? $(id).defaultValue;
  $("first").value = asked.get("first") ?? $("seed").value;
  followStyle(asked);
  followHand(asked);
  const name = asked.get("label");
  const label = name === null ? "all" : `${MODEL.names.indexOf(name)}`;
  for (const one of document.getElementsByName("label")) {
    if (one.type === "radio") one.checked = one.value === label;
    else one.value = label;
  }
}

function choices() {
  const all = [...MODEL.names.map((name, label) => [label, name]), ["all", "all in turn"]];
  if (!MODEL.classes) $("labels").remove();
  else if (MODEL.classes > 50) {
    const select = Object.assign(document.createElement("select"), { id: "label", name: "label", required: true });
    select.setAttribute("aria-describedby", "label-wrong");
    select.setAttribute("aria-label", "Label");
    select.append(...all.map(([value, name]) => new Option(name, value)));
    $("choices").append(select);
  } else {
    $("choices").style.setProperty("--name", `${Math.max(...MODEL.names.map((name) => name.length))}ch`);
    $("choices").append(...all.map(([value, name], i) => {
      const radio = Object.assign(document.createElement("input"), { type: "radio", name: "label", value, required: true });
      if (!i) radio.id = "label";
      const [field, told] = ["label", "span"].map((tag) => document.createElement(tag));
      told.textContent = name; // of a stranger's file: no HTML
      field.append(radio, told);
      return field;
    }));
  }
}

function colours() {
  [$("ink").value, $("paper").value] = dark.matches ? ["#f2efe6", "#1f2229"] : ["#1d2b4f", "#fffdf8"];
}

function prepare() {
  document.title = document.querySelector("h1").textContent = MODEL.title;
  $("parameters").textContent = MODEL.parameters.toLocaleString("en");
  for (const id of ["command", "licence"]) $(id).textContent = MODEL[id];
  $("sha256").textContent = MODEL.sha256.slice(0, 16);
  choices();
  colours();
  if (!MODEL.programs.encoder) $("own").remove();
  if (MODEL.channels === 3) document.querySelectorAll(".grey").forEach((one) => one.remove());
  follow();
}

function listen() {
  if (MODEL.programs.encoder) listenToPad(show);
  const alone = ["seed", "towards", "way", "boldness"]; // fields of the large image only
  const together = ["first", "n"]; // fields of the sheet only
  const changed = (id) => show(!together.includes(id), !alone.includes(id));
  document.addEventListener("input", ({ target }) => {
    own ||= target.type === "color";
    if (target.id === "seed" && hand) {
      leaveHand();
      return show();
    }
    if (ATTRIBUTES.includes(target.id)) {
      target.dataset.held = "";
      say(`${target.id}-wrong`, "");
    }
    changed(target.id);
  });
  document.addEventListener("click", async ({ target: { dataset } }) => {
    if (dataset.another) {
      const wasHand = dataset.another === "seed" && hand;
      if (wasHand) leaveHand();
      $(dataset.another).value = Math.floor(Math.random() * 1e6);
      if (dataset.another === "towards" && !number("way")) $("way").value = 50; // else nothing would change
      wasHand ? show() : changed(dataset.another);
    }
    if (dataset.loose) {
      for (const slider of sliders()) delete slider.dataset.held;
      show();
    }
    if (!dataset.save) return;
    await shown; // else half of it would be saved
    if (files[dataset.save]) save(dataset.save);
  });
  $("many").addEventListener("click", ({ offsetX, offsetY }) => {
    const side = $("many").clientWidth / MODEL.columns;
    const at = Math.floor(offsetY / side) * MODEL.columns + Math.floor(offsetX / side);
    if (at >= sheet[1]) return;
    [$("seed").value, $("way").value, $("boldness").value] = [sheet[0] + at, 0, 100];
    if (hand) hand = { z: rounded(latentsOf([sheet[0] + at])[0]), label: labelOf(sheet[0] + at, chosen()) };
    show(true, Boolean(hand)); // the others follow a digit that becomes the hand
  });
  addEventListener("hashchange", () => {
    follow();
    show();
  });
  dark.addEventListener("change", () => {
    if (own) return;
    colours();
    show();
  });
}

// For tests: #test writes the images of the sheet, and the time of one and of all, into the page.
async function report() {
  const seeds = Array.from({ length: number("n") }, (_, i) => number("first") + i);
  const labels = seeds.map((seed) => labelOf(seed, chosen()));
  const images = await window.digits(seeds, labels, wish());
  const rows = seeds.map((seed) => latent(seed, MODEL.latent));
  const { ms: one } = await draw(alike(rows.slice(0, 1), labels.slice(0, 1)));
  const { ms: all } = await draw(alike(rows, labels));
  $("result").textContent = JSON.stringify({ images: [...images], ms: { one, all } });
}

function failed({ message }) {
  $("one-said").className = "failed";
  $("one-said").textContent = `This browser cannot draw: ${message.replace(/\.$/, "")}. Use a browser of 2023 or later.`;
}

async function begin() {
  prepare();
  await (ready = load());
  say("one-said", "");
  listen();
  await show();
  if (hash().has("test")) await report();
}
