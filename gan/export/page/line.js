"use strict";
// Lines of digits in one hand, or in many: as gan/digits/line.py draws and gan/digits/layout.py joins them.

/** @type {number[]} */
const tried = []; // the attempt of each digit that was accepted last
const memory = /** @type {Map<string, Float32Array>} */ (new Map()); // latents of seeds

/** @param {number} seed */
function remembered(seed) {
  const key = `${seed}`;
  if (memory.size > 5000) memory.clear();
  if (!memory.has(key)) memory.set(key, latent(seed, MODEL.latent));
  return /** @type {Float32Array} */ (memory.get(key));
}

const truncated = (/** @type {number} */ seed, /** @type {number} */ truncation) =>
  remembered(seed).map((value) => truncation * value);

/** The style that the sliders hold. @param {Settings} how @returns {Style} */
const styleOf = (how) =>
  Object.fromEntries(ATTRIBUTES.filter((name) => how[name] !== null).map((name) => [name, how[name]]));

/** The latent of the hand: of a film's frame, your own, or that of the seed; and that whose style it keeps. @param {Settings} how */
const handLatent = (how) => how.z ?? handOf(how)?.z ?? truncated(how.seed, how.truncation);
const keptLatent = (/** @type {Settings} */ how) => how.z ?? handOf(how)?.mean ?? handLatent(how);

/** The digits of blocks, and those of the sheet. @param {Block[]} blocks @param {Settings} how @returns {Digit[]} */
function digitsOf(blocks, how) {
  const single = attemptsOf(how.digits);
  const drawn = handOf(how)?.kept;
  const found = /** @type {Digit[]} */ ([]);
  for (const [row, { text }] of blocks.entries()) {
    for (const [place, character] of [...text].entries()) {
      const label = MODEL.alphabet[character];
      if (label === undefined) continue;
      const { attempt = 0, style = {} } = single.get(found.length) ?? {};
      const seed = MODEL.pen.firstSeed + (how.seed + row) * 1024 + place;
      found.push({ label, seed, attempt, style: { ...styleOf(how), ...style }, kept: drawn?.get(label) ?? null });
    }
  }
  return found;
}

/**
 * Draw digits [N * size^2] in a hand; those that are misread are drawn again, as Pen.draw_digits does it.
 * Without `reads`, each by the attempt that was accepted last. Also their own style [N * 4].
 * @param {Digit[]} digits @param {Settings} how @param {boolean} reads
 */
async function drawDigits(digits, how, reads) {
  const { attempts, looser, otherSeed } = MODEL.pen;
  const hand = handLatent(how);
  const area = MODEL.size ** 2;
  const images = new Float32Array(digits.length * area);
  const steered = how.mixed ? null : keptLatent(how);
  let left = [...digits.keys()];
  const own = new Float32Array(4 * digits.length);
  let [ms, unread] = [0, 0];
  for (let attempt = 0; attempt < attempts && left.length; attempt++) {
    const wanted = left.map((i) => {
      const [{ label, seed, attempt: own, style }, tries] = [digits[i], reads ? attempt : (tried[i] ?? 0)];
      const apart = how.mixed ? 1 : Math.min(1, how.variation + looser * tries);
      const [z, near] = [
        truncated(seed + (tries + attempts * own) * otherSeed, how.truncation),
        Math.sqrt(1 - apart ** 2),
      ];
      return { z: z.map((value, at) => near * hand[at] + apart * value), shares: label, hand: steered, style };
    });
    const drawn = await draw(wanted, { read: reads && "read" in MODEL.programs });
    ms += drawn.ms;
    left.forEach((i, row) => own.set(drawn.own.subarray(4 * row, 4 * row + 4), 4 * i));
    left.forEach((i, row) => {
      const image = drawn.images.subarray(row * area, (row + 1) * area);
      images.set(how.clean ? removeSpecks(image) : image, i * area);
    });
    if (!reads) break;
    for (const i of left) tried[i] = attempt;
    left = left.filter(
      (i, row) => !isAccepted(digits[i], images.subarray(i * area, (i + 1) * area), chancesOf(drawn, row), how),
    );
    unread = left.length;
  }
  digits.forEach(({ kept }, i) => kept && images.set(kept, i * area));
  return { images, own, ms, unread };
}

/** The probabilities of the classes of a row; empty: nothing reads. @param {Drawn} drawn @param {number} row */
function chancesOf({ chances, own }, row) {
  const width = chances ? chances.length / (own.length / ATTRIBUTES.length) : 0;
  return chances?.subarray(row * width, (row + 1) * width) ?? new Float32Array();
}

/** Whether an image is read as asked, certainly if that is asked, and clean. @param {Digit} digit @param {Float32Array} image @param {Float32Array} chances @param {Settings} how */
function isAccepted({ label, kept }, image, chances, how) {
  if (kept) return true;
  if (how.clean && !isClean(image, label)) return false;
  return (
    !chances.length ||
    (chances[label] === Math.max(...chances) && chances[label] >= (how.certain ? MODEL.pen.certain : 0))
  );
}

/**
 * Stand the characters of a text on a baseline. `cells` are those of its digits, the first of which is digit `first`.
 * @param {string} text @param {Cell[]} cells @param {number} first @param {Settings} how
 * @param {Source} source @param {number} thickness of separators in pixels @param {number} shear
 * @returns {{pieces: Piece[], end: number}}
 */
function compose(text, cells, first, how, source, thickness, shear) {
  const unit = MODEL.size * MODEL.layout.digit;
  const found = /** @type {Piece[]} */ ([]);
  let [x, digit] = [0, first];
  for (const character of text) {
    if (character === " ") {
      x += MODEL.marks.space * unit;
      continue;
    }
    const isDigit = character in MODEL.alphabet;
    const cell = crop(isDigit ? cells[digit] : drawMark(character, unit, thickness, shear, source));
    const above =
      (isDigit ? cell.height : round(1.5 * unit) - cell.top) + round(source.normal(1)[0] * how.jitter * unit);
    found.push({ character, cell, x: round(x), above, digit: isDigit ? digit++ : -1 });
    x += cell.width + how.spacing * unit;
  }
  return { pieces: found, end: round(x) };
}

/** The picture of pieces inside margins; `end` pixels wide without any, and `below` at least under the first baseline. @param {Piece[]} all @param {number} end @returns {Picture} */
function paste(all, end, below = 0) {
  const { up: least, down: deep, digit, margin: around } = MODEL.layout;
  const unit = MODEL.size * digit;
  const margin = round(around * unit);
  const up = Math.max(round(least * unit), ...all.map(({ above }) => above));
  const down = Math.max(round(deep * unit) + below, ...all.map(({ cell, above }) => cell.height - above));
  const first = Math.min(0, ...all.map(({ x }) => x));
  const last = all.length ? Math.max(...all.map(({ x, cell }) => x + cell.width)) : end;
  const [width, height] = [Math.max(1, last - first) + 2 * margin, up + down + 2 * margin];
  const ink = new Float32Array(width * height);
  const boxes = all.map(({ character, cell, x: left, above, digit }) => {
    const [x, y] = [left - first + margin, up - above + margin];
    cell.ink.forEach((value, i) => {
      const at = (y + Math.floor(i / cell.width)) * width + x + (i % cell.width);
      ink[at] = Math.max(ink[at], value / 255);
    });
    return { character, x, y, width: cell.width, height: cell.height, digit };
  });
  return { ink, width, height, boxes };
}

/** Write blocks of text. @param {Block[]} blocks @param {Settings} how @param {boolean} reads */
async function write(blocks, how, reads) {
  const digits = digitsOf(blocks, how);
  const { images, own, ms, unread } = await drawDigits(digits, how, reads);
  const cells = await cellsOf(images, how);
  const { mean, std } = MODEL.axes;
  const style = handStyle(keptLatent(how)).map((value, i) => mean[i] + std[i] * (how[ATTRIBUTES[i]] ?? value));
  const [thickness, slant] = style; // of separators, in pixels and degrees
  const lean = Math.tan((slant * Math.PI) / 180) + Math.tan((how.lean * Math.PI) / 180);
  const shear = Math.min(MODEL.marks.leans[1], Math.max(MODEL.marks.leans[0], lean));
  let first = 0;
  const composed = blocks.map(({ text, rule }, row) => {
    const source = new Source(how.seed + row);
    const one = rule ? { pieces: [], end: 0 } : compose(text, cells, first, how, source, thickness, shear);
    first += one.pieces.filter(({ digit }) => digit >= 0).length;
    return one;
  });
  return { picture: arrange(blocks, composed, how, thickness), digits, own, ms, unread };
}

/** Cells of images, leaning as the line does. @param {Float32Array} images @param {Settings} how @returns {Promise<Cell[]>} */
async function cellsOf(images, how) {
  const { size } = MODEL;
  const wide = how.lean ? 2 * size : size;
  const leaning =
    how.lean && images.length ? await lean(images, Array(images.length / size ** 2).fill(how.lean)) : images;
  return Array.from({ length: leaning.length / (size * wide) }, (_, i) => {
    const part = leaning.subarray(i * size * wide, (i + 1) * size * wide);
    return {
      ink: new Uint8ClampedArray(part.map((value) => (value + 1) * 127.5)), // halves to the even one, as Python rounds
      width: wide,
      height: size,
    };
  });
}

/** The sheet: n digits of the seeds from `seed` on, as they are drawn, in rows; null: given up, as a newer one was asked for. @param {Settings} how @param {() => boolean} stale */
async function writeSheet(how, stale) {
  const { size, channels, columns, classes } = MODEL;
  const n = how.n;
  const [width, height] = [Math.min(n, columns) * size, Math.ceil(n / columns) * size];
  const layers = new Float32Array(channels * width * height).fill(0);
  const labels = Array.from({ length: n }, (_, i) =>
    classes ? (how.label === "all" ? (how.seed + i) % classes : Number(how.label)) : -1,
  );
  const own = new Float32Array(4 * n);
  let ms = 0;
  for (let at = 0; at < n; at += 100) {
    if (at && stale()) return null;
    const seeds = Array.from({ length: Math.min(100, n - at) }, (_, i) => how.seed + at + i);
    const wanted = seeds.map((seed, i) => ({
      z: truncated(seed, how.truncation),
      shares: labels[at + i],
      hand: null,
      style: styleOf(how),
    }));
    const drawn = await draw(wanted);
    ms += drawn.ms;
    own.set(drawn.own, 4 * at);
    drawn.images.forEach((value, i) => {
      const [one, channel, y, x] = [
        Math.floor(i / (channels * size ** 2)),
        Math.floor(i / size ** 2) % channels,
        Math.floor(i / size) % size,
        i % size,
      ];
      const [row, column] = [Math.floor((at + one) / columns) * size + y, ((at + one) % columns) * size + x];
      layers[(channel * height + row) * width + column] = (value + 1) / 2;
    });
  }
  const boxes = labels.map((label, i) => {
    const [x, y] = [(i % columns) * size, Math.floor(i / columns) * size];
    return { character: MODEL.names[label] ?? "", x, y, width: size, height: size, digit: i };
  });
  const digits = labels.map((label, i) => ({ label, seed: how.seed + i, attempt: 0, style: styleOf(how), kept: null }));
  const picture = {
    ink: layers.subarray(0, width * height),
    width,
    height,
    boxes,
    ...(channels === 3 ? { colours: layers } : {}),
  };
  return { picture, digits, own, ms, unread: 0 };
}
