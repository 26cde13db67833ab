"use strict";
// How digits look: colours, contrast and painting, as gan/digits/look.py and paint.py have them. Colours mix in sRGB.

/**
 * Ink, paper and line: a colour, or two joined by "-" for a gradient; paper may be "transparent".
 * @typedef {{ink: string, paper: string, direction: string, texture: string, line: string}} Look
 * @typedef {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} Pen
 */

const TEXTURES = ["none", "grain", "ruled", "squared", "chalk"];
const PLAIN = { ink: "white", paper: "black", direction: "down", texture: "none", line: "#9dbbe0" };
const ALLOWED = "#rrggbb, #rgb, #rrggbbaa, a CSS name such as navy, transparent, or two of them as navy-#f80";
const NO_COLOUR = [0, 0, 0, 0];

/**
 * Red, green, blue and opacity, bytes; null for a text that is no colour.
 * @param {string} text
 */
function parseColour(text) {
  if (text === "transparent") return NO_COLOUR;
  let hex = text;
  if (/^[a-z]{3,}$/i.test(text)) {
    if (!CSS.supports("color", text)) return null;
    const pen = newPen(1, 1);
    pen.fillStyle = text;
    hex = `${pen.fillStyle}`;
  }
  if (/^#[\da-f]{3,4}$/i.test(hex)) hex = hex.replace(/[\da-f]/gi, "$&$&");
  if (!/^#([\da-f]{6}|[\da-f]{8})$/i.test(hex)) return null;
  return [1, 3, 5, 7].map((at) => (at < hex.length ? Number.parseInt(hex.slice(at, at + 2), 16) : 255));
}

/**
 * Both ends of "navy-#f80"; a single colour is both. null: one of them is no colour.
 * @param {string} text
 */
function parseGradient(text) {
  const [first, last = first, more] = text.split("-").map(parseColour);
  return first && last && more === undefined ? [first, last] : null;
}

/**
 * What is wrong with a look: a line for each wrong field.
 * @param {Look} look
 */
function checkLook(look) {
  /** @type {{[field: string]: string}} */
  const wrong = {};
  for (const [field, text] of [
    ["ink", look.ink],
    ["paper", look.paper],
    ["line", look.line],
  ])
    if (!parseGradient(text)) wrong[field] = `"${text}" is no colour: allowed are ${ALLOWED}`;
  if (!["down", "right"].includes(look.direction)) wrong.direction = "Must be down or right";
  if (!TEXTURES.includes(look.texture)) wrong.texture = `Must be one of ${TEXTURES.join(", ")}`;
  return wrong;
}

/**
 * The gradient at a share of its way: red, green, blue and opacity in [0, 1], colours times opacity.
 * @param {string} colours
 * @param {number} along
 */
function blend(colours, along) {
  const ends = parseGradient(colours) ?? [NO_COLOUR, NO_COLOUR];
  const [first, last] = ends.map((end) => [...end.slice(0, 3), 255].map((part) => (part * end[3]) / 255 ** 2));
  return first.map((part, i) => part + (last[i] - part) * along);
}

/** @type {(front: number[], back: number[]) => number[]} */
const over = (front, back) => front.map((part, i) => part + back[i] * (1 - front[3]));

/**
 * The lowest contrast, 1 to 21 (WCAG 2.2), along gradients, on lines of the paper and on all of a photo; not on grain or
 * chalk. Transparent paper counts on black and on white.
 * @param {Look} look
 * @param {ImageBitmap | null} [photo]
 */
function contrast(look, photo = null) {
  const along = Array.from({ length: 17 }, (_, i) => i / 16);
  const inks = along.map((place) => blend(look.ink, place));
  let papers = along.map((place) => blend(look.paper, place));
  if (photo) papers = layersOf(photo).flatMap((dot) => (dot[3] < 1 ? papers.map((paper) => over(dot, paper)) : [dot]));
  if (look.texture === "ruled" || look.texture === "squared")
    papers = papers.flatMap((paper, i) => [paper, over(blend(look.line, (i % 17) / 16), paper)]);
  let lowest = 21;
  for (const ground of [0, 1]) {
    for (const paper of papers) {
      const under = over(paper, [ground, ground, ground, 1]);
      for (const ink of inks) {
        const ratio = (luminance(over(ink, under)) + 0.05) / (luminance(under) + 0.05);
        lowest = Math.min(lowest, Math.max(ratio, 1 / ratio));
      }
    }
  }
  return lowest;
}

/**
 * Relative luminance (WCAG 2.2) of a colour in [0, 1].
 * @param {number[]} colour
 */
function luminance(colour) {
  const [red, green, blue] = colour.map((srgb) => (srgb <= 0.04045 ? srgb / 12.92 : ((srgb + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * A contrast, rounded down, with its grade in WCAG.
 * @param {number} ratio
 */
function gradeContrast(ratio) {
  const grades = { 7: " AAA", 4.5: " AA", 3: " AA for large digits", 0: ", below 3:1: hard to read" };
  const least = /** @type {const} */ ([7, 4.5, 3, 0]).find((one) => ratio >= one) ?? 0;
  return `Contrast ${(Math.floor(ratio * 10) / 10).toFixed(1)}:1${grades[least]}`;
}

/**
 * What fills a shape from first to last: a colour, or a gradient in steps where opacity changes, since canvas, unlike
 * Python, mixes colours as if they were opaque.
 * @param {Pen} pen
 * @param {string} colours
 * @param {string} direction
 * @param {number} first
 * @param {number} last
 */
function fillOf(pen, colours, direction, first, last) {
  const stops = stopsOf(colours);
  if (stops.length === 1 || !(last > first)) return stops[0].css;
  const ends = direction === "down" ? [0, first, 0, last] : [first, 0, last, 0];
  const fill = pen.createLinearGradient(ends[0], ends[1], ends[2], ends[3]);
  for (const { at, css } of stops) fill.addColorStop(at, css);
  return fill;
}

/**
 * The stops of a gradient, one for a colour: their place in [0, 1], CSS colour, and hex and opacity for SVG.
 * @param {string} colours
 */
function stopsOf(colours) {
  const [first, last] = parseGradient(colours) ?? [NO_COLOUR, NO_COLOUR];
  let count = first[3] === last[3] ? 2 : 17;
  if (`${first}` === `${last}`) count = 1;
  return Array.from({ length: count }, (_, i) => {
    const at = i / Math.max(1, count - 1);
    const inside = Math.min(Math.max(at, 1e-3), 1 - 1e-3); // where a transparent end has a colour
    const [red, green, blue, opacity] = blend(colours, inside);
    const bytes = [red, green, blue].map((part) => Math.round((255 * part) / (opacity || 1)));
    const hex = `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    return { at, hex, opacity, css: `rgb(${bytes.join(" ")} / ${opacity})` };
  });
}

/** @type {WeakMap<Picture, {path: Path2D, box: number[]}>} */
const inks = new WeakMap();

/**
 * The path of a picture's ink and its left, top, right and bottom, in its pixels.
 * @param {Picture} picture
 */
function inkOf(picture) {
  let found = inks.get(picture);
  if (found) return found;
  const outlines = outline(picture);
  let [left, top, right, bottom] = outlines.length ? [Infinity, Infinity, 0, 0] : [0, 0, picture.width, picture.height];
  for (const [x, y] of outlines.flat()) {
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  }
  found = { path: new Path2D(pathData(outlines)), box: [left, top, right, bottom] };
  inks.set(picture, found);
  return found;
}

/**
 * Where the ink lies on a paper: as large as fits inside the margin, a share of the shorter side, in the middle. The
 * picture's (x, y) is at (x * scale + place.x, y * scale + place.y).
 * @param {Picture} picture
 * @param {number} width
 * @param {number} height
 */
function placeOf(picture, width, height, margin = 0.075) {
  const [left, top, right, bottom] = inkOf(picture).box;
  const free = 2 * margin * Math.min(width, height);
  const tall = Math.max(bottom - top, picture.height / 4); // a speck stays one
  const scale = Math.min((height - free) / tall, (width - free) / (right - left));
  return { scale, x: (width - (left + right) * scale) / 2, y: (height - (top + bottom) * scale) / 2 };
}

/**
 * Paint a picture over a canvas of width x height pixels: paper, its texture, and the ink as large as fits.
 * @param {Pen} pen
 * @param {Picture} picture
 * @param {Look} look that checkLook finds right
 * @param {number} width
 * @param {number} height
 * @param {{seed?: number, margin?: number, photo?: ImageBitmap | null, reveal?: (pen: Pen) => void}} [options] seed of the
 *   texture; photo: a picture as paper; reveal: fills or strokes once, in the picture's pixels, what is shown of the ink
 */
function paint(pen, picture, look, width, height, { seed = 0, margin, photo = null, reveal } = {}) {
  const { path, box } = inkOf(picture);
  const { scale, x, y } = placeOf(picture, width, height, margin);
  const [axis, length] = look.direction === "down" ? [1, height] : [0, width];
  pen.clearRect(0, 0, width, height);
  if (look.texture === "none" && !photo) {
    pen.fillStyle = fillOf(pen, look.paper, look.direction, 0, length);
    pen.fillRect(0, 0, width, height);
  } else {
    pen.drawImage(paperOf(look.paper, look.direction, look.texture, look.line, width, height, seed, photo), 0, 0);
  }
  const isChalk = look.texture === "chalk";
  const layer = isChalk || reveal ? newPen(width, height) : pen;
  layer.save();
  layer.setTransform(scale, 0, 0, scale, x, y);
  layer.fillStyle = fillOf(layer, look.ink, look.direction, box[axis], box[axis + 2]);
  layer.fill(path);
  layer.globalCompositeOperation = "destination-in";
  reveal?.(layer);
  layer.resetTransform();
  if (isChalk) layer.drawImage(chalkOf(path, scale, x, y, (box[3] - box[1]) * scale, width, height, seed), 0, 0);
  layer.restore();
  if (layer !== pen) pen.drawImage(layer.canvas, 0, 0);
}
