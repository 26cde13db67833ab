"use strict";
// Paper: its textures, to the eye those of gan/digits/texture.py, and pictures of your own.

const MEGAPIXELS = 50; // of a picture of your own, at most

/** @type {(width: number, height: number, isRead?: boolean) => OffscreenCanvasRenderingContext2D} */
const newPen = (width, height, isRead = false) => {
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: isRead });
  if (!pen) throw new Error("There is no memory for a picture of this size");
  return pen;
};

/** A function that gives its last result again for equal arguments.
 * @template {unknown[]} A
 * @template R
 * @param {(...asked: A) => R} make
 * @returns {(...asked: A) => R} */
function keepLast(make) {
  /** @type {{asked: A, made: R} | undefined} */
  let last;
  return (...asked) => {
    if (!last || asked.some((one, i) => one !== last?.asked[i])) last = { asked, made: make(...asked) };
    return last.made;
  };
}

/** Random numbers in [0, 1) of a seed (mulberry32).
 * @type {(seed: number) => () => number} */
const randomOf = (seed) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Smooth noise [height, width], its standard deviation near `strength`: bicubic between random numbers, a cell each.
 * @type {(width: number, height: number, cell: number, strength: number, random: () => number) => Float32Array} */
const noise = (width, height, cell, strength, random) => {
  const side = Math.max(1, cell);
  const [columns, rows] = [Math.floor(width / side) + 4, Math.floor(height / side) + 4];
  const coarse = new Float32Array(columns * rows).map(() => (random() + random() - 1) * 2.4 * strength);
  return stretched(stretched(coarse, columns, width, side), rows, height, side);
};

/** Rows of `from` numbers as columns of `to` (Keys 1981).
 * @type {(rows: Float32Array, from: number, to: number, cell: number) => Float32Array} */
const stretched = (rows, from, to, cell) => {
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
};

/** How much fibres or smears lighten each pixel, in bytes.
 * @type {(texture: string, width: number, height: number, seed: number) => Int8Array} */
const lighterBy = keepLast((texture, width, height, seed) => {
  const [random, unit] = [randomOf(seed), Math.min(width, height) / 500];
  const [cell, strength, other, less] = texture === "grain" ? [1, 0.022, 5, 0.014] : [55, 0.02, 0.9, 0.008];
  const first = noise(width, height, cell * unit, 255 * strength, random);
  const second = noise(width, height, other * unit, 255 * less, random);
  return new Int8Array(first.map((value, i) => Math.round(value + second[i])));
});

/** Paper of `look`, of width x height pixels; lines are nine, or squares, along the shorter side.
 * @type {(look: string, width: number, height: number, seed: number, photo: ImageBitmap | null) => OffscreenCanvas} */
const paperOf = keepLast((look, width, height, seed, photo) => {
  const [paper, line, direction, texture] = look.split("|");
  const [pen, length] = [newPen(width, height, true), direction === "down" ? height : width];
  pen.fillStyle = fillOf(pen, paper, direction, 0, length);
  pen.fillRect(0, 0, width, height);
  if (photo) {
    const scale = Math.max(width / photo.width, height / photo.height);
    pen.setTransform(scale, 0, 0, scale, (width - photo.width * scale) / 2, (height - photo.height * scale) / 2);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(photo, 0, 0);
    pen.resetTransform();
  }
  if (texture === "ruled" || texture === "squared") {
    const pitch = Math.max(4, Math.round(Math.min(width, height) / 9));
    const thick = Math.max(1, Math.round(pitch / 30));
    pen.fillStyle = fillOf(pen, line, direction, 0, length);
    pen.globalAlpha = Math.min(1, pitch / 14); // fainter on small pictures
    for (let y = (height >> 1) % pitch; y < height; y += pitch) pen.rect(0, y, width, thick);
    for (let x = (width >> 1) % pitch; texture === "squared" && x < width; x += pitch) pen.rect(x, 0, thick, height);
    pen.fill();
  } else if (texture !== "none") {
    const dots = pen.getImageData(0, 0, width, height);
    const lighter = lighterBy(texture, width, height, seed);
    for (let i = 0, { data } = dots; i < lighter.length; i++)
      for (let c = 4 * i; c < 4 * i + 3; c++) data[c] += lighter[i];
    pen.putImageData(dots, 0, 0);
  }
  return pen.canvas;
});

/** What chalk leaves of a path on paper: its edges crumble. `tall`: pixels of the digits.
 * @type {(path: Path2D, tall: number, place: string, width: number, height: number, at: number) => OffscreenCanvas} */
const chalkOf = keepLast((path, tall, place, width, height, seed) => {
  const [scale, x, y] = place.split(" ").map(Number);
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
  const fine = noise(width, height, unit, strength, random);
  const coarse = noise(width, height, 4 * unit, 0.8 * strength, random);
  const dots = pen.getImageData(0, 0, width, height);
  for (let i = 3, { data } = dots; i < data.length; i += 4) {
    const share = Math.min(Math.max((3 * blurred[i]) / 255 - 1.2 + fine[i >> 2] + coarse[i >> 2], 0), 1);
    data[i] *= share * share * (3 - 2 * share);
  }
  pen.putImageData(dots, 0, 0);
  return pen.canvas;
});

/** Width and height in the header of a PNG, GIF, WebP or JPEG; null for other bytes.
 * @type {(bytes: Uint8Array) => number[] | null} */
const sizeOf = (bytes) => {
  const view = new DataView(bytes.buffer);
  const name = String.fromCharCode(...bytes.subarray(0, 16));
  if (bytes.length < 30) return null;
  if (name.startsWith("\x89PNG\r\n\x1a\n")) return [view.getUint32(16), view.getUint32(20)];
  if (/^GIF8[79]a/.test(name)) return [view.getUint16(6, true), view.getUint16(8, true)];
  if (/^RIFF....WEBPVP8X/s.test(name)) return [24, 27].map((at) => (view.getUint32(at, true) & 0xffffff) + 1);
  if (/^RIFF....WEBPVP8L/s.test(name)) return [0, 14].map((by) => ((view.getUint32(21, true) >> by) & 0x3fff) + 1);
  if (/^RIFF....WEBPVP8 /s.test(name)) return [26, 28].map((at) => view.getUint16(at, true) & 0x3fff);
  for (let at = 2; /^\xff\xd8/.test(name) && at + 9 < bytes.length; at += 2 + view.getUint16(at + 2))
    if (bytes[at + 1] >> 4 === 0xc && ![0xc4, 0xc8, 0xcc].includes(bytes[at + 1]))
      return [view.getUint16(at + 7), view.getUint16(at + 5)];
  return null;
};

/** Decode a picture of the user, at most `most` pixels wide. Others are an error of one line. The size that a file
 * claims is looked at before decoding, so that a small file cannot fill the memory.
 * @type {(file: File, most?: number) => Promise<ImageBitmap>} */
const openPicture = async (file, most = 2400) => {
  const refuse = (/** @type {string} */ why) => Error(`${file.name || "The picture"} ${why}`);
  if (!file.size) throw refuse("is empty: choose another file");
  const size = sizeOf(new Uint8Array(await file.slice(0, 2 ** 20).arrayBuffer()));
  if (!size?.every(Boolean)) throw refuse("is no PNG, JPEG, WebP or GIF picture: choose one of these");
  const megapixels = Math.ceil((size[0] * size[1]) / 1e6);
  if (megapixels > MEGAPIXELS) throw refuse(`has ${megapixels} megapixels, more than ${MEGAPIXELS}: make it smaller`);
  const resize = size[0] > most ? { resizeWidth: most, resizeQuality: /** @type {const} */ ("high") } : {};
  return createImageBitmap(file, resize).catch(() => Promise.reject(refuse("is damaged: this browser cannot read it")));
};
