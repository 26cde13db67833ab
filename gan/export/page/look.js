"use strict";
// How digits look: colours, contrast and painting, as gan/digits/look.py and paint.py have them. Colours mix in sRGB.

/** Ink, paper and line: a colour, or two joined by "-" for a gradient; paper may be "transparent".
 * @typedef {{ink: string, paper: string, direction: string, texture: string, line: string}} Look
 * @typedef {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} Pen */
/** seed: of the texture; margin: a share of the shorter side; photo: a picture as paper; reveal: draws, in the
 * picture's pixels, over what is shown of the ink.
 * @typedef {{seed?: number, margin?: number, photo?: ImageBitmap | null, reveal?: (pen: Pen) => void}} Options */

const TEXTURES = ["none", "grain", "ruled", "squared", "chalk"];
const PLAIN = { ink: "white", paper: "black", direction: "down", texture: "none", line: "#9dbbe0" };
const ALLOWED = "#rrggbb, #rgb, #rrggbbaa, a CSS name such as navy, transparent, or two of them as navy-#f80";

/** Red, green, blue and opacity, bytes; null for a text that is no colour.
 * @type {(text: string) => number[] | null} */
const parseColour = (text) => {
  const name = text.toLowerCase();
  if (Object.hasOwn(MODEL.colours, name)) return MODEL.colours[name];
  const hex = /^#[\da-f]{3,4}$/i.test(text) ? text.replace(/[\da-f]/gi, "$&$&") : text;
  if (!/^#([\da-f]{6}|[\da-f]{8})$/i.test(hex)) return null;
  return [1, 3, 5, 7].map((at) => Number.parseInt(hex.slice(at, at + 2) || "ff", 16));
};

/** #rrggbb, or #rrggbbaa unless it is opaque. @type {(bytes: number[]) => string} */
const toHex = (bytes) =>
  `#${bytes.map((byte) => Math.round(byte).toString(16).padStart(2, "0")).join("")}`.replace(/(.{7})ff/, "$1");

/** Both ends of "navy-#f80"; a single colour is both. null: one of them is no colour.
 * @type {(text: string) => number[][] | null} */
const parseGradient = (text) => {
  const [first, last = first, more] = text.split("-").map(parseColour);
  return first && last && more === undefined ? [first, last] : null;
};

/** What is wrong with a look: a line for each wrong field.
 * @type {(look: Look) => {[field: string]: string}} */
const checkLook = ({ ink, paper, line, direction, texture }) => {
  const colours = Object.entries({ ink, paper, line }).filter(([, text]) => !parseGradient(text));
  const wrong = Object.fromEntries(
    colours.map(([field, text]) => [field, `"${text.slice(0, 40)}" is no colour: allowed are ${ALLOWED}`]),
  );
  if (!["down", "right"].includes(direction)) wrong.direction = "Must be down or right";
  if (!TEXTURES.includes(texture)) wrong.texture = `Must be one of ${TEXTURES.join(", ")}`;
  return wrong;
};

/** A layer, in [0, 1], of red, green, blue and opacity bytes: colours times opacity.
 * @type {(bytes: ArrayLike<number>) => number[]} */
const layerOf = ({ 0: red, 1: green, 2: blue, 3: opacity }) =>
  [red, green, blue, 255].map((part) => (part * opacity) / 65025);

/** The gradient at a share of its way, as a layer.
 * @type {(colours: string, along: number) => number[]} */
const blend = (colours, along) => {
  const [first, last] = (parseGradient(colours) ?? [[], []]).map(layerOf);
  return first.map((part, i) => part + (last[i] - part) * along);
};

/** @type {(front: number[], back: number[]) => number[]} */
const over = (front, back) => front.map((part, i) => part + back[i] * (1 - front[3]));

/** Relative luminance (WCAG 2.2) of a layer.
 * @type {(layer: number[]) => number} */
const luminance = (layer) => {
  const [red, green, blue] = layer.map((srgb) => (srgb <= 0.04045 ? srgb / 12.92 : ((srgb + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** The lowest contrast, 1 to 21 (WCAG 2.2), along gradients, on lines of the paper and on all of a photo; not on grain
 * or chalk. Transparent paper counts on black and on white.
 * @type {(look: Look, photo?: ImageBitmap | null) => number} */
const contrast = (look, photo) => {
  const along = Array.from({ length: 17 }, (_, i) => i / 16);
  const inks = along.map((share) => blend(look.ink, share));
  let papers = along.map((share) => blend(look.paper, share));
  if (photo) {
    const pen = newPen(32, 32, true); // single pixels of the photo do not count
    pen.imageSmoothingQuality = "high";
    pen.drawImage(photo, 0, 0, 32, 32);
    const { data } = pen.getImageData(0, 0, 32, 32);
    papers = Array.from({ length: 32 ** 2 }, (_, i) => over(layerOf(data.subarray(4 * i)), papers[i % 17]));
  }
  if (look.texture === "ruled" || look.texture === "squared")
    papers = papers.flatMap((paper, i) => [paper, over(blend(look.line, (i % 17) / 16), paper)]);
  let lowest = 21;
  for (const paper of papers.flatMap((one) => [over(one, [0, 0, 0, 1]), over(one, [1, 1, 1, 1])])) {
    for (const ink of inks) {
      const ratio = (luminance(over(ink, paper)) + 0.05) / (luminance(paper) + 0.05);
      lowest = Math.min(lowest, Math.max(ratio, 1 / ratio));
    }
  }
  return lowest;
};

/** A contrast, rounded down, with its grade in WCAG.
 * @type {(ratio: number) => string} */
const gradeContrast = (ratio) => {
  const grades = ["AAA", "AA", "AA for large digits"];
  const grade = grades[[7, 4.5, 3].findIndex((least) => ratio >= least)];
  return `Contrast ${(Math.floor(ratio * 10) / 10).toFixed(1)}:1${grade ? ` ${grade}` : ", below 3:1: hard to read"}`;
};

/** The stops of a gradient, one of a colour: red, green, blue and opacity bytes. In steps where opacity changes, since
 * browsers mix as if colours were opaque. @type {(colours: string) => number[][]} */
const stopsOf = (colours) => {
  const [first, last] = parseGradient(colours) ?? [[], []];
  const steps = first[3] === last[3] ? 1 : 16;
  return Array.from({ length: `${first}` === `${last}` ? 1 : steps + 1 }, (_, i) => {
    const [red, green, blue, opacity] = blend(colours, Math.min(Math.max(i / steps, 1e-3), 1 - 1e-3)); // clear ends too
    return [red / (opacity || 1), green / (opacity || 1), blue / (opacity || 1), opacity].map((part) =>
      Math.round(255 * part),
    );
  });
};

/** What fills a shape from first to last.
 * @type {(pen: Pen, colours: string, direction: string, first: number, last: number) => string | CanvasGradient} */
const fillOf = (pen, colours, direction, first, last) => {
  const [x, y] = direction === "down" ? [0, 1] : [1, 0];
  const fill = pen.createLinearGradient(x * first, y * first, x * last, y * last);
  const stops = stopsOf(colours);
  stops.forEach((stop, i) => fill.addColorStop(i / Math.max(1, stops.length - 1), toHex(stop)));
  return stops.length > 1 && last > first ? fill : toHex(stops[0]);
};

/** @type {WeakMap<Picture, {path: Path2D, box: number[]}>} */
const inks = new WeakMap();

/** The path of a picture's ink and its left, top, right and bottom, in its pixels.
 * @type {(picture: Picture) => {path: Path2D, box: number[]}} */
const inkOf = (picture) => {
  let found = inks.get(picture);
  if (found) return found;
  const outlines = picture.colours ? [] : outline(picture);
  let [left, top, right, bottom] = outlines.length ? [Infinity, Infinity, 0, 0] : [0, 0, picture.width, picture.height];
  for (const [x, y] of outlines.flat()) {
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  }
  found = { path: new Path2D(pathData(outlines)), box: [left, top, right, bottom] };
  inks.set(picture, found);
  return found;
};

/** Where the ink lies on a paper: as large as fits inside the margin, in the middle. The picture's (x, y) is at
 * (x * scale + place.x, y * scale + place.y).
 * @type {(picture: Picture, width: number, height: number, margin?: number) => Place} */
const placeOf = (picture, width, height, margin = picture.colours ? 0 : 0.075) => {
  const [left, top, right, bottom] = inkOf(picture).box;
  const free = 2 * margin * Math.min(width, height);
  const tall = Math.max(bottom - top, picture.height / 4); // a speck stays one
  const scale = Math.min((height - free) / tall, (width - free) / (right - left));
  return { scale, x: (width - (left + right) * scale) / 2, y: (height - (top + bottom) * scale) / 2 };
};

/** Paint a picture of a generator that draws in colour.
 * @type {(pen: Pen, picture: Picture, scale: number, x: number, y: number) => void} */
const paintColours = (pen, { colours, width, height }, scale, x, y) => {
  const small = newPen(width, height);
  const dots = new ImageData(width, height);
  const parts = [0, 1, 2].map((c) => colours?.subarray(c * width * height) ?? []);
  for (let i = 0; i < width * height; i++) dots.data.set([...parts.map((part) => 255 * part[i]), 255], 4 * i);
  small.putImageData(dots, 0, 0);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(small.canvas, x, y, width * scale, height * scale);
};

/** Paint a picture over a canvas of width x height pixels: paper, texture, and the ink as large as fits. `look` is one
 * that checkLook finds right.
 * @type {(pen: Pen, picture: Picture, look: Look, width: number, height: number, options?: Options) => void} */
const paint = (pen, picture, look, width, height, { seed = 0, margin, photo = null, reveal } = {}) => {
  const { path, box } = inkOf(picture);
  const { scale, x, y } = placeOf(picture, width, height, margin);
  const { ink, paper, line, direction, texture } = look;
  const axis = direction === "down" ? 1 : 0;
  pen.clearRect(0, 0, width, height);
  if (texture === "none" && !photo) {
    pen.fillStyle = fillOf(pen, paper, direction, 0, axis ? height : width);
    pen.fillRect(0, 0, width, height);
  } else {
    pen.drawImage(paperOf([paper, line, direction, texture].join("|"), width, height, seed, photo), 0, 0);
  }
  if (picture.colours) return paintColours(pen, picture, scale, x, y);
  const layer = texture === "chalk" || reveal ? newPen(width, height) : pen;
  layer.save();
  layer.setTransform(scale, 0, 0, scale, x, y);
  layer.fillStyle = fillOf(layer, ink, direction, box[axis], box[axis + 2]);
  layer.fill(path);
  layer.restore();
  if (layer === pen) return;
  layer.globalCompositeOperation = "destination-in";
  const tall = (box[3] - box[1]) * scale;
  if (texture === "chalk") layer.drawImage(chalkOf(path, tall, `${scale} ${x} ${y}`, width, height, seed), 0, 0);
  if (reveal) {
    const mask = newPen(width, height);
    mask.setTransform(scale, 0, 0, scale, x, y);
    reveal(mask);
    layer.drawImage(mask.canvas, 0, 0);
  }
  pen.drawImage(layer.canvas, 0, 0);
};
