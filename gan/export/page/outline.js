"use strict";
// Smooth outlines of ink, nearly those of gan/digits/outline.

const AROUND = 2; // pixels of paper around an image, which close the outline of ink at its border
const SPECK = 6; // points: shorter contours are dropped, shorter holes filled
const BELL = Array.from({ length: 13 }, (_, i) => Math.exp(-(((i - 6) / 2) ** 2) / 2) / 5.01); // standard deviation 2

// A path around the ink of `image` [size, size] in [-1, 1]; its unit is a pixel.
function outline(image, size) {
  const wide = size + 2 * AROUND;
  const ink = new Float32Array(wide * wide);
  for (let i = 0; i < size * size; i++) ink[(Math.floor(i / size) + AROUND) * wide + (i % size) + AROUND] = (image[i] + 1) / 2;
  const half = Math.max(0.1, ...ink) / 2; // of the strongest ink, so that faint digits stay
  const height = sharpened(ink, wide).map((value) => value - half);
  const path = new Path2D();
  for (const contour of contours(height, wide).filter((one) => one.length > SPECK).map(smoothed)) {
    const middle = (i) => [0, 1].map((axis) => (contour.at(i)[axis] + contour[(i + 1) % contour.length][axis]) / 2 + 0.5 - AROUND);
    path.moveTo(...middle(-1));
    contour.forEach(([x, y], i) => path.quadraticCurveTo(x + 0.5 - AROUND, y + 0.5 - AROUND, ...middle(i)));
  }
  return path;
}

// Makes ridges brighter and valleys darker by their curvature, so that thin strokes and gaps survive.
function sharpened(ink, size) {
  return ink.map((value, i) => {
    const bent = (step) => (ink[i + step] ?? 0) - 2 * value + (ink[i - step] ?? 0);
    const [xx, yy, xy] = [bent(1), bent(size), (bent(size + 1) - bent(size - 1)) / 4];
    const [mean, spread] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)];
    const ridge = Math.min(mean - spread, 0);
    return value - 0.4 * (ridge + Math.max(mean + spread + 2 * ridge, 0));
  });
}

// Closed contours [[x, y], ...] where `height` [side, side] is 0, by marching squares; holes run the other way round.
function contours(height, side) {
  const next = new Map(); // from edge to edge of the grid: 2 * i goes from point i to the right, 2 * i + 1 down
  for (let i = 0; i < (side - 1) * side - 1; i++) {
    const inked = [i, i + 1, i + side + 1, i + side].map((corner) => height[corner] > 0);
    const edges = [2 * i, 2 * i + 3, 2 * (i + side), 2 * i + 1];
    const turns = (k, into) => inked[k % 4] !== into && inked[(k + 1) % 4] === into;
    for (let k = 0; k < 4; k++) if (turns(k, false)) next.set(edges[k], edges[[k + 1, k + 2, k + 3].find((one) => turns(one, true)) % 4]);
  }
  return [...next.keys()].map((edge) => {
    const contour = [];
    for (let to; (to = next.get(edge)) !== undefined; next.delete(edge), edge = to) {
      const [i, down] = [edge >> 1, edge & 1];
      const share = height[i] / (height[i] - height[i + (down ? side : 1)]);
      contour.push([(i % side) + (1 - down) * share, Math.floor(i / side) + down * share]);
    }
    return contour;
  });
}

// A contour without its stairs. Against shrinking, the smoothed residual is added (Tukey 1977, "twicing").
function smoothed(contour) {
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path"); // the browser finds its points, one every half pixel
  line.setAttribute("d", `M${contour.join("L")}Z`);
  const even = Array.from({ length: Math.ceil(2 * line.getTotalLength()) }, (_, i) => line.getPointAtLength(i / 2)).map(({ x, y }) => [x, y]);
  const soft = (points) => points.map((_, i) => [0, 1].map((axis) => BELL.reduce((sum, share, k) => sum + share * points.at((i + k - 6) % points.length)[axis], 0)));
  const once = soft(even);
  const rest = soft(even.map(([x, y], i) => [x - once[i][0], y - once[i][1]]));
  return once.map(([x, y], i) => [x + rest[i][0], y + rest[i][1]]);
}
