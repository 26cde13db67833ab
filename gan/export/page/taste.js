"use strict";
// Your taste: digits that you like and dislike, and digits that you would like. The program taste learns it from the marks.

/** What is thought of a digit, the plain one of its seed and label. @typedef {{seed: number, label: number, liked: boolean}} Opinion */
/** A digit as the program sees it; step: the direction of a better latent. @typedef {{z: Float32Array, label: number, x: Float32Array, features: Float32Array, chance: number, step?: Float32Array}} Seen */

const LIKED = 10; // digits that are shown
const TRIED = 40; // among which they are looked for
const FIRST_LIKED = 1e6; // their first seed
const SWIPE = 40; // pixels
const LARGEST_FILE = 1e6; // bytes
let opinions = /** @type {Opinion[]} */ ([]); // the last is the newest
const earlier = /** @type {Opinion[][]} */ ([]); // to take back
/** Digits that were marked, by seed and label. @type {Map<string, Seen>} */
const looked = new Map();
let tasting = Promise.resolve(); // resolves when the panel shows what was asked
/** The digit that is shown, null: none as yet. @type {{seed: number, label: number} | null} */
let offered = null;
/** @type {() => Promise<void>} */
let refreshLiked; // once at a time

const markKey = (/** @type {{seed: number, label: number}} */ { seed, label }) => `${seed},${label}`;
const shelf = `taste-${MODEL.sha256.slice(0, 16)}`; // of the browser's storage

/** The next digit to mark: that of a seed which was not marked. */
function nextDigit() {
  const seed = (Math.max(-1, ...opinions.map((one) => one.seed)) + 1) % 2 ** 32;
  const label = $("taste-label").value;
  return { seed, label: label === "all" ? seed % MODEL.classes : Number(label) };
}

/** Draw latents of labels, and look at them. @param {{z: Float32Array, label: number}[]} all @returns {Promise<Seen[]>} */
async function look(all) {
  const [latents, labels] = [all.map(({ z }) => z), all.map(({ label }) => label)];
  const { images, features = new Float32Array(), chances = [] } = await draw(alike(latents, labels), { read: true });
  const part = (/** @type {Float32Array} */ values, /** @type {number} */ i) =>
    values.slice((i * values.length) / all.length, ((i + 1) * values.length) / all.length);
  const classes = chances.length / all.length;
  return all.map((one, i) => ({
    ...one,
    x: part(images, i),
    features: part(features, i),
    chance: chances[i * classes + one.label],
  }));
}

/** The chance of a like of each digit, and the way to a better one. @param {Seen[]} all */
async function judge(all) {
  const known = opinions; // others may come meanwhile
  const lacking = known.filter((one) => !looked.has(markKey(one)));
  const drawn = lacking.length
    ? await look(lacking.map(({ seed, label }) => ({ z: latent(seed, MODEL.latent), label })))
    : [];
  lacking.forEach((one, i) => looked.set(markKey(one), drawn[i]));
  const rows = [...known.map((one) => /** @type {Seen} */ (looked.get(markKey(one)))), ...all];
  const feeds = {
    x: table(rows, rows[0].x.length, (one, j) => one.x[j]),
    features: table(rows, rows[0].features.length, (one, j) => one.features[j]),
    shares: sharesOf(rows.map(({ label }) => label)),
    opinion: Float32Array.from(rows, (_, i) => (i < known.length ? (known[i].liked ? 1 : -1) : 0)),
  };
  const { liking, step } = await ask({ names: ["taste"], count: rows.length, feeds });
  return all.map((_, i) => {
    const at = known.length + i;
    return { liking: liking[at], step: step.slice(at * MODEL.latent, (at + 1) * MODEL.latent) };
  });
}

/** Find digits that you would like: plain ones, then those with the smallest step of the latent, as gan/digits/taste.py. @param {() => boolean} stale */
async function findLiked(stale) {
  const { sure, read, step, farthest } = MODEL.taste;
  const chosen = $("taste-label").value;
  const labelOf = (/** @type {number} */ i) => (chosen === "all" ? i % MODEL.classes : Number(chosen));
  let left = Array.from({ length: TRIED }, (_, i) => ({
    z: latent(FIRST_LIKED + i, MODEL.latent),
    label: labelOf(i),
    step: new Float32Array(),
  }));
  let [found, plain] = [/** @type {Float32Array[]} */ ([]), 0];
  for (let far = 0; far <= farthest && left.length && found.length < LIKED && !stale(); far += step) {
    const seen = await look(
      left.map(({ z, label, step }) => ({ z: far ? z.map((value, i) => value + far * step[i]) : z, label })),
    );
    const judged = await judge(seen);
    if (!far) left.forEach((one, i) => (one.step = judged[i].step));
    const isGood = seen.map(({ chance }, i) => chance >= read && judged[i].liking >= sure);
    found = [...found, ...seen.filter((_, i) => isGood[i]).map(({ x }) => x)];
    left = left.filter((_, i) => !isGood[i]);
    if (!far) plain = Math.min(LIKED, found.length);
  }
  return { images: found.slice(0, LIKED), plain };
}

/** Show the next digit. */
async function showNext() {
  const digit = nextDigit();
  const { images } = await draw(alike([latent(digit.seed, MODEL.latent)], [digit.label]));
  if (markKey(digit) !== markKey(nextDigit())) return;
  offered = digit;
  showDigit($("taste"), images);
  $("taste").setAttribute("aria-label", `${MODEL.titles[digit.label]}, seed ${digit.seed}`);
}

/** Show what is known of your taste, and digits that you would like. */
async function showLiked(/** @type {() => boolean} */ stale) {
  const { least, leastEach } = MODEL.taste;
  const [likes, dislikes] = [true, false].map((liked) => opinions.filter((one) => one.liked === liked).length);
  for (const [id, all] of Object.entries({ "save-taste": opinions, "clear-taste": opinions, "take-back": earlier })) {
    if (!all.length && document.activeElement === $(id)) $("taste").focus(); // a disabled button would lose the keys
    $(id).disabled = !all.length;
  }
  say("taste-said", opinions.length ? `${likes} liked, ${dislikes} disliked` : "");
  const isEnough = opinions.length >= least && Math.min(likes, dislikes) >= leastEach;
  const ckpt = MODEL.ckpt ? ` ${quoted(`ckpt=${MODEL.ckpt}`)}` : "";
  say("taste-typed", isEnough ? `python -m gan.prefer feedback=feedback.json out=mine.safetensors${ckpt}` : "");
  if (!isEnough) {
    $("liked").replaceChildren();
    const needs = `${least} marks on, with ${leastEach} likes and ${leastEach} dislikes`;
    return say("liked-said", `From ${needs}, digits are shown that you would like`);
  }
  const found = await findLiked(stale);
  if (stale()) return;
  $("liked").replaceChildren(
    ...found.images.map((image) => {
      const canvas = document.createElement("canvas");
      showDigit(canvas, image);
      return canvas;
    }),
  );
  const [all, moved] = [found.images.length, found.images.length - found.plain];
  const changed = moved ? `, ${moved} of them changed a little` : "";
  say("liked-said", all ? `You would like these ${all}${changed}` : "No digit was found that you would surely like");
}

function followTaste() {
  tasting = Promise.all([showNext(), refreshLiked()]).then(() => {}, failed);
}

/** Replace the opinions, which can be taken back, and keep them in the browser. @param {Opinion[]} all */
function setOpinions(all, isNew = true) {
  if (all.length > MODEL.taste.most) {
    say("taste-wrong", `At most ${MODEL.taste.most} digits can be marked: save them and clear`);
    return followTaste(); // which offers the digit again
  }
  if (isNew) earlier.push(opinions);
  opinions = all;
  say("taste-wrong", "");
  try {
    localStorage.setItem(shelf, feedbackText());
  } catch {
    say("taste-wrong", "This browser keeps nothing: save feedback.json before you leave");
  }
  followTaste();
}

/** The contents of feedback.json. */
const feedbackText = () =>
  JSON.stringify({
    generator: MODEL.sha256,
    marks: opinions.map(({ seed, label, liked }) => ({ seed, label: MODEL.names[label], liked })),
  });

/** The opinions in a feedback.json, a stranger's file, as gan/digits/feedback.py reads it. @param {string} text @returns {Opinion[]} */
function readFeedback(text) {
  /** @type {any} */
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error("it is no JSON");
  }
  if (typeof found?.generator !== "string" || !Array.isArray(found.marks))
    throw new Error("it has no generator or no list of marks");
  if (found.generator !== MODEL.sha256) throw new Error("it is about another generator");
  if (found.marks.length > MODEL.taste.most)
    throw new Error(`it has ${found.marks.length} marks, and ${MODEL.taste.most} are allowed`);
  return found.marks.map((/** @type {any} */ mark, /** @type {number} */ i) => {
    const label = MODEL.names.indexOf(mark?.label);
    const isSeed = Number.isInteger(mark?.seed) && mark.seed >= 0 && mark.seed < 2 ** 32;
    if (label < 0 || !isSeed || typeof mark.liked !== "boolean")
      throw new Error(`mark ${i + 1} is no digit of this page`);
    return { seed: mark.seed, label, liked: mark.liked };
  });
}

/** Of each digit the last opinion. @param {Opinion[]} all */
const unique = (all) => [...new Map(all.map((one) => [markKey(one), one])).values()];

/** Add the marks of a file. @param {File} file */
async function loadFeedback(file) {
  try {
    if (file.size > LARGEST_FILE) throw new Error("it is too large");
    setOpinions(unique([...opinions, ...readFeedback(await file.text())]));
  } catch (error) {
    say("taste-wrong", `${file.name} is not used: ${/** @type {Error} */ (error).message}`);
  }
}

/** Mark the digit that is shown. @param {boolean} liked */
function mark(liked) {
  if (!offered) return;
  const digit = offered;
  offered = null;
  setOpinions(unique([...opinions, { ...digit, liked }]));
}

function listenToTaste() {
  const panel = $("panel-taste");
  refreshLiked = latest(showLiked);
  $("taste-label").append(...MODEL.names.map((name, label) => new Option(name, `${label}`)));
  for (const type of ["input", "change"])
    panel.addEventListener(type, (/** @type {Event} */ event) => event.stopPropagation()); // it holds no setting
  $("taste-label").onchange = followTaste;
  $("like").onclick = () => mark(true);
  $("dislike").onclick = () => mark(false);
  $("take-back").onclick = () => setOpinions(earlier.pop() ?? [], false);
  $("clear-taste").onclick = () => setOpinions([]);
  $("save-taste").onclick = () => download(new Blob([`${feedbackText()}\n`]), "feedback.json");
  $("load-taste").onclick = () => $("feedback").click();
  $("feedback").onchange = () => {
    if ($("feedback").files.length) loadFeedback($("feedback").files[0]);
    $("feedback").value = "";
  };
  panel.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const way = "jk".indexOf(event.key.toLowerCase());
    if (way < 0 || event.ctrlKey || event.metaKey || event.altKey || event.target === $("taste-label")) return;
    event.preventDefault();
    mark(way === 0);
  });
  let start = 0;
  $("taste").onpointerdown = (/** @type {PointerEvent} */ { clientX, pointerId }) => {
    $("taste").setPointerCapture(pointerId);
    start = clientX;
  };
  $("taste").onpointerup = (/** @type {PointerEvent} */ { clientX }) => {
    if (Math.abs(clientX - start) > SWIPE) mark(clientX > start);
  };
  try {
    opinions = readFeedback(localStorage.getItem(shelf) ?? feedbackText());
  } catch {} // it is damaged, or this browser keeps nothing, which is said with the first mark
  panel.addEventListener("toggle", () => panel.open && followTaste());
  if (panel.open) followTaste();
}
