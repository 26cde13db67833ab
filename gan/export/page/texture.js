"use strict";
// Paper: its textures, to the eye those of gan/digits/texture.py, and pictures of your own.

const MEGAPIXELS = 50; // of a picture of your own, at most

/**
 * @param {number} width
 * @param {number} height
 */
function newPen(width, height, willReadFrequently = false) {
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently });
  if (!pen) throw new Error("There is no memory for a picture of this size");
  return pen;
}

/**
 * A function that gives its last result again for equal arguments.
 * @template {unknown[]} A
 * @template R
 * @param {(...asked: A) => R} make
 * @returns {(...asked: A) => R}
 */
function keepLast(make) {
  /** @type {{asked: A, made: R} | undefined} */
  let last;
  return (...asked) => {
    if (!last || asked.some((one, i) => one !== last?.asked[i])) last = { asked, made: make(...asked) };
    return last.made;
  };
}

/**
 * Random numbers in [0, 1) of a seed (mulberry32).
 * @param {number} seed
 */
function randomOf(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Smooth noise [height, width] of mean 0 and a standard deviation near `strength`: bicubic between random cells.
 * @param {number} width
 * @param {number} height
 * @param {number} cell pixels
 * @param {number} strength
 * @param {() => number} random
 */
function noise(width, height, cell, strength, random) {
  const [columns, rows] = [width, height].map((side) => Math.floor(side / cell) + 4);
  const coarse = new Float32Array(columns * rows);
  for (let i = 0; i < coarse.length; i++) coarse[i] = (random() + random() - 1) * 2.4 * strength;
  return stretched(stretched(coarse, columns, width, cell), rows, height, cell);
}

/**
 * Rows of `from` numbers as columns of `to` (Keys 1981).
 * @param {Float32Array} rows
 * @param {number} from
 * @param {number} to
 * @param {number} cell
 */
function stretched(rows, from, to, cell) {
  const count = rows.length / from;
  const columns = new Float32Array(to * count);
  for (let x = 0; x < to; x++) {
    const at = Math.floor(x / cell);
    const t = x / cell - at;
    const [a, b] = [(-t * (1 - t) ** 2) / 2, (2 - 5 * t ** 2 + 3 * t ** 3) / 2];
    const [c, d] = [(t + 4 * t ** 2 - 3 * t ** 3) / 2, (t ** 3 - t ** 2) / 2];
    for (let y = 0, i = at; y < count; y++, i += from)
      columns[x * count + y] = a * rows[i] + b * rows[i + 1] + c * rows[i + 2] + d * rows[i + 3];
  }
  return columns;
}

/** How much the fibres or smears lighten each pixel, in bytes. */
const lighterBy = keepLast(
  /** @type {(texture: string, width: number, height: number, seed: number) => Int8Array} */
  (texture, width, height, seed) => {
    const [random, unit] = [randomOf(seed), Math.min(width, height) / 500];
    const parts = texture === "grain" ? [1, 0.022, 5, 0.014] : [55, 0.02, 0.9, 0.008];
    const first = noise(width, height, Math.max(1, parts[0] * unit), 255 * parts[1], random);
    const second = noise(width, height, Math.max(1, parts[2] * unit), 255 * parts[3], random);
    return new Int8Array(first.map((value, i) => Math.round(value + second[i])));
  },
);

const paperOf = keepLast(
  /** @type {(paper: string, direction: string, texture: string, line: string, width: number, height: number, seed: number, photo: ImageBitmap | null) => OffscreenCanvas} */
  (paper, direction, texture, line, width, height, seed, photo) => {
    const [pen, length] = [newPen(width, height, true), direction === "down" ? height : width];
    pen.fillStyle = fillOf(pen, paper, direction, 0, length);
    pen.fillRect(0, 0, width, height);
    if (photo) {
      const scale = Math.max(width / photo.width, height / photo.height);
      const [wide, tall] = [photo.width * scale, photo.height * scale];
      pen.imageSmoothingQuality = "high";
      pen.drawImage(photo, (width - wide) / 2, (height - tall) / 2, wide, tall);
    }
    if (texture === "ruled" || texture === "squared") {
      pen.fillStyle = fillOf(pen, line, direction, 0, length);
      rule(pen, width, height, texture === "squared");
    } else if (texture !== "none") {
      const dots = pen.getImageData(0, 0, width, height);
      const lighter = lighterBy(texture, width, height, seed);
      for (let i = 0, { data } = dots; i < lighter.length; i++)
        for (let c = 4 * i; c < 4 * i + 3; c++) data[c] += lighter[i];
      pen.putImageData(dots, 0, 0);
    }
    return pen.canvas;
  },
);

/**
 * Nine lines, or squares, along the shorter side.
 * @param {Pen} pen
 * @param {number} width
 * @param {number} height
 * @param {boolean} isSquared
 */
function rule(pen, width, height, isSquared) {
  const pitch = Math.max(4, Math.round(Math.min(width, height) / 9));
  const thick = Math.max(1, Math.round(pitch / 30));
  pen.globalAlpha = Math.min(1, pitch / 14); // fainter on small pictures
  pen.beginPath();
  for (let y = (height >> 1) % pitch; y < height; y += pitch) pen.rect(0, y, width, thick);
  for (let x = (width >> 1) % pitch; isSquared && x < width; x += pitch) pen.rect(x, 0, thick, height);
  pen.fill();
}

/** Where chalk stays of a path that is placed on a paper: its edges crumble; the digits are `tall` pixels high. */
const chalkOf = keepLast(
  /** @type {(path: Path2D, scale: number, x: number, y: number, tall: number, width: number, height: number, seed: number) => OffscreenCanvas} */
  (path, scale, x, y, tall, width, height, seed) => {
    const [pen, soft, random, unit] = [
      newPen(width, height, true),
      newPen(width, height, true),
      randomOf(seed),
      tall / 400,
    ];
    pen.setTransform(scale, 0, 0, scale, x, y);
    pen.fill(path);
    const less = Math.max(1, 8 * unit); // scaling down and up blurs as a bell of 4 units
    const small = newPen(Math.ceil(width / less), Math.ceil(height / less));
    small.imageSmoothingQuality = "high";
    small.drawImage(pen.canvas, 0, 0, width / less, height / less);
    soft.drawImage(small.canvas, 0, 0, small.canvas.width * less, small.canvas.height * less);
    const blurred = soft.getImageData(0, 0, width, height).data;
    const strength = 0.55 * Math.min(1, 4 * unit); // in small pictures many crumbs make one pixel
    const fine = noise(width, height, Math.max(1, unit), strength, random);
    const coarse = noise(width, height, Math.max(1, 4 * unit), 0.8 * strength, random);
    const dots = pen.getImageData(0, 0, width, height);
    for (let i = 3, { data } = dots; i < data.length; i += 4) {
      if (!data[i]) continue;
      const share = Math.min(Math.max((3 * blurred[i]) / 255 - 1.2 + fine[i >> 2] + coarse[i >> 2], 0), 1);
      data[i] *= share * share * (3 - 2 * share);
    }
    pen.putImageData(dots, 0, 0);
    return pen.canvas;
  },
);

/**
 * Some 2,000 colours of a photo, as layers: single pixels of it do not count.
 * @param {ImageBitmap} photo
 */
function layersOf(photo) {
  const pen = newPen(48, 48);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(photo, 0, 0, 48, 48);
  const { data } = pen.getImageData(0, 0, 48, 48);
  return Array.from({ length: 48 ** 2 }, (_, i) => {
    const [red, green, blue, opacity] = [...data.subarray(4 * i, 4 * i + 4)].map((byte) => byte / 255);
    return [red * opacity, green * opacity, blue * opacity, opacity];
  });
}

/**
 * Width and height in the header of a PNG, GIF, WebP or JPEG; null for other bytes.
 * @param {Uint8Array} bytes
 */
function sizeOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = String.fromCharCode(...bytes.subarray(0, 16));
  if (bytes.length < 30) return null;
  if (name.startsWith("\x89PNG\r\n\x1a\n")) return [view.getUint32(16), view.getUint32(20)];
  if (/^GIF8[79]a/.test(name)) return [view.getUint16(6, true), view.getUint16(8, true)];
  if (/^RIFF....WEBPVP8X/s.test(name)) return [24, 27].map((at) => (view.getUint32(at, true) & 0xffffff) + 1);
  if (/^RIFF....WEBPVP8L/s.test(name))
    return [0, 14].map((shift) => ((view.getUint32(21, true) >> shift) & 0x3fff) + 1);
  if (/^RIFF....WEBPVP8 /s.test(name)) return [26, 28].map((at) => view.getUint16(at, true) & 0x3fff);
  if (!name.startsWith("\xff\xd8\xff")) return null;
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const isFrame = bytes[at + 1] >= 0xc0 && bytes[at + 1] <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(bytes[at + 1]);
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
  }
  return null;
}

/**
 * Decode a picture of the user, at most `most` pixels wide. An error, whose message is one line, for others; what it says
 * of its size is read before decoding, so that a small file cannot fill the memory.
 * @param {File} file
 */
async function openPicture(file, most = 2400) {
  const refuse = (/** @type {string} */ why) => Error(`${file.name || "The picture"} ${why}`);
  if (!file.size) throw refuse("is empty: choose another file");
  const size = sizeOf(new Uint8Array(await file.slice(0, 2 ** 20).arrayBuffer()));
  if (!size?.every(Boolean)) throw refuse("is no PNG, JPEG, WebP or GIF picture: choose one of these");
  const megapixels = Math.ceil((size[0] * size[1]) / 1e6);
  if (megapixels > MEGAPIXELS) throw refuse(`has ${megapixels} megapixels, more than ${MEGAPIXELS}: make it smaller`);
  const resize = size[0] > most ? { resizeWidth: most, resizeQuality: /** @type {const} */ ("high") } : {};
  return createImageBitmap(file, resize).catch(() => Promise.reject(refuse("is damaged: this browser cannot read it")));
}
