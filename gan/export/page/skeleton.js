"use strict";
// Single strokes in the middle of the ink: for plotters, and to watch it being written.

/** @typedef {number[][]} Stroke  points [x, y] in the picture's pixels, from start to end; one point is a dot */
/** @typedef {{points: number[][], nodes: number[]}} Edge  points on the grid; the node at its first and at its last */

const GRID = 3; // skeletons are found on a grid this many times finer than the pixels

/** @type {(a: number[], b: number[]) => number} */
const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
/** @type {(points: number[][]) => number} */
const lengthOf = (points) => points.reduce((sum, point, i) => sum + (i ? distance(point, points[i - 1]) : 0), 0);
/** @type {(points: number[][]) => number[]} */
const middleOf = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);

/** The strokes of a picture, box by box, and the thickness of their ink, in pixels.
 * @type {(picture: Picture) => {strokes: Stroke[], thickness: number}} */
const strokesOf = (picture) => {
  const [wide, tall] = [GRID * picture.width + 2, GRID * picture.height + 2];
  const pen = newPen(wide, tall, true);
  pen.setTransform(GRID, 0, 0, GRID, 1, 1);
  pen.fill(inkOf(picture).path);
  const { data } = pen.getImageData(0, 0, wide, tall);
  const isInside = (/** @type {number} */ i) =>
    i % wide > 0 && i % wide < wide - 1 && i > wide && i < wide * (tall - 1);
  const solid = new Uint8Array(wide * tall).map((_, i) => Number(isInside(i) && data[4 * i + 3] > 50));
  const skeleton = thin(solid.slice(), wide);
  const count = (/** @type {Uint8Array} */ ink) => ink.reduce((sum, one) => sum + one, 0);
  const thick = count(solid) / (1.1 * count(skeleton) || 1); // a step aslant is longer than a pixel
  const { edges, nodes } = edgesOf(skeleton, wide);
  const lines = nodes.filter((_, i) => edges.every((edge) => !edge.nodes.includes(i))).map((dot) => [dot]);
  prune(edges, nodes, (node) => {
    const ring = Array.from({ length: 16 }, (_, k) => [Math.cos(k), Math.sin(k)]);
    for (let r = 1; ; r++)
      if (ring.some(([x, y]) => !solid[Math.round(nodes[node][1] + r * y) * wide + Math.round(nodes[node][0] + r * x)]))
        return r;
  });
  nodes.forEach((centre, node) => join(edges, node, centre, thick));
  lines.push(...edges.map(({ points }) => points));
  const strokes = lines.map((line) => smooth(line, thick));
  for (const stroke of strokes.filter((one) => one.length > 1 && distance(one[0], one[one.length - 1]) > 0)) {
    const others = strokes.filter((one) => one !== stroke).flat();
    for (const end of [stroke[0], stroke[stroke.length - 1]]) {
      const near = others.filter((point) => distance(point, end) < thick / GRID);
      const [touched] = near.sort((a, b) => distance(a, end) - distance(b, end));
      if (touched) stroke.splice(end === stroke[0] ? 0 : stroke.length, 0, touched);
    }
  }
  const homes = picture.boxes.map(({ x, y, width, height }) => [x + width / 2, y + height / 2]);
  const placed = strokes.map((stroke) => {
    const away = homes.map((home) => distance(home, middleOf(stroke)));
    return { stroke: direct(stroke), home: away.indexOf(Math.min(...away)) };
  });
  placed.sort((a, b) => a.home - b.home || a.stroke[0][1] - b.stroke[0][1]);
  return { strokes: placed.map(({ stroke }) => stroke), thickness: thick / GRID };
};

/** Steps to the neighbours of a pixel, from the north clockwise. @type {(wide: number) => number[]} */
const stepsOf = (wide) => [-wide, 1 - wide, 1, 1 + wide, wide, wide - 1, -1, -1 - wide];
/** @type {(ink: Uint8Array) => number[]} */
const inkedOf = (ink) => [...ink.keys()].filter((i) => ink[i]);

/** Thin ink, 0 or 1, to lines that are a pixel wide (Zhang & Suen 1984).
 * @type {(ink: Uint8Array, wide: number) => Uint8Array} */
const thin = (ink, wide) => {
  const steps = stepsOf(wide);
  /** @type {(i: number, pass: number) => boolean} */
  const isSpare = (i, pass) => {
    const ring = steps.map((step) => ink[i + step]);
    const [n, ne, e, , s, , w] = ring;
    const count = ring.reduce((sum, one) => sum + one, 0);
    ring.push(n, ne);
    // Whether what lies around it stays connected without it.
    if (pass === 2)
      return count > 1 && [0, 2, 4, 6].filter((k) => !ring[k] && (ring[k + 1] || ring[k + 2])).length === 1;
    if (pass === 0 ? e && s && (n || w) : n && w && (e || s)) return false;
    return count > 1 && count < 7 && steps.filter((_, k) => !ring[k] && ring[k + 1]).length === 1;
  };
  let left = inkedOf(ink);
  for (let before = Infinity; left.length < before; ) {
    before = left.length;
    for (const pass of [0, 1]) {
      for (const i of left.filter((one) => isSpare(one, pass))) ink[i] = Number(!steps.some((step) => ink[i + step]));
      left = left.filter((i) => ink[i]);
    }
  }
  for (const i of left) if (isSpare(i, 2)) ink[i] = 0; // steps of stairs
  return ink;
};

/** The graph of a skeleton: the places of its nodes, ends and crossings, and its edges. A ring has one node.
 * @type {(ink: Uint8Array, wide: number) => {edges: Edge[], nodes: number[][]}} */
const edgesOf = (ink, wide) => {
  const near = (/** @type {number} */ i) =>
    stepsOf(wide)
      .map((step) => i + step)
      .filter((one) => ink[one]);
  const place = (/** @type {number} */ i) => [i % wide, Math.floor(i / wide)];
  const homes = new Map(); // of pixels: their node, null on an edge
  const [edges, nodes] = [/** @type {Edge[]} */ ([]), /** @type {number[][]} */ ([])];
  const grow = (/** @type {number} */ start) => {
    const cluster = new Set([start]);
    for (const pixel of cluster) for (const one of near(pixel)) if (near(one).length !== 2) cluster.add(one);
    for (const pixel of cluster) homes.set(pixel, nodes.length);
    nodes.push(middleOf([...cluster].map(place)));
  };
  const follow = (/** @type {number} */ from, /** @type {number} */ start) => {
    const points = [place(from)];
    let [before, at] = [from, start];
    while (!homes.has(at)) {
      homes.set(at, null);
      points.push(place(at));
      [before, at] = [at, near(at).find((one) => one !== before) ?? before];
    }
    edges.push({ points: [...points, place(at)], nodes: [homes.get(from), homes.get(at)] });
  };
  for (const i of inkedOf(ink)) if (near(i).length !== 2 && !homes.has(i)) grow(i);
  for (const i of [...homes.keys()]) for (const one of near(i)) if (!homes.has(one)) follow(i, one);
  for (const i of inkedOf(ink)) {
    if (homes.has(i)) continue;
    grow(i);
    follow(i, near(i)[0]);
  }
  return { edges, nodes };
};

/** Leave out short edges, which come from thinning: loose ends, and those inside of a crossing, which becomes one node.
 * `radius` is that of the ink at a node.
 * @type {(edges: Edge[], nodes: number[][], radius: (node: number) => number) => void} */
const prune = (edges, nodes, radius) => {
  const degree = (/** @type {number} */ node) =>
    edges.flatMap((edge) => edge.nodes).filter((one) => one === node).length;
  for (const edge of edges.slice().sort((a, b) => a.points.length - b.points.length)) {
    const [low, high] = edge.nodes.slice().sort((a, b) => degree(a) - degree(b));
    const length = lengthOf(edge.points);
    const isSpur = degree(low) === 1 && degree(high) > 2 && length < 1.5 * radius(high);
    const isInside = degree(low) > 2 && length < 1.5 * Math.max(radius(low), radius(high));
    if (isSpur || isInside) edges.splice(edges.indexOf(edge), 1);
    if (!isInside) continue;
    nodes[high] = middleOf([nodes[low], nodes[high]]);
    for (const one of edges) one.nodes = one.nodes.map((node) => (node === low ? high : node));
  }
};

/** Join edges at a node: the straightest pairs first, and a sharp turn only where there is no other way.
 * @type {(edges: Edge[], node: number, centre: number[], thick: number) => void} */
const join = (edges, node, centre, thick) => {
  for (let count = 0; ; ) {
    const ends = edges.flatMap((edge) =>
      [0, 1]
        .filter((side) => edge.nodes[side] === node)
        .map((side) => {
          const points = edge.points.filter((point) => distance(point, centre) > 0.7 * thick);
          if (!points.length) points.push(middleOf(edge.points));
          if (side) points.reverse(); // away from the node
          const [x, y] = points[Math.min(points.length - 1, Math.round(thick / 2))];
          return { edge, side, points, angle: Math.atan2(y - centre[1], x - centre[0]) };
        }),
    );
    const pairs = ends.flatMap((a, i) => ends.slice(0, i).map((b) => ({ a, b, bend: Math.cos(a.angle - b.angle) })));
    const [best] = pairs.sort((one, other) => one.bend - other.bend);
    count ||= ends.length;
    if (!best || (best.bend > -0.3 && count > 2)) {
      for (const { edge, side, points } of ends)
        edge.points = side ? [...points.reverse(), centre] : [centre, ...points];
      return;
    }
    const { a, b } = best;
    const isRing = a.edge === b.edge;
    if (!isRing) edges.splice(edges.indexOf(b.edge), 1);
    a.edge.nodes = isRing ? [-1, -1] : [a.edge.nodes[1 - a.side], b.edge.nodes[1 - b.side]];
    a.edge.points = isRing ? [...a.points, a.points[0]] : [...a.points.reverse(), ...b.points];
  }
};

/** A line on the fine grid without its steps, as points about a pixel apart, in pixels.
 * @type {(line: number[][], thick: number) => Stroke} */
const smooth = (line, thick) => {
  const isRing = line.length > 1 && line[0] === line[line.length - 1];
  const mix = (/** @type {number[]} */ a, /** @type {number[]} */ b, /** @type {number} */ share) =>
    a.map((at, axis) => at + share * (b[axis] - at));
  let even = line.slice(1).flatMap((to, k) => {
    const steps = Math.max(1, Math.round(distance(line[k], to)));
    return Array.from({ length: steps }, (_, i) => mix(line[k], to, i / steps));
  });
  if (!isRing) even.push(line[line.length - 1]);
  for (let pass = 0; pass < 2 * thick; pass++)
    even = even.map((point, i, from) => {
      const [before, after] = isRing ? [from.at(i - 1), from[(i + 1) % from.length]] : [from[i - 1], from[i + 1]];
      return before && after ? mix(point, mix(before, after, 0.5), 0.5) : point;
    });
  const sparse = even.filter((_, i) => i % GRID === 0 || (!isRing && i === even.length - 1));
  if (isRing) sparse.push(sparse[0]);
  return sparse.map((point) => point.map((at) => (at - 0.5) / GRID));
};

/** A stroke as one writes it: from its upper left end; a ring from its top, to the left.
 * @type {(stroke: Stroke) => Stroke} */
const direct = (stroke) => {
  const n = stroke.length - 1;
  const rank = (/** @type {number[]} */ point) => point[1] + point[0] / 2;
  if (!n || distance(stroke[0], stroke[n]) > 0) return rank(stroke[0]) > rank(stroke[n]) ? stroke.reverse() : stroke;
  const top = stroke.reduce((best, [, y], i) => (y < stroke[best][1] ? i : best), 0);
  const turned = [...stroke.slice(top, n), ...stroke.slice(0, top + 1)];
  const ahead = Math.ceil(n / 8);
  return turned[ahead][0] > turned[n - ahead][0] ? turned.reverse() : turned;
};

/** What a pen has written of strokes after a share of its way, for paint's `reveal`.
 * @type {(found: {strokes: Stroke[], thickness: number}, share: number) => (pen: Pen) => void} */
const writtenOf = ({ strokes, thickness }, share) => {
  const hop = 2 * thickness; // between strokes
  const length = strokes.reduce((sum, stroke) => sum + lengthOf(stroke) + hop, 0);
  return (pen) => {
    [pen.lineWidth, pen.lineCap, pen.lineJoin] = [2 * thickness, "round", "round"];
    pen.beginPath();
    let left = share * length;
    for (const stroke of strokes) {
      if (left <= 0) break;
      pen.moveTo(stroke[0][0] - 0.01, stroke[0][1]); // so that a dot is drawn
      pen.lineTo(stroke[0][0], stroke[0][1]);
      for (let i = 1; i < stroke.length && left > 0; i++) {
        const [[x, y], step] = [stroke[i - 1], distance(stroke[i - 1], stroke[i])];
        const part = Math.min(1, left / step);
        pen.lineTo(x + part * (stroke[i][0] - x), y + part * (stroke[i][1] - y));
        left -= step;
      }
      left -= hop;
    }
    pen.stroke();
  };
};

/** An SVG of strokes for plotters: each is a path without fill, in writing order.
 * @type {(picture: Picture, colour: string, text: Metadata) => string} */
const strokesSvg = (picture, colour, text) => {
  const { strokes, thickness } = strokesOf(picture);
  const paths = strokes.map((stroke) => {
    const bends = stroke.slice(1, -1).flatMap((point, i) => [point, middleOf([point, stroke[i + 2]])]);
    const [start, ...points] = [stroke[0], ...bends].map((point) => point.map((at) => +at.toFixed(2)).join(" "));
    const curve = points.length ? `Q${points.join(" ")}` : "";
    return `<path d="M${start}${curve}L${stroke[stroke.length - 1].map((at) => +at.toFixed(2)).join(" ")}"/>`;
  });
  const pen = `fill="none" stroke="${colour}" stroke-width="${thickness.toFixed(2)}"`;
  return toSvg(picture, text, `<g ${pen} stroke-linecap="round" stroke-linejoin="round">\n${paths.join("\n")}\n</g>`);
};
