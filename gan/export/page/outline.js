"use strict";
// Smooth outlines of ink, nearly those of gan/digits/outline.

/** Control points [[x, y], ...] of a closed quadratic B-spline; holes run the other way round.
 * @typedef {number[][]} Contour */

const AROUND = 2; // pixels of paper around a picture, which close the outline of ink at its border
const BLANK = 0.1; // share of full ink; a picture that is fainter everywhere is empty
const SHORTEST = 4; // pixels: shorter contours are dropped, shorter holes filled
const KERNEL = kernel();

/** The outlines of a picture at about half of the strongest ink nearby, so that faint digits stay. Unit: its pixels.
 * @param {Picture} picture */
function outline({ ink, width, height }) {
  const wide = width + 2 * AROUND;
  const padded = new Float32Array(wide * (height + 2 * AROUND));
  for (let y = 0; y < height; y++) padded.set(ink.subarray(y * width, (y + 1) * width), (y + AROUND) * wide + AROUND);
  const most = padded.reduce((high, value) => Math.max(high, value), 0);
  if (most < BLANK) return [];
  const above = sharpened(padded, wide);
  const nearby = strongest(above, wide);
  for (let i = 0; i < above.length; i++) above[i] -= Math.min(Math.max(0.53 * nearby[i], 0.29 * most), 0.48 * most);
  const found = contours(above, wide).map(smoothed);
  return found.filter((one) => one.length > SHORTEST);
}

/** Ridges brighter and valleys darker by their curvature, so that thin strokes and gaps survive.
 * @param {Float32Array} ink
 * @param {number} wide */
function sharpened(ink, wide) {
  const sharp = new Float32Array(ink.length);
  for (let i = wide + 1; i < ink.length - wide - 1; i++) {
    const value = ink[i];
    const [xx, yy] = [ink[i + 1] - 2 * value + ink[i - 1], ink[i + wide] - 2 * value + ink[i - wide]];
    const xy = (ink[i + wide + 1] + ink[i - wide - 1] - ink[i + wide - 1] - ink[i - wide + 1]) / 4;
    const [mean, spread] = [(xx + yy) / 2, Math.sqrt(((xx - yy) / 2) ** 2 + xy ** 2)];
    const ridge = Math.min(mean - spread, 0);
    sharp[i] = value - 0.4 * (ridge + Math.max(mean + spread + 2 * ridge, 0));
  }
  return sharp;
}

/** The most within two pixels, smoothed.
 * @param {Float32Array} values
 * @param {number} wide */
function strongest(values, wide) {
  let [from, to] = [values, values];
  for (const [step, isMost] of /** @type {const} */ ([
    [1, true],
    [wide, true],
    [1, false],
    [wide, false],
  ])) {
    to = new Float32Array(values.length);
    for (let i = 2 * step; i < from.length - 2 * step; i++) {
      const [a, b, c, d, e] = [from[i - 2 * step], from[i - step], from[i], from[i + step], from[i + 2 * step]];
      to[i] = isMost ? Math.max(a, b, c, d, e) : 0.06 * (a + e) + 0.24 * (b + d) + 0.4 * c;
    }
    from = to;
  }
  return to;
}

/** Closed contours [x, y, x, y, ...] where `above` is 0, by marching squares; holes run the other way round.
 * @param {Float32Array} above
 * @param {number} wide */
function contours(above, wide) {
  const next = new Int32Array(2 * above.length).fill(-1); // edge after edge: 2 * i is right of point i, 2 * i + 1 below
  const starts = [];
  for (let i = 0; i < above.length - wide - 1; i++) {
    const inked = [above[i] > 0, above[i + 1] > 0, above[i + wide + 1] > 0, above[i + wide] > 0];
    if (inked[0] === inked[1] && inked[1] === inked[2] && inked[2] === inked[3]) continue;
    const edges = [2 * i, 2 * i + 3, 2 * (i + wide), 2 * i + 1];
    for (let k = 0; k < 4; k++) {
      if (inked[k] || !inked[(k + 1) % 4]) continue; // here a contour enters; it leaves at the next edge behind ink
      let out = (k + 1) % 4;
      while (!inked[out] || inked[(out + 1) % 4]) out = (out + 1) % 4;
      next[edges[k]] = edges[out];
      starts.push(edges[k]);
    }
  }
  const found = starts.map((edge) => {
    const contour = [];
    for (let to; (to = next[edge]) >= 0; next[edge] = -1, edge = to) {
      const [i, down] = [edge >> 1, edge & 1];
      const share = above[i] / (above[i] - above[i + (down ? wide : 1)]);
      contour.push((i % wide) + (1 - down) * share + 0.5 - AROUND, Math.floor(i / wide) + down * share + 0.5 - AROUND);
    }
    return contour;
  });
  return found.filter(({ length }) => length); // the others start on a contour that was followed
}

/** The weights of points half a pixel apart for a control point of a B-spline through the smoothed contour.
 * Against shrinking, the smoothed residual is added (Tukey 1977, "twicing"). */
function kernel() {
  const bell = Array.from({ length: 13 }, (_, i) => Math.exp(-(((i - 6) / 2) ** 2) / 2) / 5.01); // deviation: a pixel
  /** @type {(a: number[], b: number[]) => number[]} */
  const convolve = (a, b) =>
    [...a, ...b.slice(1)].map((_, i) => a.reduce((sum, value, k) => sum + value * (b[i - k] ?? 0), 0));
  const twice = convolve(bell, bell).map((value, i) => 2 * (bell[i - 6] ?? 0) - value);
  return Float64Array.from(convolve(twice, [-0.125, 0, 1.25, 0, -0.125])); // control points lie outside of the bends
}

/** A contour without its stairs, as a B-spline with a control point a pixel.
 * @type {(contour: number[]) => Contour} */
const smoothed = (contour) => {
  const even = evenly(contour, KERNEL.length >> 1);
  const points = [];
  for (let i = 0; i + 2 * KERNEL.length < even.length; i += 4) {
    let [x, y] = [0, 0];
    for (let k = 0; k < KERNEL.length; k++) {
      x += KERNEL[k] * even[i + 2 * k];
      y += KERNEL[k] * even[i + 2 * k + 1];
    }
    points.push([x, y]);
  }
  return points;
};

/** Points [x, y, ...] half a pixel apart on a closed line; the first `more` follow them, and the last precede them.
 * @param {number[]} line
 * @param {number} more */
function evenly(line, more) {
  const n = line.length;
  const ends = new Float64Array(n / 2 + 1); // lengths of the line
  for (let i = 0; i < n; i += 2)
    ends[i / 2 + 1] = ends[i / 2] + Math.hypot(line[(i + 2) % n] - line[i], line[(i + 3) % n] - line[i + 1]);
  const count = 2 * Math.round(ends[n / 2]); // an even number
  const even = new Float64Array(2 * (count + 2 * more));
  for (let k = 0, i = 0; k < count; k++) {
    const along = (k * ends[n / 2]) / count;
    while (ends[i + 1] < along) i++;
    const share = (along - ends[i]) / (ends[i + 1] - ends[i] || 1);
    for (let axis = 0; axis < 2; axis++)
      even[2 * (more + k) + axis] = line[2 * i + axis] + share * (line[(2 * i + 2 + axis) % n] - line[2 * i + axis]);
  }
  for (let i = 2 * more - 1; i >= 0; i--) even[i] = even[i + 2 * count];
  for (let i = 2 * (more + count); i < even.length; i++) even[i] = even[i - 2 * count];
  return even;
}

/** The d of an SVG path, to a hundredth of a pixel; rounding does not add up. new Path2D(d) paints it.
 * @type {(contours: Contour[]) => string} */
const pathData = (contours) => contours.map(closedPath).join("");

/** A path of curves between the middles of neighbours. Only the first names its handle: t mirrors the one before it.
 * @param {Contour} contour */
function closedPath(contour) {
  const n = contour.length;
  const at = (/** @type {number} */ i) => contour[i % n].map((value) => 100 * value);
  let [handle, pen] = [at(0).map(Math.round), at(n - 1)];
  const middle = (/** @type {number[]} */ to) => handle.map((value, axis) => Math.round((value + to[axis]) / 2));
  const start = (pen = middle(pen));
  let d = `M${hundredths(pen)}q${hundredths(handle, pen)}`;
  for (let i = 1; i <= n; i++) {
    const to = i < n ? middle(at(i)) : start;
    d += `${i > 1 ? "t" : " "}${hundredths(to, pen)}`;
    handle = handle.map((value, axis) => 2 * to[axis] - value);
    pen = to;
  }
  return `${d}z`;
}

/** The way to a point, in hundredths, as short as SVG allows.
 * @type {(to: number[], from?: number[]) => string} */
const hundredths = ([x, y], [a, b] = [0, 0]) =>
  `${(x - a) / 100}${y < b ? "" : " "}${(y - b) / 100}`.replace(/(?<!\d)0\./g, ".");
