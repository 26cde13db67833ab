"use strict";
// Separators, which no generator draws, and the ink of cells: as gan/digits/mark.py and gan/digits/layout.py.

/** To the nearest integer, and halves to the even one, as Python rounds. @param {number} value */
function round(value) {
  const near = Math.round(value);
  return Math.abs(value % 1) === 0.5 && near % 2 ? near - 1 : near;
}

/** Points on the curves of a quadratic B-spline from its first to its last control point. @param {number[][]} points */
function splined(points) {
  const joint = (/** @type {number} */ i) => [0, 1].map((axis) => (points[i][axis] + points[i + 1][axis]) / 2);
  const last = points.length - 2; // of the curves' middle control points
  const found = [];
  for (let i = 1; i <= last; i++) {
    const [from, to] = [i === 1 ? points[0] : joint(i - 1), i === last ? points[i + 1] : joint(i)];
    for (let step = 0; step <= 16; step++) {
      const t = step / 16;
      found.push(
        [0, 1].map((axis) => (1 - t) ** 2 * from[axis] + 2 * t * (1 - t) * points[i][axis] + t ** 2 * to[axis]),
      );
    }
  }
  return found;
}

/**
 * Draw strokes with a pen: a cell of 2 `height` rows, whose baseline is at 1.5 `height`; the strokes begin at height / 2.
 * @param {number[][][]} strokes points (right, up) in heights of a digit
 * @param {number} height of a digit, in pixels
 * @param {number} thickness in pixels
 * @param {number} shear to the right per pixel up
 * @param {Source} source of the pen's unsteadiness
 * @returns {Cell}
 */
function drawStrokes(strokes, height, thickness, shear, source, width = round(2 * height)) {
  const rows = round(2 * height);
  const nearest = new Float32Array(rows * width).fill(Infinity);
  for (const stroke of strokes) {
    const shake = source.normal(2 * stroke.length);
    let points = stroke.map((point, i) =>
      point.map((value, axis) => value + MODEL.marks.unsteady * shake[2 * i + axis]),
    );
    if (stroke.length > 1 && `${stroke[0]}` === `${stroke.at(-1)}`) points[points.length - 1] = points[0]; // a ring is closed
    if (points.length > 2) points = splined(points);
    points = points.map(([right, up]) => [height * (right + shear * up + 0.5), height * (1.5 - up)]);
    const radius = (thickness / 2) * (points.length === 1 ? MODEL.marks.dot : 1);
    points.slice(0, Math.max(1, points.length - 1)).forEach((from, i) => {
      away(nearest, rows, width, from, points[i + 1] ?? from, radius);
    });
  }
  return {
    ink: new Uint8ClampedArray(nearest.map((far) => 255 * (0.5 - far))),
    width,
    height: rows,
  };
}

/**
 * Lower `nearest` to the distance of each pixel from a stroke's edge, where a line from `a` to `b` is nearer.
 * @param {Float32Array} nearest @param {number} rows @param {number} columns
 * @param {number[]} a @param {number[]} b @param {number} radius
 */
function away(nearest, rows, columns, a, b, radius) {
  const [step, reach] = [[b[0] - a[0], b[1] - a[1]], radius + 2];
  const square = Math.max(1e-6, step[0] ** 2 + step[1] ** 2);
  const first = [0, 1].map((axis) => Math.max(0, Math.floor(Math.min(a[axis], b[axis]) - reach)));
  const last = [0, 1].map((axis) => Math.min([columns, rows][axis], Math.ceil(Math.max(a[axis], b[axis]) + reach)));
  for (let y = first[1]; y < last[1]; y++) {
    for (let x = first[0]; x < last[0]; x++) {
      const [right, down] = [x + 0.5 - a[0], y + 0.5 - a[1]];
      const along = Math.min(1, Math.max(0, (right * step[0] + down * step[1]) / square));
      const far = Math.hypot(right - along * step[0], down - along * step[1]) - radius;
      if (far < nearest[y * columns + x]) nearest[y * columns + x] = far;
    }
  }
}

/** A separator. @param {string} mark @param {number} height @param {number} thickness @param {number} shear @param {Source} source */
function drawMark(mark, height, thickness, shear, source) {
  const { dense, boldest, strokes } = MODEL.marks;
  return drawStrokes(
    strokes[mark],
    height,
    dense.includes(mark) ? Math.min(thickness, boldest * height) : thickness,
    shear,
    source,
  );
}

/**
 * Number the pieces of what is `inside` [rows * columns], joined by sides, or by corners too, from 1; and their sizes.
 * @param {ArrayLike<boolean | number>} inside @param {number} columns @param {boolean} [corners]
 */
function pieces(inside, columns, corners = true) {
  const piece = new Int32Array(inside.length);
  const sizes = [0];
  for (let start = 0; start < inside.length; start++) {
    if (!inside[start] || piece[start]) continue;
    const stack = [start];
    piece[start] = sizes.push(0) - 1;
    while (stack.length) {
      const at = /** @type {number} */ (stack.pop());
      sizes[piece[start]]++;
      for (let down = -1; down <= 1; down++) {
        for (let right = -1; right <= 1; right++) {
          const [column, to] = [(at % columns) + right, at + down * columns + right];
          if ((!corners && down && right) || column < 0 || column >= columns || !inside[to] || piece[to]) continue;
          piece[to] = piece[start];
          stack.push(to);
        }
      }
    }
  }
  return { piece, sizes };
}

/** Crop a cell to its ink without specks, or to one empty pixel; `top` is its first row. @param {Cell} cell @returns {Cell & {top: number}} */
function crop({ ink, width }) {
  const { piece, sizes } = pieces(
    Array.from(ink, (value) => value >= MODEL.layout.ink),
    width,
  );
  if (sizes.length === 1) return { ink: new Uint8Array(1), width: 1, height: 1, top: 0 };
  const least = Math.min(MODEL.layout.speck * sizes.reduce((sum, size) => sum + size), Math.max(...sizes));
  let [left, top, right, bottom] = [width, ink.length, -1, -1];
  piece.forEach((one, at) => {
    if (!one || sizes[one] < least) return;
    const [x, y] = [at % width, Math.floor(at / width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  });
  const [wide, tall] = [right - left + 1, bottom - top + 1];
  const part = new Uint8Array(wide * tall);
  for (let i = 0; i < part.length; i++) {
    const at = (top + Math.floor(i / wide)) * width + left + (i % wide);
    part[i] = !piece[at] || sizes[piece[at]] >= least ? ink[at] : 0;
  }
  return { ink: part, width: wide, height: tall, top };
}
