"use strict";
// The pad: digits that are drawn, or found in photographs, become those of your hand.

/** What is on the pad: strokes, as points of the pad, or ink of a photograph. @typedef {number[][] | OffscreenCanvas} Mark */

const NIB = 1 / 11; // of the side of the pad
const INKED = 0.3; // ink from which a pixel of the pad belongs to the digit
const KEYS = "Home,ArrowUp,PageUp,ArrowLeft,,ArrowRight,End,ArrowDown,PageDown".split(","); // as they lie around a pen

/** What was drawn as a digit, and how: by the text of its latent. @type {Map<string, {image: Float32Array, marks: Mark[]}>} */
const drawings = new Map();
let listed = "|"; // the hand that the list shows
let marks = /** @type {Mark[]} */ ([]); // on the pad
let current = -1; // the place in the hand of the digit on the pad; -1: it is a new one
let isCorrected = false; // whether the label of that digit was chosen by hand
let reading = Promise.resolve(); // resolves when the pad is read

const padPen = () => /** @type {Pen} */ ($("pad").getContext("2d", { willReadFrequently: true }));
const drawingNow = (/** @type {OwnDigit} */ { z }) => drawings.get(latentText(z));

/** Draw a stroke from its point `from` on. @param {number[][]} points */
function stroke(points, from = 0) {
  const pen = padPen();
  [pen.lineWidth, pen.lineCap, pen.lineJoin] = [pen.canvas.width * NIB, "round", "round"];
  pen.beginPath();
  for (const [x, y] of [points[from], ...points.slice(from)]) pen.lineTo(x, y);
  pen.stroke();
}

/** Put marks on the empty pad, which are those of the digit at a place. @param {Mark[]} all @param {number} place */
function fillPad(all, place = -1) {
  [marks, current, isCorrected] = [[...all], place, false];
  paintPad();
}

/** Paint all marks anew: parts of a stroke that are drawn one by one are darker at their edges. */
function paintPad() {
  const pen = padPen();
  pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height);
  for (const mark of marks) Array.isArray(mark) ? stroke(mark) : pen.drawImage(mark, 0, 0);
}

/** The image of the digit on the pad; null: it is empty, or has a dot alone. */
function padImage() {
  const { width, height } = $("pad");
  const { data } = padPen().getImageData(0, 0, width, height);
  const values = new Float32Array(width * height).map((_, i) => data[4 * i + 3] / 255);
  const pixels = /** @type {number[]} */ ([]);
  for (let i = 0; i < values.length; i++) if (values[i] >= INKED) pixels.push(i);
  const blot = blotOf(pixels, width);
  return pixels.length && long(blot) > 2 * NIB * width ? asDigit(cut({ values, width, height }, [blot])) : null;
}

/** Write the hand into its fields. @param {OwnDigit[]} all */
function saveHand(all) {
  const { hand, kept } = handTexts(all);
  listed = `${hand}|${kept}`;
  /** @type {Record<string, null>} */
  const own = field("hand").value ? {} : { thickness: null, slant: null }; // a new hand brings its own
  set({ hand, kept, ...own }, "input"); // drawn at once, and then with care
  set({});
  showHand(all).catch(failed);
}

/** Make the digit on the pad one of the hand, or the next version of it. */
async function readPad() {
  paintPad();
  const [image, before, place] = [padImage(), [...marks], current < 0 ? ownNow().length : current];
  if (!image) return;
  say("pad-wrong", "");
  if (place >= MOST) return say("pad-said", `A hand has at most ${MOST} digits: remove one`);
  const label = isCorrected ? ownNow()[place].label : await labelOf(image);
  const z = rounded((await encode(image, [label]))[0]);
  const all = ownNow();
  current = Math.min(place, all.length); // undo may have taken digits meanwhile
  drawings.set(latentText(z), { image, marks: before });
  all[current] = { label, z, drawing: all[current]?.drawing ? image : null };
  saveHand(all);
}

/** Follow fields that an address or undo has set. */
function followHand() {
  if (handText() === listed) return;
  const all = ownDigits(field("hand").value, field("kept").value);
  say("pad-said", all ? "" : "The hand in this link is damaged: draw a digit");
  if (!all) for (const name of ["hand", "kept"]) put(field(name), null);
  listed = handText();
  const last = all?.at(-1);
  const drawn = last && drawingNow(last)?.marks;
  fillPad(drawn ?? [], drawn && all ? all.length - 1 : -1);
  showHand(all ?? []).catch(failed);
}

/** Show the digits of the hand, each beside what the generator makes of it. @param {OwnDigit[]} all */
async function showHand(all) {
  const list = $("own-digits");
  while (list.children.length > all.length) list.lastElementChild?.remove();
  all.forEach((one, i) => {
    if (!list.children[i]) list.append($("own-digit").content.cloneNode(true));
    const [select, check, remove] = list.children[i].querySelectorAll("select, input, button");
    const known = one.drawing ?? drawingNow(one)?.image;
    if (!select.children.length) select.append(...MODEL.names.map((name, label) => new Option(name, `${label}`)));
    Object.assign(select, { value: `${one.label}` });
    Object.assign(check, { checked: one.drawing !== null, disabled: !known });
    select.setAttribute("aria-label", `Label of digit ${i + 1}`);
    check.setAttribute("aria-label", `Keep digit ${i + 1} as drawn`);
    remove.setAttribute("aria-label", `Remove digit ${i + 1}`);
    showDigit(list.children[i].querySelector("canvas"), known);
  });
  if (!all.length) return;
  const [latents, labels] = [all.map(({ z }) => z), all.map(({ label }) => label)];
  const { images } = await draw(alike(latents, labels));
  all.forEach((one, i) => {
    const made = images.subarray((i * images.length) / all.length, ((i + 1) * images.length) / all.length);
    if (list.children[i]) showDigit(list.children[i].querySelectorAll("canvas")[1], made);
    const drawn = drawingNow(one)?.image;
    if (i !== current || !drawn) return;
    const error = errorOf(drawn, made);
    const found = `Drawn as ${MODEL.names[one.label]}, with an error of ${(100 * error).toFixed(1)} % of full ink`;
    say("pad-said", error > MODEL.poor ? `${found}. Draw it again, or choose its label` : found);
  });
}

/** Change the digit at a place of the hand. @param {number} place @param {HTMLElement} by */
async function changeDigit(place, by) {
  const all = ownNow();
  const one = all[place];
  const drawing = drawingNow(one);
  if (by instanceof HTMLInputElement) one.drawing = by.checked ? (drawing?.image ?? null) : null;
  else if (by instanceof HTMLSelectElement) {
    const image = drawing?.image ?? one.drawing ?? (await draw(alike([one.z], [one.label]))).images;
    one.label = Number(by.value);
    one.z = rounded((await encode(image, [one.label]))[0]);
    if (drawing) drawings.set(latentText(one.z), drawing);
    isCorrected ||= place === current;
  } else {
    all.splice(place, 1);
    if (place === current) fillPad([]);
    else if (place < current) current--;
  }
  saveHand(all);
}

/** Put the digits of photographs into the hand; what is none is said. @param {Iterable<File>} files */
async function readPhotographs(files) {
  const wrong = [];
  for (const file of files) {
    try {
      const ink = findInk(greyOf(await openPicture(file, 640)), file.name || undefined);
      fillPad([inkMark(ink, $("pad").width)]);
      await readPad();
    } catch (error) {
      wrong.push(/** @type {Error} */ (error).message);
    }
  }
  say("pad-wrong", wrong.join("; "));
}

/** Follow a pen on the pad: a pointer, or the keys, whose nib the space bar puts down and lifts. @param {() => void} ended a stroke has ended */
function listenToPen(ended) {
  const pad = /** @type {HTMLCanvasElement} */ ($("pad"));
  const at = (/** @type {PointerEvent} */ { offsetX, offsetY }) =>
    [offsetX, offsetY].map((value) => (value * pad.width) / pad.clientWidth);
  const go = (/** @type {number[]} */ point) => {
    const points = marks.at(-1);
    if (!Array.isArray(points)) return; // undo has emptied the pad
    points.push(point);
    stroke(points, Math.max(0, points.length - 2));
  };
  const begin = (/** @type {number[]} */ point) => {
    marks.push([]);
    go(point);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    pad.setPointerCapture(event.pointerId);
    begin(at(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (pad.hasPointerCapture(event.pointerId)) go(at(event));
  });
  pad.addEventListener("lostpointercapture", ended);

  let [x, y, isDown] = [pad.width / 2, pad.height / 4, false];
  const show = () => {
    $("nib").style.cssText = `left:${(100 * x) / pad.width}%;top:${(100 * y) / pad.height}%`;
    $("nib").classList.toggle("down", isDown);
  };
  const lift = () => {
    if (isDown) ended();
    isDown = false;
    show();
  };
  pad.addEventListener("keydown", (event) => {
    const [way, step] = [KEYS.indexOf(event.key), pad.width / (event.shiftKey ? 80 : 20)];
    if (event.ctrlKey || event.metaKey || event.altKey || (way < 0 && event.key !== " ")) return;
    event.preventDefault();
    if (way < 0 && isDown) return lift();
    if (way < 0) begin([x, y]);
    else [x, y] = [within(x + step * ((way % 3) - 1), pad.width), within(y + step * (((way / 3) | 0) - 1), pad.height)];
    isDown ||= way < 0;
    if (isDown) go([x, y]);
    show();
  });
  pad.addEventListener("blur", lift);
  show();
}

function listenToPad() {
  const read = latest(readPad);
  const find = (/** @type {File[]} */ files) => {
    if (files.length) reading = reading.then(() => readPhotographs(files));
  };
  listenToPen(() => {
    reading = read().catch(failed);
  });
  $("clear").onclick = async () => {
    await reading;
    const [all, place] = [ownNow(), current];
    fillPad([]);
    if (place >= 0) saveHand(all.filter((_, i) => i !== place));
  };
  $("next").onclick = async () => {
    await reading;
    fillPad([]);
    say("pad-said", "Draw the next digit");
  };
  $("choose").onclick = () => $("photograph").click();
  $("photograph").onchange = () => {
    find([...$("photograph").files]);
    $("photograph").value = ""; // so that the same one can be chosen again
  };
  $("panel-hand").ondrop = (/** @type {DragEvent} */ event) => find([...(event.dataTransfer?.files ?? [])]);
  addEventListener("paste", (event) => find([...(event.clipboardData?.files ?? [])]));
  const change = (/** @type {Event} */ event) => {
    const [by, list] = [/** @type {HTMLElement} */ (event.target), $("own-digits")];
    const row = by.closest("li");
    const isButton = by.tagName === "BUTTON";
    if (!isButton) event.stopPropagation(); // it is no setting
    if (row && event.type === (isButton ? "click" : "change"))
      changeDigit([...list.children].indexOf(row), by).catch(failed);
  };
  for (const type of ["input", "change", "click"]) $("own-digits").addEventListener(type, change);
}
