"use strict";
// The ink of one digit in a photograph, found nearly as gan/digits/photograph.py does, and prepared as MNIST's digits are.

/** Values, row by row. @typedef {{values: Float32Array, width: number, height: number}} Grey */
/** Connected ink, and its box, the last row and column included. @typedef {ReturnType<typeof blotOf>} Blot */

const SIDE = 320; // pixels of the longer side that are looked at
const COARSE = 48; // the same, of the light of the paper
const PALE = 0.2; // share of the paper's light; what darkens it less is no ink
const EVEN = 150; // bytes that count as the light of an even paper
const CLEAR = 0.4; // mean ink of a digit in uneven light; shadows have less
const ONE_DIGIT = "choose a picture of one digit";

const within = (/** @type {number} */ at, /** @type {number} */ side) => Math.min(side - 1, Math.max(0, at));
const topOf = (/** @type {Float32Array} */ values) => values.reduce((top, value) => Math.max(top, value), 0);
const long = (/** @type {{width: number, height: number}} */ { width, height }) => Math.max(width, height);

/** Where each of `to` boxes, which tile a side, begins and ends. @param {number} from @param {number} to */
const spans = (from, to) =>
  Array.from({ length: to }, (_, i) => {
    const start = Math.min(from - 1, Math.round((i * from) / to));
    return [start, Math.max(start + 1, Math.round(((i + 1) * from) / to))];
  });

/** Mean values of boxes. @param {Grey} grey @param {number} width @param {number} height @returns {Grey} */
function shrink(grey, width, height) {
  const columns = spans(grey.width, width);
  const values = spans(grey.height, height).flatMap(([top, bottom]) =>
    columns.map(([left, right]) => {
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += grey.values[y * grey.width + x];
      return sum / (right - left) / (bottom - top);
    }),
  );
  return { values: Float32Array.from(values), width, height };
}

/** Values whose longer side has `side` pixels. @param {Grey} grey @param {number} side */
function scaleTo(grey, side) {
  const [width, height] = [grey.width, grey.height].map((one) => Math.max(1, Math.round((one * side) / long(grey))));
  return shrink(grey, width, height);
}

/**
 * The ink in [0, 1] of the digit in grey values in [0, 255], cropped to it. An error, whose message is one line, says what
 * was found instead of one digit.
 * @param {Grey} grey
 */
function findInk(grey, name = "The picture") {
  const small = scaleTo(grey, Math.min(SIDE, long(grey)));
  const even = evenLight(small);
  const paper = even < 0 ? findPaper(small) : small.values.map(() => even);
  const found = [-1, 1].map((sign) => {
    const room = (/** @type {number} */ i) => (even >= 0 ? EVEN : Math.max(1, small.values[i], paper[i]));
    const values = small.values.map((light, i) => Math.max(0, (sign * (light - paper[i])) / room(i)));
    const blots = digitLike({ ...small, values }, even >= 0);
    const all = blots.flatMap(({ pixels }) => pixels);
    return { values, blots, strength: all.reduce((sum, i) => sum + values[i], 0) / (all.length || 1) };
  });
  const { values, blots, strength } = found[Number(found[1].strength > found[0].strength)];
  if (!blots.length)
    throw Error(`${name} shows no digit: ${ONE_DIGIT}, dark on light or light on dark, with paper around it`);
  if (even < 0 && strength < CLEAR) throw Error(`${name} shows marks as pale as shadows: ${ONE_DIGIT} in even light`);
  return cut({ ...small, values }, oneDigit(blots, name));
}

/** The light of the paper: the median of a third of the picture around each of its coarse pixels. @param {Grey} grey */
function findPaper(grey) {
  const { values, width, height } = scaleTo(grey, Math.min(COARSE, long(grey)));
  const reach = Math.floor(Math.max(width, height) / 6);
  const near = new Float32Array((2 * reach + 1) ** 2);
  const medians = values.map((_, i) => {
    let n = 0;
    for (let y = -reach; y <= reach; y++) {
      const row = within(Math.floor(i / width) + y, height) * width;
      for (let x = -reach; x <= reach; x++) near[n++] = values[row + within((i % width) + x, width)];
    }
    return near.sort()[n >> 1];
  });
  return shrink({ values: medians, width, height }, grey.width, grey.height).values;
}

/** The median of the border if nearly all of it has that value, else -1. @param {Grey} grey */
function evenLight({ values, width, height }) {
  const inner = (/** @type {number} */ at, /** @type {number} */ side) => at > 0 && at < side - 1;
  const edge = values.filter((_, i) => !inner(i % width, width) || !inner(Math.floor(i / width), height)).sort();
  const median = edge[edge.length >> 1];
  return edge.filter((value) => Math.abs(value - median) > 30).length <= 0.05 * edge.length ? median : -1;
}

/** Blots that may be a digit, off the border unless it fills an even picture. @param {Grey} ink @param {boolean} isEven */
function digitLike(ink, isEven) {
  const [top, side] = [topOf(ink.values), long(ink)];
  const all = top < PALE ? [] : blotsOf(ink, Math.max(PALE, 0.3 * top));
  const inside = all.filter(
    ({ x, y, width, height }) => Math.min(x, y, ink.width - x - width, ink.height - y - height) >= 0.02 * side - 1,
  );
  const chosen = inside.length || !isEven ? inside : all.filter((one) => long(one) > side / 2);
  const largest = Math.max(...chosen.map(({ pixels }) => pixels.length));
  const blots = chosen.filter((one) => one.pixels.length >= 0.03 * largest && long(one) >= 0.03 * side); // no specks
  return blots.sort((a, b) => b.pixels.length - a.pixels.length);
}

/** @param {number[]} pixels @param {number} wide pixels of a row */
function blotOf(pixels, wide) {
  const [columns, rows] = [pixels.map((i) => i % wide), pixels.map((i) => Math.floor(i / wide))];
  const ends = (/** @type {number[]} */ all) =>
    all.reduce(([a, b], one) => [Math.min(a, one), Math.max(b, one)], [1e9, 0]);
  const [[x, right], [y, bottom]] = [ends(columns), ends(rows)];
  return { pixels, x, y, width: right - x + 1, height: bottom - y + 1 };
}

/** Connected pixels of at least `least` ink. @param {Grey} ink @param {number} least */
function blotsOf({ values, width }, least) {
  const { piece, sizes } = pieces(
    values.map((value) => Number(value >= least)),
    width,
  );
  const blots = sizes.map(() => /** @type {number[]} */ ([]));
  piece.forEach((one, i) => blots[one].push(i));
  return blots.slice(1).map((pixels) => blotOf(pixels, width)); // the first is the rest
}

/** The largest blot, and its near parts. @param {Blot[]} blots @param {string} name of the picture */
function oneDigit([main, ...others], name) {
  const mine = [main];
  let digits = 1;
  for (const one of others) {
    const right = Math.max(0, one.x - main.x - main.width, main.x - one.x - one.width);
    const down = Math.max(0, one.y - main.y - main.height, main.y - one.y - one.height);
    const [tall, near] = [long(one) / long(main), 0.3 * long(main)];
    const isLarge = tall >= 0.5 && tall <= 2 && one.pixels.length >= 0.15 * main.pixels.length; // no sliver of an edge
    if (isLarge && (right > 0 || down > near)) digits++;
    else if (Math.max(right, down) <= near) mine.push(one); // a torn 8 is one
  }
  if (digits > 1) throw Error(`${name} shows ${digits} things that may be digits: ${ONE_DIGIT}, cropped to it`);
  return mine;
}

/** Ink, cropped to blots and scaled to at most 1. @param {Grey} ink @param {Blot[]} blots @returns {Grey} */
function cut(ink, blots) {
  const { pixels, x, y, width, height } = blotOf(
    blots.flatMap(({ pixels }) => pixels),
    ink.width,
  );
  const mine = new Set(pixels);
  const top = pixels.reduce((most, i) => Math.max(most, ink.values[i]), 0);
  const values = new Float32Array(width * height).map((_, i) => {
    const at = (y + Math.floor(i / width)) * ink.width + x + (i % width);
    return mine.has(at) || ink.values[at] < PALE ? Math.min(1, ink.values[at] / top) : 0;
  });
  return { values, width, height };
}

/** Ink as MNIST's digits, in [-1, 1]: its longer side 20/28 of the image's, centred by its mass. @param {Grey} ink */
function asDigit(ink) {
  const size = MODEL.size;
  const { values, width, height } = scaleTo(ink, (size * 20) / 28);
  const top = topOf(values);
  const mass = values.reduce((sum, value) => sum + value, 0);
  const start = (/** @type {(i: number) => number} */ at, /** @type {number} */ side) => {
    const centre = values.reduce((sum, value, i) => sum + value * at(i), 0) / mass;
    return Math.round(within((size - 1) / 2 - centre, size - side + 1));
  };
  const [x, y] = [start((i) => i % width, width), start((i) => Math.floor(i / width), height)];
  const image = new Float32Array(size ** 2).fill(-1);
  values.forEach((value, i) => {
    const at = (y + Math.floor(i / width)) * size + x + (i % width);
    image[at] = (2 * value) / (top < 0.9 ? top : 1) - 1; // thin strokes pale when they shrink
  });
  return image;
}

/** Grey values of a picture; behind a translucent one lies white paper, or black if its ink is light. @param {ImageBitmap} picture @returns {Grey} */
function greyOf(picture) {
  const scale = Math.min(1, 640 / long(picture));
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height);
  const values = new Float32Array(width * height);
  let [light, cover] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const share = data[4 * i + 3] / 255;
    values[i] = share * (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]);
    [light, cover] = [light + values[i], cover + share];
  }
  const paper = cover && light >= 127.5 * cover ? 0 : 1;
  return { values: values.map((value, i) => value + paper * (255 - data[4 * i + 3])), width, height };
}

/** Black dots as dense as ink in [0, 1]. @param {Grey} ink */
function dotsOf({ values, width, height }) {
  const dots = new ImageData(width, height);
  dots.data.set(Array.from(values).flatMap((value) => [0, 0, 0, 255 * value]));
  return dots;
}

/** Ink, large in the middle of a canvas of `side` pixels. @param {Grey} ink @param {number} side */
function inkMark(ink, side) {
  const { width, height } = ink;
  const [small, mark] = [new OffscreenCanvas(width, height), new OffscreenCanvas(side, side)];
  small.getContext("2d")?.putImageData(dotsOf(ink), 0, 0);
  const [wide, tall] = [width, height].map((one) => (0.8 * side * one) / Math.max(width, height));
  mark.getContext("2d")?.drawImage(small, (side - wide) / 2, (side - tall) / 2, wide, tall);
  return mark;
}

/** Show an image in [-1, 1], or nothing. @param {HTMLCanvasElement} canvas @param {Float32Array} [image] */
function showDigit(canvas, image) {
  const { size } = MODEL;
  canvas.hidden = !image;
  [canvas.width, canvas.height] = [size, size]; // empties it
  if (image)
    canvas
      .getContext("2d")
      ?.putImageData(dotsOf({ values: image.map((value) => (value + 1) / 2), width: size, height: size }), 0, 0);
}
